//! The session: logins, recovery, heartbeats, silence, logout, refusals.

mod model;

use model::{Desk, INSTRUMENTS, Mood, SESSION, Venue, config, enter, put};
use tercel_gateway::{Gateway, GatewayConfig, MAX_PACKET, Session, SessionError, refusal};
use tercel_proto::soup::{ANY_SESSION, ClientPacket, LoginAccepted, LoginRequest, ServerPacket};
use tercel_types::*;

fn transmit(gateway: &mut Gateway, now: Nanos) -> Vec<u8> {
    let mut tx = [0; MAX_PACKET];
    let len = gateway.transmit(now, &mut tx);
    tx[..len].to_vec()
}

fn receive(gateway: &mut Gateway, packet: ServerPacket<'_>, now: Nanos) {
    let mut bytes = Vec::new();
    put(packet, &mut bytes);
    assert_eq!(gateway.on_bytes(&bytes, now, |_| {}), Ok(bytes.len()));
}

fn login(session: [u8; 10], sequence: u64) -> Vec<u8> {
    let request = LoginRequest::new(*b"TERCEL", *b"secret    ", session, sequence);
    let mut bytes = [0; MAX_PACKET];
    let len = ClientPacket::LoginRequest(&request).emit(&mut bytes).unwrap();
    bytes[..len].to_vec()
}

/// A gateway that is ready, with an empty session behind it.
fn ready() -> (Desk, Venue) {
    let (mut desk, mut venue) = (Desk::new(config()), Venue::new(false));
    desk.settle(&mut venue);
    assert_eq!(desk.gateway.session(), Session::Ready);
    (desk, venue)
}

#[test]
fn two_logins_come_before_the_first_number() {
    let now = Nanos(5);
    let mut gateway = Gateway::new(config());
    assert_eq!(gateway.session(), Session::Down);
    assert_eq!(transmit(&mut gateway, now), b"");
    gateway.on_connected(now);
    assert_eq!(transmit(&mut gateway, now), login(ANY_SESSION, 0));
    assert_eq!(transmit(&mut gateway, now), b"");
    assert!(!gateway.wants_reconnect());
    receive(&mut gateway, ServerPacket::LoginAccepted(&LoginAccepted::new(SESSION, 3)), now);
    assert!(gateway.wants_reconnect());
    assert_eq!(transmit(&mut gateway, now), b"\x00\x01O");
    // What the probe's connection still carries is not part of the replay.
    receive(&mut gateway, ServerPacket::Sequenced(b"S12345678S"), now);
    assert_eq!((gateway.next_sequence(), gateway.session()), (1, Session::LoggingIn));

    gateway.on_disconnected(now);
    assert_eq!(gateway.session(), Session::Down);
    gateway.on_connected(now);
    assert_eq!(transmit(&mut gateway, now), login(SESSION, 1));
    receive(&mut gateway, ServerPacket::LoginAccepted(&LoginAccepted::new(SESSION, 1)), now);
    assert_eq!(gateway.session(), Session::Recovering);
    // An old answer to an account query does not end the replay.
    let old = b"Q\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x04";
    receive(&mut gateway, ServerPacket::Sequenced(old), now);
    assert_eq!(transmit(&mut gateway, now), b"");
    receive(&mut gateway, ServerPacket::Sequenced(b"S12345678S"), now);
    assert_eq!(gateway.session(), Session::Recovering);
    assert_eq!(transmit(&mut gateway, now), b"\x00\x02UQ");
    assert_eq!(gateway.next_user_ref(), None);
    let new = b"Q\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x09";
    receive(&mut gateway, ServerPacket::Sequenced(new), now);
    assert_eq!(gateway.session(), Session::Ready);
    assert_eq!(gateway.next_user_ref(), Some(UserRef(9)));
}

#[test]
fn heartbeats_are_due_after_a_silent_second_and_the_venue_has_fifteen() {
    let (mut desk, _) = ready();
    let start = desk.now;
    let later = |ms| Nanos(start.0 + Nanos::from_millis(ms).0);
    assert_eq!(transmit(&mut desk.gateway, later(999)), b"");
    assert_eq!(transmit(&mut desk.gateway, later(1_000)), b"\x00\x01R");
    assert_eq!(transmit(&mut desk.gateway, later(1_001)), b"");
    desk.now = later(1_900);
    assert!(desk.send(enter(Side::Buy, 900_000, 1)));
    assert_eq!(transmit(&mut desk.gateway, later(2_100)), b"");
    assert_eq!(transmit(&mut desk.gateway, later(2_900)), b"\x00\x01R");
    assert_eq!(desk.gateway.on_timer(later(15_000)), Ok(()));
    assert_eq!(desk.gateway.on_timer(later(15_001)), Err(SessionError::ServerSilent));
    receive(&mut desk.gateway, ServerPacket::Heartbeat, later(15_001));
    assert_eq!(desk.gateway.on_timer(later(30_001)), Ok(()));
    desk.gateway.on_disconnected(later(30_001));
    assert_eq!(desk.gateway.on_timer(later(90_000)), Ok(()));
}

