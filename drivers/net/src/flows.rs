//! What a port beside the kernel's stack takes: some flows and no other frame.
//!
//! The same rule is written three times: here in the open, as a classic BPF program for packet
//! sockets ([`crate::packet`]), and as an XDP program ([`crate::xdp`]). Tests run the programs in
//! the kernel against [`Flows::matches`].

use crate::NetError;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Most UDP destinations of one port.
pub const UDP_MAX: usize = 64;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
/// 802.1Q and 802.1ad.
const ETHERTYPE_VLAN: [u16; 2] = [0x8100, 0x88a8];
/// Most tags in front of a packet.
const TAGS_MAX: usize = 2;

/// What a port takes. Frames with up to two VLAN tags count as the packet in them; fragments and
/// packets with IP options are left to the kernel.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Flows {
    /// Destinations of UDP datagrams: the groups of a feed, at most [`UDP_MAX`].
    pub udp: Vec<SocketAddrV4>,
    /// An order session.
    pub session: Option<SessionFlow>,
}

/// A TCP session whose end here has an IP address of its own, which the kernel does not have: TCP
/// from the peer to that address, and ARP that asks for it or answers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionFlow {
    /// The address of its own.
    pub local: Ipv4Addr,
    /// The venue.
    pub peer: SocketAddrV4,
}

impl Flows {
    /// Refuses none, and more than there is room for.
    pub(crate) fn check(&self) -> Result<(), NetError> {
        let groups = self.udp.len();
        if groups == 0 && self.session.is_none() {
            return Err(NetError::NoGroups);
        }
        if groups > UDP_MAX {
            let (value, allowed) = (groups as u64, "64 at most");
            return Err(NetError::OutOfRange { what: "groups of one port", value, allowed });
        }
        Ok(())
    }

    /// Whether a frame is one of these.
    pub fn matches(&self, frame: &[u8]) -> bool {
        self.matched(frame).unwrap_or(false)
    }

    fn matched(&self, frame: &[u8]) -> Option<bool> {
        let mut packet = frame.get(14..)?;
        let mut ethertype = word(frame, 12)?;
        for _ in 0..TAGS_MAX {
            if ETHERTYPE_VLAN.contains(&ethertype) {
                ethertype = word(packet, 2)?;
                packet = packet.get(4..)?;
            }
        }
        match ethertype {
            ETHERTYPE_IPV4 => self.matched_ip(packet),
            ETHERTYPE_ARP => {
                let target = address(packet, 24)?;
                Some(self.session.is_some_and(|session| session.local == target))
            }
            _ => Some(false),
        }
    }

    fn matched_ip(&self, packet: &[u8]) -> Option<bool> {
        let ports = packet.get(20..24)?;
        let plain = packet[0] == 0x45 && word(packet, 6)? & 0x3fff == 0;
        if !plain {
            return Some(false);
        }
        let from = SocketAddrV4::new(address(packet, 12)?, word(ports, 0)?);
        let to = SocketAddrV4::new(address(packet, 16)?, word(ports, 2)?);
        match i32::from(packet[9]) {
            libc::IPPROTO_UDP => Some(self.udp.contains(&to)),
            libc::IPPROTO_TCP => Some(
                self.session
                    .is_some_and(|session| session.peer == from && session.local == *to.ip()),
            ),
            _ => Some(false),
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn address(bytes: &[u8], at: usize) -> Option<Ipv4Addr> {
    let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(octets.into())
}

/// Frames near what a port takes, for the tests of its programs.
#[cfg(test)]
pub(crate) mod near {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn flows() -> Flows {
        Flows {
            udp: vec!["239.192.1.1:31001".parse().unwrap(), "10.1.1.2:7".parse().unwrap()],
            session: Some(SessionFlow {
                local: "10.77.3.9".parse().unwrap(),
                peer: "10.77.3.1:31005".parse().unwrap(),
            }),
        }
    }

    /// A frame in which each field is right or, less often, something else, cut anywhere.
    pub(crate) fn frames() -> impl Strategy<Value = Vec<u8>> {
        let ethertype = prop_oneof![6 => Just(0x0800_u16), 2 => Just(0x0806), 1 => any::<u16>()];
        let tags = proptest::collection::vec(
            prop_oneof![3 => Just(0x8100_u16), 3 => Just(0x88a8), 1 => any::<u16>()],
            0..4,
        );
        let first = prop_oneof![8 => Just(0x45_u8), 1 => any::<u8>()];
        let flags = prop_oneof![4 => Just(0x4000_u16), 2 => Just(0_u16), 1 => any::<u16>()];
        let protocol = prop_oneof![4 => Just(17_u8), 4 => Just(6), 1 => any::<u8>()];
        let host = prop_oneof![
            Just([239, 192, 1, 1]),
            Just([10, 1, 1, 2]),
            Just([10, 77, 3, 9]),
            Just([10, 77, 3, 1]),
            any::<[u8; 4]>()
        ];
        let port = prop_oneof![Just(31_001_u16), Just(7), Just(31_005), any::<u16>()];
        let ip = (first, flags, protocol, host.clone(), host.clone(), port.clone(), port);
        (tags, ethertype, ip, host, 0..120_usize).prop_map(|(tags, ethertype, ip, target, len)| {
            let (first, flags, protocol, source, destination, from, to) = ip;
            let mut frame = vec![2; 12];
            for tag in tags {
                frame.extend(tag.to_be_bytes());
                frame.extend([0, 5]);
            }
            frame.extend(ethertype.to_be_bytes());
            let mut packet = [0; 40];
            if ethertype == 0x0806 {
                packet[24..28].copy_from_slice(&target);
            } else {
                packet[0] = first;
                packet[6..8].copy_from_slice(&flags.to_be_bytes());
                packet[9] = protocol;
                packet[12..16].copy_from_slice(&source);
                packet[16..20].copy_from_slice(&destination);
                packet[20..22].copy_from_slice(&from.to_be_bytes());
                packet[22..24].copy_from_slice(&to.to_be_bytes());
            }
            frame.extend(packet);
            frame.truncate(len.max(14));
            frame
        })
    }
}

#[cfg(test)]
mod tests {
    use super::near::flows;
    use super::*;

    fn udp(tags: &[u16], to: SocketAddrV4) -> Vec<u8> {
        let from = "10.0.0.1:9".parse().unwrap();
        let mut frame = crate::headers::build(from, to, 0).to_vec();
        for tag in tags {
            let [a, b] = tag.to_be_bytes();
            frame.splice(12..12, [a, b, 0, 7]);
        }
        frame
    }

    #[test]
    fn a_group_is_taken_with_and_without_tags() {
        let (flows, other) = (flows(), "239.192.1.1:31002".parse().unwrap());
        for tags in [&[][..], &[0x8100], &[0x8100, 0x88a8]] {
            assert!(flows.matches(&udp(tags, flows.udp[0])));
            assert!(!flows.matches(&udp(tags, other)));
        }
        assert!(!flows.matches(&udp(&[0x8100; 3], flows.udp[0])));
        let whole = udp(&[], flows.udp[0]);
        assert!((0..38).all(|len| !flows.matches(&whole[..len])));
        assert!(!Flows::default().matches(&whole));
    }

    #[test]
    fn fragments_and_options_are_the_kernels() {
        let flows = flows();
        let mut frame = udp(&[], flows.udp[0]);
        frame[20] = 0x20;
        assert!(!flows.matches(&frame), "more fragments follow");
        let mut frame = udp(&[], flows.udp[0]);
        frame[14] = 0x46;
        assert!(!flows.matches(&frame), "options");
    }
}
