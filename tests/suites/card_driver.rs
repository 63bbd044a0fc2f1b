//! The driver over the emulator's file, each in a thread of its own: what the driver hands out is
//! what the host's decoder makes of the same messages.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tercel_abi::EventRecord;
use tercel_abi::device::{counter, line_counter};
use tercel_emulator::SharedCard;
use tercel_fpga::{AnyCard, CardAddress, CardConfig, CardFault};
use tercel_proto::itch::{Header, OrderDelete};
use tercel_proto::{frame, itch, itch_record, mold};
use tercel_types::{InstrumentId, Nanos, SeqNo, VenueId};
use zerocopy::IntoBytes;
use zerocopy::big_endian::U64;

const LINES: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(239, 1, 1, 1), 30_001),
    SocketAddrV4::new(Ipv4Addr::new(239, 1, 1, 2), 30_002),
];
const SENDER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 9), 31_001);
const SESSION: mold::Session = *b"DRIVER0001";
const BASE: u64 = 1_700_000_000_000_000_000;
const VENUE: VenueId = VenueId(4);
/// Messages of a packet, and packets.
const EACH: u64 = 20;
const PACKETS: u64 = 5_000;
/// So small that it is gone round two hundred times and often has no room for two frames.
const SLOTS_LOG2: u32 = 9;
const PATIENCE: Duration = Duration::from_secs(20);

fn message(number: u64) -> Vec<u8> {
    let locate = InstrumentId((number % 50) as u16);
    let header = Header::new(OrderDelete::KIND, locate, 0, Nanos(number));
    OrderDelete { header, order_ref: U64::new(number) }.as_bytes().to_vec()
}

/// A frame of the packet that begins with message `first`.
fn packet(line: usize, first: u64) -> Vec<u8> {
    let mut buf = vec![0; 2_000];
    let mut builder =
        mold::PacketBuilder::new(&mut buf[frame::UDP_HEADERS..], SESSION, SeqNo(first));
    assert!((first..first + EACH).all(|number| builder.push(&message(number))));
    let len = builder.finish();
    let len = frame::emit_udp(&mut buf, SENDER, LINES[line], len).expect("it fits");
    buf.truncate(len);
    buf
}

/// What the host's decoder makes of a message, `ticks` after the base.
fn decoded(number: u64, ticks: u64) -> EventRecord {
    let bytes = message(number);
    let message = itch::parse(&bytes).expect("a message");
    let record = itch_record::to_record(&message, VENUE, Nanos(BASE + ticks));
    EventRecord { seq: number, ..record }
}

/// The emulator, until `done`: each packet on both lines, but one in seven on B alone, which is one
/// packet behind and fills it in before A goes on.
fn emulate(path: &std::path::Path, done: &AtomicBool) {
    let mut card = SharedCard::create(path, 64 << SLOTS_LOG2, BASE).expect("a card");
    let (mut ticks, mut sent, begin) = (1, 0, Instant::now());
    while !done.load(Ordering::Relaxed) {
        ticks += 1;
        card.run_once(ticks);
        if sent == PACKETS || card.room() < 2 {
            std::thread::yield_now();
            assert!(begin.elapsed() < PATIENCE * 3, "nobody stops the emulator");
            continue;
        }
        let first = 1 + sent * EACH;
        if sent > 0 {
            card.rx_frame(1, &packet(1, first - EACH), true, first);
        }
        if sent % 7 != 3 {
            card.rx_frame(0, &packet(0, first), true, first + 1);
        }
        sent += 1;
        if sent == PACKETS {
            card.rx_frame(1, &packet(1, first), true, first + EACH + 1);
        }
    }
}

/// Ends the emulator with the test, however that ends.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn until<T>(mut work: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(made) = work() {
            return made;
        }
        assert!(begin.elapsed() < PATIENCE, "nothing for {} s", PATIENCE.as_secs());
        std::thread::yield_now();
    }
}

fn config() -> CardConfig {
    CardConfig {
        venue: VENUE,
        lines: LINES,
        session: Some(SESSION),
        next_seq: 1,
        ring_log2: SLOTS_LOG2,
        patience: Nanos::from_secs(5),
    }
}

/// Takes a whole day, and compares it.
fn take(card: &mut AnyCard) {
    let count = PACKETS * EACH;
    let (mut expected, mut last) = (1, 0);
    while expected <= count {
        let got = until(|| {
            match card.poll(64, |record| {
                let ticks = record.receive_time - BASE;
                assert_eq!(
                    *record,
                    EventRecord { flags: record.flags, ..decoded(expected, ticks) }
                );
                expected += 1;
            }) {
                Ok(0) => None,
                Ok(given) => Some(given as u64),
                Err(fault) => panic!("{fault}"),
            }
        });
        last += got;
        card.check(Nanos(BASE + last)).expect("a good card");
    }
    let counters = card.counters().expect("counters");
    assert_eq!(counters.card[counter::KIND_DELETED], count);
    assert_eq!(counters.card[counter::DROPS], 0);
    assert_eq!(counters.card[counter::RECORDS], card.taken());
    assert_eq!(counters.lines[0][line_counter::PACKETS], PACKETS - (PACKETS + 3) / 7);
    assert_eq!(counters.lines[1][line_counter::PACKETS], PACKETS);
}

#[test]
fn records_are_those_of_the_hosts_decoder() {
    let folder = PathBuf::from("/dev/shm");
    let folder = if folder.is_dir() { folder } else { std::env::temp_dir() };
    let path = folder.join(format!("tercel-card-driver-{}", std::process::id()));
    let address = CardAddress::File(path.clone());
    let mut kept = None;
    for _ in 0..2 {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| emulate(&path, &done));
            let _done = Done(&done);
            let mut card = until(|| kept.take().or_else(|| AnyCard::open(&address).ok()));
            until(|| card.start(&config(), Nanos(BASE)).ok());
            take(&mut card);
            kept = Some(card);
        });
        // The emulator has ended in good order, and another one takes its place.
        let fault = kept.as_mut().expect("a card").check(Nanos(BASE)).expect_err("a fault");
        assert!(matches!(fault, CardFault::Reset { found: 0, .. }), "{fault}");
    }
    drop(kept);
    std::fs::remove_file(&path).expect("removed");
}
