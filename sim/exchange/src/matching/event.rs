//! What the engine did, with all that market data and order entry messages need.

use super::command::{AccountId, CrossKind, Lifetime, Owner, Terms};
use tercel_types::{
    CancelReason, InstrumentId, MatchNumber, OrderRef, Price, Qty, Side, TradingState,
};

/// An order as the engine holds it; in an event, as it stands right after that event.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Order {
    /// The market's number of it, also its priority in time: smaller came first.
    pub order_ref: OrderRef,
    /// What it trades.
    pub instrument: InstrumentId,
    /// Whose it is.
    pub owner: Owner,
    /// Buy or sell.
    pub side: Side,
    /// Its terms as entered; `terms.qty` does not shrink.
    pub terms: Terms,
    /// Shares still open.
    pub open: Qty,
    /// Shares executed so far, those of the orders it replaced included (OUCH counts along the
    /// chain).
    pub executed: u64,
}

/// Where an accepted order went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was let in; what it does follows.
    Live,
    /// It was accepted and is gone at once, without a trade; no other event follows for it.
    Dead(CancelReason),
}

/// How one side of an execution came to it (OUCH 5.0 liquidity flag).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Liquidity {
    /// A displayed order that rested: `A`.
    Added,
    /// A hidden order that rested: `J`.
    AddedHidden,
    /// The incoming order: `R`.
    Removed,
    /// An order in a cross: `O`, `H` or `C`.
    Cross(CrossKind),
}

/// One trade in continuous trading, at the maker's price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Execution {
    /// The resting order after the trade.
    pub maker: Order,
    /// The incoming order after the trade.
    pub taker: Order,
    /// Price.
    pub price: Price,
    /// Shares.
    pub qty: Qty,
    /// The trade's number.
    pub match_number: MatchNumber,
}

/// One order's part in a cross.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CrossFill {
    /// The order after it. It may have been on the displayed book: [`Order::is_displayed`].
    pub order: Order,
    /// Which cross.
    pub kind: CrossKind,
    /// The cross's price.
    pub price: Price,
    /// Shares.
    pub qty: Qty,
    /// This fill's number; each fill has its own, and the cross another.
    pub match_number: MatchNumber,
}

/// What was asked for when it was rejected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// [`super::Command::Enter`].
    Enter,
    /// [`super::Command::Cancel`].
    Cancel,
    /// [`super::Command::Reduce`].
    Reduce,
    /// [`super::Command::Replace`].
    Replace,
    /// A command about an instrument; the owner is zero.
    Market,
}

/// Why a command was rejected; it changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RejectReason {
    /// The instrument is not listed.
    UnknownInstrument,
    /// No such open order of this account.
    UnknownOrder,
    /// An open order of the account has this number already.
    UserRefInUse,
    /// No shares.
    ZeroQty,
    /// More than [`super::QTY_MAX`] shares, or a reduction that is none.
    QtyTooLarge,
    /// Not above zero, or above [`super::PRICE_MAX`].
    Price,
    /// At a dollar or more and not a multiple of the increment.
    Increment,
    /// A minimum quantity above the quantity, or on an order that may rest.
    MinimumQty,
    /// Terms that contradict each other: post-only with immediate, without a limit, or in a cross.
    Terms,
    /// The cross it is meant for is over, or so is the day's.
    TooLate,
    /// The instrument has no trading state yet.
    NotOpen,
    /// As many orders as the engine holds are open.
    Full,
}

/// One thing that happened. The events of a command come in the order in which they happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A command was rejected.
    Rejected {
        /// The order meant, by its account's number (of a replace: the new number).
        owner: Owner,
        /// What was asked.
        request: Request,
        /// Why not.
        reason: RejectReason,
    },
    /// An order was accepted, before it does anything. Not yet market data.
    Accepted {
        /// The order.
        order: Order,
        /// Whether it lives.
        outcome: Outcome,
    },
    /// An order was replaced. `old` is gone. With `rests`, `new` went to the book without trading
    /// and no `Rested` follows: ITCH `U` where both are displayed. Otherwise ITCH `D` for a
    /// displayed `old`, and what the new one does follows as after `Accepted`.
    Replaced {
        /// The replaced order as it was.
        old: Order,
        /// The new order.
        new: Order,
        /// It is on the book already.
        rests: bool,
        /// Whether it lives.
        outcome: Outcome,
    },
    /// An order, or what is left of it, went to the book: ITCH `A` or `F` if displayed, nothing if
    /// hidden.
    Rested {
        /// The order.
        order: Order,
    },
    /// Two orders traded: ITCH `E` on a displayed maker, `P` on a hidden one.
    Executed(Execution),
    /// Shares were taken off an order. ITCH only if `from_book` and displayed: `X`, or `D` when
    /// nothing is open.
    Canceled {
        /// The order after it.
        order: Order,
        /// Shares taken off.
        qty: Qty,
        /// Why.
        reason: CancelReason,
        /// The order was on the book; otherwise it was still incoming, or waited for a cross.
        from_book: bool,
    },
    /// An order traded in a cross: ITCH `C`, not printable, if displayed.
    CrossFilled(CrossFill),
    /// A cross was held, after its fills: ITCH `Q`. Price and shares are zero when nothing matched.
    Crossed {
        /// Which instrument.
        instrument: InstrumentId,
        /// Which cross.
        kind: CrossKind,
        /// Its price.
        price: Price,
        /// Shares matched, one side's.
        qty: u64,
        /// The cross's number.
        match_number: MatchNumber,
    },
    /// The trading state changed: ITCH `H`.
    StateChanged {
        /// Which instrument.
        instrument: InstrumentId,
        /// Its state now.
        state: TradingState,
        /// Reason letters.
        reason: [u8; 4],
    },
}

impl Order {
    /// Its account.
    pub const fn account(&self) -> AccountId {
        self.owner.account
    }

    /// Limit price; zero for a market order.
    pub fn price(&self) -> Price {
        self.terms.price.unwrap_or_default()
    }

    /// Shows on the book while it rests there.
    pub fn is_displayed(&self) -> bool {
        !self.terms.hidden && !self.waits_for_cross()
    }

    /// Never meets the continuous book at rest: it has no limit or is meant for a cross.
    pub fn waits_for_cross(&self) -> bool {
        self.terms.price.is_none()
            || matches!(self.terms.lifetime, Lifetime::OnOpen | Lifetime::OnClose)
    }
}

impl Execution {
    /// How the resting side traded.
    pub fn maker_liquidity(&self) -> Liquidity {
        if self.maker.terms.hidden { Liquidity::AddedHidden } else { Liquidity::Added }
    }

    /// How the incoming side traded.
    pub const fn taker_liquidity(&self) -> Liquidity {
        Liquidity::Removed
    }
}

impl Liquidity {
    /// The letter on the wire.
    pub const fn wire(self) -> u8 {
        match self {
            Liquidity::Added => b'A',
            Liquidity::AddedHidden => b'J',
            Liquidity::Removed => b'R',
            Liquidity::Cross(kind) => kind.wire(),
        }
    }
}
