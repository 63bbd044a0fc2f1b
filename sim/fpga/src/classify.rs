//! From a frame to its class and to the events of its packet.

use crate::registers::{LineConfig, MASK_48};
use tercel_abi::device::{MESSAGE_MIN, line_counter};

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_TAGS: [u16; 2] = [0x8100, 0x88a8];
const TAGS_MAX: usize = 2;
const IP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
const MOLD_HEADER: usize = 20;
const PROTOCOL_UDP: u8 = 17;
/// "More fragments" and the fragment's offset.
const FRAGMENT: u16 = 0x3fff;
const END_OF_SESSION: u16 = 0xffff;
/// From here on the number of a packet's last message might not fit 48 bits.
const SEQ_END: u64 = MASK_48 + 1 - 65_536;

/// What a frame is; each has a counter of its line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    /// The frame check sequence is wrong.
    BadFcs,
    /// Not IPv4 and UDP to the line's address and port.
    Other,
    /// Contradictory lengths, a wrong checksum, bytes too many, or a message too short.
    Malformed,
    /// A packet of another session.
    OtherSession,
    /// Ends before its lengths or its message count say.
    Truncated,
    /// A good packet.
    Packet,
}

impl Class {
    /// Index of the counter.
    pub(crate) fn counter(self) -> usize {
        match self {
            Class::BadFcs => line_counter::BAD_FCS,
            Class::Other => line_counter::OTHER,
            Class::Malformed => line_counter::MALFORMED,
            Class::OtherSession => line_counter::OTHER_SESSION,
            Class::Truncated => line_counter::TRUNCATED,
            Class::Packet => line_counter::PACKETS,
        }
    }
}

/// What the merge hears of a packet: BEGIN, any number of MESSAGE, END.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event<'a> {
    /// The header is complete and of this line's session.
    Begin {
        /// Number of the first message, or of the next one where the packet has none.
        seq: u64,
    },
    /// A message has ended inside of the datagram.
    Message {
        /// Its number.
        seq: u64,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// The frame has ended.
    End {
        /// Whether all of it was right.
        good: bool,
        /// Whether the packet is an end of session.
        session_end: bool,
    },
}

/// What is known of a frame once it has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    /// Its class.
    pub(crate) class: Class,
    /// Whether it is a good packet without messages.
    pub(crate) heartbeat: bool,
    /// Name of the session of a packet of [`Class::OtherSession`].
    pub(crate) session: Option<[u8; 10]>,
}

/// A packet whose headers are right.
#[derive(Clone, Copy, Debug)]
struct Packet<'a> {
    /// From the IP header's first byte to the frame's end, link padding and all.
    ip: &'a [u8],
    total_length: usize,
    udp_length: usize,
    seq: u64,
    count: u16,
}

/// Why the headers of a frame are not those of a packet for this line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refusal {
    Class(Class),
    Session([u8; 10]),
}

/// Finds the class of a frame; its events go to `each` in order.
pub(crate) fn classify<'a>(
    config: &LineConfig,
    frame: &'a [u8],
    fcs_good: bool,
    each: &mut dyn FnMut(Event<'a>),
) -> Verdict {
    let mut session = None;
    let mut empty = false;
    let class = match headers(config, frame) {
        Err(Refusal::Class(class)) => class,
        Err(Refusal::Session(name)) => {
            session = Some(name);
            Class::OtherSession
        }
        Ok(packet) => {
            each(Event::Begin { seq: packet.seq });
            let class = content(&packet, each);
            empty = packet.count == 0;
            let good = class == Class::Packet && fcs_good;
            each(Event::End { good, session_end: packet.count == END_OF_SESSION });
            class
        }
    };
    let class = if fcs_good { class } else { Class::BadFcs };
    Verdict {
        class,
        heartbeat: empty && class == Class::Packet,
        session: session.filter(|_| class == Class::OtherSession),
    }
}

