//! The host's side of a backtest: production book, policy and risk, as the engine drives them.
//!
//! The tick is that of `host/engine/src/engine.rs`: book, features, risk's mark, decision, risk,
//! order. What differs is what stands around it: the gateway's states without its wire
//! ([`crate::own`]), no session, and no grace for a stale feed, because a recording has no second
//! line that would fill a gap a moment later.

use crate::brain::Brain;
use crate::depth_orders::DepthOrders;
use crate::event::{Event, EventKind, bit};
use crate::ledger::{Request, Sent};
use crate::matching::{Happening, Message};
use crate::own::{OwnOrders, Unsent};
use crate::queue::QueueModel;
use crate::settings::{BacktestError, Trading};
use crate::store::{Grain, Store};
use core::ops::Deref;
use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Change, Effect, Limits};
use tercel_risk::{Order, Risk};
use tercel_types::{
    Ack, AckKind, InstrumentId, Intent, Nanos, OrderRef, Own, Price, Qty, Side, UserRef,
};

/// The host.
pub(crate) struct Host<S> {
    store: S,
    books: Books,
    pub(crate) brain: Brain,
    risk: Risk,
    own: OwnOrders,
    depth: Option<DepthOrders>,
    trading: Trading,
    /// Place of each instrument by its number.
    places: Vec<u16>,
    requote: Vec<InstrumentId>,
    next_look: usize,
    /// The order that the next event replaces.
    replaced: u32,
    /// Messages that leave, with what is written of them.
    pub(crate) outbox: Vec<(Message, Sent)>,
    pub(crate) decisions: u64,
    pub(crate) refused: u64,
    scratch: Vec<OrderRef>,
}

const NO_PLACE: u16 = u16::MAX;

impl<S: Deref<Target = Store>> Host<S> {
    pub(crate) fn new(
        store: S,
        trading: &Trading,
        brain: Brain,
        queue: QueueModel,
    ) -> Result<Host<S>, BacktestError> {
        let ids = store.instruments.iter().map(|one| one.contract.instrument);
        let most = ids.clone().map(InstrumentId::index).max().unwrap_or(0);
        let mut places = vec![NO_PLACE; most + 1];
        for (at, id) in ids.enumerate() {
            places[id.index()] = at as u16; // fewer than 65,535
        }
        let levels: usize = store.instruments.iter().map(|one| 2 * one.prices.len()).sum();
        let by_level = store.grain == Grain::Levels;
        let limits = Limits {
            instruments_max: most + 1,
            // Where levels are told as orders there are two of them at most.
            orders_max: trading.orders_max.max(if by_level { levels + 1_024 } else { 0 }),
            levels_max: (levels + 1_024).min(1 << 20),
            watched_max: 256,
            prefault: false,
            huge_pages: false,
        };
        let depth = by_level.then(|| DepthOrders::new(&store, queue));
        Ok(Host {
            requote: Vec::with_capacity(store.instruments.len()),
            store,
            books: Books::new(&limits)?,
            brain,
            risk: Risk::new(trading.risk)?,
            own: OwnOrders::default(),
            depth,
            trading: trading.clone(),
            places,
            next_look: 0,
            replaced: 0,
            outbox: Vec::new(),
            decisions: 0,
            refused: 0,
            scratch: Vec::new(),
        })
    }

    /// One event of the recording has come in.
    pub(crate) fn on_event(&mut self, event: &Event, now: Nanos) {
        let id = self.store.instruments[usize::from(event.instrument)].contract.instrument;
        let order_ref = Store::order_ref(event.stamp).0;
        let of = |kind| EventRecord {
            instrument: id.0,
            order_ref,
            exchange_time: event.time.0,
            receive_time: now.0,
            ..EventRecord::new(kind)
        };
        let quantity = u64::from(event.qty);
        let price = event.price().0;
        let record = match event.kind {
            EventKind::Record => {
                let record = self.store.records[event.stamp as usize];
                EventRecord { receive_time: now.0, ..record }
            }
            EventKind::Add if event.has(bit::REPLACED) => EventRecord {
                order_ref: u64::from(self.replaced),
                second_ref: order_ref,
                price,
                quantity,
                ..of(Kind::Replaced)
            },
            EventKind::Add => {
                EventRecord { side: event.side() as u8, price, quantity, ..of(Kind::Add) }
            }
            EventKind::Reduce if event.has(bit::REPLACED) => {
                self.replaced = event.stamp;
                return;
            }
            EventKind::Reduce if event.has(bit::GONE) => of(Kind::Deleted),
            EventKind::Reduce => EventRecord { quantity, ..of(Kind::Canceled) },
            EventKind::Execute if event.has(bit::NOT_PRINTED) => {
                EventRecord { price, quantity, ..of(Kind::ExecutedPrice) }
            }
            EventKind::Execute => EventRecord { quantity, ..of(Kind::Executed) },
            EventKind::Trade => {
                if let (Some(depth), false) = (&mut self.depth, event.has(bit::NO_SIDE)) {
                    depth.trade(event);
                }
                EventRecord { side: b'B', price, quantity, order_ref: 0, ..of(Kind::Trade) }
            }
            EventKind::Level => return self.on_level(event, id, now),
            EventKind::Clear => return self.on_clear(event.instrument, id, now),
        };
        self.tick(&record, now, !event.has(bit::MORE));
    }

