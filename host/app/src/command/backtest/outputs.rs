//! The files that a backtest writes. Each appears whole or not at all.

use super::File;
use super::trials::Trial;
use crate::cli::BacktestArgs;
use anyhow::{Context as _, Result, bail};
use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tercel_backtest::report::fills::{self, RunFills};
use tercel_backtest::report::{Report, html};

/// What is to be written where.
pub(super) struct Outputs<'a> {
    html: Option<&'a Path>,
    parquet: Option<&'a Path>,
}

impl<'a> Outputs<'a> {
    /// Checks that the folders are there: hours of work should not end at a wrong name.
    pub(super) fn check(args: &'a BacktestArgs) -> Result<Outputs<'a>> {
        let outputs = Outputs { html: args.html.as_deref(), parquet: args.parquet.as_deref() };
        if outputs.html.is_some() && outputs.html == outputs.parquet {
            bail!("--html and --parquet are the same file");
        }
        for path in [outputs.html, outputs.parquet].into_iter().flatten() {
            if path.is_dir() || path.file_name().is_none() {
                bail!("cannot write {}: it is a folder", path.display());
            }
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if folder.is_some_and(|folder| !folder.is_dir()) {
                bail!("cannot write {}: its folder is not there", path.display());
            }
        }
        Ok(outputs)
    }

    /// Writes them.
    pub(super) fn write(&self, report: &Report, trials: &[Trial], files: &[File]) -> Result<()> {
        if let Some(path) = self.html {
            whole(path, |out| Ok(out.write_all(html::page(report).as_bytes())?))?;
        }
        if let Some(path) = self.parquet {
            let runs: Vec<RunFills<'_>> = trials
                .iter()
                .enumerate()
                .flat_map(|(at, trial)| {
                    files.iter().map(move |file| RunFills {
                        strategy: &trial.name,
                        data: &file.recording.name,
                        ledger: &file.ledgers[at],
                    })
                })
                .collect();
            whole(path, |out| Ok(fills::write(out, &runs)?))?;
        }
        Ok(())
    }
}

/// Writes under another name first, so that no half of a file is ever taken for one.
fn whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<std::fs::File>) -> Result<()>,
) -> Result<()> {
    let mut name: OsString = path.file_name().unwrap_or_default().into();
    name.push(format!(".{}.part", std::process::id()));
    let unfinished: PathBuf = path.with_file_name(name);
    let written = (|| -> Result<()> {
        let mut out = BufWriter::new(std::fs::File::create(&unfinished)?);
        write(&mut out)?;
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&unfinished, path)?;
        Ok(())
    })();
    if written.is_err() {
        // What went wrong is told; that this fails too would add nothing.
        let _ = std::fs::remove_file(&unfinished);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}
