//! A participant's own idea of its orders, as the gateway keeps it: from what it sent and from what
//! the venue answered.
//!
//! The rules are those of `host/gateway`, for one instrument: the newest live order of a side is
//! what the strategy sees; while a replace is under way that is the replacement; when an original
//! dies its unanswered replacement is dead with it.

use tercel_risk::Order;
use tercel_types::{
    Ack, AckKind, Nanos, OrderRef, Own, Price, Qty, Side, UserRef, WorkingOrder, WorkingState,
};

/// What travels to the venue.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Request {
    Enter {
        user_ref: UserRef,
        side: Side,
        price: Price,
        qty: Qty,
        immediate: bool,
        post_only: bool,
    },
    /// As in OUCH 5.0 §2.2, `total` counts what the chain of replaces has executed.
    Replace {
        original: UserRef,
        user_ref: UserRef,
        price: Price,
        total: u64,
    },
    Cancel {
        original: UserRef,
    },
}

#[derive(Clone, Copy, Debug)]
struct Tracked {
    order: WorkingOrder,
    acked: bool,
    cancelling: bool,
    /// Executed shares of the chain.
    chain: u64,
    original: UserRef,
    replacement: UserRef,
}

const NONE: UserRef = UserRef(0);

/// The live orders of both sides, oldest first: one, and two while a replace is under way.
#[derive(Clone, Debug)]
pub(super) struct Orders {
    live: Vec<Tracked>,
    next: u32,
}

impl Orders {
    pub(super) fn new() -> Orders {
        Orders { live: Vec::with_capacity(16), next: 1 }
    }

    pub(super) fn next_user_ref(&self) -> UserRef {
        UserRef(self.next)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Notes an order that leaves, and says what leaves; `None` if there is nothing to send.
    pub(super) fn send(&mut self, order: &Order, now: Nanos) -> Option<Request> {
        match *order {
            Order::Enter { user_ref, side, price, qty, time_in_force, post_only, .. } => {
                self.push(user_ref, side, price, qty, now, None);
                let immediate = time_in_force == tercel_types::TimeInForce::Ioc;
                Some(Request::Enter { user_ref, side, price, qty, immediate, post_only })
            }
            Order::Replace { user_ref, original, side, price, qty, .. } => {
                let old = self.find(original)?;
                old.replacement = user_ref;
                let chain = old.chain;
                self.push(user_ref, side, price, qty, now, Some((original, chain)));
                let total = chain + u64::from(qty.0);
                Some(Request::Replace { original, user_ref, price, total })
            }
            Order::Cancel { original, .. } => {
                self.find(original)?.cancelling = true;
                Some(Request::Cancel { original })
            }
        }
    }

    /// Takes an answer in; the number of a replacement that died with its original.
    pub(super) fn on_ack(&mut self, ack: &Ack) -> Option<UserRef> {
        match ack.kind {
            AckKind::Accepted { order_ref } => self.accept(ack, order_ref),
            AckKind::Replaced { original, order_ref } => {
                if let Some(old) = self.find(original) {
                    old.replacement = NONE;
                }
                self.live.retain(|one| one.order.user_ref != original);
                self.accept(ack, order_ref);
            }
            AckKind::Executed { qty, .. } => {
                let executed = u64::from(qty.0);
                let replacement = self.find(ack.user_ref).map(|one| {
                    one.order.open = ack.open;
                    one.chain += executed;
                    one.replacement
                });
                // What the original executes counts for the replacement under way.
                if let Some(next) = replacement.and_then(|number| self.find(number)) {
                    next.chain += executed;
                }
            }
            AckKind::Canceled { .. } => {
                if let Some(one) = self.find(ack.user_ref) {
                    one.order.open = ack.open;
                }
            }
            _ => {
                let original = self.find(ack.user_ref).map(|one| one.original);
                if let Some(old) = original.and_then(|number| self.find(number)) {
                    old.replacement = NONE;
                }
            }
        }
        if ack.open == Qty::ZERO { self.bury(ack.user_ref) } else { None }
    }

    /// What the strategy sees; the position is risk's to say.
    #[inline]
    pub(super) fn own(&self, position: i64) -> Own {
        let newest = |side| self.live.iter().rev().find(|one| one.order.side == side);
        let working = |side| newest(side).map(Tracked::working);
        Own { position, bid: working(Side::Buy), ask: working(Side::Sell) }
    }

    fn push(
        &mut self,
        user_ref: UserRef,
        side: Side,
        price: Price,
        open: Qty,
        now: Nanos,
        replaces: Option<(UserRef, u64)>,
    ) {
        self.next = user_ref.0 + 1;
        let state = WorkingState::PendingNew;
        let order_ref = OrderRef(0);
        let (original, chain) = replaces.unwrap_or((NONE, 0));
        self.live.push(Tracked {
            order: WorkingOrder { user_ref, order_ref, side, price, open, entered: now, state },
            acked: false,
            cancelling: false,
            chain,
            original,
            replacement: NONE,
        });
    }

    fn find(&mut self, user_ref: UserRef) -> Option<&mut Tracked> {
        self.live.iter_mut().find(|one| one.order.user_ref == user_ref)
    }

    fn accept(&mut self, ack: &Ack, order_ref: OrderRef) {
        if let Some(one) = self.find(ack.user_ref) {
            (one.acked, one.original) = (true, NONE);
            (one.order.order_ref, one.order.price, one.order.open) =
                (order_ref, ack.price, ack.open);
        }
    }

    fn bury(&mut self, user_ref: UserRef) -> Option<UserRef> {
        let dead = *self.find(user_ref)?;
        self.live.retain(|one| one.order.user_ref != user_ref);
        if dead.replacement == NONE {
            return None;
        }
        self.live.retain(|one| one.order.user_ref != dead.replacement);
        Some(dead.replacement)
    }
}

impl Tracked {
    #[inline]
    fn working(&self) -> WorkingOrder {
        let state = if self.cancelling {
            WorkingState::PendingCancel
        } else if !self.acked {
            WorkingState::PendingNew
        } else if self.replacement != NONE {
            WorkingState::PendingReplace
        } else {
            WorkingState::Live
        };
        WorkingOrder { state, ..self.order }
    }
}
