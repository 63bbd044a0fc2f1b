use super::*;
use crate::{Reader, verify};
use std::fs::{File, OpenOptions};
use std::path::Path;

fn config(folder: &Path) -> Config {
    Config { folder: folder.to_path_buf(), segment_bytes: 4096, sync: Sync::Never }
}

fn open(folder: &Path) -> Journal {
    Journal::open(config(folder), Nanos(1)).unwrap().0
}

fn payloads(folder: &Path) -> Vec<Vec<u8>> {
    Reader::open(folder).unwrap().map(|record| record.unwrap().payload).collect()
}

/// Puts a file in the place of the journal's, which the kernel then refuses to write to.
fn break_file(journal: &mut Journal) -> File {
    let full = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
    std::mem::replace(&mut journal.segment.file, full)
}

#[test]
fn a_commit_that_fails_is_tried_again_and_nothing_is_lost_or_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(folder.path());
    journal.append(1, Nanos(1), b"first").unwrap();
    journal.commit(Nanos(1)).unwrap();
    journal.append(1, Nanos(2), b"second").unwrap();

    let file = break_file(&mut journal);
    for _ in 0..2 {
        let error = journal.commit(Nanos(2)).unwrap_err();
        assert!(matches!(error, JournalError::NoSpace { .. }), "{error}");
        assert!(error.is_retriable());
    }
    // What a write that was cut short leaves.
    file.write_all_at(&journal.batch[..9], journal.end).unwrap();
    journal.segment.file = file;
    assert_eq!(payloads(folder.path()), [b"first"]);
    assert_eq!(journal.append(1, Nanos(3), b"third").unwrap(), 3);
    let committed = journal.commit(Nanos(3)).unwrap();
    assert_eq!((committed.sequence, committed.records), (3, 2));
    assert_eq!(payloads(folder.path()), [b"first".to_vec(), b"second".into(), b"third".into()]);
    assert_eq!(verify(folder.path(), None, |_, _| ()).unwrap().records, 3);
}

#[test]
fn what_was_half_written_is_gone_before_the_next_segment_begins() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(folder.path());
    journal.append(1, Nanos(1), &[1; 2000]).unwrap();
    journal.commit(Nanos(1)).unwrap();
    journal.append(1, Nanos(2), &[2; 1000]).unwrap();
    let file = break_file(&mut journal);
    journal.commit(Nanos(2)).unwrap_err();
    file.write_all_at(&journal.batch[..900], journal.end).unwrap();
    journal.segment.file = file;
    // Together they no longer fit the first segment.
    journal.append(1, Nanos(3), &[3; 2000]).unwrap();
    journal.commit(Nanos(3)).unwrap();
    let found = verify(folder.path(), None, |_, _| ()).unwrap();
    assert_eq!((found.segments, found.records, found.torn), (2, 3, None));
    assert_eq!(payloads(folder.path()), [vec![1; 2000], vec![2; 1000], vec![3; 2000]]);
}

#[test]
fn a_sync_that_fails_stops_the_journal_until_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(folder.path());
    journal.config.sync = Sync::EachCommit;
    journal.append(1, Nanos(1), b"first").unwrap();
    // /dev/null takes every write and no sync.
    let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
    journal.segment.file = null;
    let error = journal.commit(Nanos(1)).unwrap_err();
    assert!(matches!(error, JournalError::SyncFailed { .. }), "{error}");
    assert!(!error.is_retriable());
    assert!(matches!(journal.append(1, Nanos(1), b""), Err(JournalError::Stopped)));
    assert!(matches!(journal.commit(Nanos(1)), Err(JournalError::Stopped)));
    assert!(matches!(journal.sync(Nanos(1)), Err(JournalError::Stopped)));
    drop(journal);
    assert_eq!(open(folder.path()).append(1, Nanos(1), b"first").unwrap(), 1);
}

#[test]
fn it_is_synced_when_the_time_has_come() {
    let folder = tempfile::tempdir().unwrap();
    let sync = Sync::Every(std::time::Duration::from_nanos(100));
    let config = Config { sync, ..config(folder.path()) };
    let (mut journal, _) = Journal::open(config, Nanos(1000)).unwrap();
    let mut commit_at = |now| {
        journal.append(1, Nanos(now), b"x").unwrap();
        journal.commit(Nanos(now)).unwrap().synced_sequence
    };
    assert_eq!([1099, 1100, 1101, 900, 1199, 1200].map(&mut commit_at), [0, 2, 2, 2, 2, 6]);
    journal.append(1, Nanos(1200), b"x").unwrap();
    assert_eq!(journal.commit(Nanos(1201)).unwrap().synced_sequence, 6);
    // Nothing new, but the time has come.
    assert_eq!(journal.commit(Nanos(1300)).unwrap().synced_sequence, 7);
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(folder.path());
    assert!(matches!(journal.append(KIND_COMMIT, Nanos(1), b""), Err(JournalError::ReservedKind)));
    let bytes_max = 4096 - HEADER_BYTES - COMMIT_BYTES - HEAD_BYTES - CRC_BYTES;
    let error = journal.append(1, Nanos(1), &[0; 4096]).unwrap_err();
    let JournalError::TooLarge { bytes: 4096, bytes_max: said } = error else { panic!("{error}") };
    assert!((bytes_max - 7..=bytes_max).contains(&said), "{said} of {bytes_max}");
    journal.append(1, Nanos(1), &vec![7; said]).unwrap();
    assert!(matches!(journal.append(1, Nanos(1), b""), Err(JournalError::Full { .. })));
    assert_eq!(journal.commit(Nanos(1)).unwrap().records, 1);
    assert_eq!(journal.append(1, Nanos(1), b"").unwrap(), 2);
    journal.close(Nanos(2)).unwrap();
    assert_eq!(payloads(folder.path()), [vec![7; said], vec![]]);

    for segment_bytes in [0, 4095, 4097, crate::SEGMENT_BYTES_MAX + 8] {
        let config = Config { segment_bytes, ..config(folder.path()) };
        let error = Journal::open(config, Nanos(1)).unwrap_err();
        assert!(matches!(error, JournalError::Config { key: "segment_bytes", .. }), "{error}");
    }
}

#[test]
fn the_buffer_is_bounded_whatever_the_size_of_a_segment() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { segment_bytes: 64 << 20, ..config(folder.path()) };
    let (mut journal, _) = Journal::open(config, Nanos(1)).unwrap();
    let payload = vec![1; PAYLOAD_BYTES_MAX];
    let mut records = 0;
    let error = loop {
        match journal.append(1, Nanos(1), &payload) {
            Ok(_) => records += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, JournalError::Full { .. }), "{error}");
    assert!(journal.buffered_bytes() + COMMIT_BYTES <= crate::BATCH_BYTES_MAX);
    assert_eq!(records, (crate::BATCH_BYTES_MAX - COMMIT_BYTES) / (PAYLOAD_BYTES_MAX + 32));
    assert_eq!(journal.commit(Nanos(1)).unwrap().records, records as u32);
    assert_eq!(Reader::open(folder.path()).unwrap().count(), records);
}
