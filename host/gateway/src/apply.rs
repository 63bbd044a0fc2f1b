//! The venue's messages to order states and acks.
//!
//! Who dies how: Canceled and Executed end an order when nothing is left open; Replaced ends the
//! original without a Canceled (OUCH 5.0 §3.3); Rejected ends only the order whose number it has,
//! so a refused replace leaves the original live (§3.8). A replace of an order that is no longer
//! live, and one with invalid details, which cancels the original, is never answered (§2.2): when
//! an original dies, its unanswered replacement is dead with it and reported as not received.

use crate::executions::Execution;
use crate::gateway::Gateway;
use crate::line::Session;
use crate::orders::{NONE, Slot, Tracked};
use tercel_proto::ouch::outbound::{
    AiqCanceled, BrokenTrade, OrderCanceled, OrderExecuted, OrderRestated, TradeCorrection,
};
use tercel_proto::ouch::{Appendage, Appendages, Outbound, reason};
use tercel_types::{Ack, AckKind, CancelReason, MatchNumber, Nanos, OrderRef, Price, Qty, UserRef};
use zerocopy::big_endian::{U32, U64};

impl Gateway {
    /// Takes one message.
    #[inline]
    pub(crate) fn apply(
        &mut self,
        message: &Outbound<'_>,
        now: Nanos,
        each: &mut impl FnMut(&Ack),
    ) {
        match *message {
            Outbound::OrderExecuted(m, _) => self.on_executed(m, each),
            Outbound::OrderAccepted(m, options) => self.on_order_accepted(m, options, now, each),
            Outbound::OrderReplaced(m, options) => self.on_replaced(m, options, now, each),
            Outbound::OrderCanceled(m, _) => self.on_canceled(m, each),
            Outbound::OrderRejected(m, _) => {
                self.on_rejected(m.user_ref, m.reason.get(), time(m.timestamp), each);
            }
            Outbound::AiqCanceled(m, _) => self.on_aiq_canceled(m, each),
            Outbound::CancelPending(m, _) => {
                self.on_live(m.user_ref, m.timestamp, AckKind::CancelPending, each, |order| {
                    (order.cancelling, order.held) = (true, true);
                });
            }
            Outbound::CancelReject(m, _) => {
                self.on_live(m.user_ref, m.timestamp, AckKind::CancelRejected, each, |order| {
                    (order.cancelling, order.held) = (false, false);
                });
            }
            Outbound::OrderPriorityUpdate(m, _) => {
                let order_ref = OrderRef(m.order_ref.get());
                let kind = AckKind::PriorityChanged { order_ref };
                self.on_live(m.user_ref, m.timestamp, kind, each, |order| {
                    order.order_ref = order_ref;
                    order.price = price(m.price);
                });
            }
            Outbound::OrderModified(m, _) => {
                self.on_live(m.user_ref, m.timestamp, AckKind::Modified, each, |order| {
                    order.open = Qty(m.quantity.get());
                });
            }
            Outbound::OrderRestated(m, options) => self.on_restated(m, options, each),
            Outbound::BrokenTrade(m, _) => self.on_broken(m, each),
            Outbound::TradeCorrection(m, _) => self.on_correction(m, each),
            Outbound::AccountQueryResponse(m, _) => self.on_account_query(m, each),
            Outbound::MassCancelResponse(m, _) => self.on_other(m.user_ref.get()),
            Outbound::DisableOrderEntryResponse(m, _) => self.on_other(m.user_ref.get()),
            Outbound::EnableOrderEntryResponse(m, _) => self.on_other(m.user_ref.get()),
            Outbound::SystemEvent(..) => self.on_other(0),
        }
    }

    fn on_executed(&mut self, m: &OrderExecuted, each: &mut impl FnMut(&Ack)) {
        let Some(slot) = self.known(m.user_ref) else {
            self.counters.unknown_executions += 1;
            return;
        };
        let (qty, price) = (Qty(m.quantity.get()), price(m.price));
        let match_number = MatchNumber(m.match_number.get());
        let order = self.orders.get(slot);
        self.executions.push(Execution {
            user_ref: order.user_ref,
            instrument: order.instrument,
            side: order.side,
            broken: false,
            limit: order.price,
            qty,
            price,
            match_number,
        });
        let kind = AckKind::Executed { qty, price, liquidity: m.liquidity, match_number };
        self.reduce(slot, qty, true, time(m.timestamp), kind, each);
    }

