//! The L2 environment: an agent in a market that matches its orders.
//!
//! A [`Session`] is one instrument on a simulated clock: the matching engine of the venue
//! (`tercel_exchange::matching`), participants in the background ([`agents`]), the public feed into
//! production books, and any number of [`Trader`]s that go through production features, quoter
//! rules and risk. A [`Scenario`] says who trades and what trading costs; [`L2`] steps many
//! sessions as one environment for learning.

pub mod agents;

mod account;
mod agent;
mod baselines;
mod demonstration;
mod environment;
mod evaluate;
mod factory;
mod orders;
mod record;
mod scenario;
mod session;
mod trader;

pub use account::Account;
pub use agent::Agent;
pub use baselines::{Family, Tuned, grid, tune};
pub use demonstration::{Demonstration, demonstration};
pub use environment::{Control, L2, L2Config};
pub use evaluate::{Day, Run, evaluate, run, seed_of};
pub use factory::{NAMES, config, make, make_threads, settings_of};
pub use scenario::{
    Instrument, Latencies, Objective, Participant, Scenario, ScenarioError, limits, risk,
};
pub use session::{Session, SessionCounters};
pub use trader::{Quotes, Trader, TraderConfig, TraderCounters, TraderError};

use tercel_types::InstrumentId;

/// The one instrument of a session.
pub const INSTRUMENT: InstrumentId = InstrumentId(1);

/// Accounts from this one on are participants, below is the background.
const FIRST_TRADER: u16 = 256;
