//! Learning from what was seen before: deep Q-networks, deterministic policy gradients, soft
//! actor-critic.
//!
//! Every algorithm remembers what it saw ([`replay`]), as returns over a few steps
//! ([`look_ahead`]), drawn evenly or by priority ([`sum_tree`]), and learns from batches of it
//! between steps ([`off_policy`]).

pub mod config;
mod copies;
mod critic;
mod ddpg;
mod dqn;
pub mod exploration;
mod gatherer;
pub mod look_ahead;
pub mod off_policy;
pub mod replay;
mod sac;
pub mod sum_tree;
#[cfg(test)]
mod tests;

/// Deep Q-networks (Mnih et al. 2015) with the double estimator, dueling heads, returns over
/// several steps and prioritised memories.
pub type Dqn = off_policy::OffPolicy<dqn::QNetwork>;

/// Deep deterministic policy gradients (Lillicrap et al. 2015), with the options of TD3 (Fujimoto,
/// van Hoof and Meger 2018).
pub type Ddpg = off_policy::OffPolicy<ddpg::Deterministic>;

/// Soft actor-critic (Haarnoja et al. 2018b, "Soft Actor-Critic Algorithms and Applications").
pub type Sac = off_policy::OffPolicy<sac::Soft>;