    fn on_canceled(&mut self, m: &OrderCanceled, each: &mut impl FnMut(&Ack)) {
        let Some(slot) = self.known_live(m.user_ref) else { return };
        let qty = Qty(m.quantity.get());
        let kind = AckKind::Canceled { qty, reason: cancel_reason(m.reason) };
        self.reduce(slot, qty, false, time(m.timestamp), kind, each);
    }

    fn on_aiq_canceled(&mut self, m: &AiqCanceled, each: &mut impl FnMut(&Ack)) {
        let Some(slot) = self.known_live(m.user_ref) else { return };
        let qty = Qty(m.decrement.get());
        let kind = AckKind::Canceled { qty, reason: CancelReason::SelfMatch };
        // Prevented shares count for the quantity of a replace as executed ones do (§2.2).
        self.reduce(slot, qty, true, time(m.timestamp), kind, each);
    }

    fn on_rejected(
        &mut self,
        user_ref: U32,
        reason: u16,
        time: Nanos,
        each: &mut impl FnMut(&Ack),
    ) {
        if self.line.session() == Session::Recovering && self.is_unknown(user_ref) {
            // A replay after a restart has the refusals of orders that never were.
            self.see(user_ref.get());
            return;
        }
        let Some(slot) = self.known_live(user_ref) else { return };
        let order = *self.orders.get(slot);
        if order.acked {
            self.counters.inconsistent += 1;
            return;
        }
        if let Some(original) = self.orders.find_live(order.original) {
            self.orders.get_mut(original).replacement = NONE;
        }
        self.end(slot, time, AckKind::Rejected { reason }, each);
    }

    fn on_restated(
        &mut self,
        m: &OrderRestated,
        options: Appendages<'_>,
        each: &mut impl FnMut(&Ack),
    ) {
        let number = options.iter().find_map(|option| match option {
            Appendage::SecondaryOrderRef(number) => Some(OrderRef(number)),
            _ => None,
        });
        let kind = match number {
            Some(order_ref) => AckKind::PriorityChanged { order_ref },
            None => AckKind::Modified,
        };
        self.on_live(m.user_ref, m.timestamp, kind, each, |order| {
            order.order_ref = number.unwrap_or(order.order_ref);
        });
    }

    #[cold]
    fn on_broken(&mut self, m: &BrokenTrade, each: &mut impl FnMut(&Ack)) {
        let user_ref = UserRef(m.user_ref.get());
        let match_number = MatchNumber(m.match_number.get());
        let Some(execution) = self.executions.find(user_ref, match_number) else {
            self.counters.unknown_match += 1;
            return;
        };
        execution.broken = true;
        let execution = *execution;
        let kind = AckKind::Broken { qty: execution.qty, price: execution.price, match_number };
        self.tell_execution(&execution, time(m.timestamp), kind, each);
    }

    /// A correction is told as the break of the execution and a new one at the new price.
    #[cold]
    fn on_correction(&mut self, m: &TradeCorrection, each: &mut impl FnMut(&Ack)) {
        let user_ref = UserRef(m.user_ref.get());
        let match_number = MatchNumber(m.match_number.get());
        let Some(execution) = self.executions.find(user_ref, match_number) else {
            self.counters.unknown_match += 1;
            return;
        };
        let old = *execution;
        (execution.qty, execution.price) = (Qty(m.quantity.get()), price(m.price));
        let new = *execution;
        let broken = AckKind::Broken { qty: old.qty, price: old.price, match_number };
        self.tell_execution(&old, time(m.timestamp), broken, each);
        let executed = AckKind::Executed {
            qty: new.qty,
            price: new.price,
            liquidity: m.liquidity,
            match_number,
        };
        self.tell_execution(&new, time(m.timestamp), executed, each);
    }

    /// A message about a live order that does not end it, unless it leaves nothing open.
    fn on_live(
        &mut self,
        user_ref: U32,
        timestamp: U64,
        kind: AckKind,
        each: &mut impl FnMut(&Ack),
        change: impl FnOnce(&mut Tracked),
    ) {
        let Some(slot) = self.known_live(user_ref) else { return };
        let order = self.orders.get_mut(slot);
        change(order);
        if order.open == Qty::ZERO {
            self.end(slot, time(timestamp), kind, each);
        } else {
            self.tell(slot, time(timestamp), kind, each);
        }
    }

    fn on_other(&mut self, user_ref: u32) {
        self.see(user_ref);
        self.counters.other_messages += 1;
    }

