//! What every card must do, whatever stands behind it.

use super::bed::Bed;
use super::packets::{Content, LINES, message, packet};
use super::random::Random;
use super::script::{Setup, Step};
use tercel_abi::device::{counter, line_counter, line_register as of_line, register};
use tercel_abi::{
    FeedDevice, Kind, LAYOUT_HASH, RxFrame, VERSION, counter_register, device, line_register,
};

/// Everything below, each with a card that has just been reset.
pub fn all<D: FeedDevice>(make: &dyn Fn() -> D) {
    registers(make());
    stopped(make());
    generations(make());
    kinds(make());
    filter(make());
    lines(make());
    other_sessions(make());
    a_full_ring(make());
    a_wrap_of_laps(make());
    snapshots(make());
}

fn frame(line: usize, seq: u64, count: u64) -> Step {
    let random = &mut Random::new(seq);
    let messages: Vec<_> = (0..count).map(|_| message(b'A', random)).collect();
    let content = if count == 0 { Content::Heartbeat } else { Content::Messages };
    let bytes = packet(line, seq, content, &messages);
    Step::Frame { line, bytes, fcs_good: true, ticks: seq }
}

fn registers<D: FeedDevice>(mut card: D) {
    assert_eq!(card.csr_read(register::MAGIC), device::MAGIC);
    assert_eq!(card.csr_read(register::VERSION), VERSION as u32);
    assert_eq!(card.csr_read(register::LAYOUT_HASH_LO), LAYOUT_HASH as u32);
    assert_eq!(card.csr_read(register::LAYOUT_HASH_HI), (LAYOUT_HASH >> 32) as u32);
    assert!(card.csr_read(register::TICKS_PER_SECOND) > 0);
    assert_eq!(card.csr_read(register::STATUS), 0);
    assert_eq!(card.csr_read(register::HEAD), 0);
    assert_eq!(card.csr_read(register::CONTROL), 0);
    // What cannot be written keeps its value, and where nothing is there is zero.
    for offset in [register::MAGIC, register::STATUS, register::HEAD, counter_register(0)] {
        let before = card.csr_read(offset);
        card.csr_write(offset, !before);
        assert_eq!(card.csr_read(offset), before, "{offset:#x}");
    }
    for offset in [0x0f0, 0x800, 0x1ffc, device::SIZE as u32 - 4] {
        card.csr_write(offset, 0x1234_5678);
        assert_eq!(card.csr_read(offset), 0, "{offset:#x}");
    }
    for line in 0..device::LINES {
        for of in [of_line::ADDRESS, of_line::SESSION_0, of_line::SESSION_1] {
            card.csr_write(line_register(line, of), 0x1122_3300 + of);
            assert_eq!(card.csr_read(line_register(line, of)), 0x1122_3300 + of);
        }
    }
    for offset in [register::RING_BASE_LO, register::RING_BASE_HI, register::NEXT_SEQ_LO] {
        card.csr_write(offset, 0x4433_2240);
        assert_eq!(card.csr_read(offset), 0x4433_2240, "{offset:#x}");
    }
}

fn stopped<D: FeedDevice>(card: D) {
    let mut bed = Bed::new(card);
    bed.play(&frame(0, 1, 3));
    assert!(bed.lines().is_empty());
    bed.start(&Setup::default());
    bed.stop();
    bed.play(&frame(0, 1, 3));
    let counters = bed.counters();
    assert_eq!(counters.lines, [[0; line_counter::COUNT]; 2]);
    assert!(bed.lines().is_empty());
    assert_eq!(bed.faults(), [""; 0]);
}

fn generations<D: FeedDevice>(card: D) {
    let mut bed = Bed::new(card);
    for first in [1, 500, 70_000] {
        bed.start(&Setup { next_seq: first, ..Setup::default() });
        bed.play(&frame(0, first, 5));
        let records = bed.records();
        assert_eq!(records.len(), 5);
        assert_eq!(records[4].seq, first + 4);
        assert_eq!(bed.counters().card[counter::RECORDS], 5);
        // Again, as it is: nothing is left of before.
        bed.play(&Step::Again);
        assert_eq!(bed.counters().card[counter::RECORDS], 0);
        bed.play(&frame(1, first, 2));
        assert_eq!(bed.records().len(), 2);
    }
    assert_eq!(bed.faults(), [""; 0]);
}

fn kinds<D: FeedDevice>(card: D) {
    let mut bed = Bed::started(card, &Setup::default());
    let random = &mut Random::new(1);
    for (number, kind) in (1..).zip(Kind::ALL.iter().filter(|kind| **kind as u8 >= 0x20)) {
        let bytes = packet(0, number, Content::Messages, &[message(*kind as u8, random)]);
        bed.frame(&RxFrame { line: 0, bytes: &bytes, fcs_good: true, ticks: number });
        let records = bed.records();
        assert_eq!(records.len(), 1);
        assert_eq!((records[0].kind(), records[0].seq), (Some(*kind), number));
        assert_eq!((records[0].venue, records[0].receive_time), (3, number));
    }
    let counters = bed.counters();
    for index in counter::KIND_SYSTEM_EVENT..counter::COUNT {
        assert_eq!(counters.card[index], 1, "{}", counter::NAMES[index]);
    }
    assert_eq!(bed.faults(), [""; 0]);
}

