//! Every frame is in exactly one class, and its events are those of the class.

mod frames;

use frames::{CLASSES, Frame, VENUE, card, delete, records, rx, rx_bad_fcs};
use proptest::prelude::*;
use tercel_abi::device::line_counter::{
    BAD_FCS, FRAMES, HEARTBEATS, MALFORMED, OTHER, OTHER_SESSION, PACKETS, TRUNCATED,
};
use tercel_abi::device::{counter, line_register as of_line, register};
use tercel_abi::{EventRecord, FeedDevice, Kind, RxFrame, line_register};
use tercel_emulator::Emulator;

/// The only class of `bytes` at line A, and the records that came of it.
fn class(bytes: &[u8]) -> (usize, Vec<EventRecord>) {
    let mut card = card(8, 10);
    rx(&mut card, 0, bytes);
    (only_class(&card), records(&mut card))
}

fn only_class(card: &Emulator) -> usize {
    let counters = card.counters().lines[0];
    assert_eq!(counters[FRAMES], 1);
    let classes: Vec<usize> = CLASSES.filter(|class| counters[*class] != 0).collect();
    assert_eq!(classes.iter().map(|class| counters[*class]).sum::<u32>(), 1);
    classes[0]
}

fn two() -> Frame {
    Frame::of(0, 10, &[delete(1, 100), delete(2, 200)])
}

fn kinds(records: &[EventRecord]) -> Vec<Kind> {
    records.iter().map(|record| record.kind().unwrap()).collect()
}

#[test]
fn good_packets_bring_their_messages() {
    for tags in [vec![], vec![0x8100], vec![0x88a8, 0x8100]] {
        for udp_checksum_off_by in [None, Some(0)] {
            for padding in [0, 1, 18] {
                let frame = Frame { tags: tags.clone(), udp_checksum_off_by, padding, ..two() };
                let (class, records) = class(&frame.bytes());
                assert_eq!(class, PACKETS);
                assert_eq!(kinds(&records), [Kind::Deleted; 2]);
                let expected = EventRecord {
                    seq: 11,
                    venue: VENUE,
                    instrument: 2,
                    order_ref: 200,
                    exchange_time: 256,
                    receive_time: 77,
                    ..EventRecord::new(Kind::Deleted)
                };
                assert_eq!(records[1], expected);
            }
        }
    }
}

#[test]
fn heartbeats_and_ends_of_session_are_packets() {
    let mut card = card(8, 10);
    rx(&mut card, 0, &Frame::new(0, 10).bytes());
    assert_eq!(card.counters().lines[0][HEARTBEATS], 1);
    assert!(records(&mut card).is_empty());
    rx(&mut card, 0, &Frame { count: Some(0xffff), ..Frame::new(0, 10) }.bytes());
    let counters = card.counters().lines[0];
    assert_eq!([counters[HEARTBEATS], counters[PACKETS], counters[FRAMES]], [1, 2, 2]);
    let ended = records(&mut card);
    assert_eq!((kinds(&ended).as_slice(), ended[0].order_ref), (&[Kind::SessionEnd][..], 10));
    // A heartbeat ahead announces the gap.
    rx(&mut card, 1, &Frame::new(1, 12).bytes());
    let gap = records(&mut card);
    assert_eq!((gap[0].kind(), gap[0].order_ref, gap[0].quantity), (Some(Kind::GapOpen), 10, 2));
}

#[test]
fn bytes_behind_an_empty_packet_are_malformed() {
    for count in [0, 0xffff] {
        let frame = Frame { blocks: vec![0], count: Some(count), ..Frame::new(0, 10) };
        let (class, records) = class(&frame.bytes());
        assert_eq!((class, records.len()), (MALFORMED, 0));
    }
}

#[test]
fn frames_for_others_are_other() {
    let others = [
        Frame { ethertype: 0x86dd, ..two() },
        Frame { tags: vec![0x8100; 3], ..two() },
        Frame { tags: vec![0x9100], ..two() },
        Frame { version: 0x46, ..two() },
        Frame { version: 0x65, ..two() },
        Frame { fragment: 0x2000, ..two() },
        Frame { fragment: 1, ..two() },
        Frame { protocol: 6, ..two() },
        Frame { ip_checksum_off_by: 1, ..two() },
        Frame { address: frames::ADDRESS[1], ..two() },
        Frame { port: frames::PORT[1], ..two() },
    ];
    for frame in others {
        let (class, records) = class(&frame.bytes());
        assert_eq!((class, records.len()), (OTHER, 0), "{frame:?}");
    }
}

