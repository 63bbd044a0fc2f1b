//! What every driver of frames must do, as a function any driver's test calls.
//!
//! A driver is tested as a [`Pair`]: a sink and the source that what it sends arrives at. Frames
//! are built and read back by `tercel-proto`, so that a driver cannot agree with itself only. A
//! file is a pair too: everything is sent first, then the source is opened.

use std::net::SocketAddrV4;
use std::time::{Duration, Instant};
use tercel_proto::frame::{self, Udp};
use tercel_types::{FrameSink, FrameSource, Nanos, PortError};

/// How long a frame may be under way.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long nothing must come before it counts as nothing.
const SILENCE: Duration = Duration::from_millis(20);

/// A sink and the source that its frames arrive at.
pub trait Pair {
    /// Where frames arrive.
    type Source: FrameSource;
    /// Where frames are sent.
    type Sink: FrameSink;

    /// The source ends, and was complete before its first poll: a file, not a wire.
    const ENDS: bool;

    /// The address that frames of the sink come from.
    fn from(&self) -> SocketAddrV4;

    /// The address that the source receives at.
    fn to(&self) -> SocketAddrV4;

    /// Longest frame that both ends carry.
    fn frame_max(&self) -> usize;

    /// Frames of a kilobyte that may wait unread without loss.
    fn capacity(&self) -> usize;

    /// The sink; not asked for any more once the source was.
    fn sink(&mut self) -> &mut Self::Sink;

    /// The source.
    fn source(&mut self) -> &mut Self::Source;
}

/// A frame as it arrived.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arrived {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its time.
    pub received: Nanos,
}

/// Checks all of it, on a fresh pair each.
///
/// # Panics
/// With the first rule that is broken.
pub fn check<P: Pair>(make: impl Fn() -> P) {
    frames_arrive_whole_and_in_order(&mut make());
    nothing_is_lost_below_capacity(&mut make());
    batches_are_kept_to(&mut make());
    a_source_without_frames_says_so(&mut make());
    a_reserved_space_stays_the_same_until_committed(&mut make());
    a_frame_too_long_is_refused(&mut make());
    a_commit_without_a_frame_is_refused(&mut make());
}

/// Every length from none to the longest, and the bytes that went in.
pub fn frames_arrive_whole_and_in_order<P: Pair>(pair: &mut P) {
    let payload_max = pair.frame_max() - frame::UDP_HEADERS;
    let lengths = [0, 1, 2, 17, 18, 19, 100, 1_400, payload_max / 2, payload_max - 1, payload_max];
    let payloads: Vec<_> = lengths.iter().map(|&len| payload(len as u64, len)).collect();
    for payload in &payloads {
        send(pair, payload);
    }
    expect(pair, &payloads);
}

/// As many frames as the pair says it holds.
pub fn nothing_is_lost_below_capacity<P: Pair>(pair: &mut P) {
    let payloads: Vec<_> = (0..pair.capacity() as u64).map(|n| payload(n, 900)).collect();
    for payload in &payloads {
        send(pair, payload);
    }
    expect(pair, &payloads);
}

/// A poll hands out at most what was asked for, counts right, and leaves the rest for the next.
pub fn batches_are_kept_to<P: Pair>(pair: &mut P) {
    let payloads: Vec<_> = (0..40).map(|n| payload(n, 8 + n as usize)).collect();
    for payload in &payloads {
        send(pair, payload);
    }
    let mut arrived = Vec::new();
    for max in [0, 1, 0, 2, 3, 5, 1, 28] {
        let end = Instant::now() + PATIENCE;
        let wanted = arrived.len() + max;
        loop {
            let some = poll(pair.source(), wanted - arrived.len()).expect("an open source");
            arrived.extend(some);
            if arrived.len() == wanted {
                break;
            }
            assert!(Instant::now() < end, "{} of {wanted} frames came", arrived.len());
        }
    }
    verify(pair, &payloads, &arrived);
    nothing_more(pair);
}

/// A wire without frames gives none and stays open; a file without frames is at its end.
pub fn a_source_without_frames_says_so<P: Pair>(pair: &mut P) {
    nothing_more(pair);
}

/// Reserving again gives the same space, and what is reserved alone is not sent.
pub fn a_reserved_space_stays_the_same_until_committed<P: Pair>(pair: &mut P) {
    let payload = payload(1, 50);
    let built = build(pair, &payload);
    let space = pair.sink().reserve(built.len()).expect("space for a small frame");
    assert_eq!(space.len(), built.len(), "the space has the length asked for");
    let first = space.as_ptr();
    space.copy_from_slice(&built);
    let again = pair.sink().reserve(built.len()).expect("the same space");
    assert_eq!((again.as_ptr(), again.len()), (first, built.len()), "another space");
    assert_eq!(*again, built[..], "the space was changed in between");
    pair.sink().commit().expect("a good frame");
    expect(pair, std::slice::from_ref(&payload));
}

