//! What accounts are told: events of the engine in, OUCH messages out, and the accounts' own books
//! kept.

use tercel_proto::ouch::outbound::{
    BrokenTrade, OrderAccepted, OrderCanceled, OrderExecuted, OrderRejected, OrderReplaced,
    SystemEvent,
};
use tercel_proto::ouch::reason::cancel;
use tercel_proto::ouch::{Appendages, MARKET_PRICE, MESSAGE_MAX, Outbound, letter, order_state};
use tercel_types::{CancelReason, MatchNumber, Money, Nanos, Price, Qty, UserRef};
use zerocopy::big_endian::{U16, U32, U64};

use super::Venue;
use super::requests::{reject_code, timestamp};
use crate::accounts::Fill;
use crate::matching::{Command, Event, Liquidity, Order, Outcome, Owner, Request};

/// One side of an execution as its account is told of it.
struct Execution<'a> {
    order: &'a Order,
    price: Price,
    qty: Qty,
    liquidity: Liquidity,
    match_number: MatchNumber,
}

impl Venue {
    /// Tells the accounts concerned of an event.
    pub(super) fn answer(&mut self, event: &Event, now: Nanos) {
        match *event {
            Event::Rejected { owner, request, reason } => match request {
                Request::Enter => {
                    let Some((index, account)) = self.accounts.of(owner.account) else { return };
                    let Some(entry) = account.entries.remove(&owner.user_ref) else { return };
                    let code = reject_code(reason);
                    self.reject(index, owner.user_ref, code, entry.client_order_id, now);
                }
                Request::Replace => {
                    if let Some((_, account)) = self.accounts.of(owner.account) {
                        account.entries.remove(&owner.user_ref);
                        self.refused = Some(reason);
                    }
                }
                Request::Market => self.refused = Some(reason),
                // The venue asks for these only when they can be done.
                Request::Cancel | Request::Reduce => {}
            },
            Event::Accepted { order, outcome } => self.accepted(&order, outcome, now),
            Event::Replaced { old, new, outcome, .. } => self.replaced(&old, &new, outcome, now),
            // Told of by what led to them.
            Event::Rested { .. } | Event::StateChanged { .. } => {}
            Event::Executed(trade) => {
                self.counters.executions += 1;
                let (price, qty, match_number) = (trade.price, trade.qty, trade.match_number);
                self.traded(match_number, trade.maker.instrument);
                for (order, liquidity) in [
                    (&trade.maker, trade.maker_liquidity()),
                    (&trade.taker, trade.taker_liquidity()),
                ] {
                    let side = Execution { order, price, qty, liquidity, match_number };
                    self.executed(&side, now);
                }
            }
            Event::CrossFilled(fill) => {
                self.counters.executions += 1;
                self.traded(fill.match_number, fill.order.instrument);
                self.cross_fills.push(fill.match_number);
                let side = Execution {
                    order: &fill.order,
                    price: fill.price,
                    qty: fill.qty,
                    liquidity: Liquidity::Cross(fill.kind),
                    match_number: fill.match_number,
                };
                self.executed(&side, now);
            }
            Event::Crossed { instrument, match_number, .. } => {
                self.traded(match_number, instrument);
                self.counters.crosses += 1;
                self.crosses.insert(match_number, std::mem::take(&mut self.cross_fills));
            }
            Event::Canceled { order, qty, reason, .. } => {
                self.canceled(&order, qty, reason, now);
            }
        }
    }

    fn accepted(&mut self, order: &Order, outcome: Outcome, now: Nanos) {
        let symbol = self.market_data.symbol(order.instrument).0;
        let Some((index, account)) = self.accounts.of(order.owner.account) else { return };
        let Some(entry) = account.entries.get(&order.owner.user_ref) else { return };
        let accepted = OrderAccepted {
            kind: OrderAccepted::KIND,
            timestamp: timestamp(now),
            user_ref: U32::new(order.owner.user_ref.0),
            side: entry.mark,
            quantity: U32::new(order.terms.qty.0),
            symbol,
            price: wire_price(order),
            time_in_force: entry.time_in_force,
            display: entry.display,
            order_ref: U64::new(order.order_ref.0),
            capacity: entry.capacity,
            sweep: entry.sweep,
            cross: entry.cross,
            state: state_of(outcome),
            client_order_id: entry.client_order_id,
        };
        account.counters.accepted += 1;
        if matches!(outcome, Outcome::Dead(_)) {
            account.entries.remove(&order.owner.user_ref);
        }
        self.tell(index, Outbound::OrderAccepted(&accepted, Appendages::EMPTY));
    }

    fn replaced(&mut self, old: &Order, new: &Order, outcome: Outcome, now: Nanos) {
        let symbol = self.market_data.symbol(new.instrument).0;
        let Some((index, account)) = self.accounts.of(new.owner.account) else { return };
        account.entries.remove(&old.owner.user_ref);
        let Some(entry) = account.entries.get(&new.owner.user_ref) else { return };
        let replaced = OrderReplaced {
            kind: OrderReplaced::KIND,
            timestamp: timestamp(now),
            original: U32::new(old.owner.user_ref.0),
            user_ref: U32::new(new.owner.user_ref.0),
            side: entry.mark,
            quantity: U32::new(new.terms.qty.0),
            symbol,
            price: wire_price(new),
            time_in_force: entry.time_in_force,
            display: entry.display,
            order_ref: U64::new(new.order_ref.0),
            capacity: entry.capacity,
            sweep: entry.sweep,
            cross: entry.cross,
            state: state_of(outcome),
            client_order_id: entry.client_order_id,
        };
        account.counters.replaced += 1;
        if matches!(outcome, Outcome::Dead(_)) {
            account.entries.remove(&new.owner.user_ref);
        }
        self.tell(index, Outbound::OrderReplaced(&replaced, Appendages::EMPTY));
    }

