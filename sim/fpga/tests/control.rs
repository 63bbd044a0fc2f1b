//! Registers, start and stop, snapshots, and a host that is slow to take its records.

mod frames;

use frames::{Frame, card, configure_line, delete, records, rx, start};
use proptest::prelude::*;
use std::collections::BTreeSet;
use tercel_abi::device::{self, counter, line_counter, line_register as of_line, register};
use tercel_abi::{
    EventRecord, FeedDevice, Kind, LAYOUT_HASH, RxFrame, VERSION, counter_register,
    line_counter_register, line_register,
};
use tercel_emulator::{Config, Emulator};

#[test]
fn a_card_says_what_it_is() {
    let time_base = 0x0123_4567_89ab_cdef;
    let mut card = Emulator::new(Config { dma_window: 0x1_0000, time_base });
    card.set_time(0xffff_1234_5678_9abc);
    let expected = [
        (register::MAGIC, device::MAGIC),
        (register::VERSION, VERSION as u32),
        (register::LAYOUT_HASH_LO, LAYOUT_HASH as u32),
        (register::LAYOUT_HASH_HI, (LAYOUT_HASH >> 32) as u32),
        (register::TICKS_PER_SECOND, 1_000_000_000),
        (register::DMA_WINDOW, 0x1_0000),
        (register::TIME_BASE_LO, 0x89ab_cdef),
        (register::TIME_BASE_HI, 0x0123_4567),
        (register::TIME_LO, 0x5678_9abc),
        (register::TIME_HI, 0x1234),
        (register::STATUS, 0),
        (register::HEAD, 0),
        (register::SNAPSHOT_DONE, 0),
        (counter_register(counter::LATENCY_MIN), u32::MAX),
        (counter_register(counter::LATENCY_MAX), 0),
    ];
    for (offset, value) in expected {
        assert_eq!(card.csr_read(offset), value, "{offset:#x}");
        card.csr_write(offset, !value);
        assert_eq!(card.csr_read(offset), value, "{offset:#x} is read-only");
    }
    card.set_time_base(7);
    assert_eq!(card.csr_read(register::TIME_BASE_LO), 7);
    assert_eq!(card.csr_read(register::TIME_BASE_HI), 0);
    for offset in [1, 0x7ffe, device::SIZE as u32, u32::MAX, u32::MAX - 3] {
        card.csr_write(offset, 1);
        assert_eq!(card.csr_read(offset), 0);
    }
}

#[test]
fn a_stopped_card_ignores_frames() {
    let bytes = Frame::of(0, 1, &[delete(1, 1)]).bytes();
    let mut card = card(4, 1);
    card.csr_write(register::CONTROL, 0);
    assert_eq!(card.csr_read(register::STATUS), 0);
    rx(&mut card, 0, &bytes);
    assert_eq!(card.counters().lines[0][line_counter::FRAMES], 0);
    assert!(records(&mut card).is_empty());
}

#[test]
fn a_line_without_an_address_is_off() {
    let mut card = card(4, 1);
    card.csr_write(line_register(0, of_line::ADDRESS), 0);
    let bytes = Frame { address: 0, ..Frame::of(0, 1, &[delete(1, 1)]) }.bytes();
    rx(&mut card, 0, &bytes);
    assert_eq!(card.counters().lines[0][line_counter::FRAMES], 0);
    configure_line(&mut card, 0);
    rx(&mut card, 0, &bytes);
    assert_eq!(card.counters().lines[0][line_counter::OTHER], 1);
}

#[test]
fn a_start_clears_everything() {
    let bytes = Frame::of(0, 3, &[delete(1, 1)]).bytes();
    let mut card = card(4, 1);
    rx(&mut card, 0, &bytes);
    card.csr_write(register::SNAPSHOT, 9);
    assert_eq!(records(&mut card).len(), 2);
    assert_eq!(card.csr_read(register::HEAD), 2);
    rx(&mut card, 0, &Frame::of(0, 9, &[delete(1, 1)]).bytes());

    card.csr_write(register::CONTROL, 2);
    assert_eq!(card.csr_read(register::STATUS), 2);
    assert_eq!(card.csr_read(register::HEAD), 0);
    assert_eq!(card.csr_read(counter_register(counter::GAPS)), 0);
    assert!(records(&mut card).is_empty(), "what was on its way is gone");
    rx(&mut card, 0, &bytes);
    let mut lines = Vec::new();
    card.poll(&mut |address, line| lines.push((address, line[6], line[62])));
    assert_eq!(lines, [(0x1000, 1, 1), (0x1040, 1, 2)]);
    // The same generation once more is no change.
    card.csr_write(register::CONTROL, 2);
    assert_eq!(card.csr_read(register::HEAD), 2);
}

#[test]
fn a_ring_that_cannot_be_is_not_started() {
    for (base, log2) in [(0, 3), (0, 21), (0, 255), (8, 4), (u64::MAX - 63, 4)] {
        let mut card = Emulator::new(Config::default());
        start(&mut card, base, log2, 1);
        assert_eq!(card.csr_read(register::STATUS), 0, "{base} {log2}");
        rx(&mut card, 0, &Frame::of(0, 1, &[delete(1, 1)]).bytes());
        assert!(records(&mut card).is_empty());
        start(&mut card, 0, 4, 1);
        card.csr_write(register::CONTROL, 2);
        assert_eq!(card.csr_read(register::STATUS), 2);
    }
}

