//! Any sequence of messages, cut into any packets, sent over two bad lines with a bad
//! retransmission server and a snapshot server beside them, comes out as it went in: exactly once
//! and in order.

mod feed_support;

use feed_support::*;
use proptest::prelude::*;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use tercel_proto::feed::{Feed, FeedConfig, FeedCounters, Start};
use tercel_proto::mold;
use tercel_types::{Frame, Nanos, SeqNo};

const MS: u64 = 1_000_000;

/// SplitMix64: a seed gives the same network on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn percent(&mut self, chance: u8) -> bool {
        self.below(100) < u64::from(chance)
    }
}

/// How bad the world is.
#[derive(Clone, Debug)]
struct World {
    seed: u64,
    messages: u64,
    loss: u8,
    duplicate: u8,
    reorder: u8,
    garbage: u8,
    server_loss: u8,
    requests_max: u32,
    pending_bytes_max: usize,
    start: Start,
    malformed: bool,
}

/// The venue's messages: numbered ones, some of any other kind, and some that are malformed.
fn day(world: &World, random: &mut Random) -> Vec<Vec<u8>> {
    let kinds = tercel_proto::itch::KINDS;
    (1..=world.messages)
        .map(|number| match random.below(10) {
            0 => {
                let kind = kinds[random.below(kinds.len() as u64) as usize];
                let len = tercel_proto::itch::length_of(kind).unwrap();
                let mut bytes: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
                bytes[0] = kind;
                bytes
            }
            1 if world.malformed => (0..random.below(4)).map(|_| random.next() as u8).collect(),
            _ => message(number),
        })
        .collect()
}

/// Frames under way, by time of arrival and then by order of sending.
#[derive(Default)]
struct Wire {
    frames: BinaryHeap<Reverse<(u64, u64, Vec<u8>)>>,
    sent: u64,
}

impl Wire {
    fn send(&mut self, at: u64, frame: Vec<u8>) {
        self.sent += 1;
        self.frames.push(Reverse((at, self.sent, frame)));
    }

    /// Sends over a line that loses, doubles and overtakes.
    fn send_badly(&mut self, world: &World, random: &mut Random, at: u64, frame: &[u8]) {
        if random.percent(world.loss) {
            return;
        }
        for _ in 0..1 + u64::from(random.percent(world.duplicate)) {
            let late = if random.percent(world.reorder) { random.below(20 * MS) } else { 0 };
            self.send(at + late, frame.to_vec());
        }
    }
}

/// Bytes that no feed should care about.
fn garbage(random: &mut Random, good: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    match random.below(5) {
        0 => (0..random.below(200)).map(|_| random.next() as u8).collect(),
        1 => {
            bytes.truncate(random.below(bytes.len() as u64) as usize);
            bytes
        }
        2 => {
            // Behind the MAC addresses, which the feed does not look at.
            let at = 12 + random.below(bytes.len() as u64 - 12) as usize;
            bytes[at] ^= 1 << random.below(8);
            bytes
        }
        3 => frame(VENUE_HOST, A, &packet(*b"other     ", 1 + random.below(99), &messages(1..3))),
        _ => {
            let payload: Vec<u8> = (0..random.below(60)).map(|_| random.next() as u8).collect();
            frame(VENUE_HOST, if random.percent(50) { B } else { HOST }, &payload)
        }
    }
}

/// Everything the venue sends over both lines.
fn publish(world: &World, random: &mut Random, day: &[Vec<u8>]) -> (Wire, u64) {
    let mut wire = Wire::default();
    let (mut at, mut next) = (MS, 0);
    while next < day.len() {
        let count = (1 + random.below(12) as usize).min(day.len() - next);
        let payload = packet(SESSION, next as u64 + 1, &day[next..next + count]);
        for line in [A, B] {
            let bytes = frame(VENUE_HOST, line, &payload);
            if random.percent(world.garbage) {
                let bytes = garbage(random, &bytes);
                wire.send(at, bytes);
            }
            let arrives = at + random.below(MS / 2);
            wire.send_badly(world, random, arrives, &bytes);
        }
        next += count;
        at += random.below(MS);
        if random.percent(5) {
            let bytes = frame(VENUE_HOST, A, &heartbeat(SESSION, next as u64 + 1));
            wire.send_badly(world, random, at, &bytes);
        }
    }
    // The end of the session is said for a while.
    for i in 0..2_000 {
        let line = if i % 2 == 0 { A } else { B };
        let bytes = frame(VENUE_HOST, line, &end_of_session(SESSION, day.len() as u64 + 1));
        wire.send_badly(world, random, at + i * 5 * MS, &bytes);
    }
    (wire, at + 10_000 * MS)
}

