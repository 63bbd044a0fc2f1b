//! What can be set of the algorithms, as the TOML configuration says it. Everything is checked
//! before anything is built; an error names the key, its value and what is allowed.

use super::exploration::{DqnExploration, Fading};
use super::{Ddpg, Dqn, Sac};
use crate::algorithm::{Algorithm, Start, Wrong};
use crate::learner::{Activation, Learner};
use crate::parameters::Schedule;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// What is seen, how it is remembered and how often it is learned from.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryConfig {
    /// Memories held; the oldest go first.
    pub capacity: usize,
    /// Steps of the environment, summed over lanes, with actions drawn evenly before anything is
    /// learned. The scale of observations comes from them and stays.
    pub warmup: u64,
    /// Steps of every lane in a round.
    pub steps: u32,
    /// Times that a batch is learned from in a round, spread evenly over its steps.
    pub updates: u32,
    /// Memories learned from at once.
    pub batch: usize,
    /// Steps that a return is summed over before it is bootstrapped.
    pub returns: usize,
    /// What a reward is worth one step earlier; 1 where episodes end and are short.
    pub discount: f64,
    /// Rewards are multiplied by it, after `centre` was taken off.
    pub scale: f64,
    /// Taken off the reward of each step. It changes no policy where every episode has as many
    /// steps, or none ends in itself; values then are near zero, where networks are exact. Naik et
    /// al. 2024, "Reward Centering".
    pub centre: f64,
    /// Potential-based shaping (Ng, Harada and Russell 1999): a step's reward gains γΦ(s′) − Φ(s),
    /// with Φ(s) these numbers times those of the raw observation, and 0 after an end. It changes
    /// no policy; with what an optimum is worth for the time left, values are near zero. Empty for
    /// none.
    pub potential: Vec<f64>,
    /// Whether observations are brought to mean 0 and spread 1.
    pub normalise: bool,
    /// Largest magnitude of a number of an observation after that.
    pub clip: f64,
    /// Whether memories are drawn in proportion to their error.
    pub prioritised: bool,
    /// Power of the error in that, 0 to 1.
    pub alpha: f64,
    /// How far weights undo that at first, rising to 1 at the end of the run.
    pub beta: f64,
}

/// A network and how it is trained.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// What stands between layers.
    pub activation: Activation,
    /// First learning rate.
    pub rate: f64,
    /// How the rate goes over the run.
    pub schedule: Schedule,
    /// Adam's epsilon.
    pub epsilon: f64,
    /// Largest norm of a gradient.
    pub norm: f64,
}

/// Deep Q-networks.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DqnConfig {
    /// What is remembered.
    pub memory: MemoryConfig,
    /// The network of action values.
    pub network: NetworkConfig,
    /// The online network chooses, the target network values (van Hasselt, Guez and Silver 2016).
    pub double: bool,
    /// The network gives a value and advantages of mean zero (Wang et al. 2016, eq. 9).
    pub dueling: bool,
    /// Error from which on the loss grows only linearly; in scaled rewards.
    pub huber: f64,
    /// Share of the way that the target network goes after each update; 0 where it is copied.
    pub soft: f64,
    /// Updates between copies to the target network; 0 where it follows softly.
    pub period: u64,
    /// How often an action is drawn evenly.
    pub explore: DqnExploration,
    /// Share of the way that the network that is served goes to the one that learns after each
    /// update (Polyak and Juditsky 1992); 1 serves the one that learns.
    pub average: f64,
}

/// Deep deterministic policy gradients, and TD3 by its options.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DdpgConfig {
    /// What is remembered.
    pub memory: MemoryConfig,
    /// The network of actions.
    pub actor: NetworkConfig,
    /// The network, or both, of values.
    pub critic: NetworkConfig,
    /// Two critics, of which the smaller value counts (TD3).
    pub twin: bool,
    /// Updates of the critics for one of the actor and the targets (TD3: 2).
    pub delay: u64,
    /// Spread of the noise on the target's actions, as a share of half the range (TD3: 0.2).
    pub smoothing: f64,
    /// Where that noise is cut (TD3: 0.5).
    pub smoothing_cut: f64,
    /// Spread of the noise on the actions that the actor is judged by, as a share of half the
    /// range.
    pub actor_smoothing: f64,
    /// Spread of the noise on actions, as a share of half the range, over the run.
    pub noise: Fading,
    /// Share of the way that targets go after each update.
    pub soft: f64,
    /// As [`DqnConfig::average`], of the actor.
    pub average: f64,
    /// Risk aversion that values are certainty equivalents under; 0 for expected values
    /// ([`super::critic`]). In units of one over the unscaled reward.
    pub aversion: f64,
}

