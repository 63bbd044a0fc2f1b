//! The journal against a list of records: whatever is done to it, it holds the same.

mod harness;

use harness::{append, config, open, record, records, segments, verify};
use proptest::prelude::*;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use tercel_journal::{Journal, JournalError, Reader, Record};
use tercel_types::Nanos;

#[derive(Clone, Debug)]
enum Step {
    Append(u16, Vec<u8>),
    Commit,
    /// Dropped without a commit, then opened with this size of segments.
    Reopen(u64),
    Close,
    /// The beginning of a batch is left after the end, this share of it.
    Tear(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let payload = prop_oneof![
        9 => proptest::collection::vec(any::<u8>(), 0..200),
        1 => (0..3000_usize, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
    ];
    prop_oneof![
        12 => (0..u16::MAX, payload).prop_map(|(kind, payload)| Step::Append(kind, payload)),
        6 => Just(Step::Commit),
        1 => prop_oneof![Just(4096), Just(8192), Just(1 << 16)].prop_map(Step::Reopen),
        1 => Just(Step::Close),
        1 => any::<u8>().prop_map(Step::Tear),
    ]
}

/// The batch that would come next, as bytes: written to another journal with the same past.
fn torn_write(folder: &std::path::Path, share: u8) {
    let spare = harness::folder();
    harness::copy(folder, spare.path());
    let last = segments(folder).pop().unwrap();
    let before = fs::read(&last).unwrap();
    let mut journal = open(spare.path(), 1 << 16);
    for _ in 0..3 {
        append(&mut journal).unwrap();
    }
    journal.commit(Nanos(7)).unwrap();
    let after = fs::read(spare.path().join(last.file_name().unwrap())).unwrap();
    let Some(from) = before.iter().zip(&after).position(|(before, after)| before != after) else {
        return; // it went into the next segment
    };
    let to = after.iter().rposition(|byte| *byte != 0).unwrap();
    let cut = from + (to - from) * usize::from(share) / 256;
    let file = OpenOptions::new().write(true).open(&last).unwrap();
    file.write_all_at(&after[from..cut], from as u64).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_holds_what_was_committed(steps in proptest::collection::vec(step(), 1..120)) {
        let folder = harness::folder();
        let folder = folder.path();
        let mut size = 4096;
        let mut journal = open(folder, size);
        let mut follower = Reader::open(folder).unwrap();
        let mut seen = Vec::new();
        let mut committed: Vec<Record> = Vec::new();
        let mut buffered: Vec<Record> = Vec::new();
        let mut chain = journal.chain();
        for step in steps {
            match step {
                Step::Append(kind, payload) => {
                    let sequence = (committed.len() + buffered.len()) as u64 + 1;
                    let stamp = Nanos(sequence * 3);
                    match journal.append(kind, stamp, &payload) {
                        Ok(given) => {
                            prop_assert_eq!(given, sequence);
                            buffered.push(Record { sequence, stamp, kind, payload });
                        }
                        Err(JournalError::Full { .. }) => prop_assert!(!buffered.is_empty()),
                        Err(JournalError::TooLarge { bytes_max, .. }) => {
                            prop_assert!(payload.len() > bytes_max);
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                Step::Commit => {
                    let done = journal.commit(Nanos(5)).unwrap();
                    prop_assert_eq!(done.records as usize, buffered.len());
                    committed.append(&mut buffered);
                    prop_assert_eq!(done.sequence, committed.len() as u64);
                    chain = done.chain;
                    seen.extend(follower.by_ref().map(|record| record.unwrap()));
                    prop_assert_eq!(&seen, &committed);
                }
                Step::Reopen(new) => {
                    drop(journal);
                    buffered.clear();
                    size = new;
                    journal = open(folder, size);
                    prop_assert_eq!(journal.chain(), chain);
                }
                Step::Close => {
                    chain = journal.close(Nanos(6)).unwrap().chain;
                    committed.append(&mut buffered);
                    journal = open(folder, size);
                }
                Step::Tear(share) => {
                    drop(journal);
                    buffered.clear();
                    torn_write(folder, share);
                    let torn = verify(folder).unwrap().torn;
                    prop_assert_eq!(records(folder).unwrap(), &committed[..]);
                    let (opened, recovery) = Journal::open(config(folder, size), Nanos(1)).unwrap();
                    prop_assert_eq!(recovery.cut, torn);
                    prop_assert_eq!(recovery.next_sequence, committed.len() as u64 + 1);
                    journal = opened;
                }
            }
        }
        let found = tercel_journal::verify(folder, Some(chain), |_, _| ()).unwrap();
        prop_assert_eq!(found.records, committed.len() as u64);
        prop_assert_eq!(found.first.map(|at| at.sequence), committed.first().map(|_| 1));
        prop_assert_eq!(found.last.map(|at| at.stamp), committed.last().map(|last| last.stamp));
        prop_assert_eq!((found.torn, found.chain), (None, journal.chain()));
        prop_assert_eq!(found.segments as usize, segments(folder).len());
        prop_assert_eq!(&records(folder).unwrap(), &committed);
        for start in 1..=committed.len() as u64 + 1 {
            let mut from = Reader::starting_at(folder, start).unwrap();
            prop_assert_eq!(from.next().map(|record| record.unwrap().sequence),
                (start <= committed.len() as u64).then_some(start));
        }
        seen.extend(follower.map(|record| record.unwrap()));
        prop_assert_eq!(seen, committed);
    }
}

/// A journal of two segments whose last ends with a batch of several records; the files' bytes, and
/// where each batch of the last segment ends with how many records there are then.
fn small(folder: &std::path::Path) -> Vec<(u64, u64)> {
    let mut journal = open(folder, 4096);
    let mut ends = Vec::new();
    while segments(folder).len() < 2 || ends.len() < 4 {
        for _ in 0..3 {
            append(&mut journal).unwrap();
        }
        journal.commit(Nanos(9)).unwrap();
        let files = segments(folder);
        if files.len() == 2 {
            let bytes = fs::read(&files[1]).unwrap();
            let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1;
            ends.push((end.next_multiple_of(8), journal.committed_sequence()));
        }
    }
    ends
}

#[test]
fn the_last_segment_cut_at_every_byte_keeps_every_whole_batch() {
    let original = harness::folder();
    let ends = small(original.path());
    let (end, _) = *ends.last().unwrap();
    let first = 128;
    let before = {
        let all = records(original.path()).unwrap();
        let name = segments(original.path())[1].file_stem().unwrap().to_str().unwrap().to_string();
        let begins: u64 = name.trim_start_matches("journal-").parse().unwrap();
        assert!(all.len() as u64 > begins);
        begins - 1
    };
    for is_short in [false, true] {
        for cut in first..=end {
            let folder = harness::folder();
            let folder = folder.path();
            harness::copy(original.path(), folder);
            let last = segments(folder).pop().unwrap();
            let file = OpenOptions::new().write(true).open(&last).unwrap();
            file.set_len(cut).unwrap();
            if !is_short {
                file.set_len(4096).unwrap();
            }
            let kept = ends.iter().rev().find(|(end, _)| *end <= cut);
            let (kept_end, kept) = kept.copied().unwrap_or((first, before));
            let said = verify(folder).unwrap();
            let (mut journal, recovery) = Journal::open(config(folder, 4096), Nanos(1)).unwrap();
            assert_eq!((said.torn, kept + 1), (recovery.cut.clone(), recovery.next_sequence));
            if let Some(torn) = &recovery.cut {
                assert_eq!((&torn.file, torn.offset), (&last, kept_end), "cut at {cut}");
                assert!(torn.bytes <= cut - kept_end && torn.records <= 3, "{torn:?}");
            } else {
                // Bytes of the next batch that are zero may be missing without a trace.
                assert!(!is_short && (cut == kept_end), "cut at {cut} of {kept_end}");
            }
            append(&mut journal).unwrap();
            journal.commit(Nanos(3)).unwrap();
            let expected: Vec<Record> = (1..=kept + 1).map(record).collect();
            assert_eq!(records(folder).unwrap(), expected, "cut at {cut}");
            assert_eq!(verify(folder).unwrap().torn, None);
            assert_eq!(fs::metadata(&last).unwrap().len(), 4096);
        }
    }
}
