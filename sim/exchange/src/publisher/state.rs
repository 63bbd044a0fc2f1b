//! What the feed has said so far, as a Glimpse server would say it to one who joins now.
//!
//! Built from the published messages alone, so it serves a recorded file as well as the venue. Per
//! instrument it keeps the last message of each kind that sets a state, and every displayed order.
//! Nothing is sorted until a snapshot is wanted: orders lie in a hash map, some 100 bytes each, and
//! a snapshot of a million sorts for about a second.

use std::collections::{BTreeMap, HashMap};

use tercel_proto::itch::{self, AddOrder, AddOrderMpid, Header, Message};
use tercel_types::{InstrumentId, Price, Side};
use zerocopy::IntoBytes;
use zerocopy::big_endian::U32;
use zerocopy::big_endian::U64;

/// Something that can be sent as a snapshot: ITCH messages after which a book built from nothing
/// equals one that has heard the whole feed.
pub trait Snapshot {
    /// Hands over every message, in order.
    fn write(&self, each: &mut dyn FnMut(&[u8]));
}

/// What the tracker could not make sense of; all zero on a sound feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateCounters {
    /// Messages that do not parse.
    pub malformed: u64,
    /// Messages about orders that are not there.
    pub unknown_order: u64,
    /// Executions or cancels of more shares than there are; the order is gone then.
    pub overdrawn: u64,
    /// Orders that came with a number in use; the older is gone then.
    pub reused: u64,
}

/// The state of the feed.
#[derive(Debug, Default)]
pub struct StateTracker {
    /// System events and circuit breaker messages, in order; a handful a day.
    market: Vec<Vec<u8>>,
    instruments: BTreeMap<InstrumentId, Instrument>,
    orders: HashMap<u64, Resting>,
    /// Adds and replaces so far: the priority of the next order.
    arrivals: u64,
    counters: StateCounters,
}

/// Last messages of one instrument.
#[derive(Debug, Default)]
struct Instrument {
    symbol: [u8; 8],
    directory: Option<Vec<u8>>,
    action: Option<Vec<u8>>,
    /// By kind, and by what tells several of a kind apart: a participant, a market.
    states: BTreeMap<(u8, [u8; 4]), Vec<u8>>,
}

/// One displayed order as an Add message would show it now.
#[derive(Clone, Copy, Debug)]
struct Resting {
    arrival: u64,
    time: Header,
    side: u8,
    shares: u32,
    price: u32,
    attribution: Option<[u8; 4]>,
}

impl StateTracker {
    /// Takes the next message of the feed.
    pub fn apply(&mut self, message: &[u8]) {
        let Ok(message) = itch::parse(message) else {
            self.counters.malformed += 1;
            return;
        };
        let bytes = message.as_bytes();
        let id = message.header().instrument();
        match message {
            Message::SystemEvent(_) | Message::MwcbDecline(_) | Message::MwcbStatus(_) => {
                self.market.push(bytes.to_vec());
            }
            Message::StockDirectory(directory) => {
                let instrument = self.instrument(id);
                instrument.symbol = directory.stock;
                instrument.directory = Some(bytes.to_vec());
            }
            Message::TradingAction(_) => self.instrument(id).action = Some(bytes.to_vec()),
            Message::ParticipantPosition(position) => self.set(id, bytes, position.mpid),
            Message::OperationalHalt(halt) => self.set(id, bytes, [halt.market, 0, 0, 0]),
            Message::RegSho(_)
            | Message::IpoQuoting(_)
            | Message::LuldCollar(_)
            | Message::Rpii(_)
            | Message::DirectListing(_) => self.set(id, bytes, [0; 4]),
            Message::AddOrder(add) => self.add(add, None),
            Message::AddOrderMpid(add) => self.add(&without_mpid(add), Some(add.attribution)),
            Message::OrderExecuted(execution) => {
                self.take(execution.order_ref.get(), execution.shares.get());
            }
            Message::OrderExecutedPrice(execution) => {
                self.take(execution.order_ref.get(), execution.shares.get());
            }
            Message::OrderCancel(cancel) => self.take(cancel.order_ref.get(), cancel.shares.get()),
            Message::OrderDelete(delete) => {
                if self.orders.remove(&delete.order_ref.get()).is_none() {
                    self.counters.unknown_order += 1;
                }
            }
            Message::OrderReplace(replace) => self.replace(replace),
            // They change no state that a later message needs.
            Message::Trade(_)
            | Message::CrossTrade(_)
            | Message::BrokenTrade(_)
            | Message::Noii(_) => {}
        }
    }

