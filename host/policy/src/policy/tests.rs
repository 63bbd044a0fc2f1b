//! A policy that asks its strategy only where the answer matters does what one does that always
//! asks.

#[path = "../../tests/market/mod.rs"]
mod market;

use super::{Policy, PolicyCounters};
use crate::{Artifact, AvellanedaStoikov, FixedSpread, Glft, Learned, StrategyConfig, Volatility};
use crate::{InstrumentPolicy, PolicyConfig, QuoteRules};
use market::{BASE, Draw, ID, Market, SYMBOL, opening, record};
use proptest::prelude::*;
use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Limits};
use tercel_types::{
    Intent, Intents, Nanos, OrderRef, Own, Price, Qty, Side, UserRef, WorkingOrder, WorkingState,
};

fn learned(offset_min_ticks: f64, offset_max_ticks: f64) -> StrategyConfig {
    let artifact = Artifact::untrained(&[16, 16], 1).unwrap();
    StrategyConfig::Mlp(Box::new(Learned { artifact, offset_min_ticks, offset_max_ticks }))
}

fn strategies() -> impl Strategy<Value = StrategyConfig> {
    let volatility = Volatility::Realised { min: 0.001, max: 1.0 };
    prop::sample::select(vec![
        StrategyConfig::FixedSpread(FixedSpread { half_spread_ticks: 1.0, skew_ticks: 3.0 }),
        StrategyConfig::AvellanedaStoikov(AvellanedaStoikov {
            gamma: 0.1,
            k: 100.0,
            horizon_s: 60.0,
            volatility,
        }),
        StrategyConfig::Glft(Glft { gamma: 0.1, k: 100.0, a: 1.0, volatility }),
        learned(0.5, 20.0),
        // Part of the range is outside the bands or the prices.
        learned(-5.0, 200.0),
        learned(0.0, 10_000.0),
    ])
}

/// Mostly of a market whose sides do not meet, see `Market::step`.
fn draws() -> impl Strategy<Value = Vec<(Draw, u8)>> {
    let wait = prop_oneof![3 => 0u64..2_000, 1 => 0u64..3_000_000];
    let apart = || {
        prop_oneof![50 => (0u16..5_000, 2u16..11).prop_map(|(a, b)| a * 11 + b),
        1 => any::<u16>()]
    };
    let op = prop_oneof![60 => 0u8..240, 1 => any::<u8>()];
    let draw = (op, apart(), apart(), wait, any::<u8>());
    let draw = draw.prop_map(|(op, a, b, wait, venue)| (Draw { op, a, b, wait }, venue));
    prop::collection::vec(draw, 1..400)
}

fn policy(strategy: StrategyConfig) -> Policy {
    let quote = QuoteRules { requote_interval: Nanos(1_000_000), ..QuoteRules::default() };
    let instruments = vec![InstrumentPolicy::new(SYMBOL)];
    let mut policy = Policy::new(PolicyConfig { instruments, strategy, quote }).unwrap();
    assert!(policy.add_instrument(ID));
    policy
}

fn books() -> Books {
    Books::new(&Limits { instruments_max: 16, ..Limits::default() }).unwrap()
}

/// Bands somewhere near, so that they take quotes in and leave them out.
fn bands(draw: &Draw) -> EventRecord {
    let lower = BASE as u64 - 1_000 + u64::from(draw.a % 11) * 100;
    let quantity = lower + u64::from(draw.b % 2_000);
    EventRecord { order_ref: lower, quantity, ..record(Kind::LuldCollar) }
}

