//! The frames of a day on two bad lines, and a whole host that takes them: decoder and engine.

use crate::desk::Desk;
use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_engine::{Batch, Unmeasured};
use tercel_proto::feed::{Feed, FeedConfig, Start};
use tercel_proto::{frame, mold};
use tercel_types::{Frame, Nanos, SeqNo, Symbol, VenueId};

/// Messages of a packet.
const EACH: usize = 4;

/// Group and port of the A and the B line.
pub fn lines() -> [SocketAddrV4; 2] {
    [1, 2].map(|last| SocketAddrV4::new(Ipv4Addr::new(239, 0, 0, last), 4_000))
}

/// Packets of four messages. Line A lacks every seventh of them, line B comes three packets later
/// and lacks none.
///
/// # Panics
/// When four messages do not fit a frame.
pub fn two_lines(messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let packet = |line: usize, number: usize| {
        let mut buf = vec![0; 1_500];
        let first = number * EACH;
        let seq = SeqNo(first as u64 + 1);
        let mut builder =
            mold::PacketBuilder::new(&mut buf[frame::UDP_HEADERS..], *b"TWOLINES  ", seq);
        let last = (first + EACH).min(messages.len());
        messages[first..last].iter().for_each(|message| assert!(builder.push(message)));
        let len = builder.finish();
        let from = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 1);
        let len = frame::emit_udp(&mut buf, from, lines()[line], len).expect("it fits");
        buf.truncate(len);
        buf
    };
    let packets = messages.len().div_ceil(EACH);
    let mut frames = Vec::new();
    for number in 0..packets + 3 {
        if number < packets && number % 7 != 3 {
            frames.push(packet(0, number));
        }
        if let Some(late) = number.checked_sub(3) {
            frames.push(packet(1, late));
        }
    }
    frames
}

/// A decoder in front of a [`Desk`].
pub struct Host {
    /// The engine and its venue.
    pub desk: Desk,
    /// The decoder.
    pub feed: Feed,
    batch: Batch,
}

impl Host {
    /// A host that quotes these symbols.
    pub fn new(symbols: &[Symbol]) -> Host {
        let config = FeedConfig::new(VenueId(0), lines());
        let feed = Feed::new(FeedConfig { start: Start::FromFirst, ..config });
        Host { desk: Desk::new(symbols), feed, batch: Batch::default() }
    }

    /// Takes frames that are waiting, and what the venue answers to what they led to.
    ///
    /// # Panics
    /// When the session breaks.
    pub fn take(&mut self, frames: &[Vec<u8>], now: Nanos) {
        let Host { desk, feed, batch } = self;
        desk.now = desk.now.max(now);
        for bytes in frames {
            let frame = Frame { bytes, received: now };
            feed.on_frame(frame, now, &mut |record| {
                if batch.push(record) {
                    desk.engine.on_events(batch.take(), now, &mut desk.port, &mut Unmeasured);
                }
            });
        }
        feed.on_timer(now, &mut |record| {
            // The batch has room for what a timer says: it is taken below.
            let _ = batch.push(record);
        });
        desk.engine.on_events(batch.take(), now, &mut desk.port, &mut Unmeasured);
        desk.hear();
    }
}
