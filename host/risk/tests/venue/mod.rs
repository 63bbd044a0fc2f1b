//! A model of the venue's order session: takes orders in turn, accepts, fills, cancels, replaces
//! and refuses at random, and queues what it says. It matches nothing.

use std::collections::{BTreeMap, VecDeque};
use tercel_risk::Order;
use tercel_types::{
    Ack, AckKind, CancelReason, InstrumentId, MatchNumber, Nanos, OrderRef, Price, Qty, Side,
    UserRef,
};

pub(crate) const KINDS: [&str; 10] = [
    "accepted", "replaced", "canceled", "executed", "broken", "rejected", "pending", "refused",
    "priority", "lost",
];

#[derive(Clone, Copy)]
struct Resting {
    user_ref: UserRef,
    instrument: InstrumentId,
    side: Side,
    price: Price,
    open: u32,
    /// Executed under this number and the ones it replaced, as the sender knew it or not.
    filled: u32,
}

/// A message on its way in.
#[derive(Clone, Copy)]
struct Sent {
    order: Order,
    /// For a replace, what the sender knew to be filled of the original.
    filled_known: u32,
}

#[derive(Default)]
pub(crate) struct Venue {
    inbound: VecDeque<Sent>,
    outbound: VecDeque<Ack>,
    resting: BTreeMap<u32, Resting>,
    /// Filled under each number and its originals, as told so far.
    told_filled: BTreeMap<u32, u32>,
    trades: Vec<(Ack, u32, Price)>,
    positions: BTreeMap<u16, i64>,
    told: BTreeMap<&'static str, u32>,
}

impl Venue {
    pub(crate) fn send(&mut self, order: Order) {
        let filled_known = match order {
            Order::Replace { user_ref, original, .. } => {
                let known = self.told_filled.get(&original.0).copied().unwrap_or(0);
                self.told_filled.insert(user_ref.0, known);
                known
            }
            _ => 0,
        };
        self.inbound.push_back(Sent { order, filled_known });
    }

    /// Takes in the oldest message.
    pub(crate) fn receive(&mut self, seed: u32) {
        let Some(Sent { order, filled_known }) = self.inbound.pop_front() else { return };
        match order {
            Order::Enter { user_ref, instrument, side, price, qty, .. } => {
                let open = qty.0;
                let order = Resting { user_ref, instrument, side, price, open, filled: 0 };
                match seed % 8 {
                    0 => self.say(&order, 0, AckKind::Rejected { reason: 1 }),
                    1 => self.say(&order, 0, AckKind::NotReceived),
                    2 => self.say(&order, 0, AckKind::Accepted { order_ref: OrderRef(0) }),
                    _ => {
                        self.resting.insert(user_ref.0, order);
                        let order_ref = OrderRef(u64::from(user_ref.0));
                        self.say(&order, open, AckKind::Accepted { order_ref });
                    }
                }
            }
            Order::Replace { user_ref, original, instrument, side, price, qty, .. } => {
                let filled = self.resting.get(&original.0).map(|old| old.filled);
                // Overfill protection: what filled on the way is taken off the new quantity.
                let missed = filled.unwrap_or(0).saturating_sub(filled_known);
                let open = qty.0.saturating_sub(missed);
                let filled = filled_known + missed;
                let order = Resting { user_ref, instrument, side, price, open, filled };
                if !self.resting.contains_key(&original.0) || seed.is_multiple_of(6) || open == 0 {
                    self.say(&order, 0, AckKind::Rejected { reason: 2 });
                    return;
                }
                self.resting.remove(&original.0);
                self.resting.insert(user_ref.0, order);
                let order_ref = OrderRef(u64::from(user_ref.0));
                self.say(&order, open, AckKind::Replaced { original, order_ref });
            }
            Order::Cancel { original, .. } => {
                let Some(order) = self.resting.get(&original.0).copied() else { return };
                match seed % 5 {
                    0 => self.say(&order, order.open, AckKind::CancelPending),
                    1 => self.say(&order, order.open, AckKind::CancelRejected),
                    _ => self.cancel(order, order.open),
                }
            }
        }
    }

