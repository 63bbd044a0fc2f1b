//! Finding, starting, watching and stopping a card.

mod fake;

use fake::{BASE, Fake, RATE, SESSION, read, written};
use std::net::Ipv4Addr;
use tercel_abi::device::line_register as of_line;
use tercel_abi::device::{self, counter, line_counter, register};
use tercel_abi::{LAYOUT_HASH, counter_register, line_counter_register, line_register};
use tercel_fpga::backend::BackendError;
use tercel_fpga::{AnyCard, CardAddress, CardConfig, CardError, CardFault};
use tercel_types::Nanos;

fn refused(fake: &Fake) -> CardError {
    AnyCard::open(&fake.address()).expect_err("refused")
}

/// A start that must fail within a millisecond of patience.
fn start_fails(fake: &Fake, change: impl Fn(&mut CardConfig)) -> CardError {
    let mut card = AnyCard::open(&fake.address()).expect("a card");
    let mut config = CardConfig { patience: Nanos::from_millis(1), ..fake.config() };
    change(&mut config);
    card.start(&config, Nanos(BASE)).expect_err("no start")
}

#[test]
fn a_card_of_another_build_is_refused_with_both_hashes() {
    let fake = Fake::new(4);
    fake.set64(register::LAYOUT_HASH_LO, 0x1122_3344_5566_7788);
    let text = refused(&fake).to_string();
    assert!(text.contains("0x1122334455667788"), "{text}");
    assert!(text.contains(&format!("{LAYOUT_HASH:#018x}")), "{text}");
    fake.set(register::VERSION, 99);
    assert!(matches!(refused(&fake), CardError::Version { found: 99 }));
}

#[test]
fn what_is_no_card_is_refused() {
    let fake = Fake::new(4);
    fake.set(register::TICKS_PER_SECOND, 0);
    assert!(matches!(refused(&fake), CardError::Rate { found: 0 }));
    for (magic, says) in [(0, "emulator"), (u32::MAX, "all ones"), (0x7f45_4c46, "no feed card")] {
        fake.set(register::MAGIC, magic);
        let text = refused(&fake).to_string();
        assert!(text.contains(says), "{text}");
    }
    let missing = CardAddress::File("/nonexistent/card".into());
    let text = AnyCard::open(&missing).expect_err("no file").to_string();
    assert!(text.contains("tercel emulate") && text.contains("/nonexistent/card"), "{text}");
    std::fs::write(&fake.path, [0; 100]).expect("written");
    let short = refused(&fake);
    assert!(matches!(short, CardError::Backend(BackendError::TooShort { bytes: 100, .. })));
    let folder = AnyCard::open(&CardAddress::File("/tmp".into()));
    assert!(folder.is_err());
}

#[test]
fn a_pci_address_that_is_not_there_says_so() {
    let address = "ffff:ff:1f.7".parse().expect("an address");
    let text = AnyCard::open(&address).expect_err("no such device").to_string();
    assert!(text.contains("ffff:ff:1f.7") || text.contains("feature"), "{text}");
}

#[test]
fn a_start_tells_the_card_everything() {
    let mut fake = Fake::new(4);
    fake.set_word(3, 0, u64::MAX);
    fake.set(device::FILTER_OFFSET + 8, 77);
    fake.set(register::TAIL, 5);
    let card = fake.started();
    assert!(card.is_running());
    let line = line_register(1, 0);
    assert_eq!(fake.get(line + of_line::ADDRESS), Ipv4Addr::new(233, 54, 12, 2).to_bits());
    assert_eq!(fake.get(line + of_line::PORT), 26_400);
    assert_eq!(fake.get(line + of_line::SESSION_0), u32::from_le_bytes(*b"0123"));
    assert_eq!(fake.get(line + of_line::SESSION_2), u32::from_le_bytes(*b"89\0\0"));
    assert_eq!(fake.get64(register::NEXT_SEQ_LO), 0x1234_5678_9abc);
    assert_eq!(fake.get64(register::RING_BASE_LO), 0);
    let words = [register::VENUE, register::RING_LOG2, register::PASS_ALL, register::TAIL];
    assert_eq!(words.map(|offset| fake.get(offset)), [3, 4, 1, 0]);
    assert_eq!(fake.get(device::FILTER_OFFSET + 8), 0);
    let generation = fake.get(register::CONTROL);
    assert!(generation != 0 && generation != u32::MAX);
    let status = card.status();
    assert_eq!((status.generation, status.control, status.ring_log2), (generation, generation, 4));
    assert_eq!((status.ticks, status.lines, status.pass_all), (1_000, fake.config().lines, true));
    assert_eq!((status.sessions, status.seen), ([SESSION; 2], [None; 2]));
    let identity = card.identity();
    assert_eq!((identity.ticks_per_second, identity.time_base), (RATE, BASE));
}