/// Soft actor-critic.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SacConfig {
    /// What is remembered.
    pub memory: MemoryConfig,
    /// The network of means and spreads of actions.
    pub actor: NetworkConfig,
    /// The networks of values.
    pub critic: NetworkConfig,
    /// Two critics, of which the smaller value counts.
    pub twin: bool,
    /// First temperature, in scaled rewards.
    pub temperature: f64,
    /// Learning rate of its logarithm; 0 keeps it.
    pub temperature_rate: f64,
    /// Entropy that the temperature is steered to, per number of an action, of actions in [−1, 1],
    /// over the run. Haarnoja et al. 2018b take −1 throughout.
    pub entropy: Fading,
    /// Share of the way that targets go after each update.
    pub soft: f64,
    /// As [`DqnConfig::average`], of the actor.
    pub average: f64,
    /// As [`DdpgConfig::aversion`].
    pub aversion: f64,
}

impl Default for MemoryConfig {
    fn default() -> MemoryConfig {
        MemoryConfig {
            capacity: 200_000,
            warmup: 5_000,
            steps: 50,
            updates: 50,
            batch: 256,
            returns: 1,
            discount: 0.99,
            scale: 1.0,
            centre: 0.0,
            potential: Vec::new(),
            normalise: true,
            clip: 10.0,
            prioritised: false,
            alpha: 0.6,
            beta: 0.4,
        }
    }
}

impl Default for NetworkConfig {
    fn default() -> NetworkConfig {
        NetworkConfig {
            hidden: vec![64, 64],
            activation: Activation::Relu,
            rate: 1e-3,
            schedule: Schedule::Linear,
            epsilon: 1e-8,
            norm: 10.0,
        }
    }
}

impl Default for DqnConfig {
    fn default() -> DqnConfig {
        DqnConfig {
            memory: MemoryConfig { returns: 3, prioritised: true, ..MemoryConfig::default() },
            network: NetworkConfig::default(),
            double: true,
            dueling: true,
            huber: 1.0,
            soft: 0.005,
            period: 0,
            explore: DqnExploration::default(),
            average: 1.0,
        }
    }
}

impl Default for DdpgConfig {
    fn default() -> DdpgConfig {
        DdpgConfig {
            memory: MemoryConfig::default(),
            actor: NetworkConfig::default(),
            critic: NetworkConfig::default(),
            twin: false,
            delay: 1,
            smoothing: 0.0,
            smoothing_cut: 0.5,
            actor_smoothing: 0.0,
            noise: Fading { first: 0.2, last: 0.2 },
            soft: 0.005,
            average: 1.0,
            aversion: 0.0,
        }
    }
}

impl Default for SacConfig {
    fn default() -> SacConfig {
        SacConfig {
            memory: MemoryConfig::default(),
            actor: NetworkConfig::default(),
            critic: NetworkConfig::default(),
            twin: true,
            temperature: 0.1,
            temperature_rate: 1e-3,
            entropy: Fading { first: -1.0, last: -1.0 },
            soft: 0.005,
            average: 1.0,
            aversion: 0.0,
        }
    }
}

impl MemoryConfig {
    fn check(&self) -> Result<(), Wrong> {
        within(self.capacity, 1..=1 << 26, "memory.capacity", "1 to 2²⁶")?;
        within(self.batch, 1..=1 << 16, "memory.batch", "1 to 65536")?;
        within(self.steps, 1..=1 << 20, "memory.steps", "1 to 2²⁰")?;
        within(self.updates, 1..=1 << 20, "memory.updates", "1 to 2²⁰")?;
        within(self.returns, 1..=64, "memory.returns", "1 to 64")?;
        let enough = self.warmup >= self.batch as u64;
        Wrong::unless(enough, "memory.warmup", "at least memory.batch")?;
        within(self.discount, 0.0..=1.0, "memory.discount", "0 to 1")?;
        within(self.scale, 1e-12..=1e12, "memory.scale", "1e-12 to 1e12")?;
        within(self.centre, -1e12..=1e12, "memory.centre", "-1e12 to 1e12")?;
        let finite = self.potential.iter().all(|number| number.is_finite());
        Wrong::unless(
            finite,
            "memory.potential",
            "finite numbers, one for each of an observation",
        )?;
        within(self.clip, 0.1..=1e6, "memory.clip", "0.1 to 1e6")?;
        within(self.alpha, 0.0..=1.0, "memory.alpha", "0 to 1")?;
        within(self.beta, 0.0..=1.0, "memory.beta", "0 to 1")
    }

    /// That of an algorithm for which priorities are not made.
    fn check_even(&self) -> Result<(), Wrong> {
        self.check()?;
        Wrong::unless(!self.prioritised, "memory.prioritised", "false; dqn alone has priorities")
    }
}

/// Keys of a network's table.
struct Keys {
    hidden: &'static str,
    rate: &'static str,
    epsilon: &'static str,
    norm: &'static str,
}

macro_rules! keys {
    ($table:literal) => {
        &Keys {
            hidden: concat!($table, ".hidden"),
            rate: concat!($table, ".rate"),
            epsilon: concat!($table, ".epsilon"),
            norm: concat!($table, ".norm"),
        }
    };
}

