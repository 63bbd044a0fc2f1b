//! What a strategy wants, before risk has looked at it.

use crate::{InstrumentId, Price, Qty, Side, UserRef};

/// How long an order stays (OUCH 5.0 "Time In Force").
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum TimeInForce {
    /// Until the end of regular hours: wire `0`.
    Day = b'0',
    /// Immediate or cancel: wire `3`.
    Ioc = b'3',
}

/// An order that a strategy would like to enter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewOrder {
    /// What to trade.
    pub instrument: InstrumentId,
    /// Buy or sell; whether a sale is short is for risk to say.
    pub side: Side,
    /// Limit price.
    pub price: Price,
    /// Shares.
    pub qty: Qty,
    /// Day or immediate-or-cancel.
    pub time_in_force: TimeInForce,
    /// Refuse to take liquidity.
    pub post_only: bool,
}

/// One thing a strategy wants done. Only risk turns it into an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Intent {
    /// Enter a new order.
    Enter(NewOrder),
    /// Put another price and open quantity in the place of a live order; it loses its priority.
    Replace {
        /// The live order.
        original: UserRef,
        /// New limit price.
        price: Price,
        /// Shares to be open after the replace.
        qty: Qty,
    },
    /// Cancel all that is left of a live order.
    Cancel {
        /// The live order.
        original: UserRef,
    },
}

/// The intents of one decision: at most four, a cancel and an entry on each side.
#[derive(Clone, Copy, Default, Debug)]
pub struct Intents {
    list: [Option<Intent>; 4],
    len: usize,
}

impl Intents {
    /// Adds one; a fifth is a broken invariant of the strategy and is dropped, with `false`.
    #[inline]
    pub fn push(&mut self, intent: Intent) -> bool {
        let Some(slot) = self.list.get_mut(self.len) else { return false };
        *slot = Some(intent);
        self.len += 1;
        true
    }

    /// In the order they were wanted.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &Intent> {
        self.list[..self.len].iter().flatten()
    }

    /// Nothing is wanted.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
