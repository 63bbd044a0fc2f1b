//! Ethernet II (IEEE 802.3 §3) with up to two VLAN tags (IEEE 802.1Q, 802.1ad).

use crate::frame::Error;
use core::net::Ipv4Addr;

/// Bytes of a header without VLAN tags.
pub const HEADER: usize = 14;

/// EtherType of IPv4 (RFC 894).
pub const TYPE_IPV4: u16 = 0x0800;

/// EtherType of a customer tag (802.1Q).
const TYPE_VLAN: u16 = 0x8100;

/// EtherType of a service tag (802.1ad).
const TYPE_VLAN_SERVICE: u16 = 0x88a8;

/// The IPv4 packet inside a frame, with whatever padding the link added behind it.
///
/// # Errors
/// `Short` when the header does not fit, `NotIpv4` for any other payload or for more than two tags.
#[inline]
pub fn ipv4(frame: &[u8]) -> Result<&[u8], Error> {
    let mut at = HEADER - 2;
    for _ in 0..3 {
        let kind = match frame.get(at..at + 2) {
            Some(&[high, low]) => u16::from_be_bytes([high, low]),
            _ => return Err(Error::Short),
        };
        match kind {
            TYPE_IPV4 => return frame.get(at + 2..).ok_or(Error::Short),
            TYPE_VLAN | TYPE_VLAN_SERVICE => at += 4,
            _ => return Err(Error::NotIpv4),
        }
    }
    Err(Error::NotIpv4)
}

/// The MAC address of an IPv4 address: for a group as RFC 1112 §6.4 derives it, for a host a
/// locally administered one, since where this project writes frames itself nobody answers ARP.
pub const fn mac_of(address: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = address.octets();
    if address.is_multicast() {
        [0x01, 0x00, 0x5e, b & 0x7f, c, d]
    } else {
        [0x02, 0x00, a, b, c, d]
    }
}

/// Writes an untagged header for an IPv4 packet; `false` when it does not fit.
pub fn emit(buf: &mut [u8], src: [u8; 6], dst: [u8; 6]) -> bool {
    let Some(header) = buf.get_mut(..HEADER) else { return false };
    header[..6].copy_from_slice(&dst);
    header[6..12].copy_from_slice(&src);
    header[12..].copy_from_slice(&TYPE_IPV4.to_be_bytes());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_addresses_keep_23_bits() {
        assert_eq!(mac_of(Ipv4Addr::new(233, 182, 12, 111)), [1, 0, 0x5e, 0x36, 12, 111]);
        assert_eq!(mac_of(Ipv4Addr::new(10, 0, 0, 1)), [2, 0, 10, 0, 0, 1]);
    }

    #[test]
    fn tags_are_skipped_up_to_two() {
        let mut frame = vec![0u8; 12];
        for _ in 0..2 {
            frame.extend([0x81, 0x00, 0x00, 0x07]);
        }
        frame.extend([0x08, 0x00, 0x45]);
        assert_eq!(ipv4(&frame), Ok(&[0x45][..]));
        assert_eq!(ipv4(&frame[..20]), Err(Error::Short));
        frame.splice(12..12, [0x88, 0xa8, 0, 0]);
        assert_eq!(ipv4(&frame), Err(Error::NotIpv4));
        assert_eq!(ipv4(&[0; 11]), Err(Error::Short));
    }
}
