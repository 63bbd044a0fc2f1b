//! What is wrong with a journal, and where.

use crate::chain::Chain;
use std::path::PathBuf;

/// A place where a journal is not as it was written. Nothing is ever repaired or cut there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{}, offset {offset}, sequence {sequence}: {kind}; keep the folder as evidence, restore it \
     from a copy, or begin a new journal in another folder",
    file.display()
)]
pub struct Damage {
    /// The segment, or the folder where a segment is missing.
    pub file: PathBuf,
    /// Byte offset in the file.
    pub offset: u64,
    /// The record that should stand there.
    pub sequence: u64,
    /// What is wrong.
    pub kind: DamageKind,
}

/// What is wrong at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DamageKind {
    /// A file named as a segment is not one: its number has not 20 digits, or it is no plain file.
    #[error("this is not a segment, though named as one")]
    NotASegment,
    /// The segment's header is short, altered, or of another format.
    #[error("the segment's header is altered")]
    Header,
    /// The journal was written by another version of the format.
    #[error("format version {0} is not known here: use the release that wrote it")]
    Version(u32),
    /// The name or the place of the segment does not fit its header.
    #[error("the file's name does not fit its header")]
    Name,
    /// There is a segment missing before this one.
    #[error("the segment before it is missing")]
    MissingSegment,
    /// The file has another length than its header says.
    #[error("the file has {found} bytes instead of {expected}")]
    Length {
        /// Bytes of the file.
        found: u64,
        /// Bytes the header says.
        expected: u64,
    },
    /// There is no mark of a record, the length is impossible, or the sequence is not the next.
    #[error("the head of the record is altered")]
    Head,
    /// The record's CRC or padding is wrong.
    #[error("the record is altered: its CRC-32C is wrong")]
    Crc,
    /// The commit record counts other records or bytes than there are.
    #[error("the commit record does not count the records before it")]
    Count,
    /// The hash chain is broken: records before were altered together with their CRCs, or a
    /// segment stems from another journal.
    #[error("the hash chain is broken: something before was altered")]
    Chain,
    /// A batch has no commit record, though something follows.
    #[error("the batch has no commit record")]
    NoCommit,
    /// Something stands after the last batch, where zeros should be.
    #[error("there are bytes after the last record")]
    Tail,
    /// No batch has the chain value that was expected: batches at the end are missing, or the
    /// journal is another one.
    #[error(
        "no batch ends with the chain value {0}: the end is missing or the journal another one"
    )]
    HeadNotFound(Chain),
}

/// What a crash left of a batch that was being written: after the last committed batch, in the last
/// segment. Nothing in it was ever committed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TornTail {
    /// The last segment.
    pub file: PathBuf,
    /// Where the last committed batch ends.
    pub offset: u64,
    /// Bytes from there to the last one that is not zero.
    pub bytes: u64,
    /// Whole records among them.
    pub records: u64,
    /// Bytes that the file is too short.
    pub short_bytes: u64,
}
