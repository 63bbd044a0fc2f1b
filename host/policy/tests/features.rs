//! Every feature against a computation from the whole history, and what must hold for any input.

mod market;

use market::{Did, Draw, ID, Level, Market, SYMBOL, opening};
use proptest::prelude::*;
use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Limits};
use tercel_policy::features::{FAST, SLOW};
use tercel_policy::{
    Artifact, FEATURE_COUNT, FEATURE_NAMES, Features, InstrumentPolicy, Learned, Policy,
    PolicyConfig, QuoteRules, StrategyConfig,
};
use tercel_types::{Nanos, OrderRef, Own, Price, Qty, Side, UserRef, WorkingOrder, WorkingState};

const POSITION_MAX: i64 = 1_000;

/// What happened, kept for ever.
#[derive(Clone, Default)]
struct History {
    events: Vec<Event>,
}

#[derive(Clone)]
struct Event {
    time: u64,
    did: Did,
    /// A gap was open after it.
    gap: bool,
    /// The book after it, where it can be measured.
    touch: Option<(Level, Level)>,
}

fn weight(age: u64, half_life: f64) -> f64 {
    (-(age as f64) / half_life).exp2()
}

fn mid(touch: &(Level, Level)) -> f64 {
    (touch.0.price + touch.1.price) as f64 / 2.0
}

/// Sum of each event's number, weighted by age.
fn sum(history: &History, now: u64, half_life: f64, each: impl Fn(usize) -> f64) -> f64 {
    let weighted = |(at, event): (usize, &Event)| each(at) * weight(now - event.time, half_life);
    history.events.iter().enumerate().map(weighted).sum()
}

impl History {
    fn before(&self, at: usize) -> Option<(Level, Level)> {
        at.checked_sub(1).and_then(|before| self.events[before].touch)
    }

    /// Shares bought less shares sold, and shares, of a trade.
    fn trade(&self, at: usize) -> Option<(f64, f64)> {
        let event = &self.events[at];
        let Did::Trade { sign, price, qty } = event.did else { return None };
        if event.gap {
            return None;
        }
        let quote_rule = || {
            let before = self.before(at)?;
            Some(((price as f64) - mid(&before)).partial_cmp(&0.0)? as i64)
        };
        let sign = sign.or_else(quote_rule).unwrap_or(0);
        Some((sign as f64 * qty as f64, qty as f64))
    }

    /// Order-flow imbalance and move of the mid price.
    fn quote(&self, at: usize) -> Option<(f64, f64)> {
        let (before, after) = (self.before(at)?, self.events[at].touch?);
        let (b0, a0, b1, a1) = (before.0, before.1, after.0, after.1);
        let on = |condition: bool, qty: u64| if condition { qty as f64 } else { 0.0 };
        let e = on(b1.price >= b0.price, b1.qty)
            - on(b1.price <= b0.price, b0.qty)
            - on(a1.price <= a0.price, a1.qty)
            + on(a1.price >= a0.price, a0.qty);
        Some((e, mid(&after) - mid(&before)))
    }

    /// Mean over the time in which the book could be measured, weighted by age.
    fn mean(&self, now: u64, value: impl Fn(&(Level, Level)) -> f64) -> f64 {
        let (mut total, mut weights) = (0.0, 0.0);
        for (at, event) in self.events.iter().enumerate() {
            let Some(touch) = &event.touch else { continue };
            let end = self.events.get(at + 1).map_or(now, |next| next.time);
            let length = (end - event.time) as f64 / SLOW * core::f64::consts::LN_2;
            let held = weight(now - end, SLOW) * -(-length).exp_m1();
            total += value(touch) * held;
            weights += held;
        }
        let last = self.events.last().and_then(|event| event.touch);
        if weights > 0.0 { total / weights } else { last.map_or(0.0, |touch| value(&touch)) }
    }

    fn since(&self, now: u64, is: impl Fn(usize) -> bool) -> f64 {
        let last = (0..self.events.len()).rev().find(|at| is(*at));
        last.map_or(60.0, |at| ((now - self.events[at].time) as f64 / 1e9).min(60.0))
    }

    fn rate(&self, now: u64, is: impl Fn(&Did) -> bool) -> f64 {
        let one = |at: usize| {
            let event = &self.events[at];
            f64::from(u8::from(!event.gap && is(&event.did)))
        };
        sum(self, now, FAST, one) * core::f64::consts::LN_2
    }
}

