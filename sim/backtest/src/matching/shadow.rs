//! The backtester and the running host's shadow orders follow one model: both over the same market,
//! which is told by order to one and by order or by level to the other.

use super::*;
use crate::ledger::Contract;
use crate::store::{Builder, Grain, When};
use proptest::prelude::*;
use tercel_abi::EventRecord;
use tercel_book::{Books, Limits};
use tercel_policy::shadow::{self, ShadowBook, ShadowRules};
use tercel_types::{InstrumentId, Intent, Intents, NewOrder, Own, Symbol, TimeInForce};

const ID: InstrumentId = InstrumentId(1);

#[derive(Clone, Copy, Debug)]
enum Step {
    Add { buy: bool, level: u8, qty: u8 },
    Cut { which: u8, qty: u8 },
    Execute { buy: bool, qty: u8 },
    Quote { buy: bool, level: u8, qty: u8 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let of = || (any::<bool>(), 0u8..6, 1u8..20);
    let step = prop_oneof![
        4 => of().prop_map(|(buy, level, qty)| Step::Add { buy, level, qty }),
        2 => (any::<u8>(), 1u8..20).prop_map(|(which, qty)| Step::Cut { which, qty }),
        3 => (any::<bool>(), 1u8..20).prop_map(|(buy, qty)| Step::Execute { buy, qty }),
        1 => of().prop_map(|(buy, level, qty)| Step::Quote { buy, level, qty }),
    ];
    prop::collection::vec(step, 1..150)
}

fn price(side: Side, level: u8) -> Price {
    let base = if side == Side::Buy { 10_000 } else { 10_300 };
    Price(base + i64::from(level) * 100)
}

/// The others' orders, in the order in which they came.
#[derive(Default)]
struct Market {
    orders: Vec<(u64, Side, Price, u64)>,
    last: u64,
}

impl Market {
    fn level(&self, side: Side, price: Price) -> u64 {
        let there = self.orders.iter().filter(|one| (one.1, one.2) == (side, price));
        there.map(|one| one.3).sum()
    }

    fn best(&self, side: Side) -> Option<Price> {
        let prices = self.orders.iter().filter(|one| one.1 == side).map(|one| one.2);
        if side == Side::Buy { prices.max() } else { prices.min() }
    }

    fn take(&mut self, at: usize, qty: u64) {
        self.orders[at].3 -= qty;
        if self.orders[at].3 == 0 {
            self.orders.remove(at);
        }
    }

