//! The emulated feed card by itself, and against the host's own decoder.

use std::collections::BTreeMap;
use tercel_abi::{EventRecord, Kind, RxFrame};
use tercel_emulator::{Config, Emulator};
use tercel_tests::card::bed::{Bed, Line};
use tercel_tests::card::compare::{Tally, compare};
use tercel_tests::card::conformance;
use tercel_tests::card::follow::Follower;
use tercel_tests::card::recorded;
use tercel_tests::card::script::{
    CLEAN, FUZZED, PROFILES, RESTARTS, SLOW_HOST, Setup, Step, TWO_LINES, script,
};
use tercel_tests::card::software::{Decoded, decode, said};

fn card() -> Emulator {
    Emulator::new(Config::default())
}

fn frame(step: &Step) -> Option<RxFrame<'_>> {
    let Step::Frame { line, bytes, fcs_good, ticks } = step else { return None };
    Some(RxFrame { line: *line, bytes, fcs_good: *fcs_good, ticks: *ticks })
}

#[test]
fn does_what_every_card_must() {
    conformance::all(&card);
}

/// In order and undamaged: every record is what software makes of the message, byte for byte.
#[test]
fn good_frames_are_decoded_as_by_software() {
    let mut tally = Tally::default();
    for seed in 0..20 {
        let mut bed = Bed::new(card());
        let mut setup = Setup::default();
        for step in &script(&CLEAN, seed, 1000) {
            bed.play(step);
            if let Step::Start(new) = step {
                setup = new.clone();
                bed.lines();
            }
            let Some(frame) = frame(step).filter(|frame| setup.lines[frame.line]) else { continue };
            let decoded = decode(&frame, setup.venue).expect("a good packet");
            let wanted: Vec<_> =
                decoded.records.iter().filter(|record| passes(&setup, record)).copied().collect();
            let records = bed.records();
            let messages: Vec<_> =
                records.iter().filter(|record| record.kind >= 0x20).map(said).collect();
            if setup.lines == [true; 2] || !wanted.is_empty() && !messages.is_empty() {
                assert_eq!(messages, wanted, "seed {seed}");
            }
            tally += Tally { frames: 1, records: messages.len() as u64, checks: 0 };
        }
        assert_eq!(bed.faults(), [""; 0]);
    }
    println!("{tally}");
    assert!(tally.records > 50_000);
}

fn passes(setup: &Setup, record: &EventRecord) -> bool {
    let Some(filter) = &setup.filter else { return true };
    b"SRVW".contains(&record.kind) || filter.contains(&record.instrument)
}

/// What stands of each frame by itself, after RETRACT, is what software makes of it.
#[test]
fn damaged_frames_are_decoded_as_by_software_or_not_at_all() {
    let mut tally = Tally::default();
    let mut refused = 0;
    let mut bed = Bed::started(card(), &Setup { next_seq: 0, ..Setup::default() });
    for seed in 0..40 {
        for step in &script(&FUZZED, seed, 1000) {
            let Some(frame) = frame(step) else { continue };
            bed.play(&Step::Again);
            bed.lines();
            bed.frame(&frame);
            let standing = standing(&bed.records());
            tally += Tally { frames: 1, records: standing.len() as u64, checks: 0 };
            let wanted = decode(&frame, Setup::default().venue);
            judge(&standing, wanted.as_ref(), &mut refused)
                .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{step:?}"));
        }
    }
    assert_eq!(bed.faults(), [""; 0]);
    println!("{tally}, {refused} packets that only software takes");
    assert!(tally.records > 50_000 && refused > 20);
}

fn standing(records: &[EventRecord]) -> BTreeMap<u64, EventRecord> {
    let mut standing = BTreeMap::new();
    for record in records {
        if record.kind() == Some(Kind::Retract) {
            (record.order_ref..record.order_ref + record.quantity).for_each(|number| {
                standing.remove(&number);
            });
        } else if record.kind >= 0x20 {
            standing.insert(record.seq, said(record));
        }
    }
    standing
}

fn judge(
    standing: &BTreeMap<u64, EventRecord>,
    wanted: Option<&Decoded>,
    refused: &mut u64,
) -> Result<(), String> {
    let by_number = |decoded: &Decoded| -> BTreeMap<u64, EventRecord> {
        decoded.records.iter().map(|record| (record.seq, *record)).collect()
    };
    let all = wanted.map(by_number).unwrap_or_default();
    if let Some((number, record)) = standing.iter().find(|(at, one)| all.get(*at) != Some(*one)) {
        return Err(format!("{number} stands: {record:?}, not {:?}", all.get(number)));
    }
    if wanted.is_some_and(|decoded| decoded.refused_by_cards) {
        *refused += 1;
    } else if standing.len() != all.len() {
        return Err(format!("{} stand of {}", standing.len(), all.len()));
    }
    Ok(())
}