#[test]
fn what_cannot_be_meant_is_no_start() {
    let fake = Fake::new(4);
    let config = |change: fn(&mut CardConfig)| match start_fails(&fake, change) {
        CardError::Config { field, .. } => field,
        other => panic!("{other}"),
    };
    assert_eq!(config(|config| config.ring_log2 = 3), "ring_log2");
    assert_eq!(config(|config| config.ring_log2 = 21), "ring_log2");
    assert_eq!(config(|config| config.next_seq = 1 << 48), "next_seq");
    assert_eq!(config(|config| config.patience = Nanos(0)), "patience");
    assert_eq!(
        config(|config| config.lines.iter_mut().for_each(|l| l.set_ip([0; 4].into()))),
        "lines"
    );
    let room = start_fails(&fake, |config| config.ring_log2 = 5);
    let room = matches!(
        room,
        CardError::Backend(BackendError::NoRoom { wanted: 2_048, available: 1_024 })
    );
    assert!(room);
    for window in [0, 64, device::SIZE as u32 + 8, 0xffff_ffc0] {
        fake.set(register::DMA_WINDOW, window);
        let error = start_fails(&fake, |_| ());
        assert!(matches!(error, CardError::Backend(BackendError::Window(_))), "{error}");
    }
}

#[test]
fn a_card_that_does_not_answer_is_no_start() {
    let fake = Fake::new(4);
    let error = start_fails(&fake, |_| ());
    assert!(matches!(error, CardError::NoAnswer { status: 0, .. }), "{error}");
    assert_eq!(fake.get(register::CONTROL), 0);
    fake.set(register::STATUS, u32::MAX);
    let error = start_fails(&fake, |_| ());
    assert!(matches!(error, CardError::Fault(CardFault::Gone)), "{error}");
}

#[test]
fn each_start_has_a_generation_of_its_own_and_begins_anew() {
    let mut fake = Fake::new(4);
    let mut card = AnyCard::open(&fake.address()).expect("a card");
    assert_eq!(card.poll(1, |_| ()), Err(CardFault::Stopped));
    let mut generations = Vec::new();
    for _ in 0..5 {
        fake.start(&mut card);
        generations.push(fake.get(register::CONTROL));
        assert_eq!(card.poll(1, |_| ()), Ok(0), "records of the start before");
        (1..=7).for_each(|number| fake.publish(&written(number)));
        let mut number = 0;
        card.poll(100, |record| {
            number += 1;
            assert_eq!(*record, read(number));
        })
        .expect("a good card");
        assert_eq!((number, fake.get(register::TAIL)), (7, 7));
    }
    generations.sort_unstable();
    generations.dedup();
    assert_eq!(generations.len(), 5);
    fake.answering(|| card.stop().expect("stopped"));
    assert_eq!((fake.get(register::CONTROL), card.is_running()), (0, false));
    fake.start(&mut card);
    fake.answering(|| drop(card));
    assert_eq!(fake.get(register::CONTROL), 0);
}

#[test]
fn looking_at_a_card_does_not_stop_it() {
    let mut fake = Fake::new(4);
    let card = fake.started();
    let generation = fake.get(register::CONTROL);
    let mut other = AnyCard::open(&fake.address()).expect("a card");
    fake.set(counter_register(counter::RECORDS), 9);
    let mut latched = Vec::new();
    other.latched(|name, value| latched.extend((value > 0).then(|| (name.to_string(), value))));
    assert_eq!(latched, [("records".to_string(), 9)]);
    assert_eq!(fake.get(register::SNAPSHOT), 0);
    let counters = fake.answering(|| other.counters().expect("counters"));
    assert_eq!(counters.card[counter::RECORDS], 9);
    drop(other);
    assert_eq!(fake.get(register::CONTROL), generation);
    drop(card);
}

#[test]
fn a_card_that_was_reset_is_a_fault() {
    for found in [0, 77] {
        let mut fake = Fake::new(4);
        let mut card = fake.started();
        card.check(Nanos(BASE)).expect("a good card");
        let expected = fake.get(register::STATUS);
        fake.set(register::STATUS, found);
        let fault = CardFault::Reset { expected, found };
        assert_eq!(card.check(Nanos(BASE)), Err(fault));
        // It stays one, and nothing more is taken.
        fake.set(register::STATUS, expected);
        fake.publish(&written(1));
        assert_eq!(card.check(Nanos(BASE)), Err(fault));
        assert_eq!(card.poll(1, |_| ()), Err(fault));
        fake.start(&mut card);
        assert_eq!(card.check(Nanos(BASE)), Ok(()));
    }
}

