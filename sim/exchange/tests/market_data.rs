//! The feed: lossy lines, retransmission, snapshots.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddrV4, TcpStream};

use support::{Lab, Listener, config, order, symbol};
use tercel_exchange::flow::{FlowConfig, SymbolFlow};
use tercel_exchange::matching::CrossKind;
use tercel_exchange::publisher::{Snapshot, StateTracker};
use tercel_exchange::venue::{Control, Opening};
use tercel_exchange::{Faults, Publisher, PublisherConfig, VenueConfig};
use tercel_proto::glimpse;
use tercel_proto::itch::{self, Message};
use tercel_types::{Nanos, Price, SeqNo, Side};

fn with_flow(mut config: VenueConfig) -> VenueConfig {
    let prices: Vec<Price> = config.symbols.iter().map(|symbol| symbol.initial_price).collect();
    let symbols = prices.into_iter().enumerate();
    let symbols = symbols.map(|(i, price)| SymbolFlow::new(VenueConfig::instrument(i), price));
    config.flow = Some(FlowConfig { rate: 20_000.0, ..FlowConfig::new(3, symbols.collect()) });
    config
}

fn lossy(loss: f64) -> Faults {
    Faults {
        loss,
        duplicate: 0.05,
        reorder: 0.05,
        delay: Nanos::from_millis(1),
        jitter: Nanos::from_millis(1),
    }
}

/// Runs the venue and the listener, asking for what is missing all the while.
fn run(lab: &mut Lab, listener: &mut Listener, steps: usize) {
    for step in 0..steps {
        lab.step();
        listener.poll();
        if step % 10 == 0 {
            listener.ask();
        }
    }
}

/// Until the listener has all that was published. The flow goes on meanwhile, so the lines are
/// sound from here on.
fn catch_up(lab: &mut Lab, listener: &mut Listener) {
    if !lab.venue.is_ended() {
        lab.venue.control(Control::SetFaults([Faults::default(); 2]), lab.now).unwrap();
    }
    lab.until("all messages", |lab| {
        listener.poll();
        listener.ask();
        let next = lab.venue.publisher().next_seq().0;
        listener.next == next && listener.missing().is_none()
    });
}

fn assert_equal(lab: &Lab, listener: &Listener) {
    let publisher = lab.venue.publisher();
    assert_eq!(listener.messages.len() as u64, publisher.next_seq().0 - 1);
    for (&seq, message) in &listener.messages {
        assert_eq!(publisher.message(SeqNo(seq)), Some(&message[..]), "message {seq}");
    }
}

/// The tracker's displayed orders are those of the matching engine, in their order.
fn assert_books_agree(lab: &Lab, state: &StateTracker) {
    let matching = lab.venue.matching();
    let engine: Vec<_> = matching
        .instruments()
        .flat_map(|instrument| matching.displayed_orders(instrument))
        .map(|order| (order.order_ref.0, Some(order.side), order.open.0, order.price()))
        .collect();
    let tracked: Vec<_> = state
        .displayed()
        .map(|order| (order.order_ref, order.side, order.shares, order.price))
        .collect();
    assert_eq!(tracked, engine);
    assert_eq!(*state.counters(), Default::default());
}

#[test]
fn lossy_lines_are_made_whole() {
    let mut config = with_flow(config());
    config.publisher.lines[0].faults = lossy(0.2);
    config.publisher.lines[1].faults = lossy(0.2);
    let mut lab = Lab::new(config);
    let mut listener = Listener::join(&lab.venue.addresses().market_data);
    run(&mut lab, &mut listener, 1500);
    catch_up(&mut lab, &mut listener);
    assert_equal(&lab, &listener);
    let counters = lab.venue.report().counters;
    assert!(counters.flow > 500);
    // With a loss of a fifth on each line it is one packet in twenty-five.
    assert!(listener.recovered > 0, "both lines lost the same packet at least once");
    for line in counters.publisher.lines {
        assert!(line.lost > 0 && line.duplicated > 0 && line.reordered > 0, "{line:?}");
    }
    assert_ne!(counters.publisher.lines[0], counters.publisher.lines[1]);
    let mut state = StateTracker::default();
    listener.messages.values().for_each(|message| state.apply(message));
    assert_books_agree(&lab, &state);
    assert!(state.orders() > 50);
}

