//! What must hold of every decision, and the life of a quote.

mod market;

use market::{BASE, ID, SYMBOL, add, opening, record};
use proptest::prelude::*;
use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Limits};
use tercel_policy::quoter::{Bounds, Quoter, target};
use tercel_policy::strategy::Desired;
use tercel_policy::{
    Artifact, FixedSpread, InstrumentPolicy, Learned, Policy, PolicyConfig, QuoteRules,
    StrategyConfig, tick,
};
use tercel_types::{
    Bands, InstrumentId, Intent, Intents, Level, Nanos, OrderRef, Own, Price, Qty, Side, Symbol,
    Top, UserRef, WorkingOrder, WorkingState,
};

fn working(side: Side, price: i64, open: u32, state: WorkingState) -> WorkingOrder {
    WorkingOrder {
        user_ref: UserRef(side as u32),
        order_ref: OrderRef(0),
        side,
        price: Price(price),
        open: Qty(open),
        entered: Nanos(0),
        state,
    }
}

fn level(price: i64) -> Level {
    Level { price: Price(price), qty: 100, orders: 1 }
}

fn list(intents: &Intents) -> Vec<Intent> {
    intents.iter().copied().collect()
}

fn order(side: Side) -> impl Strategy<Value = Option<WorkingOrder>> {
    let state = prop_oneof![
        3 => Just(WorkingState::Live),
        1 => Just(WorkingState::PendingNew),
        1 => Just(WorkingState::PendingReplace),
        1 => Just(WorkingState::PendingCancel),
    ];
    let order = (1i64..30_000, 1u32..2_000, state)
        .prop_map(move |(price, open, state)| working(side, price, open, state));
    prop::option::of(order)
}

fn price() -> impl Strategy<Value = f64> {
    let special = prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300]);
    prop_oneof![8 => -1_000.0..40_000.0, 1 => special, 1 => any::<f64>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_decision_is_safe(
        (low, gap) in (1i64..25_000, 1i64..500),
        (bid, ask) in (price(), price()),
        (own_bid, own_ask) in (order(Side::Buy), order(Side::Sell)),
        position in -1_500i64..1_500,
        rules in (1u32..1_500, 0u32..4, 0u32..100, 0u64..100),
        bands in prop::option::of((1i64..20_000, 1i64..20_000)),
    ) {
        let (order_qty, requote_ticks, requote_qty_percent, interval) = rules;
        let rules = QuoteRules {
            order_qty: Qty(order_qty),
            position_max: 1_000,
            requote_ticks,
            requote_qty_percent,
            requote_interval: Nanos(interval),
            post_only: true,
        };
        let top = Top { bid: level(low), ask: level(low + gap) };
        let bands = bands.map(|(a, b)| Bands { lower: Price(a.min(b)), upper: Price(a.max(b)) });
        let bounds = Bounds { top, bands };
        let own = Own { position, bid: own_bid, ask: own_ask };
        let mut quoter = Quoter::default();
        for side in [Side::Buy, Side::Sell] {
            let desired = Desired { bid, ask };
            let target = target(&rules, &desired, &bounds, &own, side);
            if let Some(target) = &target {
                prop_assert!(target.price.0 > 0 && tick::floor(target.price) == target.price);
                let short_of = |other: Price| match side {
                    Side::Buy => target.price < other,
                    Side::Sell => target.price > other,
                };
                prop_assert!(short_of(top.side(side.opposite()).price));
                let other = own.side(side.opposite());
                prop_assert!(other.is_none_or(|other| short_of(other.price)));
                let after = position * side.sign() + i64::from(target.qty.0);
                prop_assert!(target.qty.0 > 0 && target.qty.0 <= order_qty && after <= 1_000);
                prop_assert!(bands.is_none_or(
                    |bands| bands.lower <= target.price && target.price <= bands.upper));
            }
            let mut intents = Intents::default();
            quoter.side(&rules, (ID, side), target, &own, Nanos(5), &mut intents);
            let intents = list(&intents);
            prop_assert!(intents.len() <= 1);
            match (own.side(side), intents.first()) {
                (None, Some(Intent::Enter(order))) => {
                    prop_assert_eq!((order.side, order.instrument), (side, ID));
                    prop_assert_eq!(Some(order.price), target.map(|target| target.price));
                }
                (Some(order), Some(Intent::Replace { original, qty, .. })) => {
                    prop_assert_eq!(order.state, WorkingState::Live);
                    prop_assert_eq!(*original, order.user_ref);
                    prop_assert_eq!(Some(*qty), target.map(|target| target.qty));
                }
                (Some(order), Some(Intent::Cancel { original })) => {
                    prop_assert_eq!(order.state, WorkingState::Live);
                    prop_assert_eq!((*original, target), (order.user_ref, None));
                }
                (None, None) => prop_assert_eq!(target, None),
                // A live order over the limit is never left as it is.
                (Some(order), None) => prop_assert!(
                    order.state != WorkingState::Live
                        || position * side.sign() + i64::from(order.open.0) <= 1_000),
                (order, intent) => prop_assert!(false, "{:?} {:?}", order, intent),
            }
        }
    }
}

