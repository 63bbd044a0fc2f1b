//! What the venue says changes what is open; executions alone change position and cash.
//!
//! Messages about one order may come in any order. What makes that safe:
//!
//! - the open shares of a number only ever fall, so the smallest of what was said is true;
//! - a number at zero is dead for good; a number of this run that is not in the table is dead, and
//!   what still comes about it is [`RiskCounters::late`](crate::RiskCounters::late), of which
//!   executions still count;
//! - the first message about a replacement, except a refusal, means that it has taken the place of
//!   its original; a refusal (`Rejected` or `NotReceived` with the number of the replacement)
//!   leaves the original as it is;
//! - an original that dies with its replace under way takes the replace with it: a venue cannot
//!   replace what is not there;
//! - a number that is not of this run is one of before a restart: it is adopted as the venue has
//!   it.

use crate::breaker::Trip;
use crate::risk::Risk;
use crate::table::OpenOrder;
use tercel_types::{Ack, AckKind, Money, Nanos, Price, Qty, UserRef};

impl Risk {
    /// Takes in one message. Executions must come exactly once; the gateway sees to that by their
    /// sequence numbers.
    pub fn on_ack(&mut self, ack: &Ack, _now: Nanos) {
        if !is_plausible(ack.price, ack.open) {
            self.unaccounted();
        }
        match ack.kind {
            AckKind::Accepted { .. } | AckKind::PriorityChanged { .. } | AckKind::Modified => {
                self.breaker.rejects_in_a_row = 0;
                if let Some(at) = self.settle(ack) {
                    let price = limit(ack.price);
                    self.amend(at, |order| order.price = price);
                }
            }
            AckKind::Canceled { .. } => {
                self.settle(ack);
            }
            AckKind::Replaced { original, .. } => self.replaced(ack, original),
            AckKind::Executed { qty, price, .. } => {
                if let Some(slot) = self.slot_of(ack) {
                    self.trade(slot, ack.side, qty, price);
                    self.earn_tokens(slot);
                }
                self.settle(ack);
            }
            AckKind::Broken { qty, price, .. } => {
                if let Some(slot) = self.slot_of(ack) {
                    self.trade(slot, ack.side.opposite(), qty, price);
                }
            }
            AckKind::Rejected { .. } | AckKind::NotReceived => self.refused(ack),
            AckKind::CancelPending => {
                if let Some(at) = self.settle(ack) {
                    self.orders.get_mut(at).cancel_of = ack.user_ref;
                }
            }
            AckKind::CancelRejected => {
                if let Some(at) = self.settle(ack) {
                    self.orders.get_mut(at).cancel_of = UserRef(0);
                }
            }
        }
    }

    /// Brings what is open of a number down to what the venue says, promotes a replacement, adopts
    /// a stranger. The place of the order if it lives.
    fn settle(&mut self, ack: &Ack) -> Option<u32> {
        let Some(at) = self.orders.find(ack.user_ref) else {
            if self.used.contains(ack.user_ref) {
                self.counters.late += 1;
                return None;
            }
            return self.adopt(ack);
        };
        if self.orders.get(at).user_ref != ack.user_ref {
            self.promote(at, ack);
        }
        let order = self.orders.get_mut(at);
        order.acked = true;
        if ack.open.0 == 0 {
            self.close(at);
            return None;
        }
        if ack.open < order.open {
            self.amend(at, |order| order.open = ack.open);
        }
        Some(at)
    }

    /// The replacement is the order now.
    fn promote(&mut self, at: u32, ack: &Ack) {
        self.orders.unlink(self.orders.get(at).user_ref);
        self.amend(at, |order| {
            if let Some(pending) = order.pending.take() {
                order.user_ref = pending.user_ref;
                order.price = pending.price;
                order.open = ack.open;
            }
            if order.cancel_of != order.user_ref {
                order.cancel_of = UserRef(0);
            }
        });
    }

    fn replaced(&mut self, ack: &Ack, original: UserRef) {
        self.breaker.rejects_in_a_row = 0;
        let (old, new) = (self.orders.find(original), self.orders.find(ack.user_ref));
        if let Some(old) = old
            && new != Some(old)
        {
            self.close(old);
            if new.is_none() {
                // A replace that risk did not approve. Its original was alive until now, so that
                // the replacement cannot be dead already.
                self.adopt(ack);
                return;
            }
        }
        let first = new.is_some_and(|at| self.orders.get(at).user_ref != ack.user_ref);
        if let Some(at) = self.settle(ack)
            && first
        {
            let price = limit(ack.price);
            self.amend(at, |order| order.price = price);
        }
    }

    /// A replace is off and its original lives on; a new order is dead. Of an order that the venue
    /// has accepted before, a refusal that leaves shares open refuses something else.
    fn refused(&mut self, ack: &Ack) {
        let Some(at) = self.orders.find(ack.user_ref) else {
            self.counters.late += 1;
            return;
        };
        if matches!(ack.kind, AckKind::Rejected { .. }) {
            self.count_reject();
        }
        let order = self.orders.get(at);
        if order.user_ref != ack.user_ref {
            self.orders.unlink(ack.user_ref);
            self.amend(at, |order| order.pending = None);
        } else if order.acked && ack.open.0 > 0 {
            self.settle(ack);
        } else {
            self.close(at);
        }
    }

    /// Orders of this run only: a replay of an earlier one tells nothing about now.
    #[cold]
    fn count_reject(&mut self) {
        self.breaker.rejects_in_a_row += 1;
        if self.breaker.rejects_in_a_row > self.venue.rejects_in_a_row_max
            && self.breaker.trip(Trip::VenueRejects)
        {
            self.counters.trips += 1;
        }
    }

    #[cold]
    fn adopt(&mut self, ack: &Ack) -> Option<u32> {
        self.counters.adopted += 1;
        if ack.open.0 == 0 {
            return None;
        }
        let slot = self.slot_or_new(ack.instrument).and_then(|slot| u16::try_from(slot).ok());
        let (Some(slot), false) = (slot, self.orders.is_full()) else {
            self.unaccounted();
            return None;
        };
        let order = OpenOrder::new(
            ack.user_ref,
            slot,
            ack.instrument,
            ack.side,
            limit(ack.price),
            ack.open,
        );
        let at = self.open(order)?;
        self.orders.get_mut(at).acked = true;
        Some(at)
    }

    /// Where an execution belongs; a new instrument finds room or trips the breaker.
    fn slot_of(&mut self, ack: &Ack) -> Option<usize> {
        if let Some(at) = self.orders.find(ack.user_ref) {
            return Some(usize::from(self.orders.get(at).slot));
        }
        let slot = self.slot_or_new(ack.instrument);
        if slot.is_none() {
            self.unaccounted();
        }
        slot
    }

    fn earn_tokens(&mut self, slot: usize) {
        let instrument = &mut self.instruments[slot];
        if let Some(limits) = &instrument.limits {
            instrument.exposure.ratio.give(limits.ratio.per_fill, limits.ratio.burst);
        }
        self.venue_ratio.give(self.venue.ratio.per_fill, self.venue.ratio.burst);
    }
}

/// Within what OUCH 5.0 can carry many times over: a trillion dollars.
pub(crate) fn is_plausible(price: Price, qty: Qty) -> bool {
    const MOST: Money = Money(1_000_000_000_000 * Price::PER_DOLLAR);
    price.notional(qty).abs() <= MOST
}

/// A limit price that cannot lower an exposure.
fn limit(price: Price) -> Price {
    price.max(Price(0))
}