#[test]
fn retransmission_can_be_away_for_a_while() {
    let mut config = with_flow(config());
    config.publisher.lines[0].faults = lossy(0.3);
    config.publisher.lines[1].faults = lossy(0.3);
    let mut lab = Lab::new(config);
    let mut listener = Listener::join(&lab.venue.addresses().market_data);
    lab.venue.control(Control::StopRetransmission, lab.now).unwrap();
    run(&mut lab, &mut listener, 500);
    assert!(listener.missing().is_some());
    assert_eq!(lab.venue.report().counters.publisher.retransmission.answered, 0);
    lab.venue.control(Control::StartRetransmission, lab.now).unwrap();
    catch_up(&mut lab, &mut listener);
    assert_equal(&lab, &listener);
}

#[test]
fn a_snapshot_and_what_follows_are_the_whole() {
    let mut lab = Lab::new(with_flow(config()));
    let addresses = lab.venue.addresses().market_data;
    for _ in 0..500 {
        lab.step();
    }
    let mut listener = Listener::join(&addresses);
    let mut client = GlimpseClient::connect(addresses.glimpse.unwrap());
    lab.until("snapshot", |_| {
        client.poll();
        listener.poll();
        client.next.is_some()
    });
    let next = client.next.unwrap().0;
    assert!(next > 500);
    run(&mut lab, &mut listener, 500);
    catch_up(&mut lab, &mut listener);
    let mut state = client.state;
    listener.messages.range(next..).for_each(|(_, message)| state.apply(message));
    assert_books_agree(&lab, &state);
    assert_books_agree(&lab, lab.venue.publisher().state());
    // The market's state is there as well: its next snapshot is the one of a full listener.
    let (mut from_snapshot, mut from_start) = (vec![], vec![]);
    state.write(&mut |message| from_snapshot.push(message.to_vec()));
    lab.venue.publisher().state().write(&mut |message| from_start.push(message.to_vec()));
    assert_eq!(from_snapshot, from_start);
    assert_eq!(lab.venue.report().counters.publisher.glimpse.served, 1);
}

#[test]
fn the_day_is_told_in_order() {
    let mut config = config();
    config.opening = Opening::Cross { after: Nanos::from_millis(50) };
    let mut lab = Lab::new(config);
    let mut listener = Listener::join(&lab.venue.addresses().market_data);
    let mut alpha = lab.log_in("alpha", 1);
    let mut beta = lab.log_in("beta", 1);
    catch_up(&mut lab, &mut listener);
    // Start of messages, two directories, states, Reg SHO, two firms in each, breaker levels,
    // system hours.
    assert_eq!(listener.kinds(), "SRRHHYYLLLLVS");
    alpha.enter(order(1, b'B', 300, "AAPL", 1_500_200));
    lab.told(&mut alpha, 2);
    beta.enter(order(1, b'S', 100, "AAPL", 1_500_000));
    lab.told(&mut beta, 2);
    let mut hidden = order(2, b'B', 50, "AAPL", 1_500_200);
    hidden.display = b'N';
    alpha.enter(hidden);
    lab.told(&mut alpha, 3);
    lab.now.0 += Nanos::from_millis(100).0;
    lab.told(&mut beta, 3);
    catch_up(&mut lab, &mut listener);
    // Market hours; imbalance, fills of both displayed orders, the cross and the new state of each
    // symbol.
    assert_eq!(&listener.kinds()[13..], "AASICCQHIQH");
    let cross = listener.messages.values().find_map(|message| match itch::parse(message) {
        Ok(Message::CrossTrade(cross)) => Some((cross.shares.get(), cross.cross_type)),
        _ => None,
    });
    assert_eq!(cross, Some((100, b'O')));

    let heard = listener.messages.len();
    beta.enter(order(2, b'S', 220, "AAPL", 1_500_200));
    lab.told(&mut beta, 6);
    catch_up(&mut lab, &mut listener);
    // 200 against the displayed order, 20 against the hidden one.
    assert_eq!(&listener.kinds()[heard..], "EP");

    let heard = listener.messages.len();
    let mut attributed = order(3, b'B', 70, "AAPL", 1_400_000);
    attributed.display = b'A';
    alpha.enter(attributed);
    lab.told(&mut alpha, 7);
    alpha.replace(3, 4, 80, 1_400_100);
    lab.told(&mut alpha, 8);
    alpha.cancel(4, 30);
    lab.told(&mut alpha, 9);
    alpha.cancel(4, 0);
    lab.told(&mut alpha, 10);
    catch_up(&mut lab, &mut listener);
    // The replacement is not attributed, so it is another order.
    assert_eq!(&listener.kinds()[heard..], "FDAXD");
    halt_and_end(lab, listener);
}

