//! Messages and the frames around them.

use super::random::Random;
use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_proto::{frame, itch, mold};
use tercel_types::SeqNo;

/// Groups and ports of the two lines.
pub const LINES: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(233, 54, 12, 111), 26_477),
    SocketAddrV4::new(Ipv4Addr::new(233, 86, 230, 111), 26_478),
];

/// The session that the card listens to.
pub const SESSION: mold::Session = *b"000012345A";

/// Shortest message that a card takes.
pub const MESSAGE_MIN: u64 = tercel_abi::device::MESSAGE_MIN as u64;

/// Where in an untagged frame things lie.
pub mod at {
    /// EtherType; tags stand in front of it.
    pub const TYPE: usize = 12;
    /// First byte of the IP header.
    pub const IP: usize = 14;
    /// First byte of the UDP header.
    pub const UDP: usize = IP + 20;
    /// First byte of the MoldUDP64 header.
    pub const MOLD: usize = UDP + 8;
    /// First message block.
    pub const BLOCKS: usize = MOLD + 20;
}

/// What a packet has besides its messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// Messages, so many.
    Messages,
    /// None: the sender lives.
    Heartbeat,
    /// None: the session has ended.
    End,
}

/// How a frame is dressed.
#[derive(Clone, Copy, Default, Debug)]
pub struct Dress {
    /// VLAN tags in front of the IP header.
    pub tags: usize,
    /// Bytes of padding behind the datagram.
    pub padding: usize,
    /// The UDP checksum is left out.
    pub unchecked: bool,
}

impl Dress {
    /// Mostly plain.
    pub fn any(random: &mut Random) -> Dress {
        let tags = *random.pick(&[0, 0, 0, 0, 1, 1, 2]);
        let padding = if random.chance(150) { random.below(40) as usize } else { 0 };
        Dress { tags, padding, unchecked: random.chance(200) }
    }
}

/// A message of a known kind; what is not its kind and its instrument is any bytes.
pub fn message(kind: u8, random: &mut Random) -> Vec<u8> {
    let mut bytes = vec![0; itch::length_of(kind).expect("a kind of ITCH")];
    random.fill(&mut bytes);
    bytes[0] = kind;
    let locate = if random.chance(900) { random.below(64) } else { random.below(1 << 16) };
    bytes[1..3].copy_from_slice(&(locate as u16).to_be_bytes());
    // Letters of sides and flags where they mean something, most of the time.
    if bytes.len() > 19 && random.chance(900) {
        bytes[19] = *random.pick(b"BSYN");
    }
    if kind == b'C' && random.chance(900) {
        bytes[31] = *random.pick(b"YN");
    }
    if kind == b'R' && random.chance(900) {
        bytes[38] = *random.pick(b"YN");
    }
    bytes
}

/// The message of a number, the same whenever it is asked for. The kinds are as common as on a
/// trading day, except that every kind comes; with `odd` some have an unknown kind or a wrong
/// length.
pub fn of_number(seed: u64, number: u64, odd: bool) -> Vec<u8> {
    let random = &mut Random::of(seed, number);
    let kind = match random.below(100) {
        0..30 => b'A',
        30..33 => b'F',
        33..60 => b'D',
        60..68 => b'U',
        68..72 => b'E',
        72..74 => b'X',
        74..76 => b'P',
        _ => *random.pick(itch::KINDS),
    };
    let mut bytes = message(kind, random);
    if odd && random.chance(40) {
        let length = match random.below(50) {
            0 => random.range(1000..9000),
            1..10 => random.range(100..400),
            _ => random.range(MESSAGE_MIN..80),
        };
        bytes.resize(length as usize, 0);
        random.fill(&mut bytes[1..]);
        if random.chance(500) {
            bytes[0] = random.next() as u8;
        }
    }
    bytes
}

/// A frame to `line` with the messages given.
///
/// # Panics
/// When they do not fit a datagram.
pub fn packet(line: usize, seq: u64, content: Content, messages: &[Vec<u8>]) -> Vec<u8> {
    let length = messages.iter().map(|message| message.len() + 2).sum::<usize>();
    let mut buf = vec![0; at::BLOCKS + length];
    let payload = &mut buf[frame::UDP_HEADERS..];
    let length = match content {
        Content::Messages => {
            let mut builder = mold::PacketBuilder::new(payload, SESSION, SeqNo(seq));
            assert!(messages.iter().all(|message| builder.push(message)));
            builder.finish()
        }
        Content::Heartbeat => mold::heartbeat(payload, SESSION, SeqNo(seq)),
        Content::End => mold::end_of_session(payload, SESSION, SeqNo(seq)),
    };
    let source = SocketAddrV4::new(Ipv4Addr::new(206, 200, 43, 72), 41_000);
    let length = frame::emit_udp(&mut buf, source, LINES[line], length).expect("it fits");
    buf.truncate(length);
    buf
}

/// Dresses an untagged frame.
pub fn dress(bytes: &mut Vec<u8>, dress: &Dress, random: &mut Random) {
    if dress.unchecked {
        bytes[at::UDP + 6..at::UDP + 8].fill(0);
    }
    for _ in 0..dress.tags {
        let [high, low] = *random.pick(&[[0x81, 0x00], [0x88, 0xa8]]);
        let tag = [high, low, random.next() as u8, random.next() as u8];
        bytes.splice(at::TYPE..at::TYPE, tag);
    }
    let end = bytes.len();
    bytes.resize(end + dress.padding, 0);
    if random.chance(500) {
        random.fill(&mut bytes[end..]);
    }
}

/// Offsets of the last byte of each message of a good frame.
pub fn message_ends(bytes: &[u8]) -> Vec<u32> {
    let word = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    let mut tags = 0;
    while matches!(word(at::TYPE + 4 * tags), 0x8100 | 0x88a8) {
        tags += 1;
    }
    let mut next = at::BLOCKS + 4 * tags;
    let count = word(next - 2);
    let count = if count == 0xffff { 0 } else { count };
    let ends = (0..count).map(|_| {
        next += 2 + word(next);
        next as u32 - 1
    });
    ends.collect()
}

/// Writes the checksums that the headers of an untagged frame should have, as far as its lengths
/// make sense.
pub fn seal(bytes: &mut [u8], ip: bool, udp: bool) {
    if bytes.len() < at::MOLD {
        return;
    }
    if ip {
        bytes[at::IP + 10..at::IP + 12].fill(0);
        let sum = checksum(&[&bytes[at::IP..at::UDP]]);
        bytes[at::IP + 10..at::IP + 12].copy_from_slice(&sum.to_be_bytes());
    }
    let length = usize::from(u16::from_be_bytes([bytes[at::UDP + 4], bytes[at::UDP + 5]]));
    if udp && length >= 8 && at::UDP + length <= bytes.len() {
        bytes[at::UDP + 6..at::UDP + 8].fill(0);
        let pseudo = [0, 17, bytes[at::UDP + 4], bytes[at::UDP + 5]];
        let datagram = &bytes[at::UDP..at::UDP + length];
        let sum = match checksum(&[&bytes[at::IP + 12..at::UDP], &pseudo, datagram]) {
            0 => 0xffff,
            sum => sum,
        };
        bytes[at::UDP + 6..at::UDP + 8].copy_from_slice(&sum.to_be_bytes());
    }
}

/// The internet checksum of parts of which only the last may have an odd length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let pairs = parts.iter().flat_map(|part| part.chunks(2));
    let words = pairs.map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u64 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
