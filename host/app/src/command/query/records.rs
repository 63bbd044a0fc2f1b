//! The records of a journal as Parquet, for as long as they are asked.

use crate::signals::Signals;
use anyhow::{Context, Result, bail, ensure};
use std::path::Path;
use tempfile::TempDir;
use tercel_journal::{Reader, verify};
use tercel_report::item;
use tercel_report::tables::{Tables, UNREADABLE};

/// The names of a journal's tables.
pub(super) fn tables() -> impl Iterator<Item = &'static str> {
    item::kinds().map(|kind| kind.name).chain([UNREADABLE])
}

/// Writes the records of these tables to a folder that is gone when it is dropped; the tables are
/// there without records too. What cannot be read ends the reading, and is told on standard error.
pub(super) fn write(journal: &Path, names: &[&str], signals: &Signals) -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("tercel-query-").tempdir();
    let folder = folder.context("cannot make a temporary folder: set TMPDIR to one with room")?;
    // Any kind can have records that cannot be read.
    let kinds = match names.contains(&UNREADABLE) {
        true => Vec::new(),
        false => names.iter().filter_map(|name| Some(item::kind_named(name)?.number)).collect(),
    };
    let full = "cannot write the journal's tables: set TMPDIR to a folder with room";
    let mut tables = Tables::create(folder.path(), kinds).context(full)?;
    tables.begin_all().context(full)?;
    let mut reader = Reader::open(journal)?;
    let mut last = 0;
    for record in reader.by_ref() {
        match record {
            Ok(record) => {
                last = record.sequence;
                tables.add(&record).context(full)?;
            }
            Err(error) => {
                eprintln!("warning: only the records up to {last} are asked: {error}");
                break;
            }
        }
        ensure!(signals.count() == 0, "stopped");
    }
    if let Some(torn) = reader.torn() {
        eprintln!(
            "warning: {}, offset {}: the journal ends with record {last}; the {} bytes after it \
             were never committed, because the host was stopped or is writing them now",
            torn.file.display(),
            torn.offset,
            torn.bytes
        );
    }
    if last == 0 && verify(journal, None, |_, _| {}).is_ok_and(|found| found.segments == 0) {
        bail!(
            "{} holds no journal: name the folder that [journal] of the host's configuration names",
            journal.display()
        );
    }
    tables.finish().context(full)?;
    Ok(folder)
}
