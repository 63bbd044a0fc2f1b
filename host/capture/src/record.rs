//! Recording: from the thread that receives, through a bounded ring, to files.
//!
//! The receiving side ([`Tap`]) writes each frame as a finished pcap-ng block into a ring of bytes
//! and never waits: where the ring is full the frame is dropped and counted. The writing side
//! ([`Writer`]) runs on a thread of its own and copies blocks into large aligned buffers, which go
//! to preallocated files past the page cache where the file system lets them.

mod direct;
mod tap;
mod writer;

pub use tap::{Tap, channel};
pub use writer::Writer;

use std::io;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use tercel_types::Nanos;

/// Smallest ring: it holds the longest frame several times.
pub const RING_MIN: usize = 1 << 20;

/// What is recorded, and where to.
#[derive(Clone, Debug)]
pub struct RecordConfig {
    /// The folder, made if it is not there.
    pub folder: PathBuf,
    /// Group and port of line A and of line B.
    pub lines: [SocketAddrV4; 2],
    /// Bytes after which a file ends.
    pub rotate_bytes: u64,
    /// Time after which a file ends, if it has a frame.
    pub rotate_after: Nanos,
    /// Name and version of the program, for the files.
    pub application: String,
}

/// What both sides count; the ports below the receiving side add what they know.
#[derive(Default, Debug)]
pub struct RecordCounters {
    received: [AtomicU64; 2],
    dropped: [AtomicU64; 2],
    other: AtomicU64,
    system_dropped: [AtomicU64; 2],
    written: AtomicU64,
    bytes: AtomicU64,
    files: AtomicU64,
}

/// The counters at one moment. Frames of line A and of line B, since the start.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, serde::Serialize)]
pub struct RecordReport {
    /// Frames that the ports handed out.
    pub received: [u64; 2],
    /// Frames of these that were dropped because the ring was full.
    pub dropped: [u64; 2],
    /// Frames to neither line, which are not recorded.
    pub other: u64,
    /// Frames that the system or the device dropped before.
    pub system_dropped: [u64; 2],
    /// Frames written, of both lines.
    pub written: u64,
    /// Bytes of files, so far.
    pub bytes: u64,
    /// Files begun.
    pub files: u64,
}

impl RecordCounters {
    /// All of them, each by itself: they move while they are read.
    pub fn report(&self) -> RecordReport {
        let pair = |pair: &[AtomicU64; 2]| [load(&pair[0]), load(&pair[1])];
        RecordReport {
            received: pair(&self.received),
            dropped: pair(&self.dropped),
            other: load(&self.other),
            system_dropped: pair(&self.system_dropped),
            written: load(&self.written),
            bytes: load(&self.bytes),
            files: load(&self.files),
        }
    }

    /// Frames that the system below the ports of each line has dropped so far.
    pub fn set_system_dropped(&self, dropped: [u64; 2]) {
        for (counter, value) in self.system_dropped.iter().zip(dropped) {
            // Relaxed: counters say nothing of one another.
            counter.store(value, Ordering::Relaxed);
        }
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

/// How a recording ended.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Recorded {
    /// Frames written and dropped.
    #[serde(flatten)]
    pub report: RecordReport,
    /// Files go past the page cache (`O_DIRECT`).
    pub direct: bool,
    /// Room for files is taken ahead (`fallocate`).
    pub preallocated: bool,
    /// The last whole file.
    pub last: Option<PathBuf>,
}

/// Why a recording could not go on. Everything before is in whole files.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The ring cannot hold a frame.
    #[error("a ring of {0} bytes is too small: {RING_MIN} is the least")]
    Ring(usize),
    /// A folder or a file cannot be made.
    #[error("cannot record to {path}: {source}: name a folder that this user may write to")]
    Open {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A write failed, on most days because the disk is full.
    #[error(
        "{path}: {source}: {written} frames are written, {}; make room and start again",
        whole(.last.as_ref())
    )]
    Write {
        /// The file that was being written.
        path: PathBuf,
        /// Frames in whole files.
        written: u64,
        /// The last whole file.
        last: Option<PathBuf>,
        /// The system's answer.
        source: io::Error,
    },
    /// The thread that writes is gone.
    #[error("the thread that writes has ended by itself")]
    Gone,
}

fn whole(last: Option<&PathBuf>) -> String {
    last.map_or_else(
        || "no file is whole".into(),
        |path| format!("all files up to {} are whole", path.display()),
    )
}
