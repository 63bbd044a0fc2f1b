//! What the venue says of our orders, after the gateway has matched it with what it knows of them.

use crate::{InstrumentId, MatchNumber, Nanos, OrderRef, Price, Qty, Side, UserRef};

/// One message of the venue about one of our orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ack {
    /// Our order.
    pub user_ref: UserRef,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// Its side.
    pub side: Side,
    /// Its limit price now.
    pub price: Price,
    /// Shares still open after this message; zero means that the order is gone.
    pub open: Qty,
    /// The venue's time, nanoseconds since midnight.
    pub time: Nanos,
    /// What happened.
    pub kind: AckKind,
}

/// What happened to an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AckKind {
    /// It rests on the book, or was accepted and is dead at once (`open` is zero).
    Accepted {
        /// The venue's number of it, as ITCH shows it.
        order_ref: OrderRef,
    },
    /// It took the place of `original`, whose user reference is dead from now on.
    Replaced {
        /// The order that was replaced.
        original: UserRef,
        /// The venue's number of the replacement.
        order_ref: OrderRef,
    },
    /// `qty` shares were taken off it.
    Canceled {
        /// Shares removed.
        qty: Qty,
        /// Why.
        reason: CancelReason,
    },
    /// It traded.
    Executed {
        /// Shares.
        qty: Qty,
        /// Price of the execution.
        price: Price,
        /// Liquidity flag of the protocol: `A` added, `R` removed, others in the specification.
        liquidity: u8,
        /// The execution's number.
        match_number: MatchNumber,
    },
    /// An earlier execution was broken: the position and the cash go back.
    Broken {
        /// Shares.
        qty: Qty,
        /// Price of the broken execution.
        price: Price,
        /// The execution's number.
        match_number: MatchNumber,
    },
    /// The venue refused the order or the replace with its own code.
    Rejected {
        /// OUCH 5.0 reject code.
        reason: u16,
    },
    /// The venue holds the cancel until a cross is over; the order may still trade.
    CancelPending,
    /// The venue refused the cancel; the order lives on.
    CancelRejected,
    /// The order's priority or display changed, and with it the venue's number of it.
    PriorityChanged {
        /// The number it has now.
        order_ref: OrderRef,
    },
    /// The venue changed its side mark or its size, as asked for or on its own.
    Modified,
    /// Never an order at the venue: its line was down, and the account query showed that the number
    /// was not used; or it was to replace one that had ended by then, which the venue passes over
    /// in silence (OUCH 5.0 "Replace Order Request").
    NotReceived,
}

/// Why shares were taken off an order (OUCH 5.0 "Order Canceled Reasons").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CancelReason {
    /// We asked for it.
    User,
    /// Immediate-or-cancel, and nothing left to match.
    Immediate,
    /// Time in force ran out.
    Timeout,
    /// The venue's supervisory terminal.
    Supervisory,
    /// Would have traded with ourselves.
    SelfMatch,
    /// Post-only would have taken liquidity.
    PostOnly,
    /// The instrument is halted.
    Halted,
    /// Outside the venue's price collar.
    Collar,
    /// Any other code, as on the wire.
    Other(u8),
}
