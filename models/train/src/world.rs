//! Environments by the name in a configuration.

use crate::config::{Config, ConfigError, EnvironmentValues};
use crate::imitation::Demonstration;
use crate::repeat::Repeat;
use anyhow::Context;
use tercel_environments::{EnvError, Environment, Exam, Spec};

/// Steps for which an action is held once `rounds` are done.
pub fn held(config: &Config, rounds: u64) -> u32 {
    let EnvironmentValues { repeat, repeat_until, .. } = config.values.environment;
    let early = (rounds as f64) < repeat_until * config.values.run.rounds as f64;
    if early { repeat } else { 1 }
}

/// The environment of a configuration with every action held for so many steps.
///
/// # Errors
/// As [`make`].
pub fn learn(config: &Config, times: u32) -> Result<Box<dyn Environment + Send>, ConfigError> {
    let environment = make(config)?;
    Ok(match times {
        1 => environment,
        times => Box::new(Repeat::new(environment, times)),
    })
}

/// The environment of a configuration.
///
/// # Errors
/// If there is none of its name, or a setting of it is out of range.
pub fn make(config: &Config) -> Result<Box<dyn Environment + Send>, ConfigError> {
    let EnvironmentValues { name, lanes, threads, .. } = &config.values.environment;
    let settings = config.settings();
    let made = match place(name) {
        Some(Place::ClosedForm) => {
            tercel_environments::make_threads(name, &settings, *lanes, *threads)
        }
        Some(Place::Market) => tercel_market::make_threads(name, &settings, *lanes, *threads),
        None => {
            let known = [tercel_environments::NAMES, tercel_market::l2::NAMES].concat();
            Err(EnvError::Unknown { name: name.clone(), known })
        }
    };
    made.map_err(|error| wrong(config, error))
}

/// Which crate has an environment.
enum Place {
    /// Those with a known optimum.
    ClosedForm,
    /// Those on the venue's matching engine.
    Market,
}

fn place(name: &str) -> Option<Place> {
    if tercel_environments::NAMES.contains(&name) {
        Some(Place::ClosedForm)
    } else {
        tercel_market::l2::NAMES.contains(&name).then_some(Place::Market)
    }
}

/// Its exact exam, where it has one.
///
/// # Errors
/// As [`make`].
pub fn exam(config: &Config) -> Result<Option<Box<dyn Exam>>, ConfigError> {
    let name = &config.values.environment.name;
    if !matches!(place(name), Some(Place::ClosedForm)) {
        return Ok(None);
    }
    let exam = tercel_environments::exam(name, &config.settings());
    exam.map(Some).map_err(|error| wrong(config, error))
}

/// What a known strategy does in the environment.
///
/// # Errors
/// If the environment has none.
pub fn demonstration(spec: &Spec) -> anyhow::Result<Demonstration> {
    tercel_market::l2::demonstration(spec.name)
        .with_context(|| format!("{} has no demonstration to imitate", spec.name))
}

fn wrong(config: &Config, error: tercel_environments::EnvError) -> ConfigError {
    let key = match &error {
        EnvError::Unknown { .. } => "environment.name".to_owned(),
        EnvError::Key { key, .. } => format!("environment.settings.{key}"),
        EnvError::Range { key, .. } => format!("environment.settings.{key}"),
        EnvError::Count { what, .. } => format!("environment.{what}"),
        EnvError::Together { .. } => "environment.settings".to_owned(),
    };
    config.wrong(&key, error.to_string())
}
