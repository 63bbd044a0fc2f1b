//! The life of an order as the venue tells it, in order and out of order.

mod desk;

use desk::{Desk, ID, OTHER, accepted, ack, canceled, executed, replaced, wide};
use tercel_risk::{ExposureView, InstrumentLimits, Reject, RiskConfig, Trip};
use tercel_types::{Ack, AckKind, Intent, MatchNumber, Money, OrderRef, Price, Qty, Side, UserRef};

const BID: i64 = 1_000_000;

fn rejected(user_ref: UserRef, open: u32) -> Ack {
    ack(user_ref, Side::Buy, BID, open, AckKind::Rejected { reason: 1 })
}

fn open_buys(desk: &Desk) -> (u64, u32) {
    let ExposureView { open_buy_qty, open_orders, .. } = desk.risk.exposure(ID);
    (open_buy_qty, open_orders)
}

#[test]
fn an_order_lives_and_dies() {
    let mut desk = Desk::new();
    let order = desk.buy(BID, 100).unwrap();
    assert_eq!(open_buys(&desk), (100, 1));
    desk.ack(accepted(order, Side::Buy, BID, 100));
    desk.ack(executed(order, Side::Buy, BID, 30, 70));
    assert_eq!(open_buys(&desk), (70, 1));
    desk.ack(canceled(order, Side::Buy, BID, 20, 50));
    assert_eq!(open_buys(&desk), (50, 1));
    desk.ack(executed(order, Side::Buy, BID, 50, 0));
    assert_eq!(open_buys(&desk), (0, 0));
    assert_eq!((desk.risk.position(ID), desk.risk.account().cash), (80, Money(-80 * BID)));
}

#[test]
fn fills_may_come_before_the_acceptance_and_in_any_order() {
    let mut desk = Desk::new();
    let order = desk.buy(BID, 100).unwrap();
    desk.ack(executed(order, Side::Buy, BID, 20, 70));
    desk.ack(executed(order, Side::Buy, BID, 10, 90));
    desk.ack(accepted(order, Side::Buy, BID, 100));
    assert_eq!((open_buys(&desk), desk.risk.position(ID)), ((70, 1), 30));
    let gone = desk.buy(BID, 50).unwrap();
    desk.ack(executed(gone, Side::Buy, BID, 50, 0));
    desk.ack(accepted(gone, Side::Buy, BID, 50));
    assert_eq!((open_buys(&desk), desk.risk.position(ID)), ((70, 1), 80));
    assert_eq!(desk.risk.counters().late, 1);
}

#[test]
fn an_accepted_order_may_be_dead_or_at_another_price() {
    let mut desk = Desk::new();
    let dead = desk.buy(BID, 100).unwrap();
    desk.ack(accepted(dead, Side::Buy, BID, 0));
    assert_eq!(open_buys(&desk), (0, 0));
    let moved = desk.buy(BID, 100).unwrap();
    desk.ack(accepted(moved, Side::Buy, BID - 100, 100));
    assert_eq!(desk.risk.exposure(ID).open_buys, Money(100 * (BID - 100)));
    let kind = AckKind::PriorityChanged { order_ref: OrderRef(5) };
    desk.ack(ack(moved, Side::Buy, BID - 200, 100, kind));
    desk.ack(ack(moved, Side::Buy, BID - 200, 60, AckKind::Modified));
    assert_eq!(desk.risk.exposure(ID).open_buys, Money(60 * (BID - 200)));
}

#[test]
fn a_refused_order_is_dead() {
    let mut desk = Desk::new();
    let order = desk.buy(BID, 100).unwrap();
    desk.ack(rejected(order, 0));
    let lost = desk.buy(BID, 100).unwrap();
    desk.ack(ack(lost, Side::Buy, BID, 0, AckKind::NotReceived));
    assert_eq!(open_buys(&desk), (0, 0));
    desk.ack(rejected(order, 0));
    assert_eq!(desk.risk.counters().late, 1);
}

#[test]
fn a_replace_counts_the_larger_until_the_venue_has_chosen() {
    let mut desk = Desk::new();
    let old = desk.buy(BID, 100).unwrap();
    desk.ack(accepted(old, Side::Buy, BID, 100));
    let new = desk.replace(old, BID - 100, 150).unwrap();
    let view = desk.risk.exposure(ID);
    assert_eq!((view.open_buy_qty, view.open_buys), (150, Money(150 * (BID - 100))));
    desk.ack(executed(old, Side::Buy, BID, 30, 70));
    assert_eq!(open_buys(&desk), (150, 1));
    desk.ack(replaced(new, old, Side::Buy, BID - 100, 120));
    assert_eq!(open_buys(&desk), (120, 1));
    // The original's last fill, late: it trades, and nothing else.
    desk.ack(executed(old, Side::Buy, BID, 5, 65));
    assert_eq!((open_buys(&desk), desk.risk.position(ID)), ((120, 1), 35));
    assert_eq!(desk.replace(old, BID, 1), Err(Reject::UnknownOrder));
    assert_eq!(desk.cancel(new), Ok(()));
}

