//! Runs as a whole: the same inputs give the same bytes, whatever the threads; bad input ends in an
//! error or a count.

mod support;

use proptest::prelude::*;
use std::io::Write;
use support::fixed;
use tercel_backtest::environment::{Episodes, ReplayEnvironment, Reward};
use tercel_backtest::event::{Event, EventKind};
use tercel_backtest::fees::{Fees, Rate};
use tercel_backtest::latency::{Latencies, Latency};
use tercel_backtest::ledger::{Contract, Fill, Ledger};
use tercel_backtest::many::{Job, run_many};
use tercel_backtest::market::Market;
use tercel_backtest::pieces::pieces;
use tercel_backtest::queue::QueueModel;
use tercel_backtest::read::{self, BinanceConfig, DbnConfig, ItchConfig};
use tercel_backtest::store::{Builder, Grain, Store, When};
use tercel_backtest::{BacktestError, Passive, Settings, replay, run};
use tercel_environments::{Actions, Environment, Outcome};
use tercel_types::{InstrumentId, Nanos, Price, Qty, Side, Symbol};

/// A market of levels that wanders, from a small generator.
fn levels(seed: u64, messages: u64) -> Store {
    let mut builder = Builder::new(Grain::Levels);
    let symbol = Symbol::new("WANDER").expect("a symbol");
    let place = builder.instrument(Contract::stock(InstrumentId(1), symbol)).expect("a place");
    let mut word = seed;
    let mut draw = |most: u64| {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (word >> 33) % most
    };
    builder.open(When::at(Nanos(0)), place);
    let mut mid = 1_000_i64;
    for at in 0..messages {
        let time = Nanos(at * 1_000_000);
        let when = When { time, received: Nanos(time.0 + 10_000 + draw(90_000)) };
        let before = mid;
        mid += draw(3) as i64 - 1;
        for (side, sign) in [(Side::Buy, -1), (Side::Sell, 1)] {
            // What the mid has passed is gone, then the levels beside it change.
            builder.level(when, place, side, Price(before.min(mid) * 100), 0, true);
            builder.level(when, place, side, Price(before.max(mid) * 100), 0, true);
            for away in 1..=3 {
                let qty = 100 + draw(900);
                builder.level(when, place, side, Price((mid + sign * away) * 100), qty, true);
            }
        }
        builder.end_message();
        if draw(3) == 0 {
            let (side, sign) = if draw(2) == 0 { (Side::Buy, -1) } else { (Side::Sell, 1) };
            let price = Price((mid + sign * (1 + draw(2) as i64)) * 100);
            builder.trade(when, place, Some(side), price, 1 + draw(400));
        }
    }
    builder.finish()
}

fn settings(seed: u64) -> Settings {
    let tail = |tail| Latency::Exponential { least: Nanos(20_000), tail: Nanos(tail) };
    Settings {
        latencies: Latencies {
            feed: Latency::Recorded,
            entry: tail(30_000),
            response: Latency::LogNormal { median: Nanos(40_000), sigma: 0.4 },
        },
        fees: Fees::flat(Rate { each: -2_000, ppm: 0 }, Rate { each: 3_000, ppm: 1 }),
        queue: QueueModel::Logarithm,
        seed,
        ..Settings::default()
    }
}

/// A resting order's fill is compared with the mid that held until the instant of the fill.
fn compared_with_the_mid_before(ledger: &Ledger, fill: &Fill) {
    let before = Nanos(fill.time.0 - 1);
    assert!(!fill.maker || ledger.mid_x2_at(0, before) == Some(fill.mid_x2), "{fill:?}");
}

fn sound(ledger: &Ledger) {
    let last = ledger.samples.last().expect("a sample");
    let mut cash = 0;
    let (mut position, mut fees) = (0, 0);
    for fill in &ledger.fills {
        cash -= i128::from(fill.side.sign()) * fill.notional();
        position += fill.side.sign() * i64::from(fill.qty.0);
        fees += fill.fee;
        assert!(fill.mid_x2 > 0 && fill.qty.0 > 0);
        compared_with_the_mid_before(ledger, fill);
    }
    assert_eq!((last.cash, last.position, last.fees), (cash, position, fees));
}

