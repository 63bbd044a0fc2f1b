//! The ring as a file: records between mappings and threads, overruns, late joins, damaged files.

use proptest::prelude::*;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use tercel_abi::{EventRecord, EventSource, Kind, LAYOUT_HASH, MAGIC, VERSION, ring};
use tercel_engine::ring::{RingError, RingReader, RingReport, RingWriter, Start};

/// A path that no other test uses, removed in the end.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tercel-ring-{}-{number}", std::process::id());
        Place(std::env::temp_dir().join(name))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A record all of whose fields follow from one number.
fn record(number: u64) -> EventRecord {
    EventRecord {
        side: number as u8,
        venue: 3,
        flags: 2,
        instrument: number as u16,
        tag: (number >> 3) as u16,
        price: -(number as i64),
        quantity: number ^ 0xffff,
        order_ref: number << 9,
        second_ref: !number,
        exchange_time: number * 7,
        receive_time: number + 1,
        ..EventRecord::new(Kind::Add)
    }
}

fn numbered(number: u64) -> EventRecord {
    EventRecord { seq: number, ..record(number) }
}

fn poll(reader: &mut RingReader, max: usize) -> Vec<EventRecord> {
    let mut got = Vec::new();
    let count = reader.poll(max, |record| got.push(*record));
    assert_eq!(count, got.len());
    assert!(count <= max);
    got
}

#[test]
fn records_come_out_as_they_went_in() {
    let place = Place::new();
    let mut writer = RingWriter::create(&place.0, 8, 1_000_000_000).unwrap();
    let mut reader = RingReader::open(&place.0, Start::Oldest).unwrap();
    assert_eq!(reader.ticks_per_second(), 1_000_000_000);
    assert_eq!(reader.writer_pid(), u64::from(std::process::id()));
    assert!(poll(&mut reader, 4).is_empty());
    for number in 1..=5 {
        assert_eq!(writer.publish(&record(number)), number);
    }
    writer.beat(77);
    assert_eq!((reader.behind(), reader.writer_clock()), (5, 77));
    assert_eq!(poll(&mut reader, 2), [numbered(1), numbered(2)]);
    assert_eq!(poll(&mut reader, 9), [numbered(3), numbered(4), numbered(5)]);
    assert!(!reader.is_closed());
    writer.publish(&record(6));
    writer.close();
    assert!(!reader.is_closed());
    assert_eq!(poll(&mut reader, 9), [numbered(6)]);
    assert!(reader.is_closed());
    assert_eq!(reader.report(), RingReport { records: 6, overruns: 0, lost: 0 });
}

#[test]
fn an_overrun_is_told_counted_and_asks_for_a_snapshot() {
    let place = Place::new();
    let mut writer = RingWriter::create(&place.0, 4, 1).unwrap();
    let mut reader = RingReader::open(&place.0, Start::Oldest).unwrap();
    writer.publish(&record(1));
    assert_eq!(poll(&mut reader, 1), [numbered(1)]);
    for number in 2..=6 {
        writer.publish(&record(number));
    }
    assert!(!writer.take_snapshot_request());
    let got = poll(&mut reader, 9);
    assert_eq!(got.len(), 1);
    assert_eq!((got[0].kind(), got[0].quantity, got[0].seq), (Some(Kind::Overrun), 5, 0));
    assert_eq!(reader.report(), RingReport { records: 1, overruns: 1, lost: 5 });
    assert!(writer.take_snapshot_request() && !writer.take_snapshot_request());
    writer.publish(&record(7));
    assert_eq!(poll(&mut reader, 9), [numbered(7)]);
    reader.request_snapshot();
    assert_eq!(writer.snapshots_wanted(), 2);
    assert!(writer.take_snapshot_request());
}

#[test]
fn a_late_reader_knows_that_it_is_late() {
    let place = Place::new();
    let mut writer = RingWriter::create(&place.0, 16, 1).unwrap();
    for number in 1..=10 {
        writer.publish(&record(number));
    }
    // Nothing is lost yet: the oldest is the first.
    let mut oldest = RingReader::open(&place.0, Start::Oldest).unwrap();
    assert_eq!(poll(&mut oldest, 99).len(), 10);
    assert!(!writer.take_snapshot_request());
    let mut newest = RingReader::open(&place.0, Start::Newest).unwrap();
    assert!(writer.take_snapshot_request());
    for number in 11..=40 {
        writer.publish(&record(number));
    }
    let mut late = RingReader::open(&place.0, Start::Oldest).unwrap();
    assert_eq!(writer.snapshots_wanted(), 2);
    let got = poll(&mut late, 99);
    // Records 25 to 40 are there; the two oldest are the margin.
    assert_eq!((got[0].kind(), got[0].quantity), (Some(Kind::Overrun), 26));
    assert_eq!(got[1..], (27..=40).map(numbered).collect::<Vec<_>>());
    let got = poll(&mut newest, 99);
    assert_eq!((got[0].quantity, got[1].quantity, got.len()), (10, 30, 2));
    writer.close();
    assert!(late.is_closed() && newest.is_closed());
    // Joining a closed ring: the loss is told before the end.
    let mut last = RingReader::open(&place.0, Start::Newest).unwrap();
    assert!(!last.is_closed());
    assert_eq!(poll(&mut last, 99).len(), 1);
    assert!(last.is_closed());
}

