//! What the engine tells on its tape, and what it does when operators ask.

use std::collections::BTreeMap;
use tercel_abi::EventRecord;
use tercel_engine::mailbox::Sender;
use tercel_engine::tape::{
    self, Action, AnswerKind, Entry, Fate, Outcome, SessionState, TapeReader, Value,
};
use tercel_engine::{Ask, Overflow, Phase, Scope, Ticket};
use tercel_proto::ouch::Outbound;
use tercel_proto::soup::ServerPacket;
use tercel_risk::{AccountLimits, InstrumentLimits, Trip};
use tercel_tests::day;
use tercel_tests::desk::Desk;
use tercel_types::{InstrumentId, Money, Nanos, Qty};

const SYMBOLS: usize = 3;
const WORDS: usize = 1 << 17;

/// What was told, each entry with its words.
type Told = Vec<(Nanos, u16, Vec<u64>)>;

struct Operated {
    desk: Desk,
    tickets: Sender<Ticket>,
    tape: TapeReader,
    rest: Vec<EventRecord>,
    told: Told,
    number: u64,
}

impl Operated {
    /// A desk in the middle of a day, told on a tape of this size.
    fn new(words: usize, overflow: Overflow) -> Operated {
        let records = day::records(&day::messages(5, SYMBOLS, 20));
        let mut desk = Desk::new(&day::symbols(SYMBOLS));
        let (tickets, tape) = desk.operate(words, overflow);
        let (head, tail) = records.split_at(records.len() / 4);
        let mut operated =
            Operated { desk, tickets, tape, rest: tail.to_vec(), told: Vec::new(), number: 0 };
        for record in head {
            operated.desk.feed(record);
            operated.read();
        }
        operated.desk.start();
        operated.read();
        operated.feed(tail.len() / 2);
        assert!(!operated.desk.port.resting.is_empty(), "nothing is quoted");
        operated
    }

    fn feed(&mut self, count: usize) {
        for record in self.rest.drain(..count).collect::<Vec<_>>() {
            self.desk.feed(&record);
            self.desk.pass(Nanos::from_millis(1));
            self.read();
        }
    }

    /// Takes what is on the tape, and gives its room back.
    fn read(&mut self) {
        let mut words = Vec::new();
        while let Some(header) = self.tape.next(&mut words) {
            self.told.push((header.stamp, header.kind, words.clone()));
        }
        self.tape.give_back();
    }

    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.told.iter().map(|(_, kind, words)| Entry::read(*kind, words).expect("an entry"))
    }

    /// Asks, lets a little time pass, and returns what came of it.
    fn ask(&mut self, ask: Ask) -> Outcome {
        self.number += 1;
        self.tickets.send(Ticket { number: self.number, ask }).expect("room");
        self.desk.pass(Nanos::from_millis(5));
        self.read();
        let number = self.number;
        let found = self.entries().find_map(|entry| match entry {
            Entry::Applied(applied) if applied.ticket == number => Some(applied.outcome),
            _ => None,
        });
        found.expect("an answer")
    }
}