fn headers<'a>(config: &LineConfig, frame: &'a [u8]) -> Result<Packet<'a>, Refusal> {
    let ip = ip_to(config, frame).ok_or(Refusal::Class(Class::Other))?;
    let mold = IP_HEADER + UDP_HEADER;
    if ip.len() < mold + MOLD_HEADER {
        return Err(Refusal::Class(Class::Truncated));
    }
    let total_length = usize::from(be16(ip, 2));
    let udp_length = usize::from(be16(ip, IP_HEADER + 4));
    let seq = ip[mold + 10..mold + 18].iter().fold(0, |seq, byte| seq << 8 | u64::from(*byte));
    let short = total_length < mold + MOLD_HEADER || udp_length < UDP_HEADER + MOLD_HEADER;
    if short || udp_length > total_length - IP_HEADER || seq >= SEQ_END {
        return Err(Refusal::Class(Class::Malformed));
    }
    let mut session = [0; 10];
    session.copy_from_slice(&ip[mold..mold + 10]);
    if session != config.session {
        return Err(Refusal::Session(session));
    }
    Ok(Packet { ip, total_length, udp_length, seq, count: be16(ip, mold + 18) })
}

/// The frame from its IP header on, if it is IPv4 and UDP to the line's address and port.
fn ip_to<'a>(config: &LineConfig, frame: &'a [u8]) -> Option<&'a [u8]> {
    let mut at = 12;
    for _ in 0..TAGS_MAX {
        if frame.len() >= at + 2 && ETHERTYPE_TAGS.contains(&be16(frame, at)) {
            at += 4;
        }
    }
    let ip = frame.get(at + 2..)?;
    // Up to the end of the UDP destination port.
    if ip.len() < IP_HEADER + 4 {
        return None;
    }
    let address = u32::from(be16(ip, 16)) << 16 | u32::from(be16(ip, 18));
    let ours = be16(frame, at) == ETHERTYPE_IPV4
        && ip[0] == 0x45
        && be16(ip, 6) & FRAGMENT == 0
        && ip[9] == PROTOCOL_UDP
        && fold(sum(&ip[..IP_HEADER])) == 0xffff
        && address == config.address
        && be16(ip, IP_HEADER + 2) == config.port;
    ours.then_some(ip)
}

/// Hands out the messages and says what the packet is, but for the frame check sequence.
fn content<'a>(packet: &Packet<'a>, each: &mut dyn FnMut(Event<'a>)) -> Class {
    let present = packet.ip.len().min(packet.total_length);
    let datagram_end = IP_HEADER + packet.udp_length;
    let bytes = &packet.ip[..present.min(datagram_end)];
    let announced = if packet.count == END_OF_SESSION { 0 } else { packet.count };
    let mut at = IP_HEADER + UDP_HEADER + MOLD_HEADER;
    let mut class = Class::Packet;
    for number in 0..u64::from(announced) {
        let Some(length) = bytes.get(at..at + 2).map(|length| usize::from(be16(length, 0))) else {
            class = Class::Truncated;
            break;
        };
        if length < MESSAGE_MIN {
            class = Class::Malformed;
            break;
        }
        let Some(message) = bytes.get(at + 2..at + 2 + length) else {
            class = Class::Truncated;
            break;
        };
        each(Event::Message { seq: packet.seq + number, bytes: message });
        at += 2 + length;
    }
    if present < packet.total_length {
        return Class::Truncated;
    }
    if class != Class::Packet {
        return class;
    }
    let whole = at == datagram_end && checksum_is_right(packet);
    if whole { Class::Packet } else { Class::Malformed }
}

/// The checksum of the whole datagram, which the frame holds; zero means that there is none.
fn checksum_is_right(packet: &Packet<'_>) -> bool {
    let datagram = &packet.ip[IP_HEADER..IP_HEADER + packet.udp_length];
    let addresses = sum(&packet.ip[12..IP_HEADER]);
    let pseudo = addresses + u32::from(PROTOCOL_UDP) + packet.udp_length as u32;
    be16(datagram, 6) == 0 || fold(pseudo + sum(datagram)) == 0xffff
}

/// Sum of the big-endian 16-bit words, an odd byte padded; 65,535 bytes cannot overflow it.
fn sum(bytes: &[u8]) -> u32 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    bytes.chunks(2).map(word).sum()
}

/// Adds the carries until none is left.
fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[inline]
fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}