    /// The engine's tick.
    fn tick(&mut self, record: &EventRecord, now: Nanos, decides: bool) {
        let change = self.books.apply(record);
        self.after(record, &change, now, decides);
    }

    /// What follows once the book has changed.
    fn after(&mut self, record: &EventRecord, change: &Change, now: Nanos, decides: bool) {
        match change.effect {
            Effect::None if change.trade.is_none() => return,
            Effect::Market => return self.on_market(record, change, now),
            Effect::State if record.kind == Kind::Directory as u8 => {
                return self.on_directory(record);
            }
            Effect::None | Effect::State | Effect::Book { .. } => {}
        }
        if !self.brain.quotes(change.instrument) {
            return;
        }
        self.brain.on_event(record, change, &self.books, now);
        let moved =
            matches!(change.effect, Effect::Book { top: true, .. }) || change.trade.is_some();
        if moved {
            let view = self.books.market_view(change.instrument);
            self.risk.mark(change.instrument, &view, now);
        }
        if decides {
            self.quote(change.instrument, now);
        }
    }

    fn on_market(&mut self, record: &EventRecord, change: &Change, now: Nanos) {
        self.brain.on_event(record, change, &self.books, now);
        if !self.books.is_stale() {
            let ids = self.store.instruments.iter().map(|one| one.contract.instrument);
            self.requote.clear();
            self.requote.extend(ids);
            self.requote_all(now);
        }
    }

    fn on_directory(&mut self, record: &EventRecord) {
        let id = record.instrument();
        let known = self.places.get(id.index()).is_some_and(|place| *place != NO_PLACE);
        if known && self.risk.bind(id, self.trading.limits).is_ok() {
            self.brain.add_instrument(id);
        }
    }

    /// A level has changed: the book gets the orders that stand for it, the policy one event.
    fn on_level(&mut self, event: &Event, id: InstrumentId, now: Nanos) {
        let Some(depth) = &mut self.depth else { return };
        let side = event.side();
        let ours = self.own.own(id).side(side).is_some_and(|order| order.price == event.price());
        let Some(kind) = depth.change(event, id.0, ours) else { return };
        let mut told: Option<Change> = None;
        for record in &depth.records {
            let change = self.books.apply(record);
            let before = told.is_some_and(|told| is_top(&told));
            let top = before || is_top(&change);
            told = Some(Change { effect: Effect::Book { side, top }, ..change });
        }
        let Some(change) = told else { return };
        let record = EventRecord {
            instrument: id.0,
            side: side as u8,
            price: event.price().0,
            exchange_time: event.time.0,
            receive_time: now.0,
            ..EventRecord::new(kind)
        };
        self.after(&record, &change, now, !event.has(bit::MORE));
    }

    fn on_clear(&mut self, place: u16, id: InstrumentId, now: Nanos) {
        if let Some(depth) = &mut self.depth {
            depth.clear(place);
        }
        self.scratch.clear();
        let ours: Vec<OrderRef> = [Side::Buy, Side::Sell]
            .into_iter()
            .filter_map(|side| self.own.own(id).side(side).map(|order| order.order_ref))
            .collect();
        let theirs = self.books.orders(id).map(|order| order.order_ref);
        self.scratch.extend(theirs.filter(|order_ref| !ours.contains(order_ref)));
        for at in 0..self.scratch.len() {
            let record = EventRecord {
                instrument: id.0,
                order_ref: self.scratch[at].0,
                receive_time: now.0,
                ..EventRecord::new(Kind::Deleted)
            };
            let last = at + 1 == self.scratch.len();
            self.tick(&record, now, last);
        }
    }

