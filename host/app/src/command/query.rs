//! `tercel query`: SQL over a journal and over what was recorded and converted.

#[cfg(feature = "query")]
mod engine;
#[cfg(feature = "query")]
mod output;
#[cfg(feature = "query")]
mod records;

use crate::cli::QueryArgs;
use crate::signals::Signals;
use anyhow::Result;

/// Runs it.
#[cfg(feature = "query")]
pub(crate) fn run(args: &QueryArgs, signals: impl FnOnce() -> Result<Signals>) -> Result<()> {
    engine::run(args, &signals()?)
}

/// Says what it takes.
#[cfg(not(feature = "query"))]
pub(crate) fn run(_args: &QueryArgs, _signals: impl FnOnce() -> Result<Signals>) -> Result<()> {
    anyhow::bail!(
        "this build cannot answer queries: build with `cargo build --release --features query`, \
         or read the Parquet files of `capture convert` and `journal export` with DuckDB or PyArrow"
    )
}
