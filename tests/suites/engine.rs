//! The whole tick: what leaves the engine, and above all what does not.

use tercel_abi::{EventRecord, Kind};
use tercel_engine::Phase;
use tercel_proto::ouch::side;
use tercel_tests::day;
use tercel_tests::desk::{Desk, GRACE};
use tercel_types::{InstrumentId, Nanos, WorkingState};

const SYMBOLS: usize = 3;

/// A desk in the middle of a day, with quotes in the market, and the records still to come.
fn quoting() -> (Desk, Vec<EventRecord>) {
    let records = day::records(&day::messages(5, SYMBOLS, 20));
    let mut desk = Desk::new(&day::symbols(SYMBOLS));
    let (head, tail) = records.split_at(records.len() / 4);
    head.iter().for_each(|record| desk.feed(record));
    desk.start();
    let (middle, tail) = tail.split_at(tail.len() / 2);
    middle.iter().for_each(|record| desk.feed(record));
    assert!(!desk.port.resting.is_empty(), "nothing is quoted");
    (desk, tail.to_vec())
}

fn of_feed(kind: Kind, desk: &Desk) -> EventRecord {
    EventRecord { exchange_time: desk.now.0, ..EventRecord::new(kind) }
}

#[test]
fn it_quotes_and_its_fills_are_its_position() {
    let (mut desk, records) = quoting();
    for (at, record) in records.iter().enumerate() {
        desk.feed(record);
        if at % 50 == 0 && !desk.port.resting.is_empty() {
            let which = at % desk.port.resting.len();
            let qty = desk.port.resting[which].qty;
            desk.port.trade(which, qty);
            desk.hear();
        }
    }
    let counters = *desk.engine.counters();
    assert!(counters.fills_bought > 3 && counters.fills_sold > 3, "{counters:?}");
    let held: i64 =
        (1..=SYMBOLS as u16).map(|id| desk.engine.risk().position(InstrumentId(id))).sum();
    assert_eq!(held, desk.port.position);
    assert_eq!(counters.unsent, 0);
}

#[test]
fn while_a_gap_is_open_nothing_is_entered_and_quotes_are_taken_out_after_the_grace() {
    let (mut desk, records) = quoting();
    let entered = desk.port.entered;
    desk.feed(&of_feed(Kind::GapOpen, &desk));
    desk.pass(Nanos(GRACE.0 / 2));
    assert!(!desk.port.resting.is_empty(), "the grace is not over");
    desk.pass(GRACE);
    assert!(desk.port.resting.is_empty(), "{:?}", desk.port.resting);
    // What a decoder would hold back here is let through on purpose.
    let (during, after) = records.split_at(records.len() / 2);
    during.iter().for_each(|record| desk.feed(record));
    desk.pass(Nanos::from_millis(5));
    assert_eq!(desk.port.entered, entered);
    desk.feed(&of_feed(Kind::GapClosed, &desk));
    after.iter().for_each(|record| desk.feed(record));
    assert!(desk.port.entered > entered, "it does not quote again");
}

#[test]
fn a_gap_that_closes_within_the_grace_costs_no_place_in_the_queue() {
    let (mut desk, _) = quoting();
    let (entered, cancels) = (desk.port.entered, desk.port.cancels);
    for _ in 0..100 {
        desk.feed(&of_feed(Kind::GapOpen, &desk));
        desk.pass(Nanos(GRACE.0 / 4));
        assert_eq!((desk.port.entered, desk.port.cancels), (entered, cancels));
        desk.feed(&of_feed(Kind::GapClosed, &desk));
        if (desk.port.entered, desk.port.cancels) != (entered, cancels) {
            break; // the market has moved in the meantime, and the quotes with it
        }
    }
    assert_eq!(desk.engine.counters().stale_cancels, 0);
}

#[test]
fn a_halted_instrument_is_left() {
    let (mut desk, records) = quoting();
    for id in 1..=SYMBOLS as u16 {
        let halt = EventRecord {
            instrument: id,
            tag: u16::from(b'H'),
            ..of_feed(Kind::TradingAction, &desk)
        };
        desk.feed(&halt);
    }
    desk.pass(Nanos::from_millis(2));
    assert!(desk.port.resting.is_empty(), "{:?}", desk.port.resting);
    let entered = desk.port.entered;
    records.iter().for_each(|record| desk.feed(record));
    assert_eq!(desk.port.entered, entered);
}

#[test]
fn a_tripped_breaker_takes_everything_out_for_good() {
    let (mut desk, records) = quoting();
    desk.port.refuses = true;
    while !desk.port.resting.is_empty() {
        let qty = desk.port.resting[0].qty;
        desk.port.trade(0, qty);
    }
    for record in &records {
        desk.feed(record);
        desk.pass(Nanos::from_millis(1));
    }
    assert!(desk.engine.risk().tripped().is_some(), "{:?}", desk.engine.counters());
    let entered = desk.port.entered;
    records.iter().for_each(|record| desk.feed(record));
    desk.pass(Nanos::from_millis(1));
    assert_eq!(desk.port.entered, entered);
    assert!(desk.port.resting.is_empty());
}

#[test]
fn a_stop_takes_everything_out() {
    let (mut desk, records) = quoting();
    desk.engine.begin_stop();
    let entered = desk.port.entered;
    desk.pass(Nanos::from_millis(1));
    assert!(desk.port.resting.is_empty() && desk.engine.is_flat_of_orders());
    records.iter().for_each(|record| desk.feed(record));
    assert_eq!((desk.port.entered, desk.engine.phase()), (entered, Phase::Stopping));
    desk.engine.gateway_mut().begin_logout();
    desk.pass(Nanos::from_millis(1));
    assert_eq!(desk.engine.gateway().session(), tercel_gateway::Session::Ended);
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let sent = || {
        let (mut desk, records) = quoting();
        for (at, record) in records.iter().enumerate() {
            desk.feed(record);
            if at % 100 == 0 {
                desk.pass(Nanos(1_000));
            }
        }
        desk.port.packets
    };
    let first = sent();
    assert!(first.len() > 1_000);
    assert!(sent() == first);
}

#[test]
fn own_orders_are_never_two_on_a_side() {
    let (mut desk, records) = quoting();
    for record in &records {
        desk.feed(record);
        for id in (1..=SYMBOLS as u16).map(InstrumentId) {
            for letter in [side::BUY, side::SELL] {
                let live = desk.engine.gateway().open_orders().filter(|(one, order)| {
                    let sells = order.side == tercel_types::Side::Sell;
                    *one == id
                        && sells == (letter == side::SELL)
                        && order.state != WorkingState::PendingReplace
                });
                assert!(live.count() <= 1);
            }
        }
    }
}

/// Any record in the middle of a day: no panic, and what follows is still understood.
#[test]
fn hostile_records_do_no_harm() {
    let (mut desk, records) = quoting();
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 16
    };
    for record in &records {
        let mut bad = *record;
        match next() % 6 {
            0 => bad.kind = next() as u8,
            1 => bad.instrument = next() as u16,
            2 => bad.price = (next() << 20) as i64,
            3 => bad.quantity = next() << 20,
            4 => bad.order_ref = next(),
            _ => bad.side = next() as u8,
        }
        desk.feed(&bad);
        desk.feed(record);
        if next() % 20 == 0 {
            desk.pass(Nanos(1_000));
        }
    }
    let held: i64 =
        (1..=SYMBOLS as u16).map(|id| desk.engine.risk().position(InstrumentId(id))).sum();
    assert_eq!(held, desk.port.position);
}
