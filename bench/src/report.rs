//! The results of a run, as they stand in its JSON file.
//!
//! Latencies are in nanoseconds. A number that could not be had is null, never made up.

mod metrics;
mod revision;

pub use metrics::Metrics;
pub use revision::Revision;

use crate::Samples;
use crate::machine::Machine;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

/// The results of a run: the suites that ran, on which machine, and what they found.
///
/// Names are `<suite>/<what>`. `tick-to-trade/<way>/stage/<stage>` are stages, in the order in
/// which they are reported, and `tick-to-trade/<way>/frame_to_order` is their whole.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The suite, or the suites with a comma, or `all`.
    pub suite: String,
    /// The commit of the working tree, or `unknown`.
    pub commit: String,
    /// The working tree has changes that are in no commit.
    pub dirty: Option<bool>,
    /// When it started, seconds since the Unix epoch.
    pub started: f64,
    /// How long it took, seconds; null in a run that did not end.
    pub seconds: Option<f64>,
    /// The command line behind the program's name.
    pub arguments: Vec<String>,
    /// What it ran on.
    pub machine: Machine,
    /// What was measured, in order.
    pub metrics: Metrics,
    /// What was hoped for.
    pub targets: Vec<Target>,
    /// Values over time.
    pub series: Vec<Series>,
    /// What a reader has to know.
    pub notes: Vec<String>,
    /// The whole distributions, for histogram logs; not in the JSON.
    #[serde(skip)]
    pub histograms: Vec<Distribution>,
}

/// A metric.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Metric {
    /// Many values of one thing.
    Latency(Latency),
    /// One value.
    Value(Value),
}

/// Many values of one thing, nanoseconds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Latency {
    /// `ns`.
    pub unit: String,
    /// How many values.
    pub n: u64,
    /// The median.
    pub p50: f64,
    /// 90 %.
    pub p90: f64,
    /// 99 %.
    pub p99: f64,
    /// 99.9 %.
    pub p999: f64,
    /// 99.99 %.
    pub p9999: f64,
    /// The largest.
    pub max: f64,
    /// The mean: of stages one after the other, only means add up.
    pub mean: f64,
    /// `[quantile, value]`, evenly spread over log 1 / (1 - quantile), the last at quantile 1.
    pub distribution: Vec<[f64; 2]>,
    /// `[p50, p99]` of consecutive parts of the run, for the interval of `compare`.
    pub chunks: Vec<[f64; 2]>,
}

/// One value.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Value {
    /// Its unit.
    pub unit: String,
    /// The value, or null if it could not be had.
    pub value: Option<f64>,
}

/// What was hoped for, and whether it came.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Target {
    /// The metric that it is about.
    pub name: String,
    /// In words.
    pub text: String,
    /// At most this.
    pub bound: f64,
    /// What was measured; null if it could not be.
    pub actual: Option<f64>,
    /// `actual` is there and at most `bound`.
    pub met: bool,
}

/// Values over time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Series {
    /// Its name; those that differ only behind the last `/` are drawn above each other.
    pub name: String,
    /// Unit of the values.
    pub unit: String,
    /// Seconds and value.
    pub points: Vec<[f64; 2]>,
}

/// A metric's values in picoseconds.
#[derive(Clone, PartialEq, Debug)]
pub struct Distribution {
    /// The metric.
    pub name: String,
    /// Seconds since the run started when it was reported.
    pub at: f64,
    /// Its values, picoseconds.
    pub histogram: Histogram<u64>,
}

/// Steps of the distribution in each factor of ten of 1 / (1 - quantile).
const STEPS_PER_DECADE: u32 = 20;

impl Report {
    /// Nothing measured yet.
    pub fn new(suite: &str, machine: Machine) -> Report {
        let revision = Revision::here();
        Report {
            suite: suite.to_string(),
            commit: revision.commit,
            dirty: revision.dirty,
            started: now(),
            seconds: None,
            arguments: Vec::new(),
            machine,
            metrics: Metrics::default(),
            targets: Vec::new(),
            series: Vec::new(),
            notes: Vec::new(),
            histograms: Vec::new(),
        }
    }