#[test]
fn the_tape_tells_every_order_every_answer_and_every_byte() {
    let mut operated = Operated::new(WORDS, Overflow::Pause);
    for at in 0..20 {
        let resting = &operated.desk.port.resting;
        if !resting.is_empty() {
            let which = at % resting.len();
            let qty = resting[which].qty;
            operated.desk.port.trade(which, qty);
            operated.desk.hear();
        }
        operated.feed(10);
    }
    let counters = *operated.desk.engine.counters();
    let (mut sent, mut refused, mut answers) = (0, 0, BTreeMap::new());
    let mut positions = BTreeMap::new();
    let mut bytes = Vec::new();
    for entry in operated.entries() {
        match entry {
            Entry::Intended(intended) if intended.fate == Fate::Sent => {
                sent += 1;
                assert!(!intended.stale);
                if intended.action != Action::Cancel {
                    assert!(intended.user_ref.0 > 0 && intended.price.0 > 0);
                    assert!(intended.qty > Qty::ZERO && intended.side.is_some());
                    assert!(intended.bid < intended.ask, "risk has seen a market");
                }
            }
            Entry::Intended(_) => refused += 1,
            Entry::Answered(answered) => {
                *answers.entry(answered.what as u8).or_insert(0u64) += 1;
                positions.insert(answered.instrument, answered.position);
            }
            Entry::Received(received) => bytes.extend(received.iter()),
            _ => {}
        }
    }
    assert_eq!(sent, counters.sent);
    assert_eq!(refused, counters.refused + counters.unsent);
    assert_eq!(answers[&(AnswerKind::Executed as u8)], counters.fills_bought + counters.fills_sold);
    assert_eq!(answers.get(&(AnswerKind::Canceled as u8)).copied().unwrap_or(0), counters.canceled);
    for (id, position) in positions {
        assert_eq!(position, operated.desk.engine.risk().position(id));
    }
    // The bytes are the venue's: parsed anew they are as many messages as the gateway has seen.
    let (mut rest, mut messages) = (&bytes[..], 0);
    while let Ok(Some((packet, len))) = ServerPacket::parse(rest) {
        if let ServerPacket::Sequenced(message) = packet {
            assert!(Outbound::parse(message).is_ok());
            messages += 1;
        }
        rest = &rest[len..];
    }
    assert!(rest.is_empty());
    assert_eq!(messages, operated.desk.engine.gateway().counters().sequenced);
}

#[test]
fn how_things_stand_is_told_when_it_changes_and_once_a_second() {
    let mut operated = Operated::new(WORDS, Overflow::Pause);
    let last = operated.entries().filter_map(|entry| match entry {
        Entry::Standing(standing) => Some(standing),
        _ => None,
    });
    let last = last.last().expect("one");
    assert_eq!((last.phase, last.session), (Phase::Trading, SessionState::Ready));
    let before = operated.told.len();
    for _ in 0..30 {
        operated.desk.pass(Nanos::from_millis(100));
        operated.read();
    }
    let told = operated.entries().skip(before);
    let signs = told.filter(|entry| matches!(entry, Entry::Standing(_))).count();
    assert!((2..=4).contains(&signs), "{signs} signs of life in three seconds");
    let account = operated.entries().filter_map(|entry| match entry {
        Entry::Account(account) => Some(account),
        _ => None,
    });
    assert_eq!(account.last().unwrap().cash, operated.desk.engine.risk().account().cash);
}

#[test]
fn every_entry_has_its_fields_by_name() {
    let operated = Operated::new(WORDS, Overflow::Pause);
    let mut kinds = BTreeMap::new();
    for entry in operated.entries() {
        let info = Entry::KINDS.iter().find(|info| info.kind == entry.kind()).expect("documented");
        assert_eq!(info.name, entry.name());
        let mut names = Vec::new();
        entry.each(|name, suffix, value| {
            assert!(!matches!(value, Value::Name(name) if name.contains(' ')));
            names.push(format!("{name}{suffix}"));
        });
        kinds.insert(info.name, names);
    }
    for kind in ["named", "intended", "answered", "standing", "account", "holding", "limited"] {
        assert!(kinds.contains_key(kind), "{kind} is missing in {:?}", kinds.keys());
    }
    assert!(kinds["intended"].contains(&"price_e4".to_owned()));
    assert!(kinds["intended"].contains(&"cause_ns".to_owned()));
}

#[test]
fn the_kill_switch_takes_everything_out_until_it_is_reset() {
    let mut operated = Operated::new(WORDS, Overflow::Pause);
    assert_eq!(operated.ask(Ask::Kill), Outcome::Done);
    assert!(operated.desk.port.resting.is_empty(), "{:?}", operated.desk.port.resting);
    assert_eq!(operated.desk.engine.risk().tripped(), Some(Trip::Killed));
    let entered = operated.desk.port.entered;
    operated.feed(100);
    assert_eq!(operated.desk.port.entered, entered);
    assert_eq!(operated.ask(Ask::Kill), Outcome::Unchanged);
    assert_eq!(operated.ask(Ask::Reset), Outcome::Done);
    operated.feed(100);
    assert!(operated.desk.port.entered > entered, "it does not quote again");
}

