//! The day that is measured with: generated or recorded, as frames in memory.

use crate::frames::{Frames, Packer, Packing};
use crate::{Context, DaySource};
use anyhow::{Context as _, Result, bail};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tercel_exchange::lobster;
use tercel_market::{Day, DayConfig};
use tercel_net::pcap::PcapSource;
use tercel_proto::itch::{self, Message};
use tercel_proto::{binary_file, eth, ip, mold, udp};
use tercel_types::{InstrumentId, Nanos, Symbol};

/// Messages that the venue sent within this time of each other share a packet. With it the
/// generated day has somewhat fewer than three messages a packet.
pub const PACKET_SPAN: Nanos = Nanos(1_000);

/// Messages of a day in a quick run, at most.
const QUICK_MESSAGES: u64 = 300_000;

/// A day in memory.
#[derive(Debug)]
pub struct MarketDay {
    /// Line A.
    pub frames: Frames,
    /// Every instrument that the directory names, the one with the most messages first.
    pub by_activity: Vec<Listed>,
    /// The highest stock locate.
    pub locate_max: u16,
    /// Orders resting at one time at most, where that is known.
    pub resting_max: Option<u32>,
    /// Where it comes from, in words.
    pub name: String,
}

/// An instrument of a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Its symbol.
    pub symbol: Symbol,
    /// Its stock locate.
    pub id: InstrumentId,
    /// How many messages are about it.
    pub messages: u64,
}

type Cached = Option<(DaySource, u64, Arc<MarketDay>)>;

/// The day that was asked for last: generating and packing one takes seconds, and the suites of a
/// run share it.
static LAST: Mutex<Cached> = Mutex::new(None);

impl MarketDay {
    /// The day of a run.
    ///
    /// # Errors
    /// When there can be no such day, or its file cannot be read.
    pub fn of(context: &Context) -> Result<Arc<MarketDay>> {
        let source = match &context.day {
            DaySource::Generated { instruments, messages, resting } if context.quick => {
                let least = DayConfig::messages_min(*instruments);
                let messages = (*messages).min(QUICK_MESSAGES).max(least);
                DaySource::Generated { instruments: *instruments, messages, resting: *resting }
            }
            source => source.clone(),
        };
        // What a panic left half done was not put there.
        let mut last = LAST.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((of, seed, day)) = &*last
            && (of, *seed) == (&source, context.seed)
        {
            return Ok(day.clone());
        }
        // The memory of the one before is given back first.
        *last = None;
        let day = match &source {
            DaySource::Generated { instruments, messages, resting } => {
                MarketDay::generated(context, *instruments, *messages, *resting)?
            }
            DaySource::File(path) => MarketDay::recorded(path)?,
        };
        let day = Arc::new(day);
        *last = Some((source, context.seed, day.clone()));
        Ok(day)
    }

    /// A generated day of the run's seed, which is not kept.
    ///
    /// # Errors
    /// When there can be no such day.
    pub fn generated(
        context: &Context,
        instruments: u16,
        messages: u64,
        resting: u32,
    ) -> Result<MarketDay> {
        let config = DayConfig { seed: context.seed, instruments, messages, resting_max: resting };
        let mut day = Day::new(&config)?;
        context.progress.start("generating the day", messages);
        let mut maker = Maker::new(messages);
        let (mut resting_max, mut made) = (0, 0);
        while let Some(message) = day.next_message() {
            maker.push(message);
            resting_max = resting_max.max(day.resting());
            made += 1;
            if made % 65_536 == 0 {
                context.progress.tick(65_536);
            }
        }
        context.progress.done();
        let name = format!("generated: {instruments} instruments, seed {}", context.seed);
        let mut day = maker.finish(name);
        day.resting_max = u32::try_from(resting_max).ok();
        Ok(day)
    }

    /// A recorded day: an ITCH file, a classic capture with MoldUDP64 packets, or a LOBSTER message
    /// file (`.csv`, `.csv.gz`).
    ///
    /// # Errors
    /// When the file cannot be read or has no messages.
    pub fn recorded(path: &Path) -> Result<MarketDay> {
        let name = path.display().to_string();
        let mut maker = Maker::new(0);
        read(path, &mut maker).with_context(|| name.clone())?;
        let day = maker.finish(format!("recorded: {name}"));
        if day.frames.is_empty() {
            bail!("{name} has no ITCH message");
        }
        Ok(day)
    }

    /// What it is, for the notes of a report.
    pub fn about(&self) -> String {
        let messages = self.frames.messages();
        let each = messages as f64 / self.frames.len() as f64;
        let resting = self.resting_max.map_or(String::new(), |n| format!(", {n} orders resting"));
        let listed = self.by_activity.len();
        format!("{}; {messages} messages, {each:.2} a packet, {listed} listed{resting}", self.name)
    }
}

/// Makes a day of messages.
struct Maker {
    packer: Packer,
    /// Messages, and symbol, of each stock locate.
    counts: Vec<u64>,
    symbols: Vec<Option<Symbol>>,
}

impl Maker {
    fn new(messages: u64) -> Maker {
        let locates = usize::from(u16::MAX) + 1;
        Maker {
            packer: Packer::new(Packing::Within(PACKET_SPAN), 0, messages),
            counts: vec![0; locates],
            symbols: vec![None; locates],
        }
    }

    fn push(&mut self, message: &[u8]) {
        let Ok(parsed) = itch::parse(message) else { return };
        let header = parsed.header();
        let id = header.instrument();
        self.counts[id.index()] += 1;
        if let Message::StockDirectory(directory) = parsed {
            self.symbols[id.index()] = Some(Symbol(directory.stock));
        }
        self.packer.push(message, header.time());
    }

