//! `tercel facts`: the stylised facts of simulated markets beside those of recorded ones.

mod simulated;

use crate::cli::{FactsArgs, MarketName};
use crate::command::backtest::data;
use crate::report::grouped;
use anyhow::{Context as _, Result, bail};
use clap::ValueEnum as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::fmt::Write as _;
use tercel_backtest::Store;
use tercel_types::Nanos;
use tercel_validation::{Distance, Distribution, Facts, Measure, mean};

/// Widest name of a market.
const COLUMN_MAX: usize = 16;

/// One market.
#[derive(Serialize)]
struct Market {
    name: String,
    simulated: bool,
    facts: Facts,
}

/// Two markets compared.
#[derive(Serialize)]
struct Pair {
    simulated: String,
    recorded: String,
    distances: Vec<Distance>,
}

#[derive(Serialize)]
struct Report {
    interval_ms: u64,
    markets: Vec<Market>,
    pairs: Vec<Pair>,
}

/// Runs it.
pub(crate) fn run(args: &FactsArgs) -> Result<()> {
    let names = if args.market.is_empty() { &[MarketName::Demo][..] } else { &args.market };
    let symbols: Vec<String> = args.symbol.iter().cloned().collect();
    let recordings = data::list(&args.data, args.format, &symbols)?;
    let mut markets = Vec::new();
    for name in names {
        let text = name.to_possible_value().map_or(String::new(), |it| it.get_name().to_string());
        let scenario = simulated::scenario(*name);
        let settle = scenario.settle + Nanos::from_secs(args.skip.into());
        let end = settle + Nanos::from_secs(args.seconds.into());
        let bar = progress(&text, end.0 / 1_000_000_000);
        let at = |now: Nanos| bar.set_position(now.0 / 1_000_000_000);
        let store = simulated::record(&scenario, args.seed, end, &at)?;
        bar.finish_and_clear();
        let facts = measured(args, &store, 0, settle).with_context(|| text.clone())?;
        markets.push(Market { name: text, simulated: true, facts });
    }
    let bar = progress("recordings", recordings.len() as u64);
    for recording in &recordings {
        let (store, _) = data::read(recording)?;
        let place = place(args, &store);
        let from = store.span().0 + Nanos::from_secs(args.skip.into());
        let facts = measured(args, &store, place, from)
            .with_context(|| recording.path.display().to_string())?;
        markets.push(Market { name: recording.name.clone(), simulated: false, facts });
        bar.inc(1);
    }
    bar.finish_and_clear();
    let pairs = pairs(&markets);
    let report = Report { interval_ms: args.interval, markets, pairs };
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", text(&report));
    }
    Ok(())
}

fn measured(args: &FactsArgs, store: &Store, place: u16, from: Nanos) -> Result<Facts> {
    let ticks = tercel_backtest::facts::ticks(store, place, from);
    let interval = args.interval.saturating_mul(1_000_000);
    let measure = Measure { interval, lags: args.lags.into(), ..Measure::default() };
    match Facts::of(&ticks, measure) {
        Ok(facts) => Ok(facts),
        Err(error) => bail!("{error}; a longer market or a shorter --interval has more"),
    }
}

/// The instrument asked for, or the busiest.
fn place(args: &FactsArgs, store: &Store) -> u16 {
    let events = |place: &usize| {
        let one = &store.instruments[*place];
        let asked = args.symbol.as_deref() == Some(one.contract.symbol.as_str());
        (asked, one.events)
    };
    (0..store.instruments.len()).max_by_key(events).unwrap_or(0) as u16 // fewer than 65,535
}

fn pairs(markets: &[Market]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for one in markets.iter().filter(|one| one.simulated) {
        for other in markets.iter().filter(|other| !other.simulated) {
            let distances = one.facts.distances(&other.facts);
            let (simulated, recorded) = (one.name.clone(), other.name.clone());
            pairs.push(Pair { simulated, recorded, distances });
        }
    }
    pairs
}

