//! The stream port against std's own TCP on the loopback interface.

use std::io::{Read, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::time::{Duration, Instant};
use tercel_net::NetError;
use tercel_net::tcp::{Connecting, RECEIVE_MAX, SEND_MAX, TcpPort};
use tercel_types::{PortError, StreamPort};

const PATIENCE: Duration = Duration::from_secs(5);

fn listener() -> (TcpListener, SocketAddrV4) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let SocketAddr::V4(address) = listener.local_addr().unwrap() else { unreachable!() };
    (listener, address)
}

fn pair() -> (TcpPort, TcpStream) {
    let (listener, address) = listener();
    let port = TcpPort::connect(address, PATIENCE).unwrap();
    (port, listener.accept().unwrap().0)
}

fn send(port: &mut TcpPort, bytes: &[u8]) {
    port.reserve(bytes.len()).unwrap().copy_from_slice(bytes);
    port.commit(bytes.len()).unwrap();
}

/// Polls, consuming everything, until `done` or an error.
fn poll_until(
    port: &mut TcpPort,
    got: &mut Vec<u8>,
    done: impl Fn(&[u8]) -> bool,
) -> Result<(), PortError> {
    let end = Instant::now() + PATIENCE;
    while !done(got) {
        assert!(Instant::now() < end, "nothing came");
        port.poll(|bytes| {
            got.extend_from_slice(bytes);
            bytes.len()
        })?;
    }
    Ok(())
}

#[test]
fn bytes_go_both_ways() {
    let (mut port, mut peer) = pair();
    assert_eq!(port.poll(|_| panic!("nothing was sent")), Ok(0));
    send(&mut port, b"hello");
    // Less than was reserved; the rest is not sent.
    port.reserve(10).unwrap()[..3].copy_from_slice(b"you");
    port.commit(3).unwrap();
    let mut got = [0; 8];
    peer.read_exact(&mut got).unwrap();
    assert_eq!(got, *b"helloyou");
    peer.write_all(b"answer").unwrap();
    let mut got = Vec::new();
    poll_until(&mut port, &mut got, |got| got.len() == 6).unwrap();
    assert_eq!(got, *b"answer");
}

#[test]
fn what_is_not_consumed_comes_again_with_what_follows() {
    let (mut port, mut peer) = pair();
    peer.write_all(b"abc").unwrap();
    let mut seen = Vec::new();
    let end = Instant::now() + PATIENCE;
    while seen.len() < 3 && Instant::now() < end {
        let consumed = port.poll(|bytes| {
            seen = bytes.to_vec();
            0
        });
        assert_eq!(consumed, Ok(0));
    }
    peer.write_all(b"def").unwrap();
    while seen.len() < 6 && Instant::now() < end {
        port.poll(|bytes| {
            seen = bytes.to_vec();
            if bytes.len() == 6 { 2 } else { 0 }
        })
        .unwrap();
    }
    assert_eq!(seen, b"abcdef");
    // A reader that claims more than it was given is held to what it was given.
    assert_eq!(port.poll(|bytes| bytes.len() + 9), Ok(4));
}

#[test]
fn what_the_kernel_does_not_take_is_kept_in_order() {
    let (mut port, mut peer) = pair();
    let mut sent = Vec::new();
    // Fills the kernel's buffers and then the port's.
    for round in 0.. {
        let block = [round as u8; 1_009];
        let Some(space) = port.reserve(block.len()) else { break };
        space.copy_from_slice(&block);
        port.commit(block.len()).unwrap();
        sent.extend_from_slice(&block);
    }
    assert!(port.pending() > SEND_MAX - 1_009);
    let mut got = vec![0; sent.len()];
    let reading = std::thread::spawn(move || {
        peer.read_exact(&mut got).unwrap();
        // The peer lives on: closed here, the last poll could tell of that already.
        (got, peer)
    });
    while port.pending() > 0 {
        assert_eq!(port.poll(|_| 0), Ok(0));
    }
    let (got, _peer) = reading.join().unwrap();
    assert!(got == sent);
    assert!(port.reserve(SEND_MAX).is_some());
    assert!(port.reserve(SEND_MAX + 1).is_none() && port.reserve(usize::MAX).is_none());
}

#[test]
fn a_closed_peer_is_told_after_its_last_bytes() {
    let (mut port, mut peer) = pair();
    peer.write_all(b"last words").unwrap();
    drop(peer);
    let mut got = Vec::new();
    assert_eq!(poll_until(&mut port, &mut got, |_| false), Err(PortError::Closed));
    assert_eq!(got, b"last words");
    assert_eq!(port.poll(|_| panic!("nothing is left")), Err(PortError::Closed));
    // The first write after a close may pass; the reset that answers it is then told.
    let end = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < end);
        port.reserve(1).unwrap()[0] = 0;
        if port.commit(1) == Err(PortError::Closed) {
            break;
        }
    }
}

#[test]
fn a_message_that_never_fits_is_an_error_and_not_a_silence() {
    let (mut port, mut peer) = pair();
    let writing = std::thread::spawn(move || {
        // The port stops reading in between, so this may fail in the end; it must not here.
        peer.write_all(&vec![7; RECEIVE_MAX]).unwrap();
        peer
    });
    let end = Instant::now() + PATIENCE;
    while port.poll(|_| 0) != Err(PortError::TooLong) {
        assert!(Instant::now() < end);
    }
    assert_eq!(port.poll(<[u8]>::len), Ok(RECEIVE_MAX));
    writing.join().unwrap();
}

#[test]
fn commit_without_reserve_is_refused() {
    let (mut port, _peer) = pair();
    assert_eq!(port.commit(1), Err(PortError::TooLong));
    port.reserve(4).unwrap();
    assert_eq!(port.commit(5), Err(PortError::TooLong));
    assert_eq!(port.commit(0), Ok(()));
}

#[test]
fn connecting_says_why_not() {
    let (listener, address) = listener();
    drop(listener);
    let error = TcpPort::connect(address, PATIENCE).unwrap_err();
    assert!(matches!(error, NetError::Refused(refused) if refused == address));
    assert!(error.to_string().contains("nothing listens at 127.0.0.1"));
    let zero = TcpPort::connect(address, Duration::ZERO).unwrap_err();
    assert!(matches!(zero, NetError::TimedOut { .. }));
}

#[test]
fn a_connection_is_made_beside_the_loop() {
    let (listener, address) = listener();
    let connecting = Connecting::start(address, PATIENCE).unwrap();
    let mut peer = listener.accept().unwrap().0;
    let end = Instant::now() + PATIENCE;
    let mut port = loop {
        assert!(Instant::now() < end);
        if let Some(answer) = connecting.poll() {
            break answer.unwrap();
        }
    };
    assert!(connecting.poll().is_none());
    send(&mut port, b"x");
    peer.read_exact(&mut [0]).unwrap();
    drop((listener, peer, port));
    let refused = Connecting::start(address, PATIENCE).unwrap();
    let answer = loop {
        assert!(Instant::now() < end);
        if let Some(answer) = refused.poll() {
            break answer;
        }
    };
    assert!(answer.is_err());
}
