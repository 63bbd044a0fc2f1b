//! The Ethernet, IPv4 and UDP headers that a kernel socket takes off, put back.
//!
//! What cannot be known any more is filled in the one way: MAC addresses are derived from IPv4
//! addresses (RFC 1112 §6.4 for a group, `02:00` before the address for a host), the identification
//! is zero, time to live 64, and the UDP checksum is zero, which means "none" (RFC 768): the kernel
//! has verified the real one.

use crate::checksum;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Bytes of the three headers: 14 + 20 + 8.
pub const LEN: usize = 42;

/// Longest UDP payload that IPv4 can carry.
pub const PAYLOAD_MAX: usize = 65_535 - 20 - 8;

const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const PROTOCOL_UDP: u8 = 17;
/// Version 4, five words of header: no options.
const VERSION_AND_LENGTH: u8 = 0x45;
/// Do not fragment (RFC 791 §3.1), offset zero.
const FLAGS: [u8; 2] = [0x40, 0x00];
const TTL: u8 = 64;

/// The headers of a datagram whose payload is `payload_len` bytes; a length above [`PAYLOAD_MAX`]
/// is written as that.
pub fn build(src: SocketAddrV4, dst: SocketAddrV4, payload_len: usize) -> [u8; LEN] {
    let udp_len = (payload_len.min(PAYLOAD_MAX) + 8) as u16;
    let mut h = [0; LEN];
    h[0..6].copy_from_slice(&mac(*dst.ip()));
    h[6..12].copy_from_slice(&mac(*src.ip()));
    h[12..14].copy_from_slice(&ETHERTYPE_IPV4);
    h[14] = VERSION_AND_LENGTH;
    h[16..18].copy_from_slice(&(udp_len + 20).to_be_bytes());
    h[20..22].copy_from_slice(&FLAGS);
    h[22] = TTL;
    h[23] = PROTOCOL_UDP;
    h[26..30].copy_from_slice(&src.ip().octets());
    h[30..34].copy_from_slice(&dst.ip().octets());
    let sum = checksum::fold(checksum::sum(&h[14..34]));
    h[24..26].copy_from_slice(&sum.to_be_bytes());
    h[34..36].copy_from_slice(&src.port().to_be_bytes());
    h[36..38].copy_from_slice(&dst.port().to_be_bytes());
    h[38..40].copy_from_slice(&udp_len.to_be_bytes());
    h
}

/// A datagram read back from the frame a caller wrote.
pub(crate) struct Datagram<'a> {
    pub(crate) dst: SocketAddrV4,
    pub(crate) payload: &'a [u8],
}

/// The destination and the payload of an untagged IPv4 UDP frame without options, else `None`.
pub(crate) fn parse(frame: &[u8]) -> Option<Datagram<'_>> {
    let (h, rest) = frame.split_first_chunk::<LEN>()?;
    let plain = h[12..14] == ETHERTYPE_IPV4 && h[14] == VERSION_AND_LENGTH;
    if !plain || h[23] != PROTOCOL_UDP {
        return None;
    }
    let len = usize::from(u16::from_be_bytes([h[38], h[39]])).checked_sub(8)?;
    let ip = Ipv4Addr::new(h[30], h[31], h[32], h[33]);
    let dst = SocketAddrV4::new(ip, u16::from_be_bytes([h[36], h[37]]));
    Some(Datagram { dst, payload: rest.get(..len)? })
}

fn mac(ip: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = ip.octets();
    if ip.is_multicast() { [0x01, 0x00, 0x5e, b & 0x7f, c, d] } else { [0x02, 0x00, a, b, c, d] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddrV4 {
        text.parse().unwrap()
    }

    #[test]
    fn a_known_header() {
        let h = build(address("10.1.2.3:7000"), address("239.192.1.2:8000"), 4);
        assert_eq!(h[..14], [1, 0, 0x5e, 0x40, 1, 2, 2, 0, 10, 1, 2, 3, 8, 0]);
        assert_eq!(h[16..18], [0, 32]);
        // A header with its checksum in place sums to zero.
        assert_eq!(checksum::fold(checksum::sum(&h[14..34])), 0);
        assert_eq!(h[34..42], [0x1b, 0x58, 0x1f, 0x40, 0, 12, 0, 0]);
    }

    #[test]
    fn what_is_built_is_read_back() {
        let (src, dst) = (address("127.0.0.1:1"), address("127.0.0.2:2"));
        let mut frame = build(src, dst, 3).to_vec();
        frame.extend_from_slice(b"abc and padding");
        let datagram = parse(&frame).unwrap();
        assert_eq!((datagram.dst, datagram.payload), (dst, &b"abc"[..]));
        for len in 0..LEN + 3 {
            assert!(parse(&frame[..len]).is_none());
        }
        frame[12] = 0x81;
        assert!(parse(&frame).is_none());
    }
}