#[test]
fn the_same_inputs_leave_the_same_behind_on_any_number_of_threads() {
    let stores: Vec<Store> = (1..=3).map(|seed| levels(seed, 4_000)).collect();
    let mut jobs = Vec::new();
    for store in &stores {
        for seed in [1, 2] {
            jobs.push(Job { store, trading: fixed(1.0, 100), settings: settings(seed) });
        }
    }
    let one = run_many(&jobs, 1);
    assert_eq!(one, run_many(&jobs, 3));
    let ledgers: Vec<&Ledger> = one.iter().map(|one| one.as_ref().expect("it runs")).collect();
    for ledger in &ledgers {
        sound(ledger);
        assert!(ledger.fills.len() > 20, "{} fills", ledger.fills.len());
    }
    // Another seed is another run.
    assert_ne!(ledgers[0], ledgers[1]);
}

#[test]
fn later_orders_earn_less() {
    let store = levels(5, 6_000);
    let filled = |latency| {
        let latencies = Latencies::constant(Nanos(latency), Nanos(latency), Nanos(latency));
        let settings = Settings { latencies, ..settings(1) };
        let ledger = run(&store, &fixed(1.0, 100), &settings).expect("it runs");
        sound(&ledger);
        let last = *ledger.samples.last().expect("a sample");
        ledger.contracts[0].dollars(last.profit_x2())
    };
    assert!(filled(0) > filled(5_000_000));
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let store = levels(1, 100);
    let bad = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        run(&store, &fixed(1.0, 100), &settings).expect_err("it is refused")
    };
    assert_eq!(bad(|it| it.queue = QueueModel::Power(f64::NAN)), BacktestError::Queue);
    assert_eq!(bad(|it| it.sample = Nanos(1)), BacktestError::Sample);
    let table = bad(|it| it.latencies.feed = Latency::Table([].into()));
    assert!(matches!(table, BacktestError::Latency(_)));
    let policy = run(&store, &fixed(f64::NAN, 100), &Settings::default());
    assert!(matches!(policy, Err(BacktestError::Policy(_))));
    let empty = Builder::new(Grain::Orders).finish();
    let refused = run(&empty, &fixed(1.0, 100), &Settings::default());
    assert_eq!(refused, Err(BacktestError::Empty));
}

#[test]
fn an_environment_is_repeatable_and_its_rewards_are_numbers() {
    let store = levels(9, 8_000);
    let episodes = Episodes {
        lanes: 3,
        steps: 10,
        step: Nanos::from_millis(50),
        warm: Nanos::from_millis(200),
        offset_max: 5.0,
        reward: Reward { unit: 1.0, inventory: 0.01 },
    };
    let make = || {
        let made = ReplayEnvironment::new(&store, fixed(1.0, 100), settings(1), episodes.clone());
        made.expect("an environment")
    };
    let play = |seed: u64| {
        let mut environment = make();
        let mut outcome = Outcome::new(&environment);
        environment.reset(seed, &mut outcome);
        let mut all = vec![outcome.clone()];
        for step in 0..25 {
            let actions: Vec<f32> = (0..6).map(|at| ((step + at) % 3) as f32 * 0.8).collect();
            environment.step(Actions::Continuous(&actions), &mut outcome);
            assert_eq!(outcome.truncated, vec![(step + 1) % 10 == 0; 3]);
            all.push(outcome.clone());
        }
        all
    };
    let first = play(1);
    assert_eq!(first, play(1));
    assert_ne!(first, play(2));
    let numbers = first.iter().flat_map(|one| one.reward.iter().chain(&one.observation));
    assert!(numbers.clone().all(|number| number.is_finite()));
    assert!(first.iter().any(|one| one.reward.iter().any(|reward| *reward != 0.0)));
    let long = Episodes { step: Nanos::from_secs(100), ..episodes.clone() };
    let refused = ReplayEnvironment::new(&store, fixed(1.0, 100), settings(1), long);
    assert!(matches!(refused.err(), Some(BacktestError::Episodes)));
}

