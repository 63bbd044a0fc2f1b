//! Instructions of each stage over fixed inputs, counted by valgrind's callgrind.
//!
//! `cargo x gates` runs this, compares with `bench/gates.toml` and names the stage that takes more
//! than it did. Counts do not depend on what else the machine does: the inputs come from a seed,
//! valgrind shows every machine the same processor (AVX2, no AVX-512), and what is prepared is not
//! counted. They say nothing of cache misses and wrong guesses; the suites do.

#![allow(missing_docs)] // what the macros make of a benchmark has none

mod peer;

use iai_callgrind::{library_benchmark, library_benchmark_group, main};
use peer::{Peer, Still};
use std::hint::black_box;
use tercel_abi::{EventRecord, EventSource};
use tercel_bench::day::MarketDay;
use tercel_bench::frames::LINES;
use tercel_bench::rig::{Quoting, Rig, RigConfig, policy, risk_limits};
use tercel_bench::venue::{MemoryPort, Venue};
use tercel_bench::{Context, DaySource, Progress};
use tercel_book::{Books, Change, Limits};
use tercel_engine::ring::{RingReader, RingWriter, Start};
use tercel_engine::{Batch, Unmeasured};
use tercel_gateway::{Gateway, GatewayConfig, MAX_PACKET, Session};
use tercel_policy::int8::{Int8Mlp, Quantised};
use tercel_policy::mlp::Mlp;
use tercel_policy::{Artifact, FEATURE_COUNT, Policy};
use tercel_proto::feed::{Feed, FeedConfig};
use tercel_risk::{Approved, Order, Risk};
use tercel_tcp::TcpStack;
use tercel_types::{
    Frame, InstrumentId, Intent, Level, MarketView, Nanos, NewOrder, Own, Price, Qty, Side,
    StreamPort, Symbol, TimeInForce, Top, TradingState, UserRef, VenueId,
};

const INSTRUMENTS: u16 = 20;
const MESSAGES: u64 = 12_000;
/// Bytes of an order on its way: OUCH's Enter Order without appendages, in SoupBinTCP.
const ORDER: usize = 50;
/// Repetitions of what is done once an instrument.
const ROUNDS: u32 = 50;

fn context() -> Context {
    let day = DaySource::Generated { instruments: INSTRUMENTS, messages: MESSAGES, resting: 800 };
    let progress = Progress::silent();
    Context { quick: true, seed: 1, day, rate: None, cores: None, progress }
}

fn day() -> MarketDay {
    MarketDay::generated(&context(), INSTRUMENTS, MESSAGES, 800).expect("a day")
}

fn limits() -> Limits {
    let (orders_max, levels_max) = (1 << 12, 1 << 12);
    let instruments_max = usize::from(INSTRUMENTS) + 1;
    Limits { instruments_max, orders_max, levels_max, ..Limits::default() }
}

fn decode_frames(day: &MarketDay, feed: &mut Feed, mut each: impl FnMut(&EventRecord)) {
    for at in 0..day.frames.len() {
        let received = day.frames.time(at);
        let frame = Frame { bytes: day.frames.bytes(at), received };
        feed.on_frame(frame, received, &mut each);
    }
}

fn feed() -> Feed {
    Feed::new(FeedConfig::new(VenueId(0), LINES))
}

fn records() -> Vec<EventRecord> {
    let mut records = Vec::new();
    decode_frames(&day(), &mut feed(), |record| records.push(*record));
    records
}

fn for_decode() -> (MarketDay, Feed) {
    (day(), feed())
}

#[library_benchmark(setup = for_decode)]
fn decode((day, mut feed): (MarketDay, Feed)) -> (MarketDay, Feed) {
    decode_frames(&day, &mut feed, |record| {
        black_box(record);
    });
    (day, feed)
}

fn for_book() -> (Vec<EventRecord>, Books) {
    (records(), Books::new(&limits()).expect("books"))
}

#[library_benchmark(setup = for_book)]
fn book((records, mut books): (Vec<EventRecord>, Books)) -> (Vec<EventRecord>, Books) {
    for batch in records.chunks(Batch::MAX) {
        for (at, record) in batch.iter().enumerate() {
            books.look_ahead(batch, at);
            black_box(books.apply(record));
        }
    }
    (records, books)
}

/// Books at noon, a policy, and some events of the morning.
struct Noon {
    books: Books,
    policy: Policy,
    events: Vec<(EventRecord, Change)>,
}

fn noon(quoting: Quoting) -> Noon {
    let (context, day, mut books) = (context(), day(), Books::new(&limits()).expect("books"));
    let mut policy = policy(&context, &day.by_activity, quoting).expect("a policy");
    day.by_activity.iter().for_each(|one| assert!(policy.add_instrument(one.id)));
    let mut events = Vec::new();
    let records = records();
    for record in &records[..records.len() / 2] {
        let change = books.apply(record);
        policy.on_event(record, &change, &books, record.exchange_time());
        events.push((*record, change));
    }
    events.drain(..events.len() - 2_000);
    Noon { books, policy, events }
}

