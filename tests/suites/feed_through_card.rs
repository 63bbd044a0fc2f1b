//! The feed through a card: bad lines into the emulator, its records into the feed, a model of the
//! retransmission and snapshot servers behind. Whatever the lines do, every message comes out once
//! and in order, and the books that the records make are those of the whole feed.

use proptest::prelude::*;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_abi::device::{line_register as of_line, register};
use tercel_abi::{EventRecord, FeedDevice, Kind, RxFrame, device, flag, line_register};
use tercel_emulator::{Config, Emulator};
use tercel_proto::feed::{Feed, FeedConfig, Start};
use tercel_proto::itch::{Header, OrderDelete};
use tercel_proto::{frame, mold};
use tercel_types::{Frame, InstrumentId, Nanos, SeqNo, VenueId};
use zerocopy::big_endian::U64;
use zerocopy::{FromBytes, IntoBytes};

const LINES: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(239, 1, 1, 1), 30_001),
    SocketAddrV4::new(Ipv4Addr::new(239, 1, 1, 2), 30_002),
];
const RECOVERY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 9), 31_001);
const HOST: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 40_000);
const SESSION: mold::Session = *b"20191230 A";
/// Slots of the card's ring.
const SLOTS: u64 = 64;

/// A message of an instrument, with its own number in it.
fn message(number: u64, instrument: u16) -> Vec<u8> {
    let header = Header::new(OrderDelete::KIND, InstrumentId(instrument), 0, Nanos(number));
    OrderDelete { header, order_ref: U64::new(number) }.as_bytes().to_vec()
}

/// A frame of the messages from number `first` on.
fn packet(src: SocketAddrV4, dst: SocketAddrV4, first: u64, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut buf = vec![0; 4_000];
    let mut builder =
        mold::PacketBuilder::new(&mut buf[frame::UDP_HEADERS..], SESSION, SeqNo(first));
    assert!(messages.iter().all(|message| builder.push(message)));
    let len = builder.finish();
    let len = frame::emit_udp(&mut buf, src, dst, len).expect("it fits");
    buf.truncate(len);
    buf
}

/// A card, a feed behind it, and what came out.
struct Bed {
    card: Emulator,
    feed: Feed,
    messages: Vec<Vec<u8>>,
    ring: VecDeque<[u8; 64]>,
    taken: u32,
    now: Nanos,
    out: Vec<EventRecord>,
}

impl Bed {
    fn new(messages: Vec<Vec<u8>>, start: Start, filter: &[u16]) -> Bed {
        let mut card = Emulator::new(Config::default());
        for (line, address) in LINES.iter().enumerate() {
            let mut write = |register, value| card.csr_write(line_register(line, register), value);
            write(of_line::ADDRESS, u32::from(*address.ip()));
            write(of_line::PORT, address.port().into());
            write(of_line::SESSION_0, u32::from_le_bytes(*b"2019"));
            write(of_line::SESSION_1, u32::from_le_bytes(*b"1230"));
            write(of_line::SESSION_2, u32::from_le_bytes(*b" A\0\0"));
        }
        for locate in filter {
            let offset = device::FILTER_OFFSET + 4 * u32::from(locate / 32);
            let word = card.csr_read(offset) | 1 << (locate % 32);
            card.csr_write(offset, word);
        }
        let mut feed = Feed::new(FeedConfig {
            recovery: Some(RECOVERY),
            start,
            session: Some(SESSION),
            requests_max: 3,
            heartbeat_timeout: Nanos::from_secs(1_000_000),
            ..FeedConfig::new(VenueId(0), LINES)
        });
        card.csr_write(register::PASS_ALL, u32::from(filter.is_empty()));
        card.csr_write(register::RING_LOG2, SLOTS.ilog2());
        card.csr_write(register::NEXT_SEQ_LO, feed.next_seq().0 as u32);
        card.csr_write(register::CONTROL, 1);
        assert_eq!(card.csr_read(register::STATUS), 1);
        feed.on_card_start();
        let (ring, out) = (VecDeque::new(), Vec::new());
        Bed { card, feed, messages, ring, taken: 0, now: Nanos(1), out }
    }

