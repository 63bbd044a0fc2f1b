//! `tercel backtest`: strategies of the host on recorded markets, measured and compared.

mod artifact;
pub(crate) mod data;
mod outputs;
mod schedule;
mod trials;

use crate::cli::BacktestArgs;
use anyhow::Result;
use data::Recording;
use indicatif::{ProgressBar, ProgressStyle};
use outputs::Outputs;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;
use tercel_backtest::metrics::{Measured, Settings, measure};
use tercel_backtest::report::plots::Plots;
use tercel_backtest::report::{ALL, Report, Run, selection};
use trials::Trial;

/// Some of several files could not be read.
const SOME_UNREAD: u8 = 3;

/// Runs it.
pub(crate) fn run(args: &BacktestArgs) -> Result<ExitCode> {
    // What cannot be is told before anything is read.
    let mut trials = trials::all(args)?;
    let own = trials.len();
    let changed = trials::changed(args, &trials);
    let (changes, more): (Vec<_>, Vec<_>) =
        changed.into_iter().map(|(of, name, trial)| ((of, name), trial)).unzip();
    trials.extend(more);
    let outputs = Outputs::check(args)?;
    let recordings = data::list(&args.data, args.format, &args.symbol)?;
    let runs = recordings.len() * trials.len();
    let bar = progress(runs as u64);
    let start = Instant::now();
    let threads = args.threads.map_or_else(cores, usize::from);
    let done = schedule::run(&recordings, &trials, threads, &bar);
    bar.finish_and_clear();
    let (files, failed) = split(done);
    for error in &failed {
        eprintln!("tercel: {error:#}");
    }
    if files.is_empty() {
        let error = failed.into_iter().next();
        return Err(error.unwrap_or_else(|| anyhow::anyhow!("there is nothing to run")));
    }
    let events: u64 = files.iter().flat_map(|file| &file.ledgers).map(|one| one.events).sum();
    let mut report = report(args, &trials[..own], &files, &failed)?;
    if !args.sensitivity.is_empty() {
        report.sensitivity = sensitivity(&trials[..own], &changes, &files)?;
    }
    outputs.write(&report, &trials[..own], &files)?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", tercel_backtest::report::table::text(&report));
        let events = crate::report::grouped(events);
        eprintln!("{runs} runs, {events} events, {:.1} s", start.elapsed().as_secs_f64());
    }
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(SOME_UNREAD) })
}

/// A file with what each trial has left behind on it, in the trials' order.
struct File {
    recording: Recording,
    facts: data::Facts,
    ledgers: Vec<tercel_backtest::ledger::Ledger>,
}

fn split(done: Vec<Result<File>>) -> (Vec<File>, Vec<anyhow::Error>) {
    let (mut files, mut failed) = (Vec::new(), Vec::new());
    for one in done {
        match one {
            Ok(file) => files.push(file),
            Err(error) => failed.push(error),
        }
    }
    (files, failed)
}

fn report(
    args: &BacktestArgs,
    trials: &[Trial],
    files: &[File],
    failed: &[anyhow::Error],
) -> Result<Report> {
    let mut report = Report { settings: settings(args, trials), ..Report::default() };
    let mut totals = Vec::new();
    for (at, trial) in trials.iter().enumerate() {
        let ledgers: Vec<_> = files.iter().map(|file| &file.ledgers[at]).collect();
        let mut groups: Vec<(&str, &[_])> = files
            .iter()
            .zip(ledgers.chunks(1))
            .map(|(file, ledger)| (file.recording.name.as_str(), ledger))
            .collect();
        if files.len() > 1 {
            groups.push((ALL, &ledgers));
        }
        for (data, ledgers) in groups {
            // A year of several files is that of the first; markets of both kinds in one sum have
            // no year in common.
            let settings = Settings { year_s: files[0].facts.year_s, horizon: trial.rules.horizon };
            let settings = match files.iter().find(|file| file.recording.name == data) {
                Some(file) => Settings { year_s: file.facts.year_s, ..settings },
                None => settings,
            };
            let measured = measure(ledgers, &settings)?;
            let plots = args.html.is_some().then(|| Plots::of(ledgers, &measured));
            let (strategy, data) = (trial.name.clone(), data.to_string());
            report.runs.push(Run { strategy, data, metrics: measured.metrics.clone(), plots });
            if files.len() == 1 || ledgers.len() > 1 {
                totals.push(measured);
            }
        }
    }
    compare(&mut report, trials, &totals);
    report.notes = failed.iter().map(|error| format!("left out: {error:#}")).collect();
    report.notes.extend(files.iter().filter_map(|file| file.facts.note(&file.recording.name)));
    Ok(report)
}

/// The trials as they are and changed, each over all files.
fn sensitivity(trials: &[Trial], changes: &[(usize, String)], files: &[File]) -> Result<Vec<Run>> {
    let run = |of: usize, at: usize, data: &str| -> Result<Run> {
        let trial = &trials[of];
        let ledgers: Vec<_> = files.iter().map(|file| &file.ledgers[at]).collect();
        let settings = Settings { year_s: files[0].facts.year_s, horizon: trial.rules.horizon };
        let metrics = measure(&ledgers, &settings)?.metrics;
        Ok(Run { strategy: trial.name.clone(), data: data.into(), metrics, plots: None })
    };
    let mut all = Vec::new();
    for of in 0..trials.len() {
        all.push(run(of, of, "as it is")?);
        for (at, (_, name)) in changes.iter().enumerate().filter(|(_, (one, _))| *one == of) {
            all.push(run(of, trials.len() + at, name)?);
        }
    }
    Ok(all)
}

/// What is left of each figure when all trials are counted.
fn compare(report: &mut Report, trials: &[Trial], totals: &[Measured]) {
    let names: Vec<&str> = trials.iter().map(|trial| trial.name.as_str()).collect();
    let increments: Vec<&[f64]> = totals.iter().map(|total| total.increments.as_slice()).collect();
    let deflated = selection::deflated(&increments);
    let several = report.runs.iter().any(|run| run.data == ALL);
    for run in report.runs.iter_mut().filter(|run| !several || run.data == ALL) {
        let at = names.iter().position(|name| *name == run.strategy);
        run.metrics.deflated_sharpe = at.and_then(|at| deflated[at]);
    }
    report.selection = selection::selection(&names, &increments);
}

/// How the runs were made, for the reader of the report.
fn settings(args: &BacktestArgs, trials: &[Trial]) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    let mut add = |name: &str, text: String| {
        settings.insert(name.to_string(), text);
    };
    let config = args.config.as_ref().map(|path| path.display().to_string());
    add("configuration", config.unwrap_or_else(|| "built in".into()));
    add("version", env!("CARGO_PKG_VERSION").into());
    if let Some(first) = trials.first() {
        for (name, text) in first.values.effective() {
            add(name, text);
        }
    }
    settings
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A bar over the runs, hidden where standard error is no terminal.
fn progress(runs: u64) -> ProgressBar {
    let bar = ProgressBar::new(runs);
    let template = "{bar:30} {pos}/{len} runs, {elapsed}, {eta} left  {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
