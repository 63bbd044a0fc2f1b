//! UDP sources and ports over the loopback interface.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};
use tercel_net::udp::{FRAME_MAX, UdpConfig, UdpPort, UdpSource};
use tercel_net::{NetError, headers};
use tercel_types::{FrameSink, FrameSource, PortError};

const LOCAL: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn any_port(ip: Ipv4Addr) -> SocketAddrV4 {
    SocketAddrV4::new(ip, 0)
}

/// A port number that nothing else on this machine has now.
fn free_port() -> u16 {
    UdpPort::bind(any_port(LOCAL), None).unwrap().local().port()
}

fn open(groups: &[SocketAddrV4]) -> UdpSource {
    let config = UdpConfig { groups: groups.to_vec(), interface: LOCAL, receive_buffer: 1 << 20 };
    UdpSource::open(&config).unwrap()
}

fn send(sink: &mut impl FrameSink, src: SocketAddrV4, dst: SocketAddrV4, payload: &[u8]) {
    try_send(sink, src, dst, payload).unwrap();
}

fn try_send(
    sink: &mut impl FrameSink,
    src: SocketAddrV4,
    dst: SocketAddrV4,
    payload: &[u8],
) -> Result<(), PortError> {
    let space = sink.reserve(headers::LEN + payload.len()).unwrap();
    space[..headers::LEN].copy_from_slice(&headers::build(src, dst, payload.len()));
    space[headers::LEN..].copy_from_slice(payload);
    sink.commit()
}

/// Polls until `count` frames are there, for some seconds at most.
fn receive(source: &mut impl FrameSource, count: usize) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let end = Instant::now() + Duration::from_secs(5);
    while frames.len() < count && Instant::now() < end {
        source.poll(count - frames.len(), |frame| frames.push(frame.bytes.to_vec())).unwrap();
    }
    assert_eq!(frames.len(), count);
    frames
}

#[test]
fn a_source_hears_its_groups_only_and_says_which() {
    let port = free_port();
    let groups = [Ipv4Addr::new(239, 255, 71, 1), Ipv4Addr::new(239, 255, 71, 2)]
        .map(|ip| SocketAddrV4::new(ip, port));
    let mut both = open(&groups);
    let mut second = open(&groups[1..]);
    assert_eq!(both.addresses().collect::<Vec<_>>(), groups);
    let mut sender = UdpPort::bind(any_port(LOCAL), None).unwrap();
    sender.set_multicast(LOCAL, 0).unwrap();
    let from = sender.local();
    send(&mut sender, from, groups[0], b"to the first");
    send(&mut sender, from, groups[1], b"to the second");
    let mut frames = receive(&mut both, 2);
    frames.sort_by_key(|frame| frame[33]);
    for (frame, (group, text)) in
        frames.iter().zip([(groups[0], &b"to the first"[..]), (groups[1], b"to the second")])
    {
        assert_eq!(frame[..headers::LEN], headers::build(from, group, text.len()));
        assert_eq!(frame[headers::LEN..], *text);
    }
    assert_eq!(receive(&mut second, 1)[0][headers::LEN..], *b"to the second");
    assert_eq!(second.poll(9, |_| panic!("nothing else was sent")), Ok(0));
    assert_eq!(both.report().frames, 2);
}

#[test]
fn arrivals_are_stamped_with_the_system_time() {
    let mut port = UdpPort::bind(any_port(LOCAL), None).unwrap();
    let local = port.local();
    let before = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    send(&mut port, local, local, b"x");
    let mut stamp = 0;
    while stamp == 0 {
        port.poll(1, |frame| stamp = frame.received.0).unwrap();
    }
    let after = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    assert!(before <= stamp && stamp <= after, "{before} {stamp} {after}");
    assert!(port.report().stamped && port.report().receive_buffer > 0);
}

#[test]
fn drops_of_the_kernel_are_counted() {
    let local = SocketAddrV4::new(LOCAL, free_port());
    let config = UdpConfig { groups: vec![local], interface: LOCAL, receive_buffer: 4_096 };
    let mut source = UdpSource::open(&config).unwrap();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..200 {
        sender.send_to(&[7; 1_000], local).unwrap();
    }
    let mut heard = 0;
    while source.poll(64, |_| heard += 1).unwrap() > 0 {}
    assert!(heard < 200);
    // The count comes with the next datagram.
    sender.send_to(b"after", local).unwrap();
    receive(&mut source, 1);
    assert_eq!(source.report().dropped, 200 - heard);
}

