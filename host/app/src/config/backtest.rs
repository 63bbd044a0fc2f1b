//! The section [backtest]: how the market of `tercel backtest` behaves.
//!
//! Latencies, fees and queue models are short texts, the same in the file and on the command line.
//! They are taken apart here; what the numbers mean is in `tercel-backtest`.

use super::Built;
use super::Config;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::Path;
use tercel_backtest::fees::{Fees, Rate, Tier};
use tercel_backtest::latency::{Latencies, Latency};
use tercel_backtest::queue::QueueModel;
use tercel_backtest::settings::Settings;
use tercel_types::Nanos;

/// The section; each key may be given on the command line instead.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BacktestValues {
    /// Place in the queue where data has no single orders: `"risk-averse"`, `"power:2"`,
    /// `"logarithm"`.
    #[schemars(extend("default" = "risk-averse"))]
    pub(crate) queue: Option<String>,
    /// Latency of the feed: `"recorded"`, `"250us"`, `"exponential:1ms,2ms"`,
    /// `"lognormal:1ms,0.5"`.
    #[schemars(extend("default" = "recorded"))]
    pub(crate) latency_feed: Option<String>,
    /// Latency of orders; also `"table:FILE"`.
    #[schemars(extend("default" = "100us"))]
    pub(crate) latency_order: Option<String>,
    /// Latency of the venue's answers.
    #[schemars(extend("default" = "100us"))]
    pub(crate) latency_response: Option<String>,
    /// Fees: an amount for a share, `"-0.002"`, or of the money, `"1.5bps"`.
    #[schemars(extend("default" = "maker=0,taker=0"))]
    pub(crate) fees: Option<String>,
    /// Interval of the equity curve.
    #[schemars(extend("default" = "1s"))]
    pub(crate) sample: Option<String>,
    /// Time after a fill in which a move counts as adverse selection.
    #[schemars(extend("default" = "1s"))]
    pub(crate) horizon: Option<String>,
    /// How often one more instrument is looked at between events.
    #[schemars(extend("default" = "1ms"))]
    pub(crate) timer: Option<String>,
    /// Seed of random latencies.
    #[schemars(extend("default" = 1))]
    pub(crate) seed: Option<u64>,
}

/// What a run is told besides the strategy.
#[derive(Clone, Debug)]
pub(crate) struct MarketRules {
    /// For the run.
    pub(crate) settings: Settings,
    /// For the attribution.
    pub(crate) horizon: Nanos,
}

impl BacktestValues {
    /// What is set here, else what the other says.
    pub(crate) fn or(self, other: &BacktestValues) -> BacktestValues {
        let pick = |one: Option<String>, two: &Option<String>| one.or_else(|| two.clone());
        BacktestValues {
            queue: pick(self.queue, &other.queue),
            latency_feed: pick(self.latency_feed, &other.latency_feed),
            latency_order: pick(self.latency_order, &other.latency_order),
            latency_response: pick(self.latency_response, &other.latency_response),
            fees: pick(self.fees, &other.fees),
            sample: pick(self.sample, &other.sample),
            horizon: pick(self.horizon, &other.horizon),
            timer: pick(self.timer, &other.timer),
            seed: self.seed.or(other.seed),
        }
    }

    /// What holds where nothing is said.
    fn standard() -> BacktestValues {
        let text = |text: &str| Some(text.to_string());
        BacktestValues {
            queue: text("risk-averse"),
            latency_feed: text("recorded"),
            latency_order: text("100us"),
            latency_response: text("100us"),
            fees: text("maker=0,taker=0"),
            sample: text("1s"),
            horizon: text("1s"),
            timer: text("1ms"),
            seed: Some(1),
        }
    }

    /// Every key with its value; those that are left to their default as well.
    pub(crate) fn effective(&self) -> Vec<(&'static str, String)> {
        self.clone().or(&BacktestValues::standard()).told()
    }

    /// The keys that are set, with their values.
    pub(crate) fn told(&self) -> Vec<(&'static str, String)> {
        let seed = self.seed.map(|seed| seed.to_string());
        let all = [
            ("queue", &self.queue),
            ("latency_feed", &self.latency_feed),
            ("latency_order", &self.latency_order),
            ("latency_response", &self.latency_response),
            ("fees", &self.fees),
            ("sample", &self.sample),
            ("horizon", &self.horizon),
            ("timer", &self.timer),
            ("seed", &seed),
        ];
        all.into_iter().filter_map(|(key, text)| Some((key, text.clone()?))).collect()
    }