#[test]
fn one_writer_at_a_time_and_readers_keep_the_ring_they_have() {
    let place = Place::new();
    let mut first = RingWriter::create(&place.0, 4, 1).unwrap();
    let mut reader = RingReader::open(&place.0, Start::Oldest).unwrap();
    let refused = RingWriter::create(&place.0, 4, 1).unwrap_err();
    assert!(matches!(refused, RingError::InUse(_)), "{refused}");
    first.publish(&record(1));
    drop(first);
    let mut second = RingWriter::create(&place.0, 8, 1).unwrap();
    second.publish(&record(9));
    assert_eq!(poll(&mut reader, 9), [numbered(1)]);
    // The first writer did not end in good order.
    assert!(!reader.is_closed());
    let mut anew = RingReader::open(&place.0, Start::Oldest).unwrap();
    assert_eq!(anew.slots(), 8);
    assert_eq!(poll(&mut anew, 9), [EventRecord { seq: 1, ..record(9) }]);
}

/// Two readers with mappings of their own beside a writer that does not wait for them: every record
/// that arrives is whole, numbers go up, and what is missing is told.
#[test]
fn threads_read_whole_records_or_are_told() {
    const RECORDS: u64 = 300_000;
    for slots in [4, 1_024] {
        let place = Place::new();
        let mut writer = RingWriter::create(&place.0, slots, 1).unwrap();
        let open = || RingReader::open(&place.0, Start::Oldest).unwrap();
        let readers = [open(), open()];
        std::thread::scope(|scope| {
            for mut reader in readers {
                scope.spawn(move || {
                    let (mut last, mut lost) = (0, 0);
                    while !reader.is_closed() {
                        let count = reader.poll(64, |got| {
                            if got.kind() == Some(Kind::Overrun) {
                                lost += got.quantity;
                                last += got.quantity;
                            } else {
                                last += 1;
                                assert_eq!(*got, numbered(last), "torn or out of place");
                            }
                        });
                        if count == 0 {
                            std::thread::yield_now();
                        }
                    }
                    let report = reader.report();
                    assert_eq!((last, report.lost), (RECORDS, lost));
                    assert_eq!(report.records + lost, RECORDS);
                });
            }
            for number in 1..=RECORDS {
                writer.publish(&record(number));
                // Gives the readers a chance on a machine with few cores.
                if number % 512 == 0 {
                    std::thread::yield_now();
                }
            }
            writer.close();
        });
    }
}

/// What may happen to a ring between one writer and one reader.
#[derive(Clone, Debug)]
enum Act {
    Publish(usize),
    Poll(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![(0..12_usize).prop_map(Act::Publish), (0..12_usize).prop_map(Act::Poll)];
    prop::collection::vec(act, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Against a list of everything ever published and the position of the reader in it.
    #[test]
    fn a_ring_is_a_list_with_a_short_memory(bits in 1..4_u32, acts in acts()) {
        let place = Place::new();
        let slots = 1_u64 << bits;
        let mut writer = RingWriter::create(&place.0, slots as usize, 1).unwrap();
        let mut reader = RingReader::open(&place.0, Start::Newest).unwrap();
        let (mut head, mut next, mut overruns) = (0, 1, 0);
        for act in acts {
            match act {
                Act::Publish(count) => {
                    for _ in 0..count {
                        head += 1;
                        prop_assert_eq!(writer.publish(&record(head)), head);
                    }
                }
                Act::Poll(max) => {
                    let mut expected = Vec::new();
                    while expected.len() < max && next <= head {
                        if head - next >= slots {
                            let mut lost = EventRecord::new(Kind::Overrun);
                            lost.quantity = head + 1 - next;
                            expected.push(lost);
                            overruns += 1;
                            next = head + 1;
                        } else {
                            expected.push(numbered(next));
                            next += 1;
                        }
                    }
                    prop_assert_eq!(poll(&mut reader, max), expected);
                }
            }
        }
        prop_assert_eq!(reader.report().overruns, overruns);
        prop_assert_eq!(writer.snapshots_wanted(), overruns);
    }

    /// Whatever the words behind a good header are, a reader neither panics nor runs on.
    #[test]
    fn hostile_words_do_no_harm(
        words in prop::collection::vec(prop_oneof![any::<u64>(), 0..9_u64, Just(u64::MAX)], 32),
        head in prop_oneof![any::<u64>(), 0..20_u64, Just(u64::MAX)],
        newest in any::<bool>(),
    ) {
        let place = Place::new();
        drop(RingWriter::create(&place.0, 4, 1).unwrap());
        let mut bytes = std::fs::read(&place.0).unwrap();
        bytes[ring::HEAD..ring::HEAD + 8].copy_from_slice(&head.to_le_bytes());
        for (at, word) in bytes[ring::HEADER_SIZE..].chunks_exact_mut(8).zip(words) {
            at.copy_from_slice(&word.to_le_bytes());
        }
        std::fs::write(&place.0, &bytes).unwrap();
        let start = if newest { Start::Newest } else { Start::Oldest };
        let mut reader = RingReader::open(&place.0, start).unwrap();
        for _ in 0..10 {
            reader.poll(7, |_| ());
            reader.behind();
            reader.is_closed();
        }
    }

    /// A file of random bytes is refused with one line.
    #[test]
    fn random_files_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..5_000)) {
        let place = Place::new();
        std::fs::write(&place.0, &bytes).unwrap();
        let error = RingReader::open(&place.0, Start::Oldest).unwrap_err().to_string();
        prop_assert!(!error.contains('\n'));
    }
}

