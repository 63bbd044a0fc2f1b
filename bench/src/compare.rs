//! Is a run slower than another?
//!
//! For each latency in both runs the change of the median and of the 99th percentile, with a 95 %
//! bootstrap interval. Neighbouring values resemble each other (a frequency, a neighbour on the
//! host, a busy minute of the day), so values are not drawn one by one: a run is cut into up to 200
//! chunks in order, and runs of consecutive chunks are drawn ([`bootstrap`]). A metric is worse if
//! it is slower by more than the threshold and its interval lies above zero.
//!
//! The interval knows what varied within the two runs. It does not know what differs from one start
//! of a program to the next: which pages it got, and where its code lies. Two runs of one binary
//! show how much that is.

mod bootstrap;
mod text;

use crate::html;
use crate::report::{Latency, Metric, Report};
use crate::run::{DISTURBED, NOT_TO_QUOTE, print, write};
use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to compare.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  compare before.json after.json
  compare before.json after.json --threshold 3 --html compare.html
  compare monday.json tuesday.json wednesday.json    each with monday

Exit status: 0; 1 if a metric of a later run is worse than in the first by more than the threshold
and its interval excludes zero; 2 if the runs cannot be compared.")]
pub struct Arguments {
    /// JSON files of two or more runs; each is compared with the first.
    #[arg(required = true, num_args = 2.., value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Smallest change that matters, percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0, value_parser = percent)]
    pub threshold: f64,
    /// Write the runs and their comparison for a browser.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the comparison as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Compare runs of different machines too.
    #[arg(long)]
    pub any_machine: bool,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|percent: &f64| (0.0..=1e6).contains(percent));
    number.ok_or_else(|| "a percentage from 0 is wanted".to_string())
}

/// Later runs against the first.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Comparison {
    /// Percent.
    pub threshold: f64,
    /// The first run.
    pub base: String,
    /// Each of the others against it.
    pub pairs: Vec<Pair>,
}

/// One run against the first.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Pair {
    /// The run.
    pub run: String,
    /// What is different about its machine.
    pub machine: Vec<String>,
    /// What else to know before reading on.
    pub warnings: Vec<String>,
    /// The metrics of both.
    pub changes: Vec<Change>,
}

/// How one metric changed.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Change {
    /// The metric.
    pub name: String,
    /// `p50`, `p99`, or `value`.
    pub of: &'static str,
    /// Its unit.
    pub unit: String,
    /// In the first run.
    pub base: Option<f64>,
    /// In this one.
    pub this: Option<f64>,
    /// Percent; null if it cannot be had.
    pub percent: Option<f64>,
    /// 95 % of it, percent; null without chunks to draw from.
    pub interval: Option<[f64; 2]>,
    /// What it comes to.
    pub verdict: Verdict,
}

/// What a change comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Slower by more than the threshold, and the interval lies above zero.
    Worse,
    /// Faster by more than the threshold, and the interval lies below zero.
    Better,
    /// The change is at most the threshold.
    Same,
    /// The change is beyond the threshold, and the interval has zero in it or there is none.
    Unsure,
    /// One value: which way is better, and how much it varies, is not known.
    Shown,
}

impl Verdict {
    fn of(percent: Option<f64>, interval: Option<[f64; 2]>, threshold: f64) -> Verdict {
        match (percent, interval) {
            (Some(percent), _) if percent.abs() <= threshold => Verdict::Same,
            (Some(percent), Some([low, _])) if percent > 0.0 && low > 0.0 => Verdict::Worse,
            (Some(percent), Some([_, high])) if percent < 0.0 && high < 0.0 => Verdict::Better,
            _ => Verdict::Unsure,
        }
    }
}

impl Comparison {
    /// Each run against the first; each has a name and its report.
    pub fn of(runs: &[(String, Report)], threshold: f64) -> Comparison {
        let (base, others) = runs.split_first().expect("at least one run");
        Comparison {
            threshold,
            base: base.0.clone(),
            pairs: others.iter().map(|run| pair(&base.1, run, threshold)).collect(),
        }
    }

    /// Some metric is worse.
    pub fn is_worse(&self) -> bool {
        let mut changes = self.pairs.iter().flat_map(|pair| &pair.changes);
        changes.any(|change| change.verdict == Verdict::Worse)
    }
}

fn pair(base: &Report, (name, this): &(String, Report), threshold: f64) -> Pair {
    let mut changes = Vec::new();
    for (name, metric) in base.metrics.iter() {
        match (metric, this.metrics.get(name)) {
            (Metric::Latency(a), Some(Metric::Latency(b))) if a.unit == b.unit => {
                changes.extend(latency(name, a, b, threshold));
            }
            (Metric::Value(a), Some(Metric::Value(b))) if a.unit == b.unit => {
                changes.push(Change {
                    name: name.to_string(),
                    of: "value",
                    unit: a.unit.clone(),
                    base: a.value,
                    this: b.value,
                    percent: a.value.zip(b.value).and_then(|(a, b)| change(a, b)),
                    interval: None,
                    verdict: Verdict::Shown,
                });
            }
            _ => {}
        }
    }
    let machine = base.machine.differences(&this.machine);
    Pair { run: name.clone(), machine, warnings: warnings(base, this), changes }
}

