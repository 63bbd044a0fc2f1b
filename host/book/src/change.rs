//! What one record did, as the code after the book wants to know it.

use tercel_types::{InstrumentId, OrderRef, Price, Side};

/// What [`crate::Books::apply`] did with a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// The instrument it was about: that of the order for records that name an order, else that of
    /// the record.
    pub instrument: InstrumentId,
    /// What changed.
    pub effect: Effect,
    /// The trade that the record told of.
    pub trade: Option<Trade>,
}

/// What kind of state changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing that the books keep, a trade at most.
    None,
    /// Orders of one side of one instrument.
    Book {
        /// The side.
        side: Side,
        /// The price or the shares of the best level of that side are not what they were.
        top: bool,
    },
    /// What the books know of the instrument besides its orders.
    State,
    /// What holds for the whole market: its phase, circuit breakers, whether the books are stale or
    /// were cleared.
    Market,
}

/// One trade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trade {
    /// Price of the execution.
    pub price: Price,
    /// Shares; an execution of more than the order had is cut to what it had.
    pub qty: u64,
    /// The side that took liquidity: opposite to the resting order. `None` for crosses, and for
    /// hidden orders, whose side ITCH has sent as `B` whatever it was since 2014-07-14 (ITCH 5.0
    /// §4.4.1).
    pub aggressor: Option<Side>,
    /// The resting order; zero for a cross, and what the venue sent for a hidden one.
    pub order_ref: OrderRef,
    /// What it traded against.
    pub kind: TradeKind,
    /// It counts in the tape's volume and sets the last price.
    pub printable: bool,
}

/// What a trade was against.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TradeKind {
    /// A displayed order.
    Displayed,
    /// An order that was not displayed.
    Hidden,
    /// An auction.
    Cross,
}

impl Change {
    /// Nothing changed.
    #[inline]
    pub(crate) const fn none(instrument: InstrumentId) -> Change {
        Change { instrument, effect: Effect::None, trade: None }
    }

    /// `effect` and no trade.
    #[inline]
    pub(crate) const fn of(instrument: InstrumentId, effect: Effect) -> Change {
        Change { instrument, effect, trade: None }
    }
}
