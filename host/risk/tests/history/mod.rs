//! The oracle: everything that happened, and what it comes to when read from the beginning.

use std::collections::BTreeMap;
use tercel_risk::{AccountView, ExposureView, Order};
use tercel_types::{Ack, AckKind, InstrumentId, Money, Price, Side, UserRef};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Approved(Order),
    Ack(Ack),
    Mark(InstrumentId, Price),
}

/// An order as the history has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alive {
    pub(crate) user_ref: UserRef,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) price: Price,
    pub(crate) open: u32,
    pub(crate) pending: Option<(UserRef, Price, u32)>,
}

#[derive(Clone, Copy, Default, Debug)]
struct Held {
    position: i128,
    cost: i128,
    cash: i128,
    mark: i128,
}

#[derive(Default)]
pub(crate) struct History {
    events: Vec<Event>,
    alive: BTreeMap<u32, Alive>,
}

#[derive(Default)]
pub(crate) struct Replay {
    alive: BTreeMap<u32, Alive>,
    held: BTreeMap<u16, Held>,
}

impl History {
    pub(crate) fn push(&mut self, event: Event) {
        self.events.push(event);
        self.alive = self.replay().alive;
    }

    /// One of the orders that may be alive.
    pub(crate) fn pick(&self, which: usize) -> Option<Alive> {
        self.alive.values().nth(which % self.alive.len().max(1)).copied()
    }

    pub(crate) fn replay(&self) -> Replay {
        let mut replay = Replay::default();
        for event in &self.events {
            match event {
                Event::Approved(order) => replay.approve(order),
                Event::Ack(ack) => replay.ack(ack),
                Event::Mark(id, price) => {
                    replay.held.entry(id.0).or_default().mark = price.0.into();
                }
            }
        }
        replay
    }
}

impl Replay {
    fn approve(&mut self, order: &Order) {
        match *order {
            Order::Enter { user_ref, instrument, side, price, qty, .. } => {
                let open = qty.0;
                let order = Alive { user_ref, instrument, side, price, open, pending: None };
                self.alive.insert(user_ref.0, order);
            }
            Order::Replace { user_ref, original, price, qty, .. } => {
                let order = self.alive.get_mut(&original.0).expect("approved a replace of nothing");
                order.pending = Some((user_ref, price, qty.0));
            }
            Order::Cancel { .. } => {}
        }
    }

    fn ack(&mut self, ack: &Ack) {
        match ack.kind {
            AckKind::Executed { qty, price, .. } => {
                self.trade(ack, ack.side.sign() * i64::from(qty.0), price);
            }
            AckKind::Broken { qty, price, .. } => {
                self.trade(ack, -ack.side.sign() * i64::from(qty.0), price);
                return;
            }
            AckKind::Rejected { .. } | AckKind::NotReceived => {
                self.alive.remove(&ack.user_ref.0);
                for order in self.alive.values_mut() {
                    order.pending = order.pending.filter(|pending| pending.0 != ack.user_ref);
                }
                return;
            }
            _ => {}
        }
        let of =
            |order: &&Alive| order.pending.is_some_and(|(user_ref, _, _)| user_ref == ack.user_ref);
        if let Some(old) = self.alive.values().find(of).copied() {
            let price = match ack.kind {
                AckKind::Replaced { .. } => ack.price,
                _ => old.pending.map_or(old.price, |pending| pending.1),
            };
            let user_ref = ack.user_ref;
            let new = Alive { user_ref, price, open: ack.open.0, pending: None, ..old };
            self.alive.remove(&old.user_ref.0);
            self.alive.insert(new.user_ref.0, new);
        }
        let Some(order) = self.alive.get_mut(&ack.user_ref.0) else { return };
        order.open = order.open.min(ack.open.0);
        if matches!(ack.kind, AckKind::Accepted { .. }) {
            order.price = ack.price;
        }
        if order.open == 0 {
            self.alive.remove(&ack.user_ref.0);
        }
    }

    fn trade(&mut self, ack: &Ack, shares: i64, price: Price) {
        let held = self.held.entry(ack.instrument.0).or_default();
        let (shares, price) = (i128::from(shares), i128::from(price.0));
        held.cash -= shares * price;
        // Share by share would be the definition; closing all at once rounds once, as risk does.
        let closing = if held.position.signum() * shares.signum() < 0 {
            shares.abs().min(held.position.abs())
        } else {
            0
        };
        if closing > 0 {
            held.cost -= held.cost * closing / held.position.abs();
        }
        held.cost += (shares - shares.signum() * closing) * price;
        held.position += shares;
    }

    fn worst(&self, id: InstrumentId, side: Side) -> (u64, i128, u32) {
        let mut sum = (0, 0, 0);
        for order in self.alive.values().filter(|o| o.instrument == id && o.side == side) {
            let (mut qty, mut notional) = (order.open, order.price.0 * i64::from(order.open));
            if let Some((_, price, wanted)) = order.pending {
                qty = qty.max(wanted);
                notional = notional.max(price.0 * i64::from(wanted));
            }
            sum = (sum.0 + u64::from(qty), sum.1 + i128::from(notional), sum.2 + 1);
        }
        sum
    }

    pub(crate) fn exposure(&self, id: InstrumentId) -> ExposureView {
        let held = self.held.get(&id.0).copied().unwrap_or_default();
        let (open_buy_qty, buys, bids) = self.worst(id, Side::Buy);
        let (open_sell_qty, sells, offers) = self.worst(id, Side::Sell);
        let value = if held.mark == 0 { held.cost } else { held.position * held.mark };
        let (long, short) = ((value + buys).max(0), (sells - value).max(0));
        ExposureView {
            position: i64::try_from(held.position).unwrap(),
            open_buy_qty,
            open_sell_qty,
            open_buys: money(buys),
            open_sells: money(sells),
            mark: Price(i64::try_from(held.mark).unwrap()),
            value: money(value),
            cost: money(held.cost),
            realised: money(held.cash + held.cost),
            unrealised: money(value - held.cost),
            gross: money(long + short),
            net: money(long.max(short)),
            open_orders: bids + offers,
        }
    }

    /// Without peak and drawdown.
    pub(crate) fn account(&self) -> AccountView {
        let mut sum = AccountView::default();
        let mut ids: Vec<u16> = self.alive.values().map(|order| order.instrument.0).collect();
        ids.extend(self.held.keys());
        ids.sort_unstable();
        ids.dedup();
        let mut reserved = 0;
        for id in ids {
            let view = self.exposure(InstrumentId(id));
            sum.cash += Money(view.realised.0 - view.cost.0);
            sum.realised += view.realised;
            sum.unrealised += view.unrealised;
            sum.value += view.value;
            sum.gross += view.gross;
            sum.open_buys += view.open_buys;
            sum.open_sells += view.open_sells;
            sum.open_orders += view.open_orders;
            reserved += view.open_buys.0.max(-view.value.0);
        }
        sum.net = Money(
            (sum.value.0 + sum.open_buys.0).abs().max((sum.value.0 - sum.open_sells.0).abs()),
        );
        sum.credit_used = Money(reserved - sum.cash.0);
        sum
    }
}

fn money(units: i128) -> Money {
    Money(i64::try_from(units).unwrap())
}
