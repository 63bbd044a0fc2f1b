//! What is tried: strategies and artifacts, times the values of every sweep.
//!
//! A trial is the configuration with some keys set. They are set in the configuration's own table,
//! which is then read and checked as if it had come from a file, so that a key, its type and its
//! range are known in one place.

use super::artifact::{Found, is_offset};
use crate::cli::BacktestArgs;
use crate::config::{BacktestValues, Config, DEFAULT, MarketRules};
use anyhow::{Context as _, Result, anyhow, bail};
use std::path::Path;
use tercel_backtest::{Store, Trading};
use tercel_types::Qty;
use toml::{Table, Value};

/// Trials at most: a sweep that is longer is a mistake.
const TRIALS_MAX: usize = 10_000;

/// One strategy with its parameters.
#[derive(Clone)]
pub(super) struct Trial {
    /// Its name, with the keys that make it differ from others.
    pub(super) name: String,
    /// The market's rules.
    pub(super) rules: MarketRules,
    /// The same as they were written.
    pub(super) values: BacktestValues,
    trading: Trading,
    size: Size,
    /// Quotes and positions so many times as large.
    times: f64,
}

/// What `--sensitivity` changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Changed {
    Size,
    Latency,
    Fees,
}

/// How much to quote.
#[derive(Clone, Copy)]
struct Size {
    /// In shares, coins or futures; otherwise the configuration's lots, if it is the user's.
    units: Option<f64>,
    position: Option<f64>,
    configured: bool,
}

/// Keys to set, as paths, and what stands for them in a name.
#[derive(Clone, Default)]
struct Change {
    name: String,
    keys: Vec<(String, Value)>,
}

/// All trials of the arguments, each checked.
pub(super) fn all(args: &BacktestArgs) -> Result<Vec<Trial>> {
    let base = base(args)?;
    let mut changes = strategies(args, &base)?;
    for sweep in &args.sweep {
        changes = swept(sweep, changes, &base)?;
        if changes.len() > TRIALS_MAX {
            bail!("more than {TRIALS_MAX} trials");
        }
    }
    let trials: Vec<Trial> =
        changes.iter().map(|change| trial(args, &base, change)).collect::<Result<_>>()?;
    for (at, trial) in trials.iter().enumerate() {
        if trials[..at].iter().any(|before| before.name == trial.name) {
            bail!("{} is there twice", trial.name);
        }
    }
    Ok(trials)
}

/// The trials with one thing changed, by their places; a factor of one is the trial itself.
pub(super) fn changed(args: &BacktestArgs, trials: &[Trial]) -> Vec<(usize, String, Trial)> {
    let mut all = Vec::new();
    for (at, trial) in trials.iter().enumerate() {
        for what in [Changed::Size, Changed::Latency, Changed::Fees] {
            for factor in args.sensitivity.iter().copied().filter(|factor| *factor != 1.0) {
                let name = format!("{} x {factor}", what.name());
                all.push((at, name, trial.with(what, factor)));
            }
        }
    }
    all
}

/// The configuration as a table, with what the command line says about the market.
fn base(args: &BacktestArgs) -> Result<Table> {
    let flags = flags(args);
    flags.rules().map_err(|(key, problem)| anyhow!("--{}: {problem}", key.replace('_', "-")))?;
    let mut table: Table = match &args.config {
        Some(path) => {
            let config = Config::load(path)?;
            config.policy()?;
            config.risk()?;
            config.instruments()?;
            config.backtest()?;
            config.table().clone()
        }
        None => wide(toml::from_str(DEFAULT)?)?,
    };
    let written = flags.told().into_iter().map(|(key, text)| (key, Value::String(text)));
    for (key, value) in written {
        let value = if key == "seed" { scalar(value.as_str().unwrap_or_default()) } else { value };
        set(&mut table, &format!("backtest.{key}"), value)?;
    }
    Ok(table)
}

fn flags(args: &BacktestArgs) -> BacktestValues {
    BacktestValues {
        queue: args.queue.clone(),
        latency_feed: args.latency_feed.clone(),
        latency_order: args.latency_order.clone(),
        latency_response: args.latency_response.clone(),
        fees: args.fees.clone(),
        sample: args.sample.clone(),
        horizon: args.horizon.clone(),
        timer: args.timer.clone(),
        seed: args.seed,
    }
}

