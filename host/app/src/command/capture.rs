//! `tercel capture`: recording a feed, and what is made of recordings.

mod check;
mod convert;
mod record;
mod schema;

use crate::cli::{CaptureArgs, CaptureCommand};
use crate::recording::progress;
use crate::signals::Signals;
use anyhow::Result;
use indicatif::ProgressBar;
use std::path::{Path, PathBuf};
use tercel_capture::files::{self, FilesError, Source};

/// Runs it.
pub(crate) fn run(args: &CaptureArgs, signals: impl FnOnce() -> Result<Signals>) -> Result<()> {
    match &args.command {
        CaptureCommand::Record(args) => record::run(args, &signals()?),
        CaptureCommand::Convert(args) => convert::run(args),
        CaptureCommand::Check(args) => check::run(args),
        CaptureCommand::Schema => schema::run(),
    }
}

/// The files that are named, folders replaced by their captures, and a bar over their bytes.
fn inputs(paths: &[PathBuf], what: &'static str) -> Result<(Vec<PathBuf>, ProgressBar)> {
    let mut all = Vec::new();
    for path in paths {
        all.extend(files::files(path)?);
    }
    let bar = progress(what);
    bar.set_length(all.iter().filter_map(|path| path.metadata().ok()).map(|m| m.len()).sum());
    Ok((all, bar))
}

/// Opens a capture under the bar.
fn open(path: &Path, bar: &ProgressBar) -> Result<Source, FilesError> {
    files::open(path, |file| Box::new(bar.wrap_read(file)))
}