    /// The feed tells of an order of ours.
    pub(crate) fn on_echo(&mut self, record: &EventRecord, now: Nanos) {
        let joins = [Kind::Add as u8, Kind::Replaced as u8].contains(&record.kind);
        if let (Some(depth), true) = (&mut self.depth, joins) {
            let place = self.places[record.instrument().index()];
            let old = self.books.order(record.order_ref());
            let side = record.side().or(old.map(|order| order.side));
            let price = u32::try_from(record.price).unwrap_or(0);
            if let Some(side) = side
                && depth.join(&self.store, place, side, price)
            {
                for record in &depth.records {
                    self.books.apply(record);
                }
            }
        }
        let record = EventRecord { receive_time: now.0, ..*record };
        self.tick(&record, now, true);
    }

    /// The venue has answered.
    pub(crate) fn on_answer(&mut self, answer: &Happening, now: Nanos) {
        let Host { own, risk, books, requote, .. } = self;
        own.on_answer(answer, &mut |ack: &Ack| {
            risk.on_ack(ack, now);
            if let AckKind::Accepted { order_ref } | AckKind::Replaced { order_ref, .. } = ack.kind
                && ack.open.0 > 0
            {
                books.watch(order_ref);
            }
            if !requote.contains(&ack.instrument) {
                requote.push(ack.instrument);
            }
        });
        self.requote_all(now);
    }

    /// What is done between ticks: another look at one instrument, and taking everything out when
    /// risk's breaker has tripped.
    pub(crate) fn on_timer(&mut self, now: Nanos) {
        if self.risk.tripped().is_some() {
            self.cancel_all(now);
            return;
        }
        self.next_look = (self.next_look + 1) % self.store.instruments.len().max(1);
        if let Some(one) = self.store.instruments.get(self.next_look) {
            self.requote.push(one.contract.instrument);
        }
        self.requote_all(now);
    }

    /// Asks for every order of ours to be taken out.
    pub(crate) fn cancel_all(&mut self, now: Nanos) {
        let orders: Vec<UserRef> = self.own.cancellable().collect();
        for original in orders {
            self.submit(&Intent::Cancel { original }, InstrumentId::default(), now);
        }
    }

    fn requote_all(&mut self, now: Nanos) {
        while let Some(id) = self.requote.pop() {
            self.quote(id, now);
        }
    }

    /// Our orders and position.
    pub(crate) fn own(&self, id: InstrumentId) -> Own {
        Own { position: self.risk.position(id), ..self.own.own(id) }
    }

    /// The books.
    pub(crate) fn books(&self) -> &Books {
        &self.books
    }

    /// Asks what to do in one instrument, and does what risk lets it.
    pub(crate) fn quote(&mut self, id: InstrumentId, now: Nanos) {
        let own = self.own(id);
        let intents = self.brain.decide(id, &self.books, &own, now);
        self.decisions += 1;
        for intent in intents.iter() {
            self.submit(intent, id, now);
        }
    }

    fn submit(&mut self, intent: &Intent, id: InstrumentId, now: Nanos) {
        let user_ref = self.own.next_user_ref();
        let view = self.books.market_view(id);
        let Ok(approved) = self.risk.check(intent, user_ref, &view, now) else {
            self.refused += 1;
            return;
        };
        let order = *approved.get();
        let sent = self.sent(&order, now);
        let place = self.places.get(sent.instrument.index()).copied().unwrap_or(0);
        match self.own.send(&order, place, now) {
            Ok(message) => self.outbox.push((message, sent)),
            Err(unsent) => {
                self.risk.withdraw(&approved);
                if let (Unsent::ChainTooLong, Order::Replace { original, instrument, .. }) =
                    (unsent, order)
                {
                    self.submit(&Intent::Cancel { original }, instrument, now);
                }
            }
        }
    }

    fn sent(&self, order: &Order, time: Nanos) -> Sent {
        let none = UserRef(0);
        match *order {
            Order::Enter { user_ref, instrument, side, price, qty, .. } => {
                let request = Request::Enter;
                Sent { instrument, time, request, side, price, qty, user_ref, original: none }
            }
            Order::Replace { user_ref, original, instrument, side, price, qty, .. } => {
                let request = Request::Replace;
                Sent { instrument, time, request, side, price, qty, user_ref, original }
            }
            Order::Cancel { original, instrument } => {
                let side = self.own.order(original).map_or(Side::Buy, |order| order.side);
                Sent {
                    instrument,
                    time,
                    request: Request::Cancel,
                    side,
                    price: Price(0),
                    qty: Qty(0),
                    user_ref: original,
                    original,
                }
            }
        }
    }
}

fn is_top(change: &Change) -> bool {
    matches!(change.effect, Effect::Book { top: true, .. })
}