/// Risk's limits of money and size, opened: they are for shares in dollars, and a lot of a coin may
/// be a hundred thousandth of it. Rates and the collar stay.
fn wide(mut table: Table) -> Result<Table> {
    const MOST: i64 = u32::MAX as i64;
    let account = ["gross", "net", "credit", "realised_loss", "unrealised_loss", "drawdown"];
    let instrument = ["order_notional", "gross", "net", "position"];
    for name in account {
        set(&mut table, &format!("risk.account.{name}_max"), MOST.into())?;
    }
    for name in instrument {
        set(&mut table, &format!("risk.instrument.{name}_max"), MOST.into())?;
    }
    set(&mut table, "risk.instrument.located", MOST.into())?;
    set(&mut table, "risk.instrument.order_qty_max", 999_999.into())?;
    Ok(table)
}

/// The strategies named, the artifacts, or the one of the configuration.
fn strategies(args: &BacktestArgs, base: &Table) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for text in &args.strategy {
        let (name, keys) = text.split_once(':').unwrap_or((text, ""));
        let mut change = Change { name: text.replace([':', ','], " "), keys: Vec::new() };
        change.keys.push(("strategy.kind".into(), Value::String(name.into())));
        for one in keys.split(',').filter(|one| !one.is_empty()) {
            let wrong = || format!("--strategy {text}: {one:?} is not KEY=VALUE");
            let (key, value) = one.split_once('=').with_context(wrong)?;
            change.keys.push((full(key, name), scalar(value)));
        }
        changes.push(change);
    }
    for path in &args.artifact {
        let found = Found::at(path)?;
        let mut keys = found.keys();
        keys.retain(|(key, _)| !is_offset(key) || get(base, key).is_none());
        changes.push(Change { name: found.name, keys });
    }
    if changes.is_empty() {
        let kind = get(base, "strategy.kind").and_then(Value::as_str).unwrap_or_default();
        changes.push(Change { name: kind.into(), keys: Vec::new() });
    }
    Ok(changes)
}

/// Every change with every value of a sweep. A strategy that has no such key stays as it is, if
/// another has it.
fn swept(sweep: &str, changes: Vec<Change>, base: &Table) -> Result<Vec<Change>> {
    let (key, values) = sweep
        .split_once('=')
        .filter(|(key, values)| !key.is_empty() && !values.is_empty())
        .with_context(|| format!("--sweep {sweep}: KEY=A,B,... is wanted"))?;
    let between = if values.contains('|') { '|' } else { ',' };
    let mut out = Vec::new();
    let mut used = false;
    for change in changes {
        let set = |path: &str| change.keys.iter().rev().find(|(key, _)| key == path);
        let kind = set("strategy.kind").map(|(_, kind)| kind).or(get(base, "strategy.kind"));
        let path = full(key, kind.and_then(Value::as_str).unwrap_or_default());
        let own = path.starts_with("strategy.") && !key.contains('.');
        if own && get(base, &path).is_none() && set(&path).is_none() {
            out.push(change);
            continue;
        }
        used = true;
        for value in values.split(between) {
            let mut one = change.clone();
            one.name = format!("{} {key}={value}", one.name);
            one.keys.push((path.clone(), scalar(value.trim())));
            out.push(one);
        }
    }
    if !used {
        bail!("--sweep {sweep}: no strategy here has a key {key:?}");
    }
    Ok(out)
}

/// The path of a key: as written with dots, the market's, how much to quote, or the strategy's.
fn full(key: &str, kind: &str) -> String {
    match key {
        _ if key.contains('.') => key.into(),
        "queue" | "fees" | "sample" | "horizon" | "timer" | "seed" => format!("backtest.{key}"),
        _ if key.starts_with("latency_") => format!("backtest.{key}"),
        "size" | "position" => key.into(),
        _ => format!("strategy.{kind}.{key}"),
    }
}

/// A number, true or false, else a text.
fn scalar(text: &str) -> Value {
    let text = text.trim();
    text.parse()
        .map(Value::Integer)
        .ok()
        .or_else(|| text.parse().ok().filter(|value: &f64| value.is_finite()).map(Value::Float))
        .or_else(|| text.parse().ok().map(Value::Boolean))
        .unwrap_or_else(|| Value::String(text.into()))
}