/// Follows the intents, and lets the venue answer now and then.
fn obey(own: &mut Own, intents: &Intents, venue: u8, now: Nanos) {
    for intent in intents.iter() {
        for (side, slot) in [(Side::Buy, &mut own.bid), (Side::Sell, &mut own.ask)] {
            let working = |price: Price, open: Qty, state| WorkingOrder {
                user_ref: UserRef(side as u32),
                order_ref: OrderRef(0),
                side,
                price,
                open,
                entered: now,
                state,
            };
            match (*intent, slot.as_mut()) {
                (Intent::Enter(order), None) if order.side == side => {
                    *slot = Some(working(order.price, order.qty, WorkingState::PendingNew));
                }
                (Intent::Replace { original, price, qty }, Some(_))
                    if original.0 == side as u32 =>
                {
                    *slot = Some(working(price, qty, WorkingState::PendingReplace));
                }
                (Intent::Cancel { original }, Some(order)) if original.0 == side as u32 => {
                    order.state = WorkingState::PendingCancel;
                }
                _ => {}
            }
        }
    }
    for (at, slot) in [&mut own.bid, &mut own.ask].into_iter().enumerate() {
        if venue >> at & 1 == 0 {
            continue;
        }
        match slot {
            Some(order) if order.state == WorkingState::PendingCancel => *slot = None,
            Some(order) => order.state = WorkingState::Live,
            None => {}
        }
    }
    // The position runs away, back, and past what is open.
    match venue >> 2 {
        0..6 => own.position = (i64::from(venue) - 12) * 100,
        6 => own.bid = None,
        7 => own.ask = None,
        8 => own.bid.iter_mut().for_each(|order| order.open = Qty(1_500)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_not_asked_would_have_changed_nothing(
        strategy in strategies(),
        draws in draws(),
        banded in any::<bool>(),
    ) {
        let (mut policy, mut naive) = (policy(strategy.clone()), policy(strategy));
        naive.asks_always = true;
        let mut books = books();
        let (mut market, mut own, mut now) = (Market::default(), Own::default(), Nanos(1));
        let mut records: Vec<(EventRecord, u64, u8)> =
            opening().map(|record| (record, 0, 0)).to_vec();
        for (draw, venue) in &draws {
            let step = match draw.op {
                220..=225 if banded => Some(bands(draw)),
                _ => market.step(draw).map(|(record, _)| record),
            };
            records.extend(step.map(|record| (record, draw.wait, *venue)));
        }
        for (record, wait, venue) in &records {
            now = Nanos(now.0 + wait);
            let change = books.apply(record);
            policy.on_event(record, &change, &books, now);
            naive.on_event(record, &change, &books, now);
            let intents = policy.decide(ID, &books, &own, now);
            let expected = naive.decide(ID, &books, &own, now);
            prop_assert!(intents.iter().eq(expected.iter()), "{:?} {:?}", intents, expected);
            obey(&mut own, &intents, *venue, now);
        }
        prop_assert_eq!(naive.counters.unasked, 0);
        let counters = PolicyCounters { unasked: 0, ..policy.counters };
        prop_assert_eq!(counters, naive.counters);
    }
}

#[test]
fn a_network_is_asked_where_its_answer_matters() {
    let (mut policy, mut books) = (policy(learned(0.5, 20.0)), books());
    let quotes = [(1, Side::Buy, BASE), (2, Side::Sell, BASE + 200)];
    let orders = quotes.map(|(order_ref, side, price)| market::add(order_ref, side, price, 100));
    for record in opening().into_iter().chain(orders) {
        let change = books.apply(&record);
        policy.on_event(&record, &change, &books, Nanos(1));
    }
    let mut own = Own::default();
    let decide = |policy: &mut Policy, own: &Own, now: u64| {
        let intents = policy.decide(ID, &books, own, Nanos(now));
        let PolicyCounters { unasked, put_off, .. } = *policy.counters();
        (intents, unasked, put_off)
    };
    let (intents, unasked, put_off) = decide(&mut policy, &own, 10);
    assert_eq!((intents.iter().count(), unasked, put_off), (2, 0, 0), "both sides are entered");
    obey(&mut own, &intents, 0xfc, Nanos(10));
    let (intents, unasked, put_off) = decide(&mut policy, &own, 20);
    assert_eq!((intents.is_empty(), unasked, put_off), (true, 1, 0), "answers are under way");
    obey(&mut own, &intents, 0xff, Nanos(20));
    let (intents, unasked, put_off) = decide(&mut policy, &own, 30);
    assert_eq!((intents.is_empty(), unasked, put_off), (true, 2, 2), "too soon for a replace");
    let one = Own { ask: None, ..own };
    assert_eq!(decide(&mut policy, &one, 40).1, 3, "and for an entry");
    let full = Own { position: 1_000, ..own };
    assert_eq!(decide(&mut policy, &full, 50).1, 3, "the bid must go at once");
    assert_eq!(decide(&mut policy, &own, 1_000_009).1, 4);
    assert_eq!(decide(&mut policy, &own, 1_000_010).1, 4, "the interval is over");
}