/// The retransmission server: as much of what is asked for as fits one packet.
fn answer(request: &mold::Request, day: &[Vec<u8>]) -> Vec<u8> {
    let first = request.seq.0 as usize - 1;
    let mut buf = vec![0; mold::PAYLOAD_MAX];
    let mut builder = mold::PacketBuilder::new(&mut buf, request.session, request.seq);
    for message in day.iter().skip(first).take(usize::from(request.count)) {
        if !builder.push(message) {
            break;
        }
    }
    assert!(builder.count() > 0, "asked for what does not exist: {request:?}");
    let len = builder.finish();
    frame(RECOVERY, HOST, &buf[..len])
}

/// A snapshot of everything before `end`, of which some messages come at each turn.
struct Snapshot {
    end: usize,
    next: usize,
}

struct Run<'a> {
    world: &'a World,
    day: &'a [Vec<u8>],
    feed: Feed,
    consumer: Consumer,
    snapshot: Option<Snapshot>,
}

impl Run<'_> {
    /// One step of the snapshot that is under way, or the begin of one that is wanted.
    fn snapshot(&mut self, random: &mut Random, now: Nanos, published: usize) {
        let consumer = &mut self.consumer;
        let out = &mut |record: &_| consumer.take(record);
        let Some(snapshot) = &mut self.snapshot else {
            if self.feed.wants_snapshot() {
                if random.percent(self.world.server_loss / 2) {
                    self.feed.on_snapshot_failed(now);
                } else {
                    self.feed.on_snapshot_begin(out);
                    self.snapshot = Some(Snapshot { end: published, next: 0 });
                }
            }
            return;
        };
        if self.feed.wants_snapshot() || random.percent(1) {
            if !self.feed.wants_snapshot() {
                self.feed.on_snapshot_failed(now);
            }
            self.snapshot = None;
            return;
        }
        let until = (snapshot.next + 40).min(snapshot.end);
        for message in &self.day[snapshot.next..until] {
            self.feed.on_snapshot_message(message, now, out);
        }
        snapshot.next = until;
        if until == snapshot.end {
            self.feed.on_snapshot_end(SeqNo(snapshot.end as u64 + 1), now, out);
            self.snapshot = None;
        }
    }
}

fn run(world: &World) -> (Consumer, FeedCounters, Vec<Vec<u8>>) {
    let random = &mut Random(world.seed);
    let day = day(world, random);
    let (mut wire, until) = publish(world, random, &day);
    let config = FeedConfig {
        session: Some(SESSION),
        start: world.start,
        request_wait: Nanos(MS),
        request_wait_max: Nanos(8 * MS),
        requests_max: world.requests_max,
        pending_bytes_max: world.pending_bytes_max,
        ..config()
    };
    let feed = Feed::new(config);
    let consumer = Consumer::default();
    let mut run = Run { world, day: &day, feed, consumer, snapshot: None };
    let mut next_turn = 0;
    let mut published = 0usize;
    while let Some(Reverse((at, _, bytes))) = wire.frames.pop() {
        while next_turn <= at && !run.feed.is_ended() {
            let now = Nanos(next_turn);
            let consumer = &mut run.consumer;
            run.feed.on_timer(now, &mut |record| consumer.take(record));
            run.snapshot(random, now, published);
            next_turn += MS / 2;
        }
        if run.feed.is_ended() || at > until {
            break;
        }
        let now = Nanos(at);
        if let Ok(udp) = tercel_proto::frame::parse_udp(&bytes)
            && let Ok(packet) = mold::Packet::new_checked(udp.payload)
            && packet.session() == SESSION
        {
            // What the snapshot server can know of: what has arrived somewhere.
            let end = packet.seq().0 as usize - 1 + packet.messages().count();
            published = published.max(end.min(day.len()));
        }
        let consumer = &mut run.consumer;
        let frame = Frame { bytes: &bytes, received: now };
        run.feed.on_frame(frame, now, &mut |record| consumer.take(record));
        if let Some(request) = run.feed.take_request(now)
            && !random.percent(world.server_loss)
        {
            wire.send(at + MS / 4 + random.below(2 * MS), answer(&request, &day));
        }
    }
    assert!(run.feed.is_ended() && !run.feed.is_stale(), "{:?} {:?}", world, run.feed.counters());
    let counters = *run.feed.counters();
    (run.consumer, counters, day)
}

