//! Logins, replays, and what does not belong on a port.

mod support;

use std::io::Write;
use std::net::{SocketAddrV4, TcpStream, UdpSocket};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use support::{Lab, config, login, order, outbound};
use tercel_exchange::venue::{Control, VenueError};
use tercel_exchange::{Venue, VenueConfig};
use tercel_proto::ouch::Outbound;
use tercel_proto::soup::{self, ClientPacket, LoginRequest};
use tercel_types::Nanos;

#[test]
fn a_session_is_heard_again_from_any_number() {
    let mut lab = Lab::new(config());
    let mut alpha = lab.log_in("alpha", 1);
    alpha.enter(order(1, b'S', 100, "AAPL", 1_500_000));
    let accepted = lab.told(&mut alpha, 2);
    let first = alpha.messages[0].clone();
    drop(alpha);
    // While nobody listens, the order trades.
    let mut beta = lab.log_in("beta", 1);
    beta.enter(order(1, b'B', 100, "AAPL", 1_500_000));
    lab.told(&mut beta, 3);

    let mut again = lab.log_in("alpha", 1);
    assert_eq!(again.session, Some((*b"TERCEL0001", 1)));
    lab.told(&mut again, 3);
    assert_eq!(again.messages[..2], [first, accepted]);
    assert_eq!(again.kinds(), "SAE");

    let mut later = lab.log_in("alpha", 3);
    assert_eq!(later.session.unwrap().1, 3);
    let message = lab.told(&mut later, 1);
    assert!(matches!(outbound(&message), Outbound::OrderExecuted(..)));

    // Zero: only what comes from now on.
    let mut new = lab.log_in("alpha", 0);
    assert_eq!(new.session.unwrap().1, 4);
    lab.settle(&mut [&mut new]);
    assert_eq!(new.kinds(), "");
    new.enter(order(2, b'B', 100, "AAPL", 1_400_000));
    lab.told(&mut new, 1);

    // Each login closed the connection before it.
    lab.until("older connections closed", |_| {
        again.poll();
        later.poll();
        again.closed && later.closed
    });
    assert!(!new.closed);
    assert_eq!(lab.venue.report().counters.ports.replaced, 2);
}

#[test]
fn logins_that_cannot_be_are_refused() {
    let mut lab = Lab::new(config());
    lab.step();
    let cases = [
        (login("alpha", "wrong"), soup::ANY_SESSION, 1, b'A'),
        (login("nobody", "secret"), soup::ANY_SESSION, 1, b'A'),
        (login("alpha", "secret"), *b"OTHER     ", 1, b'S'),
        (login("alpha", "secret"), soup::ANY_SESSION, 1_000, b'S'),
    ];
    for (login, session, sequence, reason) in cases {
        let mut client = lab.connect();
        client.log_in(login, session, sequence);
        lab.until("refusal", |_| {
            client.poll();
            client.refused.is_some() && client.closed
        });
        assert_eq!(client.refused, Some(reason));
    }
    // Case does not matter, and the session may be named.
    let mut client = lab.connect();
    client.log_in(login("ALPHA", "Secret"), *b"TERCEL0001", 1);
    lab.told(&mut client, 1);
    let ports = lab.venue.report().counters.ports;
    assert_eq!((ports.refused, ports.logins), (4, 1));
}

#[test]
fn silence_is_noticed_and_filled() {
    let mut lab = Lab::new(config());
    let mut alpha = lab.log_in("alpha", 1);
    lab.told(&mut alpha, 1);
    lab.now.0 += Nanos::from_secs(2).0;
    lab.until("heartbeat", |_| {
        alpha.poll();
        alpha.heartbeats > 0
    });
    alpha.send(ClientPacket::Heartbeat);
    lab.settle(&mut [&mut alpha]);
    lab.now.0 += Nanos::from_secs(14).0;
    lab.settle(&mut [&mut alpha]);
    assert!(!alpha.closed);
    lab.now.0 += Nanos::from_secs(14).0;
    lab.until("time out", |_| {
        alpha.poll();
        alpha.closed
    });
    assert_eq!(lab.venue.report().counters.ports.silent, 1);
}

#[test]
fn a_logout_and_the_end_of_the_day_close_in_good_order() {
    let mut lab = Lab::new(config());
    let mut alpha = lab.log_in("alpha", 1);
    let mut beta = lab.log_in("beta", 1);
    alpha.send(ClientPacket::Logout);
    lab.until("logout", |_| {
        alpha.poll();
        alpha.closed
    });
    beta.enter(order(1, b'B', 100, "AAPL", 1_400_000));
    lab.told(&mut beta, 2);
    lab.venue.control(Control::EndSession, lab.now).unwrap();
    lab.until("end", |_| {
        beta.poll();
        beta.ended && beta.closed
    });
    // Start of day, accepted, canceled, end of day.
    assert_eq!(beta.kinds(), "SACS");
    assert!(lab.venue.is_ended());
    assert!(lab.venue.report().accounts[1].open_orders.is_empty());
    assert!(lab.venue.control(Control::EndSession, lab.now).is_err());
    // The record of the day can still be had.
    let mut late = lab.log_in("alpha", 1);
    lab.until("end", |_| {
        late.poll();
        late.ended
    });
    assert_eq!(late.kinds(), "SS");
}

