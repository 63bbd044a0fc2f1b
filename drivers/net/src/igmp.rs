//! Membership in multicast groups, asked for by a port itself: IGMPv3 (RFC 3376).
//!
//! For ports below which there is no kernel. An unsolicited report now and then keeps what queries
//! would ask for.

use crate::checksum;
use std::net::Ipv4Addr;

/// Where version 3 reports go (§4.2.14).
const ROUTERS: [u8; 4] = [224, 0, 0, 22];
const PROTOCOL_IGMP: u8 = 2;
/// Version 4 and six words: the router alert option is required (§4).
const VERSION_AND_LENGTH: u8 = 0x46;
/// RFC 2113: "every router shall examine".
const ROUTER_ALERT: [u8; 4] = [0x94, 4, 0, 0];
/// Network control, as the RFC asks for.
const TOS: u8 = 0xc0;
const MEMBERSHIP_REPORT: u8 = 0x22;
/// From every source: excludes none (§4.2.12).
const CHANGE_TO_EXCLUDE: u8 = 4;
/// Ethernet header, and IP header with its option.
const HEADERS: usize = 14 + 24;

/// A whole frame that asks for `groups`, from a host at `mac` and `from`. Addresses that are no
/// groups are left out.
pub fn report(mac: [u8; 6], from: Ipv4Addr, groups: &[Ipv4Addr]) -> Vec<u8> {
    let groups = || groups.iter().filter(|group| group.is_multicast());
    let count = groups().count() as u16;
    let mut message = vec![MEMBERSHIP_REPORT, 0, 0, 0, 0, 0];
    message.extend(count.to_be_bytes());
    for group in groups() {
        message.extend([CHANGE_TO_EXCLUDE, 0, 0, 0]);
        message.extend(group.octets());
    }
    let sum = checksum::fold(checksum::sum(&message));
    message[2..4].copy_from_slice(&sum.to_be_bytes());

    let mut frame = vec![0x01, 0x00, 0x5e, 0, 0, 22];
    frame.extend(mac);
    frame.extend([0x08, 0x00, VERSION_AND_LENGTH, TOS]);
    frame.extend(((24 + message.len()) as u16).to_be_bytes());
    // Identification, no fragment, one hop, checksum to come.
    frame.extend([0, 0, 0x40, 0, 1, PROTOCOL_IGMP, 0, 0]);
    frame.extend(from.octets());
    frame.extend(ROUTERS);
    frame.extend(ROUTER_ALERT);
    let sum = checksum::fold(checksum::sum(&frame[14..HEADERS]));
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame.extend(message);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_good_sums_and_names_the_groups() {
        let groups = [[239, 1, 1, 1], [10, 0, 0, 1], [224, 1, 2, 3]].map(Ipv4Addr::from);
        let frame = report([2, 0, 0, 0, 0, 9], Ipv4Addr::new(10, 0, 0, 9), &groups);
        assert_eq!(frame[..6], [1, 0, 0x5e, 0, 0, 22]);
        assert_eq!(checksum::fold(checksum::sum(&frame[14..38])), 0);
        assert_eq!(checksum::fold(checksum::sum(&frame[38..])), 0);
        assert_eq!(usize::from(u16::from_be_bytes([frame[16], frame[17]])), frame.len() - 14);
        assert_eq!(frame[44..46], [0, 2], "two groups, and one that is none");
        assert_eq!((&frame[50..54], &frame[58..62]), (&[239, 1, 1, 1][..], &[224, 1, 2, 3][..]));
    }
}
