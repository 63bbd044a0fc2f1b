//! The files of a journal: their names, how one is made and opened.

use crate::damage::{Damage, DamageKind};
use crate::error::JournalError;
use crate::format::{HEADER_BYTES, Header};
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const PREFIX: &str = "journal-";
const SUFFIX: &str = ".tcj";
/// A segment that is being made; it gets its name when its header is on the disk.
const UNFINISHED: &str = ".tcj.new";
const DIGITS: usize = 20;

/// An open segment.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    pub(crate) header: Header,
    /// Bytes of the file when it was opened.
    pub(crate) length: u64,
}

/// What an open segment may be used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    Read,
    Write,
}

/// The path of the segment whose first record has this sequence.
pub(crate) fn path(folder: &Path, first_sequence: u64) -> PathBuf {
    folder.join(format!("{PREFIX}{first_sequence:0DIGITS$}{SUFFIX}"))
}

fn damage(path: &Path, sequence: u64, kind: DamageKind) -> JournalError {
    Damage { file: path.to_path_buf(), offset: 0, sequence, kind }.into()
}

/// The first sequences of the segments in a folder, in order. Other files are not looked at.
pub(crate) fn list(folder: &Path) -> Result<Vec<u64>, JournalError> {
    let failed = |source| JournalError::io("list", folder, source);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let Some(name) = name.to_str() else { continue };
        let Some(number) = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX))
        else {
            continue;
        };
        let digits = number.len() == DIGITS && number.bytes().all(|byte| byte.is_ascii_digit());
        match number.parse() {
            Ok(first) if digits => found.push(first),
            _ => return Err(damage(&folder.join(name), 0, DamageKind::NotASegment)),
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Removes what a crash left of a segment that was being made; it never held a record.
pub(crate) fn remove_unfinished(folder: &Path) -> Result<(), JournalError> {
    let failed = |source| JournalError::io("list", folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.starts_with(PREFIX) && name.ends_with(UNFINISHED) {
            let path = folder.join(name);
            fs::remove_file(&path).map_err(|source| JournalError::io("remove", &path, source))?;
        }
    }
    Ok(())
}

/// Reserves `size` bytes, which read as zeros where nothing was written.
pub(crate) fn reserve(file: &File, size: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, size) {
        // Not every file system can; then a full disk shows with the write.
        Err(error) if error == rustix::io::Errno::OPNOTSUPP => file.set_len(size),
        other => Ok(other?),
    }
}

/// Writes the entries of a folder to the disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

impl Segment {
    /// Opens a segment and looks at its header and length.
    pub(crate) fn open(
        folder: &Path,
        first_sequence: u64,
        access: Access,
    ) -> Result<Segment, JournalError> {
        let path = path(folder, first_sequence);
        let failed = |source| JournalError::io("open", &path, source);
        // A pipe or a device would block or have no end.
        if !fs::symlink_metadata(&path).map_err(failed)?.is_file() {
            return Err(damage(&path, first_sequence, DamageKind::NotASegment));
        }
        let write = access == Access::Write;
        let file = OpenOptions::new().read(true).write(write).open(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut bytes = [0; HEADER_BYTES];
        if length < HEADER_BYTES as u64 {
            return Err(damage(&path, first_sequence, DamageKind::Header));
        }
        file.read_exact_at(&mut bytes, 0).map_err(failed)?;
        let Some(header) = Header::decode(&bytes) else {
            let version = Header::other_version(&bytes);
            let kind = version.map_or(DamageKind::Header, DamageKind::Version);
            return Err(damage(&path, first_sequence, kind));
        };
        if header.first_sequence != first_sequence {
            return Err(damage(&path, first_sequence, DamageKind::Name));
        }
        if length > header.size {
            let kind = DamageKind::Length { found: length, expected: header.size };
            let file = path.clone();
            return Err(Damage { file, offset: header.size, sequence: first_sequence, kind }.into());
        }
        Ok(Segment { file, path, header, length })
    }

    /// Makes a segment. It appears under its name only when its header and its size are on the
    /// disk, so that no crash leaves half of one.
    ///
    /// # Errors
    ///
    /// [`JournalError::SyncFailed`] when the segment is there and may not be after a crash; after
    /// any other error nothing is there.
    pub(crate) fn create(folder: &Path, header: Header) -> Result<Segment, JournalError> {
        let path = path(folder, header.first_sequence);
        let new = path.with_extension("tcj.new");
        let file = Segment::prepare(&new, &header)
            .and_then(|file| fs::rename(&new, &path).map(|()| file))
            .map_err(|source| {
                // It holds space that may be what is missing; the next open removes it otherwise.
                let _ = fs::remove_file(&new);
                JournalError::io("make", &path, source)
            })?;
        sync_folder(folder)
            .map_err(|source| JournalError::SyncFailed { path: folder.to_path_buf(), source })?;
        Ok(Segment { file, path, header, length: header.size })
    }

    fn prepare(path: &Path, header: &Header) -> io::Result<File> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).open(path)?;
        reserve(&file, header.size)?;
        file.write_all_at(&header.encode(), 0)?;
        file.sync_all()?;
        Ok(file)
    }
}