/// Two lines one after the other in every order: each number once, and every gap announced.
#[test]
fn each_number_comes_once_and_every_gap_is_announced() {
    let profile = tercel_tests::card::script::Profile {
        odd: false,
        jump: 0,
        restart: 0,
        session: 0,
        damage: 0,
        ..TWO_LINES
    };
    for seed in 0..60 {
        let mut steps = script(&profile, seed, 600);
        let next_seq = steps.iter().filter_map(frame).find_map(|frame| decode(&frame, 3));
        let next_seq = next_seq.map_or(1, |decoded| decoded.seq).saturating_sub(40).max(1);
        steps[0] = Step::Start(Setup { next_seq, ..Setup::default() });
        let mut bed = Bed::new(card());
        let mut follower = Follower::new(next_seq, false);
        let mut sent = BTreeMap::new();
        for step in &steps {
            bed.play(step);
            let Some(frame) = frame(step) else { continue };
            let decoded = decode(&frame, Setup::default().venue);
            for record in decoded.iter().flat_map(|decoded| &decoded.records) {
                sent.insert(record.seq, EventRecord { receive_time: 0, ..*record });
            }
            for record in bed.records() {
                follower.take(&record).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            }
        }
        for (number, record) in follower.standing() {
            let record = EventRecord { receive_time: 0, ..said(record) };
            assert_eq!(Some(&record), sent.get(number), "seed {seed}");
        }
        let end = follower.standing().keys().last().map_or(next_seq, |last| last + 1);
        assert_eq!(follower.unexplained(next_seq, end), [0; 0], "seed {seed}");
        assert_eq!(bed.faults(), [""; 0], "seed {seed}");
    }
}

/// The same script gives the same lines, whatever was polled in between.
#[test]
fn a_card_polled_often_equals_one_polled_seldom() {
    for profile in [SLOW_HOST, RESTARTS, TWO_LINES] {
        for seed in 0..10 {
            let steps = script(&profile, seed, 400);
            let mut often = Bed::new(card());
            let mut lines = Vec::new();
            for step in &steps {
                often.play(step);
                lines.extend(often.lines());
            }
            let mut seldom = Bed::new(card());
            steps.iter().for_each(|step| seldom.play(step));
            let all: Vec<Line> = seldom.lines();
            assert!(lines == all, "{} seed {seed}", profile.name);
            assert_eq!(often.faults(), [""; 0], "{} seed {seed}", profile.name);
        }
    }
}

#[test]
fn scripts_of_every_profile_find_no_fault() {
    let mut tally = Tally::default();
    for profile in &PROFILES {
        for seed in 0..10 {
            let steps = script(profile, seed, 600);
            match compare(card(), card(), &steps) {
                Ok(one) => tally += one,
                Err(error) => panic!("{} seed {seed}: {error}", profile.name),
            }
        }
    }
    println!("{tally}, {} times all counters", tally.checks);
}

#[test]
fn the_captures() {
    let Some(folder) = recorded::data("nasdaq-pcaps") else { return };
    let mut count = 0;
    for steps in recorded::captures(&folder) {
        let Some(Step::Start(setup)) = steps.first() else { continue };
        let mut bed = Bed::started(card(), setup);
        for step in &steps[1..] {
            bed.play(step);
            let Some(frame) = frame(step) else { continue };
            let decoded = decode(&frame, setup.venue).expect("a good packet");
            let mut records = bed.records();
            records.retain(|record| record.kind >= 0x20);
            assert_eq!(records, decoded.records);
            count += records.len();
        }
        assert_eq!(bed.faults(), [""; 0]);
    }
    assert_eq!(count, 227);
}

#[test]
fn the_lobster_hour() {
    let file = recorded::data("lobster/AAPL_2012-06-21_message_50.csv.gz");
    let Some(file) = file else { return };
    let messages = recorded::lobster(&file);
    for loss in [0, 20] {
        let (mut bed, mut follower) = (Bed::new(card()), Follower::new(1, false));
        for step in &recorded::on_two_lines(&messages, loss) {
            bed.play(step);
            if !matches!(step, Step::Frame { .. }) {
                for record in bed.records() {
                    follower.take(&record).expect("in order");
                }
            }
        }
        let standing = follower.standing();
        for (number, record) in standing {
            let message = tercel_proto::itch::parse(&messages[*number as usize - 1]);
            let venue = tercel_types::VenueId(3);
            let time = tercel_types::Nanos(record.receive_time);
            let wanted = tercel_proto::itch_record::to_record(&message.expect("ITCH"), venue, time);
            assert_eq!(EventRecord { seq: 0, ..said(record) }, wanted);
        }
        println!("{} of {} messages", standing.len(), messages.len());
        assert_eq!(follower.unexplained(1, messages.len() as u64 + 1), [0; 0]);
        let lost = messages.len() - standing.len();
        assert!(lost * 500 < messages.len() && (lost == 0 || loss > 0));
        assert_eq!(bed.faults(), [""; 0]);
    }
}