#[test]
fn a_paused_instrument_is_left_and_the_others_are_not() {
    let mut operated = Operated::new(WORDS, Overflow::Pause);
    let one = InstrumentId(1);
    assert_eq!(operated.ask(Ask::Pause(Scope::Instrument(one))), Outcome::Done);
    for _ in 0..20 {
        operated.feed(10);
        let open = |id| operated.desk.engine.gateway().open_orders().any(|(at, _)| at == id);
        assert!(!open(one), "a paused instrument is quoted");
    }
    assert!(operated.desk.engine.gateway().open_orders().next().is_some());
    assert_eq!(operated.ask(Ask::Pause(Scope::Instrument(one))), Outcome::Unchanged);
    assert_eq!(operated.ask(Ask::Pause(Scope::All)), Outcome::Done);
    assert!(operated.desk.port.resting.is_empty());
    // To let everything go on lets the one go on, too.
    assert_eq!(operated.ask(Ask::Resume(Scope::All)), Outcome::Done);
    operated.feed(100);
    let open: Vec<_> = operated.desk.engine.gateway().open_orders().map(|(id, _)| id).collect();
    assert!(open.contains(&one), "{open:?}");
}

#[test]
fn what_is_cancelled_once_is_quoted_again() {
    let mut operated = Operated::new(WORDS, Overflow::Pause);
    let cancels = operated.desk.port.cancels;
    assert_eq!(operated.ask(Ask::CancelAll(Scope::All)), Outcome::Done);
    assert!(operated.desk.port.cancels > cancels);
    operated.feed(50);
    assert!(!operated.desk.port.resting.is_empty());
}

#[test]
fn limits_change_between_two_events_and_wrong_ones_do_not() {
    let mut operated = Operated::new(WORDS, Overflow::Pause);
    let one = InstrumentId(1);
    let old = *operated.desk.engine.risk().limits(one).expect("limits");
    let wrong = InstrumentLimits { position_max: 0, ..old };
    assert_eq!(operated.ask(Ask::Limits(one, wrong)), Outcome::NotAllowed);
    assert_eq!(operated.desk.engine.risk().limits(one), Some(&old));
    let new = InstrumentLimits { restricted: true, ..old };
    assert_eq!(operated.ask(Ask::Limits(one, new)), Outcome::Done);
    assert_eq!(operated.desk.engine.risk().limits(one), Some(&new));
    let told = operated.entries().any(|entry| match entry {
        Entry::Limited(limits) => limits.instrument == one && limits.restricted,
        _ => false,
    });
    assert!(told);
    let account = AccountLimits { drawdown_max: Money(123), ..AccountLimits::default() };
    assert_eq!(operated.ask(Ask::AccountLimits(account)), Outcome::Done);
    assert_eq!(operated.desk.engine.risk().account_limits(), &account);
    let nobody = InstrumentId(999);
    assert_eq!(operated.ask(Ask::Limits(nobody, old)), Outcome::UnknownInstrument);
    assert_eq!(operated.ask(Ask::Pause(Scope::Instrument(nobody))), Outcome::UnknownInstrument);
}

#[test]
fn the_watched_book_is_told_as_it_is() {
    let mut operated = Operated::new(WORDS, Overflow::Pause);
    let one = InstrumentId(2);
    assert_eq!(operated.ask(Ask::Watch(one)), Outcome::Done);
    for _ in 0..40 {
        operated.feed(5);
        operated.desk.pass(Nanos::from_millis(100));
        operated.read();
    }
    let depth = operated.entries().filter_map(|entry| match entry {
        Entry::Depth(depth) => Some(depth),
        _ => None,
    });
    let depth = depth.last().expect("a depth");
    let top = operated.desk.engine.books().top(one);
    assert_eq!((depth.instrument, depth.bids[0], depth.asks[0]), (one, top.bid, top.ask));
}

