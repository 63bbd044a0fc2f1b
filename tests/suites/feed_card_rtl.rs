//! The RTL of the feed card, simulated, against the emulator: every line in the ring and every
//! counter, over scripts of good and bad traffic.
//!
//! TERCEL_CARD_FRAMES says how many frames are compared, TERCEL_CARD_SEED with which seed to begin.

use std::collections::BTreeMap;
use tercel_abi::device::{counter, line_counter, register};
use tercel_abi::{EventRecord, FeedDevice, RxFrame};
use tercel_cosim::{Latency, Rtl, Wire};
use tercel_emulator::{Config, Emulator};
use tercel_tests::card::bed::Bed;
use tercel_tests::card::compare::{Tally, compare, compare_many};
use tercel_tests::card::follow::Follower;
use tercel_tests::card::packets::{
    Content, Dress, dress, message, message_ends, of_number, packet,
};
use tercel_tests::card::random::Random;
use tercel_tests::card::script::{CLEAN, FUZZED, Profile, RESTARTS, SLOW_HOST, Setup, TWO_LINES};
use tercel_tests::card::software::said;
use tercel_tests::card::{conformance, recorded};
use tercel_types::{Nanos, VenueId};

/// Frames that all profiles compare together.
const FRAMES: u64 = 200_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect(name))
}

fn emulator() -> Emulator {
    Emulator::new(Config::default())
}

/// Every wire is another; where the ring is full the bus must not stall besides, or more is
/// dropped than the emulator drops.
fn wire(seed: u64, stalls: bool) -> Wire {
    let random = &mut Random::of(seed, 77);
    let one_of = |random: &mut Random, list: &[u32]| *random.pick(list);
    Wire {
        seed,
        gap: one_of(random, &[0, 0, 100, 500]),
        pause: one_of(random, &[0, 3, 3, 12]),
        stall: if stalls { one_of(random, &[0, 0, 150, 300]) } else { 0 },
    }
}

fn differential(profile: &Profile, share: u64) {
    let frames = number("TERCEL_CARD_FRAMES").unwrap_or(FRAMES) * share / 100;
    let seed = number("TERCEL_CARD_SEED").unwrap_or(1);
    let stalls = !profile.slow;
    let make = |seed| (Rtl::new(wire(seed, stalls)), emulator());
    let tally = compare_many(profile, seed, frames, &make);
    println!("{tally}, {} times all counters, profile `{}`", tally.checks, profile.name);
}

#[test]
fn clean_traffic_equals_the_emulator() {
    differential(&CLEAN, 20);
}

#[test]
fn fuzzed_traffic_equals_the_emulator() {
    differential(&FUZZED, 35);
}

#[test]
fn two_lines_equal_the_emulator() {
    differential(&TWO_LINES, 25);
}

#[test]
fn a_slow_host_sees_what_it_sees_of_the_emulator() {
    differential(&SLOW_HOST, 12);
}

#[test]
fn restarts_equal_the_emulator() {
    differential(&RESTARTS, 8);
}

#[test]
fn does_what_every_card_must() {
    conformance::all(&|| Rtl::new(Wire { seed: 5, ..Wire::default() }));
}

#[test]
fn the_captures() {
    let Some(folder) = recorded::data("nasdaq-pcaps") else { return };
    let mut tally = Tally::default();
    for (seed, steps) in (0..).zip(recorded::captures(&folder)) {
        let rtl = Rtl::new(wire(seed, true));
        tally += compare(rtl, emulator(), &steps).unwrap_or_else(|error| panic!("{error}"));
    }
    println!("{tally}, captures");
}

#[test]
fn the_lobster_hour() {
    let file = recorded::data("lobster/AAPL_2012-06-21_message_50.csv.gz");
    let Some(file) = file else { return };
    let messages = recorded::lobster(&file);
    for loss in [0, 20] {
        let steps = recorded::on_two_lines(&messages, loss);
        let rtl = Rtl::new(wire(1, true));
        let tally = compare(rtl, emulator(), &steps).unwrap_or_else(|error| panic!("{error}"));
        println!("{tally}, LOBSTER hour, {loss} in a thousand packets lost on each line");
    }
}

