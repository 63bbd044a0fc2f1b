//! `tercel journal`: whether a journal is whole, what is in it, and the same as files.

use crate::cli::{ExportArgs, JournalArgs, JournalCommand, JournalShowArgs, VerifyArgs};
use crate::signals::Signals;
use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tercel_journal::{Reader, Record};
use tercel_report::check::check;
use tercel_report::line::{Lines, Wanted};
use tercel_report::schema;
use tercel_report::tables::Tables;

/// How long to wait at the end of a journal before looking again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Runs it.
pub(crate) fn run(
    args: &JournalArgs,
    signals: impl FnOnce() -> Result<Signals>,
) -> Result<ExitCode> {
    match &args.command {
        JournalCommand::Verify(args) => return verify(args),
        JournalCommand::Show(args) => show(args, &signals()?)?,
        JournalCommand::Export(args) => export(args)?,
        JournalCommand::Schema => print!("{}", schema::page()),
    }
    Ok(ExitCode::SUCCESS)
}

/// A folder that is not there is no empty journal.
pub(super) fn check_folder(folder: &Path) -> Result<()> {
    if !folder.is_dir() {
        bail!("{} is no folder: name the folder of a journal", folder.display());
    }
    Ok(())
}

fn verify(args: &VerifyArgs) -> Result<ExitCode> {
    check_folder(&args.folder)?;
    let bar = std::io::stderr().is_terminal().then(|| {
        let bar = ProgressBar::new(0);
        let template = "verifying {bar:30} {bytes} of {total_bytes}  {bytes_per_sec} (left {eta})";
        // The template is a constant: one that does not parse shows as the default.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
        }
        bar
    });
    let checked = check(&args.folder, args.head, |done, all| {
        if let Some(bar) = &bar {
            bar.set_length(all);
            bar.set_position(done);
        }
    })?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&checked)?);
    } else {
        print!("{checked}");
    }
    Ok(if checked.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(args: &JournalShowArgs, signals: &Signals) -> Result<()> {
    check_folder(&args.folder)?;
    let mut lines = Lines::new(Wanted {
        from: args.from,
        kinds: args.kind.clone(),
        symbol: args.symbol.clone(),
        order: args.order,
    });
    let mut reader = Reader::open(&args.folder)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    loop {
        for record in reader.by_ref() {
            let record = record?;
            let line = match args.json {
                true => lines.json(&record).map(|line| serde_json::Value::from(line).to_string()),
                false => lines.text(&record),
            };
            if let Some(line) = line
                && !written(writeln!(out, "{line}"))?
            {
                return Ok(());
            }
            if signals.count() > 0 {
                break;
            }
        }
        if !written(out.flush())? {
            return Ok(());
        }
        if !args.follow || signals.count() > 0 {
            break;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    drop(out);
    if lines.unreadable > 0 {
        eprintln!("{} records could not be read", lines.unreadable);
    }
    Ok(())
}

/// Whether somebody still reads.
pub(super) fn written(result: std::io::Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("cannot write the records"),
    }
}

fn export(args: &ExportArgs) -> Result<()> {
    check_folder(&args.folder)?;
    let reader = Reader::open(&args.folder)?;
    if args.out.extension().is_some_and(|extension| extension == "jsonl") {
        return export_lines(args, reader);
    }
    let mut tables = Tables::create(&args.out, args.kind.clone())?;
    // What could be read is kept when the journal is damaged further on.
    let damage = each(reader, |record| Ok(tables.add(record)?))?;
    for (kind, rows) in tables.finish()? {
        println!("{:>12} rows  {}", rows, args.out.join(format!("{kind}.parquet")).display());
    }
    damage.map_or(Ok(()), Err)
}

fn export_lines(args: &ExportArgs, reader: Reader) -> Result<()> {
    let mut lines = Lines::new(Wanted { kinds: args.kind.clone(), ..Wanted::default() });
    let path = &args.out;
    let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
    let mut out = BufWriter::new(file);
    let mut count = 0u64;
    let damage = each(reader, |record| {
        if let Some(line) = lines.json(record) {
            count += 1;
            let line = serde_json::Value::from(line);
            writeln!(out, "{line}").with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    })?;
    out.flush().with_context(|| format!("cannot write {}", path.display()))?;
    println!("{count:>12} rows  {}", path.display());
    damage.map_or(Ok(()), Err)
}

/// Hands over what can be read; returns what ended the reading.
fn each(
    reader: Reader,
    mut take: impl FnMut(&Record) -> Result<()>,
) -> Result<Option<anyhow::Error>> {
    for record in reader {
        match record {
            Ok(record) => take(&record)?,
            Err(error) => return Ok(Some(error.into())),
        }
    }
    Ok(None)
}