    /// Takes shares off an order and tells it.
    #[inline]
    fn reduce(
        &mut self,
        slot: Slot,
        qty: Qty,
        counts_in_chain: bool,
        time: Nanos,
        kind: AckKind,
        each: &mut impl FnMut(&Ack),
    ) {
        let order = self.orders.get_mut(slot);
        if counts_in_chain {
            order.chain = order.chain.saturating_add(qty.0);
        }
        if order.dead {
            self.tell(slot, time, kind, each);
            return;
        }
        if qty > order.open {
            self.counters.inconsistent += 1;
        }
        order.open = order.open.saturating_sub(qty);
        if order.open == Qty::ZERO {
            self.end(slot, time, kind, each);
        } else {
            self.tell(slot, time, kind, each);
        }
    }

    /// Tells the last of an order, and that its unanswered replacement is dead with it.
    pub(crate) fn end(
        &mut self,
        slot: Slot,
        time: Nanos,
        kind: AckKind,
        each: &mut impl FnMut(&Ack),
    ) {
        let (mut slot, mut kind) = (slot, kind);
        // Only a live order can be replaced, so the chain has two links; each pass kills one.
        loop {
            let replacement = self.orders.get(slot).replacement;
            self.orders.get_mut(slot).open = Qty::ZERO;
            self.orders.get_mut(slot).replacement = NONE;
            self.tell(slot, time, kind, each);
            self.orders.kill(slot);
            let Some(next) = self.orders.find_live(replacement) else { return };
            if self.orders.get(next).acked {
                return;
            }
            self.orders.get_mut(next).never = true;
            self.counters.not_received += 1;
            (slot, kind) = (next, AckKind::NotReceived);
        }
    }

    #[inline]
    pub(crate) fn tell(
        &mut self,
        slot: Slot,
        time: Nanos,
        kind: AckKind,
        each: &mut impl FnMut(&Ack),
    ) {
        let order = self.orders.get(slot);
        self.counters.acks += 1;
        each(&Ack {
            user_ref: order.user_ref,
            instrument: order.instrument,
            side: order.side,
            price: order.price,
            open: order.open,
            time,
            kind,
        });
    }

    fn tell_execution(
        &mut self,
        execution: &Execution,
        time: Nanos,
        kind: AckKind,
        each: &mut impl FnMut(&Ack),
    ) {
        // The order itself may be forgotten by now; its shares do not come back to it.
        let order = self.orders.find(execution.user_ref).map(|slot| self.orders.get(slot));
        self.counters.acks += 1;
        each(&Ack {
            user_ref: execution.user_ref,
            instrument: execution.instrument,
            side: execution.side,
            price: order.map_or(execution.limit, |order| order.price),
            open: order.map_or(Qty::ZERO, |order| order.open),
            time,
            kind,
        });
    }

    /// The order of a message, live or dead; counts one that is neither.
    #[inline]
    fn known(&mut self, user_ref: U32) -> Option<Slot> {
        self.see(user_ref.get());
        let slot = self.orders.find(UserRef(user_ref.get()));
        match slot {
            None => self.counters.unknown_ref += 1,
            Some(slot) if self.orders.get(slot).dead => self.counters.late += 1,
            Some(_) => {}
        }
        slot
    }

    fn is_unknown(&self, user_ref: U32) -> bool {
        self.orders.find(UserRef(user_ref.get())).is_none()
    }

    #[inline]
    fn known_live(&mut self, user_ref: U32) -> Option<Slot> {
        self.known(user_ref).filter(|&slot| !self.orders.get(slot).dead)
    }

    /// No number at or below one that the venue has named is given out again.
    #[inline]
    pub(crate) fn see(&mut self, user_ref: u32) {
        if self.next_ref != 0 && user_ref >= self.next_ref {
            self.next_ref = user_ref.checked_add(1).unwrap_or(0);
        }
    }
}

#[inline]
pub(crate) fn time(timestamp: U64) -> Nanos {
    Nanos(timestamp.get())
}

/// A price of the wire; one beyond the range of `i64` is none and becomes the highest.
#[inline]
pub(crate) fn price(wire: U64) -> Price {
    Price(i64::try_from(wire.get()).unwrap_or(i64::MAX))
}

fn cancel_reason(wire: u8) -> CancelReason {
    match wire {
        reason::cancel::USER => CancelReason::User,
        reason::cancel::IMMEDIATE => CancelReason::Immediate,
        reason::cancel::TIMEOUT => CancelReason::Timeout,
        reason::cancel::SUPERVISORY => CancelReason::Supervisory,
        reason::cancel::SELF_MATCH => CancelReason::SelfMatch,
        reason::cancel::POST_ONLY_NMS | reason::cancel::POST_ONLY_CONTRA => CancelReason::PostOnly,
        reason::cancel::HALTED => CancelReason::Halted,
        reason::cancel::COLLAR => CancelReason::Collar,
        other => CancelReason::Other(other),
    }
}
