//! Backtests: recordings replayed without a strategy, and with one.
//!
//! - `replay`, `replay-own`: a pass over a store in memory, without and with two resting orders of
//!   ours. Wall time, the median of the passes; making the empty books of the instruments is in it,
//!   which counts where there are thousands of them and few events of each.
//! - `_rate`: its inverse. `_cpu_rate`: the same by the time that the thread had a core, over all
//!   passes together, which is the one to read on a machine that does other things.
//! - `read`: wall time from the file to the store, once.
//! - `fixed-spread`, `mlp`: a whole backtest, wall time, once.
//!
//! `generated-one` is one instrument, whose levels stay in the first cache; `generated-day` is the
//! market of 8,000, where nearly every event finds its level cold.

use super::prepare::on_core;
use crate::day::MarketDay;
use crate::rig::{Quoting, risk_limits};
use crate::{Context, Report};
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tercel_backtest::event::EventKind;
use tercel_backtest::queue::QueueModel;
use tercel_backtest::read::{self, ItchConfig};
use tercel_backtest::{Passive, Settings, Store, Trading, replay, run as backtest};
use tercel_policy::QuoteRules;
use tercel_types::{Price, Qty, Side};

/// Recorded files, with the name of their metrics and a quote's size in lots.
const RECORDED: &[(&str, &str, u32)] = &[
    ("binance-spot", "binance/spot-btcusdt-20240808.gz", 200),
    ("binance-perpetual", "binance/usdm-btcusdt-20240808.gz", 10),
    ("lobster-hour", "lobster/AAPL_2012-06-21_message_50.csv.gz", 100),
];

/// Events of the generated day that are replayed, at most.
const DAY_EVENTS: usize = 4_000_000;

/// Passes are repeated for so long at least, for the scheduler accounts in milliseconds.
const LEAST_S: f64 = 0.3;

/// Measures and reports.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    on_core(context, || {
        for (name, file, qty) in RECORDED {
            let Some(path) = data(file) else {
                report.note(format!("backtest: {name} skipped, no {file}"));
                continue;
            };
            context.progress.start("reading", 0);
            let begin = Instant::now();
            let store = read::read(&path, None)?;
            let seconds = begin.elapsed().as_secs_f64();
            report.value(&format!("backtest/{name}/read"), "s", seconds);
            measure(context, report, name, &store, *qty)?;
        }
        let day = MarketDay::of(context)?;
        let busiest = day.by_activity.first().map(|one| one.symbol);
        let config = ItchConfig { symbols: busiest.into_iter().collect() };
        let frames = &day.frames;
        let store = read::itch_messages(frames.messages_in(0..frames.len()), &config);
        measure(context, report, "generated-one", &store, 100)?;
        let whole = frames.messages_in(0..frames.len()).take(DAY_EVENTS);
        let store = read::itch_messages(whole, &ItchConfig::default());
        replays(context, report, "generated-day", &store);
        context.progress.done();
        Ok(())
    })
}

fn data(file: &str) -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let path = std::env::var_os("TERCEL_DATA").map_or(data, Into::into).join(file);
    path.exists().then_some(path)
}

/// Two orders of ours that rest behind the touch from a tenth of the recording on.
fn passive(store: &Store) -> Vec<Passive> {
    let from = store.events.len() / 10;
    let told = |side| {
        let of = |event: &&tercel_backtest::event::Event| {
            let level = matches!(event.kind, EventKind::Add | EventKind::Level);
            level && event.qty > 0 && event.instrument == 0 && event.side() == side
        };
        store.events[from..].iter().find(of).map(|event| (event.time, event.price()))
    };
    let order = |side: Side| {
        let (time, price) = told(side)?;
        let price = Price(price.0 - side.sign() * price.0 / 20);
        Some(Passive { instrument: 0, time, side, price, qty: Qty(100) })
    };
    let mut both: Vec<Passive> = [Side::Buy, Side::Sell].into_iter().filter_map(order).collect();
    both.sort_by_key(|order| order.time);
    both
}

/// Nanoseconds that this thread has had a core, as the scheduler has accounted them; `None` where
/// the kernel does not say.
fn on_cpu() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}

/// The whole recording several times, without and with orders of ours in it; the median.
fn replays(context: &Context, report: &mut Report, name: &str, store: &Store) {
    context.progress.start("replaying", 0);
    let rounds = if context.quick { 3 } else { 21 };
    for (what, orders) in [("replay", Vec::new()), ("replay-own", passive(store))] {
        let (start, mut seconds) = (on_cpu(), Vec::new());
        while seconds.len() < rounds || seconds.iter().sum::<f64>() < LEAST_S {
            let begin = Instant::now();
            std::hint::black_box(replay(store, QueueModel::Power(3.0), &orders));
            seconds.push(begin.elapsed().as_secs_f64());
        }
        let (end, events) = (on_cpu(), store.events.len() as f64);
        if let Some(spent) = start.zip(end).map(|(start, end)| end - start)
            && spent > 0.0
        {
            let rate = events * seconds.len() as f64 / (spent / 1e9);
            report.value(&format!("backtest/{name}/{what}_cpu_rate"), "events/s", rate);
        }
        seconds.sort_by(f64::total_cmp);
        let median = seconds[seconds.len() / 2];
        report.value(&format!("backtest/{name}/{what}"), "ns/event", median * 1e9 / events);
        report.value(&format!("backtest/{name}/{what}_rate"), "events/s", events / median);
    }
}

fn measure(
    context: &Context,
    report: &mut Report,
    name: &str,
    store: &Store,
    qty: u32,
) -> Result<()> {
    replays(context, report, name, store);
    context.progress.start("running a strategy", 0);
    let (risk, mut limits) = risk_limits(8, 1_024);
    // Lots of a coin are smaller and prices of it higher than those of shares.
    limits.order_qty_max = Qty(999_999);
    limits.order_notional_max = risk.account.gross_max;
    limits.collar_abs = None;
    for quoting in [Quoting::FixedSpread, Quoting::Mlp] {
        let trading = Trading {
            strategy: quoting.strategy(context.seed)?,
            quote: QuoteRules {
                order_qty: Qty(qty),
                position_max: i64::from(qty) * 10,
                ..QuoteRules::default()
            },
            risk,
            limits,
            orders_max: 1 << 16,
        };
        let begin = Instant::now();
        let ledger = backtest(store, &trading, &Settings::default()).context("a backtest")?;
        let ns = begin.elapsed().as_nanos() as f64;
        let prefix = format!("backtest/{name}/{}", quoting.name());
        report.value(&prefix, "ns/event", ns / ledger.events.max(1) as f64);
        report.value(&format!("{prefix}/decision"), "ns", ns / ledger.decisions.max(1) as f64);
    }
    let odd = store.quality.each().filter(|(_, count)| *count > 0);
    let odd: Vec<String> = odd.map(|(what, count)| format!("{what} {count}")).collect();
    report.note(format!("backtest: {name}, {} events: {}", store.events.len(), odd.join(", ")));
    Ok(())
}
