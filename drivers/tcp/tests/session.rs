//! Sessions over bad wires: every byte arrives once, in order, both ways; and what the prepared
//! segments put on the wire is what the full stack would have.

mod lab;

use lab::{Faults, Lab, MS, Random, config};
use tercel_tcp::{State, TcpConfig, TcpReport};
use tercel_types::{Clock, Nanos, StreamPort};

/// What a session of orders and answers did.
struct Outcome {
    frames: Vec<(u64, Vec<u8>)>,
    report: TcpReport,
    seconds: f64,
}

/// Sends messages of random lengths at random times while the server sends a stream of its own,
/// until all has arrived.
fn session(seed: u64, faults: Faults, messages: u64, prepared: bool) -> Outcome {
    // The server repeats its half of the handshake on its own slow clock.
    let patient = TcpConfig { connect_timeout: Nanos::from_secs(300), ..config(seed) };
    let mut lab = Lab::with(patient, faults);
    lab.net.borrow_mut().sent = Some(Vec::new());
    let mut random = Random(seed ^ 0x5eed);
    let answer: Vec<u8> = (0..messages * 40).map(|_| random.next() as u8).collect();
    lab.client.use_prepared_segments(prepared);
    lab.client.dial();
    let (mut sent, mut got) = (Vec::new(), Vec::new());
    let mut left = messages;
    let start = lab.time.now().0;
    let mut next_at = 0;
    while left > 0 || lab.server.got.len() < sent.len() || got.len() < answer.len() {
        lab.pass(MS);
        let each = |bytes: &[u8]| {
            // Sometimes a part is left for later.
            let take = if bytes.len() > 7 && bytes[0].is_multiple_of(4) {
                bytes.len() / 2
            } else {
                bytes.len()
            };
            got.extend_from_slice(&bytes[..take]);
            take
        };
        let polled = lab.client.poll(each);
        assert!(polled.is_ok(), "seed {seed}: {polled:?} {:?}", lab.client.state());
        assert!(!matches!(lab.client.step(), State::Closed(_)), "seed {seed}");
        let now = lab.time.now().0;
        // The server speaks in pieces, so that there are frames to lose; one in eight sessions
        // commits before the connection is open.
        if lab.server.to_send.len() < answer.len() && random.below(3) == 0 {
            let from = lab.server.to_send.len();
            let to = answer.len().min(from + 1 + random.below(200) as usize);
            lab.server.to_send.extend_from_slice(&answer[from..to]);
        }
        let open = lab.client.state() == State::Open || seed.is_multiple_of(8);
        if open && left > 0 && now >= next_at {
            let reserved = 1 + random.below(200) as usize;
            let len = 1 + random.below(reserved as u64) as usize;
            let draw: u64 = random.next();
            if let Some(space) = lab.client.reserve(reserved) {
                for (at, byte) in space[..len].iter_mut().enumerate() {
                    *byte = (draw >> (at % 8 * 8)) as u8 ^ at as u8;
                    sent.push(*byte);
                }
                lab.client.commit(len).unwrap();
                left -= 1;
            }
            // Bursts and pauses.
            next_at = now + [0, 0, 10_000, 300_000, 5 * MS][random.below(5) as usize];
        }
        assert!(now - start < 2_000_000 * MS, "seed {seed}: stuck");
    }
    assert!(lab.server.got == sent, "seed {seed}: what the server got");
    assert!(got == answer, "seed {seed}: what the client got");
    let frames = lab.net.borrow_mut().sent.take().unwrap();
    let seconds = (lab.time.now().0 - start) as f64 / 1e9;
    Outcome { frames, report: lab.client.report(), seconds }
}

#[test]
fn a_good_wire_sees_prepared_segments_only() {
    let outcome = session(1, Faults::default(), 2_000, true);
    let report = outcome.report;
    assert_eq!((report.mismatches, report.retransmits, report.outbox_full), (0, 0, 0));
    assert_eq!(report.fast + report.ordinary, 2_000);
    assert!(report.ordinary < 40, "{report:?}");
    assert_eq!((report.foreign, report.malformed), (0, 0));
}

