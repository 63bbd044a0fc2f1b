//! What a journal says, for people and for programs: its records as lines and as tables, whether it
//! is whole and agrees with the venue, and the report of a day.
//!
//! Everything is read from the journal alone. Money and prices are integers in units of 1/10,000
//! dollar (`_e4`), sums that hold a mid in half units (`_x2_e4`), times nanoseconds since the Unix
//! epoch, UTC (`_ns`). A record that cannot be read is counted and shown, and never ends a command.
#![forbid(unsafe_code)]

pub mod calendar;
pub mod check;
pub mod day;
pub mod events;
pub mod item;
pub mod line;
pub mod page;
pub mod schema;
pub mod tables;