    /// Checks each value; an error comes with the key.
    pub(crate) fn rules(&self) -> Result<MarketRules, (&'static str, String)> {
        let values = self.clone().or(&BacktestValues::standard());
        // The standard has every key.
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let latency = |key, value| latency(&text(value)).map_err(|problem| (key, problem));
        let time = |key, value| duration(&text(value)).map_err(|problem| (key, problem));
        let settings = Settings {
            latencies: Latencies {
                feed: latency("latency_feed", &values.latency_feed)?,
                entry: latency("latency_order", &values.latency_order)?,
                response: latency("latency_response", &values.latency_response)?,
            },
            fees: fees(&text(&values.fees)).map_err(|problem| ("fees", problem))?,
            queue: queue(&text(&values.queue)).map_err(|problem| ("queue", problem))?,
            seed: values.seed.unwrap_or_default(),
            sample: time("sample", &values.sample)?,
            timer: time("timer", &values.timer)?,
        };
        if settings.sample < Nanos::from_millis(1) {
            return Err(("sample", "allowed is 1ms or more".into()));
        }
        let horizon = time("horizon", &values.horizon)?;
        Ok(MarketRules { settings, horizon })
    }
}

impl Config {
    /// Checks the section [backtest].
    pub(crate) fn backtest(&self) -> Built<&BacktestValues> {
        let values = &self.values.backtest;
        let checked = values.rules();
        checked.map_err(|(key, problem)| self.wrong(&format!("backtest.{key}"), problem))?;
        Ok(values)
    }
}

/// `0`, `250us`, `1.5ms`, `2s`, `800ns`.
pub(crate) fn duration(text: &str) -> Result<Nanos, String> {
    let wrong = || format!("{text:?} is no time: allowed is a number with ns, us, ms or s, or 0");
    let at = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let scale = match unit.trim() {
        "ns" => 1.0,
        "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "" if number.trim() == "0" => 1.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let nanos = (number * scale).round();
    // A day; beyond it a nanosecond is no longer what was meant.
    if !(0.0..=86_400e9).contains(&nanos) {
        return Err(format!("{text:?} is not between 0 and a day"));
    }
    Ok(Nanos(nanos as u64))
}

fn latency(text: &str) -> Result<Latency, String> {
    let (name, rest) = text.split_once(':').unwrap_or((text, ""));
    let pair = || {
        rest.split_once(',').ok_or_else(|| format!("{name} takes two values, as in {name}:1ms,2ms"))
    };
    match name {
        "recorded" if rest.is_empty() => Ok(Latency::Recorded),
        "exponential" => {
            let (least, tail) = pair()?;
            Ok(Latency::Exponential { least: duration(least)?, tail: duration(tail)? })
        }
        "lognormal" => {
            let (median, sigma) = pair()?;
            let sigma = sigma.trim().parse().ok().filter(|sigma| (0.0..=4.0).contains(sigma));
            let sigma = sigma.ok_or("the sigma of lognormal is a number from 0 to 4")?;
            Ok(Latency::LogNormal { median: duration(median)?, sigma })
        }
        "table" => table(Path::new(rest)),
        _ if rest.is_empty() => Ok(Latency::Constant(duration(text)?)),
        _ => Err(format!(
            "{text:?}: allowed are recorded, a time, exponential:LEAST,TAIL, \
             lognormal:MEDIAN,SIGMA and table:FILE"
        )),
    }
}

/// Lines of exchange time and latency, both in ns; empty ones and those that begin with # do not
/// count.
fn table(path: &Path) -> Result<Latency, String> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let mut rows: Vec<(Nanos, Nanos)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let row = line.split_once(',').and_then(|(time, latency)| {
            Some((Nanos(time.trim().parse().ok()?), Nanos(latency.trim().parse().ok()?)))
        });
        let row = row.ok_or_else(|| format!("{name}:{}: two whole numbers are wanted", at + 1))?;
        if rows.last().is_some_and(|last| last.0 > row.0) {
            return Err(format!("{name}:{}: times have to rise", at + 1));
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(format!("{name}: no rows"));
    }
    Ok(Latency::Table(rows.into()))
}

