//! `tercel query`: SQL over what was recorded and converted.

#[cfg(feature = "query")]
mod engine;

use crate::cli::QueryArgs;
use anyhow::Result;

/// Runs it.
#[cfg(feature = "query")]
pub(crate) fn run(args: &QueryArgs) -> Result<()> {
    engine::run(args)
}

/// Says what it takes.
#[cfg(not(feature = "query"))]
pub(crate) fn run(_args: &QueryArgs) -> Result<()> {
    anyhow::bail!(
        "this build cannot answer queries: build with `cargo build --release --features query`, \
         or read the Parquet files with DuckDB or PyArrow"
    )
}
