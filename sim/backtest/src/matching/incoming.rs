//! Our messages at the venue: orders that rest, that take, and that are too late.

use super::{Exchange, Happening, Message, RESTING_MAX, What, Working};
use crate::market::NONE;
use crate::queue::Place;
use crate::store::Store;
use core::ops::Deref;
use tercel_types::{CancelReason, Nanos, OrderRef, Price, Qty, Side, UserRef};

impl<S: Deref<Target = Store>> Exchange<S> {
    /// A message of ours has arrived.
    pub(crate) fn on_message(&mut self, message: &Message, time: Nanos) {
        match *message {
            Message::Enter(order) => {
                let mut order = Working { entered: time, ..order };
                order.order_ref = self.number();
                self.admit(order, time, None);
            }
            Message::Replace { original, user_ref, price, total } => {
                let Some(at) = self.find(original) else {
                    return self.too_late(original, time);
                };
                let old = self.resting[at];
                let open = u32::try_from(total.saturating_sub(old.executed)).unwrap_or(u32::MAX);
                self.drop_filled(at);
                if open == 0 {
                    // Terms that cannot be take the original out (OUCH 5.0 §2.2).
                    let reason = CancelReason::Other(b'Z');
                    return self.gone(old, reason, time);
                }
                let mut order = Working { user_ref, price, open, entered: time, ..old };
                order.order_ref = self.number();
                order.touched = false;
                self.admit(order, time, Some((original, old.order_ref)));
            }
            Message::Cancel { original } => {
                let Some(at) = self.find(original) else {
                    return self.too_late(original, time);
                };
                let old = self.resting[at];
                self.drop_filled(at);
                self.gone(old, CancelReason::User, time);
            }
        }
    }

    fn find(&self, user_ref: UserRef) -> Option<usize> {
        self.resting.iter().position(|own| own.user_ref == user_ref)
    }

    fn number(&mut self) -> OrderRef {
        self.next_ref += 1;
        OrderRef(self.next_ref)
    }

    fn too_late(&mut self, user_ref: UserRef, time: Nanos) {
        let terms = ((0, Side::Buy), (Price(0), Qty(0)));
        let order = Working::new(user_ref, terms.0, terms.1, false, false);
        self.happened.push(Happening { time, order, what: What::TooLate });
    }

    fn gone(&mut self, mut order: Working, reason: CancelReason, time: Nanos) {
        let qty = std::mem::take(&mut order.open);
        order.left = true;
        let what = What::Canceled { qty, reason, from_book: true };
        self.happened.push(Happening { time, order, what });
    }

    /// What becomes of an order on entry.
    fn admit(&mut self, mut order: Working, time: Nanos, replaced: Option<(UserRef, OrderRef)>) {
        let place = usize::from(order.instrument);
        let trading = self.trading[place];
        let best = self.market.best(&self.store, order.instrument, order.side.opposite());
        let meets = trading && best.is_some_and(|(price, _)| order.reaches(price));
        let dead = (meets && order.post_only)
            || (order.immediate && !meets)
            || self.resting.len() >= RESTING_MAX;
        let (live, rests) = (!dead, !dead && !meets);
        if rests {
            self.rest(&mut order);
        } else if dead {
            order.open = 0;
        }
        let what = match replaced {
            None => What::Accepted { live, rests },
            Some((original, old_ref)) => What::Replaced { original, old_ref, live, rests },
        };
        self.happened.push(Happening { time, order, what });
        if live && meets {
            self.take(order, time);
        }
    }

    /// Puts an order at the end of its line.
    fn rest(&mut self, order: &mut Working) {
        let levels = self.market.levels(order.instrument);
        let prices = &self.store.instruments[usize::from(order.instrument)].prices;
        let at = prices.binary_search(&(order.price.0.clamp(0, u32::MAX.into()) as u32));
        let there = at.map_or(0, |level| levels.qty(order.side, level as u32));
        order.stamp = levels.stamp();
        order.place = Place::behind(there);
        order.queue_ahead = there;
        self.own[usize::from(order.instrument)] += 1;
        self.resting.push(*order);
    }

    /// Walks the book of the other side, then rests or goes.
    fn take(&mut self, mut order: Working, time: Nanos) {
        let (place, side) = (order.instrument, order.side.opposite());
        let mid_x2 = self.mid_x2(place);
        let mut level = self.market.levels(place).best(side);
        let touch = self.market.best(&self.store, place, side).map_or(order.price, |best| best.0);
        while level != NONE && order.open > 0 {
            let prices = &self.store.instruments[usize::from(place)].prices;
            let price = Price(i64::from(prices[level as usize]));
            if !order.reaches(price) {
                break;
            }
            let there = self.market.levels(place).qty(side, level);
            let filled = self.take_from((place, side, level), there, order.open);
            if filled > 0 {
                order.open -= filled;
                order.executed += u64::from(filled);
                order.touched = true;
                let what = What::Executed { qty: filled, price, maker: false, mid_x2, touch };
                self.happened.push(Happening { time, order, what });
            }
            level = self.market.levels(place).worse(side, level);
        }
        if order.open == 0 {
            return;
        }
        if order.immediate {
            let qty = std::mem::take(&mut order.open);
            let reason = CancelReason::Immediate;
            let what = What::Canceled { qty, reason, from_book: false };
            self.happened.push(Happening { time, order, what });
            return;
        }
        self.rest(&mut order);
        self.happened.push(Happening { time, order, what: What::Rested });
    }

    /// Takes from a level what we have not taken before.
    fn take_from(&mut self, at: (u16, Side, u32), there: u64, wanted: u32) -> u32 {
        let known = self.taken.iter().position(|one| (one.0, one.1, one.2) == at);
        let before = known.map_or(0, |known| self.taken[known].3);
        let filled = there.saturating_sub(before).min(u64::from(wanted)) as u32;
        match known {
            Some(known) => self.taken[known].3 += u64::from(filled),
            None if filled > 0 => {
                self.taken.push((at.0, at.1, at.2, u64::from(filled)));
                self.own[usize::from(at.0)] += 1;
            }
            None => {}
        }
        filled
    }
}