    /// A packet of a line; `damage` says which byte of it is another one than was sent.
    fn line(&mut self, line: usize, first: u64, count: u64, damage: Option<usize>) {
        let end = (first + count - 1).min(self.messages.len() as u64);
        let messages = &self.messages[first as usize - 1..end as usize];
        let mut bytes = packet(HOST, LINES[line], first, messages);
        if let Some(at) = damage {
            // Anywhere behind the session, sequence number and lengths included.
            let at = 52 + at % (bytes.len() - 52);
            bytes[at] ^= 1 << (at % 8);
        }
        self.frame(line, &bytes, damage.is_none());
    }

    fn frame(&mut self, line: usize, bytes: &[u8], fcs_good: bool) {
        self.card.rx_frame(&RxFrame { line, bytes, fcs_good, ticks: self.now.0 });
        self.card.poll(&mut |_, slot| self.ring.push_back(*slot));
    }

    /// The host takes at most `max` records.
    fn take(&mut self, max: usize) {
        let Bed { card, feed, ring, out, .. } = self;
        for slot in ring.drain(..max.min(ring.len())) {
            let mut record = EventRecord::read_from_bytes(&slot).expect("64 bytes");
            record.seq &= (1 << 48) - 1;
            record.receive_time &= (1 << 48) - 1;
            feed.on_card_record(&record, self.now, &mut |record| out.push(*record));
            self.taken += 1;
        }
        card.csr_write(register::TAIL, self.taken);
        card.poll(&mut |_, slot| ring.push_back(*slot));
    }

    /// A moment later: timers, requests and their answers, snapshots.
    fn serve(&mut self) {
        self.now = self.now + Nanos::from_millis(600);
        let Bed { feed, out, messages, now, .. } = self;
        feed.on_timer(*now, &mut |record| out.push(*record));
        while let Some(request) = feed.take_request(*now) {
            let first = request.seq.0;
            let end = (first + u64::from(request.count).min(20) - 1).min(messages.len() as u64);
            if first == 0 || first > end {
                break;
            }
            let answer = &messages[first as usize - 1..end as usize];
            let bytes = packet(RECOVERY, HOST, first, answer);
            let frame = Frame { bytes: &bytes, received: *now };
            feed.on_frame(frame, *now, &mut |record| out.push(*record));
        }
    }

    fn snapshot(&mut self, until: u64) {
        let Bed { feed, out, messages, now, .. } = self;
        if !feed.wants_snapshot() {
            return;
        }
        feed.on_snapshot_begin(&mut |record| out.push(*record));
        for message in &messages[..until as usize] {
            feed.on_snapshot_message(message, *now, &mut |record| out.push(*record));
        }
        feed.on_snapshot_end(SeqNo(until + 1), *now, &mut |record| out.push(*record));
    }

    /// What the books were made of: the numbers since the last snapshot began.
    fn numbers(&self) -> Vec<u64> {
        let begin = self.out.iter().rposition(|one| one.kind == Kind::SnapshotBegin as u8);
        let since = &self.out[begin.unwrap_or(0)..];
        since.iter().filter(|one| one.kind >= 0x20).map(|one| one.order_ref).collect()
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Both lines send the next packet; each may lose it, send it twice, or send it damaged.
    Send {
        count: u64,
        fates: [u8; 2],
        at: usize,
    },
    /// A line sends an older packet again.
    Again {
        line: usize,
        back: u64,
        count: u64,
    },
    Take(usize),
    Serve,
    Snapshot,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1u64..6, prop::array::uniform2(0u8..10), any::<usize>())
            .prop_map(|(count, fates, at)| Step::Send { count, fates, at }),
        1 => (0usize..2, 1u64..20, 1u64..8)
            .prop_map(|(line, back, count)| Step::Again { line, back, count }),
        4 => (0usize..80).prop_map(Step::Take),
        1 => Just(Step::Serve),
        1 => Just(Step::Snapshot),
    ]
}

