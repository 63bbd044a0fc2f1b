//! Orders: what is written, and what each answer makes of them.

mod model;

use model::{Desk, INSTRUMENTS, Mood, Venue, config, enter, market};
use tercel_gateway::{EncodeError, GatewayConfig, MAX_PACKET, Session};
use tercel_proto::ouch::outbound::*;
use tercel_proto::ouch::{Appendage, AppendageBuf, Appendages, Inbound, Outbound, inbound, reason};
use tercel_proto::soup::ClientPacket;
use tercel_types::*;

const ID: InstrumentId = INSTRUMENTS[0].0;

fn ready() -> (Desk, Venue) {
    let (mut desk, mut venue) = (Desk::new(config()), Venue::new(false));
    desk.settle(&mut venue);
    (desk, venue)
}

/// With one buy of 100 shares at 90 dollars, live.
fn with_order() -> (Desk, Venue) {
    let (mut desk, mut venue) = ready();
    assert!(desk.send(enter(Side::Buy, 900_000, 100)));
    desk.settle(&mut venue);
    desk.acks.clear();
    (desk, venue)
}

/// The only message on its way to the venue.
fn sent(desk: &Desk) -> &[u8] {
    let (packet, len) = ClientPacket::parse(&desk.to_venue).unwrap().unwrap();
    assert_eq!(len, desk.to_venue.len());
    let ClientPacket::Unsequenced(message) = packet else { panic!("{packet:?}") };
    message
}

fn replace(original: u32, price: i64, qty: u32) -> Intent {
    Intent::Replace { original: UserRef(original), price: Price(price), qty: Qty(qty) }
}

fn tell(desk: &mut Desk, venue: &mut Venue, message: Outbound<'_>) {
    venue.say(message);
    venue.flush(&mut desk.to_desk);
    desk.deliver(usize::MAX);
}

#[test]
fn an_enter_order_on_the_wire() {
    let (mut desk, _) = ready();
    assert!(desk.send(enter(Side::Buy, 900_100, 250)));
    let expected = inbound::EnterOrder {
        kind: b'O',
        user_ref: 1.into(),
        side: b'B',
        quantity: 250.into(),
        symbol: *b"AAPL    ",
        price: 900_100.into(),
        time_in_force: b'0',
        display: b'Y',
        capacity: b'P',
        sweep: b'N',
        cross: b'N',
        client_order_id: *b"TRCL0000000001",
    };
    let mut options = AppendageBuf::new();
    options.push(Appendage::Firm(*b"TRCL"));
    options.push(Appendage::PostOnly(b'P'));
    let expected = Inbound::EnterOrder(&expected, options.appendages());
    assert_eq!(Inbound::parse(sent(&desk)), Ok(expected));
    let bid = desk.gateway.own(ID).bid.unwrap();
    assert_eq!(
        (bid.state, bid.open, bid.order_ref),
        (WorkingState::PendingNew, Qty(250), OrderRef(0))
    );
}

#[test]
fn the_longest_packet_fits() {
    let mut desk = Desk::new(GatewayConfig { customer_type: Some(b'N'), ..config() });
    let mut venue = Venue::new(false);
    desk.settle(&mut venue);
    assert!(desk.send(enter(Side::Sell, 1_100_000, 1)));
    assert!(desk.to_venue.len() <= MAX_PACKET);
    assert_eq!(Inbound::parse(sent(&desk)).unwrap().appendages().iter().count(), 3);
}

