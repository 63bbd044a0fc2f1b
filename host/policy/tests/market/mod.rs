//! A naive book of one instrument, the records that make it, and random walks through it.
#![allow(dead_code)] // each suite uses its part

use tercel_abi::{EventRecord, Kind, flag};
use tercel_types::{InstrumentId, Side, Symbol};

/// The instrument of all tests.
pub(crate) const ID: InstrumentId = InstrumentId(7);

/// Its symbol.
pub(crate) const SYMBOL: Symbol = Symbol(*b"TEST    ");

/// One resting order, in order of arrival within the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resting {
    pub(crate) order_ref: u64,
    pub(crate) side: Side,
    pub(crate) price: i64,
    pub(crate) qty: u64,
}

/// One price level.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Level {
    pub(crate) price: i64,
    pub(crate) qty: u64,
    pub(crate) orders: u32,
}

/// Raw numbers of one random step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw {
    pub(crate) op: u8,
    pub(crate) a: u16,
    pub(crate) b: u16,
    /// Nanoseconds since the step before.
    pub(crate) wait: u64,
}

/// What a step did, in words of the market.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Did {
    Nothing,
    Add(Side),
    Cancel(Side),
    Replace(Side),
    /// Signed shares where the sign is known, the price, and the shares.
    Trade {
        sign: Option<i64>,
        price: i64,
        qty: u64,
    },
    Feed,
}

/// The book and the feed's state, kept the slow way.
#[derive(Clone, Default, Debug)]
pub(crate) struct Market {
    pub(crate) orders: Vec<Resting>,
    pub(crate) gap: bool,
    next_ref: u64,
}

pub(crate) const BASE: i64 = 1_000_000;
const TICK: i64 = 100;

/// A record of the instrument.
pub(crate) fn record(kind: Kind) -> EventRecord {
    EventRecord { instrument: ID.0, ..EventRecord::new(kind) }
}

/// Names the instrument and lets it trade.
pub(crate) fn opening() -> [EventRecord; 2] {
    let symbol = u64::from_le_bytes(SYMBOL.0);
    [
        EventRecord { order_ref: symbol, quantity: 100, ..record(Kind::Directory) },
        EventRecord { order_ref: symbol, tag: u16::from(b'T'), ..record(Kind::TradingAction) },
    ]
}

/// An order that comes.
pub(crate) fn add(order_ref: u64, side: Side, price: i64, qty: u64) -> EventRecord {
    EventRecord { order_ref, side: side as u8, price, quantity: qty, ..record(Kind::Add) }
}

impl Market {
    /// Levels of a side, best first.
    pub(crate) fn levels(&self, side: Side) -> Vec<Level> {
        let mut levels: Vec<Level> = Vec::new();
        for order in self.orders.iter().filter(|order| order.side == side) {
            match levels.iter_mut().find(|level| level.price == order.price) {
                Some(level) => {
                    level.qty += order.qty;
                    level.orders += 1;
                }
                None => levels.push(Level { price: order.price, qty: order.qty, orders: 1 }),
            }
        }
        levels.sort_by_key(|level| if side == Side::Buy { -level.price } else { level.price });
        levels
    }

    /// Best bid and ask, where the book can be measured.
    pub(crate) fn touch(&self) -> Option<(Level, Level)> {
        let bid = *self.levels(Side::Buy).first()?;
        let ask = *self.levels(Side::Sell).first()?;
        (!self.gap && bid.price < ask.price).then_some((bid, ask))
    }

    /// Shares before an order at its price.
    pub(crate) fn ahead(&self, order_ref: u64) -> Option<u64> {
        let at = self.orders.iter().position(|order| order.order_ref == order_ref)?;
        let own = self.orders[at];
        let same = |order: &&Resting| order.side == own.side && order.price == own.price;
        Some(self.orders[..at].iter().filter(same).map(|order| order.qty).sum())
    }

    /// Turns a draw into a record, applies it here, and says what it was.
    pub(crate) fn step(&mut self, draw: &Draw) -> Option<(EventRecord, Did)> {
        match draw.op {
            0..=89 => self.add(draw),
            90..=129 => self.execute(draw),
            130..=149 => self.cut(draw),
            150..=189 => self.delete(draw),
            190..=219 => self.replace(draw),
            220..=239 => Some(self.hidden(draw)),
            240..=247 => Some(cross(draw)),
            _ => Some(self.feed()),
        }
    }