#[library_benchmark(setup = noon)]
#[bench::glft(Quoting::Glft)]
fn features(mut noon: Noon) -> Noon {
    let Noon { books, policy, events } = &mut noon;
    for (record, change) in events.iter() {
        policy.on_event(record, change, books, record.exchange_time());
    }
    noon
}

#[library_benchmark(setup = noon)]
#[bench::fixed_spread(Quoting::FixedSpread)]
#[bench::glft(Quoting::Glft)]
#[bench::mlp(Quoting::Mlp)]
fn decide(mut noon: Noon) -> Noon {
    let Noon { books, policy, events } = &mut noon;
    for (record, change) in events.iter().take(500) {
        let own = Own::default();
        let now = record.exchange_time();
        black_box(policy.decide(change.instrument, books, &own, now));
    }
    noon
}

fn for_forward() -> (Mlp, [f32; FEATURE_COUNT]) {
    let artifact = Artifact::untrained(&[64, 64], 1).expect("an artifact");
    let mut features = [0.0; FEATURE_COUNT];
    features.iter_mut().enumerate().for_each(|(at, value)| *value = at as f32 / 40.0 - 0.5);
    (Mlp::new(artifact.layers()).expect("a network"), features)
}

#[library_benchmark(setup = for_forward)]
fn forward((mut mlp, features): (Mlp, [f32; FEATURE_COUNT])) -> Mlp {
    for _ in 0..ROUNDS {
        black_box(mlp.forward(black_box(&features)));
    }
    mlp
}

fn for_int8() -> (Int8Mlp, [f32; FEATURE_COUNT]) {
    let artifact = Artifact::untrained(&[64, 64], 1).expect("an artifact");
    let (_, features) = for_forward();
    let network = Quantised::calibrate(artifact.layers(), 10.0, [features.as_slice()]);
    (Int8Mlp::new(&network.expect("integers")).expect("a network"), features)
}

#[library_benchmark(setup = for_int8)]
fn forward_int8((mut mlp, features): (Int8Mlp, [f32; FEATURE_COUNT])) -> Int8Mlp {
    for _ in 0..ROUNDS {
        black_box(mlp.forward(black_box(&features)));
    }
    mlp
}

/// Risk and an order session that is up, over one instrument after the other.
struct Desk {
    risk: Risk,
    gateway: Gateway,
    port: MemoryPort,
    venue: Venue,
    view: MarketView,
    now: Nanos,
    approved: Vec<Approved<Order>>,
}

impl Desk {
    fn new() -> Desk {
        let (config, limits) = risk_limits(INSTRUMENTS.into(), 4_096);
        let mut risk = Risk::new(config).expect("risk");
        let config = GatewayConfig { firm: *b"TERC", ..GatewayConfig::default() };
        let mut gateway = Gateway::new(config);
        for id in 0..INSTRUMENTS {
            risk.bind(InstrumentId(id), limits).expect("room");
            let symbol = Symbol::new(&format!("B{id:02}")).expect("a symbol");
            gateway.set_symbol(InstrumentId(id), symbol);
        }
        let level = |price| Level { price: Price(price), qty: 1_000, orders: 3 };
        let view = MarketView {
            top: Top { bid: level(500_000), ask: level(500_100) },
            state: TradingState::Trading,
            ..MarketView::default()
        };
        let now = Nanos::from_secs(34_200);
        let (port, venue) = (MemoryPort::new(), Venue::new(false, false));
        let mut desk = Desk { risk, gateway, port, venue, view, now, approved: Vec::new() };
        while desk.gateway.session() != Session::Ready {
            desk.step_session();
        }
        desk
    }

    fn step_session(&mut self) {
        if self.gateway.session() == Session::Down {
            self.gateway.on_connected(self.now);
        } else if self.gateway.wants_reconnect() {
            self.gateway.on_disconnected(self.now);
        }
        if let Some(slot) = self.port.reserve(MAX_PACKET) {
            let len = self.gateway.transmit(self.now, slot);
            self.port.commit(len).expect("memory");
        }
        self.answer();
    }

    fn answer(&mut self) {
        self.venue.answer(&mut self.port);
        let Desk { port, gateway, risk, now, .. } = self;
        let heard =
            port.poll(|bytes| gateway.on_bytes(bytes, *now, |ack| risk.on_ack(ack, *now)).unwrap());
        heard.expect("memory");
    }

    fn approve(&mut self, intents: &[Intent]) {
        let mut user_ref = self.gateway.next_user_ref().expect("a session").0;
        for intent in intents {
            let checked = self.risk.check(intent, UserRef(user_ref), &self.view, self.now);
            self.approved.push(checked.expect("it passes"));
            user_ref += u32::from(!matches!(intent, Intent::Cancel { .. }));
        }
    }