fn latency(name: &str, a: &Latency, b: &Latency, threshold: f64) -> [Change; 2] {
    [("p50", a.p50, b.p50, 0), ("p99", a.p99, b.p99, 1)].map(|(of, base, this, column)| {
        let chunks = |of: &Latency| of.chunks.iter().map(|chunk| chunk[column]).collect::<Vec<_>>();
        let percent = change(base, this);
        let interval = bootstrap::interval(&chunks(a), &chunks(b));
        Change {
            name: name.to_string(),
            of,
            unit: a.unit.clone(),
            base: Some(base),
            this: Some(this),
            percent,
            interval,
            verdict: Verdict::of(percent, interval, threshold),
        }
    })
}

/// Percent from `a` to `b`; none from zero.
fn change(a: f64, b: f64) -> Option<f64> {
    Some((b / a - 1.0) * 100.0).filter(|percent| percent.is_finite())
}

/// Notes that make a comparison worth less.
const DOUBTS: [&str; 2] = [NOT_TO_QUOTE, DISTURBED];

/// Options that say where results go and nothing about the run.
const OUTPUTS: [&str; 3] = ["--json", "--html", "--hdr"];

fn warnings(base: &Report, this: &Report) -> Vec<String> {
    let mut found = Vec::new();
    if base.suite != this.suite {
        found.push(format!("the suites differ: {} against {}", base.suite, this.suite));
    }
    let options = |report: &Report| {
        let mut options = Vec::new();
        let mut words = report.arguments.iter();
        while let Some(word) = words.next() {
            match OUTPUTS.iter().find_map(|output| word.strip_prefix(output)) {
                Some("") => _ = words.next(),
                Some(rest) if rest.starts_with('=') => {}
                _ => options.push(word.clone()),
            }
        }
        options.join(" ")
    };
    let (a, b) = (options(base), options(this));
    if a != b {
        found.push(format!("the arguments differ: `{a}` against `{b}`"));
    }
    let cores = |report: &Report| {
        let cores = report.machine.jitter.iter().map(|jitter| jitter.core.to_string());
        cores.collect::<Vec<_>>().join(",")
    };
    let (a, b) = (cores(base), cores(this));
    if a != b && !a.is_empty() && !b.is_empty() {
        found.push(format!("the cores under test differ: {a} against {b}"));
    }
    let missing = |from: &Report, than: &Report, which: &str| {
        let gone = from.metrics.iter().map(|(name, _)| name);
        let gone: Vec<_> = gone.filter(|name| than.metrics.get(name).is_none()).collect();
        (!gone.is_empty()).then(|| format!("only in the {which} run: {}", gone.join(", ")))
    };
    found.extend(missing(base, this, "first"));
    found.extend(missing(this, base, "later"));
    let kinds = base.metrics.iter().filter(|(name, metric)| {
        let other = this.metrics.get(name);
        let alike = |other: &Metric| {
            other.unit() == metric.unit()
                && matches!(other, Metric::Value(_)) == matches!(metric, Metric::Value(_))
        };
        other.is_some_and(|other| !alike(other))
    });
    found.extend(kinds.map(|(name, _)| format!("{name} is not the same kind of metric in both")));
    for (which, report) in [("first", base), ("later", this)] {
        let doubts = report.notes.iter().filter(|note| DOUBTS.iter().any(|of| note.contains(of)));
        found.extend(doubts.map(|note| format!("the {which} run says: {note}")));
    }
    found
}

/// Compares, prints, and says whether something is worse.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    const REFUSED: u8 = 2;
    let mut runs = Vec::new();
    for file in &arguments.files {
        match read(file) {
            Ok(report) => runs.push((file.display().to_string(), report)),
            Err(error) => {
                eprintln!("{error:#}");
                return Ok(ExitCode::from(REFUSED));
            }
        }
    }
    let comparison = Comparison::of(&runs, arguments.threshold);
    for pair in &comparison.pairs {
        if !pair.machine.is_empty() && !arguments.any_machine {
            let differences = pair.machine.join("; ");
            eprintln!("{} ran on another machine: {differences}", pair.run);
            eprintln!("--any-machine compares all the same");
            return Ok(ExitCode::from(REFUSED));
        }
        if pair.changes.is_empty() {
            eprintln!("{} has no metric in common with {}", pair.run, comparison.base);
            return Ok(ExitCode::from(REFUSED));
        }
    }
    print(&text::of(&comparison))?;
    if let Some(file) = &arguments.json {
        write(file, &(serde_json::to_string(&comparison)? + "\n"))?;
    }
    if let Some(file) = &arguments.html {
        let runs: Vec<html::Run<'_>> =
            runs.iter().map(|(label, report)| html::Run { label, report }).collect();
        write(file, &html::page(&runs, Some(&comparison)))?;
    }
    Ok(if comparison.is_worse() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn read(file: &Path) -> anyhow::Result<Report> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Report::from_json(&text).with_context(|| format!("{} is not a report", file.display()))
}

#[cfg(test)]
mod tests;