fn get<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let value = table.get(first)?;
    if rest.is_empty() { Some(value) } else { get(value.as_table()?, rest) }
}

fn set(table: &mut Table, path: &str, value: Value) -> Result<()> {
    match path.split_once('.') {
        None => {
            table.insert(path.into(), value);
            Ok(())
        }
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
            let inner = inner.as_table_mut().with_context(|| format!("{first} has no {rest}"))?;
            set(inner, rest, value)
        }
    }
}

fn trial(args: &BacktestArgs, base: &Table, change: &Change) -> Result<Trial> {
    let mut table = base.clone();
    let mut size =
        Size { units: args.size, position: args.position, configured: args.config.is_some() };
    for (path, value) in &change.keys {
        if path == "size" || path == "position" {
            let number = value.as_float().or(value.as_integer().map(|whole| whole as f64));
            let number = number.filter(|number| *number > 0.0);
            let number = number.with_context(|| format!("{path} {value} is not above zero"))?;
            *(if path == "size" { &mut size.units } else { &mut size.position }) = Some(number);
        } else {
            size.configured |= path.starts_with("quote.");
            set(&mut table, path, value.clone())?;
        }
    }
    // Limits of instruments that are listed are theirs; a recording has others.
    let any = Table::from_iter([("symbol".to_string(), Value::String("ANY".into()))]);
    table.insert("instrument".into(), Value::Array(vec![Value::Table(any)]));
    let file = format!("<{}>", change.name);
    let config = Config::parse(Path::new(&file), &toml::to_string(&table)?)?;
    let policy = config.policy()?;
    let limits = config.instruments()?.first().map(|one| one.limits).unwrap_or_default();
    let values = config.backtest()?.clone();
    let rules = values.rules().map_err(|(key, problem)| anyhow!("{file}: {key}: {problem}"))?;
    let trading = Trading {
        strategy: policy.strategy,
        quote: policy.quote,
        risk: config.risk()?,
        limits,
        orders_max: config.book().orders_max,
    };
    let name = change.name.clone();
    Ok(Trial { name, rules, values, trading, size, times: 1.0 })
}

impl Changed {
    fn name(self) -> &'static str {
        match self {
            Changed::Size => "size",
            Changed::Latency => "latency",
            Changed::Fees => "fees",
        }
    }
}

impl Trial {
    /// The same with one thing so many times as large.
    fn with(&self, what: Changed, factor: f64) -> Trial {
        let mut trial = self.clone();
        let settings = &mut trial.rules.settings;
        match what {
            Changed::Size => trial.times *= factor,
            Changed::Latency => settings.latencies = settings.latencies.times(factor),
            Changed::Fees => settings.fees = settings.fees.times(factor),
        }
        trial
    }

    /// What trades on this recording, sizes in its lots.
    pub(super) fn trading(&self, store: &Store) -> Result<Trading> {
        let mut trading = self.trading.clone();
        let lots = store.instruments.iter().map(|one| one.contract.lots).max().unwrap_or(1);
        let in_lots = |units: f64| {
            let whole = (units * f64::from(lots)).round();
            let fits = (1.0..=999_999.0).contains(&whole);
            let problem =
                || format!("{units} is {whole} lots of 1/{lots}: 1 to 999999 are allowed");
            fits.then_some(whole as u32).with_context(problem)
        };
        let mut order = match self.size.units {
            Some(units) => in_lots(units)?,
            None if self.size.configured => trading.quote.order_qty.0,
            // A hundred shares, a hundredth of a coin, one future.
            None if lots == 1 => 100,
            None => (lots / 100).max(1),
        };
        if self.size.units.is_some() || !self.size.configured {
            trading.quote.position_max = 10 * i64::from(order);
        }
        if let Some(units) = self.size.position {
            trading.quote.position_max = in_lots(units)?.into();
        }
        if self.times != 1.0 {
            let (most, times) = (trading.quote.position_max, self.times);
            order = in_lots(f64::from(order) * times / f64::from(lots))?;
            trading.quote.position_max = ((most as f64 * times).round() as i64).max(1);
        }
        trading.quote.order_qty = Qty(order);
        trading.risk.instruments_max =
            trading.risk.instruments_max.max(store.instruments.len() as u32);
        trading.orders_max = trading.orders_max.min(store.events.len() + 1_024);
        Ok(trading)
    }
}
