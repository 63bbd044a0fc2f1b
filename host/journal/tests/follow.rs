//! A reader beside a writer.

mod harness;

use harness::{append, config, record};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use tercel_journal::{Journal, Reader};
use tercel_types::Nanos;

#[test]
fn readers_that_follow_see_each_committed_record_once_and_verify_sees_no_damage() {
    const RECORDS: u64 = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Before there is a journal.
    let early = Reader::open(folder).unwrap();
    let late = Reader::starting_at(folder, RECORDS / 2).unwrap();
    let done = AtomicU64::new(0);
    let follow = |mut reader: Reader, first: u64| {
        let mut next = first;
        while next <= RECORDS {
            // What was committed before the end was seen must have been shown.
            // pairs with the writer's store after each commit
            let committed = done.load(Ordering::Acquire);
            for found in reader.by_ref() {
                assert_eq!(found.unwrap(), record(next));
                next += 1;
            }
            assert!(next > committed || committed < first, "{next} after {committed}");
            thread::yield_now();
        }
        assert!(reader.next().is_none());
    };
    thread::scope(|scope| {
        scope.spawn(|| follow(early, 1));
        scope.spawn(|| follow(late, RECORDS / 2));
        scope.spawn(|| {
            let mut shown = 0;
            while shown < RECORDS {
                let found = harness::verify(folder).unwrap();
                assert!(found.records >= shown);
                shown = found.records;
            }
        });
        let (mut journal, _) = Journal::open(config(folder, 128 << 10), Nanos(1)).unwrap();
        for batch in 0.. {
            for _ in 0..1 + batch * 31 % 500 {
                if journal.next_sequence() <= RECORDS {
                    append(&mut journal).unwrap();
                }
            }
            let committed = journal.commit(Nanos(batch)).unwrap();
            // pairs with the readers' loads
            done.store(committed.sequence, Ordering::Release);
            if committed.sequence == RECORDS {
                break;
            }
        }
    });
    assert!(harness::segments(folder).len() > 5);
}

#[test]
fn what_is_not_committed_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = harness::open(folder.path(), 4096);
    let mut reader = Reader::open(folder.path()).unwrap();
    append(&mut journal).unwrap();
    assert!(reader.next().is_none());
    journal.commit(Nanos(1)).unwrap();
    append(&mut journal).unwrap();
    assert_eq!(reader.next().unwrap().unwrap(), record(1));
    assert!(reader.next().is_none());
    drop(journal);
    let mut journal = harness::open(folder.path(), 4096);
    assert_eq!(append(&mut journal).unwrap(), 2);
    journal.commit(Nanos(1)).unwrap();
    assert_eq!(reader.next().unwrap().unwrap(), record(2));
}
