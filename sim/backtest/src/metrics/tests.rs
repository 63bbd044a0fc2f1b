//! Every figure against the plainest way to compute it, over random runs.

use super::*;
use crate::ledger::{Contract, Fill, Mid, Sample};
use crate::metrics::queue::Quantiles;
use proptest::prelude::*;
use tercel_types::{InstrumentId, Price, Qty, Side, Symbol, UserRef};

const INSTRUMENTS: u16 = 2;
/// Milliseconds of a run.
const LENGTH: u64 = 12_000;

#[derive(Clone, Debug)]
struct Trade {
    ms: u64,
    instrument: u16,
    buys: bool,
    price: i64,
    lots: u32,
    fee: i64,
    maker: bool,
    ahead: u64,
    waited: u64,
}

prop_compose! {
    fn trade()(
        ms in 0..LENGTH,
        instrument in 0..INSTRUMENTS,
        buys in any::<bool>(),
        price in 99_000_i64..101_000,
        lots in 1_u32..900,
        fee in -5_000_i64..9_000,
        (maker, ahead, waited) in (any::<bool>(), 0_u64..9_000, 0_u64..5_000),
    ) -> Trade {
        Trade { ms, instrument, buys, price, lots, fee, maker, ahead, waited }
    }
}

/// Mids that change at whole milliseconds, from the first on.
fn mids() -> impl Strategy<Value = Vec<(u64, i64)>> {
    prop::collection::vec((1..LENGTH, 198_000_i64..202_000), 0..30).prop_map(|mut mids| {
        mids.push((0, 200_000));
        mids.sort_unstable();
        mids.dedup_by_key(|mid| mid.0);
        mids
    })
}

fn mid_at(mids: &[(u64, i64)], ms: u64) -> i64 {
    mids.iter().rev().find(|mid| mid.0 <= ms).expect("the first is at zero").1
}

fn ledger(trades: &[Trade], mids: &[Vec<(u64, i64)>], lots: u32) -> Ledger {
    let contract = |at| Contract {
        lots,
        ..Contract::stock(InstrumentId(at), Symbol::new(["AA", "BB"][usize::from(at)]).unwrap())
    };
    let mut ledger = Ledger::new((0..INSTRUMENTS).map(contract).collect());
    ledger.span = (Nanos(0), Nanos::from_millis(LENGTH));
    for (place, mids) in mids.iter().enumerate() {
        let mid = |&(ms, mid_x2)| Mid { time: Nanos::from_millis(ms), mid_x2 };
        ledger.mids[place] = mids.iter().map(mid).collect();
    }
    let mut trades = trades.to_vec();
    trades.sort_by_key(|trade| trade.ms);
    for trade in &trades {
        let place = usize::from(trade.instrument);
        ledger.fills.push(Fill {
            instrument: InstrumentId(trade.instrument),
            time: Nanos::from_millis(trade.ms),
            side: if trade.buys { Side::Buy } else { Side::Sell },
            price: Price(trade.price),
            qty: Qty(trade.lots),
            fee: trade.fee,
            mid_x2: mid_at(&mids[place], trade.ms),
            touch: Price(trade.price),
            maker: trade.maker,
            queue_ahead: trade.ahead,
            entered: Nanos::from_millis(trade.ms.saturating_sub(trade.waited)),
            user_ref: UserRef(1),
        });
    }
    for second in (1_000..=LENGTH).step_by(1_000) {
        for at in 0..INSTRUMENTS {
            let fills = ledger
                .fills
                .iter()
                .filter(|fill| fill.instrument.0 == at && fill.time <= Nanos::from_millis(second));
            let signed = |fill: &Fill| fill.side.sign() * i64::from(fill.qty.0);
            ledger.samples.push(Sample {
                instrument: InstrumentId(at),
                time: Nanos::from_millis(second),
                mid_x2: mid_at(&mids[usize::from(at)], second),
                bid: Price(0),
                ask: Price(0),
                position: fills.clone().map(signed).sum(),
                cash: fills.clone().map(|f| -i128::from(f.side.sign()) * f.notional()).sum(),
                fees: fills.map(|fill| fill.fee).sum(),
            });
        }
    }
    ledger
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-8 * (1.0 + a.abs().max(b.abs()))
}

