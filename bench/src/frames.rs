//! A day's messages as frames in memory: Ethernet, IPv4, UDP and MoldUDP64 around ITCH messages, as
//! one line of a feed brings them.
//!
//! Frames lie one behind the other in one array, each at the start of a cache line, as in the
//! buffers of a network card. A day of 20 million messages is 1.4 GB.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Range;
use tercel_proto::frame::{UDP_HEADERS, emit_udp};
use tercel_proto::mold::{self, Messages, PacketBuilder, Session};
use tercel_types::{Nanos, SeqNo};

/// Groups of line A and line B.
pub const LINES: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(239, 192, 1, 1), 31_001),
    SocketAddrV4::new(Ipv4Addr::new(239, 192, 1, 2), 31_002),
];

/// Where the lines are sent from.
pub const PUBLISHER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 31_000);

/// Where answers to requests come from.
pub const RECOVERY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 31_003);

/// Who asks.
pub const HOST: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 3), 31_004);

/// The session of every frame here.
pub const SESSION: Session = *b"BENCH00001";

/// Which messages share a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packing {
    /// So many in each, as far as they fit.
    Count(u16),
    /// Those that came within this time of the first, as far as they fit: a publisher that sends
    /// what it has as soon as the one before has left.
    Within(Nanos),
}

/// Frames in order.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    messages: u64,
}

/// Where a frame lies: 16 bytes, so that the index of a day adds little to what the loop reads.
#[derive(Clone, Copy, Debug)]
struct Entry {
    line: u32,
    len: u16,
    messages: u16,
    time: Nanos,
}

const LINE: usize = 64;

/// Puts messages into packets and packets into frames.
#[derive(Debug)]
pub struct Packer {
    frames: Frames,
    packing: Packing,
    destination: SocketAddrV4,
    /// Messages of the packet under way, each behind its length.
    blocks: Vec<u8>,
    count: u16,
    first: Nanos,
    last: Nanos,
    next_seq: u64,
}

impl Frames {
    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many messages there are in all of them.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// The bytes of a frame.
    #[inline]
    pub fn bytes(&self, at: usize) -> &[u8] {
        let Entry { line, len, .. } = self.entries[at];
        let start = line as usize * LINE;
        &self.bytes[start..start + usize::from(len)]
    }

    /// How many messages a frame has.
    #[inline]
    pub fn count(&self, at: usize) -> u16 {
        self.entries[at].messages
    }

    /// Venue time of a frame's last message: before it the frame cannot have been sent.
    #[inline]
    pub fn time(&self, at: usize) -> Nanos {
        self.entries[at].time
    }

    /// The messages of a frame.
    pub fn messages_of(&self, at: usize) -> Messages<'_> {
        Messages::of_blocks(&self.bytes(at)[UDP_HEADERS + mold::HEADER..])
    }

    /// The messages of some frames, in order.
    pub fn messages_in(&self, range: Range<usize>) -> impl Iterator<Item = &[u8]> {
        range.flat_map(|at| self.messages_of(at))
    }

    /// The 60 seconds that begin with the busiest second, and how many messages that second has.
    /// Of a day that is the opening.
    pub fn busiest_minute(&self) -> Minute {
        let second = |at: usize| self.time(at).0 / 1_000_000_000;
        let mut busiest = (0, 0);
        let mut at = 0;
        while at < self.len() {
            let end =
                at + self.entries[at..].partition_point(|e| e.time.0 / 1_000_000_000 <= second(at));
            let count = self.entries[at..end].iter().map(|entry| u64::from(entry.messages)).sum();
            if count > busiest.0 {
                busiest = (count, at);
            }
            at = end;
        }
        let (busiest_second, start) = busiest;
        let from = self.entries.get(start).map_or(0, |_| second(start));
        let end = self.entries.partition_point(|entry| entry.time.0 / 1_000_000_000 < from + 60);
        Minute { frames: start..end, busiest_second }
    }
}

/// Part of a day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Minute {
    /// Its frames.
    pub frames: Range<usize>,
    /// Messages of its busiest second.
    pub busiest_second: u64,
}

impl Packer {
    /// A packer of a session's first message on, for line A (0) or line B (1). `messages` is about
    /// how many will come.
    pub fn new(packing: Packing, line: usize, messages: u64) -> Packer {
        let messages = usize::try_from(messages).unwrap_or(usize::MAX).min(1 << 26);
        // Address space only: pages are taken as they are written.
        let bytes = Vec::with_capacity(messages.saturating_mul(2 * LINE) + LINE);
        Packer {
            frames: Frames { bytes, entries: Vec::with_capacity(messages), messages: 0 },
            packing,
            destination: LINES[line],
            blocks: Vec::new(),
            count: 0,
            first: Nanos(0),
            last: Nanos(0),
            next_seq: 1,
        }
    }

