//! What trades in the background: small participants behind one trait.

use tercel_exchange::matching::{AccountId, Command, Matching, NewOrder, Owner, Terms};
use tercel_types::{Nanos, Price, Qty, Side, UserRef};

use super::INSTRUMENT;

/// A background participant. It acts at times of its own, by what the venue shows then.
pub trait Agent: Send {
    /// When it acts next. Only [`Agent::act`] changes it.
    fn next_time(&self) -> Nanos;

    /// What it does at that time, if anything; afterwards its next time is no earlier. The engine
    /// has applied everything before.
    fn act(&mut self, market: &Matching) -> Option<Command>;

    /// What a share is worth now, price units, where it knows: for training and for reports.
    fn value(&self) -> Option<f64> {
        None
    }

    /// An order of it traded.
    fn on_fill(&mut self, _side: Side, _price: Price, _qty: Qty) {}
}

/// An agent's account at the venue, and the numbers of its orders.
#[derive(Clone, Copy, Debug)]
pub(super) struct Desk {
    pub(super) account: AccountId,
    last: u32,
}

impl Desk {
    /// The account of the agent at a place in its session.
    pub(super) fn new(agent: usize) -> Desk {
        Desk { account: AccountId(agent as u16 + 1), last: 0 } // a session has a few
    }

    /// An order to enter.
    pub(super) fn enter(&mut self, side: Side, terms: Terms) -> Command {
        let owner = Owner { account: self.account, user_ref: self.name() };
        Command::Enter(NewOrder { instrument: INSTRUMENT, owner, side, terms })
    }

    /// The number of its next order.
    pub(super) fn name(&mut self) -> UserRef {
        self.last = self.last.wrapping_add(1).max(1);
        UserRef(self.last)
    }
}
