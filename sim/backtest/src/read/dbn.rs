//! Databento DBN, market by order (`.dbn`, `.dbn.zst`), versions 1 to 3.
//!
//! The layout is that of "DBN encoding" (databento.com/docs/standards-and-conventions): `DBN`, the
//! version, the length of the metadata, the metadata, then records, each with its length in words
//! of four bytes in front. Of the records only market by order (rtype 0xA0, 56 bytes) is read.
//!
//! A fill does not change the book there; the cancel or change that follows does. So a cancel of
//! what was filled before is an execution here, and the aggregate trade in front of the fills is
//! passed over, since each of its fills is told.

use super::{ReadError, format_error};
use crate::ledger::Contract;
use crate::store::{Builder, Grain, Store, When};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use tercel_types::{InstrumentId, Nanos, Price, Side, Symbol};
use zerocopy::little_endian::{I32, I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// Most instruments of a file that are read.
const INSTRUMENTS_MAX: usize = 4_096;
const RTYPE_MBO: u8 = 0xa0;
/// `F_SNAPSHOT`: not an event but what rests.
const FLAG_SNAPSHOT: u8 = 0x20;
/// `F_MAYBE_BAD_BOOK`: a hole that cannot be mended.
const FLAG_BAD_BOOK: u8 = 0x04;

/// What the file does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DbnConfig {
    /// Price step in 1e-9.
    pub tick: u64,
    /// What one future moves by when its price moves by one.
    pub multiplier: u32,
}

impl Default for DbnConfig {
    /// The E-mini S&P 500: steps of 0.25, 50 dollars a point.
    fn default() -> DbnConfig {
        DbnConfig { tick: 250_000_000, multiplier: 50 }
    }
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Mbo {
    length: u8,
    rtype: u8,
    publisher: U16,
    instrument: U32,
    ts_event: U64,
    order: U64,
    /// 1e-9.
    price: I64,
    size: U32,
    flags: u8,
    channel: u8,
    action: u8,
    side: u8,
    ts_recv: U64,
    ts_in_delta: I32,
    sequence: U32,
}

const _: () = assert!(size_of::<Mbo>() == 56);

/// Reads a file, through zstd where its name says so.
///
/// # Errors
/// When it cannot be read, is no DBN, or has no market by order.
pub fn dbn(path: &Path, config: &DbnConfig) -> Result<Store, ReadError> {
    let error = super::io_error(path);
    let mut file = BufReader::new(File::open(path).map_err(&error)?);
    let mut bytes = Vec::new();
    let mut torn = false;
    if path.extension().is_some_and(|extension| extension == "zst") {
        // A file may be several frames one after the other.
        loop {
            use std::io::BufRead;
            if file.fill_buf().map_err(&error)?.is_empty() {
                break;
            }
            let frame = ruzstd::decoding::StreamingDecoder::new(&mut file);
            let read = frame.map(|mut frame| frame.read_to_end(&mut bytes).is_ok());
            if !matches!(read, Ok(true)) {
                torn = true;
                break;
            }
        }
    } else {
        file.read_to_end(&mut bytes).map_err(&error)?;
    }
    let mut store = dbn_bytes(&bytes, config).map_err(|what| format_error(path, what))?;
    store.quality.truncated += u64::from(torn);
    Ok(store)
}

/// Reads bytes in memory.
///
/// # Errors
/// What is wrong, when they are no DBN or have no market by order.
pub fn dbn_bytes(bytes: &[u8], config: &DbnConfig) -> Result<Store, String> {
    let head = bytes.split_first_chunk::<8>().ok_or("too short for DBN")?;
    let ([d, b, n, version, length @ ..], rest) = head;
    if [*d, *b, *n] != *b"DBN" || !(1..=3).contains(version) {
        return Err("it does not begin as DBN of version 1 to 3".into());
    }
    let length = u32::from_le_bytes(*length) as usize;
    let records = rest.get(length..).ok_or("it ends inside its metadata")?;
    let mut reader = Reader {
        builder: Builder::new(Grain::Orders),
        places: HashMap::new(),
        filled: HashMap::new(),
        config: *config,
    };
    let mut left = records;
    while let Some(&words) = left.first() {
        let length = usize::from(words) * 4;
        let Some((record, rest)) = left.split_at_checked(length).filter(|_| length >= 16) else {
            reader.builder.quality.truncated += 1;
            break;
        };
        left = rest;
        reader.builder.quality.read += 1;
        match Mbo::read_from_prefix(record) {
            Ok((mbo, _)) if mbo.rtype == RTYPE_MBO => reader.record(&mbo),
            _ => reader.builder.quality.ignored += 1,
        }
    }
    let quality = reader.builder.quality;
    if quality.read == 0 || quality.ignored == quality.read {
        return Err("it has no market by order".into());
    }
    Ok(reader.builder.finish())
}

struct Reader {
    builder: Builder,
    places: HashMap<u32, u16>,
    /// Filled and not yet taken off, by order.
    filled: HashMap<u64, u64>,
    config: DbnConfig,
}

impl Reader {
    fn place(&mut self, number: u32, when: When) -> Option<u16> {
        if let Some(place) = self.places.get(&number) {
            return Some(*place);
        }
        if self.places.len() >= INSTRUMENTS_MAX {
            return None;
        }
        let id = InstrumentId(self.places.len() as u16 + 1); // at most INSTRUMENTS_MAX
        let symbol = Symbol::new(&format!("#{}", number % 10_000_000))?;
        // One of its steps is one cent of the host.
        let units = Price::CENT.0.unsigned_abs() * 1_000_000_000 / self.config.tick.max(1);
        let contract = Contract {
            instrument: id,
            symbol,
            tick: Price::CENT,
            price_units: i64::try_from(units).unwrap_or(1).max(1),
            lots: 1,
            multiplier: self.config.multiplier.max(1),
        };
        let place = self.builder.instrument(contract)?;
        self.builder.open(when, place);
        self.places.insert(number, place);
        Some(place)
    }

