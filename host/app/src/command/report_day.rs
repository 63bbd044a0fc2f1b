//! `tercel report day`: the day of a journal for people, a browser and programs.

use super::journal::check_folder;
use crate::cli::{DayArgs, ReportArgs, ReportCommand};
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use tercel_report::day::gather;
use tercel_report::page::{page, text};

/// Runs it.
pub(crate) fn run(args: &ReportArgs) -> Result<ExitCode> {
    let ReportCommand::Day(args) = &args.command;
    day(args)
}

fn day(args: &DayArgs) -> Result<ExitCode> {
    check_folder(&args.folder)?;
    let cannot = |path: &Path| format!("cannot write {}", path.display());
    let mut events = match &args.events {
        Some(path) => Some(BufWriter::new(File::create(path).with_context(|| cannot(path))?)),
        None => None,
    };
    let mut failed: Result<()> = Ok(());
    let report = gather(&args.folder, args.date, |event| {
        if let (Some(out), Ok(())) = (&mut events, &failed) {
            failed = serde_json::to_writer(&mut *out, event)
                .map_err(Into::into)
                .and_then(|()| Ok(out.write_all(b"\n")?));
        }
    })?;
    if let (Some(path), Some(mut out)) = (&args.events, events) {
        failed.and_then(|()| Ok(out.flush()?)).with_context(|| cannot(path))?;
    }
    if let Some(path) = &args.out {
        std::fs::write(path, page(&report)).with_context(|| cannot(path))?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", text(&report));
    }
    // The report is there all the same; who runs it by night sees that there is something to do.
    let is_good = report.journal.damage.is_none() && report.reconciliation.is_reconciled();
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
