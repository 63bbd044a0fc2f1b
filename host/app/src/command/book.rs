//! `tercel book`: the book of one instrument, at a time, at the end, or after every event.

use crate::cli::{BookArgs, BookFormat};
use crate::recorded_feed::RecordedFeed;
use crate::report::dollars;
use crate::ring_feed::RingFeed;
use crate::source::Source;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::io::{BufWriter, ErrorKind, Write};
use tercel_abi::EventRecord;
use tercel_book::{Books, Effect, Limits};
use tercel_types::{InstrumentId, Level, Nanos, Side, Symbol};

/// Records taken at once.
const BATCH: usize = 256;

/// Runs it.
pub(crate) fn run(args: &BookArgs) -> Result<()> {
    let symbol = Symbol::new(&args.symbol)
        .with_context(|| format!("--symbol {:?}: 1 to 8 characters without spaces", args.symbol))?;
    let at = args.at.as_deref().map(parse_time).transpose()?;
    let limits = Limits { instruments_max: 65_536, ..Limits::default() };
    let books = Books::new(&limits)?;
    let out = BufWriter::new(std::io::stdout().lock());
    let mut viewer = Viewer { args, symbol, at, books, id: None, now: Nanos(0), out, ended: None };
    let followed = match (&args.file, &args.ring) {
        (Some(file), _) => viewer.follow(&mut RecordedFeed::open(file)?),
        (None, Some(ring)) => viewer.follow(&mut RingFeed::open(ring, None)?),
        (None, None) => bail!("name a file, or a ring with --ring"),
    };
    match followed.and_then(|()| viewer.finish()) {
        // The reader has seen enough, as with `| head`.
        Err(error) if is_broken_pipe(&error) => Ok(()),
        other => other,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

struct Viewer<'a, W: Write> {
    args: &'a BookArgs,
    symbol: Symbol,
    at: Option<Nanos>,
    books: Books,
    id: Option<InstrumentId>,
    now: Nanos,
    out: W,
    ended: Option<std::io::Error>,
}

impl<W: Write> Viewer<'_, W> {
    /// Applies records until the time asked for, or to the end; a live ring ends when it has
    /// nothing more to give.
    fn follow(&mut self, source: &mut impl Source) -> Result<()> {
        if self.args.every && self.args.format == BookFormat::Csv {
            self.csv_head()?;
        }
        while !self.is_past() {
            let count = source.poll(BATCH, |record| self.on_record(record));
            if let Some(failure) = source.failure() {
                bail!(failure);
            }
            if let Some(error) = self.ended.take() {
                return Err(error.into());
            }
            // A file may hold many frames back behind a gap.
            if count == 0 && (self.args.ring.is_some() || source.is_closed()) {
                break;
            }
        }
        Ok(())
    }

    fn is_past(&self) -> bool {
        self.at.is_some_and(|at| self.now > at)
    }

    fn on_record(&mut self, record: &EventRecord) {
        let past = self.at.is_some_and(|at| record.exchange_time > at.0);
        if self.is_past() || past && record.kind >= 0x20 {
            self.now = self.now.max(record.exchange_time());
            return;
        }
        let change = self.books.apply(record);
        self.now = self.now.max(record.exchange_time());
        if self.id.is_none() && change.effect == Effect::State {
            self.id = self.books.find(self.symbol);
        }
        let ours = self.id == Some(change.instrument) && change.effect != Effect::None;
        if self.args.every && ours && self.ended.is_none() {
            self.ended = self.show(self.now).err();
        }
    }

    fn finish(&mut self) -> Result<()> {
        if self.id.is_none() {
            bail!("{} is not in the directory of this input", self.symbol);
        }
        if !self.args.every {
            if self.args.format == BookFormat::Csv {
                self.csv_head()?;
            }
            self.show(self.at.unwrap_or(self.now))?;
        }
        self.out.flush()?;
        Ok(())
    }

    fn levels(&self, side: Side) -> Vec<Level> {
        let id = self.id.unwrap_or_default();
        self.books.depth(id, side).take(self.args.depth).collect()
    }

    fn csv_head(&mut self) -> std::io::Result<()> {
        write!(self.out, "time_ns")?;
        for side in ["bid", "ask"] {
            for at in 1..=self.args.depth {
                write!(self.out, ",{side}_price_{at},{side}_qty_{at},{side}_orders_{at}")?;
            }
        }
        writeln!(self.out)
    }

    fn show(&mut self, time: Nanos) -> std::io::Result<()> {
        let (bids, asks) = (self.levels(Side::Buy), self.levels(Side::Sell));
        match self.args.format {
            BookFormat::Table => self.table(time, &bids, &asks),
            BookFormat::Csv => self.csv(time, &bids, &asks),
            BookFormat::Json => self.json(time, &bids, &asks),
        }
    }

    fn table(&mut self, time: Nanos, bids: &[Level], asks: &[Level]) -> std::io::Result<()> {
        let state = self.books.market_view(self.id.unwrap_or_default()).state;
        writeln!(self.out, "{}  {}  {state:?}", self.symbol, clock(time))?;
        writeln!(
            self.out,
            "{:>7} {:>9} {:>12}   {:<12} {:<9} {:<7}",
            "orders", "shares", "bid", "ask", "shares", "orders"
        )?;
        for at in 0..bids.len().max(asks.len()) {
            match bids.get(at) {
                Some(l) => {
                    write!(self.out, "{:>7} {:>9} {:>12}", l.orders, l.qty, dollars(l.price.0))?;
                }
                None => write!(self.out, "{:>30}", "")?,
            }
            match asks.get(at) {
                Some(l) => {
                    writeln!(self.out, "   {:<12} {:<9} {}", dollars(l.price.0), l.qty, l.orders)?;
                }
                None => writeln!(self.out)?,
            }
        }
        if bids.is_empty() && asks.is_empty() {
            writeln!(self.out, "(empty)")?;
        }
        Ok(())
    }

    fn csv(&mut self, time: Nanos, bids: &[Level], asks: &[Level]) -> std::io::Result<()> {
        write!(self.out, "{}", time.0)?;
        for side in [bids, asks] {
            for at in 0..self.args.depth {
                match side.get(at) {
                    Some(l) => write!(self.out, ",{},{},{}", dollars(l.price.0), l.qty, l.orders)?,
                    None => write!(self.out, ",,,")?,
                }
            }
        }
        writeln!(self.out)
    }

    fn json(&mut self, time: Nanos, bids: &[Level], asks: &[Level]) -> std::io::Result<()> {
        let list = |levels: &[Level]| -> Vec<Value> {
            let one = |l: &Level| json!({"price_e4": l.price.0, "qty": l.qty, "orders": l.orders});
            levels.iter().map(one).collect()
        };
        let object = json!({
            "symbol": self.symbol.as_str(),
            "time_ns": time.0,
            "bids": list(bids),
            "asks": list(asks),
        });
        writeln!(self.out, "{object}")
    }
}