/// Measures the latency of good messages, those among them that are so short that in a frame with
/// one VLAN tag they end in the beat behind the packet's header.
fn measured() -> Latency {
    let rtl = Rtl::new(Wire { seed: 9, gap: 60, pause: 8, stall: 0 });
    let mut bed = Bed::started(rtl, &Setup { ring_log2: 20, ..Setup::default() });
    let random = &mut Random::new(4);
    let mut next = 1;
    for _ in 0..4000 {
        let count = random.range(1..20);
        let messages: Vec<_> =
            (next..next + count).map(|number| of_number(9, number, false)).collect();
        let line = random.below(2) as usize;
        let mut bytes = packet(line, next, Content::Messages, &messages);
        let clothes = Dress::any(random);
        dress(&mut bytes, &clothes, random);
        let frame = RxFrame { line, bytes: &bytes, fcs_good: true, ticks: next };
        bed.device.rx_measured(&frame, &message_ends(&bytes));
        next += count;
    }
    assert_eq!(bed.lines().len() as u64, next - 1);
    let counters = bed.counters();
    let latency = bed.device.latency();
    let Latency { record_min, record_max, ring_min, ring_max, records, .. } = latency;
    println!(
        "cycles: last byte to record {record_min} to {record_max}, to ring {ring_min} to \
         {ring_max}, {records} messages"
    );
    assert_eq!((latency.records, latency.writes, latency.unmatched), (next - 1, next - 1, 0));
    // What the card has measured itself.
    assert_eq!(u64::from(counters.card[counter::LATENCY_MIN]), ring_min);
    assert_eq!(u64::from(counters.card[counter::LATENCY_MAX]), ring_max);
    latency
}

/// Clock cycles from the beat with a message's last byte: three to the record, five to the ring.
#[test]
fn latency_is_three_cycles_to_the_record_and_five_to_the_ring() {
    let latency = measured();
    assert_eq!((latency.record_min, latency.record_max), (3, 3));
    assert_eq!((latency.ring_min, latency.ring_max), (5, 5));
}

/// A day of both lines: who sends what, in order, and what all of it says.
struct Both {
    frames: Vec<(usize, Vec<u8>)>,
    sent: BTreeMap<u64, EventRecord>,
    end: u64,
}

fn both(seed: u64, loss: u64, bad: u64) -> (Both, Vec<bool>) {
    let random = &mut Random::new(seed);
    let mut both = Both { frames: Vec::new(), sent: BTreeMap::new(), end: 1 };
    let mut good = Vec::new();
    while both.end < 4000 {
        let (first, count) = (both.end, random.range(1..25));
        let messages: Vec<_> =
            (first..first + count).map(|number| of_number(seed, number, false)).collect();
        for line in 0..2 {
            if random.chance(loss) {
                continue;
            }
            let bytes = packet(line, first, Content::Messages, &messages);
            good.push(!random.chance(bad));
            both.frames.push((line, bytes));
        }
        for (number, message) in (first..).zip(&messages) {
            let message = tercel_proto::itch::parse(message).expect("a good message");
            let record = tercel_proto::itch_record::to_record(&message, VenueId(3), Nanos(0));
            both.sent.insert(number, EventRecord { seq: number, ..record });
        }
        both.end += count;
    }
    for line in 0..2 {
        both.frames.push((line, packet(line, both.end, Content::Heartbeat, &[])));
        good.push(true);
    }
    (both, good)
}

