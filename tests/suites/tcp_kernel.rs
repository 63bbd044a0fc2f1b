//! Our TCP against the kernel's: over a good cable and a bad one, and through every way to end.

mod bad_wire;

use bad_wire::{Faults, Network, PATIENCE, Stack, until};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tercel_tcp::{Reason, State, TcpConfig};
use tercel_types::{Nanos, PortError, StreamPort};

const BAD: Faults = Faults { loss: 0.05, duplicate: 0.02, late: 0.1, seed: 0 };

/// Takes one connection and sends everything back until the other side closes.
fn echo(listener: std::net::TcpListener) -> JoinHandle<u64> {
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        let (mut total, mut space) = (0, vec![0; 1 << 16]);
        loop {
            let got = stream.read(&mut space).unwrap();
            if got == 0 {
                return total;
            }
            stream.write_all(&space[..got]).unwrap();
            total += got as u64;
        }
    })
}

fn pattern(at: usize) -> u8 {
    (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0]
}

/// Sends `total` bytes in messages of up to `most`, no more than `ahead` before their echo has come
/// back, and compares; `at` is called with the bytes that have come back.
fn exchange(
    stack: &mut Stack,
    (total, most, ahead): (usize, usize, usize),
    mut at: impl FnMut(&mut Stack, usize),
) {
    let (mut sent, mut got) = (0, 0);
    let mut last = Instant::now();
    while got < total {
        let before = got;
        stack
            .poll(|bytes| {
                for byte in bytes {
                    assert_eq!(*byte, pattern(got), "byte {got}");
                    got += 1;
                }
                bytes.len()
            })
            .unwrap();
        if got > before {
            last = Instant::now();
        } else {
            std::thread::yield_now();
        }
        let len = (1 + sent * 7 % most).min(total - sent);
        if len > 0
            && sent + len <= got + ahead
            && let Some(space) = stack.reserve(most)
        {
            for (i, byte) in space[..len].iter_mut().enumerate() {
                *byte = pattern(sent + i);
            }
            stack.commit(len).unwrap();
            sent += len;
        }
        at(stack, got);
        assert!(last.elapsed() < PATIENCE, "{got} of {sent} bytes came back");
    }
}

#[test]
fn megabytes_both_ways() {
    let Some(network) = Network::lay() else { return };
    for (total, most, ahead) in [(8 << 20, 1_460, 100_000), (4 << 20, 60_000, 200_000)] {
        let listener = network.listen();
        let mut stack = network.stack(listener.local_addr().unwrap().port(), Faults::default());
        let server = echo(listener);
        stack.dial();
        until(&mut stack, State::Open);
        exchange(&mut stack, (total, most, ahead), |_, _| {});
        stack.hang_up();
        while !server.is_finished() {
            stack.step();
        }
        assert_eq!(server.join().unwrap(), total as u64);
        let report = stack.report();
        println!("{total} bytes: {report:?}");
        assert_eq!((report.mismatches, report.malformed), (0, 0));
        assert!(most > 1_460 || report.fast > 1_000, "{report:?}");
    }
}

#[test]
fn orders_over_a_bad_wire_with_an_outage_of_ten_seconds() {
    let Some(network) = Network::lay() else { return };
    let threads: Vec<_> = (0..3)
        .map(|seed| {
            let listener = network.listen();
            let port = listener.local_addr().unwrap().port();
            (network.stack(port, Faults { seed, ..BAD }), echo(listener))
        })
        .collect();
    // One after the other on one address: each has its own seed and its own connection.
    for (seed, (mut stack, server)) in threads.into_iter().enumerate() {
        let start = Instant::now();
        stack.dial();
        until(&mut stack, State::Open);
        let mut cut = seed != 0;
        exchange(&mut stack, (60_000, 100, 2_000), |stack, got| {
            if got > 20_000 && !cut {
                cut = true;
                stack.port_mut().cut_off(Nanos::from_secs(10));
            }
        });
        stack.hang_up();
        while !server.is_finished() {
            stack.step();
            assert!(start.elapsed() < PATIENCE);
        }
        assert_eq!(server.join().unwrap(), 60_000);
        let (report, suffered) = (stack.report(), stack.port().suffered());
        println!("seed {seed}, {:.1?}: {report:?} {suffered:?}", start.elapsed());
        assert_eq!((report.mismatches, report.dials), (0, 1));
        assert!(report.retransmits > 0 && report.fast > 100);
        assert!(seed != 0 || start.elapsed() > Duration::from_secs(10));
        assert!(suffered.iter().all(|way| way.lost > 0 && way.late > 0));
    }
}

/// A stack with an open connection, and the venue's end of it.
fn open(network: &Network, change: impl Fn(TcpConfig) -> TcpConfig) -> (Stack, TcpStream) {
    let listener = network.listen();
    let port = listener.local_addr().unwrap().port();
    let mut stack = network.stack_with(port, Faults::default(), change);
    stack.dial();
    until(&mut stack, State::Open);
    (stack, listener.accept().unwrap().0)
}

fn send(stack: &mut Stack, bytes: &[u8]) {
    stack.reserve(bytes.len()).unwrap().copy_from_slice(bytes);
    stack.commit(bytes.len()).unwrap();
}

