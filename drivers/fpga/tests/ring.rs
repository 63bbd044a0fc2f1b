//! The ring: laps, lines that are half written, what a card must not write, and TAIL.

mod fake;

use fake::{Fake, read, written};
use proptest::prelude::*;
use std::time::{Duration, Instant};
use tercel_abi::device::register;
use tercel_fpga::{AnyCard, CardFault};
use tercel_types::Nanos;

/// Takes what is there, and compares it with the records from `first` on.
fn take(card: &mut AnyCard, max: usize, first: u64) -> usize {
    let mut number = first;
    let given = card.poll(max, |record| {
        assert_eq!(*record, read(number));
        number += 1;
    });
    let given = given.expect("a good card");
    assert_eq!(given as u64, number - first);
    given
}

fn fault(card: &mut AnyCard) -> CardFault {
    card.poll(1, |record| panic!("a record: {record:?}")).expect_err("a fault")
}

#[test]
fn records_come_in_order_and_whole() {
    let mut fake = Fake::new(4);
    let mut card = fake.started();
    assert_eq!(take(&mut card, 10, 1), 0);
    (1..=5).for_each(|number| fake.publish(&written(number)));
    assert_eq!(take(&mut card, 2, 1), 2);
    assert_eq!(take(&mut card, 0, 3), 0);
    assert_eq!(take(&mut card, 10, 3), 3);
    assert_eq!(take(&mut card, 10, 6), 0);
    assert_eq!(card.taken(), 5);
}

#[test]
fn laps_and_numbers_go_round() {
    // 65,536 laps of 16 slots, and some more: lap 0 comes again, and the number is beyond 2^20.
    let mut fake = Fake::new(4);
    let mut card = fake.started();
    let mut number = 1;
    while number < (1 << 20) + 100 {
        (number..number + 8).for_each(|number| fake.publish(&written(number)));
        assert_eq!(take(&mut card, 100, number), 8);
        number += 8;
    }
    card.check(Nanos(0)).expect("a good card");
}

#[test]
fn the_tail_follows_every_eighth_of_the_ring_and_when_there_is_nothing_left() {
    let mut fake = Fake::new(6);
    let mut card = fake.started();
    (1..=20).for_each(|number| fake.publish(&written(number)));
    take(&mut card, 7, 1);
    assert_eq!(fake.get(register::TAIL), 0);
    take(&mut card, 1, 8);
    assert_eq!(fake.get(register::TAIL), 8);
    take(&mut card, 12, 9);
    assert_eq!(fake.get(register::TAIL), 16);
    take(&mut card, 1, 21);
    assert_eq!(fake.get(register::TAIL), 20);
    // Nothing new is no reason to write again.
    fake.set(register::TAIL, 7);
    take(&mut card, 1, 21);
    assert_eq!(fake.get(register::TAIL), 7);
}

#[test]
fn a_card_that_heeds_the_tail_never_overwrites() {
    let mut fake = Fake::new(5);
    let mut card = fake.started();
    let (mut number, mut next, mut full) = (0, 1, 0);
    for turn in 0..20_000_u64 {
        for _ in 0..(turn * 7 % 23).min(fake.room()) {
            number += 1;
            fake.publish(&written(number));
        }
        full += u32::from(fake.room() == 0);
        next += take(&mut card, (turn * 5 % 19) as usize, next) as u64;
    }
    assert!(full > 100 && next > 100_000, "{full} times full, {next} records");
}

#[test]
fn a_line_that_is_half_written_is_waited_for() {
    let mut fake = Fake::new(4);
    let mut card = fake.started();
    for number in 1..=40 {
        let line = fake.line(number, &written(number));
        let slot = (number - 1) % 16;
        fake.set_word(slot, 0, line[0]);
        for _ in 0..900 {
            assert_eq!(take(&mut card, 1, number), 0);
        }
        (1..8).for_each(|word| fake.set_word(slot, word, line[word as usize]));
        fake.head = number;
        assert_eq!(take(&mut card, 1, number), 1);
    }
}