#[test]
fn an_order_lost_with_the_line_was_not_received() {
    let (mut desk, mut venue) = ready();
    assert!(desk.send(enter(Side::Buy, 900_000, 10)));
    desk.settle(&mut venue);
    assert!(desk.send(enter(Side::Sell, 1_100_000, 7)));
    assert!(desk.send(Intent::Replace {
        original: UserRef(1),
        price: Price(910_000),
        qty: Qty(20)
    }));
    desk.drop_line(&mut venue);
    assert_eq!(desk.gateway.session(), Session::Down);
    assert_eq!(desk.gateway.next_user_ref(), None);
    assert_eq!(desk.gateway.own(INSTRUMENTS[0].0).bid.unwrap().user_ref, UserRef(3));
    desk.acks.clear();
    desk.settle(&mut venue);
    let expected = [(2, 0, AckKind::NotReceived), (3, 0, AckKind::NotReceived)];
    assert_eq!(desk.kinds(), expected);
    let bid = desk.gateway.own(INSTRUMENTS[0].0).bid.unwrap();
    assert_eq!((bid.user_ref, bid.state), (UserRef(1), WorkingState::Live));
    // Numbers that were sent are not used again, although the venue would take them.
    assert_eq!(desk.gateway.next_user_ref(), Some(UserRef(4)));
    desk.check_against(&venue);
}

#[test]
fn a_cancel_lost_with_the_line_may_be_sent_again() {
    let (mut desk, mut venue) = ready();
    assert!(desk.send(enter(Side::Buy, 900_000, 10)));
    desk.settle(&mut venue);
    let cancel = Intent::Cancel { original: UserRef(1) };
    assert!(desk.send(cancel));
    assert!(!desk.send(cancel));
    desk.drop_line(&mut venue);
    desk.acks.clear();
    desk.settle(&mut venue);
    assert_eq!(desk.kinds(), [(1, 10, AckKind::CancelRejected)]);
    assert!(desk.send(cancel));
    desk.settle(&mut venue);
    assert!(desk.gateway.open_orders().next().is_none());
}

#[test]
fn only_missed_messages_are_asked_for_after_a_broken_line() {
    let (mut desk, mut venue) = ready();
    assert!(desk.send(enter(Side::Buy, 900_000, 10)));
    desk.settle(&mut venue);
    let next = desk.gateway.next_sequence();
    desk.drop_line(&mut venue);
    venue.trade(1, 4);
    desk.acks.clear();
    desk.pump(&mut venue);
    while desk.step_venue(&mut venue, Mood::Kind) {}
    desk.deliver(usize::MAX);
    desk.pump(&mut venue);
    assert_eq!(desk.to_venue, login(SESSION, next));
    desk.settle(&mut venue);
    assert_eq!(desk.acks.len(), 1);
    assert_eq!(desk.gateway.counters().duplicates, 0);
    desk.check_against(&venue);
}

#[test]
fn messages_that_come_again_are_passed_over() {
    let (mut desk, mut venue) = ready();
    assert!(desk.send(enter(Side::Buy, 900_000, 10)));
    desk.settle(&mut venue);
    venue.trade(1, 4);
    desk.settle(&mut venue);
    let (acks, now, next) = (desk.acks.len(), desk.now, desk.gateway.next_sequence());
    let gateway = &mut desk.gateway;
    // The second login is answered with the first message although the next was asked for.
    for first in [next, 1] {
        gateway.on_disconnected(now);
        gateway.on_connected(now);
        transmit(gateway, now);
        let accepted = LoginAccepted::new(SESSION, first);
        receive(gateway, ServerPacket::LoginAccepted(&accepted), now);
    }
    for message in &venue.log {
        put(ServerPacket::Sequenced(message), &mut desk.to_desk);
    }
    desk.deliver(usize::MAX);
    assert_eq!(desk.gateway.counters().duplicates, next - 1);
    assert_eq!((desk.acks.len(), desk.gateway.next_sequence()), (acks, next));
    assert_eq!(desk.position(INSTRUMENTS[0].0), 4);
}

#[test]
fn a_refused_login_is_told() {
    let now = Nanos(1);
    let mut gateway = Gateway::new(config());
    gateway.on_connected(now);
    transmit(&mut gateway, now);
    let answer = gateway.on_bytes(b"\x00\x02JA", now, |_| {});
    assert_eq!(answer, Err(SessionError::LoginRejected(b'A')));
    assert_eq!(gateway.session(), Session::Refused(refusal::NOT_AUTHORIZED));
    gateway.on_disconnected(now);
    assert_eq!(gateway.session(), Session::Refused(refusal::NOT_AUTHORIZED));
    gateway.on_connected(now);
    assert_eq!(transmit(&mut gateway, now), login(ANY_SESSION, 0));
}