#[test]
fn a_replace_asks_for_what_shall_be_open_and_what_was_executed() {
    let (mut desk, mut venue) = with_order();
    venue.trade(1, 30);
    venue.prevent(1, 10);
    venue.cancel(1, 5, reason::cancel::SUPERVISORY);
    desk.settle(&mut venue);
    assert_eq!(desk.gateway.own(ID).bid.unwrap().open, Qty(55));
    assert!(desk.send(replace(1, 900_500, 80)));
    let Ok(Inbound::ReplaceOrder(message, options)) = Inbound::parse(sent(&desk)) else {
        panic!("no replace");
    };
    // 80 open, 30 executed, 10 prevented; what was cancelled is not counted (OUCH 5.0 §2.2).
    assert_eq!(message.quantity.get(), 120);
    assert!(options.iter().eq([Appendage::PostOnly(b'P')]));
    // A fill that crosses comes off what will be open.
    venue.trade(1, 15);
    desk.settle(&mut venue);
    let last = desk.acks.last().unwrap();
    assert_eq!((last.user_ref, last.open), (UserRef(2), Qty(65)));
    assert!(matches!(last.kind, AckKind::Replaced { original: UserRef(1), .. }));
    // The chain goes on: 30 + 10 + 15, and 60 that shall be open.
    assert!(desk.send(replace(2, 900_600, 60)));
    let Ok(Inbound::ReplaceOrder(message, _)) = Inbound::parse(sent(&desk)) else {
        panic!("no replace");
    };
    assert_eq!(message.quantity.get(), 115);
    desk.settle(&mut venue);
    assert_eq!(desk.gateway.own(ID).bid.unwrap().open, Qty(60));
    desk.check_against(&venue);
}

#[test]
fn a_refused_replace_leaves_the_original_live() {
    let (mut desk, mut venue) = with_order();
    assert!(desk.send(replace(1, 900_500, 80)));
    assert_eq!(desk.gateway.order(UserRef(1)).unwrap().state, WorkingState::PendingReplace);
    assert_eq!(desk.gateway.own(ID).bid.unwrap().user_ref, UserRef(2));
    desk.step_venue(&mut venue, Mood::Reject);
    desk.deliver(usize::MAX);
    let reason = reason::reject::INVALID_PRICE;
    assert_eq!(desk.kinds(), [(2, 0, AckKind::Rejected { reason })]);
    let bid = desk.gateway.own(ID).bid.unwrap();
    assert_eq!((bid.user_ref, bid.state, bid.open), (UserRef(1), WorkingState::Live, Qty(100)));
    desk.check_against(&venue);
}

#[test]
fn a_replace_that_crosses_with_the_last_fill_is_dead_with_its_original() {
    let (mut desk, mut venue) = with_order();
    assert!(desk.send(replace(1, 900_500, 80)));
    venue.trade(1, 100);
    desk.settle(&mut venue);
    let kinds = desk.kinds();
    assert!(matches!(kinds[0], (1, 0, AckKind::Executed { qty: Qty(100), .. })));
    assert_eq!(kinds[1..], [(2, 0, AckKind::NotReceived)]);
    assert_eq!(desk.gateway.own(ID).bid, None);
    desk.check_against(&venue);
}

#[test]
fn an_invalid_replace_cancels_its_original() {
    let (mut desk, mut venue) = with_order();
    assert!(desk.send(replace(1, 900_500, 80)));
    desk.step_venue(&mut venue, Mood::InvalidReplace);
    desk.deliver(usize::MAX);
    let canceled = AckKind::Canceled { qty: Qty(100), reason: CancelReason::User };
    assert_eq!(desk.kinds(), [(1, 0, canceled), (2, 0, AckKind::NotReceived)]);
    // The number stays unused at the venue; ours go on.
    assert_eq!((venue.next_ref, desk.gateway.next_user_ref()), (2, Some(UserRef(3))));
}

#[test]
fn a_cancel_that_crosses_with_a_fill() {
    let (mut desk, mut venue) = with_order();
    assert!(desk.send(Intent::Cancel { original: UserRef(1) }));
    assert_eq!(sent(&desk), b"X\x00\x00\x00\x01\x00\x00\x00\x00");
    assert_eq!(desk.gateway.own(ID).bid.unwrap().state, WorkingState::PendingCancel);
    venue.trade(1, 60);
    desk.settle(&mut venue);
    let kinds = desk.kinds();
    assert!(matches!(kinds[0], (1, 40, AckKind::Executed { qty: Qty(60), .. })));
    let canceled = AckKind::Canceled { qty: Qty(40), reason: CancelReason::User };
    assert_eq!(kinds[1..], [(1, 0, canceled)]);
    desk.check_against(&venue);
}