#[test]
fn datagrams_that_do_not_fit_are_counted_not_cut() {
    let mut port = UdpPort::bind(any_port(LOCAL), None).unwrap();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let largest = FRAME_MAX - headers::LEN;
    for len in [largest + 1, 60_000, largest, 0] {
        sender.send_to(&vec![1; len], port.local()).unwrap();
    }
    let frames = receive(&mut port, 2);
    assert_eq!((frames[0].len(), frames[1].len()), (FRAME_MAX, headers::LEN));
    assert_eq!(port.report().oversized, 2);
}

#[test]
fn a_port_with_a_peer_hears_only_it_and_outlives_its_absence() {
    let peer = SocketAddrV4::new(LOCAL, free_port());
    let mut port = UdpPort::bind(any_port(LOCAL), Some(peer)).unwrap();
    let local = port.local();
    // Nobody is there: the ICMP answers come back as errors of later calls, and are passed over.
    for _ in 0..4 {
        send(&mut port, local, peer, b"request");
        assert_eq!(port.poll(1, |_| ()), Ok(0));
    }
    let elsewhere = SocketAddrV4::new(LOCAL, 9);
    assert!(matches!(try_send(&mut port, local, elsewhere, b"x"), Err(PortError::System(_))));
    let mut server = UdpPort::bind(peer, None).unwrap();
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.send_to(b"noise", local).unwrap();
    send(&mut port, local, peer, b"request");
    assert_eq!(receive(&mut server, 1)[0], frame(local, peer, b"request"));
    send(&mut server, peer, local, b"answer");
    assert_eq!(receive(&mut port, 1)[0], frame(peer, local, b"answer"));
    assert_eq!(port.poll(9, |_| panic!("the stranger was heard")), Ok(0));
}

#[test]
fn an_unspecified_local_address_is_filled_in() {
    let mut port = UdpPort::bind(any_port(Ipv4Addr::UNSPECIFIED), None).unwrap();
    let to = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 9), port.local().port());
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    sender.send_to(b"x", to).unwrap();
    let std::net::SocketAddr::V4(from) = sender.local_addr().unwrap() else { unreachable!() };
    assert_eq!(receive(&mut port, 1)[0], frame(from, to, b"x"));
}

#[test]
fn a_sink_refuses_what_is_no_datagram() {
    let mut port = UdpPort::bind(any_port(LOCAL), None).unwrap();
    let local = port.local();
    assert!(matches!(port.commit(), Err(PortError::System(_))));
    assert!(port.reserve(FRAME_MAX + 1).is_none() && port.reserve(usize::MAX).is_none());
    for len in [0, 10, headers::LEN] {
        port.reserve(len).unwrap().fill(0);
        assert!(matches!(port.commit(), Err(PortError::System(_))));
    }
    send(&mut port, local, local, b"still works");
    assert_eq!(receive(&mut port, 1)[0], frame(local, local, b"still works"));
    assert!(matches!(port.commit(), Err(PortError::System(_))));
}

#[test]
fn errors_say_what_to_do() {
    let taken = UdpPort::bind(any_port(LOCAL), None).unwrap().local();
    let holder = UdpPort::bind(taken, None).unwrap();
    let error = UdpPort::bind(holder.local(), None).err().unwrap();
    assert!(matches!(error, NetError::AddressInUse(address) if address == taken));
    let stranger = Ipv4Addr::new(203, 0, 113, 7);
    let error = UdpPort::bind(any_port(stranger), None).err().unwrap();
    assert!(matches!(error, NetError::NotLocal(ip) if ip == stranger));
    let group = SocketAddrV4::new(Ipv4Addr::new(239, 255, 71, 3), free_port());
    let config = |groups| UdpConfig { groups, interface: stranger, receive_buffer: 1 };
    let error = UdpSource::open(&config(vec![group])).err().unwrap();
    assert!(matches!(error, NetError::NoSuchInterface { .. }), "{error}");
    assert!(!error.to_string().contains('\n'));
    assert!(matches!(UdpSource::open(&config(vec![])), Err(NetError::NoGroups)));
}

fn frame(src: SocketAddrV4, dst: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let mut frame = headers::build(src, dst, payload.len()).to_vec();
    frame.extend_from_slice(payload);
    frame
}