#[test]
fn a_line_that_stays_half_written_is_a_fault() {
    let mut fake = Fake::new(4);
    let mut card = fake.started();
    let mut line = fake.line(1, &written(1));
    line[7] ^= 1 << 50;
    fake.put(1, &line);
    for _ in 0..1_000 {
        assert_eq!(take(&mut card, 1, 1), 0);
    }
    let expected = CardFault::BadNumber { record: 1, found: 5 };
    assert_eq!(fault(&mut card), expected);
    // A fault stays, even if the line becomes good.
    fake.put(1, &fake.line(1, &written(1)));
    assert_eq!(fault(&mut card), expected);
    assert_eq!((card.is_running(), card.fault()), (false, Some(expected)));
}

#[test]
fn the_lap_before_does_not_complete_a_line_of_a_large_ring() {
    // With 65,536 slots the lower half of the number is the same in every lap.
    let mut fake = Fake::new(16);
    let mut card = fake.started();
    for number in (1..=65_536).step_by(64) {
        (number..number + 64).for_each(|number| fake.publish(&written(number)));
        assert_eq!(take(&mut card, 64, number), 64);
    }
    let line = fake.line(65_537, &written(65_537));
    fake.set_word(0, 0, line[0]);
    assert_eq!(take(&mut card, 1, 65_537), 0);
    fake.put(65_537, &line);
    assert_eq!(take(&mut card, 1, 65_537), 1);
}

#[test]
fn a_lap_that_cannot_be_is_a_fault() {
    for (lap, found) in [(2, 2), (0xffff, 0xffff), (3, 3)] {
        let mut fake = Fake::new(4);
        let mut card = fake.started();
        fake.publish(&written(1));
        fake.set_word(1, 0, lap << 48);
        assert_eq!(take(&mut card, 1, 1), 1);
        assert_eq!(fault(&mut card), CardFault::BadPhase { record: 2, lap: 1, found });
    }
    // In the second lap, a slot that was cleared.
    let mut fake = Fake::new(4);
    let mut card = fake.started();
    for number in 1..=16 {
        fake.publish(&written(number));
        take(&mut card, 1, number);
    }
    fake.set_word(0, 0, 0);
    assert_eq!(fault(&mut card), CardFault::BadPhase { record: 17, lap: 2, found: 0 });
}

#[test]
fn records_before_a_fault_are_handed_out() {
    let mut fake = Fake::new(4);
    let mut card = fake.started();
    (1..=3).for_each(|number| fake.publish(&written(number)));
    fake.set_word(3, 0, 9 << 48);
    let mut given = 0;
    assert!(card.poll(10, |_| given += 1).is_err());
    assert_eq!(given, 3);
}

#[test]
fn a_card_that_writes_while_the_host_reads() {
    const COUNT: u64 = 200_000;
    let mut fake = Fake::new(8);
    let mut card = fake.started();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..=COUNT {
                while fake.room() == 0 {
                    std::thread::yield_now();
                }
                fake.publish(&written(number));
            }
        });
        let (mut next, mut last) = (1, Instant::now());
        while next <= COUNT {
            let given = take(&mut card, 64, next);
            next += given as u64;
            if given > 0 {
                last = Instant::now();
            } else {
                assert!(last.elapsed() < Duration::from_secs(20), "nothing after {next}");
                std::thread::yield_now();
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever a card writes, wherever, the driver goes on or gives the card up, and hands out no
    /// more than `max`.
    #[test]
    fn hostile_memory_harms_nobody(
        writes in prop::collection::vec(
            (0..16_u64, 0..8_u64, prop_oneof![
                any::<u64>(), (0..3_u64).prop_map(|lap| lap << 48),
                (0..40_u64).prop_map(|number| number << 48 | 5),
            ], 0..20_usize),
            1..100,
        ),
        registers in prop::collection::vec((0..0x200_u32, any::<u32>()), 0..20),
    ) {
        let mut fake = Fake::new(4);
        let mut card = fake.started();
        let mut registers = registers.into_iter();
        for (slot, word, value, max) in writes {
            fake.set_word(slot, word, value);
            let mut given = 0;
            let got = card.poll(max, |_| given += 1);
            prop_assert!(given <= max);
            match got {
                Ok(got) => prop_assert_eq!(got, given),
                Err(fault) => prop_assert!(!fault.to_string().is_empty()),
            }
            if let Some((register, value)) = registers.next() {
                fake.set(register * 4, value);
                let _ = card.check(Nanos(value.into()));
                card.seen_session(0);
                card.status();
            }
        }
        fake.set(register::STATUS, 0);
    }
}
