//! How a configuration's table becomes a learner.

use crate::learner::Learner;
use anyhow::Result;
use tch::Device;
use tercel_environments::Spec;

/// The table of an algorithm in a configuration.
pub trait Algorithm {
    /// Checks every value that its type does not.
    ///
    /// # Errors
    /// The first key with a value that cannot train, and what is allowed.
    fn check(&self) -> Result<(), Wrong>;

    /// Makes a learner that knows nothing yet.
    ///
    /// # Errors
    /// Where the algorithm does not fit the environment: discrete actions for one of continuous
    /// ones and the other way round.
    fn learner(&self, start: &Start<'_>) -> Result<Box<dyn Learner + Send>>;
}

/// What a learner is made for.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The environment.
    pub spec: &'a Spec,
    /// Copies of it that step together.
    pub lanes: usize,
    /// Seed of everything random in the learner.
    pub seed: u64,
    /// Rounds of the whole run, for schedules.
    pub rounds: u64,
    /// Where tensors live.
    pub device: Device,
}

/// A value of a table that makes no sense.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// Its key within the table.
    pub key: &'static str,
    /// What is allowed.
    pub problem: String,
}

impl Wrong {
    /// `Ok` if the value is allowed.
    ///
    /// # Errors
    /// Otherwise what is allowed.
    pub fn unless(allowed: bool, key: &'static str, problem: &str) -> Result<(), Wrong> {
        if allowed { Ok(()) } else { Err(Wrong { key, problem: problem.to_owned() }) }
    }
}