#[test]
fn where_a_frame_ends_decides() {
    let bytes = two().bytes();
    let ip = 14;
    for length in 0..bytes.len() {
        let (class, records) = class(&bytes[..length]);
        let expected = if length < ip + 24 { OTHER } else { TRUNCATED };
        assert_eq!(class, expected, "{length}");
        // Messages whose last byte has come are handed out, and taken back.
        let messages = length.saturating_sub(ip + 48) / (2 + 19);
        let mut kinds_expected = vec![Kind::Deleted; messages];
        if messages > 0 {
            kinds_expected.push(Kind::Retract);
        }
        assert_eq!(kinds(&records), kinds_expected, "{length}");
    }
}

#[test]
fn contradictory_lengths_are_malformed_before_the_session_is_looked_at() {
    let session = *b"ANOTHER   ";
    let base = Frame { session, ..two() };
    let all = 48 + 2 * 21;
    let wrong = [
        Frame { ip_length: Some(47), ..base.clone() },
        Frame { ip_length: Some(0), ..base.clone() },
        Frame { udp_length: Some(27), ..base.clone() },
        Frame { udp_length: Some(0), ..base.clone() },
        Frame { udp_length: Some(all - 20 + 1), ..base.clone() },
        Frame { seq: (1 << 48) - 65_536, ..base.clone() },
        Frame { seq: u64::MAX, ..base.clone() },
    ];
    for frame in wrong {
        let (class, records) = class(&frame.bytes());
        assert_eq!((class, records.len()), (MALFORMED, 0), "{frame:?}");
    }
    assert_eq!(class(&base.bytes()).0, OTHER_SESSION);
    let largest = Frame { seq: (1 << 48) - 65_537, ..two() };
    assert_eq!(class(&largest.bytes()).0, PACKETS);
}

#[test]
fn another_session_is_shown() {
    let mut card = card(8, 10);
    let session = *b"TERCEL0002";
    let other = Frame { session, ..two() }.bytes();
    rx_bad_fcs(&mut card, 1, &Frame { session, ..Frame::new(1, 10) }.bytes());
    let seen = |card: &mut Emulator, line| {
        [of_line::SEEN_0, of_line::SEEN_1, of_line::SEEN_2]
            .map(|of| card.csr_read(line_register(line, of)).to_le_bytes())
            .concat()
    };
    assert_eq!(seen(&mut card, 1), [0; 12]);
    rx(&mut card, 0, &other);
    assert_eq!(seen(&mut card, 0), b"TERCEL0002\0\0");
    assert!(records(&mut card).is_empty());
    card.csr_write(register::CONTROL, 2);
    assert_eq!(seen(&mut card, 0), [0; 12]);
}

#[test]
fn blocks_that_do_not_fit_are_truncated() {
    let missing = Frame { count: Some(3), ..two() };
    let mut cut = two();
    cut.blocks.pop();
    let mut half_a_length = Frame { count: Some(3), ..two() };
    half_a_length.blocks.push(0);
    for (frame, messages) in [(missing, 2), (cut, 1), (half_a_length, 2)] {
        // Link padding is not part of the datagram.
        let (class, records) = class(&Frame { padding: 40, ..frame }.bytes());
        assert_eq!(class, TRUNCATED);
        assert_eq!(records.len(), messages + 1);
        let last = records.last().unwrap();
        let range = (last.kind(), last.order_ref, last.quantity, last.second_ref);
        let next = 10 + messages as u64;
        assert_eq!(range, (Some(Kind::Retract), 10, messages as u64, next));
    }
}

#[test]
fn bad_content_is_malformed_and_taken_back() {
    let mut behind = two();
    behind.blocks.push(0);
    let short_udp = Frame { udp_length: Some(28 + 21), ..two() };
    let checksum = Frame { udp_checksum_off_by: Some(1), ..two() };
    let mut short_block = two();
    short_block.blocks.extend([0, 11]);
    short_block.count = Some(9);
    for (frame, class_expected, messages) in [
        (behind, MALFORMED, 2),
        // One message in the datagram and two announced.
        (short_udp, TRUNCATED, 1),
        (checksum, MALFORMED, 2),
        (short_block.clone(), MALFORMED, 2),
    ] {
        let (class, records) = class(&frame.bytes());
        assert_eq!((class, records.len()), (class_expected, messages + 1), "{frame:?}");
    }
    // A frame shorter than its datagram is truncated whatever else is wrong.
    let longer = Frame { ip_length: Some(48 + 44 + 1), ..short_block };
    assert_eq!(class(&longer.bytes()).0, TRUNCATED);
}