#[test]
fn a_quote_lives() {
    let rules = QuoteRules {
        requote_ticks: 1,
        requote_qty_percent: 50,
        requote_interval: Nanos(100),
        ..QuoteRules::default()
    };
    let bounds = Bounds { top: Top { bid: level(100_000), ask: level(101_000) }, bands: None };
    let mut quoter = Quoter::default();
    let mut act = |own: &Own, bid: f64, now: u64| {
        let desired = Desired { bid, ask: 2e5 };
        let target = target(&rules, &desired, &bounds, own, Side::Buy);
        let mut intents = Intents::default();
        quoter.side(&rules, (ID, Side::Buy), target, own, Nanos(now), &mut intents);
        list(&intents)
    };
    let own =
        |open, state| Own { bid: Some(working(Side::Buy, 99_900, open, state)), ..Own::default() };
    let live = |open| own(open, WorkingState::Live);
    let original = UserRef(Side::Buy as u32);
    let replace =
        |price, qty| vec![Intent::Replace { original, price: Price(price), qty: Qty(qty) }];

    let entered = act(&Own::default(), 99_930.0, 0);
    assert!(matches!(entered[..], [Intent::Enter(order)] if order.price == Price(99_900)
        && order.qty == Qty(100) && order.post_only));
    assert_eq!(act(&own(100, WorkingState::PendingNew), 90_000.0, 500), [], "wait for the answer");
    assert_eq!(act(&live(100), 99_950.0, 500), [], "the same price on the grid");
    assert_eq!(act(&live(100), 100_050.0, 500), [], "one tick is not worth the place");
    assert_eq!(act(&live(100), 100_150.0, 500), replace(100_100, 100));
    assert_eq!(act(&live(100), 99_000.0, 550), [], "too soon");
    assert_eq!(act(&live(100), 99_000.0, 600), replace(99_000, 100));
    assert_eq!(act(&live(50), 99_900.0, 700), [], "half executed is within the half");
    assert_eq!(act(&live(49), 99_900.0, 700), replace(99_900, 100));
    assert_eq!(act(&live(100), f64::NAN, 701), [Intent::Cancel { original }], "cancels never wait");
    let full = Own { position: 1_000, ..live(100) };
    assert_eq!(act(&full, 99_900.0, 702), [Intent::Cancel { original }], "no room");
    let nearly = Own { position: 960, ..live(100) };
    assert_eq!(act(&nearly, 99_900.0, 703), replace(99_900, 40), "cut to the room at once");
    let again = act(&Own::default(), 99_900.0, 1_000);
    assert!(matches!(again[..], [Intent::Enter(_)]), "executed in full: enter anew");
}

#[test]
fn a_desperate_price_is_held_at_the_other_side() {
    let rules = QuoteRules::default();
    let bounds = Bounds { top: Top { bid: level(100_000), ask: level(100_100) }, bands: None };
    let desired = Desired { bid: 9e9, ask: -9e9 };
    let price =
        |own: &Own, side| target(&rules, &desired, &bounds, own, side).map(|target| target.price.0);
    assert_eq!(price(&Own::default(), Side::Buy), Some(100_000));
    assert_eq!(price(&Own::default(), Side::Sell), Some(100_100));
    let ask = Some(working(Side::Sell, 99_000, 1, WorkingState::PendingNew));
    let bid = Some(working(Side::Buy, 101_000, 1, WorkingState::PendingReplace));
    assert_eq!(price(&Own { ask, ..Own::default() }, Side::Buy), Some(98_900));
    assert_eq!(price(&Own { bid, ..Own::default() }, Side::Sell), Some(101_100));
}

/// A policy over real books.
struct Desk {
    policy: Policy,
    books: Books,
}

fn fixed() -> StrategyConfig {
    StrategyConfig::FixedSpread(FixedSpread { half_spread_ticks: 2.0, skew_ticks: 0.0 })
}

impl Desk {
    fn new(strategy: StrategyConfig, instruments: Vec<InstrumentPolicy>) -> Desk {
        let config = PolicyConfig { instruments, strategy, quote: QuoteRules::default() };
        let limits = Limits { instruments_max: 16, ..Limits::default() };
        let policy = Policy::new(config).unwrap();
        let mut desk = Desk { policy, books: Books::new(&limits).unwrap() };
        assert!(desk.policy.add_instrument(ID));
        for record in opening() {
            desk.feed(&record);
        }
        desk.feed(&add(1, Side::Buy, BASE, 100));
        desk.feed(&add(2, Side::Sell, BASE + 200, 100));
        desk
    }