    /// Something happens to a resting order.
    pub(crate) fn act(&mut self, which: usize, action: u8, part: u32) {
        let count = self.resting.len();
        let Some(order) = self.resting.values().nth(which % count.max(1)).copied() else { return };
        match action % 16 {
            0 => self.cancel(order, part.min(order.open)),
            1 => {
                let order_ref = OrderRef(1 << 40);
                self.say(&order, order.open, AckKind::PriorityChanged { order_ref });
            }
            2 => {
                let Some((ack, qty, price)) = self.trades.pop() else { return };
                let (qty, match_number) = (Qty(qty), MatchNumber(0));
                let kind = AckKind::Broken { qty, price, match_number };
                *self.positions.entry(ack.instrument.0).or_default() -=
                    ack.side.sign() * i64::from(qty.0);
                *self.told.entry(name(&kind)).or_default() += 1;
                self.outbound.push_back(Ack { kind, open: Qty(0), ..ack });
            }
            _ => self.execute(order, part.min(order.open), action),
        }
    }

    /// One of the oldest messages.
    pub(crate) fn deliver(&mut self, which: usize) -> Option<Ack> {
        let which = which.min(self.outbound.len().checked_sub(1)?);
        let ack = self.outbound.remove(which)?;
        if let AckKind::Executed { qty, .. } = ack.kind {
            *self.told_filled.entry(ack.user_ref.0).or_default() += qty.0;
        }
        Some(ack)
    }

    /// Takes in all that was sent, then cancels everything.
    pub(crate) fn close(&mut self) {
        while !self.inbound.is_empty() {
            self.receive(7);
        }
        for order in self.resting.clone().values() {
            self.cancel(*order, order.open);
        }
    }

    pub(crate) fn position(&self, id: InstrumentId) -> i64 {
        self.positions.get(&id.0).copied().unwrap_or(0)
    }

    pub(crate) fn told(&self, kind: &str) -> u32 {
        self.told.get(kind).copied().unwrap_or(0)
    }

    /// Shares of a side that rest or have traded untold. What is on its way in can only add what it
    /// reserves itself.
    pub(crate) fn could_trade(&self, id: InstrumentId, side: Side) -> u64 {
        let rest = self.resting.values().filter(|o| o.instrument == id && o.side == side);
        let untold = self.outbound.iter().filter(|a| a.instrument == id && a.side == side);
        let untold = untold.map(|ack| match ack.kind {
            AckKind::Executed { qty, .. } => u64::from(qty.0),
            _ => 0,
        });
        rest.map(|order| u64::from(order.open)).sum::<u64>() + untold.sum::<u64>()
    }

    fn execute(&mut self, order: Resting, qty: u32, seed: u8) {
        let price = Price(order.price.0 + i64::from(seed % 3) * 37);
        let kind = AckKind::Executed {
            qty: Qty(qty),
            price,
            liquidity: b'A',
            match_number: MatchNumber(0),
        };
        let open = order.open - qty;
        if let Some(resting) = self.resting.get_mut(&order.user_ref.0) {
            resting.open = open;
            resting.filled += qty;
        }
        *self.positions.entry(order.instrument.0).or_default() +=
            order.side.sign() * i64::from(qty);
        self.say(&order, open, kind);
        if let Some(ack) = self.outbound.back() {
            self.trades.push((*ack, qty, price));
        }
        if open == 0 {
            self.resting.remove(&order.user_ref.0);
        }
    }

    fn cancel(&mut self, order: Resting, qty: u32) {
        let open = order.open - qty;
        match self.resting.get_mut(&order.user_ref.0) {
            Some(resting) if open > 0 => resting.open = open,
            _ => drop(self.resting.remove(&order.user_ref.0)),
        }
        let kind = AckKind::Canceled { qty: Qty(qty), reason: CancelReason::User };
        self.say(&order, open, kind);
    }

    fn say(&mut self, order: &Resting, open: u32, kind: AckKind) {
        *self.told.entry(name(&kind)).or_default() += 1;
        let Resting { user_ref, instrument, side, price, .. } = *order;
        let (open, time) = (Qty(open), Nanos(0));
        self.outbound.push_back(Ack { user_ref, instrument, side, price, open, time, kind });
    }
}

fn name(kind: &AckKind) -> &'static str {
    match kind {
        AckKind::Accepted { .. } => "accepted",
        AckKind::Replaced { .. } => "replaced",
        AckKind::Canceled { .. } => "canceled",
        AckKind::Executed { .. } => "executed",
        AckKind::Broken { .. } => "broken",
        AckKind::Rejected { .. } => "rejected",
        AckKind::CancelPending => "pending",
        AckKind::CancelRejected => "refused",
        AckKind::PriorityChanged { .. } => "priority",
        AckKind::Modified => "modified",
        AckKind::NotReceived => "lost",
    }
}
