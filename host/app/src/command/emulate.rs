//! `tercel emulate`: a feed card in a process of its own.

use crate::cli::EmulateArgs;
use crate::pace::{Idle, Pace};
use crate::recording::{Recording, progress};
use crate::report::grouped;
use crate::signals::Signals;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::io::BufRead;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tercel_abi::{FeedDevice, device, line_register};
use tercel_emulator::SharedCard;
use tercel_net::clock::HostClock;
use tercel_net::pcap::PcapSource;
use tercel_net::udp::{UdpConfig, UdpSource};
use tercel_proto::eth;
use tercel_types::{Clock, FrameSource, Nanos};

/// Frames taken between two looks at the registers.
const BATCH: usize = 32;
/// Frames of a capture that are enough to hear its session, and the wait before the next try.
const PREVIEW: usize = 64;
const PREVIEW_PAUSE: Duration = Duration::from_millis(20);
/// Busy threads of a host, a card and a venue on one machine.
const BUSY_THREADS: usize = 3;
/// Socket buffer asked for: the card's wire never waits, so the sockets must not lose much.
const RECEIVE_BUFFER: usize = 16 << 20;

/// Runs it.
pub(crate) fn run(args: &EmulateArgs, signals: &Signals) -> Result<()> {
    let clock = HostClock::new();
    let wire = match &args.file {
        Some(file) => Wire::Capture(Capture::open(file)?),
        None => Wire::Network { source: None, interface: args.interface },
    };
    let base = wire.time_base(clock.now());
    let bytes = usize::try_from(args.memory_mib << 20).context("--memory-mib")?;
    #[cfg(feature = "cosim")]
    if args.rtl {
        let rtl = tercel_cosim::Rtl::new(tercel_cosim::Wire::default());
        let card = SharedCard::with_device(&args.card, bytes, base.0, rtl)?;
        return serve(args, signals, card, wire, base);
    }
    serve(args, signals, SharedCard::create(&args.card, bytes, base.0)?, wire, base)
}

/// Drives the card until a signal.
fn serve<D: FeedDevice>(
    args: &EmulateArgs,
    signals: &Signals,
    mut card: SharedCard<D>,
    mut wire: Wire,
    base: Nanos,
) -> Result<()> {
    let clock = HostClock::new();
    announce(args)?;
    let mut idle = Idle::new(Pace::for_cores(cores(), BUSY_THREADS));
    let mut lines = [None; 2];
    let mut frames = 0u64;
    while signals.count() == 0 {
        card.run_once(clock.now().0.wrapping_sub(base.0));
        let now = addresses(&mut card);
        if now != lines {
            lines = now;
            wire.join(lines)?;
        }
        wire.rewind_until(knows_session(&mut card))?;
        let room = if wire.waits() { card.room() } else { BATCH };
        let work = match lines {
            [None, None] => 0,
            _ => wire.poll(room.min(BATCH), |bytes, received| {
                let line = usize::from(lines[1].is_some() && destination(bytes) == lines[1]);
                card.rx_frame(line, bytes, true, received.0.wrapping_sub(base.0));
            })?,
        };
        frames += work as u64;
        idle.after(work);
    }
    conclude(args, &mut card, frames)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What the host has configured while the card runs.
fn addresses<D: FeedDevice>(card: &mut SharedCard<D>) -> [Option<SocketAddrV4>; 2] {
    let device = card.device_mut();
    if device.csr_read(device::register::STATUS) == 0 {
        return [None; 2];
    }
    [0, 1].map(|line| {
        let mut read = |register| device.csr_read(line_register(line, register));
        let address = Ipv4Addr::from(read(device::line_register::ADDRESS));
        let port = read(device::line_register::PORT) as u16;
        (!address.is_unspecified()).then_some(SocketAddrV4::new(address, port))
    })
}

/// The host has told a session to line A. Until then it listens for its name.
fn knows_session<D: FeedDevice>(card: &mut SharedCard<D>) -> bool {
    card.device_mut().csr_read(line_register(0, device::line_register::SESSION_0)) != 0
}

/// Where a frame goes, by RFC 791 and RFC 768: each line of a real card has a port of its own.
fn destination(frame: &[u8]) -> Option<SocketAddrV4> {
    let packet = eth::ipv4(frame).ok()?;
    let &[a, b, c, d, _, _, high, low] = packet.get(16..24)? else { return None };
    Some(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])))
}