/// HH:MM:SS with an optional fraction, as nanoseconds since midnight.
fn parse_time(text: &str) -> Result<Nanos> {
    let parse = || {
        let mut parts = text.split(':');
        let hours: u64 = parts.next()?.parse().ok()?;
        let minutes: u64 = parts.next()?.parse().ok()?;
        let (whole, fraction) = match parts.next().unwrap_or("0").split_once('.') {
            Some((whole, fraction)) => (whole.to_string(), fraction.to_string()),
            None => (text.split(':').nth(2).unwrap_or("0").to_string(), String::new()),
        };
        let seconds: u64 = whole.parse().ok()?;
        let nanos: u64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        let valid = hours < 24 && minutes < 60 && seconds < 60 && parts.next().is_none();
        let total = (hours * 60 + minutes) * 60 + seconds;
        valid.then_some(Nanos(total * 1_000_000_000 + nanos))
    };
    parse().with_context(|| format!("--at {text:?}: a time such as 09:35:00.5 is wanted"))
}

/// Nanoseconds since midnight as a time of day.
fn clock(time: Nanos) -> String {
    let seconds = time.0 / 1_000_000_000;
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{h:02}:{m:02}:{s:02}.{:09}", time.0 % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day() {
        assert_eq!(parse_time("09:30:00").unwrap(), Nanos(34_200_000_000_000));
        assert_eq!(parse_time("09:30:00.25").unwrap(), Nanos(34_200_250_000_000));
        assert_eq!(clock(Nanos(34_200_250_000_000)), "09:30:00.250000000");
        for wrong in ["", "25:00:00", "9", "09:60:00", "09:30:xx", "09:30:00:00"] {
            assert!(parse_time(wrong).is_err(), "{wrong}");
        }
    }
}