#[test]
fn a_cancel_after_a_replace_takes_off_the_replacement() {
    let (mut desk, mut venue) = with_order();
    assert!(desk.send(replace(1, 900_500, 80)));
    let newest = desk.gateway.own(ID).bid.unwrap().user_ref;
    assert!(desk.send(Intent::Cancel { original: newest }));
    desk.settle(&mut venue);
    assert!(venue.live.is_empty());
    desk.check_against(&venue);
}

#[test]
fn cancels_held_for_a_cross() {
    let (mut desk, mut venue) = with_order();
    let timestamp = 9.into();
    let pending = CancelPending { kind: CancelPending::KIND, timestamp, user_ref: 1.into() };
    tell(&mut desk, &mut venue, Outbound::CancelPending(&pending, Appendages::ABSENT));
    assert_eq!(desk.gateway.own(ID).bid.unwrap().state, WorkingState::PendingCancel);
    let refused = CancelReject { kind: CancelReject::KIND, timestamp, user_ref: 1.into() };
    tell(&mut desk, &mut venue, Outbound::CancelReject(&refused, Appendages::ABSENT));
    assert_eq!(desk.gateway.own(ID).bid.unwrap().state, WorkingState::Live);
    let expected = [(1, 100, AckKind::CancelPending), (1, 100, AckKind::CancelRejected)];
    assert_eq!(desk.kinds(), expected);
    assert_eq!(desk.acks[0].time, Nanos(9));
}

#[test]
fn the_venues_changes_of_an_order() {
    let (mut desk, mut venue) = with_order();
    let modified = OrderModified {
        kind: OrderModified::KIND,
        timestamp: 1.into(),
        user_ref: 1.into(),
        side: b'B',
        quantity: 70.into(),
    };
    tell(&mut desk, &mut venue, Outbound::OrderModified(&modified, Appendages::ABSENT));
    venue.reprioritise(1, 100);
    desk.settle(&mut venue);
    let mut options = AppendageBuf::new();
    options.push(Appendage::DisplayQty(10));
    options.push(Appendage::SecondaryOrderRef(77));
    let restated = OrderRestated {
        kind: OrderRestated::KIND,
        timestamp: 2.into(),
        user_ref: 1.into(),
        reason: b'R',
    };
    tell(&mut desk, &mut venue, Outbound::OrderRestated(&restated, options.appendages()));
    let bid = desk.gateway.own(ID).bid.unwrap();
    assert_eq!((bid.open, bid.price, bid.order_ref), (Qty(70), Price(899_900), OrderRef(77)));
    assert_eq!(desk.kinds()[0], (1, 70, AckKind::Modified));
    let moved = AckKind::PriorityChanged { order_ref: OrderRef(77) };
    assert_eq!(desk.kinds()[2], (1, 70, moved));
}

#[test]
fn broken_and_corrected_trades_also_of_forgotten_orders() {
    let mut desk = Desk::new(GatewayConfig { dead_max: 1, ..config() });
    let mut venue = Venue::new(false);
    desk.settle(&mut venue);
    for price in 0..4 {
        assert!(desk.send(enter(Side::Buy, 900_000 + price * 100, 10)));
        desk.settle(&mut venue);
        venue.trade(price as u32 + 1, 10);
        desk.settle(&mut venue);
    }
    assert_eq!(desk.position(ID), 40);
    desk.acks.clear();
    let correction = TradeCorrection {
        kind: TradeCorrection::KIND,
        timestamp: 1.into(),
        user_ref: 1.into(),
        quantity: 10.into(),
        price: 899_950.into(),
        liquidity: b'A',
        match_number: 1.into(),
        reason: b'N',
        client_order_id: [b' '; 14],
    };
    tell(&mut desk, &mut venue, Outbound::TradeCorrection(&correction, Appendages::ABSENT));
    venue.break_trade(0, |_| *b"AAPL    ");
    desk.settle(&mut venue);
    let number = MatchNumber(1);
    let (old, new) = (Price(900_000), Price(899_950));
    let broken = |price| AckKind::Broken { qty: Qty(10), price, match_number: number };
    let executed =
        AckKind::Executed { qty: Qty(10), price: new, liquidity: b'A', match_number: number };
    assert_eq!(desk.kinds(), [(1, 0, broken(old)), (1, 0, executed), (1, 0, broken(new))]);
    assert_eq!(desk.risk.position(ID), 30);
    // A second break of the same trade changes nothing.
    let broken = venue.log.iter().rfind(|message| message[0] == b'B').unwrap().clone();
    venue.log.push(broken);
    desk.settle(&mut venue);
    assert_eq!((desk.acks.len(), desk.gateway.counters().unknown_match), (3, 1));
}