#[test]
fn gaps_old_news_and_nonsense_are_counted() {
    let depth = |time: u64, first: u64, last: u64, price: &str| {
        let event = time / 1_000_000;
        let head = format!("\"e\":\"depthUpdate\",\"E\":{event},\"U\":{first},\"u\":{last}");
        let data = format!("{head},\"b\":[[\"{price}\",\"1\"]],\"a\":[]");
        format!("{time} {{\"stream\":\"x@depth\",\"data\":{{{data}}}}}\n")
    };
    let ticker = |time: u64, update: u64, bid: &str, ask: &str| {
        format!(
            "{time} {{\"stream\":\"x@bookTicker\",\"data\":{{\"u\":{update},\"b\":\"{bid}\",\
             \"B\":\"2\",\"a\":\"{ask}\",\"A\":\"3\"}}}}\n"
        )
    };
    let mut text = depth(1_000_000_000, 1, 5, "100.00");
    text += &ticker(1_001_000_000, 7, "100.01", "100.02");
    text += &depth(1_002_000_000, 6, 6, "100.01"); // the touch is newer
    text += &depth(1_003_000_000, 3, 4, "99.00"); // old
    text += &depth(1_004_000_000, 9, 9, "99.99"); // 7 and 8 are missing
    text += "nonsense\n";
    text += "1 {\"result\":null,\"id\":1}\n";
    text += &depth(1_005_000_000, 10, 10, "99.995"); // between two steps
    text += "1006000000 {\"stream\":\"x@trade\",\"data\":{\"e\":\"trade\""; // torn
    let store = read::binance_lines(&text, &BinanceConfig::spot());
    let quality = &store.quality;
    assert_eq!((quality.read, quality.malformed, quality.truncated), (9, 2, 1));
    assert_eq!((quality.gaps, quality.outdated, quality.ignored), (1, 1, 1));
    assert_eq!((quality.bad_numbers, quality.crossed, quality.no_snapshot), (1, 0, 1));
}

/// A snapshot adds what nobody has told of, and puts nothing back that newer changes know better.
#[test]
fn a_snapshot_gives_the_levels_that_have_not_changed() {
    let depth = |time: u64, update: u64, bids: &str| {
        let head = format!("\"e\":\"depthUpdate\",\"E\":{time},\"U\":{update},\"u\":{update}");
        let data = format!("{head},\"b\":[{bids}],\"a\":[[\"100.03\",\"2\"]]");
        format!("{time}000000 {{\"stream\":\"x@depth\",\"data\":{{{data}}}}}\n")
    };
    let mut text = depth(1_000, 6, "[\"99.99\",\"7\"],[\"99.98\",\"0\"]");
    text += "1001000000 {\"lastUpdateId\":5,\"bids\":[[\"99.99\",\"1\"],[\"99.98\",\"1\"],\
             [\"99.97\",\"3\"]],\"asks\":[[\"99.99\",\"4\"],[\"100.04\",\"5\"]]}\n";
    text += &depth(1_002, 7, "[\"99.96\",\"1\"]");
    let store = read::binance_lines(&text, &BinanceConfig::spot());
    assert_eq!((store.quality.no_snapshot, store.quality.gaps, store.quality.crossed), (0, 0, 0));
    let mut market = Market::new(&store);
    store.events.iter().for_each(|event| {
        market.apply(event);
    });
    let at = |side, ticks: u32| {
        let level = store.instruments[0].prices.binary_search(&(ticks * 100)).ok();
        level.map_or(0, |level| market.levels(0).qty(side, level as u32) / 100_000)
    };
    let bids = [9_999, 9_998, 9_997, 9_996].map(|ticks| at(Side::Buy, ticks));
    let asks = [9_999, 10_003, 10_004].map(|ticks| at(Side::Sell, ticks));
    assert_eq!((bids, asks), ([7, 0, 3, 1], [0, 2, 5]));
}