#[test]
fn a_refused_replace_leaves_the_original() {
    let mut desk = Desk::new();
    let old = desk.buy(BID, 100).unwrap();
    for kind in [AckKind::Rejected { reason: 2 }, AckKind::NotReceived] {
        let new = desk.replace(old, BID, 300).unwrap();
        assert_eq!(open_buys(&desk), (300, 1));
        desk.ack(ack(new, Side::Buy, BID, 0, kind));
        assert_eq!(open_buys(&desk), (100, 1));
    }
    assert!(desk.replace(old, BID, 50).is_ok());
}

#[test]
fn an_original_that_dies_takes_its_replace_along() {
    let mut desk = Desk::new();
    let old = desk.buy(BID, 100).unwrap();
    let new = desk.replace(old, BID, 300).unwrap();
    desk.ack(executed(old, Side::Buy, BID, 100, 0));
    assert_eq!(open_buys(&desk), (0, 0));
    desk.ack(rejected(new, 0));
    assert_eq!((open_buys(&desk), desk.risk.counters().late), ((0, 0), 1));
}

#[test]
fn a_fill_of_the_replacement_says_that_it_is_there() {
    let mut desk = Desk::new();
    let old = desk.buy(BID, 100).unwrap();
    let new = desk.replace(old, BID, 80).unwrap();
    desk.ack(executed(new, Side::Buy, BID, 30, 50));
    assert_eq!(open_buys(&desk), (50, 1));
    desk.ack(replaced(new, old, Side::Buy, BID, 80));
    assert_eq!(open_buys(&desk), (50, 1));
    desk.ack(executed(new, Side::Buy, BID, 50, 0));
    desk.ack(replaced(new, old, Side::Buy, BID, 80));
    assert_eq!(open_buys(&desk), (0, 0));
}

#[test]
fn a_refused_cancel_can_be_asked_again() {
    let mut desk = Desk::new();
    let order = desk.buy(BID, 100).unwrap();
    desk.cancel(order).unwrap();
    desk.ack(ack(order, Side::Buy, BID, 100, AckKind::CancelPending));
    assert_eq!(desk.cancel(order), Err(Reject::PendingCancel));
    desk.ack(ack(order, Side::Buy, BID, 100, AckKind::CancelRejected));
    assert_eq!(desk.cancel(order), Ok(()));
    assert_eq!(open_buys(&desk), (100, 1));
}

#[test]
fn a_cancel_of_the_original_does_not_count_for_its_replacement() {
    let mut desk = Desk::new();
    let old = desk.buy(BID, 100).unwrap();
    let new = desk.replace(old, BID, 80).unwrap();
    desk.cancel(old).unwrap();
    desk.ack(replaced(new, old, Side::Buy, BID, 80));
    assert_eq!(desk.cancel(new), Ok(()));
}

#[test]
fn a_broken_execution_gives_position_and_cash_back() {
    let mut desk = Desk::new();
    desk.fill(Side::Buy, BID, 100);
    let kind = AckKind::Broken { qty: Qty(100), price: Price(BID), match_number: MatchNumber(1) };
    desk.ack(ack(UserRef(1), Side::Buy, BID, 0, kind));
    let account = desk.risk.account();
    assert_eq!((desk.risk.position(ID), account.cash, account.realised), (0, Money(0), Money(0)));
}

#[test]
fn strangers_are_adopted() {
    let mut desk = Desk::new();
    desk.next = 500;
    let stranger = UserRef(77);
    desk.ack(accepted(stranger, Side::Buy, BID, 40));
    assert_eq!((open_buys(&desk), desk.risk.counters().adopted), ((40, 1), 1));
    desk.buy(BID, 10).unwrap();
    let heir = desk.replace(stranger, BID, 60).unwrap();
    desk.ack(replaced(heir, stranger, Side::Buy, BID, 60));
    assert_eq!(open_buys(&desk), (70, 2));
    // A replace of before the restart, of an order of before the restart.
    desk.ack(accepted(UserRef(80), Side::Buy, BID, 5));
    desk.ack(replaced(UserRef(81), UserRef(80), Side::Buy, BID, 6));
    assert_eq!(open_buys(&desk), (76, 3));
    desk.ack(executed(UserRef(82), Side::Buy, BID, 9, 1));
    assert_eq!((open_buys(&desk), desk.risk.position(ID)), ((77, 4), 9));
}

#[test]
fn a_strangers_number_is_used() {
    let mut desk = Desk::new();
    desk.ack(accepted(UserRef(1), Side::Buy, BID, 40));
    assert_eq!(desk.buy(BID, 10), Err(Reject::UserRefUsed));
    assert_eq!(desk.risk.exposure(ID).open_buy_qty, 40);
}

