//! Our orders as the host knows them: what the gateway does, without its wire.
//!
//! Same states, same acks, same rules: the newest order of a side is the quote; an order and its
//! unanswered replacement are both there; when an original dies its unanswered replacement is dead
//! with it and reported as not received (`host/gateway/src/apply.rs`). A suite drives this and the
//! gateway with the same orders and compares them.

use crate::matching::{Happening, Message, What, Working};
use tercel_risk::Order;
use tercel_types::{
    Ack, AckKind, InstrumentId, MatchNumber, Nanos, OrderRef, Own, Price, Qty, Side, TimeInForce,
    UserRef, WorkingOrder, WorkingState,
};

/// The largest quantity of a message (OUCH 5.0 "Quantity").
const QTY_MAX: u64 = 999_999;
const NONE: UserRef = UserRef(0);

#[derive(Clone, Copy, Debug)]
struct Tracked {
    user_ref: UserRef,
    order_ref: OrderRef,
    instrument: InstrumentId,
    side: Side,
    price: Price,
    open: Qty,
    /// Executed in the chain of replaces up to this order.
    chain: u64,
    entered: Nanos,
    replacement: UserRef,
    acked: bool,
    cancelling: bool,
}

/// The orders, oldest first. There are a few.
#[derive(Clone, Default, Debug)]
pub(crate) struct OwnOrders {
    live: Vec<Tracked>,
    last: u32,
    matches: u64,
}

/// Why a message cannot leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unsent {
    /// What a chain of replaces has executed does not fit its quantity any more.
    ChainTooLong,
    /// The order is not live.
    NotLive,
}

impl OwnOrders {
    /// The next order's number.
    pub(crate) fn next_user_ref(&self) -> UserRef {
        UserRef(self.last.saturating_add(1))
    }

    /// The newest order of each side; the position is risk's to say.
    pub(crate) fn own(&self, id: InstrumentId) -> Own {
        let newest = |side| {
            let of = |one: &&Tracked| one.instrument == id && one.side == side;
            self.live.iter().rev().find(of).map(Tracked::working)
        };
        Own { position: 0, bid: newest(Side::Buy), ask: newest(Side::Sell) }
    }