#[test]
fn a_card_that_is_gone_is_a_fault() {
    let mut fake = Fake::new(4);
    let mut card = fake.started();
    fake.set(register::STATUS, u32::MAX);
    assert_eq!(card.check(Nanos(BASE)), Err(CardFault::Gone));
}

#[test]
fn a_clock_that_stands_still_is_a_fault() {
    let fake = Fake::new(4);
    let mut card = AnyCard::open(&fake.address()).expect("a card");
    let config = CardConfig { patience: Nanos::from_millis(100), ..fake.config() };
    // With little time for the thread that answers, a start may need more than one attempt.
    fake.answering(|| {
        while let Err(error) = card.start(&config, Nanos(BASE)) {
            assert!(matches!(error, CardError::NoAnswer { .. }), "{error}");
        }
    });
    let at = |ms| Nanos(BASE + ms * 1_000_000);
    for ms in (0..2_000).step_by(5) {
        fake.set64(register::TIME_LO, 1_000 + ms);
        assert_eq!(card.check(at(ms)), Ok(()));
    }
    for ms in (1_996..2_096).step_by(20) {
        assert_eq!(card.check(at(ms)), Ok(()));
    }
    assert_eq!(card.check(at(2_096)), Err(CardFault::Silent { ms: 101 }));
}

#[test]
fn a_head_that_cannot_be_is_a_fault() {
    let mut fake = Fake::new(4);
    let mut card = fake.started();
    fake.publish(&written(1));
    card.poll(1, |_| ()).expect("a good card");
    for good in [0, 1, 17] {
        fake.set(register::HEAD, good);
        assert_eq!(card.check(Nanos(BASE)), Ok(()));
    }
    fake.set(register::HEAD, 18);
    assert_eq!(card.check(Nanos(BASE)), Err(CardFault::Head { taken: 1, found: 18 }));
}

#[test]
fn counters_add_up_beyond_32_bits() {
    let mut fake = Fake::new(4);
    let mut card = fake.started();
    let (records, packets) =
        (counter_register(counter::RECORDS), line_counter_register(1, line_counter::PACKETS));
    for value in [u32::MAX, 9] {
        fake.set(records, value);
        fake.set(packets, value);
        fake.answering(|| card.counters().expect("counters"));
    }
    let counters = fake.answering(|| card.counters().expect("counters"));
    assert_eq!(counters.card[counter::RECORDS], (1 << 32) + 9);
    assert_eq!(counters.packets(), (1 << 32) + 9);
    fake.start(&mut card);
    fake.set(records, 2);
    let counters = fake.answering(|| card.counters().expect("counters"));
    assert_eq!(counters.card[counter::RECORDS], 2);
}

#[test]
fn counters_that_are_not_latched_are_a_fault_and_not_a_wait_for_ever() {
    let fake = Fake::new(4);
    let mut card = AnyCard::open(&fake.address()).expect("a card");
    assert!(matches!(card.counters(), Err(CardFault::NoCounters { .. })));
    fake.set(register::STATUS, u32::MAX);
    assert_eq!(card.counters(), Err(CardFault::Gone));
}

#[test]
fn the_filter_is_a_bit_an_instrument() {
    let mut fake = Fake::new(4);
    let mut card = fake.started();
    let word = |at: u32| fake.get(device::FILTER_OFFSET + 4 * at);
    card.set_filter([0, 1, 33, 65_535].into_iter());
    assert_eq!([word(0), word(1), word(2), word(2_047)], [3, 2, 0, 1 << 31]);
    assert_eq!(fake.get(register::PASS_ALL), 0);
    card.set_filter([33].into_iter());
    assert_eq!([word(0), word(1), word(2_047)], [0, 2, 0]);
    card.pass_all(true);
    assert_eq!(fake.get(register::PASS_ALL), 1);
}

#[test]
fn another_session_that_was_heard_is_shown() {
    let mut fake = Fake::new(4);
    let card = fake.started();
    assert_eq!((card.seen_session(0), card.seen_session(2)), (None, None));
    fake.write(line_register(1, of_line::SEEN_0).into(), b"ANOTHER001");
    assert_eq!((card.seen_session(0), card.seen_session(1)), (None, Some(*b"ANOTHER001")));
}