    fn record(&mut self, mbo: &Mbo) {
        let received = Nanos(mbo.ts_recv.get());
        // The orders of a snapshot have the times at which they came, days before.
        let snapshot = mbo.flags & FLAG_SNAPSHOT != 0;
        let time = if snapshot { received } else { Nanos(mbo.ts_event.get()) };
        let when = When { time, received };
        let Some(place) = self.place(mbo.instrument.get(), when) else {
            self.builder.quality.ignored += 1;
            return;
        };
        self.builder.quality.gaps += u64::from(mbo.flags & FLAG_BAD_BOOK != 0);
        let (order, size) = (mbo.order.get(), u64::from(mbo.size.get()));
        match mbo.action {
            b'A' => match (self.side(mbo), self.price(mbo)) {
                (Some(side), Some(price)) => {
                    self.builder.add(when, place, order, side, price, size)
                }
                _ => self.builder.quality.bad_numbers += 1,
            },
            b'M' => self.change(when, mbo),
            b'C' => self.take(when, order, size),
            b'R' => {
                self.builder.clear(when, place);
                self.filled.clear();
            }
            b'F' => *self.filled.entry(order).or_default() += size,
            b'T' | b'N' => self.builder.quality.ignored += 1,
            _ => self.builder.quality.malformed += 1,
        }
    }

    fn side(&self, mbo: &Mbo) -> Option<Side> {
        match mbo.side {
            b'B' => Some(Side::Buy),
            b'A' => Some(Side::Sell),
            _ => None,
        }
    }

    /// The price on the host's grid.
    fn price(&self, mbo: &Mbo) -> Option<Price> {
        let nanos = u64::try_from(mbo.price.get()).ok()?;
        let tick = self.config.tick.max(1);
        let steps = nanos.is_multiple_of(tick).then(|| nanos / tick)?;
        Some(Price(i64::try_from(steps).ok()?.checked_mul(Price::CENT.0)?))
    }

    /// Takes a quantity off an order: what was filled as an execution, the rest as a cancel.
    fn take(&mut self, when: When, order: u64, size: u64) {
        let filled = self.filled.remove(&order).unwrap_or(0);
        let executed = filled.min(size);
        if executed > 0 {
            self.builder.execute(when, order, executed, true);
        }
        if size > executed {
            self.builder.reduce(when, order, Some(size - executed));
        }
        if filled > executed {
            self.filled.insert(order, filled - executed);
        }
    }

    /// An order's terms change: a smaller size keeps its place in line, all else loses it (CME
    /// Globex matching, "Order cancel/replace").
    fn change(&mut self, when: When, mbo: &Mbo) {
        let (order, size) = (mbo.order.get(), u64::from(mbo.size.get()));
        let (Some((side, price, open)), Some(wanted)) =
            (self.builder.order(order), self.price(mbo))
        else {
            self.builder.quality.unknown_orders += 1;
            return;
        };
        let open = u64::from(open.0);
        if self.side(mbo) == Some(side) && wanted == price && size <= open {
            if size < open {
                self.take(when, order, open - size);
            }
        } else {
            self.builder.replace(when, order, order, wanted, size);
        }
    }
}
