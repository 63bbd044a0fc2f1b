//! `tercel capture check`: what is odd in recordings.

use super::{inputs, open};
use crate::cli::CheckCaptureArgs;
use crate::report::grouped;
use anyhow::Result;
use tercel_capture::check::{FileReport, check_all};
use tercel_net::clock::HostClock;
use tercel_types::Clock;

/// Runs it.
pub(super) fn run(args: &CheckCaptureArgs) -> Result<()> {
    let (paths, bar) = inputs(&args.captures, "checking")?;
    let mut failed = Ok(());
    check_all(
        &paths,
        HostClock::new().now(),
        |path| open(path, &bar),
        |report| bar.suspend(|| failed = show(&report, args.json)),
    )?;
    bar.finish_and_clear();
    failed
}

fn show(report: &FileReport, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(report)?);
        return Ok(());
    }
    let FileReport { frames, messages, .. } = report;
    println!(
        "{}: {} frames, {} messages",
        report.file.display(),
        grouped(*frames),
        grouped(*messages)
    );
    if report.cut_off {
        println!("  the file ends within a frame");
    }
    if !report.damage.is_empty() {
        println!("  {}", report.damage);
    }
    let mut clean = true;
    for finding in report.findings.iter().filter(|finding| finding.count > 0) {
        clean = false;
        println!("  {:<18} {:>12}", finding.rule, grouped(finding.count));
        if let Some(first) = &finding.first {
            let seq = first.seq.map_or_else(String::new, |seq| format!(", message {seq}"));
            let of = if first.of.is_empty() { "" } else { ", " };
            println!(
                "  {:<18} first at {} ns{seq}{of}{}: {}",
                "", first.received_ns, first.of, first.detail
            );
        }
    }
    if clean {
        println!("  nothing odd");
    }
    Ok(())
}
