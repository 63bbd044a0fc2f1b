//! What can go wrong with a journal.

use crate::damage::Damage;
use std::io;
use std::path::{Path, PathBuf};

/// Why the journal or a reader cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A value of the configuration is not allowed.
    #[error("{key} = {value} is not allowed: {allowed}")]
    Config {
        /// The key.
        key: &'static str,
        /// The value.
        value: u64,
        /// What is allowed.
        allowed: String,
    },
    /// Another process, or this one, has the journal open for writing.
    #[error(
        "the journal {} is being written by {}: stop it or choose another folder",
        folder.display(),
        pid.map_or("another process".into(), |pid| format!("process {pid}"))
    )]
    Locked {
        /// The journal's folder.
        folder: PathBuf,
        /// Who holds it, where it could be told.
        pid: Option<u32>,
    },
    /// The disk or the quota is full. Nothing is lost: free space and commit again.
    #[error("no space left for {}: free some; the batch is kept and can be committed again",
        path.display())]
    NoSpace {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder is read-only or belongs to somebody else.
    #[error("{} cannot be written ({source}): check its owner, its mode and the mount",
        path.display())]
    NotWritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system could not do it.
    #[error("cannot {doing} {}: {source}; check the disk and the kernel's log", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system could not say that what was written is on the disk. The kernel may have dropped
    /// it, so this journal stops: what is on the disk is known again after the next open.
    #[error(
        "{} may not have reached the disk ({source}): the journal has stopped; check the disk \
         and open it again",
        path.display()
    )]
    SyncFailed {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A sync had failed before.
    #[error("the journal has stopped, because a sync failed: open it again")]
    Stopped,
    /// The journal is not as it was written.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The payload is longer than a record can be.
    #[error("a payload of {bytes} bytes does not fit: at most {bytes_max}")]
    TooLarge {
        /// Bytes of the payload.
        bytes: usize,
        /// Most bytes.
        bytes_max: usize,
    },
    /// The batch is full.
    #[error("the batch is full with {bytes} bytes: commit, then append again")]
    Full {
        /// Bytes buffered.
        bytes: usize,
    },
    /// The kind is reserved for commit records.
    #[error("kind 0xFFFF is the commit record's: choose another")]
    ReservedKind,
}

impl JournalError {
    /// An error of the system while `doing` something with `path`.
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> JournalError {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                JournalError::NoSpace { path, source }
            }
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                JournalError::NotWritable { path, source }
            }
            _ => JournalError::Io { doing, path, source },
        }
    }

    /// After a failed [`commit`](crate::Journal::commit): whether the batch is kept, so that the
    /// same commit may be tried again.
    pub fn is_retriable(&self) -> bool {
        use JournalError::{Io, NoSpace, NotWritable};
        matches!(self, NoSpace { .. } | NotWritable { .. } | Io { .. })
    }
}
