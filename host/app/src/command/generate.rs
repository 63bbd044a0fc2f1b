//! `tercel generate`: a made-up day of a whole venue as an ITCH file.

use crate::cli::GenerateArgs;
use crate::report::grouped;
use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tercel_market::{DayConfig, Summary, write_itch};

/// Runs it.
pub(crate) fn run(args: &GenerateArgs) -> Result<()> {
    let config = DayConfig {
        seed: args.seed,
        instruments: args.instruments,
        messages: args.messages,
        resting_max: u32::try_from(args.resting).context("--resting: too many orders")?,
    };
    let start = Instant::now();
    let summary = write(&args.output, &config)?;
    let seconds = start.elapsed().as_secs_f64();
    if args.json {
        println!("{}", as_json(&config, &summary, seconds));
    } else {
        show(&args.output, &summary, seconds);
        if config.resting_peak() < config.resting_max {
            let (peak, asked) = (config.resting_peak(), config.resting_max);
            println!(
                "\nat most {} orders rest, not {}: a day has 3 of them in 40 messages at most",
                grouped(peak.into()),
                grouped(asked.into())
            );
        }
    }
    Ok(())
}

/// Writes under another name first, so that no half of a day is ever taken for a day.
fn write(output: &Path, config: &DayConfig) -> Result<Summary> {
    let name = output.file_name().with_context(|| format!("{} is no file", output.display()))?;
    if output.is_dir() {
        bail!("{} is a folder", output.display());
    }
    let mut unfinished = name.to_os_string();
    unfinished.push(format!(".{}.part", std::process::id()));
    let unfinished: PathBuf = output.with_file_name(unfinished);
    let written = write_to(&unfinished, config).and_then(|summary| {
        let renamed = fs::rename(&unfinished, output);
        renamed.with_context(|| format!("cannot write {}", output.display()))?;
        Ok(summary)
    });
    if written.is_err() {
        // What went wrong is told; that this fails too would add nothing.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

fn write_to(path: &Path, config: &DayConfig) -> Result<Summary> {
    // Before a file is made: what cannot be is told without leaving anything behind.
    tercel_market::Day::new(config)?;
    let name = path.display();
    let mut file = File::create(path).with_context(|| format!("cannot write {name}"))?;
    let bar = progress(config.messages);
    let summary = write_itch(config, &mut file, |messages| bar.set_position(messages))
        .with_context(|| format!("writing {name}"))?;
    bar.finish_and_clear();
    Ok(summary)
}

/// A bar over the messages, hidden where standard error is no terminal.
fn progress(messages: u64) -> ProgressBar {
    let bar = ProgressBar::new(messages);
    let template = "{msg} {bar:30} {human_pos}/{human_len}, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message("generating");
    bar
}

fn as_json(config: &DayConfig, summary: &Summary, seconds: f64) -> Value {
    let by_type: Map<String, Value> =
        summary.by_kind.iter().map(|(kind, n)| (kind.to_string(), (*n).into())).collect();
    json!({
        "seed": config.seed,
        "instruments": config.instruments,
        "messages": summary.messages,
        "bytes": summary.bytes,
        "by_type": by_type,
        "resting_max": summary.resting_max,
        "resting_at_end": summary.resting_at_end,
        "busiest_second": summary.busiest_second,
        "seconds": seconds,
    })
}

fn show(output: &Path, summary: &Summary, seconds: f64) {
    let total = summary.messages as f64;
    println!("{}: {} messages", output.display(), grouped(summary.messages));
    let mut rows: Vec<_> = summary.by_kind.iter().collect();
    rows.sort_by_key(|(kind, n)| (std::cmp::Reverse(**n), **kind));
    for (kind, n) in rows {
        println!("  {kind} {:>14} {:>7.3} %", grouped(*n), 100.0 * *n as f64 / total);
    }
    println!("{:>16} orders resting at most", grouped(summary.resting_max));
    println!("{:>16} messages in the busiest second", grouped(summary.busiest_second));
    println!("{:>16} bytes", grouped(summary.bytes));
    println!("{seconds:>14.1} s  time, {:.2} million messages/s", total / seconds / 1e6);
}
