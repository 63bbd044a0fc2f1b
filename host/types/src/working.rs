//! Our own orders and position in one instrument, as strategies see them.

use crate::{Nanos, OrderRef, Price, Qty, Side, UserRef};

/// Where an order of ours stands between us and the venue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorkingState {
    /// Sent, not yet answered.
    PendingNew,
    /// Accepted and open.
    Live,
    /// A replace of it is under way.
    PendingReplace,
    /// A cancel of it is under way.
    PendingCancel,
}

/// One order of ours that may still trade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkingOrder {
    /// Our number of it.
    pub user_ref: UserRef,
    /// The venue's number of it, zero until accepted.
    pub order_ref: OrderRef,
    /// Its side.
    pub side: Side,
    /// Its limit price.
    pub price: Price,
    /// Shares open.
    pub open: Qty,
    /// When it was sent, on the host's clock.
    pub entered: Nanos,
    /// Where it stands.
    pub state: WorkingState,
}

/// What we have in one instrument: the position, and the one quote a strategy keeps on each side.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Own {
    /// Shares held; negative is short.
    pub position: i64,
    /// Our bid.
    pub bid: Option<WorkingOrder>,
    /// Our ask.
    pub ask: Option<WorkingOrder>,
}

impl Own {
    /// Our quote of one side.
    #[inline]
    pub const fn side(&self, side: Side) -> Option<&WorkingOrder> {
        match side {
            Side::Buy => self.bid.as_ref(),
            Side::Sell => self.ask.as_ref(),
        }
    }
}