/// All features, from the history and the naive book.
fn naive(history: &History, market: &Market, own: &Own, now: u64) -> Vec<f64> {
    let depth = history.mean(now, |(bid, ask)| (bid.qty + ask.qty) as f64 / 2.0).max(1.0);
    let mut out = Vec::new();
    match market.touch() {
        Some(touch) => naive_book(market, &touch, depth, &mut out),
        None => out.resize(14, 0.0),
    }
    naive_flow(history, market.touch().is_some(), depth, now, &mut out);
    out.push((own.position as f64 / POSITION_MAX as f64).clamp(-4.0, 4.0));
    let best = market.touch();
    let shares = |side: Side| best.map_or(0, |(bid, ask)| [bid.qty, ask.qty][side.index()]);
    for side in [Side::Buy, Side::Sell] {
        let ahead = own.side(side).and_then(|order| market.ahead(order.order_ref.0));
        out.push(ahead.unwrap_or(shares(side)) as f64 / depth);
    }
    for side in [Side::Buy, Side::Sell] {
        let age = |order: &WorkingOrder| ((now - order.entered.0) as f64 / 1e9).min(60.0);
        out.push(own.side(side).map_or(0.0, age));
    }
    for side in [Side::Buy, Side::Sell] {
        let distance = |order: &WorkingOrder| match best {
            Some((bid, _)) if side == Side::Buy => (bid.price - order.price.0) as f64 / 100.0,
            Some((_, ask)) => (order.price.0 - ask.price) as f64 / 100.0,
            None => 0.0,
        };
        out.push(own.side(side).map_or(0.0, distance));
    }
    for side in [Side::Buy, Side::Sell] {
        out.push(f64::from(u8::from(own.side(side).is_some())));
    }
    out
}

fn naive_book(market: &Market, touch: &(Level, Level), depth: f64, out: &mut Vec<f64>) {
    let (bid, ask) = touch;
    let levels = [market.levels(Side::Buy), market.levels(Side::Sell)];
    let shares = |side: usize, n: usize| {
        levels[side].iter().take(n).map(|level| level.qty as f64).sum::<f64>()
    };
    let value = |side: usize| {
        let notional = |level: &Level| level.qty as f64 * level.price as f64;
        levels[side].iter().take(5).map(notional).sum::<f64>() / shares(side, 5)
    };
    out.push((ask.price - bid.price) as f64 / 100.0);
    for n in [1, 3, 5] {
        out.push((shares(0, n) - shares(1, n)) / (shares(0, n) + shares(1, n)));
    }
    let (b, a) = (bid.qty as f64, ask.qty as f64);
    let micro = (b * ask.price as f64 + a * bid.price as f64) / (a + b);
    out.push((micro - mid(touch)) / 100.0);
    let (b, a) = (shares(0, 5), shares(1, 5));
    out.push(((b * value(1) + a * value(0)) / (a + b) - mid(touch)) / 100.0);
    for (side, sorted) in levels.iter().enumerate() {
        let last = &sorted[sorted.len().min(5) - 1];
        let reach = (last.price - sorted[0].price).abs() as f64 / 100.0;
        let growth = shares(side, 5) / shares(side, 1) - 1.0;
        out.push(if reach > 0.0 { growth / reach } else { 0.0 });
    }
    for sorted in &levels {
        let gap = |second: &Level| (second.price - sorted[0].price).abs() as f64 / 100.0;
        out.push(sorted.get(1).map_or(100.0, gap).min(100.0));
    }
    out.extend([bid.qty as f64 / depth, ask.qty as f64 / depth]);
    out.extend([f64::from(bid.orders), f64::from(ask.orders)]);
}

