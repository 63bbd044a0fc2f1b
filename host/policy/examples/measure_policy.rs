//! Nanoseconds of a policy's steps, over a random market of several instruments.
//!
//! `cargo run --release -p tercel-policy --example measure_policy [thousands of records]
//! [instruments] [requote interval, µs]`
//!
//! Every call is timed on its own, and what the clock itself takes (the median of empty intervals)
//! is taken off; the clock's steps, some 10 ns, show in the figures. Orders of ours are live at
//! once and executed now and then. What is not in it: the book's own work, risk, and anything else
//! that would use the same cache.

use std::hint::black_box;
use std::time::Instant;
use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Limits};
use tercel_policy::mlp::{Dense, Kernel, Mlp};
use tercel_policy::{
    Artifact, AvellanedaStoikov, FixedSpread, Glft, InstrumentPolicy, Learned, Policy,
    PolicyConfig, QuoteRules, StrategyConfig, Volatility,
};
use tercel_types::{
    InstrumentId, Intent, Intents, Nanos, OrderRef, Own, Price, Qty, Side, Symbol, UserRef,
    WorkingOrder, WorkingState,
};

fn draw(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

fn symbol(k: usize) -> Symbol {
    Symbol::new(&format!("S{k}")).expect("a short symbol")
}

/// Orders that come and go around a mid price that moves by a tick now and then.
struct Market {
    seed: u64,
    next: u64,
    now: u64,
    mids: Vec<i64>,
    live: Vec<Vec<(u64, Side, i64)>>,
    records: Vec<(EventRecord, Nanos)>,
}

impl Market {
    fn records(count: usize, instruments: usize) -> Vec<(EventRecord, Nanos)> {
        let mut market = Market {
            seed: 88_172_645_463_325_252,
            next: 1,
            now: 1_000_000_000,
            mids: vec![1_000_000; instruments],
            live: vec![Vec::new(); instruments],
            records: Vec::new(),
        };
        for k in 0..instruments {
            let order_ref = u64::from_le_bytes(symbol(k).0);
            let base =
                EventRecord { order_ref, quantity: 100, ..EventRecord::new(Kind::Directory) };
            market.push(k, base);
            let tag = u16::from(b'T');
            let base = EventRecord { order_ref, tag, ..EventRecord::new(Kind::TradingAction) };
            market.push(k, base);
        }
        while market.records.len() < count {
            market.step();
        }
        market.records
    }

    fn push(&mut self, k: usize, record: EventRecord) {
        self.records.push((EventRecord { instrument: k as u16, ..record }, Nanos(self.now)));
    }

    fn step(&mut self) {
        self.now += 200 + draw(&mut self.seed) % 200_000;
        let word = draw(&mut self.seed);
        let k = (word >> 20) as usize % self.mids.len();
        let delete = |order_ref| EventRecord { order_ref, ..EventRecord::new(Kind::Deleted) };
        if word.is_multiple_of(30) {
            self.mids[k] += if word >> 40 & 1 == 0 { 100 } else { -100 };
            let mid = self.mids[k];
            let orders = std::mem::take(&mut self.live[k]);
            let stays = |(_, side, price): &(u64, Side, i64)| (mid - price) * side.sign() > 0;
            let (stay, go): (Vec<_>, Vec<_>) = orders.into_iter().partition(stays);
            self.live[k] = stay;
            go.into_iter().for_each(|(order_ref, ..)| self.push(k, delete(order_ref)));
        }
        let (len, op) = (self.live[k].len(), (word >> 50) % 100);
        if len < 20 || op < 45 && len < 120 {
            let word = draw(&mut self.seed);
            let side = if word >> 50 & 1 == 0 { Side::Buy } else { Side::Sell };
            let price = self.mids[k] - side.sign() * 100 * (1 + i64::from(word.trailing_zeros()));
            let (order_ref, quantity) = (self.next, 100 + (word >> 20 & 7) * 100);
            self.next += 1 + word % 3;
            self.live[k].push((order_ref, side, price));
            let base = EventRecord::new(Kind::Add);
            self.push(k, EventRecord { order_ref, side: side as u8, price, quantity, ..base });
            return;
        }
        let at = len - 1 - (word >> 30) as usize % len.min(40);
        let (order_ref, quantity) = (self.live[k][at].0, 1_000);
        self.live[k].remove(at);
        let executed = EventRecord { order_ref, quantity, ..EventRecord::new(Kind::Executed) };
        self.push(k, if op < 85 { delete(order_ref) } else { executed });
    }
}

/// Times of one step, nanoseconds.
struct Times(Vec<f64>);

impl Times {
    /// Times one call, less what the clock takes.
    fn time<R>(&mut self, clock: f64, call: impl FnOnce() -> R) -> R {
        let begin = Instant::now();
        let result = black_box(call());
        self.0.push(begin.elapsed().as_nanos() as f64 - clock);
        result
    }

    fn at(&mut self, part: f64) -> f64 {
        self.0.sort_by(f64::total_cmp);
        self.0[(self.0.len() as f64 * part) as usize]
    }

    fn print(mut self, name: &str) {
        let [p10, p50, p90, p99] = [0.1, 0.5, 0.9, 0.99].map(|part| self.at(part));
        println!("{name:32} p10 {p10:6.0} p50 {p50:6.0} p90 {p90:6.0} p99 {p99:6.0} ns");
    }
}

fn strategies() -> [(&'static str, StrategyConfig); 4] {
    let volatility = Volatility::Realised { min: 0.001, max: 1.0 };
    let (gamma, k) = (0.1, 100.0);
    let artifact = Artifact::untrained(&[64, 64], 1).expect("a network");
    let learned = Learned { artifact, offset_min_ticks: 0.5, offset_max_ticks: 20.0 };
    let fixed = FixedSpread { half_spread_ticks: 1.5, skew_ticks: 1.0 };
    let model = AvellanedaStoikov { gamma, k, horizon_s: 60.0, volatility };
    [
        ("fixed spread", StrategyConfig::FixedSpread(fixed)),
        ("Avellaneda-Stoikov", StrategyConfig::AvellanedaStoikov(model)),
        ("GLFT", StrategyConfig::Glft(Glft { gamma, k, a: 1.0, volatility })),
        ("network 40-64-64-2", StrategyConfig::Mlp(Box::new(learned))),
    ]
}

/// Does what the intents say, at once.
fn obey(own: &mut Own, intents: &Intents, now: Nanos) {
    for intent in intents.iter() {
        for (side, slot) in [(Side::Buy, &mut own.bid), (Side::Sell, &mut own.ask)] {
            let (price, open) = match *intent {
                Intent::Enter(order) if order.side == side => (order.price, order.qty),
                Intent::Replace { original, price, qty } if original.0 == side as u32 => {
                    (price, qty)
                }
                Intent::Cancel { original } if original.0 == side as u32 => (Price(0), Qty(0)),
                _ => continue,
            };
            let (user_ref, order_ref) = (UserRef(side as u32), OrderRef(0));
            let state = WorkingState::Live;
            let order =
                WorkingOrder { user_ref, order_ref, side, price, open, entered: now, state };
            *slot = (open.0 > 0).then_some(order);
        }
    }
}

fn run(name: &str, strategy: StrategyConfig, records: &[(EventRecord, Nanos)], clock: f64) {
    let mut arguments = std::env::args().skip(2).map(|text| text.parse::<usize>());
    let mut argument = |default| arguments.next().and_then(Result::ok).unwrap_or(default);
    let (instruments, interval) = (argument(8), argument(0));
    let quote =
        QuoteRules { requote_interval: Nanos(1_000 * interval as u64), ..QuoteRules::default() };
    let configured = (0..instruments).map(|k| InstrumentPolicy::new(symbol(k))).collect();
    let config = PolicyConfig { instruments: configured, strategy, quote };
    let mut policy = Policy::new(config).expect("a valid configuration");
    let mut books = Books::new(&Limits::default()).expect("memory for the books");
    let mut own = vec![Own::default(); instruments];
    (0..instruments).for_each(|k| assert!(policy.add_instrument(InstrumentId(k as u16))));
    let (mut events, mut decisions, mut seed) = (Times(Vec::new()), Times(Vec::new()), 77);
    for (record, now) in records {
        let change = books.apply(record);
        events.time(clock, || policy.on_event(record, &change, &books, *now));
        let (id, own) = (change.instrument, &mut own[change.instrument.index()]);
        let intents = decisions.time(clock, || policy.decide(id, &books, own, *now));
        obey(own, &intents, *now);
        if draw(&mut seed).is_multiple_of(64) {
            own.position = (seed >> 30) as i64 % 5 * 100 - 200;
            own.bid = None;
        }
    }
    events.print(&format!("{name}, on_event"));
    decisions.print(&format!("{name}, decide"));
    println!("    {:?}", policy.counters());
}

/// A network of random weights; about half of its hidden units are zero.
fn network(widths: &[usize], kernel: Kernel) -> Mlp {
    let mut seed = 12_345;
    let mut number = || (draw(&mut seed) >> 40) as f32 / (1u32 << 23) as f32 - 1.0;
    let layers = widths.windows(2).map(|pair| {
        let scale = (pair[0] as f32).sqrt();
        let weights = (0..pair[0] * pair[1]).map(|_| number() / scale).collect();
        let bias = (0..pair[1]).map(|_| number() / 4.0).collect();
        Dense { inputs: pair[0], weights, bias }
    });
    Mlp::with_kernel(&layers.collect::<Vec<_>>(), kernel).expect("a network")
}

fn main() {
    let thousands = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(200);
    let instruments = std::env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(8);
    let mut empty = Times(Vec::new());
    (0..100_000).for_each(|_| empty.time(0.0, || ()));
    let clock = empty.at(0.5);
    println!("an empty interval is {clock:.0} ns");
    let records = Market::records(thousands * 1_000, instruments);
    for (name, strategy) in strategies() {
        run(name, strategy, &records, clock);
    }
    for kernel in Kernel::available() {
        for widths in [&[40, 64, 64, 2][..], &[40, 32, 32, 2], &[40, 128, 128, 2]] {
            let (mut mlp, mut times, mut seed) = (network(widths, kernel), Times(Vec::new()), 5);
            for _ in 0..20_000 {
                let inputs: [f32; 40] = std::array::from_fn(|_| {
                    (draw(&mut seed) >> 40) as f32 / (1u32 << 23) as f32 - 1.0
                });
                times.time(clock, || mlp.forward(&inputs)[0]);
            }
            times.print(&format!("{}, forward {widths:?}", kernel.name()));
        }
    }
}
