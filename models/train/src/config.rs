//! The configuration of a run: which environment, which algorithm, how long.
//!
//! Values are checked twice: while reading, for their type, and after it, for their range, by the
//! code that takes them. Either way the error names the file, the line, the key, the value and what
//! is allowed.
//!
//! ```toml
//! [environment]
//! name = "mm2"
//! lanes = 1024
//! settings = { phi = 0.5 }      # as the environment calls them
//!
//! [run]
//! rounds = 60
//! chapter = 10                  # rounds between checkpoints
//!
//! [ppo]                         # one table of an algorithm, which says which
//! steps = 100
//! ```

mod error;

pub use error::ConfigError;

use crate::algorithm::{Algorithm, Wrong};
use crate::offpolicy::config::{DdpgConfig, DqnConfig, SacConfig};
use crate::{ppo, reinforce, teacher};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tercel_environments::Settings;

/// A configuration with the text that it came from.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file, for messages.
    pub file: PathBuf,
    /// Its text, word for word.
    pub text: String,
    /// What it says.
    pub values: Values,
}

/// The whole file.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// Where to learn.
    pub environment: EnvironmentValues,
    /// How long.
    pub run: RunValues,
    /// Proximal policy optimisation.
    pub ppo: Option<ppo::Settings>,
    /// REINFORCE with a baseline.
    pub reinforce: Option<reinforce::Settings>,
    /// Deep Q-networks.
    pub dqn: Option<DqnConfig>,
    /// Deep deterministic policy gradients and TD3.
    pub ddpg: Option<DdpgConfig>,
    /// Soft actor-critic.
    pub sac: Option<SacConfig>,
    /// The streaming teacher, in the place of the algorithms above.
    pub teacher: Option<teacher::Settings>,
    /// What a dense network learns from the teacher.
    pub distil: Option<teacher::distil::Settings>,
    /// How a dense network is rounded to integers.
    pub integers: Option<teacher::integers::Settings>,
}

/// The table `[environment]`.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentValues {
    /// Its name.
    pub name: String,
    /// Copies that step together.
    pub lanes: usize,
    /// Threads that the copies are cut over; the numbers are the same on any.
    #[serde(default = "one")]
    pub threads: usize,
    /// Steps for which an action is held while learning ([`crate::repeat`]).
    #[serde(default = "one_time")]
    pub repeat: u32,
    /// Share of the rounds after which it no longer is, at the next chapter.
    #[serde(default = "whole")]
    pub repeat_until: f64,
    /// What is set of it.
    #[serde(default)]
    pub settings: BTreeMap<String, f64>,
}

/// The table `[run]`.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RunValues {
    /// Rounds of the whole run; schedules go over them.
    pub rounds: u64,
    /// Rounds of a chapter: after each there may be a checkpoint and a score, and the environment
    /// begins anew.
    pub chapter: u64,
    /// The first seed; further ones follow it.
    #[serde(default = "one_seed")]
    pub seed: u64,
    /// Runs, each with a seed of its own.
    #[serde(default = "one")]
    pub seeds: usize,
    /// Ends a run early once its score is this share of the way from the baseline to the optimum.
    pub goal: Option<f64>,
    /// Ends a run early after so many chapters without a better score; 0 never does.
    #[serde(default)]
    pub patience: u64,
}

fn one() -> usize {
    1
}

fn one_time() -> u32 {
    1
}

fn whole() -> f64 {
    1.0
}

fn one_seed() -> u64 {
    1
}

impl Config {
    /// Reads a file.
    pub fn load(file: &Path) -> Result<Config> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("{}: the configuration", file.display()))?;
        Ok(Config::parse(file, &text)?)
    }

    /// Reads a text; `file` is for messages.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its place.
    pub fn parse(file: &Path, text: &str) -> Result<Config, ConfigError> {
        let values: Values =
            toml::from_str(text).map_err(|error| ConfigError::parse(file, text, &error))?;
        let config = Config { file: file.into(), text: text.to_owned(), values };
        config.check()?;
        Ok(config)
    }

    /// The table that says which algorithm it is, and the algorithm.
    ///
    /// # Errors
    /// If there is none or more than one.
    pub fn algorithm(&self) -> Result<(&'static str, &dyn Algorithm), ConfigError> {
        let Values { ppo, reinforce, dqn, ddpg, sac, .. } = &self.values;
        let tables: [(&'static str, Option<&dyn Algorithm>); 5] = [
            ("ppo", ppo.as_ref().map(|table| table as _)),
            ("reinforce", reinforce.as_ref().map(|table| table as _)),
            ("dqn", dqn.as_ref().map(|table| table as _)),
            ("ddpg", ddpg.as_ref().map(|table| table as _)),
            ("sac", sac.as_ref().map(|table| table as _)),
        ];
        let mut there = tables.iter().filter_map(|(name, table)| table.map(|table| (*name, table)));
        match (there.next(), there.next()) {
            (Some(one), None) => Ok(one),
            (first, second) => {
                let count = usize::from(first.is_some()) + usize::from(second.is_some());
                let names: Vec<&str> = tables.iter().map(|(name, _)| *name).collect();
                let names = names.join(", ");
                let many = if count == 0 { "no table" } else { "more than one table" };
                let problem = format!("{many} of an algorithm; it takes one of {names}");
                Err(self.wrong(second.map_or("", |(name, _)| name), problem))
            }
        }
    }

    /// Settings of the environment.
    pub fn settings(&self) -> Settings {
        let values = &self.values.environment.settings;
        values.iter().fold(Settings::new(), |settings, (key, value)| settings.with(key, *value))
    }

    /// An error in the value of `key`.
    pub fn wrong(&self, key: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError::check(&self.file, &self.text, key, problem.into())
    }

    fn check(&self) -> Result<(), ConfigError> {
        let Values { environment, run, .. } = &self.values;
        let checks = [
            (
                (1..=1 << 20).contains(&environment.lanes),
                "environment.lanes",
                "a whole number from 1 to 1048576",
            ),
            (
                (1..=256).contains(&environment.threads),
                "environment.threads",
                "a whole number from 1 to 256",
            ),
            (
                (1..=1_000).contains(&environment.repeat),
                "environment.repeat",
                "a whole number from 1 to 1000",
            ),
            (
                (0.0..=1.0).contains(&environment.repeat_until),
                "environment.repeat_until",
                "a number from 0 to 1",
            ),
            (run.rounds >= 1, "run.rounds", "a whole number from 1 on"),
            (
                run.chapter >= 1 && run.chapter <= run.rounds,
                "run.chapter",
                "a whole number from 1 to run.rounds",
            ),
            ((1..=1_000).contains(&run.seeds), "run.seeds", "a whole number from 1 to 1000"),
            (run.goal.is_none_or(|goal| goal <= 1.0), "run.goal", "a number up to 1"),
        ];
        for (allowed, key, problem) in checks {
            if !allowed {
                return Err(self.wrong(key, format!("must be {problem}")));
            }
        }
        let wrong = |table: &str, Wrong { key, problem }| {
            self.wrong(&format!("{table}.{key}"), format!("must be {problem}"))
        };
        let Values { teacher, distil, integers, .. } = &self.values;
        distil.as_ref().map_or(Ok(()), |table| table.check()).map_err(|e| wrong("distil", e))?;
        let integers = integers.as_ref().map_or(Ok(()), |table| table.check());
        integers.map_err(|error| wrong("integers", error))?;
        if let Some(table) = teacher {
            return table.check().map_err(|error| wrong("teacher", error));
        }
        let (table, algorithm) = self.algorithm()?;
        algorithm.check().map_err(|error| wrong(table, error))
    }
}
