//! One file, written in large aligned pieces.
//!
//! With `O_DIRECT` neither the copy into the page cache nor its write-back disturbs anybody else on
//! the machine, but memory, place and length of each write have to be whole blocks; 4 KiB is what
//! every device takes. The last piece is padded, and the file then cut to its length.

use rustix::fs::{FallocateFlags, OFlags, fallocate, fcntl_getfl, fcntl_setfl};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Pages of the buffer: 1 MiB, at which disks reach their rate.
const PAGES: usize = 256;
const PAGE: usize = 4_096;
/// Room taken ahead of what is written.
const AHEAD: u64 = 64 << 20;

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(4096))]
struct Page([u8; PAGE]);

/// A file in progress; its name ends in `.part` until it is whole.
pub(super) struct DirectFile {
    file: File,
    path: PathBuf,
    buffer: Vec<Page>,
    filled: usize,
    flushed: u64,
    allocated: Option<u64>,
    rotate_bytes: u64,
    direct: bool,
}

impl DirectFile {
    /// Creates it. `path` is what it is called once it is whole; `rotate_bytes` is about what will
    /// be written.
    pub(super) fn create(path: PathBuf, rotate_bytes: u64) -> io::Result<DirectFile> {
        let part = part(&path);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let mut direct = options.clone();
        direct.custom_flags(OFlags::DIRECT.bits().cast_signed());
        let (file, direct) = match direct.open(&part) {
            Ok(file) => (file, true),
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                // A file system without it may have made the file before it refused.
                let _ = std::fs::remove_file(&part);
                (options.open(&part)?, false)
            }
            Err(error) => return Err(error),
        };
        let buffer = vec![Page([0; PAGE]); PAGES];
        let allocated = Some(0);
        Ok(DirectFile {
            file,
            path,
            buffer,
            filled: 0,
            flushed: 0,
            allocated,
            rotate_bytes,
            direct,
        })
    }

    /// It goes past the page cache.
    pub(super) fn is_direct(&self) -> bool {
        self.direct
    }

    /// Room is taken ahead.
    pub(super) fn is_preallocated(&self) -> bool {
        self.allocated.is_some()
    }

    /// Bytes appended.
    pub(super) fn len(&self) -> u64 {
        self.flushed + self.filled as u64
    }

    /// Bytes that the system has taken.
    pub(super) fn flushed(&self) -> u64 {
        self.flushed
    }

    /// What it is called once it is whole.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends bytes, and writes each full buffer.
    pub(super) fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let space = &mut self.buffer.as_mut_bytes()[self.filled..];
            let (now, later) = bytes.split_at(bytes.len().min(space.len()));
            space[..now.len()].copy_from_slice(now);
            self.filled += now.len();
            bytes = later;
            if self.filled == PAGES * PAGE {
                self.flush(PAGES * PAGE)?;
                self.flushed += self.filled as u64;
                self.filled = 0;
            }
        }
        Ok(())
    }

    fn flush(&mut self, len: usize) -> io::Result<()> {
        self.take_room(self.flushed + len as u64);
        let bytes = &self.buffer.as_bytes()[..len];
        match self.file.write_all(bytes) {
            // Some file systems refuse only at the first write.
            Err(error) if error.kind() == ErrorKind::InvalidInput && self.direct => {
                let flags = fcntl_getfl(&self.file)?;
                fcntl_setfl(&self.file, flags - OFlags::DIRECT)?;
                self.direct = false;
                self.file.write_all(bytes)
            }
            other => other,
        }
    }

    /// Takes room up to `end` and some more. A system that cannot or will not is asked once:
    /// writing then says whether there is room.
    fn take_room(&mut self, end: u64) {
        while let Some(allocated) = self.allocated
            && allocated < end
        {
            let step = AHEAD.min(self.rotate_bytes.next_multiple_of(PAGE as u64));
            let taken = fallocate(&self.file, FallocateFlags::KEEP_SIZE, allocated, step);
            self.allocated = taken.is_ok().then_some(allocated + step);
        }
    }

    /// Writes what is left and gives the file its name.
    pub(super) fn finish(mut self) -> Result<PathBuf, (DirectFile, io::Error)> {
        match self.end() {
            Ok(()) => Ok(self.path),
            Err(error) => Err((self, error)),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        let padded = self.filled.next_multiple_of(PAGE);
        self.buffer.as_mut_bytes()[self.filled..padded].fill(0);
        if padded > 0 {
            self.flush(padded)?;
        }
        self.settle(self.len())
    }

    /// Gives up: keeps the first `whole` bytes of what the system has taken, or nothing. Returns
    /// the name of what is kept.
    pub(super) fn cut(mut self, whole: u64) -> Option<PathBuf> {
        let kept = whole > 0 && self.settle(whole).is_ok();
        if !kept {
            let _ = std::fs::remove_file(part(&self.path));
        }
        kept.then_some(self.path)
    }

    fn settle(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        self.file.sync_all()?;
        std::fs::rename(part(&self.path), &self.path)
    }
}

fn part(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}