#[test]
fn an_impossible_price_trips_the_breaker() {
    let mut desk = Desk::new();
    let order = desk.buy(BID, 10).unwrap();
    desk.ack(executed(order, Side::Buy, i64::MAX, 10, 0));
    assert_eq!(desk.risk.tripped(), Some(Trip::Unaccounted));
    assert_eq!((desk.risk.position(ID), open_buys(&desk)), (10, (0, 0)));
    desk.risk.reset();
    desk.ack(accepted(UserRef(900), Side::Buy, i64::MIN, u32::MAX));
    assert_eq!(desk.risk.tripped(), Some(Trip::Unaccounted));
}

#[test]
fn a_stranger_in_an_instrument_without_limits_still_counts() {
    let mut desk = Desk::new();
    let mut fill = executed(UserRef(900), Side::Sell, BID, 10, 5);
    fill.instrument = OTHER;
    desk.ack(fill);
    let view = desk.risk.exposure(OTHER);
    assert_eq!((view.position, view.open_sell_qty), (-10, 5));
    assert_eq!(desk.risk.account().gross, Money(15 * BID));
    assert_eq!(desk.enter_in(OTHER, Side::Buy, BID, 1), Err(Reject::UnknownInstrument));
    assert_eq!(desk.cancel(UserRef(900)), Ok(()));
}

#[test]
fn what_finds_no_room_trips_the_breaker() {
    let config = RiskConfig { orders_max: 1, instruments_max: 1, ..Default::default() };
    let mut desk = Desk::with(config, wide());
    desk.buy(BID, 10).unwrap();
    desk.ack(accepted(UserRef(900), Side::Buy, BID, 40));
    assert_eq!(desk.risk.tripped(), Some(Trip::Unaccounted));
    assert_eq!(desk.risk.counters().unaccounted, 1);
    desk.risk.reset();
    let mut fill = executed(UserRef(901), Side::Buy, BID, 10, 0);
    fill.instrument = OTHER;
    desk.ack(fill);
    assert_eq!(desk.risk.tripped(), Some(Trip::Unaccounted));
}

#[test]
fn what_was_not_sent_is_given_back() {
    let rate = tercel_risk::RateLimit { burst: 1, per_second: 1 };
    let limits = InstrumentLimits { rate, ..InstrumentLimits::default() };
    let mut desk = Desk::with_limits(limits);
    let intent = Intent::Enter(desk::new_order(ID, Side::Buy, BID, 10));
    for _ in 0..3 {
        let order = desk.check(intent).unwrap();
        assert_eq!(open_buys(&desk), (10, 1));
        desk.risk.withdraw(&order);
        assert_eq!(open_buys(&desk), (0, 0));
        desk.next = 1;
    }
    let kept = desk.buy(BID, 10).unwrap();
    desk.now = desk.now + tercel_types::Nanos::from_secs(1);
    let replace = Intent::Replace { original: kept, price: Price(BID), qty: Qty(30) };
    for _ in 0..3 {
        let order = desk.check(replace).unwrap();
        assert_eq!(open_buys(&desk), (30, 1));
        desk.risk.withdraw(&order);
        assert_eq!(open_buys(&desk), (10, 1));
        desk.next = 2;
    }
    for _ in 0..3 {
        let order = desk.check(Intent::Cancel { original: kept }).unwrap();
        desk.risk.withdraw(&order);
    }
    assert_eq!(desk.risk.counters().withdrawn, 9);
    // Once the venue has spoken of it, it was sent.
    let order = desk.check(replace).unwrap();
    desk.ack(replaced(UserRef(2), kept, Side::Buy, BID, 30));
    desk.risk.withdraw(&order);
    assert_eq!((open_buys(&desk), desk.risk.counters().withdrawn), ((30, 1), 9));
}

#[test]
fn a_position_is_carried_without_profit() {
    let mut desk = Desk::new();
    assert!(desk.risk.carry(ID, -200, Price(BID)));
    let account = desk.risk.account();
    assert_eq!((desk.risk.position(ID), account.realised), (-200, Money(0)));
    assert_eq!((account.unrealised, account.gross), (Money(0), Money(200 * BID)));
}

#[test]
fn a_venue_that_refuses_everything_trips_the_breaker() {
    let mut desk = Desk::new();
    let max = tercel_risk::VenueLimits::default().rejects_in_a_row_max;
    for at in 0..i64::from(max) {
        let order = desk.buy(BID - 100 * at, 100).unwrap();
        desk.ack(rejected(order, 0));
    }
    assert_eq!(desk.risk.tripped(), None);
    let taken = desk.buy(BID - 5_000, 100).unwrap();
    desk.ack(accepted(taken, Side::Buy, BID - 5_000, 100));
    for at in 0..=i64::from(max) {
        assert_eq!(desk.risk.tripped(), None);
        let order = desk.buy(BID - 100 * at - 6_000, 100).unwrap();
        desk.ack(rejected(order, 0));
    }
    assert_eq!(desk.risk.tripped(), Some(Trip::VenueRejects));
}
