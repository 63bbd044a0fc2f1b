//! Memory shared with other processes, seen as 64-bit atomics. The only unsafe file of this crate.
//!
//! Everything goes through atomics, because another process may write any word at any time. What
//! this cannot defend against is a process that shortens the file of a live mapping: an access
//! behind the new end kills the reader with SIGBUS. Files are therefore never shortened here; a new
//! one is made under another name and moved into place, and who has the old one keeps it.

use memmap2::{MmapOptions, MmapRaw};
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::AtomicU64;

/// Bytes written at a time when a file is filled.
const CHUNK: usize = 1 << 16;

/// A mapping of whole words.
#[derive(Debug)]
pub(crate) struct Mapping {
    raw: MmapRaw,
    words: usize,
}

/// A file that is being made: mapped, not yet under its name.
pub(crate) struct Draft {
    /// Its content.
    pub(crate) mapping: Mapping,
    file: File,
    draft: OsString,
}

impl Mapping {
    /// Zeroed memory that no other process sees.
    pub(crate) fn anonymous(words: usize) -> io::Result<Mapping> {
        let bytes = words.checked_mul(8).ok_or(io::ErrorKind::OutOfMemory)?;
        let map = MmapOptions::new().len(bytes.max(8)).populate().map_anon()?;
        Ok(Mapping { raw: MmapRaw::from(map), words })
    }

    /// Maps the first `words` words of an open file for reading and writing, all pages present at
    /// once. The file must be that long.
    pub(crate) fn of_file(file: &File, words: usize) -> io::Result<Mapping> {
        let bytes = words.checked_mul(8).ok_or(io::ErrorKind::OutOfMemory)?;
        if file.metadata()?.len() < bytes as u64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let raw = MmapOptions::new().len(bytes.max(8)).populate().map_raw(file)?;
        Ok(Mapping { raw, words })
    }

    /// As [`Mapping::of_file`], for reading only: the caller makes relaxed loads and no other
    /// access, which are the ones that Rust promises to work on read-only memory.
    pub(crate) fn read_only(file: &File, words: usize) -> io::Result<Mapping> {
        let bytes = words.checked_mul(8).ok_or(io::ErrorKind::OutOfMemory)?;
        if file.metadata()?.len() < bytes as u64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let raw = MmapOptions::new().len(bytes.max(8)).map_raw_read_only(file)?;
        Ok(Mapping { raw, words })
    }

    /// The words, each an atomic.
    #[inline]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        // SAFETY: a mapping begins at a page, so it is aligned to 8; it is `words * 8` bytes long
        // at least, readable, and lives as long as `self`; who asked for a read-only one makes
        // relaxed loads only. AtomicU64 has the layout of u64, every bit pattern is a value, and no
        // reference to these bytes that is not to an atomic is ever made, in this process or, by
        // the layouts' rules, in another.
        unsafe { std::slice::from_raw_parts(self.raw.as_mut_ptr().cast::<AtomicU64>(), self.words) }
    }
}

impl Draft {
    /// Makes a file of `words` zeros beside `path`, which another program that has locked the file
    /// at `path` prevents with `WouldBlock`. The zeros are written, not left out, so that a full
    /// file system is an error here and not a SIGBUS later.
    pub(crate) fn new(path: &Path, words: usize) -> io::Result<Draft> {
        if let Ok(existing) = File::open(path) {
            match existing.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        let mut draft = path.as_os_str().to_owned();
        draft.push(format!(".{}", std::process::id()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let mut file = options.open(&draft)?;
        let filled = fill(&mut file, words).and_then(|()| Mapping::of_file(&file, words));
        match filled {
            Ok(mapping) => Ok(Draft { mapping, file, draft }),
            Err(error) => {
                // Best effort: the error that is reported is the one that led here.
                let _ = std::fs::remove_file(&draft);
                Err(error)
            }
        }
    }

    /// Locks the file for as long as the returned handle lives and moves it to `path`.
    pub(crate) fn publish(self, path: &Path) -> io::Result<(Mapping, File)> {
        self.file.try_lock().map_err(io::Error::from)?;
        std::fs::rename(&self.draft, path)?;
        Ok((self.mapping, self.file))
    }
}

fn fill(file: &mut File, words: usize) -> io::Result<()> {
    let zeros = [0; CHUNK];
    let mut left = words.checked_mul(8).ok_or(io::ErrorKind::OutOfMemory)?;
    while left > 0 {
        let some = left.min(CHUNK);
        file.write_all(&zeros[..some])?;
        left -= some;
    }
    Ok(())
}