    fn feed(&mut self, record: &EventRecord) {
        let change = self.books.apply(record);
        self.policy.on_event(record, &change, &self.books, Nanos(1));
    }

    fn decide(&mut self, own: &Own) -> Vec<Intent> {
        list(&self.policy.decide(ID, &self.books, own, Nanos(1_000_000_000)))
    }
}

fn prices(intents: &[Intent]) -> Vec<i64> {
    let price = |intent: &Intent| match intent {
        Intent::Enter(order) => order.price.0,
        _ => 0,
    };
    intents.iter().map(price).collect()
}

#[test]
fn quotes_both_sides_of_a_good_market_only() {
    let one = || vec![InstrumentPolicy::new(SYMBOL)];
    let mut desk = Desk::new(fixed(), one());
    assert_eq!(prices(&desk.decide(&Own::default())), [BASE - 100, BASE + 300]);
    let own = Own {
        position: 0,
        bid: Some(working(Side::Buy, BASE - 100, 100, WorkingState::Live)),
        ask: Some(working(Side::Sell, BASE + 300, 100, WorkingState::PendingNew)),
    };
    let cancel = [Intent::Cancel { original: UserRef(Side::Buy as u32) }];
    assert_eq!(desk.decide(&own), []);

    desk.policy.stop();
    assert_eq!(desk.decide(&own), cancel);
    desk.policy.resume();
    assert_eq!(desk.decide(&own), []);

    let bad = [
        (EventRecord::new(Kind::GapOpen), EventRecord::new(Kind::GapClosed)),
        (EventRecord::new(Kind::FeedDown), EventRecord::new(Kind::FeedUp)),
        (
            EventRecord { tag: u16::from(b'H'), ..record(Kind::TradingAction) },
            EventRecord { tag: u16::from(b'T'), ..record(Kind::TradingAction) },
        ),
        (add(3, Side::Buy, BASE + 500, 1), EventRecord { order_ref: 3, ..record(Kind::Deleted) }),
        (EventRecord { order_ref: 2, ..record(Kind::Deleted) }, add(2, Side::Sell, BASE + 200, 9)),
    ];
    for (begin, end) in bad {
        desk.feed(&begin);
        assert_eq!(desk.decide(&own), cancel, "{begin:?}");
        desk.feed(&end);
        assert_eq!(desk.decide(&own), [], "{end:?}");
    }
    assert_eq!(desk.policy.counters().cancels, 6);
    assert_eq!(desk.policy.counters().enters, 2);
}

#[test]
fn an_instrument_has_its_own_rules_and_loses_them_with_its_name() {
    let mut one = InstrumentPolicy::new(SYMBOL);
    one.order_qty = Some(Qty(7));
    let mut desk = Desk::new(fixed(), vec![one]);
    assert!(matches!(desk.decide(&Own::default())[0], Intent::Enter(order) if order.qty == Qty(7)));
    let other = u64::from_le_bytes(Symbol::new("OTHER").unwrap().0);
    desk.feed(&EventRecord { order_ref: other, ..record(Kind::Directory) });
    assert_eq!(desk.decide(&Own::default()), []);
    assert_eq!(desk.policy.counters().disabled, 1);
}

#[test]
fn an_instrument_without_a_slot_is_withdrawn_from() {
    let mut desk = Desk::new(fixed(), vec![InstrumentPolicy::new(SYMBOL)]);
    let (id, now) = (InstrumentId(8), Nanos(5));
    assert!(desk.policy.quotes(ID) && !desk.policy.quotes(id));
    assert!(!desk.policy.add_instrument(id), "every slot is taken");
    assert!(desk.policy.add_instrument(ID), "the same one may begin anew");
    let live = Some(working(Side::Sell, BASE, 5, WorkingState::Live));
    let own = Own { ask: live, ..Own::default() };
    let intents = list(&desk.policy.decide(id, &desk.books, &own, now));
    assert_eq!(intents, [Intent::Cancel { original: UserRef(Side::Sell as u32) }]);
}

#[test]
fn a_network_quotes_within_its_range() {
    let artifact = Artifact::untrained(&[64, 64], 3).unwrap();
    let learned = Learned { artifact, offset_min_ticks: 3.0, offset_max_ticks: 3.0 };
    let strategy = StrategyConfig::Mlp(Box::new(learned));
    let mut desk = Desk::new(strategy, vec![InstrumentPolicy::new(SYMBOL)]);
    assert_eq!(prices(&desk.decide(&Own::default())), [BASE - 200, BASE + 400]);
}
