//! The append-only audit journal of a trading host: what happened, in order, so that a change
//! afterwards is found.
//!
//! A record is a sequence, a stamp, a kind and up to 64 KiB that only the one who appends
//! understands. [`Journal`] buffers records and writes them in batches; a batch is there as a whole
//! or not at all. [`Reader`] gives them back, also while the journal is written. [`verify`] reads
//! every byte and names the file, the offset and the sequence of the first that is not as it was
//! written. The bytes of the files are described at the head of `format.rs`.
//!
//! A CRC guards each record and each header, a hash chain the order and content of all batches.
//! Whoever can write the folder can still write a whole new end with a chain that fits: against
//! that, keep the chain value of a [`Committed`] elsewhere and give it to [`verify`].
//!
//! A process that is killed loses what it had not committed. A machine that loses power loses what
//! was not synced ([`Sync`]). Opening the journal again cuts what is left of a batch that was being
//! written, and says so in [`Recovery`]. Anything else that is wrong is a [`Damage`], is left as it
//! is, and keeps the journal from being opened. With a policy other than [`Sync::EachCommit`] the
//! disk may have kept a later batch and not the one before it when power is lost: that is damage
//! too, because nothing tells it from tampering.
//!
//! Segments are never removed here. A journal lacking its first segment is refused; to archive one,
//! move the whole folder and begin another.
//!
//! Nothing here reads a clock: stamps and times are arguments. Writing waits for the disk, so it
//! belongs on a thread that may wait.
#![forbid(unsafe_code)]

mod chain;
mod config;
mod cursor;
mod damage;
mod error;
mod format;
mod journal;
mod lock;
mod reader;
mod recovery;
mod scan;
mod segment;
mod tail;
mod verify;

pub use chain::{Chain, NotAChain};
pub use config::{Config, Sync};
pub use damage::{Damage, DamageKind, TornTail};
pub use error::JournalError;
pub use format::{
    BATCH_BYTES_MAX, KIND_COMMIT, PAYLOAD_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN,
};
pub use journal::{Committed, Journal};
pub use reader::{Reader, Record};
pub use recovery::Recovery;
pub use verify::{RecordAt, Verified, verify};
