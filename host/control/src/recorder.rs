//! The recorder: the thread that reads the tape, tells the desk and fills the journal.
//!
//! Each round takes what is on the tape. The desk is told at once; the journal gets it as batches,
//! each closed by a mark that says how far the tape has been written down. Only then is the tape's
//! room given back, so that an entry is in the journal or still on the tape, and after a crash
//! [`JournalWriter::recover`] brings what is left of a tape in a file into the journal, once.
//!
//! While the journal cannot be written, what was read is held, at most the tape's own size; the
//! tape fills, and the engine no longer quotes until there is room again.

mod deeds;
pub mod reconcile;
mod run;
mod start;
mod writer;

pub use deeds::{Deed, DeedError, Recorder};
pub use run::{Handle, Parts, Published, Summary};
pub use start::{Artifact, Start};
pub use writer::{JournalWriter, RecoverError, Recovered};

/// Kind of the journal's records that hold an operator's deed, JSON.
pub const KIND_DEED: u16 = 0x100;
/// Kind of those that hold the state of the clock, JSON.
pub const KIND_CLOCK: u16 = 0x101;
/// Kind of those that say how far a tape is written down: its generation and the place, each a u64
/// in little-endian.
pub const KIND_MARK: u16 = 0x102;
/// Kind of those that say with what a host began, JSON.
pub const KIND_START: u16 = 0x103;
/// Kinds from here on are no entries of the tape, whose kinds they would be else.
pub const KIND_ENTRY_END: u16 = 0x100;
