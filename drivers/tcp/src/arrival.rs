//! What an arriving frame is. Only ARP for us and whole TCP segments from the peer pass; whatever
//! else a port brings ends here, counted, so that the stack behind sees nothing it would answer.

use crate::checksum::{finish, sum};
use crate::config::TcpConfig;
use core::net::Ipv4Addr;

/// Ethernet, IPv4 and TCP headers without options: where a payload of ours begins.
pub(crate) const HEADERS: usize = ETHERNET + IP + TCP;

pub(crate) const ETHERNET: usize = 14;
pub(crate) const IP: usize = 20;
pub(crate) const TCP: usize = 20;

pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const ACK: u8 = 0x10;

const TYPE_IPV4: [u8; 2] = [0x08, 0x00];
const TYPE_ARP: [u8; 2] = [0x08, 0x06];
const BROADCAST: [u8; 6] = [0xff; 6];
const PROTOCOL_TCP: u8 = 6;

/// Hardware Ethernet, protocol IPv4, their lengths (RFC 826).
const ARP_KIND: [u8; 6] = [0, 1, 8, 0, 6, 4];
const ARP: usize = 28;

/// More-fragments bit and fragment offset.
const FRAGMENT: u16 = 0x3fff;

/// One frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arrival {
    /// A question for our MAC address, or the answer to ours.
    Arp {
        /// Whose addresses it tells.
        sender: Ipv4Addr,
        mac: [u8; 6],
    },
    /// A segment from the peer, checksums checked.
    Segment(Segment),
    /// Not for this stack.
    Foreign,
    /// Not what it says it is.
    Malformed,
}