/// No space, or a refusal, and the next frame passes.
pub fn a_frame_too_long_is_refused<P: Pair>(pair: &mut P) {
    for len in [1 << 17, 1 << 24, usize::MAX] {
        if pair.sink().reserve(len).is_some() {
            assert_eq!(pair.sink().commit(), Err(PortError::TooLong), "a frame of {len} bytes");
        }
    }
    let payload = payload(3, 30);
    send(pair, &payload);
    expect(pair, &[payload]);
}

/// A frame is sent once, by one commit.
pub fn a_commit_without_a_frame_is_refused<P: Pair>(pair: &mut P) {
    assert!(pair.sink().commit().is_err(), "nothing was reserved");
    let payload = payload(4, 40);
    send(pair, &payload);
    assert!(pair.sink().commit().is_err(), "the frame had been sent already");
    expect(pair, &[payload]);
}

/// Bytes that differ from frame to frame and within a frame.
fn payload(number: u64, len: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..len).map(|i| (i as u64 * 31 + number * 7) as u8).collect();
    if let Some(start) = bytes.first_chunk_mut() {
        *start = number.to_be_bytes();
    }
    bytes
}

fn build<P: Pair>(pair: &P, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; frame::UDP_HEADERS + payload.len()];
    bytes[frame::UDP_HEADERS..].copy_from_slice(payload);
    let len = frame::emit_udp(&mut bytes, pair.from(), pair.to(), payload.len());
    assert_eq!(len, Some(bytes.len()), "the pair's longest frame is no IPv4 datagram");
    bytes
}

fn send<P: Pair>(pair: &mut P, payload: &[u8]) {
    let bytes = build(pair, payload);
    let space = pair.sink().reserve(bytes.len()).expect("space for a frame");
    space.copy_from_slice(&bytes);
    pair.sink().commit().expect("a good frame");
}

fn poll(source: &mut impl FrameSource, max: usize) -> Result<Vec<Arrived>, PortError> {
    let mut arrived = Vec::new();
    let result = source.poll(max, |frame| {
        arrived.push(Arrived { bytes: frame.bytes.to_vec(), received: frame.received });
    });
    match result {
        Ok(count) => {
            assert_eq!(count, arrived.len(), "the count is not that of the calls");
            assert!(count <= max, "{count} frames of {max} asked for");
            Ok(arrived)
        }
        Err(error) => {
            assert!(arrived.is_empty(), "a poll that fails hands out nothing");
            Err(error)
        }
    }
}

/// Exactly these payloads arrive, and nothing after them.
fn expect<P: Pair>(pair: &mut P, payloads: &[Vec<u8>]) {
    let end = Instant::now() + PATIENCE;
    let mut arrived = Vec::new();
    while arrived.len() < payloads.len() {
        let some = poll(pair.source(), 16).expect("an open source");
        arrived.extend(some);
        assert!(Instant::now() < end, "{} of {} frames came", arrived.len(), payloads.len());
    }
    verify(pair, payloads, &arrived);
    nothing_more(pair);
}

fn verify<P: Pair>(pair: &P, payloads: &[Vec<u8>], arrived: &[Arrived]) {
    assert_eq!(arrived.len(), payloads.len());
    for (i, (arrived, payload)) in arrived.iter().zip(payloads).enumerate() {
        let expected = Udp { src: pair.from(), dst: pair.to(), payload };
        assert_eq!(frame::parse_udp(&arrived.bytes), Ok(expected), "frame {i}");
        let carried = arrived.bytes.len() - frame::UDP_HEADERS;
        assert_eq!(carried, payload.len(), "frame {i} has bytes of its own");
    }
    let times = arrived.windows(2).all(|two| two[0].received <= two[1].received);
    assert!(times, "times go back");
    assert!(arrived.iter().all(|arrived| arrived.received > Nanos(0)), "a frame without a time");
}

fn nothing_more<P: Pair>(pair: &mut P) {
    let end = Instant::now() + SILENCE;
    loop {
        let expected = if P::ENDS { Err(PortError::Closed) } else { Ok(Vec::new()) };
        assert_eq!(poll(pair.source(), 8), expected, "after the last frame");
        if Instant::now() > end {
            break;
        }
        std::thread::yield_now();
    }
}
