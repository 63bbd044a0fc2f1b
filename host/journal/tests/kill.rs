//! A process that writes as quickly as it can is killed at any moment: what it said was committed
//! is there.

mod harness;

use harness::{append, is_root, record};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tercel_journal::{Config, Journal, JournalError, Reader, Sync};
use tercel_types::Nanos;

const FOLDER: &str = "TERCEL_JOURNAL_KILLED";
const POLICY: &str = "TERCEL_JOURNAL_SYNC";
const SEGMENT_BYTES: u64 = 256 << 10;

fn config(folder: &Path, sync: Sync) -> Config {
    Config { folder: folder.to_path_buf(), segment_bytes: SEGMENT_BYTES, sync }
}

/// The other process; without the folder in its environment it is a test that does nothing.
#[test]
fn writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let sync = match std::env::var(POLICY).as_deref() {
        Ok("each") => Sync::EachCommit,
        Ok("every") => Sync::Every(Duration::from_nanos(50)),
        _ => Sync::Never,
    };
    let (mut journal, _) = Journal::open(config(folder.as_ref(), sync), Nanos(1)).unwrap();
    let mut out = std::io::stdout().lock();
    for batch in 1.. {
        // Without syncs most of the time is spent in writes, and large ones can be cut.
        for _ in 0..1 + batch % if sync == Sync::Never { 1500 } else { 97 } {
            append(&mut journal).unwrap();
        }
        let done = journal.commit(Nanos(batch)).unwrap();
        if sync == Sync::EachCommit {
            assert_eq!(done.synced_sequence, done.sequence);
        }
        writeln!(out, "committed {}", done.sequence).unwrap();
    }
}

/// The highest sequence that the process said was committed before it was killed after `wait`.
fn kill_after(folder: &Path, policy: &str, wait: Duration) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writes_until_it_is_killed", "--nocapture"])
        .env(FOLDER, folder)
        .env(POLICY, policy)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    // The harness may have something to say before.
    let said = |line: String| line.rsplit_once("committed ")?.1.parse::<u64>().ok();
    let reader = std::thread::spawn(move || {
        let mut highest = 0;
        let mut pending = Vec::new();
        for piece in out.split(b'\n') {
            // A line counts when it is whole, that is when another piece follows.
            if let Some(sequence) = said(String::from_utf8_lossy(&pending).into_owned()) {
                highest = sequence;
            }
            pending = piece.unwrap();
        }
        highest
    });
    std::thread::sleep(wait);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn what_was_committed_outlives_a_hundred_kills() {
    // The moment is random anyway: no seed would bring it back.
    let random = |below: u64| RandomState::new().hash_one(below) % below;
    let (mut kills, mut cuts, mut committed) = (0, 0, 0);
    while kills < 100 {
        let folder = tempfile::tempdir().unwrap();
        let mut next = 1;
        for policy in ["each", "never", "every", "each", "never"] {
            let wait = Duration::from_micros(2_000 + random(40_000));
            let said = kill_after(folder.path(), policy, wait);
            kills += 1;
            let sync = Sync::EachCommit;
            let (mut journal, recovery) =
                Journal::open(config(folder.path(), sync), Nanos(1)).unwrap();
            assert!(recovery.next_sequence > said, "{said} was committed, {recovery:?}");
            assert!(recovery.next_sequence >= next);
            cuts += u64::from(recovery.cut.is_some());
            append(&mut journal).unwrap();
            let done = journal.close(Nanos(1)).unwrap();
            assert_eq!(done.synced_sequence, done.sequence);
            let found = tercel_journal::verify(folder.path(), Some(done.chain), |_, _| ()).unwrap();
            assert_eq!((found.records, found.torn), (done.sequence, None));
            committed += done.sequence + 1 - next;
            next = done.sequence + 1;
        }
        let mut count = 0;
        for found in Reader::open(folder.path()).unwrap() {
            count += 1;
            assert_eq!(found.unwrap(), record(count));
        }
        assert_eq!(count + 1, next);
    }
    println!("{kills} kills, {committed} records, {cuts} torn tails");
    assert!(committed > kills, "the process was killed before it wrote anything");
}

#[test]
fn a_second_writer_is_told_who_writes() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Journal::open(config(folder.path(), Sync::Never), Nanos(1));
    let (journal, _) = open().unwrap();
    let error = open().unwrap_err();
    assert!(error.to_string().contains(&format!("process {}:", std::process::id())), "{error}");
    let JournalError::Locked { pid, .. } = error else { panic!("{error}") };
    assert_eq!(pid, Some(std::process::id()));
    drop(journal);
    open().unwrap();
}

#[test]
fn a_full_disk_keeps_the_batch_until_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_mount) = harness::Mount::tmpfs(folder.path(), "size=1M") else {
        println!("skipped: a small file system takes root and the right to mount");
        return;
    };
    let filler = folder.path().join("filler");
    std::fs::write(&filler, vec![1; 300 << 10]).unwrap();
    let (mut journal, _) =
        Journal::open(config(folder.path(), Sync::EachCommit), Nanos(1)).unwrap();
    let mut failed = 0;
    while failed < 3 {
        append(&mut journal).unwrap();
        match journal.commit(Nanos(1)) {
            Ok(done) => assert_eq!(done.synced_sequence, journal.next_sequence() - 1),
            Err(error) => {
                assert!(matches!(error, JournalError::NoSpace { .. }), "{error}");
                assert!(error.is_retriable());
                failed += 1;
            }
        }
    }
    assert_eq!(journal.committed_sequence() + 4, journal.next_sequence());
    let before = tercel_journal::verify(folder.path(), None, |_, _| ()).unwrap();
    assert_eq!((before.records, before.torn), (journal.committed_sequence(), None));

    std::fs::remove_file(filler).unwrap();
    let done = journal.close(Nanos(1)).unwrap();
    assert_eq!((done.records, done.sequence), (3, before.records + 3));
    let all: Vec<_> = Reader::open(folder.path()).unwrap().map(|found| found.unwrap()).collect();
    assert_eq!(all, (1..=done.sequence).map(record).collect::<Vec<_>>());
    tercel_journal::verify(folder.path(), Some(done.chain), |_, _| ()).unwrap();
}

#[test]
fn a_read_only_folder_is_refused_and_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Journal::open(config(folder.path(), Sync::EachCommit), Nanos(1));
    let write = || {
        let (mut journal, _) = open().unwrap();
        append(&mut journal).unwrap();
        journal.close(Nanos(1)).unwrap();
    };
    let _mount = if is_root() {
        let Some(mount) = harness::Mount::tmpfs(folder.path(), "size=1M") else {
            println!("skipped: this root may not mount, and no mode keeps root from writing");
            return;
        };
        write();
        mount.remount("ro");
        Some(mount)
    } else {
        write();
        for path in harness::segments(folder.path())
            .iter()
            .chain([&folder.path().join("journal.lock"), &folder.path().to_path_buf()])
        {
            let mut permissions = std::fs::metadata(path).unwrap().permissions();
            permissions.set_readonly(true);
            std::fs::set_permissions(path, permissions).unwrap();
        }
        None
    };
    let error = open().unwrap_err();
    assert!(matches!(error, JournalError::NotPermitted { .. }), "{error}");
    assert_eq!(Reader::open(folder.path()).unwrap().count(), 1);
    assert_eq!(tercel_journal::verify(folder.path(), None, |_, _| ()).unwrap().records, 1);
}