    fn finish(self, name: String) -> MarketDay {
        let listed = |(at, symbol): (usize, &Option<Symbol>)| {
            let id = InstrumentId(at as u16); // one of 65,536
            symbol.map(|symbol| Listed { symbol, id, messages: self.counts[at] })
        };
        let mut by_activity: Vec<Listed> =
            self.symbols.iter().enumerate().filter_map(listed).collect();
        by_activity.sort_by_key(|one| (std::cmp::Reverse(one.messages), one.id.0));
        let highest = self.counts.iter().rposition(|count| *count > 0).unwrap_or(0);
        MarketDay {
            frames: self.packer.finish(),
            by_activity,
            locate_max: highest as u16,
            resting_max: None,
            name,
        }
    }
}

fn read(path: &Path, maker: &mut Maker) -> Result<()> {
    let file = path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    if file.ends_with(".csv") || file.ends_with(".csv.gz") {
        return read_lobster(path, &file, maker);
    }
    let mut bytes = Vec::new();
    // Through gzip where the name says so, whatever is in it.
    lobster::open(path)?.read_to_end(&mut bytes)?;
    match PcapSource::new(&bytes[..]) {
        Ok(mut source) => {
            while let Some(frame) = source.next_frame()? {
                read_frame(frame.bytes, maker);
            }
        }
        Err(_) => {
            for message in binary_file::Messages::new(&bytes) {
                maker.push(message?);
            }
        }
    }
    Ok(())
}

/// The messages of a frame as one packet. Recorded headers are not checked again: some captures
/// have no checksums. Other frames are passed over.
fn read_frame(bytes: &[u8], maker: &mut Maker) {
    let Ok(packet) = eth::ipv4(bytes).and_then(ip::parse_unverified) else { return };
    if packet.protocol != ip::PROTOCOL_UDP {
        return;
    }
    let Ok(datagram) = udp::parse(packet.payload, packet.src, packet.dst) else { return };
    let Ok(packet) = mold::Packet::new_checked(datagram.payload) else { return };
    for message in packet.messages() {
        maker.push(message);
    }
    maker.packer.flush();
}

/// LOBSTER names its files by symbol, day and times.
fn read_lobster(path: &Path, file: &str, maker: &mut Maker) -> Result<()> {
    let name = file.split('_').next().unwrap_or(file);
    let symbol = Symbol::new(name).with_context(|| format!("{name} is no symbol"))?;
    let rows = lobster::read_messages(lobster::open(path)?).collect::<Result<Vec<_>, _>>()?;
    let config = lobster::ConverterConfig { symbol, instrument: InstrumentId(1), round_lot: 100 };
    lobster::Converter::convert(config, &rows, &mut |_, message| maker.push(message));
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Progress;

    /// A run over a small day.
    pub(crate) fn context(instruments: u16, messages: u64) -> Context {
        let day = DaySource::Generated { instruments, messages, resting: 5_000 };
        Context { quick: true, seed: 3, day, rate: None, cores: None, progress: Progress::silent() }
    }

    #[test]
    fn a_generated_day_is_whole_and_kept() {
        let context = context(40, 20_000);
        let day = MarketDay::of(&context).unwrap();
        assert_eq!(day.frames.messages(), 20_000);
        assert_eq!((day.by_activity.len(), day.locate_max), (40, 40));
        assert!(day.by_activity.is_sorted_by(|a, b| a.messages >= b.messages));
        assert!(day.resting_max.is_some_and(|most| (100..=5_000).contains(&most)));
        let sum: u64 = day.by_activity.iter().map(|one| one.messages).sum();
        assert!(sum > 19_000 && sum <= 20_000, "{sum}");
        assert!(day.about().contains("20000 messages"), "{}", day.about());
    }

    #[test]
    fn a_file_is_the_day_it_was_written_from() {
        let context = context(5, 3_000);
        let day = MarketDay::generated(&context, 5, 3_000, 500).unwrap();
        let mut bytes = Vec::new();
        for message in day.frames.messages_in(0..day.frames.len()) {
            assert!(binary_file::write(&mut bytes, message));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("day.itch");
        std::fs::write(&path, &bytes).unwrap();
        let read = MarketDay::recorded(&path).unwrap();
        assert_eq!(read.frames.len(), day.frames.len());
        assert!((0..day.frames.len()).all(|at| read.frames.bytes(at) == day.frames.bytes(at)));
        assert_eq!(read.by_activity, day.by_activity);
        std::fs::write(&path, b"something else").unwrap();
        assert!(MarketDay::recorded(&path).is_err());
        std::fs::write(&path, b"").unwrap();
        assert!(MarketDay::recorded(&path).is_err());
    }

    #[test]
    fn recorded_data_can_be_read() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
        let data = std::env::var_os("TERCEL_DATA").map_or(data, Into::into);
        let files = [
            ("lobster/AAPL_2012-06-21_message_50.csv.gz", 90_000),
            ("nasdaq-itch50/20191230-first-1000-messages.itch50", 1_000),
            (
                "nasdaq-pcaps/Nasdaq.Equities.TotalView.Itch.v5.0/\
                 AddOrderNoMpidAttributionMessage.pcap",
                1,
            ),
        ];
        for (file, least) in files {
            let path = data.join(file);
            if !path.exists() {
                println!("skipped: no recorded data at {}", path.display());
                continue;
            }
            let day = MarketDay::recorded(&path).unwrap();
            assert!(day.frames.messages() >= least, "{}", day.about());
        }
    }
}
