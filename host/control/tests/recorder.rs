//! The recorder over real tapes and journals: nothing lost, nothing twice.

mod entries;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use entries::{intended, named, payload};
use tercel_control::clock::ClockReader;
use tercel_control::desk::Desk;
use tercel_control::recorder::{
    DeedError, Handle, JournalWriter, KIND_DEED, KIND_ENTRY_END, KIND_MARK, KIND_START, Parts,
    Recorder, Start,
};
use tercel_engine::tape::{self, Action, Entry, TapeReader, TapeWriter};
use tercel_journal::{Config, Reader, Record, Sync};
use tercel_types::Nanos;

fn now() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Nanos(since.as_nanos() as u64)
}

fn config(folder: &Path) -> Config {
    Config { folder: folder.into(), segment_bytes: 64 << 10, sync: Sync::Never }
}

fn writer(folder: &Path) -> JournalWriter {
    JournalWriter::open(config(folder), now()).unwrap().0
}

fn start(tape: TapeReader, journal: Option<JournalWriter>) -> Handle {
    Recorder::start(Parts {
        tape,
        journal,
        desk: Desk::new("1", now()),
        start: Start { version: "1".into(), ..Start::default() },
        counters: None,
        clock: ClockReader::new("host", || None, || 0),
        now: Arc::new(now),
    })
    .unwrap()
}

fn records(folder: &Path) -> Vec<Record> {
    Reader::open(folder).unwrap().map(Result::unwrap).collect()
}

/// The numbers of the orders that were entered, in the order of the journal.
fn entered(folder: &Path) -> Vec<u64> {
    let all = records(folder);
    let entries = all.iter().filter(|record| record.kind == 2);
    entries.map(|record| u64::from_le_bytes(record.payload[16..24].try_into().unwrap())).collect()
}

fn put(tape: &mut TapeWriter, numbers: std::ops::RangeInclusive<u32>) {
    for number in numbers {
        let entry = Entry::Intended(intended(Action::Enter, number, 0, 1));
        let until = Instant::now() + Duration::from_secs(20);
        while !tape.write_entry(&entry, now()) {
            assert!(Instant::now() < until, "the tape stays full");
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn everything_on_the_tape_is_journaled_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (mut tape, reader) = tape::anonymous(1 << 13, now()).unwrap();
    let handle = start(reader, Some(writer(folder.path())));
    assert!(tape.write_entry(&named(1, b"AAPL    "), Nanos(77)));
    put(&mut tape, 1..=5_000);
    let summary = handle.stop();
    assert_eq!((summary.entries, summary.unwritten), (5_001, 0));
    assert_eq!(entered(folder.path()), (1..=5_000).collect::<Vec<u64>>());
    let all = records(folder.path());
    assert_eq!((all[0].kind, all.last().unwrap().kind), (KIND_START, KIND_MARK));
    let named_record = all.iter().find(|record| record.kind == 1).unwrap();
    assert_eq!(named_record.stamp, Nanos(77));
    assert_eq!(named_record.payload, payload(&named(1, b"AAPL    ")));
    let journal = summary.journal.unwrap();
    assert_eq!((journal.records, journal.sequence), (all.len() as u64, all.len() as u64));
    assert_eq!((journal.waiting_words, journal.trouble.as_str()), (0, ""));
}

#[test]
fn without_a_journal_the_desk_follows_and_room_is_given_back() {
    let (mut tape, reader) = tape::anonymous(1 << 13, now()).unwrap();
    let handle = start(reader, None);
    put(&mut tape, 1..=2_000);
    wait("the desk follows", || handle.desk().read().order(2_000).is_some());
    assert_eq!(handle.recorder().deed_blocking("{}".into()).unwrap().sequence, None);
    let state = handle.published().state;
    wait("a state is published", || state.borrow().contains("\"status\""));
    assert!(handle.metrics().text(now()).contains("tercel_tape_entries_total 2000"));
    assert_eq!(handle.stop().journal, None);
}

#[test]
fn a_deed_is_committed_before_it_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (_tape, reader) = tape::anonymous(1 << 13, now()).unwrap();
    let handle = start(reader, Some(writer(folder.path())));
    let recorder = handle.recorder();
    for number in 0..20 {
        let json = format!("{{\"number\":{number}}}");
        let sequence = recorder.deed_blocking(json.clone()).unwrap().sequence.unwrap();
        let found = records(folder.path()).into_iter().find(|record| record.sequence == sequence);
        let found = found.unwrap();
        assert_eq!((found.kind, found.payload), (KIND_DEED, json.into_bytes()));
    }
    let long = recorder.deed_blocking("x".repeat(40_000));
    assert_eq!(long, Err(DeedError::TooLong(40_000)));
    handle.stop();
    assert_eq!(recorder.deed_blocking("{}".into()), Err(DeedError::Ended));
}

#[test]
fn what_a_crash_leaves_on_the_tape_is_journaled_exactly_once() {
    let place = tempfile::tempdir().unwrap();
    let (folder, path) = (place.path().join("journal"), place.path().join("tape"));
    let (mut tape, reader) = tape::create(&path, 1 << 13, now()).unwrap();
    let handle = start(reader, Some(writer(&folder)));
    put(&mut tape, 1..=150);
    handle.stop();
    // The recorder is gone; the trading thread goes on until it is killed.
    put(&mut tape, 151..=200);
    drop(tape);
    // Killed between the commit and the giving back: all is still on the tape.
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[0; 8], 16 * 8).unwrap();
    for (round, expected) in [(0, 50), (1, 0)] {
        let mut journal = writer(&folder);
        let found = journal.recover(&path, now()).unwrap();
        assert_eq!(found.entries, expected, "round {round}");
        assert_eq!(entered(&folder), (1..=200).collect::<Vec<u64>>());
        // Again as if the giving back had not come to pass.
        std::os::unix::fs::FileExt::write_all_at(&file, &[0; 8], 16 * 8).unwrap();
    }
    // Another tape has another generation: its first entries are not skipped.
    let (mut tape, _reader) = tape::create(&path, 1 << 13, now()).unwrap();
    put(&mut tape, 201..=210);
    drop((tape, _reader));
    assert_eq!(writer(&folder).recover(&path, now()).unwrap().entries, 10);
    assert_eq!(entered(&folder), (1..=210).collect::<Vec<u64>>());
    let no_tape = writer(&folder).recover(&place.path().join("none"), now()).unwrap();
    assert_eq!(no_tape.entries, 0);
}

