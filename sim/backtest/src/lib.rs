//! Strategies of the host, unchanged, on recorded markets.
//!
//! A recording is read once into a [`store::Store`] of 32-byte events ([`read`] has a reader for
//! each format), and replayed as often as wanted. [`run()`] puts a venue's side and a host's side
//! over it, each on its own clock: the host is the production book, policy and risk; the venue's
//! side keeps the recorded levels and what stands before our orders in them. What a run leaves
//! behind is a [`ledger::Ledger`].
//!
//! What it cannot know: how others would have answered our orders, and hidden quantity. Its fills
//! are those that the recording proves; see [`queue`] for what is estimated where a recording has
//! levels only.
#![forbid(unsafe_code)]

pub mod attribution;
pub mod environment;
pub mod event;
pub mod facts;
pub mod fees;
pub mod latency;
pub mod ledger;
pub mod many;
pub mod market;
pub mod metrics;
pub mod pieces;
pub mod queue;
pub mod read;
pub mod report;
pub mod settings;
pub mod store;

mod brain;
mod depth_orders;
mod host;
mod matching;
mod own;
mod run;

pub use run::{Passive, Replayed, replay, run};
pub use settings::{BacktestError, Settings, Trading};
pub use store::Store;
