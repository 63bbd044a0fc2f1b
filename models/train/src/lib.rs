//! Deep reinforcement learning of the host's policies, on libtorch.
//!
//! - [`config`]: what a run is, in TOML; [`training`]: a run; [`fleet`]: several of them;
//! - [`learner`]: what every algorithm does; [`algorithm`]: how a table becomes one;
//! - [`ppo`] and [`reinforce`] learn from what they do now ([`actor`], [`rollout`],
//!   [`mod@advantage`]), [`offpolicy`] from what was done before, [`teacher`] for a smaller
//!   network;
//! - [`parameters`], [`network`], [`normaliser`], [`noise`]: what learners are made of;
//! - [`world`], [`repeat`]: environments by name, and actions that are held;
//! - [`checkpoint`], [`mod@atomic`], [`events`]: what is written, and read back to the bit;
//! - [`mod@evaluate`], [`check`], [`mod@export`]: what a policy is worth, whether that is enough,
//!   and the policy as the host loads it.
//!
//! Everything random comes from the seed, and libtorch runs on one thread a run: the same
//! configuration and seed give the same bytes on the same machine.
#![forbid(unsafe_code)]

pub mod actor;
pub mod advantage;
pub mod algorithm;
pub mod atomic;
pub mod check;
pub mod checkpoint;
pub mod config;
pub mod evaluate;
pub mod events;
pub mod export;
pub mod fleet;
pub mod imitation;
pub mod learner;
pub mod network;
pub mod noise;
pub mod normaliser;
pub mod offpolicy;
pub mod parameters;
pub mod ppo;
pub mod reinforce;
pub mod repeat;
pub mod rollout;
pub mod teacher;
pub mod training;
pub mod world;