fn naive_flow(history: &History, measured: bool, depth: f64, now: u64, out: &mut Vec<f64>) {
    let ofi = |at| history.quote(at).map_or(0.0, |(e, _)| e);
    let moved = |at| history.quote(at).map_or(0.0, |(_, moved)| moved);
    let signed = |at| history.trade(at).map_or(0.0, |(signed, _)| signed);
    let shares = |at| history.trade(at).map_or(0.0, |(_, shares)| shares);
    for half_life in [FAST, SLOW] {
        out.push(sum(history, now, half_life, ofi) / depth);
    }
    for half_life in [FAST, SLOW] {
        let volume = sum(history, now, half_life, shares);
        let imbalance = sum(history, now, half_life, signed) / volume;
        out.push(if volume > 1e-9 { imbalance } else { 0.0 });
    }
    out.push(sum(history, now, FAST, shares) / depth);
    let traded = |at: usize| f64::from(u8::from(history.trade(at).is_some()));
    out.push(sum(history, now, FAST, traded) * core::f64::consts::LN_2);
    for side in [Side::Buy, Side::Sell] {
        out.push(history.rate(now, |did| *did == Did::Add(side) || *did == Did::Replace(side)));
    }
    for side in [Side::Buy, Side::Sell] {
        out.push(history.rate(now, |did| *did == Did::Cancel(side) || *did == Did::Replace(side)));
    }
    let measured = f64::from(u8::from(measured));
    for half_life in [FAST, SLOW] {
        let squares = sum(history, now, half_life, |at| moved(at) * moved(at));
        let per_second = core::f64::consts::LN_2 / (half_life / 1e9);
        out.push(measured * (squares * per_second).sqrt() / 100.0);
    }
    for half_life in [FAST, SLOW] {
        out.push(measured * sum(history, now, half_life, moved) / 100.0);
    }
    let spread = history.mean(now, |(bid, ask)| (ask.price - bid.price) as f64);
    out.push(measured * spread / 100.0);
    out.push(history.since(now, |at| history.trade(at).is_some()));
    out.push(history.since(now, |at| history.quote(at).is_some_and(|(_, moved)| moved != 0.0)));
}

/// Policy, books, naive market and history, fed the same steps.
struct Run {
    policy: Policy,
    books: Books,
    market: Market,
    history: History,
    now: u64,
}

fn books() -> Books {
    let limits = Limits {
        instruments_max: 16,
        orders_max: 4_096,
        levels_max: 4_096,
        watched_max: 16,
        ..Limits::default()
    };
    Books::new(&limits).unwrap()
}

fn policy() -> Policy {
    // A network reads the features at each decision and keeps what it read of the book for the
    // next.
    let artifact = Artifact::untrained(&[4], 1).unwrap();
    let learned = Learned { artifact, offset_min_ticks: 1.0, offset_max_ticks: 5.0 };
    let quote = QuoteRules { position_max: POSITION_MAX, ..QuoteRules::default() };
    let config = PolicyConfig {
        instruments: vec![InstrumentPolicy::new(SYMBOL)],
        strategy: StrategyConfig::Mlp(Box::new(learned)),
        quote,
    };
    let mut policy = Policy::new(config).unwrap();
    assert!(policy.add_instrument(ID));
    policy
}

impl Run {
    fn new() -> Run {
        let mut run = Run {
            policy: policy(),
            books: books(),
            market: Market::default(),
            history: History::default(),
            now: 1_000_000_000,
        };
        for record in opening() {
            run.feed(&record);
        }
        run
    }

    fn feed(&mut self, record: &EventRecord) {
        let change = self.books.apply(record);
        self.policy.on_event(record, &change, &self.books, Nanos(self.now));
        let _ = self.policy.decide(ID, &self.books, &Own::default(), Nanos(self.now));
    }

    fn step(&mut self, draw: &Draw) {
        self.now += draw.wait;
        let Some((record, did)) = self.market.step(draw) else { return };
        self.feed(&record);
        let (gap, touch) = (self.market.gap, self.market.touch());
        self.history.events.push(Event { time: self.now, did, gap, touch });
    }

    fn features(&self, own: &Own) -> Features {
        self.policy.features(ID, &self.books, own, Nanos(self.now))
    }

    /// Takes the first orders of the book as our own, and watches them.
    fn own(&mut self, position: i64) -> Own {
        let mut own = Own { position, ..Own::default() };
        for side in [Side::Buy, Side::Sell] {
            let Some(order) = self.market.orders.iter().find(|order| order.side == side) else {
                continue;
            };
            self.books.watch(OrderRef(order.order_ref));
            let working = WorkingOrder {
                user_ref: UserRef(1),
                order_ref: OrderRef(order.order_ref),
                side,
                price: Price(order.price),
                open: Qty(order.qty as u32),
                entered: Nanos(900_000_000),
                state: WorkingState::Live,
            };
            match side {
                Side::Buy => own.bid = Some(working),
                Side::Sell => own.ask = Some(working),
            }
        }
        own
    }
}