#[test]
fn the_ring_stays_where_the_start_found_it() {
    let mut card = card(4, 1);
    card.csr_write(register::RING_BASE_LO, 0x8000);
    card.csr_write(register::RING_LOG2, 20);
    rx(&mut card, 0, &Frame::of(0, 1, &vec![delete(1, 1); 20]).bytes());
    let mut addresses = Vec::new();
    card.poll(&mut |address, _| addresses.push(address));
    assert_eq!(addresses, (0..16).map(|slot| 0x1000 + 64 * slot).collect::<Vec<u64>>());
}

#[test]
fn a_snapshot_latches_every_counter_at_once() {
    let mut card = card(8, 1);
    let frames = line_counter_register(0, line_counter::FRAMES);
    let records_at = counter_register(counter::RECORDS);
    rx(&mut card, 0, &Frame::of(0, 1, &[delete(1, 1)]).bytes());
    records(&mut card);
    assert_eq!([card.csr_read(frames), card.csr_read(records_at)], [0, 0]);
    card.csr_write(register::SNAPSHOT, 5);
    assert_eq!(card.csr_read(register::SNAPSHOT_DONE), 5);
    assert_eq!([card.csr_read(frames), card.csr_read(records_at)], [1, 1]);
    rx(&mut card, 0, &Frame::of(0, 2, &[delete(1, 1)]).bytes());
    records(&mut card);
    card.csr_write(register::SNAPSHOT, 5);
    assert_eq!([card.csr_read(frames), card.csr_read(records_at)], [1, 1]);
    card.csr_write(register::SNAPSHOT, 4);
    assert_eq!([card.csr_read(frames), card.csr_read(records_at)], [2, 2]);
}

#[test]
fn a_tail_lets_waiting_records_flow() {
    let mut card = card(4, 1);
    rx(&mut card, 0, &Frame::of(0, 1, &vec![delete(1, 1); 16 + 32 + 3]).bytes());
    assert_eq!(records(&mut card).len(), 16);
    assert_eq!(card.csr_read(register::HEAD), 16);
    assert_eq!(card.counters().card[counter::DROPS], 3);
    assert!(records(&mut card).is_empty());
    let mut rest = Vec::new();
    for tail in [16, 32, 48] {
        card.csr_write(register::TAIL, tail);
        rest.extend(records(&mut card));
    }
    assert_eq!(rest.len(), 33);
    let last = rest[32];
    assert_eq!((last.kind(), last.order_ref, last.quantity), (Some(Kind::GapOpen), 49, 3));
    assert_eq!(card.counters().card[counter::GAPS], 0);
    assert_eq!(card.counters().card[counter::RECORDS], 49);
}

/// What a host believes that only sees what reaches the ring.
#[derive(Debug)]
struct Host {
    taken: u64,
    next: u64,
    have: BTreeSet<u64>,
    missing: BTreeSet<u64>,
}

impl Host {
    fn take(&mut self, line: &[u8; 64], log2: u32) {
        let word = |at: usize| u64::from_le_bytes(line[8 * at..8 * at + 8].try_into().unwrap());
        self.taken += 1;
        assert_eq!(word(0) >> 48, ((self.taken - 1) >> log2) + 1, "lap of {}", self.taken);
        assert_eq!(word(7) >> 48, self.taken & 0xffff);
        let record: EventRecord = zerocopy::FromBytes::read_from_bytes(line).unwrap();
        let range = record.order_ref..record.order_ref + record.quantity;
        match record.kind().unwrap() {
            Kind::GapOpen | Kind::Retract => {
                self.next = self.next.max(range.end);
                for seq in range {
                    self.have.remove(&seq);
                    self.missing.insert(seq);
                }
            }
            Kind::GapClosed => {}
            _ => {
                let seq = record.seq & ((1 << 48) - 1);
                assert!(self.have.insert(seq), "{seq} came twice");
                let announced = self.missing.remove(&seq);
                assert!(announced || seq == self.next, "{seq} came after {}", self.next);
                self.next = self.next.max(seq + 1);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// However slow the host is and whatever is lost or damaged on the lines: what it reads has no
    /// number twice that was not voided, and nothing missing that was not announced.
    #[test]
    fn a_slow_host_is_never_misled(
        steps in prop::collection::vec(
            (0_usize..2, 0_u64..12, 0_usize..9, prop::bool::weighted(0.85), 0_u64..24),
            1..150,
        ),
    ) {
        let log2 = 4;
        let mut card = card(log2, 1);
        let mut host =
            Host { taken: 0, next: 1, have: BTreeSet::new(), missing: BTreeSet::new() };
        let mut newest = 1_u64;
        let mut written = Vec::new();
        for (line, back, count, fcs_good, takes) in steps {
            let seq = (newest + 3).saturating_sub(back).max(1);
            let messages: Vec<_> = (seq..).take(count).map(|order| delete(1, order)).collect();
            let bytes = Frame::of(line, seq, &messages).bytes();
            newest = newest.max(seq + count as u64);
            card.rx_frame(&RxFrame { line, bytes: &bytes, fcs_good, ticks: 1 });
            card.poll(&mut |_, line| written.push(*line));
            let head = u64::from(card.csr_read(register::HEAD));
            prop_assert_eq!(head, written.len() as u64);
            prop_assert!(head - host.taken <= 1 << log2);
            for _ in 0..takes.min(head - host.taken) {
                host.take(&written[host.taken as usize], log2);
            }
            card.csr_write(register::TAIL, host.taken as u32);
        }
        prop_assert_eq!(card.counters().card[counter::RECORDS] as usize, written.len());
    }
}
