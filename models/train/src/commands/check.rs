//! `tercel-train check`.

use super::threads;
use crate::progress::Progress;
use anyhow::{Result, ensure};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tch::Device;
use tercel_train::check::{self, Judgement, ROWS, Row, Verdict};
use tercel_train::fleet::Order;

/// Trains every algorithm where the best policy is known, and says whether it comes near enough.
///
/// Each row is a configuration in models/configs. Scores are computed exactly, not sampled; of the
/// seeds the inter-quartile mean counts, with a bootstrap interval. The exit status is zero if
/// no row misses its goal and one at least reaches it: with a time limit, rows may be left without
/// a seed to judge by, which is said. `cargo x train-check` is this with libtorch fetched.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Rows to run, by name; all if none is named.
    #[arg(value_parser = ROWS.iter().map(|row| row.name).collect::<Vec<_>>())]
    rows: Vec<String>,
    /// Seeds of each row.
    #[arg(long, default_value_t = 10)]
    seeds: u64,
    /// Seconds after which no run begins; those under way end with their chapter and do not count.
    #[arg(long, value_name = "SECONDS")]
    time_limit: Option<u64>,
    /// Runs at a time [default: one a core].
    #[arg(long)]
    jobs: Option<usize>,
    /// Folder of the configurations.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs"))]
    configs: PathBuf,
    /// Prints the result as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    ensure!(arguments.seeds > 0, "--seeds must be at least 1");
    let wanted = |row: &&Row| {
        arguments.rows.is_empty() || arguments.rows.iter().any(|name| name == row.name)
    };
    let rows: Vec<Row> = ROWS.iter().filter(wanted).copied().collect();
    let from = Instant::now();
    let until = arguments.time_limit.map(|seconds| from + Duration::from_secs(seconds));
    let order = Order { threads: threads(arguments.jobs)?, device: Device::Cpu, until };
    let verdicts = check::run(&arguments.configs, &rows, arguments.seeds, order, &|jobs| {
        Box::new(Progress::new(jobs))
    })?;
    let any = |judgement| verdicts.iter().any(|verdict| verdict.judgement == judgement);
    let passed = any(Judgement::Passed) && !any(Judgement::Failed);
    if arguments.json {
        let seconds = from.elapsed().as_secs_f64();
        println!("{}", json!({ "passed": passed, "seconds": seconds, "rows": verdicts }));
    } else {
        println!(
            "row        measure           goal     reached  95 % interval        seeds  s/seed"
        );
        verdicts.iter().for_each(print);
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(verdict: &Verdict) {
    let Verdict { name, measure, goal, reached, seeds, seconds, judgement, notes } = verdict;
    let (value, low, high) = match reached {
        Some(reached) => (reached.value, reached.low, reached.high),
        None => (f64::NAN, f64::NAN, f64::NAN),
    };
    println!(
        "{name:<10} {measure:<14} {goal:>7.4}  {value:>10.5}  {low:>9.5} {high:>9.5}  {:>6}  \
         {seconds:>6.1}  {}",
        seeds.len(),
        match judgement {
            Judgement::Passed => "passed",
            Judgement::Failed => "FAILED",
            Judgement::Unjudged => "not judged",
        }
    );
    notes.iter().for_each(|note| println!("           {note}"));
}