    /// Displayed orders now.
    pub fn orders(&self) -> usize {
        self.orders.len()
    }

    /// What could not be made sense of.
    pub fn counters(&self) -> &StateCounters {
        &self.counters
    }

    fn instrument(&mut self, id: InstrumentId) -> &mut Instrument {
        self.instruments.entry(id).or_default()
    }

    fn set(&mut self, id: InstrumentId, bytes: &[u8], which: [u8; 4]) {
        self.instrument(id).states.insert((bytes[0], which), bytes.to_vec());
    }

    fn add(&mut self, add: &AddOrder, attribution: Option<[u8; 4]>) {
        self.arrivals += 1;
        let resting = Resting {
            arrival: self.arrivals,
            time: add.header,
            side: add.side,
            shares: add.shares.get(),
            price: add.price.get(),
            attribution,
        };
        let symbol = &mut self.instrument(add.header.instrument()).symbol;
        if *symbol == [0; 8] {
            *symbol = add.stock;
        }
        if self.orders.insert(add.order_ref.get(), resting).is_some() {
            self.counters.reused += 1;
        }
    }

    fn take(&mut self, order_ref: u64, shares: u32) {
        let Some(order) = self.orders.get_mut(&order_ref) else {
            self.counters.unknown_order += 1;
            return;
        };
        if shares > order.shares {
            self.counters.overdrawn += 1;
        }
        order.shares = order.shares.saturating_sub(shares);
        if order.shares == 0 {
            self.orders.remove(&order_ref);
        }
    }

    fn replace(&mut self, replace: &itch::OrderReplace) {
        let Some(old) = self.orders.remove(&replace.original_ref.get()) else {
            self.counters.unknown_order += 1;
            return;
        };
        self.arrivals += 1;
        let new = Resting {
            arrival: self.arrivals,
            time: replace.header,
            shares: replace.shares.get(),
            price: replace.price.get(),
            ..old
        };
        if self.orders.insert(replace.new_ref.get(), new).is_some() {
            self.counters.reused += 1;
        }
    }

    /// All orders by instrument, side, and place in the queue.
    fn sorted(&self) -> Vec<(u64, Resting)> {
        let mut orders: Vec<_> = self.orders.iter().map(|(&key, &order)| (key, order)).collect();
        orders.sort_unstable_by_key(|(_, order)| {
            let sell = order.side == b'S';
            let price = i64::from(order.price);
            let rank = if sell { price } else { -price };
            (order.time.locate.get(), sell, rank, order.arrival)
        });
        orders
    }
}

impl Snapshot for StateTracker {
    fn write(&self, each: &mut dyn FnMut(&[u8])) {
        self.market.iter().for_each(|message| each(message));
        for instrument in self.instruments.values() {
            let first = [&instrument.directory, &instrument.action];
            first.into_iter().flatten().for_each(|message| each(message));
            instrument.states.values().for_each(|message| each(message));
        }
        for (order_ref, order) in self.sorted() {
            let id = order.time.instrument();
            let stock = self.instruments.get(&id).map_or([b' '; 8], |found| found.symbol);
            order.write(order_ref, stock, each);
        }
    }
}

