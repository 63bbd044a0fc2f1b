//! Simulated markets: a made-up day of a Nasdaq-like market as ITCH 5.0 messages, and, in [`l2`],
//! agents on the venue's real matching engine as an environment for learning.
//!
//! # The day
//!
//! [`Day`] hands out the messages one by one, [`write_itch`] puts them into a file. They are made,
//! not matched: the generator knows what rests and emits only what a venue could have sent. Every
//! message of an order names a resting order of that instrument with shares enough, executions take
//! the first in line at the best price, and a book is never crossed or locked.
//!
//! How many messages of which kind, when, and on which instruments follows what is known of a
//! Nasdaq day; prices follow from which levels are eaten. It is an input for measurements and tests
//! and says nothing about profit.
//!
//! The same [`DayConfig`] gives the same bytes on every machine: integers everywhere, floating
//! point only for tables, and there only what IEEE 754 defines to the last bit (`+ - * /` and
//! square roots).
#![forbid(unsafe_code)]

mod activity;
mod config;
mod day;
mod file;
mod flow;
mod instrument;
pub mod l2;
mod orders;
mod pace;
mod placement;
mod profile;
mod random;
mod script;
mod scripted;

pub use config::{DayConfig, DayError};
pub use day::Day;
pub use file::{PROGRESS_EVERY, Summary, write_itch};
pub use l2::{make, make_threads, settings_of};