    fn send(&mut self) {
        for order in &self.approved {
            let slot = self.port.reserve(MAX_PACKET).expect("room");
            let len = self.gateway.encode_into(order, self.now, slot).expect("it is encoded");
            self.port.commit(len).expect("memory");
        }
    }
}

/// Which order of a life.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Act {
    Enter,
    Replace,
    Cancel,
}

/// A desk at that point of the lives of its orders, and what is wanted next.
fn desk(act: Act) -> (Desk, Vec<Intent>) {
    let mut desk = Desk::new();
    let price = |cents: i64| Price(500_000 - 100 * cents);
    let enter = |id| NewOrder {
        instrument: InstrumentId(id),
        side: Side::Buy,
        price: price(1),
        qty: Qty(100),
        time_in_force: TimeInForce::Day,
        post_only: true,
    };
    let mut intents: Vec<_> = (0..INSTRUMENTS).map(|id| Intent::Enter(enter(id))).collect();
    let mut first = desk.gateway.next_user_ref().expect("a session").0;
    for next in [Act::Replace, Act::Cancel] {
        if act < next {
            break;
        }
        desk.approve(&intents);
        desk.send();
        desk.approved.clear();
        desk.answer();
        let live = (first..first + u32::from(INSTRUMENTS)).map(UserRef);
        intents = live
            .map(|original| match next {
                Act::Replace => Intent::Replace { original, price: price(2), qty: Qty(100) },
                _ => Intent::Cancel { original },
            })
            .collect();
        first = desk.gateway.next_user_ref().expect("a session").0;
    }
    desk.approved.reserve(intents.len());
    (desk, intents)
}

#[library_benchmark(setup = desk)]
#[bench::enter(Act::Enter)]
#[bench::replace(Act::Replace)]
#[bench::cancel(Act::Cancel)]
fn risk((mut desk, intents): (Desk, Vec<Intent>)) -> (Desk, Vec<Intent>) {
    desk.approve(&intents);
    (desk, intents)
}

fn approved(act: Act) -> Desk {
    let (mut desk, intents) = desk(act);
    desk.approve(&intents);
    desk
}

#[library_benchmark(setup = approved)]
#[bench::enter(Act::Enter)]
#[bench::replace(Act::Replace)]
#[bench::cancel(Act::Cancel)]
fn encode(mut desk: Desk) -> Desk {
    desk.send();
    desk
}

fn for_ring() -> (RingWriter, RingReader, Vec<EventRecord>) {
    let path = std::env::temp_dir().join(format!("tercel-gates-{}", std::process::id()));
    let writer = RingWriter::create(&path, 1 << 10, 1_000_000_000).expect("a ring");
    let reader = RingReader::open(&path, Start::Oldest).expect("a ring");
    std::fs::remove_file(&path).expect("it stays mapped");
    (writer, reader, records().split_off(2_000))
}

#[library_benchmark(setup = for_ring)]
fn ring(
    (mut writer, mut reader, records): (RingWriter, RingReader, Vec<EventRecord>),
) -> (RingWriter, RingReader, Vec<EventRecord>) {
    for record in &records {
        writer.publish(record);
        reader.poll(1, |record| {
            black_box(record);
        });
    }
    (writer, reader, records)
}

/// A host that trades, and the frame at which the rest of the day begins.
fn trading() -> (Rig, MarketDay, usize) {
    let (context, day) = (context(), day());
    let config = RigConfig { quoting: Quoting::Glft, quoted_max: 10, keeps_packets: false };
    let mut rig = Rig::new(&context, &day, &config).expect("a host");
    let half = day.frames.len() / 2;
    rig.run(&day.frames, 0..half);
    assert!(rig.is_trading());
    (rig, day, half)
}

// Without the venue's answers, so that what is counted is the host's alone.
#[library_benchmark(setup = trading)]
fn tick((mut rig, day, half): (Rig, MarketDay, usize)) -> (Rig, MarketDay, usize) {
    let end = half + (day.frames.len() - half) / 8;
    rig.take(&day.frames, half..end, |at| Nanos(at as u64), &mut Unmeasured);
    (rig, day, half)
}

// The way of an order out beside the kernel: in a prepared segment, and what the stack behind is
// told once the frame has gone.
#[library_benchmark(setup = peer::connected)]
fn tcp_commit(mut stack: TcpStack<Peer, Still>) -> TcpStack<Peer, Still> {
    let before = stack.report().fast;
    for round in 0..ROUNDS {
        let space = stack.reserve(ORDER).expect("a window with room");
        space.fill(black_box(round as u8));
        stack.commit(ORDER).expect("an open connection");
    }
    assert_eq!(stack.report().fast - before, u64::from(ROUNDS));
    stack
}

library_benchmark_group!(
    name = stages;
    benchmarks = decode, book, features, decide, forward, forward_int8, risk, encode, ring,
        tick, tcp_commit
);
main!(library_benchmark_groups = stages);