#[test]
fn a_tape_without_room_takes_the_quotes_out_and_loses_nothing() {
    let mut operated = Operated::new(tape::WORDS_MIN, Overflow::Pause);
    // Nobody reads.
    let entered = operated.desk.port.entered;
    for record in operated.rest.drain(..).collect::<Vec<_>>() {
        operated.desk.feed(&record);
        operated.desk.pass(Nanos::from_millis(1));
    }
    assert!(operated.desk.port.resting.is_empty(), "{:?}", operated.desk.port.resting);
    assert!(operated.desk.port.entered > entered, "there was room at first");
    operated.read();
    operated.desk.pass(Nanos::from_millis(200));
    operated.read();
    let lost = operated.entries().any(|entry| matches!(entry, Entry::Lost(_)));
    assert!(!lost, "an entry was lost");
    let sent = operated
        .entries()
        .filter(|entry| matches!(entry, Entry::Intended(intended) if intended.fate == Fate::Sent));
    assert_eq!(sent.count() as u64, operated.desk.engine.counters().sent);
    assert!(!operated.desk.port.resting.is_empty(), "it does not quote again");
}

#[test]
fn a_tape_that_may_lose_counts_what_it_loses_and_trading_goes_on() {
    let mut operated = Operated::new(tape::WORDS_MIN, Overflow::Lose);
    for record in operated.rest.drain(..).collect::<Vec<_>>() {
        operated.desk.feed(&record);
        operated.desk.pass(Nanos::from_millis(1));
    }
    assert!(!operated.desk.port.resting.is_empty());
    operated.read();
    operated.desk.pass(Nanos::from_millis(200));
    operated.read();
    let lost: u64 = operated
        .entries()
        .filter_map(|entry| match entry {
            Entry::Lost(lost) => Some(lost.entries),
            _ => None,
        })
        .sum();
    assert!(lost > 0);
}

#[test]
fn what_is_left_on_a_tape_in_a_file_is_found_after_a_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tape");
    assert!(tape::remains(&path).expect("no file").is_none());
    let records = day::records(&day::messages(5, SYMBOLS, 20));
    let mut desk = Desk::new(&day::symbols(SYMBOLS));
    let (writer, mut reader) = tape::create(&path, WORDS, Nanos(7)).expect("a tape");
    assert!(tape::remains(&path).is_err(), "it is being written");
    let _tickets = desk.engine.operate(writer, Overflow::Pause, desk.now);
    let (head, tail) = records.split_at(records.len() / 4);
    head.iter().for_each(|record| desk.feed(record));
    desk.start();
    let (mut words, mut first) = (Vec::new(), Vec::new());
    while let Some(header) = reader.next(&mut words) {
        first.push((header, words.clone()));
    }
    reader.give_back();
    tail.iter().take(200).for_each(|record| desk.feed(record));
    let mut expected = Vec::new();
    while let Some(header) = reader.next(&mut words) {
        expected.push((header, words.clone()));
    }
    // It is gone without having given back what it had taken.
    drop((desk, reader));
    let mut left = tape::remains(&path).expect("readable").expect("there");
    assert_eq!(left.generation(), 7, "the time at which it was made");
    let mut found = Vec::new();
    while let Some(header) = left.next(&mut words) {
        found.push((header, words.clone()));
    }
    assert!(!expected.is_empty() && !first.is_empty());
    assert_eq!(found, expected);
    drop(left);
    let mut left = tape::remains(&path).expect("readable").expect("there");
    left.skip_to(expected[2].0.end);
    assert_eq!(
        left.next(&mut words).map(|header| (header, words.clone())),
        Some(expected[3].clone())
    );
}
