//! Where a journal is, how large its files are, and when it is on the disk.

use crate::error::JournalError;
use crate::format::{SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};
use std::path::PathBuf;
use std::time::Duration;

/// How a journal is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// The journal's folder; made when it is not there. It holds nothing else.
    pub folder: PathBuf,
    /// Bytes of each new segment, a multiple of 8 between
    /// [`SEGMENT_BYTES_MIN`](crate::SEGMENT_BYTES_MIN) and
    /// [`SEGMENT_BYTES_MAX`](crate::SEGMENT_BYTES_MAX).
    pub segment_bytes: u64,
    /// When a commit is on the disk.
    pub sync: Sync,
}

/// When what is committed is on the disk, and not only with the kernel. The kernel keeps it when
/// the process is killed; only the disk does when the machine is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sync {
    /// When the kernel likes, and when a segment is full.
    Never,
    /// With the first commit this long after the last sync.
    Every(Duration),
    /// With each commit.
    EachCommit,
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), JournalError> {
        let value = self.segment_bytes;
        if (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&value) && value.is_multiple_of(8) {
            return Ok(());
        }
        let allowed = format!("a multiple of 8 from {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX}");
        Err(JournalError::Config { key: "segment_bytes", value, allowed })
    }
}
