//! The configuration: its schema, and how it is read.
//!
//! A value comes from the file, an environment variable above it, or a flag above that; what nobody
//! sets has its default. Values are checked twice: while reading, for their keys and types, and by
//! the crate that takes them, for their range. Either way the error names the file and the line,
//! the variable or the flag, the key, the value and what is allowed.

// A configuration is wrong once a start, where nothing is in a hurry.
#![allow(clippy::result_large_err)]

#[cfg(feature = "lab")]
mod backtest;
mod build;
mod check;
mod control;
mod difference;
mod effective;
mod error;
mod journal;
mod key;
mod layers;
mod limits;
mod path;
mod promotion;
mod schema;
mod secret;
#[cfg(feature = "lab")]
mod template;
#[cfg(test)]
mod tests;
mod values;

#[cfg(feature = "lab")]
pub(crate) use backtest::{BacktestValues, MarketRules};
pub(crate) use control::{ControlSettings, Role};
pub(crate) use difference::{Change, Reload};
pub(crate) use error::ConfigError;
pub(crate) use journal::{JournalSettings, Overflow, Sync};
pub(crate) use layers::Overrides;
use limits::InstrumentRiskValues;
pub(crate) use path::PathName;
pub(crate) use promotion::Source as ChallengerSource;
pub(crate) use schema::schema;
#[cfg(feature = "lab")]
pub(crate) use template::HostTemplate;
pub(crate) use values::PaceValue;
use values::{StartValue, StrategyKind, Values};

/// The configuration that `run --print-config` prints.
pub(crate) const DEFAULT: &str = include_str!("../default.toml");

use layers::Layers;
use secret::Secrets;
use std::path::{Path, PathBuf};

/// A part of the configuration as the crate that takes it wants it.
type Built<T> = Result<T, ConfigError>;

/// A configuration with the layers it came from, so that later checks can point at a place.
#[derive(Clone)]
pub(crate) struct Config {
    layers: Layers,
    secrets: Secrets,
    pub(crate) values: Values,
}

impl Config {
    /// Reads a file, with the environment above it.
    pub(crate) fn load(file: &Path) -> anyhow::Result<Config> {
        Config::load_with(file, &[])
    }

    /// Reads a file, with the environment and `--set` flags above it.
    pub(crate) fn load_with(file: &Path, flags: &[String]) -> anyhow::Result<Config> {
        let text = Config::read(file)?;
        Ok(Config::assemble(file, &text, &Overrides::of_process(flags))?)
    }

    /// The text of a file.
    pub(crate) fn read(file: &Path) -> anyhow::Result<String> {
        use anyhow::Context as _;
        std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the configuration {}", file.display()))
    }

    /// Reads a text as if it were the content of `file`, with nothing above it.
    #[cfg(any(test, feature = "lab"))]
    pub(crate) fn parse(file: &Path, text: &str) -> Result<Config, ConfigError> {
        Config::assemble(file, text, &Overrides::default())
    }

    /// Reads a text with overrides above it; the first of the problems is the error.
    pub(crate) fn assemble(
        file: &Path,
        text: &str,
        overrides: &Overrides,
    ) -> Result<Config, ConfigError> {
        let (config, problems) = Config::draft(file, text, overrides)?;
        match problems.into_iter().next() {
            Some(problem) => Err(problem),
            None => config.ok_or_else(|| ConfigError::unreadable(file)),
        }
    }

    /// The file that it was read from.
    pub(crate) fn file(&self) -> &Path {
        &self.layers.file
    }

    /// The values as a table, overrides included.
    #[cfg(feature = "lab")]
    pub(crate) fn table(&self) -> &toml::Table {
        &self.layers.table
    }

    /// A path that is relative to the folder of the configuration file.
    fn beside(&self, path: &Path) -> PathBuf {
        self.layers.file.parent().unwrap_or(Path::new("")).join(path)
    }

    /// An error in the value of `key`.
    fn wrong(&self, key: &str, problem: impl Into<String>) -> ConfigError {
        self.layers.wrong(key, problem)
    }
}
