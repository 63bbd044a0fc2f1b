//! One event of a recording, made ready to be replayed.
//!
//! 32 bytes, so that a cache line has two and a day of 500 million takes 16 GB. Everything that
//! would need a lookup while replaying was looked up once, when the store was made: an event names
//! the place of its price among all prices of its instrument, and the number that its order had in
//! line. A book by level then needs no table of orders at all, and whether an order that leaves
//! stood before or behind one of ours is a comparison of two numbers.

use tercel_types::{Nanos, Price, Side};

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum EventKind {
    /// An order came: its quantity is added at its level.
    Add,
    /// `qty` was taken off an order.
    Reduce,
    /// A resting order traded `qty` at its price.
    Execute,
    /// The whole quantity of a level is now `qty`: data by price.
    Level,
    /// A trade that says nothing of levels: data by price, where a change of the level follows on
    /// its own, or an order that was not displayed.
    Trade,
    /// A record kept apart, see [`crate::store::Store::records`]; `stamp` is its place there.
    Record,
    /// Every level of the instrument is empty from now on: a gap, a snapshot.
    Clear,
}

/// One event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// The venue's time.
    pub time: Nanos,
    /// From then to when the recorder had it, ns; what does not fit is cut off at 4.29 s.
    pub delay: u32,
    /// The order's number in line: the later an order got its place, the larger. Zero without one.
    pub stamp: u32,
    /// Place of the price among those of the instrument.
    pub level: u32,
    /// The price; of an execution the price of the order.
    pub(crate) price: u32,
    /// How much.
    pub qty: u32,
    /// Place in [`crate::store::Store::instruments`].
    pub instrument: u16,
    /// What happened.
    pub kind: EventKind,
    /// See [`bit`].
    pub bits: u8,
}

const _: () = assert!(size_of::<Event>() == 32);

/// Bits of [`Event::bits`].
pub mod bit {
    /// The resting side is that of sells.
    pub const SELL: u8 = 1;
    /// More events of the same message follow: nobody can act on what is between them.
    pub const MORE: u8 = 2;
    /// The order is gone.
    pub const GONE: u8 = 4;
    /// With `Reduce`: the next event is the order that takes this one's place. With `Add`: it does.
    pub const REPLACED: u8 = 8;
    /// The side of a trade is not known.
    pub const NO_SIDE: u8 = 16;
    /// The execution was in a cross, or is not printed for another reason.
    pub const NOT_PRINTED: u8 = 32;
}

impl Event {
    /// An event of this kind, everything else zero.
    pub fn new(kind: EventKind, time: Nanos, instrument: u16) -> Event {
        Event { time, delay: 0, stamp: 0, level: 0, price: 0, qty: 0, instrument, kind, bits: 0 }
    }

    /// With the side of the resting order.
    pub fn with_side(mut self, side: Side) -> Event {
        self.bits |= if side == Side::Sell { bit::SELL } else { 0 };
        self
    }

    /// With a price that the wire can carry.
    pub fn with_price(mut self, price: u32) -> Event {
        self.price = price;
        self
    }

    /// The side of the resting order.
    #[inline]
    pub fn side(&self) -> Side {
        if self.bits & bit::SELL == 0 { Side::Buy } else { Side::Sell }
    }

    /// The price.
    #[inline]
    pub fn price(&self) -> Price {
        Price(i64::from(self.price))
    }

    /// The bit is set.
    #[inline]
    pub fn has(&self, bit: u8) -> bool {
        self.bits & bit != 0
    }

    /// When the recorder had it.
    #[inline]
    pub fn received(&self) -> Nanos {
        Nanos(self.time.0.saturating_add(u64::from(self.delay)))
    }
}