#[test]
fn another_session_or_lost_messages_are_refused() {
    let (mut desk, _) = ready();
    let now = desk.now;
    let gateway = &mut desk.gateway;
    let next = gateway.next_sequence();
    gateway.on_disconnected(now);
    gateway.on_connected(now);
    transmit(gateway, now);
    let mut bytes = Vec::new();
    put(ServerPacket::LoginAccepted(&LoginAccepted::new(*b"  20191231", 1)), &mut bytes);
    assert_eq!(gateway.on_bytes(&bytes, now, |_| {}), Err(SessionError::SessionChanged));
    assert_eq!(gateway.session(), Session::Refused(refusal::SESSION_CHANGED));

    gateway.on_disconnected(now);
    gateway.on_connected(now);
    transmit(gateway, now);
    receive(gateway, ServerPacket::LoginAccepted(&LoginAccepted::new(SESSION, 99)), now);
    gateway.on_disconnected(now);
    gateway.on_connected(now);
    transmit(gateway, now);
    bytes.clear();
    put(ServerPacket::LoginAccepted(&LoginAccepted::new(SESSION, next + 1)), &mut bytes);
    let gap = SessionError::SequenceGap { expected: next, offered: next + 1 };
    assert_eq!(gateway.on_bytes(&bytes, now, |_| {}), Err(gap));
    assert_eq!(gateway.session(), Session::Refused(refusal::SEQUENCE_GAP));
}

#[test]
fn an_unknown_symbol_keeps_the_session_from_being_ready_but_cancels_go() {
    let (mut desk, mut venue) = ready();
    assert!(desk.send(enter(Side::Buy, 900_000, 10)));
    desk.settle(&mut venue);
    venue.live.get_mut(&1).unwrap().symbol = *b"NEW     ";
    let accepted = venue.log.iter().position(|message| message[0] == b'A').unwrap();
    let mut stranger = venue.log[accepted].clone();
    stranger[12] = 2;
    stranger[18..26].copy_from_slice(b"NEW     ");
    venue.log.push(stranger);

    let mut restarted = Desk::new(config());
    restarted.settle(&mut venue);
    let named = SessionError::UnknownSymbol(Symbol(*b"NEW     "));
    assert_eq!(restarted.gateway.session(), Session::Refused(refusal::UNKNOWN_SYMBOL));
    assert_eq!(restarted.gateway.refusal(), Some(named));
    assert_eq!(restarted.gateway.counters().unknown_symbol, 1);
    assert_eq!(restarted.gateway.next_user_ref(), None);
    assert!(!restarted.send(enter(Side::Buy, 900_000, 10)));
    assert!(restarted.send(Intent::Cancel { original: UserRef(1) }));
    restarted.settle(&mut venue);
    assert!(restarted.gateway.open_orders().next().is_none());
}

#[test]
fn a_table_too_small_for_the_venues_orders_is_told() {
    let (mut desk, mut venue) = ready();
    for price in 0..3 {
        assert!(desk.send(enter(Side::Buy, 900_000 + price * 100, 10)));
    }
    desk.settle(&mut venue);
    let mut restarted = Desk::new(GatewayConfig { orders_max: 2, ..config() });
    restarted.settle(&mut venue);
    assert_eq!(restarted.gateway.refusal(), Some(SessionError::TableFull));
    assert_eq!(restarted.gateway.session(), Session::Refused(refusal::TABLE_FULL));
    assert_eq!(restarted.gateway.counters().table_full, 1);
}

#[test]
fn rejected_orders_of_an_earlier_run_are_no_fault() {
    let (mut desk, mut venue) = ready();
    assert!(desk.send(enter(Side::Buy, 900_000, 10)));
    desk.step_venue(&mut venue, Mood::Reject);
    desk.settle(&mut venue);
    assert_eq!(desk.gateway.session(), Session::Ready);
    let mut restarted = Desk::new(config());
    restarted.settle(&mut venue);
    restarted.check_against(&venue);
    assert_eq!(restarted.gateway.next_user_ref(), Some(UserRef(2)));
}

#[test]
fn logout_and_the_end_of_the_session() {
    let (mut desk, _) = ready();
    let now = desk.now;
    let gateway = &mut desk.gateway;
    gateway.begin_logout();
    assert_eq!(gateway.session(), Session::LoggingOut);
    assert_eq!(gateway.next_user_ref(), None);
    assert_eq!(transmit(gateway, now), b"\x00\x01O");
    assert_eq!(transmit(gateway, Nanos(now.0 + 5_000_000_000)), b"");
    gateway.on_disconnected(now);
    assert_eq!(gateway.session(), Session::Down);

    let (mut desk, _) = ready();
    receive(&mut desk.gateway, ServerPacket::EndOfSession, now);
    assert_eq!(desk.gateway.session(), Session::Ended);
    desk.gateway.on_disconnected(now);
    desk.gateway.on_connected(now);
    assert_eq!(desk.gateway.session(), Session::Ended);
    assert_eq!(transmit(&mut desk.gateway, now), b"");
}