#[test]
fn orders_dead_on_arrival() {
    let (mut desk, mut venue) = ready();
    assert!(desk.send(enter(Side::Buy, 900_000, 100)));
    desk.step_venue(&mut venue, Mood::Dead);
    desk.deliver(usize::MAX);
    assert!(matches!(desk.kinds()[..], [(1, 0, AckKind::Accepted { .. })]));
    assert_eq!(desk.gateway.own(ID).bid, None);
    desk.check_against(&venue);
}

#[test]
fn messages_about_dead_and_unknown_orders_are_counted() {
    let (mut desk, mut venue) = with_order();
    venue.cancel(1, 100, reason::cancel::USER);
    let last = venue.log.last().unwrap().clone();
    let mut stranger = last.clone();
    stranger[12] = 50;
    venue.log.extend([last, stranger]);
    let executed = OrderExecuted {
        kind: OrderExecuted::KIND,
        timestamp: 1.into(),
        user_ref: 1.into(),
        quantity: 7.into(),
        price: 900_000.into(),
        liquidity: b'A',
        match_number: 9.into(),
    };
    tell(&mut desk, &mut venue, Outbound::OrderExecuted(&executed, Appendages::EMPTY));
    let counters = desk.gateway.counters();
    assert_eq!((counters.late, counters.unknown_ref), (2, 1));
    // The late execution still moves the position.
    assert_eq!((desk.position(ID), desk.risk.position(ID)), (7, 7));
    // A number that the venue has named is not given out.
    assert_eq!(desk.gateway.next_user_ref(), Some(UserRef(51)));
}

#[test]
fn orders_that_do_not_fit_are_refused_and_change_nothing() {
    let (mut desk, mut venue) = with_order();
    let now = desk.now;
    let mut tx = [0; MAX_PACKET];
    let attempt = |desk: &mut Desk, intent: Intent, number: u32, tx: &mut [u8]| {
        let order = desk.risk.check(&intent, UserRef(number), &market(), now).unwrap();
        let result = desk.gateway.encode_into(&order, now, tx);
        desk.risk.withdraw(&order);
        result
    };
    let buy = enter(Side::Buy, 900_000, 10);
    assert_eq!(attempt(&mut desk, buy, 2, &mut tx[1..]), Err(EncodeError::NoSpace));
    let Intent::Enter(order) = buy else { unreachable!() };
    let elsewhere = Intent::Enter(NewOrder { instrument: INSTRUMENTS[1].0, ..order });
    desk.gateway.set_symbol(INSTRUMENTS[1].0, Symbol(*b"AAPL    "));
    let unnamed = Intent::Enter(NewOrder { instrument: ID, ..order });
    assert_eq!(attempt(&mut desk, unnamed, 2, &mut tx), Err(EncodeError::UnknownInstrument));
    desk.gateway.set_symbol(ID, Symbol(*b"MSFT    "));
    venue.trade(1, 60);
    desk.settle(&mut venue);
    let long = replace(1, 900_000, 999_941);
    assert_eq!(attempt(&mut desk, long, 2, &mut tx), Err(EncodeError::ChainTooLong));
    assert_eq!(desk.gateway.own(ID).bid.unwrap().state, WorkingState::Live);
    assert_eq!(desk.gateway.next_user_ref(), Some(UserRef(2)));
    assert!(attempt(&mut desk, elsewhere, 2, &mut tx).is_ok());
    assert_eq!(desk.gateway.session(), Session::Ready);
}