/// A TCP header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Segment {
    /// The frame's sender.
    pub(crate) mac: [u8; 6],
    /// Our port.
    pub(crate) port: u16,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    /// As it stands in the header.
    pub(crate) window: u16,
    /// Bytes of payload.
    pub(crate) len: u32,
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn full(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn mac(bytes: &[u8], at: usize) -> [u8; 6] {
    core::array::from_fn(|i| bytes[at + i])
}

fn address(bytes: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::from_bits(full(bytes, at))
}

/// Looks at one frame.
pub(crate) fn read(frame: &[u8], config: &TcpConfig) -> Arrival {
    let Some((ethernet, rest)) = frame.split_at_checked(ETHERNET) else {
        return Arrival::Malformed;
    };
    let to = mac(ethernet, 0);
    let kind = [ethernet[12], ethernet[13]];
    if to == config.mac && kind == TYPE_IPV4 {
        read_ip(rest, mac(ethernet, 6), config)
    } else if (to == config.mac || to == BROADCAST) && kind == TYPE_ARP {
        read_arp(rest, config)
    } else {
        Arrival::Foreign
    }
}

fn read_arp(packet: &[u8], config: &TcpConfig) -> Arrival {
    match packet.get(..ARP) {
        None => Arrival::Malformed,
        Some(packet) if packet[..6] != ARP_KIND => Arrival::Malformed,
        Some(packet) if address(packet, 24) != config.address => Arrival::Foreign,
        Some(packet) => Arrival::Arp { sender: address(packet, 14), mac: mac(packet, 8) },
    }
}

fn read_ip(packet: &[u8], from: [u8; 6], config: &TcpConfig) -> Arrival {
    let Some(header) = packet.get(..IP) else { return Arrival::Malformed };
    let total = usize::from(half(header, 2));
    if header[0] != 0x45 || half(header, 6) & FRAGMENT != 0 || finish(sum(header)) != 0 {
        return Arrival::Malformed;
    }
    let Some(segment) = packet.get(IP..total) else { return Arrival::Malformed };
    let ours = header[9] == PROTOCOL_TCP
        && address(header, 12) == *config.peer.ip()
        && address(header, 16) == config.address;
    if ours { read_tcp(segment, &header[12..], from, config) } else { Arrival::Foreign }
}

fn read_tcp(segment: &[u8], addresses: &[u8], from: [u8; 6], config: &TcpConfig) -> Arrival {
    let Some(header) = segment.get(..TCP) else { return Arrival::Malformed };
    let data = usize::from(header[12] >> 4) * 4;
    if data < TCP || data > segment.len() {
        return Arrival::Malformed;
    }
    let pseudo = sum(addresses) + pseudo_header(segment.len());
    if finish(pseudo + sum(segment)) != 0 {
        return Arrival::Malformed;
    }
    if half(header, 0) != config.peer.port() || half(header, 2) == 0 {
        return Arrival::Foreign;
    }
    Arrival::Segment(segment_of(header, from, segment.len() - data))
}

/// Protocol and length of the pseudo header (RFC 9293 §3.1), summed.
#[inline]
pub(crate) fn pseudo_header(len: usize) -> u64 {
    crate::checksum::word(u16::from(PROTOCOL_TCP)) + crate::checksum::word(len as u16)
}

fn segment_of(header: &[u8], from: [u8; 6], len: usize) -> Segment {
    Segment {
        mac: from,
        port: half(header, 2),
        seq: full(header, 4),
        ack: full(header, 8),
        flags: header[13],
        window: half(header, 14),
        len: len as u32,
    }
}

/// The segment in a frame that the stack behind has made, with our port as `port`; `None` for ARP.
pub(crate) fn departing(frame: &[u8]) -> Option<Segment> {
    let header = frame.get(ETHERNET + IP..HEADERS).filter(|_| frame[12..14] == TYPE_IPV4)?;
    let data = usize::from(header[12] >> 4) * 4;
    let len = frame.len().checked_sub(ETHERNET + IP + data)?;
    Some(Segment { port: half(header, 0), ..segment_of(header, mac(frame, 6), len) })
}

/// Window scale and maximum segment size in the options of a SYN, each where it stands.
pub(crate) fn syn_options(frame: &[u8]) -> (Option<u8>, Option<u16>) {
    let (mut scale, mut size) = (None, None);
    let end = ETHERNET + IP + usize::from(frame.get(ETHERNET + IP + 12).map_or(0, |b| b >> 4)) * 4;
    let mut rest = frame.get(HEADERS..end).unwrap_or(&[]);
    loop {
        rest = match *rest {
            [] | [0, ..] => return (scale, size),
            [1, ref rest @ ..] => rest,
            [kind, len, ..] => {
                match (kind, rest.get(2..usize::from(len))) {
                    (3, Some(&[shift])) => scale = Some(shift),
                    (2, Some(&[high, low])) => size = Some(u16::from_be_bytes([high, low])),
                    (_, Some(_)) => {}
                    (_, None) => return (scale, size),
                }
                &rest[usize::from(len)..]
            }
            [_] => return (scale, size),
        };
    }
}

/// Operations of ARP.
const REQUEST: u8 = 1;
const REPLY: u8 = 2;

/// A MAC address and its IP address.
type Host = ([u8; 6], Ipv4Addr);

fn arp(operation: u8, to: [u8; 6], sender: Host, target: Host) -> [u8; ETHERNET + ARP] {
    let mut frame = [0; ETHERNET + ARP];
    frame[..6].copy_from_slice(&to);
    frame[6..12].copy_from_slice(&sender.0);
    frame[12..14].copy_from_slice(&TYPE_ARP);
    let packet = &mut frame[ETHERNET..];
    packet[..6].copy_from_slice(&ARP_KIND);
    packet[7] = operation;
    packet[8..14].copy_from_slice(&sender.0);
    packet[14..18].copy_from_slice(&sender.1.octets());
    packet[18..24].copy_from_slice(&target.0);
    packet[24..28].copy_from_slice(&target.1.octets());
    frame
}

/// A question for the MAC address of `target`, as a whole frame.
pub(crate) fn ask(config: &TcpConfig, target: Ipv4Addr) -> [u8; ETHERNET + ARP] {
    arp(REQUEST, BROADCAST, (config.mac, config.address), ([0; 6], target))
}

/// The answer to such a question, as it would come.
pub(crate) fn answer(config: &TcpConfig, from: Host) -> [u8; ETHERNET + ARP] {
    arp(REPLY, config.mac, from, (config.mac, config.address))
}