#[test]
fn a_cut_line_is_no_end() {
    let mut lab = Lab::new(config());
    let mut alpha = lab.log_in("alpha", 1);
    alpha.enter(order(1, b'B', 100, "AAPL", 1_400_000));
    lab.told(&mut alpha, 2);
    lab.venue.control(Control::Disconnect, lab.now).unwrap();
    lab.until("cut", |_| {
        alpha.poll();
        alpha.closed
    });
    assert!(!alpha.ended);
    let mut again = lab.log_in("alpha", 3);
    again.cancel(1, 0);
    lab.told(&mut again, 1);
    assert_eq!(again.kinds(), "C");
}

#[test]
fn garbage_on_every_port_disturbs_nobody() {
    let mut lab = Lab::new(config());
    let mut alpha = lab.log_in("alpha", 1);
    let mut beta = lab.log_in("beta", 1);
    let addresses = lab.venue.addresses();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut noise = vec![0u8; 3000];
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let glimpse = addresses.market_data.glimpse.unwrap();
    for round in 0..60u32 {
        rng.fill(&mut noise[..]);
        for address in [addresses.ouch, glimpse] {
            throw(address, &noise);
        }
        let len = rng.random_range(0..60);
        udp.send_to(&noise[..len], addresses.market_data.retransmission.unwrap()).unwrap();
        // Whole packets with nonsense in them, from one who is logged in.
        let mut packet = [0; 400];
        let len = rng.random_range(0..80);
        noise[0] = b"OUXMCDEQ"[rng.random_range(0..8)];
        let unsequenced = ClientPacket::Unsequenced(&noise[..len]);
        let len = unsequenced.emit(&mut packet).unwrap();
        beta.send_bytes(&packet[..len]);
        beta.send_bytes(&[0, 0, 0, 3, b'?', 1, 2]);
        alpha.enter(order(round + 1, b'B', 10, "AAPL", 1_400_000));
        lab.told(&mut alpha, round as usize + 2);
        beta.poll();
    }
    lab.settle(&mut [&mut alpha, &mut beta]);
    let report = lab.venue.report();
    assert_eq!(report.accounts[0].counters.accepted, 60);
    assert!(!alpha.closed && !beta.closed);
    assert!(report.accounts[1].counters.malformed > 0);
    let ports = report.counters.ports;
    assert!(ports.malformed >= 120, "{ports:?}");
    let market_data = report.counters.publisher;
    assert_eq!(market_data.retransmission.answered, 0);
    assert!(market_data.retransmission.malformed > 0);
}

/// Connects, sends, and goes; or sends less when the other side closes first.
fn throw(address: SocketAddrV4, bytes: &[u8]) {
    if let Ok(mut stream) = TcpStream::connect(address) {
        let _ = stream.set_nonblocking(true);
        let _ = stream.write(bytes);
    }
}

#[test]
fn a_login_in_pieces_is_a_login() {
    let mut lab = Lab::new(config());
    let mut client = lab.connect();
    let user = login("alpha", "secret");
    let request = LoginRequest::new(user.username, user.password, soup::ANY_SESSION, 1);
    let mut packet = [0; soup::LOGIN_REQUEST];
    ClientPacket::LoginRequest(&request).emit(&mut packet).unwrap();
    for byte in packet {
        client.send_bytes(&[byte]);
        lab.step();
    }
    lab.told(&mut client, 1);
}

#[test]
fn an_address_in_use_is_named() {
    let lab = Lab::new(config());
    let taken = lab.venue.addresses();
    let mut second = config();
    second.ouch = taken.ouch;
    let message = failure(second);
    assert!(message.contains(&taken.ouch.to_string()) && message.contains("ouch"), "{message}");
    let mut second = config();
    second.publisher.retransmission = taken.market_data.retransmission;
    let message = failure(second);
    let address = taken.market_data.retransmission.unwrap().to_string();
    assert!(message.contains(&address) && message.contains("retransmission"), "{message}");
    let mut second = config();
    second.accounts.push(second.accounts[0].clone());
    assert!(matches!(Venue::bind(second), Err(VenueError::Account(name)) if name == "alpha"));
    assert!(matches!(Venue::bind(VenueConfig::new(vec![])), Err(VenueError::Symbols(0))));
}

fn failure(config: VenueConfig) -> String {
    Venue::bind(config).unwrap_err().to_string()
}