/// Where the frames come from.
enum Wire {
    Network { source: Option<Box<UdpSource>>, interface: Ipv4Addr },
    Capture(Capture),
}

impl Wire {
    /// The time of tick zero: the process's start, or the capture's.
    fn time_base(&self, now: Nanos) -> Nanos {
        match self {
            Wire::Network { .. } => now,
            Wire::Capture(capture) => capture.first.unwrap_or(now),
        }
    }

    /// Whether the frames can wait for the host.
    fn waits(&self) -> bool {
        matches!(self, Wire::Capture(_))
    }

    fn join(&mut self, lines: [Option<SocketAddrV4>; 2]) -> Result<()> {
        let Wire::Network { source, interface } = self else { return Ok(()) };
        let groups: Vec<SocketAddrV4> = lines.into_iter().flatten().collect();
        *source = None;
        if !groups.is_empty() {
            let (interface, receive_buffer) = (*interface, RECEIVE_BUFFER);
            let config = UdpConfig { groups, interface, receive_buffer };
            *source = Some(Box::new(UdpSource::open(&config)?));
        }
        Ok(())
    }

    /// Begins a capture again and again while the host does not take its session yet.
    fn rewind_until(&mut self, session_known: bool) -> Result<()> {
        match self {
            Wire::Capture(capture) if !session_known && capture.played >= PREVIEW => {
                *capture = Capture::open(&capture.path)?;
                std::thread::sleep(PREVIEW_PAUSE);
            }
            Wire::Capture(capture) if session_known && capture.previewing => {
                *capture = Capture { previewing: false, ..Capture::open(&capture.path)? };
            }
            _ => {}
        }
        Ok(())
    }

    fn poll(&mut self, max: usize, mut each: impl FnMut(&[u8], Nanos)) -> Result<usize> {
        match self {
            Wire::Network { source: None, .. } => Ok(0),
            Wire::Network { source: Some(source), .. } => {
                let polled = source.poll(max, |frame| each(frame.bytes, frame.received));
                polled.context("receiving the lines")
            }
            Wire::Capture(capture) => capture.poll(max, each),
        }
    }
}

/// A capture that is played once, after the host has heard in a preview which session it is of.
struct Capture {
    path: PathBuf,
    source: Box<PcapSource<Box<dyn BufRead>>>,
    first: Option<Nanos>,
    previewing: bool,
    played: usize,
    done: bool,
}

impl Capture {
    fn open(path: &Path) -> Result<Capture> {
        let bar = progress("playing");
        let first = match Recording::open(path, &indicatif::ProgressBar::hidden())? {
            Recording::Pcap(mut source) => source.next_frame()?.map(|frame| frame.received),
            _ => None,
        };
        match Recording::open(path, &bar)? {
            Recording::Pcap(source) => Ok(Capture {
                path: path.into(),
                source,
                first,
                previewing: true,
                played: 0,
                done: false,
            }),
            _ => bail!("{} is not a pcap", path.display()),
        }
    }

    fn poll(&mut self, max: usize, mut each: impl FnMut(&[u8], Nanos)) -> Result<usize> {
        let max = if self.previewing { max.min(PREVIEW - self.played.min(PREVIEW)) } else { max };
        for count in 0..max {
            match self.source.next_frame()?.filter(|_| !self.done) {
                Some(frame) => each(frame.bytes, frame.received),
                None => {
                    self.done = true;
                    // An end counts as much as it takes to begin a preview again.
                    self.played += PREVIEW;
                    return Ok(count);
                }
            }
            self.played += 1;
        }
        Ok(max)
    }
}

fn announce(args: &EmulateArgs) -> Result<()> {
    let card = args.card.display().to_string();
    if args.json {
        println!("{}", serde_json::json!({ "card": card }));
    } else {
        println!("card at {card}; start a host with --source fpga:{card}");
    }
    Ok(())
}

fn conclude<D: FeedDevice>(
    args: &EmulateArgs,
    card: &mut SharedCard<D>,
    frames: u64,
) -> Result<()> {
    let mut counters = BTreeMap::from([("frames".to_string(), frames)]);
    let head = card.device_mut().csr_read(device::register::HEAD);
    counters.insert("records".into(), head.into());
    if args.json {
        println!("{}", serde_json::to_string(&counters)?);
    } else {
        for (name, value) in &counters {
            println!("{name:<20} {:>14}", grouped(*value));
        }
    }
    Ok(())
}
