//! Orders that the venue has entered: ours, and those that only its messages tell of.

use crate::apply::{price, time};
use crate::error::SessionError;
use crate::gateway::Gateway;
use crate::orders::{NONE, Slot, Tracked};
use tercel_proto::ouch::outbound::{OrderAccepted, OrderReplaced};
use tercel_proto::ouch::{Appendage, Appendages, letter, order_state, side};
use tercel_types::{Ack, AckKind, Nanos, OrderRef, Price, Qty, Side, Symbol, TimeInForce, UserRef};

/// What Accepted and Replaced say of an order.
struct Terms {
    user_ref: UserRef,
    side: u8,
    symbol: Symbol,
    price: Price,
    qty: Qty,
    order_ref: OrderRef,
    time_in_force: u8,
    post_only: bool,
    dead: bool,
    time: Nanos,
}

impl Gateway {
    pub(crate) fn on_order_accepted(
        &mut self,
        m: &OrderAccepted,
        options: Appendages<'_>,
        now: Nanos,
        each: &mut impl FnMut(&Ack),
    ) {
        let terms = Terms {
            user_ref: UserRef(m.user_ref.get()),
            side: m.side,
            symbol: Symbol(m.symbol),
            price: price(m.price),
            qty: Qty(m.quantity.get()),
            order_ref: OrderRef(m.order_ref.get()),
            time_in_force: m.time_in_force,
            post_only: is_post_only(options),
            dead: m.state == order_state::DEAD,
            time: time(m.timestamp),
        };
        let kind = AckKind::Accepted { order_ref: terms.order_ref };
        self.on_entered(&terms, None, now, kind, each);
    }

    pub(crate) fn on_replaced(
        &mut self,
        m: &OrderReplaced,
        options: Appendages<'_>,
        now: Nanos,
        each: &mut impl FnMut(&Ack),
    ) {
        let original = UserRef(m.original.get());
        let terms = Terms {
            user_ref: UserRef(m.user_ref.get()),
            side: m.side,
            symbol: Symbol(m.symbol),
            price: price(m.price),
            qty: Qty(m.quantity.get()),
            order_ref: OrderRef(m.order_ref.get()),
            time_in_force: m.time_in_force,
            post_only: is_post_only(options),
            dead: m.state == order_state::DEAD,
            time: time(m.timestamp),
        };
        let mut chain = 0;
        match self.orders.find(original) {
            Some(slot) if original != terms.user_ref => {
                let old = self.orders.get_mut(slot);
                chain = old.chain;
                old.replacement = NONE;
                if old.dead {
                    self.counters.late += 1;
                }
                self.orders.kill(slot);
            }
            _ => self.counters.unknown_ref += 1,
        }
        let kind = AckKind::Replaced { original, order_ref: terms.order_ref };
        self.on_entered(&terms, Some(chain), now, kind, each);
    }

    /// An order is on the book, or dead at once. `chain` is what its predecessors have executed.
    fn on_entered(
        &mut self,
        terms: &Terms,
        chain: Option<u32>,
        now: Nanos,
        kind: AckKind,
        each: &mut impl FnMut(&Ack),
    ) {
        self.see(terms.user_ref.0);
        let known = match self.orders.find(terms.user_ref) {
            Some(slot) => {
                let order = *self.orders.get(slot);
                if order.dead && order.never {
                    self.counters.revived += 1;
                    self.orders.forget(slot);
                    None
                } else if order.dead || order.acked {
                    self.counters.inconsistent += 1;
                    return;
                } else {
                    Some(slot)
                }
            }
            None => None,
        };
        let Some(slot) = known.or_else(|| self.adopt(terms, now)) else { return };
        let order = self.orders.get_mut(slot);
        order.order_ref = terms.order_ref;
        order.price = terms.price;
        order.open = terms.qty;
        order.acked = true;
        order.original = NONE;
        if let Some(chain) = chain {
            order.chain = chain;
        }
        if terms.dead || terms.qty == Qty::ZERO {
            self.end(slot, terms.time, kind, each);
        } else {
            self.tell(slot, terms.time, kind, each);
        }
    }

    /// Tracks an order that this gateway has not sent, or has forgotten.
    #[cold]
    fn adopt(&mut self, terms: &Terms, now: Nanos) -> Option<Slot> {
        let side = match terms.side {
            side::BUY => Side::Buy,
            side::SELL | side::SELL_SHORT | side::SELL_SHORT_EXEMPT => Side::Sell,
            _ => {
                self.counters.malformed_messages += 1;
                return None;
            }
        };
        let Some(instrument) = self.symbols.find(terms.symbol) else {
            self.counters.unknown_symbol += 1;
            self.refuse(SessionError::UnknownSymbol(terms.symbol));
            return None;
        };
        self.counters.adopted += 1;
        let slot = self.orders.insert(Tracked {
            user_ref: terms.user_ref,
            order_ref: terms.order_ref,
            instrument,
            side,
            time_in_force: match terms.time_in_force {
                letter::TIF_IOC => TimeInForce::Ioc,
                _ => TimeInForce::Day,
            },
            post_only: terms.post_only,
            price: terms.price,
            open: terms.qty,
            chain: 0,
            entered: now,
            original: NONE,
            replacement: NONE,
            acked: true,
            cancelling: false,
            held: false,
            dead: false,
            never: false,
        });
        if slot.is_none() {
            self.counters.table_full += 1;
            self.refuse(SessionError::TableFull);
        }
        slot
    }
}

fn is_post_only(options: Appendages<'_>) -> bool {
    options.iter().any(|option| option == Appendage::PostOnly(letter::POST_ONLY))
}
