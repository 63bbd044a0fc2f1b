//! The table `[teacher]` of a configuration.

use crate::algorithm::Wrong;
use crate::parameters::Schedule;
use serde::{Deserialize, Serialize};

/// How the streaming network learns.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Steps of each lane in a piece; gradients do not go back beyond it.
    pub steps: usize,
    /// Times that a piece is gone through.
    pub epochs: usize,
    /// Lanes that one step of the optimiser learns from.
    pub lanes: usize,
    /// Worth of what comes one step later.
    pub gamma: f64,
    /// λ of the generalised advantage.
    pub lambda: f64,
    /// How far a density may move from what it was when drawn, as a share.
    pub clip: f64,
    /// Learning rate.
    pub rate: f64,
    /// How it goes over the run.
    pub schedule: Schedule,
    /// Norm at which gradients are cut.
    pub norm: f64,
    /// Worth of a nat of entropy at first; it goes with the learning rate's schedule.
    pub entropy: f64,
    /// Weight of the value's loss.
    pub value: f64,
    /// Weight of the auxiliary heads' loss.
    pub auxiliary: f64,
    /// What rewards are multiplied by, so that returns are of the order of 1.
    pub reward_scale: f64,
    /// Spread of actions at first, in half ranges.
    pub spread: f64,
    /// Largest magnitude of a normalised number.
    pub observation_clip: f32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            steps: 32,
            epochs: 3,
            lanes: 16,
            gamma: 0.99,
            lambda: 0.95,
            clip: 0.2,
            rate: 5e-4,
            schedule: Schedule::Linear,
            norm: 0.5,
            entropy: 0.0,
            value: 0.5,
            auxiliary: 0.1,
            reward_scale: 1.0,
            spread: 0.3,
            observation_clip: 10.0,
        }
    }
}

impl Settings {
    /// Checks every value that its type does not.
    ///
    /// # Errors
    /// The first key with a value that cannot train, and what is allowed.
    pub fn check(&self) -> Result<(), Wrong> {
        let whole = |value: usize, max: usize| (1..=max).contains(&value);
        let above = |value: f64, max: f64| value > 0.0 && value <= max;
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let weight = |value: f64| (0.0..=100.0).contains(&value);
        let steps = "a whole number from 1 to 4096";
        Wrong::unless(whole(self.steps, 4_096), "steps", steps)?;
        Wrong::unless(whole(self.epochs, 1_000), "epochs", "a whole number from 1 to 1000")?;
        Wrong::unless(whole(self.lanes, 1 << 20), "lanes", "a whole number from 1 to 1048576")?;
        Wrong::unless(share(self.gamma), "gamma", "a number from 0 to 1")?;
        Wrong::unless(share(self.lambda), "lambda", "a number from 0 to 1")?;
        let clip = self.clip > 0.0 && self.clip < 1.0;
        Wrong::unless(clip, "clip", "a number above 0 and below 1")?;
        Wrong::unless(above(self.rate, 1.0), "rate", "a number above 0, at most 1")?;
        Wrong::unless(above(self.norm, 1e6), "norm", "a number above 0, at most 1000000")?;
        Wrong::unless(weight(self.entropy), "entropy", "a number from 0 to 100")?;
        Wrong::unless(weight(self.value), "value", "a number from 0 to 100")?;
        Wrong::unless(weight(self.auxiliary), "auxiliary", "a number from 0 to 100")?;
        let scale = above(self.reward_scale, 1e12);
        Wrong::unless(scale, "reward_scale", "a number above 0, at most 10^12")?;
        Wrong::unless(above(self.spread, 10.0), "spread", "a number above 0, at most 10")?;
        let clip = self.observation_clip >= 1.0 && self.observation_clip <= 1e3;
        Wrong::unless(clip, "observation_clip", "a number from 1 to 1000")
    }
}