    fn executed(&mut self, execution: &Execution<'_>, now: Nanos) {
        let Execution { order, price, qty, liquidity, match_number } = *execution;
        let fees = self.fees;
        let Some((index, account)) = self.accounts.of(order.owner.account) else { return };
        let client_order_id = account
            .entries
            .get(&order.owner.user_ref)
            .map_or([b' '; 14], |entry| entry.client_order_id);
        if order.open == Qty::ZERO {
            account.entries.remove(&order.owner.user_ref);
        }
        let each = match liquidity {
            Liquidity::Added | Liquidity::AddedHidden => fees.added,
            Liquidity::Removed => fees.removed,
            Liquidity::Cross(_) => fees.cross,
        };
        let fill = Fill {
            owner: order.owner,
            instrument: order.instrument,
            side: order.side,
            price,
            qty,
            fee: Money(each.0.saturating_mul(i64::from(qty.0))),
            client_order_id,
        };
        self.accounts.fill(match_number, fill);
        let executed = OrderExecuted {
            kind: OrderExecuted::KIND,
            timestamp: timestamp(now),
            user_ref: U32::new(order.owner.user_ref.0),
            quantity: U32::new(qty.0),
            price: U64::new(price.0.unsigned_abs()),
            liquidity: liquidity.wire(),
            match_number: U64::new(match_number.0),
        };
        self.tell(index, Outbound::OrderExecuted(&executed, Appendages::EMPTY));
    }

    fn canceled(&mut self, order: &Order, qty: Qty, reason: CancelReason, now: Nanos) {
        let (letter, modifying) = (self.cancel_letter.unwrap_or(letter_of(reason)), self.modifying);
        let Some((index, account)) = self.accounts.of(order.owner.account) else { return };
        account.counters.canceled += 1;
        if order.open == Qty::ZERO {
            account.entries.remove(&order.owner.user_ref);
        }
        // A modify is answered by what asked for it.
        if modifying {
            return;
        }
        let canceled = OrderCanceled {
            kind: OrderCanceled::KIND,
            timestamp: timestamp(now),
            user_ref: U32::new(order.owner.user_ref.0),
            quantity: U32::new(qty.0),
            reason: letter,
        };
        self.tell(index, Outbound::OrderCanceled(&canceled, Appendages::ABSENT));
    }

    /// Refuses an order or a replace.
    pub(super) fn reject(
        &mut self,
        index: usize,
        user_ref: UserRef,
        code: u16,
        client_order_id: [u8; 14],
        now: Nanos,
    ) {
        let rejected = OrderRejected {
            kind: OrderRejected::KIND,
            timestamp: timestamp(now),
            user_ref: U32::new(user_ref.0),
            reason: U16::new(code),
            client_order_id,
        };
        if let Some(account) = self.accounts.at(index) {
            account.counters.rejected += 1;
        }
        self.tell(index, Outbound::OrderRejected(&rejected, Appendages::ABSENT));
    }

    /// Cancels an order on the venue's own account, for the reason of `letter`.
    pub(super) fn cancel_for(&mut self, owner: Owner, letter: u8, now: Nanos) {
        self.cancel_letter = Some(letter);
        self.apply(&Command::Cancel { owner }, now);
        self.cancel_letter = None;
    }

    /// Takes an execution back from both sides' accounts; how many sides there were.
    pub(super) fn break_fills(&mut self, match_number: MatchNumber, now: Nanos) -> usize {
        let fills = self.accounts.bust(match_number);
        for fill in &fills {
            let Some((index, _)) = self.accounts.of(fill.owner.account) else { continue };
            let broken = BrokenTrade {
                kind: BrokenTrade::KIND,
                timestamp: timestamp(now),
                user_ref: U32::new(fill.owner.user_ref.0),
                match_number: U64::new(match_number.0),
                reason: b'S',
                client_order_id: fill.client_order_id,
            };
            self.tell(index, Outbound::BrokenTrade(&broken, Appendages::ABSENT));
        }
        fills.len()
    }

    /// Tells every account of the start or the end of the day.
    pub(super) fn tell_all(&mut self, event: u8, now: Nanos) {
        debug_assert!(matches!(event, letter::START_OF_DAY | letter::END_OF_DAY));
        let event = SystemEvent { kind: SystemEvent::KIND, timestamp: timestamp(now), event };
        for index in 0..self.accounts.len() {
            self.tell(index, Outbound::SystemEvent(&event, Appendages::ABSENT));
        }
    }

    pub(super) fn tell(&mut self, index: usize, message: Outbound<'_>) {
        let mut buf = [0; MESSAGE_MAX];
        if let Some(len) = message.emit(&mut buf) {
            self.ports.tell(index, &buf[..len]);
        }
    }
}

fn state_of(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Live => order_state::LIVE,
        Outcome::Dead(_) => order_state::DEAD,
    }
}

fn wire_price(order: &Order) -> U64 {
    U64::new(order.terms.price.map_or(MARKET_PRICE, |price| price.0.unsigned_abs()))
}

fn letter_of(reason: CancelReason) -> u8 {
    match reason {
        CancelReason::User => cancel::USER,
        CancelReason::Immediate => cancel::IMMEDIATE,
        CancelReason::Timeout => cancel::TIMEOUT,
        CancelReason::Supervisory => cancel::SUPERVISORY,
        CancelReason::SelfMatch => cancel::SELF_MATCH,
        CancelReason::PostOnly => cancel::POST_ONLY_CONTRA,
        CancelReason::Halted => cancel::HALTED,
        CancelReason::Collar => cancel::COLLAR,
        CancelReason::Other(letter) => letter,
    }
}
