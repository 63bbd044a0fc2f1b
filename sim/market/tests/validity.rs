//! Every message of a day could have been sent by a venue: a naive book follows it and objects.

mod naive;

use naive::Market;
use proptest::prelude::*;
use std::collections::BTreeMap;
use tercel_market::{Day, DayConfig, DayError, Summary, write_itch};

const SMALL: DayConfig =
    DayConfig { seed: 1, instruments: 300, messages: 200_000, resting_max: 1_500_000 };

/// Follows a day to its end.
fn follow(config: &DayConfig) -> Market {
    let mut day = Day::new(config).expect("a day");
    let mut market = Market::default();
    let mut number = 0_u64;
    while let Some(message) = day.next_message() {
        number += 1;
        if let Err(what) = market.apply(message) {
            panic!("{config:?}, message {number}: {what}");
        }
        assert_eq!(day.resting(), market.resting(), "message {number}");
    }
    assert!(day.next_message().is_none(), "the end stays the end");
    assert_eq!(number, config.messages);
    assert!(market.resting_max as u32 <= config.resting_peak());
    market
}

fn share(market: &Market, kind: char) -> f64 {
    let total: u64 = market.kinds.values().sum();
    100.0 * market.kinds.get(&kind).copied().unwrap_or(0) as f64 / total as f64
}

#[test]
fn a_day_is_valid_and_of_the_mix() {
    let config = DayConfig { messages: 600_000, ..SMALL };
    let market = follow(&config);
    let wanted = [('A', 42.0), ('D', 40.0), ('U', 9.0), ('E', 5.0), ('X', 2.0)];
    for (kind, percent) in wanted {
        let found = share(&market, kind);
        assert!((found - percent).abs() < 0.4, "{kind} {found:.2} %, not {percent} %");
    }
    for kind in "SRHYLVAFECXDUPQBINJ".chars() {
        assert!(market.kinds.contains_key(&kind), "no {kind} in {:?}", market.kinds);
    }
    assert_eq!(config.resting_peak(), 45_000);
    assert!(market.resting_max > 43_000, "{} orders at most", market.resting_max);
    assert!(market.resting() < 2_000, "{} orders are left", market.resting());
}

#[test]
fn a_day_has_the_traits_of_a_day() {
    let config = DayConfig { messages: 600_000, ..SMALL };
    let market = follow(&config);
    // Some executions in a cross, and some within the spread.
    assert!(market.not_printed > 50 && market.within_spread > 50);
    assert!(market.below_a_dollar > 100 && market.stub_bids > 10 && market.stub_offers > 10);
    assert!(market.above_a_thousand > 100);
    // Half of the deleted orders had rested while fewer than so many others came.
    let mut ages = market.ages;
    ages.sort_unstable();
    let at = |percent: usize| ages[ages.len() * percent / 100];
    assert!(at(50) < config.messages / 40, "median {}", at(50));
    assert!(at(95) > config.messages / 4, "95 % {}", at(95));
    // Seconds of the whole day, the busiest with 0.3 % of the messages.
    let busiest = market.seconds.values().max().copied().unwrap_or(0);
    let permille = 1000.0 * busiest as f64 / config.messages as f64;
    assert!((2.5..3.6).contains(&permille), "{permille:.2} permille");
    assert!(market.seconds.keys().any(|second| *second < 8 * 3600));
    assert!(market.seconds.keys().any(|second| *second > 19 * 3600));
    // Bursts: a good part of all messages is within a microsecond of the one before.
    assert!(market.close_together > config.messages / 2, "{}", market.close_together);
    // The busiest instrument of 300.
    let busiest = market.by_instrument.values().max().copied().unwrap_or(0);
    assert!((4.0..10.0).contains(&(100.0 * busiest as f64 / config.messages as f64)), "{busiest}");
}

#[test]
fn many_instruments_and_few_messages() {
    let config = DayConfig {
        instruments: 8_000,
        messages: DayConfig::messages_min(8_000),
        ..DayConfig::default()
    };
    follow(&config);
}

fn bytes(config: &DayConfig) -> (Vec<u8>, Summary) {
    let mut bytes = Vec::new();
    let mut told = Vec::new();
    let summary = write_itch(config, &mut bytes, |n| told.push(n)).expect("written");
    assert_eq!(told.last(), Some(&config.messages));
    assert_eq!(told.len() as u64, 1 + config.messages / tercel_market::PROGRESS_EVERY);
    assert_eq!(summary.bytes, bytes.len() as u64);
    assert_eq!(summary.messages, config.messages);
    assert_eq!(summary.by_kind.values().sum::<u64>(), config.messages);
    (bytes, summary)
}

#[test]
fn a_seed_is_a_day() {
    let other = DayConfig { seed: 2, ..SMALL };
    let (first, summary) = bytes(&SMALL);
    assert_eq!(bytes(&SMALL), (first.clone(), summary));
    assert_ne!(bytes(&other).0, first);
}

/// FNV-1a of a file, so that a change of the bytes is a decision: results that were measured on a
/// day must say on which.
#[test]
fn the_bytes_are_the_same_everywhere() {
    let config = DayConfig { messages: 20_000, instruments: 200, ..SMALL };
    let hash = bytes(&config).0.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(hash, 0x52b1_8732_5e56_b2b0, "0x{hash:016x}");
}

#[test]
fn impossible_days_are_refused() {
    let day = |config: DayConfig| Day::new(&config).map(|_| ()).unwrap_err();
    assert_eq!(day(DayConfig { instruments: 0, ..SMALL }), DayError::NoInstruments);
    assert_eq!(day(DayConfig { resting_max: 0, ..SMALL }), DayError::NoResting);
    assert_eq!(day(DayConfig { resting_max: u32::MAX, ..SMALL }), DayError::TooMuchResting);
    let min = DayConfig::messages_min(300);
    let few = DayConfig { messages: min - 1, ..SMALL };
    assert_eq!(day(few), DayError::TooFewMessages { instruments: 300, min });
    assert_eq!(day(DayConfig { messages: u64::MAX, ..SMALL }), DayError::TooManyMessages);
    let error = write_itch(&few, &mut std::io::sink(), |_| {}).unwrap_err();
    assert_eq!(error.to_string(), format!("300 instruments need at least {min} messages"));
}

#[test]
fn a_writer_that_fails_is_told_of() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let error = write_itch(&SMALL, &mut Full, |_| {}).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}

#[test]
fn the_most_active_come_first() {
    let mut day = Day::new(&SMALL).expect("a day");
    let ranks: Vec<u16> = day.by_activity().map(|id| id.0).collect();
    let mut counts: BTreeMap<u16, u64> = BTreeMap::new();
    while let Some(message) = day.next_message() {
        *counts.entry(u16::from_be_bytes([message[1], message[2]])).or_default() += 1;
    }
    assert_eq!(ranks.len(), 300);
    assert!(counts[&ranks[0]] > 3 * counts[&ranks[30]]);
    assert!(counts[&ranks[30]] > 2 * counts[&ranks[250]]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_day_is_valid(
        seed: u64,
        instruments in 1_u16..400,
        more in 0_u64..30_000,
        resting_max in prop_oneof![1_u32..50, 1_u32..5_000],
    ) {
        let messages = DayConfig::messages_min(instruments) + more;
        follow(&DayConfig { seed, instruments, messages, resting_max });
    }
}
