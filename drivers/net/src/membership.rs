//! Membership in multicast groups for ports beside the kernel's stack.
//!
//! A switch forwards a group to where someone has asked for it. The kernel asks, by IGMP, and
//! answers queries as long as a socket of its is a member; that socket never receives a byte.

use crate::interface::Interface;
use crate::{NetError, sys};
use std::net::{Ipv4Addr, UdpSocket};

/// Groups that an interface is a member of as long as this value lives.
#[derive(Debug)]
pub struct Membership {
    _socket: UdpSocket,
}

impl Membership {
    /// Joins those of `addresses` that are multicast groups.
    pub fn join(addresses: &[Ipv4Addr], interface: &str) -> Result<Membership, NetError> {
        let index = Interface::open(interface)?.index();
        // Not bound to a port, so no datagram is for it.
        let socket = sys::any_socket().map_err(NetError::system("open a socket"))?;
        for group in addresses.iter().filter(|address| address.is_multicast()) {
            sys::join_by_index(&socket, *group, index).map_err(|source| {
                match source.raw_os_error() {
                    // net.ipv4.igmp_max_memberships.
                    Some(libc::ENOBUFS) => NetError::TooManyGroups,
                    _ => NetError::System { what: "join a multicast group", source },
                }
            })?;
        }
        Ok(Membership { _socket: socket })
    }
}
