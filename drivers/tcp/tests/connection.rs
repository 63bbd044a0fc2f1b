//! How connections begin and end, and what the stream says at each point.

mod lab;

use lab::{CLIENT, End, Faults, Lab, MS, Net, SERVER, Time, config};
use smoltcp::socket::tcp;
use smoltcp::wire::{IpCidr, Ipv4Cidr};
use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_tcp::{ConfigError, Reason, State, TcpConfig, TcpStack};
use tercel_types::{Clock, Nanos, PortError, StreamPort};

const SECOND: u64 = 1_000 * MS;

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let good = config(1);
    let peer = |ip, port| SocketAddrV4::new(ip, port);
    let far = Ipv4Addr::new(192, 168, 0, 1);
    let cases = [
        (TcpConfig { mac: [1; 6], ..good }, ConfigError::Mac),
        (TcpConfig { mac: [0; 6], ..good }, ConfigError::Mac),
        (TcpConfig { address: Ipv4Addr::BROADCAST, ..good }, ConfigError::Address),
        (TcpConfig { prefix: 33, ..good }, ConfigError::Address),
        (TcpConfig { peer: peer(SERVER, 0), ..good }, ConfigError::Peer),
        (TcpConfig { peer: peer(CLIENT, 1), ..good }, ConfigError::Peer),
        (TcpConfig { peer: peer(far, 1), ..good }, ConfigError::NoGateway),
        (TcpConfig { gateway: Some(far), ..good }, ConfigError::Gateway),
        (TcpConfig { mtu: 575, ..good }, ConfigError::Mtu),
        (TcpConfig { mtu: 9_001, ..good }, ConfigError::Mtu),
        (TcpConfig { connect_timeout: Nanos(1), ..good }, ConfigError::Time),
        (TcpConfig { keep_alive: Some(Nanos(1)), ..good }, ConfigError::Time),
    ];
    for (config, error) in cases {
        let time = Time::new();
        let net = Net::shared(1, Faults::default());
        let made = TcpStack::new(End::new(&net, 0, &time), config, time).err();
        assert_eq!(made, Some(error));
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn before_a_dial_and_after_a_refusal_the_stream_is_closed() {
    let mut lab = Lab::new(1, Faults::default());
    assert_eq!(lab.client.step(), State::Closed(Reason::NotDialled));
    assert_eq!(lab.read(), Err(PortError::Closed));
    assert!(lab.client.reserve(5).is_some());
    assert_eq!(lab.client.commit(5), Err(PortError::Closed));
    lab.server.socket().abort();
    lab.client.dial();
    lab.until(State::Closed(Reason::Refused));
    assert_eq!(lab.client.report().resets, 1);
    assert_eq!(lab.client.commit(0), Err(PortError::Closed));
}

#[test]
fn nobody_answers() {
    let outage = Faults { outage: (0, u64::MAX), ..Faults::default() };
    let mut lab = Lab::new(1, outage);
    let start = lab.time.now().0;
    lab.client.dial();
    assert!(lab.send(b"early"));
    lab.until(State::Closed(Reason::NoAnswer));
    let waited = lab.time.now().0 - start;
    assert!((30 * SECOND..31 * SECOND).contains(&waited), "{waited}");
    // What was committed for that connection is not sent on the next.
    lab.net.borrow_mut().faults = Faults::default();
    lab.client.dial();
    lab.until(State::Open);
    lab.run(SECOND);
    assert!(lab.send(b"late"));
    lab.run(SECOND);
    assert_eq!(lab.server.got, b"late");
}

#[test]
fn the_peer_resets() {
    let mut lab = Lab::open(config(2));
    lab.server.to_send = b"last words".to_vec();
    lab.run(MS);
    lab.server.socket().abort();
    lab.until(State::Closed(Reason::Reset));
    assert_eq!(lab.client.report().resets, 1);
    // What had arrived is still there to be read.
    assert_eq!(lab.client.poll(|bytes| bytes.len().min(5)), Ok(5));
    assert_eq!(lab.client.poll(|_| 0), Err(PortError::Closed));
    assert_eq!(lab.read().unwrap(), b"words");
    assert_eq!(lab.read(), Err(PortError::Closed));
    assert!(lab.client.reserve(5).is_some());
    assert_eq!(lab.client.commit(5), Err(PortError::Closed));
}

#[test]
fn the_peer_closes_its_half_first() {
    let mut lab = Lab::open(config(3));
    lab.server.to_send = b"that is all".to_vec();
    lab.run(MS);
    lab.server.socket().close();
    lab.run(MS);
    assert_eq!(lab.client.state(), State::Open);
    assert_eq!(lab.read().unwrap(), b"that is all");
    assert_eq!(lab.read(), Err(PortError::Closed));
    // The other half is still open.
    assert!(lab.send(b"one more"));
    lab.run(MS);
    assert_eq!(lab.server.got, b"one more");
    lab.client.hang_up();
    assert_eq!(lab.client.step(), State::Closed(Reason::HungUp));
    lab.run(MS);
    assert_eq!(lab.server.socket().state(), tcp::State::TimeWait);
    assert_eq!(lab.client.report().mismatches, 0);
}

#[test]
fn what_was_committed_before_hanging_up_arrives() {
    let mut lab = Lab::open(config(4));
    assert!(lab.send(b"the last order"));
    lab.client.hang_up();
    assert_eq!(lab.read(), Err(PortError::Closed));
    lab.run(MS);
    assert_eq!(lab.server.got, b"the last order");
    assert_eq!(lab.server.socket().state(), tcp::State::CloseWait);
}

/// Three repeats of an acknowledgement ask for what follows it to be sent again; here nothing does
/// but the end, which is lost the first time.
#[test]
fn an_end_that_is_lost_is_sent_again_although_acknowledgements_repeat() {
    let mut lab = Lab::open(config(15));
    lab.net.borrow_mut().heard = Some(Vec::new());
    assert!(lab.send(b"the last order"));
    lab.run(50 * MS);
    let repeated = lab.net.borrow().heard.as_ref().unwrap().last().unwrap().clone();
    lab.net.borrow_mut().faults.outage = (0, u64::MAX);
    lab.client.hang_up();
    for _ in 0..4 {
        let now = lab.time.now().0;
        lab.net.borrow_mut().inject(&repeated, now);
        lab.run(50 * MS);
    }
    lab.net.borrow_mut().faults.outage = (0, 0);
    lab.run(5 * SECOND);
    assert_eq!(lab.server.got, b"the last order");
    assert_eq!(lab.server.socket().state(), tcp::State::CloseWait);
}

/// Whatever the wire does to the last frames, the server reads to the end and is not reset.
#[test]
fn connections_over_a_bad_wire_end_in_good_order() {
    let bad = Faults { loss: 0.2, duplicate: 0.2, reorder: 0.3, ..Faults::default() };
    for seed in 0..1_000 {
        let keep_alive = (seed % 2 == 0).then_some(Nanos(100 * MS));
        let mut lab = Lab::with(TcpConfig { keep_alive, ..config(seed) }, bad);
        lab.client.dial();
        lab.until(State::Open);
        let mut sent = 0;
        while lab.server.got.len() < 3_000 {
            if sent < 3_000 && lab.send(&[7; 60]) {
                sent += 60;
                let answered = lab.server.to_send.len();
                lab.server.to_send.resize(answered + 60, 9);
            }
            lab.run(MS);
            let _ = lab.read();
        }
        lab.client.hang_up();
        lab.run(20 * SECOND);
        let state = lab.server.socket().state();
        assert_eq!(state, tcp::State::CloseWait, "seed {seed}: {:?}", lab.client.report());
        assert_eq!(lab.server.got, [7; 3_000], "seed {seed}");
    }
}

#[test]
fn a_stack_that_is_dropped_hangs_up() {
    let Lab { time, client, mut server, .. } = Lab::open(config(11));
    drop(client);
    for _ in 0..3 {
        time.advance(MS);
        server.step();
    }
    assert_eq!(server.socket().state(), tcp::State::CloseWait);
}

#[test]
fn dialled_again_at_once_while_the_old_connection_closes_behind() {
    let mut lab = Lab::open(config(5));
    for round in 0..20u8 {
        lab.server.listen();
        lab.client.dial();
        lab.until(State::Open);
        lab.run(MS);
        assert!(lab.send(&[round; 100]));
        lab.client.hang_up();
        lab.client.dial();
        assert_eq!(lab.client.state(), State::Connecting);
        lab.run(MS);
        assert_eq!(lab.server.got, [round; 100], "round {round}");
    }
    let report = lab.client.report();
    assert_eq!((report.dials, report.connected, report.mismatches), (41, 21, 0));
}

#[test]
fn a_closed_window_holds_back_and_lets_go() {
    let mut lab = Lab::open(config(6));
    lab.server.reads = false;
    let mut sent = Vec::new();
    let mut at = 0u32;
    loop {
        let bytes: Vec<u8> = (0..977).map(|i| (at * 7 + i) as u8).collect();
        if !lab.send(&bytes) {
            break;
        }
        sent.extend_from_slice(&bytes);
        at += 1;
        lab.run(MS);
    }
    // The server's buffer and our own are full.
    assert!(sent.len() > 300_000, "{}", sent.len());
    lab.run(200 * SECOND);
    let report = lab.client.report();
    assert!(report.probes > 1 && report.fast > 50 && report.ordinary > 200, "{report:?}");
    lab.server.reads = true;
    lab.run(100 * SECOND);
    assert!(lab.server.got == sent);
    assert_eq!(lab.client.report().mismatches, 0);
    let fast = lab.client.report().fast;
    assert!(lab.send(b"quick again"));
    assert_eq!(lab.client.report().fast, fast + 1);
}

#[test]
fn a_reader_that_does_not_read_closes_the_window() {
    let mut lab = Lab::open(config(7));
    let all: Vec<u8> = (0..900_000u32).map(|i| (i >> 3) as u8).collect();
    lab.server.to_send = all.clone();
    for _ in 0..200 {
        lab.pass(MS);
        match lab.client.poll(|_| 0) {
            Ok(0) | Err(PortError::TooLong) => {}
            other => panic!("{other:?}"),
        }
    }
    lab.run(2 * SECOND);
    assert_eq!(lab.client.poll(|_| 0), Err(PortError::TooLong));
    assert!(lab.server.sent < 450_000);
    let mut got = lab.read().unwrap();
    // What has waited behind follows at once, without another frame.
    let more = lab.read().unwrap();
    assert!(got.len() == tercel_tcp::RECEIVE_MAX && !more.is_empty());
    got.extend(more);
    while got.len() < all.len() {
        got.extend(lab.read().unwrap());
        lab.pass(MS);
    }
    assert!(got == all);
}

#[test]
fn with_keep_alives_a_silent_peer_is_found_out_and_an_idle_one_kept() {
    let kept = TcpConfig { keep_alive: Some(Nanos::from_secs(10)), ..config(8) };
    let mut lab = Lab::open(kept);
    lab.run(600 * SECOND);
    assert_eq!(lab.client.state(), State::Open);
    let probes = lab.client.report().probes;
    assert!((50..70).contains(&probes), "{probes}");
    assert!(lab.send(b"still there"));
    lab.run(SECOND);
    assert_eq!(lab.server.got, b"still there");
    assert_eq!(lab.client.report().mismatches, 0);
    lab.net.borrow_mut().faults.outage = (0, u64::MAX);
    let start = lab.time.now().0;
    lab.until(State::Closed(Reason::Silent));
    let silence = (lab.time.now().0 - start) / SECOND;
    assert!((50..=60).contains(&silence), "{silence}");
}

#[test]
fn an_idle_connection_lasts_and_its_next_order_does_not_wait_for_arp() {
    let mut lab = Lab::open(config(9));
    for round in 1..=20 {
        lab.run(170 * SECOND);
        let before = lab.client.report();
        assert!(lab.send(b"at once"));
        let after = lab.client.report();
        assert_eq!((after.fast, after.mismatches), (before.fast + 1, 0), "round {round}");
        lab.run(MS);
        assert_eq!(lab.server.got.len(), 7 * round);
    }
    assert!(lab.client.report().arp_refreshes > 50);
}

#[test]
fn an_address_that_nobody_has_confirmed_is_not_relied_upon() {
    let mut lab = Lab::open(config(13));
    lab.net.borrow_mut().faults.outage = (0, u64::MAX);
    lab.run(70 * SECOND);
    lab.net.borrow_mut().faults.outage = (0, 0);
    assert!(lab.send(b"found again"));
    lab.run(SECOND);
    assert_eq!(lab.server.got, b"found again");
    let report = lab.client.report();
    assert_eq!((report.fast, report.ordinary, report.mismatches), (0, 1, 0));
    assert!(lab.send(b"!"));
    assert_eq!(lab.client.report().fast, 1);
}

#[test]
fn a_peer_that_is_not_read_any_more_can_finish() {
    let mut lab = Lab::open(config(14));
    lab.server.to_send = vec![5; 500_000];
    lab.run(MS);
    lab.client.hang_up();
    lab.run(5 * SECOND);
    assert_eq!(lab.server.sent, 500_000);
    assert_eq!(lab.server.socket().send_queue(), 0);
}

#[test]
fn through_a_gateway() {
    let far = Ipv4Addr::new(192, 168, 5, 5);
    let peer = SocketAddrV4::new(far, lab::PORT);
    let routed = TcpConfig { peer, gateway: Some(SERVER), ..config(12) };
    let mut lab = Lab::with(routed, Faults::default());
    // The gateway and the host behind it are one here.
    lab.server.interface.update_ip_addrs(|addresses| {
        addresses.push(IpCidr::Ipv4(Ipv4Cidr::new(far, 32))).unwrap();
    });
    lab.client.dial();
    lab.until(State::Open);
    lab.run(5 * MS);
    for round in 1..=10 {
        // What the peer sends says nothing about the gateway's address: it is asked for.
        lab.server.to_send.extend_from_slice(b"news");
        lab.run(70 * SECOND);
        assert_eq!(lab.read().unwrap(), b"news");
        assert!(lab.send(b"order"));
        let report = lab.client.report();
        assert_eq!((report.fast, report.ordinary, report.mismatches), (round, 0, 0));
    }
    lab.run(MS);
    assert_eq!(lab.server.got.len(), 50);
    assert!(lab.client.report().arp_refreshes >= 20);
}

#[test]
fn a_port_that_fails_ends_the_connection() {
    let mut lab = Lab::open(config(10));
    lab.net.borrow_mut().closed = true;
    lab.until(State::Closed(Reason::Port(PortError::Closed)));
    assert_eq!(lab.read(), Err(PortError::Closed));
    assert!(lab.client.reserve(5).is_some());
    assert_eq!(lab.client.commit(5), Err(PortError::Closed));
}