fn halt_and_end(mut lab: Lab, mut listener: Listener) {
    let heard = listener.messages.len();
    let aapl = symbol("AAPL");
    lab.venue.control(Control::Halt(aapl), lab.now).unwrap();
    lab.venue.control(Control::Resume(aapl), lab.now).unwrap();
    let closing = Control::Cross { symbol: aapl, kind: CrossKind::Closing };
    lab.venue.control(closing, lab.now).unwrap();
    assert!(lab.venue.control(closing, lab.now).is_err());
    assert!(lab.venue.control(Control::Halt(symbol("XYZ")), lab.now).is_err());
    catch_up(&mut lab, &mut listener);
    let kinds = listener.kinds();
    assert_eq!(&kinds[heard..], "HIHIQI");
    lab.venue.control(Control::EndSession, lab.now).unwrap();
    catch_up(&mut lab, &mut listener);
    assert_eq!(&listener.kinds()[kinds.len()..], "SSS");
    lab.until("end of session", |_| {
        listener.poll();
        listener.ended
    });
    let times: Vec<_> = listener
        .messages
        .values()
        .map(|message| itch::parse(message).unwrap().header().time())
        .collect();
    assert!(times.is_sorted());
    // 22:13:20 and a little.
    assert_eq!(times[0].0 / 1_000_000_000, 80_000);
}

#[test]
fn a_publisher_stands_alone() {
    let mut publisher = Publisher::bind(PublisherConfig::default()).unwrap();
    let addresses = publisher.addresses();
    let mut listener = Listener::join(&addresses);
    let mut now = Nanos(1);
    let add = itch::AddOrder {
        header: itch::Header::new(b'A', tercel_types::InstrumentId(1), 0, now),
        order_ref: 5.into(),
        side: Side::Buy as u8,
        shares: 10.into(),
        stock: *b"AAPL    ",
        price: 100.into(),
    };
    let bytes = zerocopy::IntoBytes::as_bytes(&add);
    assert_eq!(publisher.publish(bytes, now), Ok(SeqNo(1)));
    assert!(publisher.publish(&[], now).is_err());
    assert!(publisher.publish(&[b'A'; 2000], now).is_err());
    // One packet holds some thirty of them, and only full ones go out by themselves.
    for _ in 1..100 {
        publisher.publish(&[b'Z'; 36], now).unwrap();
    }
    listener.poll();
    assert_eq!((listener.next, publisher.counters().packets), (73, 2));
    publisher.flush(now);
    listener.poll();
    assert_eq!((listener.next, publisher.counters().packets), (101, 3));
    assert_eq!(publisher.state().orders(), 1);
    publisher.step(now);
    now.0 += Nanos::from_secs(1).0;
    publisher.step(now);
    listener.poll();
    assert!(listener.heartbeats == 2 && !listener.ended);
    publisher.end_of_session(now);
    listener.poll();
    assert!(listener.ended && publisher.publish(bytes, now).is_err());
    // The record outlives the session.
    listener.messages.clear();
    for _ in 0..1000 {
        listener.ask();
        publisher.step(now);
        listener.poll();
        if listener.missing().is_none() {
            return;
        }
    }
    panic!("not recovered: {:?}", listener.missing());
}

struct GlimpseClient {
    stream: TcpStream,
    client: glimpse::Client,
    received: Vec<u8>,
    state: StateTracker,
    next: Option<SeqNo>,
}

impl GlimpseClient {
    fn connect(address: SocketAddrV4) -> GlimpseClient {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut client = glimpse::Client::new(*b"anyone", *b"          ");
        let mut buf = [0; 100];
        let len = client.transmit(&mut buf);
        stream.write_all(&buf[..len]).unwrap();
        stream.set_nonblocking(true).unwrap();
        let state = StateTracker::default();
        GlimpseClient { stream, client, received: vec![], state, next: None }
    }

    fn poll(&mut self) {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Ok(len) => self.received.extend_from_slice(&chunk[..len]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        let (state, next) = (&mut self.state, &mut self.next);
        let consumed = self.client.on_bytes(&self.received, |event| match event {
            glimpse::Event::Message(message) => state.apply(message),
            glimpse::Event::End(seq) => *next = Some(seq),
        });
        self.received.drain(..consumed.unwrap());
    }
}