/// Breaks the journal's folder, and mends it again.
fn trouble(folder: &Path, break_it: impl FnOnce(), mend: impl FnOnce()) {
    let (mut tape, reader) = tape::anonymous(1 << 13, now()).unwrap();
    let handle = start(reader, Some(writer(folder)));
    put(&mut tape, 1..=50);
    wait("the first are written", || {
        handle.published().state.borrow().contains("\"waiting_words\":0")
    });
    break_it();
    // The segment under way takes some, and the tape what it can; then it is full.
    let mut number = 50;
    let mut full_since = None;
    loop {
        let entry = Entry::Intended(intended(Action::Enter, number + 1, 0, 1));
        if tape.write_entry(&entry, now()) {
            number += 1;
            full_since = None;
        } else {
            let since = *full_since.get_or_insert_with(Instant::now);
            if since.elapsed() > Duration::from_millis(500) {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    // The desk is told all the same, and says what is wrong.
    wait("the desk follows", || handle.desk().read().order(number).is_some());
    wait("the trouble is told", || {
        let status = handle.desk().read().status(now());
        status.journal.is_some_and(|journal| !journal.trouble.is_empty())
    });
    let kept = handle.recorder().deed_blocking("{\"kept\":true}".into());
    assert!(matches!(kept, Err(DeedError::Kept(_))), "{kept:?}");
    mend();
    put(&mut tape, number + 1..=number + 100);
    let summary = handle.stop();
    assert_eq!((summary.unwritten, summary.journal.unwrap().trouble.as_str()), (0, ""));
    assert_eq!(entered(folder), (1..=u64::from(number) + 100).collect::<Vec<u64>>());
    let all = records(folder);
    assert_eq!(all.iter().filter(|record| record.kind == KIND_DEED).count(), 1);
    assert!(all.iter().any(|record| record.kind < KIND_ENTRY_END));
}

#[test]
fn a_folder_that_is_away_for_a_while_costs_no_record_and_doubles_none() {
    let place = tempfile::tempdir().unwrap();
    let (folder, away) = (place.path().join("journal"), place.path().join("away"));
    trouble(
        &folder,
        || std::fs::rename(&folder, &away).unwrap(),
        || std::fs::rename(&away, &folder).unwrap(),
    );
}

/// A small file system, gone with this value.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount() -> Option<Disk> {
        let place = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(place.path());
        let done = mount.output().is_ok_and(|output| output.status.success());
        done.then_some(Disk(place))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_costs_no_record_and_doubles_none() {
    let Some(disk) = Disk::mount() else {
        println!("skipped: no file system can be mounted here");
        return;
    };
    let filler = disk.0.path().join("filler");
    let fill = || {
        let mut file = std::fs::File::create(&filler).unwrap();
        while std::io::Write::write_all(&mut file, &[1; 4096]).is_ok() {}
    };
    trouble(&disk.0.path().join("journal"), fill, || std::fs::remove_file(&filler).unwrap());
}