/// All asks at a price are bought, the next bid is above it, and the trade is received last. It is
/// what took the level, not a second trade: an order of ours behind those asks gets what the bid
/// brings, and is compared with the mid before all of it.
#[test]
fn a_trade_that_comes_late_is_put_where_it_belongs() {
    let line = |received: u64, stream: &str, data: &str| {
        format!("{received}000000 {{\"stream\":\"x@{stream}\",\"data\":{{{data}}}}}\n")
    };
    let ticker = |received: u64, time: u64, update: u64, bid: &str, ask: &str| {
        let head = format!("\"e\":\"bookTicker\",\"u\":{update},\"T\":{time},\"E\":{time}");
        let sizes = "\"B\":\"0.001\",\"A\":\"0.006\"";
        let data = format!("{head},\"b\":\"{bid}\",\"a\":\"{ask}\",{sizes}");
        line(received, "bookTicker", &data)
    };
    let depth = "\"e\":\"depthUpdate\",\"E\":1000,\"T\":1000,\"U\":1,\"u\":1,\"pu\":0,\
                 \"b\":[[\"100.0\",\"0.005\"]],\"a\":[[\"100.1\",\"0.004\"],[\"100.3\",\"0.006\"]]";
    let trade = "\"e\":\"trade\",\"E\":1010,\"T\":1010,\"p\":\"100.1\",\"q\":\"0.004\",\"m\":false";
    let lines = [
        line(1_001, "depth", depth),
        ticker(1_011, 1_010, 2, "100.0", "100.3"),
        ticker(1_011, 1_010, 3, "100.2", "100.3"),
        line(1_015, "trade", trade),
        ticker(1_021, 1_020, 4, "100.2", "100.4"),
    ];
    let store = read::binance_lines(&lines.concat(), &BinanceConfig::perpetual());
    assert_eq!((store.quality.late_trades, store.quality.stepped_back), (1, 0));
    let times: Vec<u64> = store.events.iter().map(|event| event.time.0 / 1_000_000).collect();
    assert!(times.is_sorted());
    let is_trade = |event: &Event| event.kind == EventKind::Trade;
    let at = store.events.iter().position(is_trade).expect("a trade");
    assert!(times[at - 1] < 1_010 && times[at + 1] == 1_010);
    // The host hears of it when the recorder did.
    let heard: Vec<Event> =
        (0..).map_while(|at| store.heard_at(at)).map(|at| store.events[at]).collect();
    assert_eq!(heard.len(), store.events.len());
    assert!(heard.iter().map(Event::received).is_sorted());
    assert!(heard.iter().position(is_trade).expect("a trade") > at);

    let (time, side) = (Nanos(1_005_000_000), Side::Sell);
    let ours = Passive { instrument: 0, time, side, price: Price(100_100), qty: Qty(3) };
    let replayed = replay(&store, QueueModel::RiskAverse, &[ours]);
    assert_eq!((replayed.filled, replayed.ahead), (1, 0));
}