    /// Numbers of those that a cancel of everything names, with their instruments.
    pub(crate) fn cancellable(&self) -> impl Iterator<Item = UserRef> + '_ {
        let states = [WorkingState::Live, WorkingState::PendingNew];
        let named = move |one: &&Tracked| states.contains(&one.state());
        self.live.iter().filter(named).map(|one| one.user_ref)
    }

    fn find(&mut self, user_ref: UserRef) -> Option<&mut Tracked> {
        self.live.iter_mut().find(|one| one.user_ref == user_ref)
    }

    /// Takes note of an order that leaves, and makes the message of it; `place` is its
    /// instrument's.
    pub(crate) fn send(
        &mut self,
        order: &Order,
        place: u16,
        now: Nanos,
    ) -> Result<Message, Unsent> {
        match *order {
            Order::Enter {
                user_ref,
                instrument,
                side,
                price,
                qty,
                time_in_force,
                post_only,
                ..
            } => {
                self.track(user_ref, instrument, (side, price, qty), 0, now);
                let immediate = time_in_force == TimeInForce::Ioc;
                let terms = ((place, side), (price, qty));
                let order = Working::new(user_ref, terms.0, terms.1, post_only, immediate);
                Ok(Message::Enter(order))
            }
            Order::Replace { user_ref, original, instrument, side, price, qty, .. } => {
                let old = self.find(original).ok_or(Unsent::NotLive)?;
                if !old.acked || old.cancelling || old.replacement != NONE {
                    return Err(Unsent::NotLive);
                }
                let chain = old.chain;
                let total = chain + u64::from(qty.0);
                if total > QTY_MAX {
                    return Err(Unsent::ChainTooLong);
                }
                old.replacement = user_ref;
                self.track(user_ref, instrument, (side, price, qty), chain, now);
                Ok(Message::Replace { original, user_ref, price, total })
            }
            Order::Cancel { original, .. } => {
                let order = self.find(original).ok_or(Unsent::NotLive)?;
                if order.cancelling {
                    return Err(Unsent::NotLive);
                }
                order.cancelling = true;
                Ok(Message::Cancel { original })
            }
        }
    }

    fn track(
        &mut self,
        user_ref: UserRef,
        instrument: InstrumentId,
        (side, price, open): (Side, Price, Qty),
        chain: u64,
        entered: Nanos,
    ) {
        self.last = user_ref.0;
        self.live.push(Tracked {
            user_ref,
            order_ref: OrderRef(0),
            instrument,
            side,
            price,
            open,
            chain,
            entered,
            replacement: NONE,
            acked: false,
            cancelling: false,
        });
    }

    /// Terms of an order that is known.
    pub(crate) fn order(&self, user_ref: UserRef) -> Option<WorkingOrder> {
        self.live.iter().find(|one| one.user_ref == user_ref).map(Tracked::working)
    }

    /// The venue has answered.
    pub(crate) fn on_answer(&mut self, answer: &Happening, each: &mut impl FnMut(&Ack)) {
        let Happening { time, order, what } = answer;
        let order_ref = order.order_ref;
        match *what {
            What::Accepted { live, .. } => {
                let kind = AckKind::Accepted { order_ref };
                self.entered(order, kind, live, *time, each);
            }
            What::Replaced { original, live, .. } => {
                let mut chain = 0;
                if let Some(at) = self.live.iter().position(|one| one.user_ref == original) {
                    chain = self.live.remove(at).chain;
                }
                if let Some(new) = self.find(order.user_ref) {
                    new.chain = chain;
                }
                let kind = AckKind::Replaced { original, order_ref };
                self.entered(order, kind, live, *time, each);
            }
            What::Executed { qty, price, maker, .. } => {
                self.matches += 1;
                let match_number = MatchNumber(self.matches);
                let liquidity = if maker { b'A' } else { b'R' };
                let qty = Qty(qty);
                let kind = AckKind::Executed { qty, price, liquidity, match_number };
                if let Some(one) = self.find(order.user_ref) {
                    one.chain += u64::from(qty.0);
                }
                self.reduce(order.user_ref, qty, kind, *time, each);
            }
            What::Canceled { qty, reason, .. } => {
                let kind = AckKind::Canceled { qty: Qty(qty), reason };
                self.reduce(order.user_ref, Qty(qty), kind, *time, each);
            }
            // What ended the order is told on its own (OUCH 5.0 §1.4).
            What::Rested | What::TooLate => {}
        }
    }

    fn entered(
        &mut self,
        order: &Working,
        kind: AckKind,
        live: bool,
        time: Nanos,
        each: &mut impl FnMut(&Ack),
    ) {
        let Some(one) = self.find(order.user_ref) else { return };
        one.order_ref = order.order_ref;
        one.acked = true;
        // What came before its own answer cannot have been executed yet.
        one.open = Qty(order.open);
        one.price = order.price;
        let told = *one;
        if live && order.open > 0 {
            told.tell(time, kind, each);
        } else {
            self.end(told.user_ref, time, kind, each);
        }
    }

    fn reduce(
        &mut self,
        user_ref: UserRef,
        qty: Qty,
        kind: AckKind,
        time: Nanos,
        each: &mut impl FnMut(&Ack),
    ) {
        let Some(one) = self.find(user_ref) else { return };
        one.open = one.open.saturating_sub(qty);
        let told = *one;
        if told.open == Qty::ZERO {
            self.end(user_ref, time, kind, each);
        } else {
            told.tell(time, kind, each);
        }
    }

    /// Tells the last of an order, and that its unanswered replacement is dead with it.
    fn end(&mut self, user_ref: UserRef, time: Nanos, kind: AckKind, each: &mut impl FnMut(&Ack)) {
        let (mut user_ref, mut kind) = (user_ref, kind);
        while let Some(at) = self.live.iter().position(|one| one.user_ref == user_ref) {
            let mut gone = self.live.remove(at);
            gone.open = Qty::ZERO;
            gone.tell(time, kind, each);
            let waits = self.live.iter().any(|one| one.user_ref == gone.replacement && !one.acked);
            if gone.replacement == NONE || !waits {
                return;
            }
            (user_ref, kind) = (gone.replacement, AckKind::NotReceived);
        }
    }
}

impl Tracked {
    fn state(&self) -> WorkingState {
        if self.cancelling {
            WorkingState::PendingCancel
        } else if !self.acked {
            WorkingState::PendingNew
        } else if self.replacement != NONE {
            WorkingState::PendingReplace
        } else {
            WorkingState::Live
        }
    }

    fn working(&self) -> WorkingOrder {
        WorkingOrder {
            user_ref: self.user_ref,
            order_ref: self.order_ref,
            side: self.side,
            price: self.price,
            open: self.open,
            entered: self.entered,
            state: self.state(),
        }
    }

    fn tell(&self, time: Nanos, kind: AckKind, each: &mut impl FnMut(&Ack)) {
        each(&Ack {
            user_ref: self.user_ref,
            instrument: self.instrument,
            side: self.side,
            price: self.price,
            open: self.open,
            time,
            kind,
        });
    }
}