fn at_once(seed: u64, wire: Wire, loss: u64, bad: u64) -> (u64, u64, u64) {
    let (day, good) = both(seed, loss, bad);
    let rtl = Rtl::new(wire);
    let mut bed = Bed::started(rtl, &Setup { ring_log2: 16, ..Setup::default() });
    let frames: Vec<RxFrame<'_>> = day
        .frames
        .iter()
        .zip(&good)
        .map(|((line, bytes), good)| RxFrame { line: *line, bytes, fcs_good: *good, ticks: 7 })
        .collect();
    bed.device.rx_both(&frames);
    let records = bed.records();
    let counters = bed.counters();
    let drops = counters.card[counter::DROPS] > 0;
    let mut follower = Follower::new(1, drops);
    for record in &records {
        follower.take(record).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    for (number, record) in follower.standing() {
        let record = EventRecord { receive_time: 0, ..said(record) };
        assert_eq!(Some(&record), day.sent.get(number), "seed {seed}");
    }
    assert_eq!(follower.unexplained(1, day.end), [0; 0], "seed {seed}");
    assert_eq!(bed.faults(), [""; 0]);
    for line in 0..2 {
        let frames = frames.iter().filter(|frame| frame.line == line).count();
        assert_eq!(counters.lines[line][line_counter::FRAMES] as usize, frames);
        let good = frames - counters.lines[line][line_counter::BAD_FCS] as usize;
        assert_eq!(counters.lines[line][line_counter::PACKETS] as usize, good);
    }
    let [a, b] = counters.lines.map(|line| u64::from(line[line_counter::QUEUE_DROPS]));
    let dropped = u64::from(counters.card[counter::DROPS]);
    if loss == 0 && bad == 0 && dropped == 0 && a + b == 0 {
        assert!(follower.standing().keys().copied().eq(1..day.end), "seed {seed}");
    }
    (follower.standing().len() as u64, a + b, dropped)
}

/// Overlapping frames on both lines: no order is given, but the rules of the stream hold.
#[test]
fn both_lines_at_once_keep_the_rules_of_the_stream() {
    let mut sums = (0, 0, 0);
    let seeds = number("TERCEL_CARD_FRAMES").unwrap_or(FRAMES) / 4000;
    for seed in 0..seeds.max(4) {
        let random = &mut Random::of(seed, 3);
        let stall = *random.pick(&[0, 0, 200, 400, 700]);
        let gap = *random.pick(&[0, 100, 500]);
        let wire = Wire { seed, gap, pause: *random.pick(&[3, 3, 20, 60]), stall };
        let loss = *random.pick(&[0, 30, 200]);
        // What is retracted is looked at only where the queue does not overflow besides.
        let bad = if stall > 200 { 0 } else { *random.pick(&[0, 50]) };
        let one = at_once(seed, wire, loss, bad);
        sums = (sums.0 + one.0, sums.1 + one.1, sums.2 + one.2);
    }
    println!("{} messages, {} beyond a line's queue, {} dropped", sums.0, sums.1, sums.2);
    assert!(sums.0 > 10_000);
}

/// Both lines bring as many of the shortest messages as fit, and all of them count: line B fills
/// the hole that line A leaves. That is more than one a cycle, and more than a line's queue holds.
/// With a bus that stalls besides, records are dropped, and the range of them is announced.
#[test]
fn what_is_too_much_is_dropped_counted_and_announced() {
    for (seed, stall) in [(1, 0), (2, 700)] {
        let short = |number: u64| message(b'S', &mut Random::of(5, number));
        let frames_of = |line: usize, first: u64| -> Vec<(usize, Vec<u8>)> {
            let firsts = (0..20).map(|at| first + 100 * at);
            let messages = |first: u64| (first..first + 100).map(short).collect::<Vec<_>>();
            let content = Content::Messages;
            firsts.map(|first| (line, packet(line, first, content, &messages(first)))).collect()
        };
        let mut frames = [frames_of(0, 2001), frames_of(1, 1)].concat();
        frames.push((0, packet(0, 4001, Content::Heartbeat, &[])));
        let frames: Vec<RxFrame<'_>> = frames
            .iter()
            .map(|(line, bytes)| RxFrame { line: *line, bytes, fcs_good: true, ticks: 7 })
            .collect();
        let rtl = Rtl::new(Wire { seed, gap: 0, pause: 0, stall });
        let mut bed = Bed::started(rtl, &Setup { ring_log2: 16, ..Setup::default() });
        bed.device.rx_both(&frames);
        let records = bed.records();
        let counters = bed.counters();
        let [a, b] = counters.lines.map(|line| line[line_counter::QUEUE_DROPS]);
        let drops = counters.card[counter::DROPS];
        println!("{} records, {a} and {b} beyond a line's queue, {drops} dropped", records.len());
        assert!(a + b > 0, "the queues hold more than both lines bring");
        assert_eq!(drops > 0, stall > 0);
        assert_eq!(counters.card[counter::RING_FULL], 0);
        assert_eq!(counters.lines.map(|line| line[line_counter::PACKETS]), [21, 20]);
        let mut follower = Follower::new(1, drops > 0);
        records.iter().for_each(|record| follower.take(record).expect("a stream"));
        assert_eq!(follower.unexplained(1, 4001), [0; 0]);
        assert_eq!(bed.faults(), [""; 0]);
    }
}

#[test]
fn the_clock_runs() {
    let mut rtl = Rtl::new(Wire::default());
    let first = rtl.csr_read(register::TIME_LO);
    assert!(rtl.csr_read(register::TIME_LO) > first);
}
