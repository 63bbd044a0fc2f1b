//! What the engine is told to do. Nothing here has been checked: the engine answers nonsense with a
//! rejection.

use tercel_types::{InstrumentId, Price, Qty, Side, TradingState, UserRef};

/// A participant; self-match prevention compares these.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct AccountId(pub u16);

/// An order as its account calls it. No two open orders share one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Owner {
    /// Whose order it is.
    pub account: AccountId,
    /// The account's own number of it.
    pub user_ref: UserRef,
}

/// How long an order stays.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Lifetime {
    /// Until the end of the day. A day order without a limit does not rest in continuous trading.
    #[default]
    Day,
    /// Trades at once or not at all.
    Immediate,
    /// Trades in the opening cross only; never displayed.
    OnOpen,
    /// Trades in the closing cross only; never displayed.
    OnClose,
}

/// What happens when an order would trade with one of its own account. The incoming order's choice
/// counts. It says nothing about crosses, where nobody meets anybody.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum SelfMatch {
    /// They trade.
    #[default]
    Allow,
    /// What is left of the incoming order is canceled.
    CancelNewest,
    /// The resting order is canceled, and the incoming one goes on.
    CancelOldest,
}

/// The terms of an order, those that a replace may change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Terms {
    /// Limit price, or none for a market order.
    pub price: Option<Price>,
    /// Shares.
    pub qty: Qty,
    /// How long it stays.
    pub lifetime: Lifetime,
    /// Canceled if it would take liquidity on entry.
    pub post_only: bool,
    /// Rests without being displayed, behind displayed orders of its price.
    pub hidden: bool,
    /// The least that may trade on entry, else nothing does; zero for none. Immediate orders only.
    pub qty_min: Qty,
    /// Policy against its own account.
    pub self_match: SelfMatch,
}

/// A new order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NewOrder {
    /// What to trade.
    pub instrument: InstrumentId,
    /// Whose it is.
    pub owner: Owner,
    /// Buy or sell.
    pub side: Side,
    /// The rest.
    pub terms: Terms,
}

/// The three crosses, by when they happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CrossKind {
    /// Start of regular hours; takes on-open orders.
    Opening,
    /// End of a halt or pause.
    Reopening,
    /// End of regular hours; takes on-close orders.
    Closing,
}

impl CrossKind {
    /// Cross type letter of ITCH 5.0 §4.5.2 and §4.6: `O`, `H` or `C`.
    pub const fn wire(self) -> u8 {
        match self {
            CrossKind::Opening => b'O',
            CrossKind::Reopening => b'H',
            CrossKind::Closing => b'C',
        }
    }
}

/// One command. Each is wholly done before the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Enter an order.
    Enter(NewOrder),
    /// Cancel all that is open of an order.
    Cancel {
        /// Which.
        owner: Owner,
    },
    /// Cut an order down to `qty` open shares; it keeps its place. Zero cancels it, as much as it
    /// has or more is rejected.
    Reduce {
        /// Which.
        owner: Owner,
        /// Shares to stay open.
        qty: Qty,
    },
    /// Put an order with other terms in the place of an open one. It gets another number and loses
    /// its place, and it may trade. When the new terms are rejected the original stays as it is.
    Replace {
        /// The open order.
        original: Owner,
        /// The same account's number of the new one.
        user_ref: UserRef,
        /// Its terms; the quantity is the open shares wanted.
        terms: Terms,
    },
    /// Halt, pause, quote only, or trade. A change to trading from any other state is by way of a
    /// reopening cross.
    SetState {
        /// Which instrument.
        instrument: InstrumentId,
        /// The new state; `Unknown` is rejected.
        state: TradingState,
        /// Reason letters as in ITCH 5.0 §4.2.2, padded with spaces.
        reason: [u8; 4],
    },
    /// Hold a cross. Opening and reopening ones begin continuous trading.
    Cross {
        /// Which instrument.
        instrument: InstrumentId,
        /// Which cross.
        kind: CrossKind,
    },
    /// Cancel every open order of an instrument: the day is over.
    Expire {
        /// Which instrument.
        instrument: InstrumentId,
    },
}

impl AccountId {
    /// The background order flow and replayed orders.
    pub const BACKGROUND: AccountId = AccountId(0);
}

impl Terms {
    /// A displayed day order.
    pub fn limit(price: Price, qty: Qty) -> Terms {
        Terms { price: Some(price), qty, ..Terms::default() }
    }

    /// An immediate order with a limit.
    pub fn immediate(price: Price, qty: Qty) -> Terms {
        Terms { lifetime: Lifetime::Immediate, ..Terms::limit(price, qty) }
    }

    /// An immediate order without a limit.
    pub fn market(qty: Qty) -> Terms {
        Terms { qty, lifetime: Lifetime::Immediate, ..Terms::default() }
    }
}
