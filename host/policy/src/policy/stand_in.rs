//! Another strategy in the place of the policy's own: asked beside it, or put in its seat.
//!
//! Features, quote rules and what the directory has said belong to the policy and are the same for
//! whoever is asked. A stand-in brings its strategy, and what depends on its own orders: the orders
//! themselves, their places in the queue, and when each side was last quoted.

use super::{Policy, quotable};
use crate::quoter::{Bounds, Quoter};
use crate::strategy::Strategy;
use tercel_book::Books;
use tercel_types::{InstrumentId, Intent, Intents, Nanos, Own, Side, WorkingState};

/// What is a stand-in's own in one instrument.
pub(crate) struct StandIn<'a> {
    /// How it chooses prices.
    pub(crate) strategy: &'a mut Strategy,
    /// When it last quoted.
    pub(crate) quoter: &'a mut Quoter,
    /// Its orders and its position.
    pub(crate) own: &'a Own,
    /// Shares ahead of its bid and its ask, where they rest.
    pub(crate) ahead: [Option<u64>; 2],
}

impl Policy {
    /// Most instruments it follows; slots are numbered below this.
    pub fn slots_max(&self) -> usize {
        self.slots_max
    }

    /// The slot of an instrument.
    #[inline]
    pub fn slot_of(&self, id: InstrumentId) -> Option<usize> {
        let slot = usize::from(self.index[id.index()]);
        (slot < self.slots.len()).then_some(slot)
    }

    /// What the stand-in would do in one instrument: [`Policy::decide`] of a policy with its
    /// strategy and its orders over the same features. It leaves the policy as it was.
    pub(crate) fn decide_as(
        &mut self,
        id: InstrumentId,
        stand_in: StandIn<'_>,
        books: &Books,
        now: Nanos,
    ) -> Intents {
        let StandIn { strategy, quoter, own, ahead } = stand_in;
        let view = books.market_view(id);
        let slot = self.slots.get_mut(usize::from(self.index[id.index()]));
        let mut intents = Intents::default();
        let (Some(slot), Some(touch), false) = (slot, quotable(&view), self.stopped) else {
            withdraw(own, &mut intents);
            return intents;
        };
        if !slot.enabled {
            withdraw(own, &mut intents);
            return intents;
        }
        let bounds = Bounds { top: view.top, bands: view.bands };
        core::mem::swap(&mut slot.quoter, quoter);
        let foregone = match &*strategy {
            Strategy::Mlp(network) if !network.is_streaming() => {
                slot.foregone(network, &touch, &bounds, own, now).is_some()
            }
            _ => false,
        };
        if !foregone {
            let ahead = |order: &tercel_types::WorkingOrder| ahead[order.side.index()];
            let desired = slot.desired(strategy, &touch, books, own, ahead, now);
            slot.quote(Side::Buy, &desired, &bounds, own, now, &mut intents);
            slot.quote(Side::Sell, &desired, &bounds, own, now, &mut intents);
        }
        core::mem::swap(&mut slot.quoter, quoter);
        if let Strategy::Mlp(network) = strategy {
            network.prepare();
        }
        intents
    }

    /// Puts another strategy in the seat and returns the former. Features, and when each side was
    /// last quoted, carry over: working orders are the account's and stay what they are.
    pub(crate) fn seat(&mut self, strategy: Strategy) -> Strategy {
        core::mem::replace(&mut self.strategy, strategy)
    }
}

/// Cancels what is live.
fn withdraw(own: &Own, intents: &mut Intents) {
    for order in [own.bid, own.ask].into_iter().flatten() {
        if order.state == WorkingState::Live {
            intents.push(Intent::Cancel { original: order.user_ref });
        }
    }
}
