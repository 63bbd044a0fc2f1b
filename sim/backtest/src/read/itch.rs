//! Nasdaq ITCH 5.0 day files, and tapes of the venue of this project, which are the same.

use super::{ReadError, bytes_of, format_error};
use crate::ledger::Contract;
use crate::store::{Builder, Grain, Store, When};
use std::path::Path;
use tercel_abi::{EventRecord, Kind};
use tercel_proto::itch::{self, Message};
use tercel_proto::{binary_file, itch_record};
use tercel_types::{InstrumentId, Price, Side, Symbol, VenueId};

/// Share of messages that may be no ITCH before a file is taken for something else.
const MALFORMED_MAX: u64 = 2;

/// What to take of a day.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ItchConfig {
    /// The symbols; empty takes every one.
    pub symbols: Vec<Symbol>,
}

/// Reads a file of messages, each behind its length.
///
/// # Errors
/// When it cannot be read, or most of it is not ITCH.
pub fn itch(path: &Path, config: &ItchConfig) -> Result<Store, ReadError> {
    let (bytes, cut) = bytes_of(path)?;
    let mut torn = cut;
    let messages = binary_file::Messages::new(&bytes).map_while(|message| {
        torn |= message.is_err();
        message.ok()
    });
    let mut store = itch_messages(messages, config);
    store.quality.truncated += u64::from(torn);
    let quality = &store.quality;
    if quality.read == 0 || quality.malformed * MALFORMED_MAX > quality.read {
        let what = format!("{} of {} messages are no ITCH 5.0", quality.malformed, quality.read);
        return Err(format_error(path, what));
    }
    Ok(store)
}

/// Reads messages in memory.
pub fn itch_messages<'a>(messages: impl Iterator<Item = &'a [u8]>, config: &ItchConfig) -> Store {
    let mut tape = Tape::new(config.clone());
    for message in messages {
        tape.push(message);
    }
    tape.finish()
}

/// No place: the locate is not taken.
const NONE: u16 = u16::MAX;

/// Takes messages one by one.
pub(super) struct Tape {
    config: ItchConfig,
    builder: Builder,
    /// Place of each stock locate.
    places: Vec<u16>,
}

impl Tape {
    pub(super) fn new(config: ItchConfig) -> Tape {
        let places = vec![NONE; usize::from(u16::MAX) + 1];
        Tape { config, builder: Builder::new(Grain::Orders), places }
    }

    pub(super) fn builder(&mut self) -> &mut Builder {
        &mut self.builder
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return; // the end of the session
        }
        self.builder.quality.read += 1;
        match itch::parse(bytes) {
            Ok(message) => self.message(&message),
            Err(_) => self.builder.quality.malformed += 1,
        }
    }

    fn message(&mut self, message: &Message<'_>) {
        let header = message.header();
        let when = When::at(header.time());
        let id = header.instrument();
        if let Message::StockDirectory(directory) = message {
            self.list(id, Symbol(directory.stock));
        }
        let place = self.places[id.index()];
        let whole_market = id == InstrumentId(0);
        if place == NONE && !whole_market {
            self.builder.quality.ignored += 1;
            return;
        }
        let builder = &mut self.builder;
        match message {
            Message::AddOrder(m) => {
                let terms = (m.side, m.price.get(), m.shares.get());
                add(builder, when, place, m.order_ref.get(), terms);
            }
            Message::AddOrderMpid(m) => {
                let terms = (m.side, m.price.get(), m.shares.get());
                add(builder, when, place, m.order_ref.get(), terms);
            }
            Message::OrderExecuted(m) => {
                builder.execute(when, m.order_ref.get(), m.shares.get().into(), true);
            }
            // At another price than the order's it is a cross or the like.
            Message::OrderExecutedPrice(m) => {
                let printed = m.printable == b'Y';
                builder.execute(when, m.order_ref.get(), m.shares.get().into(), printed);
            }
            Message::OrderCancel(m) => {
                builder.reduce(when, m.order_ref.get(), Some(m.shares.get().into()));
            }
            Message::OrderDelete(m) => builder.reduce(when, m.order_ref.get(), None),
            Message::OrderReplace(m) => {
                let (old, new) = (m.original_ref.get(), m.new_ref.get());
                let price = Price(m.price.get().into());
                builder.replace(when, old, new, price, m.shares.get().into());
            }
            // Its side means nothing since 2014 (ITCH 5.0 §4.4.1).
            Message::Trade(m) => {
                let price = Price(m.price.get().into());
                builder.trade(when, place, None, price, m.shares.get().into());
            }
            other => {
                let record = itch_record::to_record(other, VenueId(0), when.received);
                if place == NONE {
                    self.market(when, record);
                } else {
                    builder.record(when, place, record);
                }
            }
        }
    }

    /// What is of the whole market is kept once, with the first instrument.
    fn market(&mut self, when: When, record: EventRecord) {
        if self.places.iter().any(|place| *place != NONE) {
            self.builder.record(when, 0, record);
        } else if record.kind != Kind::SystemEvent as u8 {
            self.builder.quality.ignored += 1;
        }
    }

    fn list(&mut self, id: InstrumentId, symbol: Symbol) {
        let wanted = self.config.symbols.is_empty() || self.config.symbols.contains(&symbol);
        if wanted && self.places[id.index()] == NONE {
            let place = self.builder.instrument(Contract::stock(id, symbol));
            self.places[id.index()] = place.unwrap_or(NONE);
        }
    }

    pub(super) fn finish(self) -> Store {
        self.builder.finish()
    }
}

fn add(builder: &mut Builder, when: When, place: u16, order: u64, terms: (u8, u32, u32)) {
    let (side, price, qty) = terms;
    match Side::from_wire(side) {
        Some(side) => builder.add(when, place, order, side, Price(price.into()), qty.into()),
        None => builder.quality.bad_numbers += 1,
    }
}