#[test]
fn regression_the_last_number_does_not_wrap() {
    let place = Place::new();
    drop(RingWriter::create(&place.0, 4, 1).unwrap());
    let mut bytes = std::fs::read(&place.0).unwrap();
    // Number 2^64 - 1 lies in slot 2.
    for offset in [ring::HEAD, ring::HEADER_SIZE + 2 * 64] {
        put(offset, u64::MAX)(&mut bytes);
    }
    std::fs::write(&place.0, &bytes).unwrap();
    let mut reader = RingReader::open(&place.0, Start::Newest).unwrap();
    for _ in 0..3 {
        assert!(reader.poll(3, |_| ()) <= 3);
        assert!(reader.behind() <= 1);
    }
}

/// What opening says after one change to the bytes of a good file.
fn refusal(change: impl FnOnce(&mut Vec<u8>)) -> RingError {
    let place = Place::new();
    drop(RingWriter::create(&place.0, 4, 1).unwrap());
    let mut bytes = std::fs::read(&place.0).unwrap();
    change(&mut bytes);
    std::fs::write(&place.0, &bytes).unwrap();
    let error = RingReader::open(&place.0, Start::Oldest).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with(place.0.to_str().unwrap()) && !text.contains('\n'), "{text}");
    error
}

fn put(offset: usize, value: u64) -> impl FnOnce(&mut Vec<u8>) {
    move |bytes| bytes[offset..offset + 8].copy_from_slice(&value.to_le_bytes())
}

#[test]
fn damaged_files_are_refused_by_name() {
    use RingError::*;
    assert!(matches!(refusal(Vec::clear), NotReady(_)));
    assert!(matches!(refusal(|bytes| bytes.truncate(4_095)), NotReady(_)));
    assert!(matches!(refusal(put(ring::MAGIC, 0)), NotReady(_)));
    assert!(matches!(refusal(put(ring::MAGIC, MAGIC + 1)), Magic(_)));
    assert!(matches!(refusal(put(ring::VERSION, VERSION + 1)), Version { .. }));
    assert!(matches!(refusal(put(ring::LAYOUT_HASH, !LAYOUT_HASH)), LayoutHash { .. }));
    for slots in [0, 1, 2, 3, 8, 1 << 26, 1 << 27, 1 << 63, u64::MAX] {
        assert!(matches!(refusal(put(ring::SLOTS, slots)), Damaged { field: "slots", .. }));
    }
    assert!(matches!(refusal(put(ring::TICKS_PER_SECOND, 0)), Damaged { .. }));
    assert!(matches!(refusal(|bytes| bytes.truncate(4_096 + 255)), Damaged { .. }));
    assert!(matches!(refusal(|bytes| bytes.push(0)), Damaged { .. }));
}

#[test]
fn impossible_rings_are_not_made() {
    let place = Place::new();
    for slots in [0, 1, 3, 1 << 27, usize::MAX] {
        assert!(matches!(RingWriter::create(&place.0, slots, 1), Err(RingError::Slots(_))));
    }
    assert!(matches!(RingWriter::create(&place.0, 4, 0), Err(RingError::Rate)));
    let nowhere = place.0.join("no/such/folder");
    for error in [
        RingWriter::create(&nowhere, 4, 1).unwrap_err(),
        RingReader::open(&nowhere, Start::Newest).unwrap_err(),
    ] {
        assert!(matches!(error, RingError::System { .. }));
    }
}