#[test]
fn broken_files_are_refused_or_read_to_the_break() {
    let folder = std::env::temp_dir().join(format!("tercel-backtest-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        let mut file = std::fs::File::create(&path).expect("a file");
        file.write_all(bytes).expect("written");
        path
    };
    let refused = [
        ("spot.gz", &b"\x1f\x8b\x08 no gzip"[..]),
        ("spot.txt", b"no lines\nof any stream\n"),
        ("AAPL_message.csv", b"1,2,3\nx\n"),
        ("a.itch50", b"\x00\x05hello\x00\x02xx"),
        ("empty.itch50", b""),
        ("a.dbn", b"DBN"),
        ("b.dbn", b"XXN\x01\x00\x00\x00\x00"),
        ("c.dbn", b"DBN\x01\xff\xff\xff\xff"),
        ("d.dbn.zst", b"\x28\xb5\x2f\xfd garbage"),
        ("nothing.known", b"x"),
    ];
    for (name, bytes) in refused {
        let error = read::read(&write(name, bytes), None).expect_err(name);
        assert!(error.to_string().contains(name), "{error}");
    }
    assert!(read::read(&folder.join("absent.csv"), None).is_err());
    std::fs::remove_dir_all(&folder).expect("it goes");
}

/// A store of orders that has everything odd in it.
fn odd() -> Store {
    let mut builder = Builder::new(Grain::Orders);
    let symbol = Symbol::new("ODD").expect("a symbol");
    let place = builder.instrument(Contract::stock(InstrumentId(1), symbol)).expect("a place");
    let at = |time| When::at(Nanos(time));
    builder.open(at(5), place);
    builder.add(at(10), place, 1, Side::Buy, Price(10_000), 100);
    builder.add(at(11), place, 1, Side::Buy, Price(10_000), 100); // again
    builder.add(at(12), place, 2, Side::Sell, Price(10_200), 0); // nothing
    builder.add(at(13), place, 2, Side::Sell, Price(-1), 5); // no price
    builder.add(at(9), place, 3, Side::Sell, Price(10_200), 50); // earlier
    builder.reduce(at(14), 9, Some(10)); // unknown
    builder.reduce(at(14), 1, Some(500)); // more than there is
    builder.add(at(15), place, 4, Side::Buy, Price(10_300), 10); // crosses
    builder.reduce(at(16), 4, None);
    builder.replace(at(17), 3, 5, Price(0), 10); // the new one cannot be
    builder.finish()
}

#[test]
fn what_does_not_fit_is_counted_and_what_is_left_is_consistent() {
    let store = odd();
    let quality = &store.quality;
    assert_eq!((quality.duplicate_orders, quality.bad_numbers, quality.unknown_orders), (1, 3, 1));
    assert_eq!((quality.over_reductions, quality.stepped_back), (1, 1));
    assert_eq!((quality.step_back_longest, quality.crossed, quality.crossings), (1, 1, 1));
    let mut market = Market::new(&store);
    for event in &store.events {
        market.apply(event);
    }
    assert_eq!(market.best(&store, 0, Side::Buy), None);
    assert_eq!(market.best(&store, 0, Side::Sell), None);
    assert!(run(&store, &fixed(1.0, 100), &Settings::default()).is_ok());
}

#[test]
fn a_piece_begins_with_what_rested_and_ends_as_the_whole() {
    let whole = levels(3, 2_000);
    let (first, last) = whole.span();
    let length = Nanos(last.since(first).0 / 5);
    let cut = pieces(&whole, Nanos(0), length);
    assert!(cut.len() >= 4);
    for (number, piece) in cut.iter().enumerate() {
        let end = Nanos(first.0 + (number as u64 + 1) * length.0);
        let (mut of_whole, mut of_piece) = (Market::new(&whole), Market::new(piece));
        whole.events.iter().take_while(|event| event.time < end).for_each(|event| {
            of_whole.apply(event);
        });
        piece.events.iter().for_each(|event| {
            of_piece.apply(event);
        });
        for side in [Side::Buy, Side::Sell] {
            for level in 0..whole.instruments[0].prices.len() as u32 {
                let qty = |market: &Market| market.levels(0).qty(side, level);
                assert_eq!(qty(&of_whole), qty(&of_piece), "piece {number}, level {level}");
            }
        }
    }
}

#[test]
fn passive_orders_wait_behind_what_was_there() {
    let store = levels(4, 3_000);
    let from = store.events[store.events.len() / 10].time;
    let order = |side, price| Passive { instrument: 0, time: from, side, price, qty: Qty(50) };
    let none = replay(&store, QueueModel::RiskAverse, &[]);
    assert_eq!((none.filled, none.ahead), (0, 0));
    let orders = [order(Side::Buy, Price(1)), order(Side::Sell, Price(10_000_000))];
    let far = replay(&store, QueueModel::RiskAverse, &orders);
    assert_eq!((far.filled, far.touch, far.events), (0, none.touch, store.events.len() as u64));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_a_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0usize..300
    ) {
        let _ = read::dbn_bytes(&bytes, &DbnConfig::default());
        let mut dbn = b"DBN\x01\x00\x00\x00\x00".to_vec();
        dbn.extend(&bytes);
        let _ = read::dbn_bytes(&dbn, &DbnConfig::default());
        let text = String::from_utf8_lossy(&bytes);
        let _ = read::binance_lines(&text, &BinanceConfig::perpetual());
        let pieces = bytes.chunks(1 + cut % 40);
        let store = read::itch_messages(pieces, &ItchConfig::default());
        prop_assert_eq!(store.quality.truncated, 0);
    }
}
