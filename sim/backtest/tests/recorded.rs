//! Recorded files through every reader, and a strategy over each.

mod support;

use std::io::{BufRead, BufReader};
use support::{data, fixed};
use tercel_backtest::market::Market;
use tercel_backtest::metrics::orders::{Traded, traded};
use tercel_backtest::queue::QueueModel;
use tercel_backtest::read::{self, BinanceConfig, DbnConfig, ItchConfig};
use tercel_backtest::store::{Grain, Store};
use tercel_backtest::{Settings, run};
use tercel_exchange::lobster;
use tercel_types::{Nanos, Side, Symbol};

fn show(name: &str, store: &Store) {
    let odd: Vec<_> = store.quality.each().filter(|(_, count)| *count > 0).collect();
    println!("{name}: {} events, {} prices, {odd:?}", store.events.len(), prices(store));
}

fn prices(store: &Store) -> usize {
    store.instruments.iter().map(|one| one.prices.len()).sum()
}

/// Runs a strategy; the book must balance.
fn trades(name: &str, store: &Store, half_spread: f64, qty: u32) -> Traded {
    let settings = Settings { queue: QueueModel::Power(3.0), ..Settings::default() };
    let ledger = run(store, &fixed(half_spread, qty), &settings).expect("it runs");
    let bought = |side| {
        let of = ledger.fills.iter().filter(|fill| fill.side == side);
        of.map(|fill| i64::from(fill.qty.0)).sum::<i64>()
    };
    let last = ledger.samples.last().expect("a sample");
    assert_eq!(last.position, bought(Side::Buy) - bought(Side::Sell));
    assert!(ledger.fills.is_sorted_by_key(|fill| fill.time));
    // A resting order is compared with the mid that held until the instant of the fill.
    for fill in ledger.fills.iter().filter(|fill| fill.maker && fill.mid_x2 > 0) {
        let before = ledger.mid_x2_at(0, Nanos(fill.time.0 - 1));
        assert_eq!(before, Some(fill.mid_x2), "{fill:?}");
    }
    assert!(ledger.sent.len() >= 4, "{} orders", ledger.sent.len());
    println!(
        "{name}: {} decisions, {} fills, {:?}, {:?}, profit {:.2}",
        ledger.decisions,
        ledger.fills.len(),
        ledger.orders,
        traded(&[&ledger]),
        ledger.contracts[0].dollars(last.profit_x2()) / 2.0,
    );
    traded(&[&ledger])
}

#[test]
fn binance_spot_and_perpetual() {
    let files = [
        ("binance/spot-btcusdt-20240808.gz", BinanceConfig::spot(), 41_249, 200),
        ("binance/usdm-btcusdt-20240808.gz", BinanceConfig::perpetual(), 93_954, 10),
    ];
    for (file, config, lines, qty) in files {
        let Some(path) = data(file) else { continue };
        let store = read::binance(&path, &config).expect("it is read");
        show(file, &store);
        assert_eq!((store.grain, store.quality.read), (Grain::Levels, lines));
        assert_eq!(store.quality.malformed, 0);
        // Levels of more than 42,949 BTC, far from any market.
        assert!(store.quality.bad_numbers <= 3);
        assert_eq!((store.quality.gaps, store.quality.crossed), (0, 0));
        // Its snapshot has thousands of levels that have not changed.
        assert_eq!((store.quality.no_snapshot, store.quality.ignored), (0, 0));
        let (first, last) = store.span();
        assert!((300..400).contains(&(last.since(first).0 / 1_000_000_000)));
        let traded = trades(file, &store, 1.0, qty);
        if config.symbol == BinanceConfig::perpetual().symbol {
            // Its steps are wide, so that quotes at the touch earn what makers earn. Spot's are a
            // hundredth of a dollar, and the mid jumps by hundreds of them at once.
            assert!(traded.spread_bps > Some(0.0), "{traded:?}");
            assert!(store.quality.late_trades > 1_000 && !store.heard.is_empty());
        }
    }
}

#[test]
fn the_lobster_hour_has_the_touch_of_its_oracle() {
    let Some(path) = data("lobster/AAPL_2012-06-21_message_50.csv.gz") else { return };
    let Some(oracle) = data("lobster/AAPL_2012-06-21_orderbook_50.csv.gz") else { return };
    let rows = lobster::read_messages(lobster::open(&path).expect("it opens"));
    let rows: Vec<_> = rows.collect::<Result<_, _>>().expect("rows");
    let mut ends = vec![0; rows.len()];
    let symbol = Symbol::new("AAPL").expect("a symbol");
    let store = read::lobster_rows(symbol, &rows, &mut |row, events| {
        if let Some(row) = row {
            ends[row] = events;
        }
    });
    show("lobster", &store);
    let mut market = Market::new(&store);
    let mut at = 0;
    let (mut equal, mut compared) = (0_u32, 0_u32);
    let oracle = BufReader::new(lobster::open(&oracle).expect("it opens"));
    for (row, line) in oracle.lines().enumerate() {
        while at < ends[row] {
            market.apply(&store.events[at]);
            at += 1;
        }
        if rows[row].time.since(rows[0].time) < Nanos::from_secs(60) {
            continue;
        }
        let line = line.expect("text");
        let told: Vec<u64> =
            line.split(',').map(|it| it.trim().parse().expect("a number")).collect();
        let ours = [Side::Sell, Side::Buy].map(|side| {
            let best = market.best(&store, 0, side);
            best.map_or([0, 0], |(price, qty)| [price.0 as u64, qty])
        });
        compared += 1;
        equal += u32::from(ours.concat() == told[..4]);
    }
    let share = 100.0 * f64::from(equal) / f64::from(compared);
    println!("touch equal on {equal} of {compared} rows, {share:.3} %");
    assert!(share > 99.8, "{share}");
    trades("lobster", &store, 5.0, 100);
}

#[test]
fn an_itch_file_and_a_dbn_file() {
    if let Some(path) = data("nasdaq-itch50/20191230-first-1000-messages.itch50") {
        let store = read::itch(&path, &ItchConfig::default()).expect("it is read");
        show("itch", &store);
        assert_eq!((store.quality.read, store.quality.malformed), (1_000, 0));
        assert_eq!(store.instruments.len(), 993);
    }
    let name = "databento/orderbooks_mbo_2024-05-08T00-00-00_2024-05-08T00-00-02.dbn.zst";
    if let Some(path) = data(name) {
        let store = read::dbn(&path, &DbnConfig::default()).expect("it is read");
        show("dbn", &store);
        assert_eq!((store.quality.read, store.quality.malformed), (13_796, 0));
        assert_eq!(store.quality.truncated + store.quality.gaps, 0);
        trades("dbn", &store, 1.0, 1);
    }
    let name = "databento/futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst";
    if let Some(path) = data(name) {
        let error = read::dbn(&path, &DbnConfig::default()).expect_err("it is by price");
        assert!(error.to_string().contains("no market by order"), "{error}");
    }
}