    /// Many values of one thing. Without a value, a note says so and there is no metric.
    pub fn latency(&mut self, name: &str, samples: &Samples) {
        if samples.is_empty() {
            self.note(format!("{name}: nothing was measured"));
            return;
        }
        let q = |q: f64| samples.quantile(q);
        let latency = Latency {
            unit: "ns".to_string(),
            n: samples.len(),
            p50: q(0.5),
            p90: q(0.9),
            p99: q(0.99),
            p999: q(0.999),
            p9999: q(0.9999),
            max: samples.max(),
            mean: short(samples.mean()),
            distribution: distribution(samples),
            chunks: samples.chunks().iter().map(|of| [of.p50, of.p99].map(short)).collect(),
        };
        self.metrics.set(name, Metric::Latency(latency));
        let histogram = samples.histogram().clone();
        let (name, at) = (name.to_string(), (now() - self.started).max(0.0));
        self.histograms.retain(|distribution| distribution.name != name);
        self.histograms.push(Distribution { name, at, histogram });
    }

    /// One value. What is not a finite number is null.
    pub fn value(&mut self, name: &str, unit: &str, value: f64) {
        let value = Some(value).filter(|value| value.is_finite());
        self.metrics.set(name, Metric::Value(Value { unit: unit.to_string(), value }));
    }

    /// The median of metric `of` divided by that of metric `to`, in `x`; null without both.
    pub fn ratio(&mut self, name: &str, of: &str, to: &str) {
        let middle = |name: &str| self.metrics.get(name).and_then(Metric::middle);
        let ratio = middle(of).zip(middle(to)).map_or(f64::NAN, |(of, to)| of / to);
        self.value(name, "x", ratio);
    }

    /// A target of metric `name`: `actual` is at most `bound`. `text` says both in words.
    pub fn target(&mut self, name: &str, text: &str, bound: f64, actual: f64) {
        let actual = Some(actual).filter(|actual| actual.is_finite());
        let met = actual.is_some_and(|actual| actual <= bound);
        let (name, text) = (name.to_string(), text.to_string());
        self.targets.push(Target { name, text, bound, actual, met });
    }

    /// Values over time, each `[seconds, value]`. Series whose names differ only behind the last
    /// `/` are drawn above each other: those in ns as latency, the others as what drives it.
    pub fn series(&mut self, name: &str, unit: &str, points: Vec<[f64; 2]>) {
        let (name, unit) = (name.to_string(), unit.to_string());
        let points = points.into_iter().filter(|point| point.iter().all(|v| v.is_finite()));
        self.series.push(Series { name, unit, points: points.collect() });
    }

    /// What a reader has to know.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// The run has ended.
    pub fn finish(&mut self) {
        self.seconds = Some(((now() - self.started).max(0.0) * 1e3).round() / 1e3);
    }

    /// The JSON file.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string(self).expect("plain data");
        text.push('\n');
        text
    }

    /// Reads a JSON file.
    pub fn from_json(text: &str) -> Result<Report, serde_json::Error> {
        serde_json::from_str(text)
    }
}

impl Metric {
    /// The median, or the value.
    pub fn middle(&self) -> Option<f64> {
        match self {
            Metric::Latency(latency) => Some(latency.p50),
            Metric::Value(value) => value.value,
        }
    }

    /// Its unit.
    pub fn unit(&self) -> &str {
        match self {
            Metric::Latency(latency) => &latency.unit,
            Metric::Value(value) => &value.unit,
        }
    }
}

fn distribution(samples: &Samples) -> Vec<[f64; 2]> {
    let ends = (0..).map(|step| 10_f64.powf(f64::from(step) / f64::from(STEPS_PER_DECADE)));
    let mut points: Vec<[f64; 2]> = ends
        .take_while(|end| *end <= samples.len() as f64)
        .map(|end| 1.0 - 1.0 / end)
        .map(|q| [(q * 1e9).round() / 1e9, samples.quantile(q)])
        .collect();
    points.push([1.0, samples.max()]);
    points
}

/// To the picosecond: what is beyond it was never measured, and makes the file longer.
fn short(ns: f64) -> f64 {
    (ns * 1e3).round() / 1e3
}

/// Seconds since the Unix epoch to the microsecond; zero before it.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_micros() as f64 / 1e6)
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::sample;
