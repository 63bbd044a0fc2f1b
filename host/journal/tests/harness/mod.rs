//! Journals of tests, and the list of records that they should hold.

#![allow(dead_code)]

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use tercel_journal::{Config, Journal, JournalError, Reader, Record, Sync, Verified};
use tercel_types::Nanos;

/// A folder in memory where there is such: tests that open a thousand journals would wait for the
/// disk most of the time.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A configuration that leaves the disk to the kernel.
pub(crate) fn config(folder: &Path, segment_bytes: u64) -> Config {
    Config { folder: folder.to_path_buf(), segment_bytes, sync: Sync::Never }
}

/// Opens a journal that has nothing to cut.
pub(crate) fn open(folder: &Path, segment_bytes: u64) -> Journal {
    let (journal, recovery) = Journal::open(config(folder, segment_bytes), Nanos(1)).unwrap();
    assert_eq!(recovery.cut, None);
    journal
}

/// Everything a reader shows.
pub(crate) fn records(folder: &Path) -> Result<Vec<Record>, JournalError> {
    Reader::open(folder)?.collect()
}

/// Verifies without an expected chain value.
pub(crate) fn verify(folder: &Path) -> Result<Verified, JournalError> {
    tercel_journal::verify(folder, None, |_, _| ())
}

/// The record of this sequence that tests append: all of it follows from the sequence.
pub(crate) fn record(sequence: u64) -> Record {
    let mix = sequence.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let payload = (0..mix >> 57).map(|at| (mix >> (at % 56)) as u8 | 1).collect();
    Record { sequence, stamp: Nanos(1000 + sequence), kind: (mix >> 49) as u16 & 0xFF, payload }
}

/// Appends the record that is next.
pub(crate) fn append(journal: &mut Journal) -> Result<u64, JournalError> {
    let Record { stamp, kind, payload, .. } = record(journal.next_sequence());
    journal.append(kind, stamp, &payload)
}

/// The files of a journal, in order.
pub(crate) fn segments(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "tcj")).collect();
    paths.sort();
    paths
}

/// Writes bytes into a file.
pub(crate) fn patch(path: &Path, offset: u64, bytes: &[u8]) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(bytes, offset).unwrap();
}

/// Copies the files of a journal into another folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in segments(from) {
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// Whether this process may mount.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|of| std::os::unix::fs::MetadataExt::uid(&of) == 0)
}

/// A small file system of its own on a folder, taken off when dropped.
pub(crate) struct Mount(PathBuf);

impl Mount {
    /// Mounts a tmpfs with these options; `None` where that is not possible.
    pub(crate) fn tmpfs(on: &Path, options: &str) -> Option<Mount> {
        let mut command = std::process::Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(on);
        let is_done = is_root() && command.status().is_ok_and(|status| status.success());
        is_done.then(|| Mount(on.to_path_buf()))
    }

    /// Takes away the right to write, or gives it back.
    pub(crate) fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let mut command = std::process::Command::new("mount");
        assert!(command.args(["-o", &options]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