fn run(steps: &[Step], start: Start, filter: &[u16]) -> Bed {
    let total: u64 = 1 + steps.iter().map(sent).sum::<u64>();
    let messages: Vec<Vec<u8>> =
        (1..=total).map(|number| message(number, 1 + (number * 7 % 5) as u16)).collect();
    let mut bed = Bed::new(messages, start, filter);
    let mut next = 1;
    for one in steps {
        match *one {
            Step::Send { count, fates, at } => {
                for (line, fate) in fates.into_iter().enumerate() {
                    match fate {
                        0 | 1 => {}
                        2 => bed.line(line, next, count, Some(at)),
                        3 => (0..2).for_each(|_| bed.line(line, next, count, None)),
                        _ => bed.line(line, next, count, None),
                    }
                }
                next += count;
            }
            Step::Again { line, back, count } if next > 1 => {
                let first = next.saturating_sub(back).max(1);
                bed.line(line, first, count.min(next - first), None);
            }
            Step::Again { .. } => {}
            Step::Take(max) => bed.take(max),
            Step::Serve => bed.serve(),
            Step::Snapshot => bed.snapshot(next - 1),
        }
    }
    // The last message, over good lines, and every help.
    bed.take(1_000);
    bed.line(0, next, 1, None);
    for _ in 0..40 {
        bed.take(1_000);
        bed.serve();
        bed.snapshot(total);
    }
    bed
}

fn sent(step: &Step) -> u64 {
    if let Step::Send { count, .. } = step { *count } else { 0 }
}

fn check(bed: &Bed, passes: impl Fn(u64) -> bool) -> Result<(), TestCaseError> {
    let numbers = bed.numbers();
    prop_assert!(!bed.feed.is_stale(), "{:?}", bed.feed);
    prop_assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let wanted: Vec<u64> = (1..=bed.messages.len() as u64).filter(|n| passes(*n)).collect();
    let got: Vec<u64> = numbers.into_iter().filter(|number| passes(*number)).collect();
    prop_assert_eq!(got, wanted);
    let count = |kind: Kind| bed.out.iter().filter(|one| one.kind == kind as u8).count();
    prop_assert_eq!(count(Kind::GapOpen), count(Kind::GapClosed));
    prop_assert_eq!(count(Kind::Retract), 0);
    prop_assert!(bed.out.iter().all(|one| one.seq == 0));
    Ok(())
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_message_comes_out_once_and_in_order(
        steps in prop::collection::vec(step(), 1..60),
        late in any::<bool>(),
    ) {
        let start = if late { Start::Late } else { Start::FromFirst };
        check(&run(&steps, start, &[]), |_| true)?;
    }

    #[test]
    fn what_the_filter_keeps_back_is_no_gap(steps in prop::collection::vec(step(), 1..60)) {
        let passes = |number: u64| matches!(1 + number * 7 % 5, 1 | 4);
        check(&run(&steps, Start::FromFirst, &[1, 4]), passes)?;
    }
}

#[test]
fn a_filter_alone_makes_neither_gaps_nor_requests() {
    let steps: Vec<Step> = (0..50)
        .flat_map(|_| [Step::Send { count: 3, fates: [9; 2], at: 0 }, Step::Take(9)])
        .collect();
    let bed = run(&steps, Start::FromFirst, &[2]);
    assert_eq!(bed.feed.counters().gaps, 0);
    assert_eq!(bed.feed.counters().requests, 0);
    assert!(bed.out.iter().all(|record| !record.has(flag::RECOVERED)));
    assert!(!bed.out.is_empty());
}