impl NetworkConfig {
    fn check(&self, keys: &Keys) -> Result<(), Wrong> {
        let sound = (1..=8).contains(&self.hidden.len())
            && self.hidden.iter().all(|width| (1..=1_024).contains(width));
        Wrong::unless(sound, keys.hidden, "1 to 8 layers, each 1 to 1024 wide")?;
        within(self.rate, 1e-8..=1.0, keys.rate, "1e-8 to 1")?;
        within(self.epsilon, 1e-12..=1.0, keys.epsilon, "1e-12 to 1")?;
        within(self.norm, 1e-6..=1e9, keys.norm, "1e-6 to 1e9")
    }
}

impl Algorithm for DqnConfig {
    fn check(&self) -> Result<(), Wrong> {
        self.memory.check()?;
        self.network.check(keys!("network"))?;
        within(self.huber, 1e-9..=1e9, "huber", "1e-9 to 1e9")?;
        within(self.soft, 0.0..=1.0, "soft", "0 to 1")?;
        let one = (self.soft > 0.0) != (self.period > 0);
        Wrong::unless(one, "soft", "above 0 where period is 0, and 0 where period is above 0")?;
        within(self.explore.first, 0.0..=1.0, "explore.first", "0 to 1")?;
        within(self.explore.last, 0.0..=1.0, "explore.last", "0 to 1")?;
        within(self.explore.until, 1e-6..=1.0, "explore.until", "1e-6 to 1")?;
        within(self.average, 1e-6..=1.0, "average", "1e-6 to 1")
    }

    fn learner(&self, start: &Start<'_>) -> Result<Box<dyn Learner + Send>> {
        Ok(Box::new(Dqn::new(self, start)?))
    }
}

impl Algorithm for DdpgConfig {
    fn check(&self) -> Result<(), Wrong> {
        self.memory.check_even()?;
        self.actor.check(keys!("actor"))?;
        self.critic.check(keys!("critic"))?;
        within(self.delay, 1..=1_000, "delay", "1 to 1000")?;
        within(self.smoothing, 0.0..=2.0, "smoothing", "0 to 2")?;
        within(self.smoothing_cut, 0.0..=2.0, "smoothing_cut", "0 to 2")?;
        within(self.actor_smoothing, 0.0..=2.0, "actor_smoothing", "0 to 2")?;
        within(self.noise.first, 0.0..=2.0, "noise.first", "0 to 2")?;
        within(self.noise.last, 0.0..=2.0, "noise.last", "0 to 2")?;
        within(self.soft, 1e-6..=1.0, "soft", "1e-6 to 1")?;
        within(self.average, 1e-6..=1.0, "average", "1e-6 to 1")?;
        check_aversion(self.aversion, &self.memory)
    }

    fn learner(&self, start: &Start<'_>) -> Result<Box<dyn Learner + Send>> {
        Ok(Box::new(Ddpg::new(self, start)?))
    }
}

impl Algorithm for SacConfig {
    fn check(&self) -> Result<(), Wrong> {
        self.memory.check_even()?;
        self.actor.check(keys!("actor"))?;
        self.critic.check(keys!("critic"))?;
        within(self.temperature, 1e-9..=1e6, "temperature", "1e-9 to 1e6")?;
        within(self.temperature_rate, 0.0..=1.0, "temperature_rate", "0 to 1")?;
        within(self.entropy.first, ENTROPY, "entropy.first", "-20 to 0.69")?;
        within(self.entropy.last, ENTROPY, "entropy.last", "-20 to 0.69")?;
        within(self.soft, 1e-6..=1.0, "soft", "1e-6 to 1")?;
        within(self.average, 1e-6..=1.0, "average", "1e-6 to 1")?;
        check_aversion(self.aversion, &self.memory)
    }

    fn learner(&self, start: &Start<'_>) -> Result<Box<dyn Learner + Send>> {
        Ok(Box::new(Sac::new(self, start)?))
    }
}

/// Entropies of a number in [−1, 1]: at most that of an even draw, ln 2.
const ENTROPY: RangeInclusive<f64> = -20.0..=0.69;

/// The certainty equivalent of an exponential utility recurses over undiscounted sums only.
fn check_aversion(aversion: f64, memory: &MemoryConfig) -> Result<(), Wrong> {
    within(aversion, 0.0..=1e6, "aversion", "0 to 1e6")?;
    let sums = aversion == 0.0 || memory.discount == 1.0;
    Wrong::unless(sums, "memory.discount", "1 where aversion is above 0")
}

fn within<T: PartialOrd>(
    value: T,
    range: RangeInclusive<T>,
    key: &'static str,
    allowed: &str,
) -> Result<(), Wrong> {
    Wrong::unless(range.contains(&value), key, allowed)
}