#[test]
fn a_bad_frame_check_sequence_hides_every_other_class() {
    let all = [
        Frame { port: 1, ..two() },
        Frame { session: [0; 10], ..two() },
        Frame { udp_length: Some(0), ..two() },
        two(),
    ];
    for (at, frame) in all.iter().enumerate() {
        let mut card = card(8, 10);
        rx_bad_fcs(&mut card, 0, &frame.bytes());
        assert_eq!(only_class(&card), BAD_FCS);
        let expected: &[Kind] =
            if at == 3 { &[Kind::Deleted, Kind::Deleted, Kind::Retract] } else { &[] };
        assert_eq!(kinds(&records(&mut card)), expected);
    }
}

#[test]
fn what_the_messages_are_is_counted() {
    let mut card = card(8, 10);
    card.csr_write(register::PASS_ALL, 0);
    let filter = tercel_abi::device::FILTER_OFFSET + 4 * (70 / 32);
    card.csr_write(filter, 1 << (70 % 32));
    assert_eq!(card.csr_read(filter), 1 << 6);
    let system = [b"S\0\x05\0\0\0\0\0\0\0\0".as_slice(), b"O"].concat();
    let messages =
        [delete(70, 1), delete(71, 2), system, b"Z".repeat(19), b"D".repeat(20), delete(38, 3)];
    rx(&mut card, 0, &Frame::of(0, 10, &messages).bytes());
    let counters = card.counters().card;
    assert_eq!(counters[counter::KIND_DELETED], 3);
    assert_eq!(counters[counter::KIND_SYSTEM_EVENT], 1);
    assert_eq!(counters[counter::FILTERED], 2);
    assert_eq!(counters[counter::MALFORMED_KIND], 1);
    assert_eq!(counters[counter::MALFORMED_LENGTH], 1);
    let seqs: Vec<u64> = records(&mut card).iter().map(|record| record.seq).collect();
    assert_eq!(seqs, [10, 12]);
}

/// A frame of line A in which anything may be wrong.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let message = (0_u16..4, any::<u64>()).prop_map(|(locate, order)| delete(locate, order));
    let messages = prop::collection::vec(message, 0..5);
    let damage = (any::<prop::sample::Index>(), 0_u8..=255, 0_u8..4);
    (messages, 1_u64..60, damage, 0_usize..30, prop::option::of(Just(0_u16))).prop_map(
        |(messages, seq, (at, byte, what), padding, udp_checksum_off_by)| {
            let frame = Frame::of(0, seq, &messages);
            let mut bytes = Frame { padding, udp_checksum_off_by, ..frame }.bytes();
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => bytes[at] ^= 1 << (byte % 8),
                _ => {}
            }
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn frames_are_the_sum_of_the_classes(
        frames in prop::collection::vec(
            (any_frame(), 0_usize..3, prop::bool::weighted(0.9)),
            0..40,
        ),
    ) {
        let mut card = card(6, 1);
        for (ticks, (bytes, line, fcs_good)) in frames.iter().enumerate() {
            let ticks = ticks as u64;
            card.rx_frame(&RxFrame { line: *line, bytes, fcs_good: *fcs_good, ticks });
        }
        for (line, counters) in card.counters().lines.iter().enumerate() {
            let given = frames.iter().filter(|(_, of, _)| *of == line).count();
            prop_assert_eq!(counters[FRAMES] as usize, given);
            prop_assert_eq!(counters[FRAMES], CLASSES.map(|class| counters[class]).sum::<u32>());
            prop_assert!(counters[HEARTBEATS] <= counters[PACKETS]);
        }
        let counters = card.counters().card;
        prop_assert_eq!(counters[counter::LATENCY_MIN], u32::MAX);
        prop_assert_eq!(counters[counter::LATENCY_MAX], 0);
    }

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let mut card = card(6, 1);
        rx(&mut card, 0, &bytes);
        prop_assert_eq!(card.counters().lines[0][FRAMES], 1);
    }
}