/// All that comes until the stream says it is closed.
fn read_to_end(stack: &mut Stack) -> Vec<u8> {
    let (mut all, start) = (Vec::new(), Instant::now());
    loop {
        let polled = stack.poll(|bytes| {
            all.extend_from_slice(bytes);
            bytes.len()
        });
        match polled {
            Ok(_) => assert!(start.elapsed() < PATIENCE),
            Err(PortError::Closed) => return all,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Lets frames pass for a while.
fn pass(stack: &mut Stack, span: Duration) {
    let start = Instant::now();
    while start.elapsed() < span {
        stack.step();
        std::thread::yield_now();
    }
}

#[test]
fn the_kernel_closes_one_half_and_then_we_do() {
    let Some(network) = Network::lay() else { return };
    let (mut stack, mut stream) = open(&network, |config| config);
    stream.write_all(b"the end").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_to_end(&mut stack), b"the end");
    assert_eq!(stack.state(), State::Open);
    send(&mut stack, b"not quite");
    stack.hang_up();
    pass(&mut stack, Duration::from_millis(50));
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    assert_eq!(got, b"not quite");
    assert_eq!(stack.report().resets, 0);
}

#[test]
fn we_hang_up_first_and_the_kernel_gets_all() {
    let Some(network) = Network::lay() else { return };
    let (mut stack, mut stream) = open(&network, |config| config);
    send(&mut stack, b"the last order");
    stack.hang_up();
    pass(&mut stack, Duration::from_millis(50));
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    assert_eq!(got, b"the last order");
    // The kernel's last words find nobody and are taken in silence.
    stream.write_all(b"bye").unwrap();
    drop(stream);
    pass(&mut stack, Duration::from_millis(50));
    assert_eq!(stack.state(), State::Closed(Reason::HungUp));
}

#[test]
fn the_kernel_resets_and_refuses() {
    let Some(network) = Network::lay() else { return };
    let (mut stack, stream) = open(&network, |config| config);
    send(&mut stack, b"unread");
    pass(&mut stack, Duration::from_millis(50));
    // Closed with bytes unread, the kernel resets (RFC 9293 §3.6.1). The listener is gone too.
    drop(stream);
    until(&mut stack, State::Closed(Reason::Reset));
    assert_eq!(stack.poll(|bytes| bytes.len()), Err(PortError::Closed));
    stack.dial();
    until(&mut stack, State::Closed(Reason::Refused));
    assert_eq!(stack.report().resets, 2);
}

#[test]
fn the_same_peer_is_dialled_again_at_once() {
    let Some(network) = Network::lay() else { return };
    let listener = network.listen();
    let mut stack = network.stack(listener.local_addr().unwrap().port(), Faults::default());
    let server = std::thread::spawn(move || {
        for round in 0..50u8 {
            let mut got = Vec::new();
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_to_end(&mut got).unwrap();
            assert_eq!(got, [round; 90]);
        }
    });
    for round in 0..50u8 {
        stack.dial();
        until(&mut stack, State::Open);
        send(&mut stack, &[round; 90]);
        // The next dial follows with nothing between.
        stack.hang_up();
    }
    let start = Instant::now();
    while !server.is_finished() {
        stack.step();
        assert!(start.elapsed() < PATIENCE);
    }
    server.join().unwrap();
    let report = stack.report();
    assert_eq!((report.connected, report.mismatches, report.resets), (50, 0, 0));
}

#[test]
fn keep_alives_are_answered_and_are_not_data() {
    let Some(network) = Network::lay() else { return };
    let often = |config| TcpConfig { keep_alive: Some(Nanos(100_000_000)), ..config };
    let (mut stack, mut stream) = open(&network, often);
    pass(&mut stack, Duration::from_secs(2));
    let report = stack.report();
    assert!(report.probes > 10 && report.frames >= report.probes, "{report:?}");
    send(&mut stack, b"data");
    let mut got = [0; 4];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"data");
    assert_eq!((stack.report().fast, stack.report().mismatches), (1, 0));
}

#[test]
fn a_kernel_that_does_not_read_closes_its_window() {
    let Some(network) = Network::lay() else { return };
    let (mut stack, mut stream) = open(&network, |config| config);
    let (mut sent, start) = (0usize, Instant::now());
    while start.elapsed() < Duration::from_secs(2) {
        stack.step();
        if let Some(space) = stack.reserve(1_000) {
            space.iter_mut().enumerate().for_each(|(i, byte)| *byte = pattern(sent + i));
            stack.commit(1_000).unwrap();
            sent += 1_000;
        }
    }
    let reader = std::thread::spawn(move || {
        let mut got = Vec::new();
        stream.read_to_end(&mut got).unwrap();
        got
    });
    stack.hang_up();
    while !reader.is_finished() {
        stack.step();
        assert!(start.elapsed() < PATIENCE);
    }
    let got = reader.join().unwrap();
    assert_eq!(got.len(), sent);
    assert!(got.iter().enumerate().all(|(at, byte)| *byte == pattern(at)));
    assert_eq!(stack.report().mismatches, 0, "{:?}", stack.report());
}
