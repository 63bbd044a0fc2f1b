//! The engine: one tick from an event to whatever orders it leads to, and the shared memory around
//! it.
//!
//! [`Engine::on_event`] is the whole tick, readable in one screen: book, features, policy, risk,
//! gateway, port; [`Engine::on_events`] takes records that are at hand together and loads ahead
//! what they will touch. What is slow is done between ticks by [`Engine::housekeep`]. The engine
//! owns the state of one venue and one order session; it does no I/O but through the port it is
//! given, reads no clock, and allocates nothing after construction.
//!
//! Beside the policy that trades, others may stand in shadow ([`Engine::hold_contest`]); commands
//! to them and what they lead to go through [`mailbox`].
//!
//! An engine that operators watch tells on a [`tape`] what it does and takes their commands
//! ([`Engine::operate`]); one without has neither.
//!
//! [`ring`] is the broadcast ring by which a feed process hands records to engines, and
//! [`counters`] the page that shows what an engine does to whoever maps it. The algorithm of the
//! ring is in [`broadcast`], apart from the memory it runs on, so that a model checker can run it.
//! All unsafe code is in `shared.rs`.
#![deny(unsafe_code)]

pub mod broadcast;
pub mod counters;
pub mod mailbox;
pub mod ring;
pub mod tape;

mod batch;
mod engine;
mod housekeeping;
mod instruments;
mod operations;
mod orders;
mod recorder;
#[allow(unsafe_code)]
mod shared;
mod stage;
mod trials;

pub use batch::Batch;
pub use engine::{Engine, EngineCounters, Parts, Phase};
pub use instruments::InstrumentConfig;
pub use operations::{Ask, Scope, Ticket};
pub use recorder::Overflow;
pub use stage::{Stage, Stopwatch, Unmeasured};
pub use trials::{Command, Controls, OpenOrders};