    /// Adds a message that the venue sent at `time`.
    pub fn push(&mut self, message: &[u8], time: Nanos) {
        let full = mold::HEADER + self.blocks.len() + mold::BLOCK_HEADER + message.len()
            > mold::PAYLOAD_MAX;
        let apart = match self.packing {
            Packing::Count(count) => self.count >= count,
            Packing::Within(span) => self.count > 0 && time.since(self.first) > span,
        };
        if full || apart {
            self.flush();
        }
        if self.count == 0 {
            self.first = time;
        }
        self.last = time;
        self.count += 1;
        // An ITCH message has 50 bytes at most.
        self.blocks.extend_from_slice(&(message.len() as u16).to_be_bytes());
        self.blocks.extend_from_slice(message);
    }

    /// Ends the packet under way.
    pub fn flush(&mut self) {
        if self.count == 0 {
            return;
        }
        let Frames { bytes, entries, messages } = &mut self.frames;
        let start = bytes.len();
        bytes.resize(start + UDP_HEADERS + mold::HEADER + self.blocks.len(), 0);
        let len = emit(
            &mut bytes[start..],
            (PUBLISHER, self.destination),
            SeqNo(self.next_seq),
            Messages::of_blocks(&self.blocks),
        );
        bytes.resize((start + len).next_multiple_of(LINE), 0);
        entries.push(Entry {
            line: (start / LINE) as u32, // 256 GiB
            len: len as u16,
            messages: self.count,
            time: self.last,
        });
        *messages += u64::from(self.count);
        self.next_seq += u64::from(self.count);
        self.blocks.clear();
        self.count = 0;
    }

    /// The frames.
    pub fn finish(mut self) -> Frames {
        self.flush();
        self.frames
    }
}

/// Writes one frame with these messages, of which the first has number `seq`; returns its length.
///
/// # Panics
/// When `buf` is too short for it.
pub fn emit<'a>(
    buf: &mut [u8],
    (from, to): (SocketAddrV4, SocketAddrV4),
    seq: SeqNo,
    messages: impl Iterator<Item = &'a [u8]>,
) -> usize {
    let mut packet = PacketBuilder::new(&mut buf[UDP_HEADERS..], SESSION, seq);
    for message in messages {
        assert!(packet.push(message), "room for every message");
    }
    let payload = packet.finish();
    emit_udp(buf, from, to, payload).expect("room for the headers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tercel_proto::frame;
    use tercel_proto::mold::{Packet, PacketKind};

    fn packed(packing: Packing, times: &[u64]) -> Frames {
        let mut packer = Packer::new(packing, 1, times.len() as u64);
        for (at, time) in times.iter().enumerate() {
            packer.push(&[at as u8; 19], Nanos(*time));
        }
        packer.finish()
    }

    fn counts(frames: &Frames) -> Vec<u16> {
        (0..frames.len()).map(|at| frames.count(at)).collect()
    }

    #[test]
    fn frames_are_what_a_line_brings() {
        let frames = packed(Packing::Count(3), &[10; 8]);
        assert_eq!((counts(&frames), frames.messages()), (vec![3, 3, 2], 8));
        let mut next = 1;
        for at in 0..frames.len() {
            let udp = frame::parse_udp(frames.bytes(at)).unwrap();
            assert_eq!((udp.src, udp.dst), (PUBLISHER, LINES[1]));
            let packet = Packet::new_checked(udp.payload).unwrap();
            assert_eq!((packet.session(), packet.seq().0), (SESSION, next));
            assert_eq!(packet.kind(), PacketKind::Messages(frames.count(at)));
            assert!(packet.messages().eq(frames.messages_of(at)));
            next += u64::from(frames.count(at));
        }
        let all: Vec<&[u8]> = frames.messages_in(0..frames.len()).collect();
        assert!(all.len() == 8 && all.iter().enumerate().all(|(at, m)| **m == [at as u8; 19]));
    }

    #[test]
    fn messages_close_in_time_share_a_packet() {
        let frames = packed(Packing::Within(Nanos(100)), &[0, 50, 100, 101, 300, 900, 901]);
        assert_eq!(counts(&frames), [3, 1, 1, 2]);
        assert_eq!(frames.time(0), Nanos(100));
        let long = packed(Packing::Count(1_000), &[0; 100]);
        assert!(long.len() == 2 && long.bytes(0).len() <= 1_442);
    }

    #[test]
    fn the_busiest_minute_begins_with_the_busiest_second() {
        let second = 1_000_000_000;
        let times = [1, 5, 5, 5, 6, 64, 65].map(|at| at * second);
        let frames = packed(Packing::Count(1), &times);
        assert_eq!(frames.busiest_minute(), Minute { frames: 1..6, busiest_second: 3 });
        let none = Packer::new(Packing::Count(1), 0, 0).finish();
        assert_eq!(none.busiest_minute(), Minute { frames: 0..0, busiest_second: 0 });
    }
}