fn queue(text: &str) -> Result<QueueModel, String> {
    match text.split_once(':') {
        None if text == "risk-averse" => Ok(QueueModel::RiskAverse),
        None if text == "logarithm" => Ok(QueueModel::Logarithm),
        Some(("power", n)) => {
            let n = n.trim().parse().ok().filter(|n| (0.0..=16.0).contains(n));
            n.map(QueueModel::Power).ok_or_else(|| "power takes a number from 0 to 16".into())
        }
        _ => Err(format!("{text:?}: allowed are risk-averse, power:N and logarithm")),
    }
}

/// Tiers with `;` between them, each `from=LOTS,maker=RATE,taker=RATE`.
fn fees(text: &str) -> Result<Fees, String> {
    let mut tiers = Vec::new();
    for part in text.split(';') {
        let mut tier = Tier { from_lots: 0, maker: Rate::default(), taker: Rate::default() };
        for one in part.split(',') {
            let (name, value) = one.split_once('=').unwrap_or((one, ""));
            match name.trim() {
                "maker" => tier.maker = rate(value)?,
                "taker" => tier.taker = rate(value)?,
                "from" => {
                    let lots = value.trim().parse();
                    tier.from_lots = lots.map_err(|_| format!("from={value}: a number of lots"))?;
                }
                _ => return Err(format!("{one:?}: allowed are maker=, taker= and from=")),
            }
        }
        tiers.push(tier);
    }
    Fees::tiers(tiers).map_err(|error| error.to_string())
}

/// `1.5bps` of the money, or `-0.002` for each share or coin. Both end at 1/1,000,000.
fn rate(text: &str) -> Result<Rate, String> {
    let wrong = || format!("{text:?} is no fee: allowed is -0.002 (a share) or 1.5bps");
    let (number, is_bps) = match text.trim().strip_suffix("bps") {
        Some(number) => (number, true),
        None => (text.trim(), false),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let millionths = number * if is_bps { 100.0 } else { 1e6 };
    if !(-1e12..=1e12).contains(&millionths) || (millionths - millionths.round()).abs() > 1e-6 {
        return Err(format!("{text:?} is not a whole number of millionths"));
    }
    let millionths = millionths.round() as i64;
    Ok(if is_bps { Rate { each: 0, ppm: millionths } } else { Rate { each: millionths, ppm: 0 } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_latencies() {
        for (text, ns) in
            [("0", 0), ("250us", 250_000), ("1.5ms", 1_500_000), ("2s", 2_000_000_000)]
        {
            assert_eq!(duration(text), Ok(Nanos(ns)), "{text}");
        }
        for wrong in ["", "5", "-1ms", "1h", "nan s", "99999999s", "ms", "1e99s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert_eq!(latency("recorded"), Ok(Latency::Recorded));
        let tail = Latency::Exponential { least: Nanos(1_000), tail: Nanos(2_000_000) };
        assert_eq!(latency("exponential:1us,2ms"), Ok(tail));
        for wrong in ["", "soon", "lognormal:1ms,9", "lognormal:1ms", "recorded:1ms", "table:/none"]
        {
            assert!(latency(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn fees_have_units_and_tiers() {
        let cent = Rate { each: 10_000, ppm: 0 };
        let bps = Rate { each: 0, ppm: -50 };
        let tier = |from_lots| Tier { from_lots, maker: bps, taker: cent };
        assert_eq!(
            fees("maker=-0.5bps,taker=0.01"),
            Fees::tiers(vec![tier(0)]).map_err(|_| "".into())
        );
        let two = fees("maker=-0.5bps,taker=0.01;from=7,maker=-0.5bps,taker=0.01");
        assert_eq!(two.unwrap(), Fees::tiers(vec![tier(0), tier(7)]).unwrap());
        let wrong =
            ["", "maker", "maker=x", "maker=0.0000001", "giver=1", "from=2,maker=1", "maker=nan"];
        for wrong in wrong {
            assert!(fees(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_standard_is_that_of_the_backtester() {
        let rules = BacktestValues::default().rules().unwrap();
        assert_eq!(rules.settings, Settings::default());
        assert_eq!(rules.horizon, tercel_backtest::attribution::HORIZON);
    }

    #[test]
    fn queue_models() {
        assert_eq!(queue("power:2"), Ok(QueueModel::Power(2.0)));
        for wrong in ["", "power", "power:-1", "power:nan", "best"] {
            assert!(queue(wrong).is_err(), "{wrong}");
        }
    }
}
