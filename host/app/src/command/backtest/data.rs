//! The recordings: which there are, and how each is read.

use crate::cli::FormatName;
use anyhow::{Context as _, Result, bail};
use std::path::PathBuf;
use tercel_backtest::Store;
use tercel_backtest::metrics::returns::{CONTINUOUS_YEAR_S, EQUITY_YEAR_S};
use tercel_backtest::read::{self, Format, ItchConfig};
use tercel_types::Symbol;

/// Counts of a recording that tell of nothing odd.
const EXPECTED: [&str; 2] = ["read", "ignored"];

/// A file to be read.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    pub(crate) path: PathBuf,
    /// Its name in reports: the file's, or the whole path where two files have the same.
    pub(crate) name: String,
    format: FormatName,
    symbols: Vec<Symbol>,
}

/// What is known of a recording beside its events.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Seconds that its market trades in a year.
    pub(super) year_s: f64,
    /// What was odd in it, with how often.
    odd: Vec<(&'static str, u64)>,
}

/// The files of these paths.
pub(crate) fn list(
    paths: &[PathBuf],
    format: FormatName,
    symbols: &[String],
) -> Result<Vec<Recording>> {
    let symbol = |text: &String| {
        Symbol::new(text).with_context(|| format!("--symbol {text}: 1 to 8 letters are wanted"))
    };
    let symbols: Vec<Symbol> = symbols.iter().map(symbol).collect::<Result<_>>()?;
    let file_name =
        |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = |path: &PathBuf| {
        let same = paths.iter().filter(|one| one.file_name() == path.file_name()).count();
        file_name(path).filter(|_| same == 1).unwrap_or_else(|| path.display().to_string())
    };
    let recording = |path: &PathBuf| Recording {
        path: path.clone(),
        name: name(path),
        format,
        symbols: symbols.clone(),
    };
    Ok(paths.iter().map(recording).collect())
}

impl Facts {
    /// What the reader of a report should know, if there is anything.
    pub(super) fn note(&self, name: &str) -> Option<String> {
        let odd: Vec<String> =
            self.odd.iter().map(|(what, count)| format!("{what} {count}")).collect();
        (!odd.is_empty()).then(|| format!("{name}: {}", odd.join(", ")))
    }
}

/// Reads a file.
pub(crate) fn read(recording: &Recording) -> Result<(Store, Facts)> {
    let path = recording.path.as_path();
    let format = match recording.format {
        FormatName::Auto => Format::of(path).with_context(|| {
            format!("{}: its name says no format; --format does", path.display())
        })?,
        FormatName::Itch => Format::Itch,
        FormatName::Lobster => Format::Lobster,
        FormatName::Binance => Format::Binance,
        FormatName::Dbn => Format::Dbn,
    };
    let symbols = recording.symbols.clone();
    let store = match format {
        // Thousands of instruments: those that are not asked for are not kept.
        Format::Itch => read::itch(path, &ItchConfig { symbols: symbols.clone() })?,
        other => read::read(path, Some(other))?,
    };
    let there: Vec<Symbol> = store.instruments.iter().map(|one| one.contract.symbol).collect();
    if !symbols.is_empty() && !there.iter().any(|symbol| symbols.contains(symbol)) {
        let names: Vec<&str> = there.iter().take(10).map(Symbol::as_str).collect();
        let wanted: Vec<&str> = symbols.iter().map(Symbol::as_str).collect();
        let has = if names.is_empty() { String::new() } else { format!("; it has {names:?}") };
        bail!("{}: nothing of {} is in it{has}", path.display(), wanted.join(", "));
    }
    if store.events.is_empty() {
        bail!("{}: nothing in it changes a book", path.display());
    }
    let year_s = if format == Format::Binance { CONTINUOUS_YEAR_S } else { EQUITY_YEAR_S };
    let odd = store.quality.each().filter(|(what, count)| *count > 0 && !EXPECTED.contains(what));
    let facts = Facts { year_s, odd: odd.collect() };
    Ok((store, facts))
}