fn filter<D: FeedDevice>(card: D) {
    let with = |locate: u16, kind: u8| {
        let mut bytes = message(kind, &mut Random::new(locate.into()));
        bytes[1..3].copy_from_slice(&locate.to_be_bytes());
        bytes
    };
    let passing = [0, 31, 32, 0x1234, 0xffff];
    let setup = Setup { filter: Some(passing.to_vec()), ..Setup::default() };
    let mut bed = Bed::started(card, &setup);
    let mut seq = 1;
    let mut send = |bed: &mut Bed<D>, locate: u16, kind: u8| {
        let bytes = packet(0, seq, Content::Messages, &[with(locate, kind)]);
        bed.frame(&RxFrame { line: 0, bytes: &bytes, fcs_good: true, ticks: 0 });
        seq += 1;
        bed.records().len()
    };
    for locate in passing {
        assert_eq!(send(&mut bed, locate, b'A'), 1, "{locate}");
    }
    for locate in [1, 30, 33, 64, 0x1233, 0x1235, 0xfffe, 0x7fff] {
        assert_eq!(send(&mut bed, locate, b'D'), 0, "{locate}");
        for kind in *b"SRVW" {
            assert_eq!(send(&mut bed, locate, kind), 1, "{locate}");
        }
    }
    assert_eq!(bed.counters().card[counter::FILTERED], 8);
    assert_eq!(bed.faults(), [""; 0]);
}

fn lines<D: FeedDevice>(card: D) {
    let mut bed = Bed::started(card, &Setup { lines: [true, false], ..Setup::default() });
    bed.play(&frame(1, 1, 2));
    assert!(bed.records().is_empty());
    bed.play(&frame(0, 1, 2));
    assert_eq!(bed.records().len(), 2);
    // Line B's frames on line A are somebody else's.
    let Step::Frame { bytes, .. } = frame(1, 3, 2) else { return };
    bed.frame(&RxFrame { line: 0, bytes: &bytes, fcs_good: true, ticks: 0 });
    let counters = bed.counters();
    assert_eq!(counters.lines[0][line_counter::OTHER], 1);
    assert_eq!(counters.lines[1], [0; line_counter::COUNT]);
    assert_ne!(LINES[0], LINES[1]);
    assert_eq!(bed.faults(), [""; 0]);
}

fn other_sessions<D: FeedDevice>(card: D) {
    let mut bed = Bed::started(card, &Setup::default());
    let Step::Frame { mut bytes, .. } = frame(1, 1, 2) else { return };
    let session = super::packets::at::MOLD;
    bytes[session..session + 10].copy_from_slice(b"abcdefghij");
    super::packets::seal(&mut bytes, false, true);
    bed.frame(&RxFrame { line: 1, bytes: &bytes, fcs_good: false, ticks: 0 });
    assert_eq!(bed.counters().seen, [[0; 3]; 2]);
    bed.frame(&RxFrame { line: 1, bytes: &bytes, fcs_good: true, ticks: 0 });
    let counters = bed.counters();
    let name = [*b"abcd", *b"efgh", *b"ij\0\0"].map(u32::from_le_bytes);
    assert_eq!(counters.seen, [[0; 3], name]);
    assert_eq!(counters.lines[1][line_counter::OTHER_SESSION], 1);
    assert_eq!(counters.lines[1][line_counter::BAD_FCS], 1);
    assert!(bed.records().is_empty());
    assert_eq!(bed.faults(), [""; 0]);
}

fn a_full_ring<D: FeedDevice>(card: D) {
    let mut bed = Bed::started(card, &Setup { ring_log2: 4, ..Setup::default() });
    let depth = device::FIFO_DEPTH as u64;
    let room = 16 + depth;
    let mut seq = 1;
    while seq <= room + 4 {
        bed.play(&frame(0, seq, 4));
        seq += 4;
    }
    assert_eq!(bed.lines().len(), 16);
    let counters = bed.counters();
    assert_eq!(counters.card[counter::DROPS], 4);
    assert_eq!(counters.card[counter::RING_FULL], 4);
    let mut records = Vec::new();
    while records.len() < depth as usize + 1 {
        bed.take(16);
        records.extend(bed.lines().iter().map(super::bed::Line::record));
    }
    let gap = records[depth as usize];
    assert_eq!(gap.kind(), Some(Kind::GapOpen));
    assert_eq!((gap.order_ref, gap.quantity), (room + 1, 4));
    bed.take(16);
    bed.play(&frame(0, seq, 1));
    assert_eq!(bed.records()[0].seq, seq);
    assert_eq!(bed.counters().card[counter::DROPS], 4);
    assert_eq!(bed.faults(), [""; 0]);
}

/// So many records that the ring is run through again and again.
fn a_wrap_of_laps<D: FeedDevice>(card: D) {
    let mut bed = Bed::started(card, &Setup { ring_log2: 4, ..Setup::default() });
    for packet in 0..60 {
        bed.play(&frame(0, packet * 10 + 1, 10));
        assert_eq!(bed.records().len(), 10);
    }
    assert_eq!(bed.faults(), [""; 0]);
}

fn snapshots<D: FeedDevice>(card: D) {
    let mut bed = Bed::started(card, &Setup::default());
    bed.play(&frame(0, 1, 3));
    let before = bed.counters();
    assert_eq!(before.card[counter::RECORDS], 3);
    // The counters stay as they were latched.
    bed.play(&frame(0, 4, 3));
    assert_eq!(bed.lines().len(), 6);
    let records = counter_register(counter::RECORDS);
    assert_eq!(bed.device.csr_read(records), 3);
    assert_eq!(bed.counters().card[counter::RECORDS], 6);
    bed.play(&frame(0, 7, 0));
    assert_eq!(bed.counters().lines[0][line_counter::HEARTBEATS], 1);
    assert_eq!(bed.faults(), [""; 0]);
}