fn draws(most: usize) -> impl Strategy<Value = Vec<Draw>> {
    let wait = prop_oneof![Just(0), 1u64..1_000_000, 1u64..5_000_000_000];
    let draw = (any::<u8>(), any::<u16>(), any::<u16>(), wait).prop_map(|(op, a, b, wait)| Draw {
        op,
        a,
        b,
        wait,
    });
    prop::collection::vec(draw, 1..most)
}

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-4 * (1.0 + expected.abs())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn equal_a_computation_from_the_whole_history(
        draws in draws(120),
        position in -5_000i64..5_000,
    ) {
        let mut run = Run::new();
        for (at, draw) in draws.iter().enumerate() {
            run.step(draw);
            if at % 8 != 0 && at + 1 != draws.len() {
                continue;
            }
            run.now += draw.wait / 3;
            let own = run.own(position);
            let found = run.features(&own);
            let expected = naive(&run.history, &run.market, &own, run.now);
            prop_assert_eq!(expected.len(), FEATURE_COUNT);
            for (name, (found, expected)) in FEATURE_NAMES.iter().zip(found.iter().zip(&expected)) {
                prop_assert!(
                    close(f64::from(*found), *expected),
                    "step {}: {} is {}, expected {}", at, name, found, expected
                );
            }
        }
    }

    #[test]
    fn never_change_when_later_data_is_cut_off(draws in draws(80), cut in 0usize..80) {
        let cut = cut.min(draws.len());
        let own = Own { position: 100, ..Own::default() };
        let mut whole = Run::new();
        let mut seen = Vec::new();
        for draw in &draws {
            whole.step(draw);
            seen.push(whole.features(&own));
        }
        let mut prefix = Run::new();
        for (at, draw) in draws[..cut].iter().enumerate() {
            prefix.step(draw);
            // Bit for bit, and however often they were asked for.
            prop_assert_eq!(prefix.features(&own).map(f32::to_bits), seen[at].map(f32::to_bits));
            prop_assert_eq!(prefix.features(&own).map(f32::to_bits), seen[at].map(f32::to_bits));
        }
    }

    #[test]
    fn stay_finite_on_hostile_records(
        words in prop::collection::vec(
            (any::<[u64; 5]>(), any::<u8>(), any::<u8>(), any::<[u8; 3]>(), any::<u64>()), 1..80),
    ) {
        let mut run = Run::new();
        for (wide, pick, small, [side, tag, flags], time) in words {
            let kind = Kind::ALL[usize::from(pick) % Kind::ALL.len()];
            let [price, quantity, order_ref, second_ref, extreme] = wide;
            let narrow = |word: u64| if extreme % 3 == 0 { word } else { word % 9 };
            let record = EventRecord {
                side: if side % 2 == 0 { b'B' } else { b'S' },
                price: if extreme % 5 == 0 { price as i64 } else { (price % 2_000_000) as i64 },
                quantity: if extreme % 7 == 0 { quantity } else { quantity % 100_000 },
                order_ref: narrow(order_ref),
                second_ref: narrow(second_ref),
                tag: u16::from(tag),
                flags,
                kind: if small == 0 { pick } else { kind as u8 },
                instrument: if small < 200 { ID.0 } else { u16::from(small) },
                ..EventRecord::new(kind)
            };
            run.now = if small < 128 { run.now.saturating_add(time % 1_000_000_000) } else { time };
            run.feed(&record);
            let own = Own { position: price as i64, ..Own::default() };
            for (name, value) in FEATURE_NAMES.iter().zip(run.features(&own)) {
                prop_assert!(value.is_finite() && value.abs() <= 1e6, "{} is {}", name, value);
            }
            let _ = run.policy.decide(ID, &run.books, &own, Nanos(run.now));
        }
    }
}

#[test]
fn an_instrument_without_a_slot_has_none() {
    let run = Run::new();
    let other = tercel_types::InstrumentId(8);
    let found = run.policy.features(other, &run.books, &Own::default(), Nanos(5));
    assert_eq!(found, [0.0; FEATURE_COUNT]);
}