fn check(world: &World) -> Result<FeedCounters, TestCaseError> {
    let (consumer, counters, day) = run(world);
    let expected: Vec<_> = day.iter().filter_map(|message| plain(message)).collect();
    prop_assert_eq!(consumer.messages.len(), expected.len());
    prop_assert!(consumer.messages == expected, "other messages than were sent");
    prop_assert!(consumer.ended && !consumer.gap_open && !consumer.loading && !consumer.down);
    prop_assert_eq!((counters.gaps, counters.gaps_closed), (consumer.gaps, consumer.gaps));
    let dropped = counters.dropped_short
        + counters.dropped_not_ipv4
        + counters.dropped_version
        + counters.dropped_options
        + counters.dropped_fragment
        + counters.dropped_ip_length
        + counters.dropped_ip_checksum
        + counters.dropped_not_udp
        + counters.dropped_udp_length
        + counters.dropped_udp_checksum
        + counters.dropped_address
        + counters.dropped_mold_short
        + counters.dropped_mold_truncated
        + counters.dropped_mold_trailing
        + counters.dropped_mold_sequence
        + counters.dropped_session;
    let taken = counters.lines[0].packets + counters.lines[1].packets + counters.recovery.packets;
    prop_assert_eq!(counters.frames, dropped + taken, "a frame is counted once");
    Ok(counters)
}

fn worlds() -> impl Strategy<Value = World> {
    let network = (0u8..40, 0u8..30, 0u8..50, 0u8..30, 0u8..60);
    (any::<u64>(), 1u64..600, network, any::<bool>()).prop_map(
        |(seed, messages, (loss, duplicate, reorder, garbage, server_loss), malformed)| World {
            seed,
            messages,
            loss,
            duplicate,
            reorder,
            garbage,
            server_loss,
            requests_max: u32::MAX,
            pending_bytes_max: 1 << 20,
            start: Start::FromFirst,
            malformed,
        },
    )
}

/// The failing input is printed; nothing is written beside the sources.
fn cases() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) }
}

proptest! {
    #![proptest_config(cases())]

    /// With a server that always answers in the end, no snapshot is needed.
    #[test]
    fn gaps_are_filled_by_lines_and_requests(world in worlds()) {
        let counters = check(&world)?;
        prop_assert_eq!(counters.snapshots, 0);
    }

    /// With few requests, little memory and late joins, snapshots do the rest.
    #[test]
    fn snapshots_do_the_rest(
        world in worlds(),
        requests_max in 0u32..4,
        pending_bytes_max in 400usize..20_000,
        late in any::<bool>(),
    ) {
        let start = if late { Start::Late } else { Start::FromFirst };
        check(&World { requests_max, pending_bytes_max, start, ..world })?;
    }

    /// No bytes at all make it panic, and afterwards it still works.
    #[test]
    fn random_frames_do_no_harm(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..120), 0..40),
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..40),
    ) {
        let mut bed = Bed::new(FeedConfig { session: Some(SESSION), ..config() });
        bed.line(A, 1..2);
        for bytes in &frames {
            bed.frame(bytes);
        }
        for (i, payload) in payloads.iter().enumerate() {
            // Behind a good header, so that counts and lengths are what is random.
            let mut bytes = heartbeat(SESSION, 2);
            bytes.extend(payload);
            bytes[18..20].copy_from_slice(&(1 + i as u16 % 3).to_be_bytes());
            bytes[10..18].copy_from_slice(&0u64.to_be_bytes());
            bed.payload(B, &bytes);
            bed.payload(B, payload);
        }
        bed.records.clear();
        let next = bed.feed.next_seq().0;
        bed.line(A, next..next + 1);
        prop_assert_eq!(bed.story(), next.to_string());
    }
}

/// The worlds above are bad enough: one that is known to need everything does.
#[test]
fn a_bad_world_needs_everything() {
    let world = World {
        seed: 7,
        messages: 3_000,
        loss: 40,
        duplicate: 20,
        reorder: 30,
        garbage: 20,
        server_loss: 60,
        requests_max: 2,
        pending_bytes_max: 4_000,
        start: Start::FromFirst,
        malformed: true,
    };
    let counters = check(&world).expect("the property holds");
    assert!(counters.requests > 20 && counters.recovery.messages_first > 100, "{counters:#?}");
    assert!(counters.requests_exhausted > 0 && counters.snapshots_done > 0, "{counters:#?}");
    assert!(counters.store_overflows > 0 && counters.snapshots_failed > 0, "{counters:#?}");
    assert!(counters.gaps > 2 && counters.malformed_kind > 0, "{counters:#?}");
}
