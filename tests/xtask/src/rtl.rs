//! The card's RTL: lint, suites in two simulators, proofs, area and frequency.

mod formal;
mod lint;
mod simulation;
mod synthesis;
mod tools;

use crate::report::{Counts, Report, Suite};
use anyhow::{Result, ensure};
use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

/// Runs everything, the long parts in full where asked.
pub(crate) fn run(root: &Path, full: bool) -> Result<()> {
    let mut report = Report::default();
    all(root, full, &mut report)?;
    ensure!(report.finish() == ExitCode::SUCCESS, "the RTL has failed");
    Ok(())
}

/// The share of it that is part of the test run.
pub(crate) fn suite(root: &Path, report: &mut Report) -> Result<()> {
    all(root, false, report)
}

fn all(root: &Path, full: bool, report: &mut Report) -> Result<()> {
    let name = "tools for the RTL";
    report.begin(name);
    let tools = match tools::get(root) {
        Ok(tools) => tools,
        Err(error) => {
            report.cannot_run(name, &format!("{error:#}"));
            return Ok(());
        }
    };
    lint::run(root, &tools, report)?;
    simulation::run(root, &tools, full, report)?;
    let name = "proofs of the RTL";
    report.begin(name);
    let proofs = formal::run(root, &tools.bin, full);
    add(report, name, proofs, formal::Summary::good);
    let name = "area and frequency of the RTL";
    report.begin(name);
    let mapped = synthesis::run(root, &tools.bin, full);
    add(report, name, mapped, synthesis::Summary::good);
    Ok(())
}

/// Adds a summary as one test whose notes are its lines; an error is a test that has failed.
fn add<S: Display>(report: &mut Report, name: &str, summary: Result<S>, good: fn(&S) -> bool) {
    let (good, text) = match &summary {
        Ok(summary) => (good(summary), summary.to_string()),
        Err(error) => (false, format!("{error:#}")),
    };
    println!("{text}");
    let counts = Counts { passed: good.into(), failed: (!good).into(), skipped: 0 };
    let notes = text.lines().map(str::to_string).collect();
    report.add(Suite { name: name.to_string(), counts, notes });
}