    fn price(side: Side, a: u16) -> i64 {
        // Now and then a bid reaches the asks: locked and crossed books happen.
        let ticks = i64::from(a % 11) - 2;
        match side {
            Side::Buy => BASE - ticks * TICK,
            Side::Sell => BASE + TICK + ticks * TICK,
        }
    }

    fn add(&mut self, draw: &Draw) -> Option<(EventRecord, Did)> {
        let side = if draw.b.is_multiple_of(2) { Side::Buy } else { Side::Sell };
        let (price, qty) = (Market::price(side, draw.a), 1 + u64::from(draw.b / 2 % 500));
        self.next_ref += 1;
        let order_ref = self.next_ref;
        self.orders.push(Resting { order_ref, side, price, qty });
        Some((add(order_ref, side, price, qty), Did::Add(side)))
    }

    fn pick(&self, a: u16) -> Option<usize> {
        (!self.orders.is_empty()).then(|| usize::from(a) % self.orders.len())
    }

    fn execute(&mut self, draw: &Draw) -> Option<(EventRecord, Did)> {
        let at = self.pick(draw.a)?;
        let order = self.orders[at];
        let qty = 1 + u64::from(draw.b) % order.qty;
        self.take(at, qty);
        let (order_ref, quantity, second_ref) = (order.order_ref, qty, 9);
        let body = EventRecord { order_ref, quantity, second_ref, ..record(Kind::Executed) };
        let sign = Some(-order.side.sign());
        if draw.b % 5 > 1 {
            return Some((body, Did::Trade { sign, price: order.price, qty }));
        }
        let flags = if draw.b.is_multiple_of(5) { flag::PRINTABLE } else { 0 };
        let price = order.price + 50;
        let at_price = EventRecord { kind: Kind::ExecutedPrice as u8, price, flags, ..body };
        let did = if flags == 0 { Did::Nothing } else { Did::Trade { sign, price, qty } };
        Some((at_price, did))
    }

    fn cut(&mut self, draw: &Draw) -> Option<(EventRecord, Did)> {
        let at = self.pick(draw.a)?;
        let order = self.orders[at];
        let qty = 1 + u64::from(draw.b) % order.qty;
        self.take(at, qty);
        let (order_ref, quantity) = (order.order_ref, qty);
        let record = EventRecord { order_ref, quantity, ..record(Kind::Canceled) };
        Some((record, Did::Cancel(order.side)))
    }

    fn delete(&mut self, draw: &Draw) -> Option<(EventRecord, Did)> {
        let order = self.orders.remove(self.pick(draw.a)?);
        let record = EventRecord { order_ref: order.order_ref, ..record(Kind::Deleted) };
        Some((record, Did::Cancel(order.side)))
    }

    fn replace(&mut self, draw: &Draw) -> Option<(EventRecord, Did)> {
        let order = self.orders.remove(self.pick(draw.a)?);
        self.next_ref += 1;
        let (side, price) = (order.side, Market::price(order.side, draw.b));
        let qty = 1 + u64::from(draw.b % 300);
        self.orders.push(Resting { order_ref: self.next_ref, side, price, qty });
        let (order_ref, second_ref) = (order.order_ref, self.next_ref);
        let record =
            EventRecord { order_ref, second_ref, price, quantity: qty, ..record(Kind::Replaced) };
        Some((record, Did::Replace(side)))
    }

    fn hidden(&mut self, draw: &Draw) -> (EventRecord, Did) {
        let price = BASE + i64::from(draw.a % 9) * 50 - 200;
        let quantity = 1 + u64::from(draw.b % 200);
        let record =
            EventRecord { side: b'B', price, quantity, second_ref: 4, ..record(Kind::Trade) };
        (record, Did::Trade { sign: None, price, qty: quantity })
    }

    fn feed(&mut self) -> (EventRecord, Did) {
        self.gap = !self.gap;
        let kind = if self.gap { Kind::GapOpen } else { Kind::GapClosed };
        (EventRecord::new(kind), Did::Feed)
    }

    fn take(&mut self, at: usize, qty: u64) {
        self.orders[at].qty -= qty;
        if self.orders[at].qty == 0 {
            self.orders.remove(at);
        }
    }
}

fn cross(draw: &Draw) -> (EventRecord, Did) {
    let (quantity, tag) = (u64::from(draw.a), u16::from(b'O'));
    let cross = EventRecord { price: BASE, quantity, second_ref: 3, tag, ..record(Kind::Cross) };
    (cross, Did::Nothing)
}