    /// The record of a step, and what of it is a trade.
    fn step(&mut self, step: Step) -> Option<EventRecord> {
        let side_of = |buy| if buy { Side::Buy } else { Side::Sell };
        let of =
            |kind, order_ref| EventRecord { instrument: ID.0, order_ref, ..EventRecord::new(kind) };
        match step {
            Step::Add { buy, level, qty } => {
                let (side, price, quantity) =
                    (side_of(buy), price(side_of(buy), level), qty.into());
                let crosses = |other: Price| !side.better(other, price);
                if self.best(side.opposite()).is_some_and(crosses) {
                    return None;
                }
                self.last += 1;
                self.orders.push((self.last, side, price, quantity));
                let added = of(Kind::Add, self.last);
                Some(EventRecord { side: side as u8, price: price.0, quantity, ..added })
            }
            Step::Cut { which, qty } => {
                let at = usize::from(which) % self.orders.len().max(1);
                let (order_ref, .., there) = *self.orders.get(at)?;
                let quantity = there.min(qty.into());
                self.take(at, quantity);
                Some(EventRecord { quantity, ..of(Kind::Canceled, order_ref) })
            }
            Step::Execute { buy, qty } => {
                let side = side_of(buy);
                let best = self.best(side)?;
                let at = self.orders.iter().position(|one| (one.1, one.2) == (side, best))?;
                let (order_ref, .., there) = self.orders[at];
                let quantity = there.min(qty.into());
                self.take(at, quantity);
                Some(EventRecord { quantity, ..of(Kind::Executed, order_ref) })
            }
            Step::Quote { .. } => None,
        }
    }
}

/// The record as the backtester's recordings have it, by order or by level.
fn tell(
    (builder, grain): (&mut Builder, Grain),
    record: &EventRecord,
    (side, price): (Side, Price),
    market: &Market,
) {
    let when = When::at(Nanos(record.exchange_time));
    let qty = record.quantity;
    match (grain, record.kind()) {
        (Grain::Levels, kind) => {
            if kind == Some(Kind::Executed) {
                builder.trade(when, 0, Some(side), price, qty);
            }
            builder.level(when, 0, side, price, market.level(side, price), false);
        }
        (_, Some(Kind::Add)) => builder.add(when, 0, record.order_ref, side, price, qty),
        (_, Some(Kind::Executed)) => builder.execute(when, record.order_ref, qty, true),
        _ => builder.reduce(when, record.order_ref, Some(qty)),
    }
}

/// After a step: shares ahead of bid and ask, shares filled so far, the position.
type Seen = ([Option<u64>; 2], u64, i64);

/// What the shadow's orders see, one a side at a time, and the same orders for the venue's side.
fn shadow(
    steps: &[Step],
    model: shadow::QueueModel,
    (builder, grain): (&mut Builder, Grain),
) -> (Vec<Seen>, Vec<(Nanos, Working)>) {
    let mut books = Books::new(&Limits::default()).expect("books");
    for kind in [Kind::Directory, Kind::TradingAction] {
        let tag = u16::from(b'T');
        books.apply(&EventRecord { instrument: ID.0, tag, quantity: 1, ..EventRecord::new(kind) });
    }
    let rules = ShadowRules { queue: model, ..ShadowRules::default() };
    let (mut book, mut market, real) = (ShadowBook::new(1), Market::default(), Own::default());
    let (mut seen, mut entered) = (Vec::new(), Vec::new());
    for (at, step) in steps.iter().enumerate() {
        let now = Nanos(at as u64 + 1);
        if let Step::Quote { buy, level, qty } = *step {
            let side = if buy { Side::Buy } else { Side::Sell };
            let (price, qty) = (price(side, level), Qty(qty.into()));
            if book.own(0).side(side).is_none() {
                let (instrument, time_in_force) = (ID, TimeInForce::Day);
                let post_only = true;
                let new = NewOrder { instrument, side, price, qty, time_in_force, post_only };
                let mut intents = Intents::default();
                assert!(intents.push(Intent::Enter(new)));
                book.obey(0, &intents, &rules, now);
                book.arrive(0, ID, &real, &books, now);
                let number = UserRef(at as u32 + 1);
                entered.push((now, Working::new(number, (0, side), (price, qty), true, false)));
            }
        }
        let before = market.orders.clone();
        if let Some(record) = market.step(*step) {
            let record = EventRecord { exchange_time: now.0, ..record };
            let mut both = before.iter().chain(&market.orders);
            let order = both.find(|one| one.0 == record.order_ref).expect("it is or was there");
            tell((&mut *builder, grain), &record, (order.1, order.2), &market);
            let change = books.apply(&record);
            let event = shadow::Event { record: &record, change: &change, real: &real };
            book.on_event(0, &rules, &event, &books, now);
        }
        seen.push((book.ahead(0), book.counters().shares, book.own(0).position));
    }
    (seen, entered)
}

fn compare(steps: &[Step], model: shadow::QueueModel, grain: Grain) -> Result<(), TestCaseError> {
    let mut builder = Builder::new(grain);
    builder.instrument(Contract::stock(ID, Symbol::default()));
    builder.open(When::at(Nanos(0)), 0);
    let (seen, entered) = shadow(steps, model, (&mut builder, grain));
    let store = builder.finish();
    let mut exchange = Exchange::new(&store, QueueModel::RiskAverse);
    let mut events = store.events.iter().peekable();
    let mut entered = entered.into_iter().peekable();
    let (mut filled, mut position) = (0, 0);
    for (at, shadow) in seen.iter().enumerate() {
        let now = Nanos(at as u64 + 1);
        // What was there before a step has been told; a step is an order of ours or an event.
        while let Some(event) = events.next_if(|event| event.time < now) {
            exchange.on_event(event);
        }
        while let Some((_, order)) = entered.next_if(|(time, _)| *time <= now) {
            exchange.on_message(&Message::Enter(order), now);
        }
        while let Some(event) = events.next_if(|event| event.time <= now) {
            exchange.on_event(event);
        }
        for happening in exchange.happened.drain(..) {
            if let What::Executed { qty, .. } = happening.what {
                filled += u64::from(qty);
                position += happening.order.side.sign() * i64::from(qty);
            }
        }
        let places = [Side::Buy, Side::Sell]
            .map(|side| exchange.resting().iter().find(|own| own.side == side).map(Working::ahead));
        prop_assert_eq!(&(places, filled, position), shadow, "step {}: {:?}", at, steps[at]);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn by_order_the_place_is_the_shadows_exact_one(steps in steps()) {
        compare(&steps, shadow::QueueModel::Exact, Grain::Orders)?;
    }

    #[test]
    fn by_level_the_careful_place_is_the_shadows_careful_one(steps in steps()) {
        compare(&steps, shadow::QueueModel::RiskAverse, Grain::Levels)?;
    }
}