/// A market a column.
fn text(report: &Report) -> String {
    let number = |value: f64| match value.abs() {
        size if size >= 1e4 => grouped(value.round() as u64),
        size if size >= 100.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    };
    let three = |of: &Distribution, scale: f64| {
        let at = |share: usize| number(of.percentiles[share] * scale);
        format!("{} [{} {}]", at(50), at(10), at(90))
    };
    // At the first lag, and the mean over all.
    let curve = |of: &[f64]| format!("{:+.3} {:+.3}", of.first().unwrap_or(&0.0), mean(of));
    let ends = |of: &[f64]| {
        format!("{:+.3} {:+.3}", of.first().unwrap_or(&0.0), of.last().unwrap_or(&0.0))
    };
    let tail = |facts: &Facts| facts.tail.map_or("n/a".into(), |tail| format!("{tail:.2}"));
    type Row<'a> = (&'a str, Box<dyn Fn(&Facts) -> String + 'a>);
    let rows: Vec<Row<'_>> = vec![
        ("ticks", Box::new(|facts| grouped(facts.ticks as u64))),
        ("trades", Box::new(|facts| grouped(facts.trades as u64))),
        ("spread, 1/100 %, median [10 90 %]", Box::new(|facts| three(&facts.spread, 1.0))),
        ("depth at the touch", Box::new(|facts| three(&facts.depth, 1.0))),
        ("between ticks, ms", Box::new(|facts| three(&facts.gaps, 1e-6))),
        ("  variation (1: exponential)", Box::new(|facts| number(facts.gaps.variation))),
        ("volatility of an interval, 1/100 %", Box::new(|facts| number(facts.volatility))),
        ("kurtosis of returns", Box::new(|facts| number(facts.kurtosis))),
        ("exponent of the tail", Box::new(tail)),
        ("memory of returns, first, mean", Box::new(|facts| curve(&facts.memory))),
        ("clustering of volatility", Box::new(|facts| curve(&facts.clustering))),
        ("memory of signs", Box::new(|facts| curve(&facts.signs))),
        ("impact, 1/100 %, first, last", Box::new(|facts| ends(&facts.impact))),
    ];
    let cells = rows.iter().map(|(name, of)| {
        let markets = report.markets.iter().map(|market| of(&market.facts)).collect();
        (name.to_string(), markets)
    });
    let heads: Vec<String> = report.markets.iter().map(|market| cut(&market.name)).collect();
    let mut out = table(("", &heads), &cells.collect::<Vec<_>>());
    if let Some(first) = report.pairs.first() {
        let heads: Vec<String> = report
            .pairs
            .iter()
            .map(|pair| format!("{} / {}", pair.simulated, cut(&pair.recorded)))
            .collect();
        let mut cells: Vec<(String, Vec<String>)> = Vec::new();
        for distance in &first.distances {
            let of = |pair: &Pair| {
                let found = pair.distances.iter().find(|one| one.fact == distance.fact);
                found.map_or("n/a".into(), |found| format!("{:.2}", found.distance))
            };
            cells.push((distance.fact.into(), report.pairs.iter().map(of).collect()));
        }
        out.push('\n');
        out.push_str(&table(("distance (0: alike)", &heads), &cells));
    }
    out
}

/// A name that fits a column.
fn cut(name: &str) -> String {
    if name.chars().count() <= COLUMN_MAX {
        return name.into();
    }
    name.chars().take(COLUMN_MAX - 1).chain(['…']).collect()
}

fn table((corner, heads): (&str, &[String]), rows: &[(String, Vec<String>)]) -> String {
    let wide = |text: &str| text.chars().count();
    let first = rows.iter().map(|row| wide(&row.0)).max().unwrap_or(0).max(wide(corner));
    let width = |at: usize| {
        let cells = rows.iter().map(|row| wide(&row.1[at]));
        cells.chain([wide(&heads[at])]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut out = String::new();
    let mut line = |name: &str, cells: &[String]| {
        let _ = write!(out, "{name:<first$}");
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(out, "  {cell:>width$}");
        }
        out.push('\n');
    };
    line(corner, heads);
    rows.iter().for_each(|(name, cells)| line(name, cells));
    out
}

/// A bar, hidden where standard error is no terminal.
fn progress(what: &str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}, {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(what.to_string());
    bar
}
