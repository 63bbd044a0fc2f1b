//! Software emulator of the feed card: its registers, its two lines and its record ring.
//!
//! [`Emulator`] is the card without a process around it: frames, register accesses and time come in
//! as arguments, and it hands out what the card would write into memory. [`SharedCard`] puts it
//! behind a file that another process maps as it would map a card. The decoding here is written
//! from the layouts of ITCH, not from the RTL or the host's decoder, so that the three can be
//! compared.
#![deny(unsafe_code)]

mod classify;
mod counters;
mod emulator;
mod merge;
mod normalise;
mod registers;
mod ring;
mod shared;

pub use counters::Counters;
pub use emulator::{Config, Emulator};
pub use shared::{CardError, SharedCard};