#[test]
fn every_byte_arrives_once_and_in_order_whatever_the_wire_does() {
    let seeds = 3_000;
    let mut sum = TcpReport::default();
    let mut longest = 0.0f64;
    for seed in 0..seeds {
        let faults = Faults { loss: 0.05, duplicate: 0.02, reorder: 0.1, outage: (0, 0) };
        let Outcome { report, seconds, .. } = session(seed, faults, 60, true);
        assert_eq!(report.mismatches, 0, "seed {seed}: {report:?}");
        sum.fast += report.fast;
        sum.ordinary += report.ordinary;
        sum.retransmits += report.retransmits;
        sum.duplicate_acks += report.duplicate_acks;
        sum.out_of_order += report.out_of_order;
        longest = longest.max(seconds);
    }
    println!(
        "{seeds} sessions, the longest of {longest:.1} s: {} fast, {} ordinary, {} sent again, {} \
         duplicate acknowledgements, {} out of order",
        sum.fast, sum.ordinary, sum.retransmits, sum.duplicate_acks, sum.out_of_order
    );
    assert!(sum.fast > 20 * seeds && sum.retransmits > seeds && sum.out_of_order > seeds / 2);
}

#[test]
fn an_outage_of_ten_seconds_loses_nothing() {
    for seed in 0..40 {
        let from = 1_000_000 * MS + 5 * MS + seed * MS;
        let outage = (from, from + 10_000 * MS);
        let faults = Faults { loss: 0.05, duplicate: 0.02, reorder: 0.1, outage };
        let outcome = session(seed, faults, 200, true);
        assert!(outcome.seconds > 10.0, "seed {seed}");
        assert_eq!(outcome.report.mismatches, 0, "seed {seed}");
        assert_eq!(outcome.report.dials, 1);
    }
}

#[test]
fn with_and_without_prepared_segments_the_same_frames_leave_at_the_same_times() {
    let bad = Faults { loss: 0.05, duplicate: 0.02, reorder: 0.1, outage: (0, 0) };
    let late = Faults { outage: (1_000_010 * MS, 1_010_010 * MS), ..bad };
    for seed in 0..60 {
        let faults = [Faults::default(), bad, late][seed as usize % 3];
        let seed = 8 * seed + 1;
        let (one, other) = (session(seed, faults, 150, true), session(seed, faults, 150, false));
        assert_eq!(other.report.fast, 0);
        assert!(one.report.fast > 30, "seed {seed}: {:?}", one.report);
        assert_eq!(one.frames.len(), other.frames.len(), "seed {seed}");
        for (at, (one, other)) in one.frames.iter().zip(&other.frames).enumerate() {
            assert_eq!(one, other, "seed {seed}, frame {at}");
        }
    }
}

/// The initial sequence number of a smoltcp of this seed: the second number it draws.
fn initial(seed: u64) -> u32 {
    let mut state = seed;
    let mut drawn = 0;
    for _ in 0..2 {
        state = state.wrapping_mul(0xbb2e_fcec_3c39_611d).wrapping_add(0x7590_ef39);
        drawn = (state >> (29 - (state >> 61))) as u32;
    }
    drawn
}

#[test]
fn sequence_numbers_wrap() {
    let bad = Faults { loss: 0.05, duplicate: 0.02, reorder: 0.1, outage: (0, 0) };
    let near = |seed: u64, at: u32| at.wrapping_sub(initial(seed)) < 60_000;
    // Ours at the end of the numbers and at the end of the positive ones; then the server's.
    for (at, ours) in [(0, true), (1 << 31, true), (0, false), (1 << 31, false)] {
        let found = (1..).find(|seed| near(if ours { *seed } else { !*seed }, at));
        let seed = found.expect("there is one");
        let outcome = session(seed, bad, 2_500, true);
        assert!(outcome.report.fast > 1_000 && outcome.report.mismatches == 0);
        let syn = outcome.frames.iter().find(|(_, frame)| frame.get(47) == Some(&2)).unwrap();
        let number = u32::from_be_bytes(syn.1[38..42].try_into().unwrap());
        assert_eq!(number, initial(seed), "the test knows the generator");
    }
}