const SETTINGS: Settings =
    Settings { year_s: returns::EQUITY_YEAR_S, horizon: attribution::HORIZON };

proptest! {
    #[test]
    fn figures_are_what_they_say(
        trades in prop::collection::vec(trade(), 0..40),
        mids in prop::collection::vec(mids(), usize::from(INSTRUMENTS)),
        lots in prop::sample::select(vec![1_u32, 1_000]),
    ) {
        let ledger = ledger(&trades, &mids, lots);
        let measured = measure(&[&ledger], &SETTINGS).unwrap();
        let metrics = &measured.metrics;
        let units = |trade: &Trade| f64::from(trade.lots) / f64::from(lots);
        let sign = |trade: &Trade| if trade.buys { 1.0 } else { -1.0 };
        let dollars = |trade: &Trade| trade.price as f64 / 1e4 * units(trade);
        let mid = |trade: &Trade, ms| {
            mid_at(&mids[usize::from(trade.instrument)], ms) as f64 / 2e4
        };
        let price = |trade: &Trade| trade.price as f64 / 1e4;

        // Profit at the last mid.
        let profit = |trade: &Trade, ms| {
            sign(trade) * (mid(trade, ms) - price(trade)) * units(trade) - trade.fee as f64 / 1e6
        };
        let net: f64 = trades.iter().map(|trade| profit(trade, LENGTH)).sum();
        prop_assert!(close(metrics.net_dollars, net), "{} {net}", metrics.net_dollars);
        let volume: f64 = trades.iter().map(dollars).sum();
        prop_assert!(close(metrics.traded.dollars, volume));
        prop_assert_eq!(metrics.net_bps.is_some(), !trades.is_empty());
        let spread: f64 = trades
            .iter()
            .map(|trade| sign(trade) * (mid(trade, trade.ms) - price(trade)) * units(trade))
            .sum();
        prop_assert!(close(metrics.traded.spread_dollars, spread));

        // The equity curve, second by second.
        let curve = &measured.curves[0];
        prop_assert_eq!(curve.points.len() as u64, LENGTH / 1_000);
        for (at, point) in curve.points.iter().enumerate() {
            let ms = 1_000 * (at as u64 + 1);
            let until = trades.iter().filter(|trade| trade.ms <= ms);
            let equity: f64 = until.clone().map(|trade| profit(trade, ms)).sum();
            prop_assert!(close(point.equity, equity), "{} {equity}", point.equity);
            let value: f64 = until.map(|trade| sign(trade) * units(trade) * mid(trade, ms)).sum();
            prop_assert!(close(point.net, value));
            prop_assert!(point.gross >= point.net.abs() - 1e-6);
        }
        prop_assert!(close(measured.increments.iter().sum(), net));

        // Markouts.
        for markout in &metrics.markouts {
            let later: Vec<&Trade> =
                trades.iter().filter(|trade| trade.ms + markout.horizon_ms <= LENGTH).collect();
            let moved: f64 = later
                .iter()
                .map(|trade| {
                    let after = mid(trade, trade.ms + markout.horizon_ms);
                    sign(trade) * (after - price(trade)) * units(trade)
                })
                .sum();
            prop_assert_eq!(markout.fills, later.len() as u64);
            prop_assert!(close(markout.dollars, moved), "{} {moved}", markout.dollars);
            prop_assert_eq!(markout.bps.is_some(), !later.is_empty());
            prop_assert_eq!(markout.error_bps.is_some(), later.len() > 1);
        }

        // Inventory, a millisecond at a time.
        for (at, inventory) in metrics.inventory.iter().enumerate() {
            let held = |ms| -> i64 {
                let of = trades.iter().filter(|trade| {
                    usize::from(trade.instrument) == at && trade.ms <= ms
                });
                of.map(|trade| if trade.buys { 1 } else { -1 } * i64::from(trade.lots)).sum()
            };
            let every: Vec<i64> = (0..LENGTH).map(held).collect();
            let mean = |of: fn(i64) -> f64| {
                every.iter().map(|held| of(*held)).sum::<f64>() / LENGTH as f64
            };
            let scale = f64::from(lots);
            prop_assert!(close(inventory.mean, mean(|held| held as f64) / scale));
            prop_assert!(close(inventory.mean_size, mean(|held| held.abs() as f64) / scale));
            prop_assert!(close(inventory.flat, mean(|held| f64::from(u8::from(held == 0)))));
            prop_assert!(close(inventory.end, held(LENGTH) as f64 / scale));
            let (long, short) = (every.iter().max().unwrap(), every.iter().min().unwrap());
            prop_assert!(inventory.long_max >= *long as f64 / scale);
            prop_assert!(inventory.short_max <= *short as f64 / scale);
        }

        // The queue.
        let made: Vec<&Trade> = trades.iter().filter(|trade| trade.maker).collect();
        prop_assert_eq!(metrics.orders.maker_fills, made.len() as u64);
        prop_assert_eq!(metrics.queue.wait_ms.is_some(), !made.is_empty());
        if let Some(wait) = metrics.queue.wait_ms {
            let waited: Vec<u64> = made.iter().map(|trade| trade.waited.min(trade.ms)).collect();
            prop_assert_eq!(wait.max, waited.iter().copied().max().unwrap() as f64);
            let below = |value: f64| waited.iter().filter(|one| **one as f64 <= value).count();
            for (share, found) in [(0.5, wait.p50), (0.9, wait.p90), (0.99, wait.p99)] {
                prop_assert!(below(found) as f64 >= share * waited.len() as f64 - 1e-9);
                prop_assert!((below(found - 0.5) as f64) < share * waited.len() as f64);
            }
        }

        // Nothing is NaN or infinite; serde_json would write it as null.
        let json = serde_json::to_string(metrics).unwrap();
        prop_assert!(metrics.sharpe.is_none_or(f64::is_finite) && !json.contains("NaN"));
        let cents = metrics.attribution_cents;
        prop_assert_eq!(cents.named().iter().map(|part| part.1).sum::<i64>(), cents.net);
    }

    /// Two days together are what they are one after the other.
    #[test]
    fn days_add_up(
        days in prop::collection::vec(prop::collection::vec(trade(), 0..20), 2..4),
        mids in prop::collection::vec(mids(), usize::from(INSTRUMENTS)),
    ) {
        let days: Vec<Ledger> = days.iter().map(|trades| ledger(trades, &mids, 1)).collect();
        let all: Vec<&Ledger> = days.iter().collect();
        let whole = measure(&all, &SETTINGS).unwrap();
        let parts: Vec<Measured> =
            all.iter().map(|day| measure(&[day], &SETTINGS).unwrap()).collect();
        let sum = |of: fn(&Metrics) -> f64| parts.iter().map(|part| of(&part.metrics)).sum::<f64>();
        prop_assert!(close(whole.metrics.net_dollars, sum(|one| one.net_dollars)));
        prop_assert!(close(whole.metrics.seconds, sum(|one| one.seconds)));
        prop_assert!(close(whole.metrics.traded.dollars, sum(|one| one.traded.dollars)));
        prop_assert!(close(whole.metrics.interval_s, 1.0));
        let increments: Vec<f64> = parts.iter().flat_map(|part| part.increments.clone()).collect();
        prop_assert_eq!(&whole.increments, &increments);
        // No day's drawdown is worse than that of all.
        for part in &parts {
            prop_assert!(part.metrics.drawdown.dollars <= whole.metrics.drawdown.dollars + 1e-9);
        }
    }
}

#[test]
fn quantiles_by_hand() {
    let found = Quantiles::of(vec![4.0, 1.0, 3.0, 2.0]).unwrap();
    assert_eq!((found.p50, found.p90, found.p99, found.max), (2.0, 4.0, 4.0, 4.0));
    assert_eq!(found.mean, 2.5);
    assert_eq!(Quantiles::of(Vec::new()), None);
}