impl Resting {
    /// Writes the Add message of the order as it is now.
    fn write(&self, order_ref: u64, stock: [u8; 8], each: &mut dyn FnMut(&[u8])) {
        let header = Header { kind: AddOrder::KIND, ..self.time };
        let (order_ref, shares) = (U64::new(order_ref), U32::new(self.shares));
        let (side, price) = (self.side, U32::new(self.price));
        match self.attribution {
            None => {
                each(AddOrder { header, order_ref, side, shares, stock, price }.as_bytes());
            }
            Some(attribution) => {
                let header = Header { kind: AddOrderMpid::KIND, ..header };
                let add =
                    AddOrderMpid { header, order_ref, side, shares, stock, price, attribution };
                each(add.as_bytes());
            }
        }
    }
}

fn without_mpid(add: &AddOrderMpid) -> AddOrder {
    AddOrder {
        header: add.header,
        order_ref: add.order_ref,
        side: add.side,
        shares: add.shares,
        stock: add.stock,
        price: add.price,
    }
}

/// One displayed order, for comparing states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisplayedOrder {
    /// The feed's number of it.
    pub order_ref: u64,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// Its side, `None` when the feed said neither.
    pub side: Option<Side>,
    /// Shares displayed.
    pub shares: u32,
    /// Its price.
    pub price: Price,
}

impl StateTracker {
    /// Every displayed order, by instrument, bids before offers, best first, older first.
    pub fn displayed(&self) -> impl Iterator<Item = DisplayedOrder> {
        self.sorted().into_iter().map(|(order_ref, order)| DisplayedOrder {
            order_ref,
            instrument: order.time.instrument(),
            side: Side::from_wire(order.side),
            shares: order.shares,
            price: Price(i64::from(order.price)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tercel_types::Nanos;

    fn header(kind: u8) -> Header {
        Header::new(kind, InstrumentId(3), 0, Nanos(5))
    }

    fn add(order_ref: u64, price: u32, shares: u32) -> AddOrder {
        AddOrder {
            header: header(AddOrder::KIND),
            order_ref: U64::new(order_ref),
            side: b'B',
            shares: U32::new(shares),
            stock: *b"AAPL    ",
            price: U32::new(price),
        }
    }

    fn shown(state: &StateTracker) -> Vec<(u64, u32)> {
        state.displayed().map(|order| (order.order_ref, order.shares)).collect()
    }

    #[test]
    fn orders_live_and_keep_their_priority() {
        let mut state = StateTracker::default();
        for (order_ref, price) in [(1, 100), (2, 200), (3, 100)] {
            state.apply(add(order_ref, price, 50).as_bytes());
        }
        assert_eq!(shown(&state), [(2, 50), (1, 50), (3, 50)]);
        let cancel = itch::OrderCancel {
            header: header(b'X'),
            order_ref: U64::new(1),
            shares: U32::new(20),
        };
        state.apply(cancel.as_bytes());
        let replace = itch::OrderReplace {
            header: header(b'U'),
            original_ref: U64::new(2),
            new_ref: U64::new(4),
            shares: U32::new(10),
            price: U32::new(100),
        };
        state.apply(replace.as_bytes());
        assert_eq!(shown(&state), [(1, 30), (3, 50), (4, 10)]);
        state.apply(itch::OrderDelete { header: header(b'D'), order_ref: U64::new(3) }.as_bytes());
        state.apply(cancel.as_bytes());
        state.apply(cancel.as_bytes());
        assert_eq!(shown(&state), [(4, 10)]);
        assert_eq!(state.counters().overdrawn, 1);
    }

    #[test]
    fn a_snapshot_of_a_snapshot_is_the_same() {
        let mut state = StateTracker::default();
        for (order_ref, price) in [(9, 100), (2, 200), (3, 100)] {
            state.apply(add(order_ref, price, 50).as_bytes());
        }
        state.apply(b"nonsense");
        assert_eq!(state.counters().malformed, 1);
        let mut copy = StateTracker::default();
        state.write(&mut |message| copy.apply(message));
        assert!(state.displayed().eq(copy.displayed()));
        assert_eq!(copy.orders(), 3);
    }
}
