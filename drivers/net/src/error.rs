//! Why a port could not be opened, said so that the reader knows what to do.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

/// A port could not be opened or set up.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// Another socket holds the address.
    #[error("{0} is in use: stop the program that holds it (`ss -anp`) or choose another port")]
    AddressInUse(SocketAddrV4),
    /// The address belongs to no interface.
    #[error("no interface of this machine has the address {0}: `ip -4 addr` lists those there are")]
    NotLocal(Ipv4Addr),
    /// The interface that should receive or send multicast is not there or is down.
    #[error(
        "no interface with the address {interface} takes part in multicast for {group}: \
         `ip -4 addr` lists the interfaces"
    )]
    NoSuchInterface {
        /// Address of the interface that was asked for.
        interface: Ipv4Addr,
        /// The group that was to be joined or sent to.
        group: Ipv4Addr,
    },
    /// The kernel allows this only to privileged processes.
    #[error("no permission to {0}: run as root or choose a port of 1024 or above")]
    Permission(&'static str),
    /// There is no way to the peer.
    #[error("no route to {0}: check the address and `ip route`")]
    Unreachable(SocketAddrV4),
    /// The peer's machine answered that nothing listens there.
    #[error("nothing listens at {0}: is the venue running, and is the port right?")]
    Refused(SocketAddrV4),
    /// The peer did not answer in time.
    #[error("{address} did not answer within {ms} ms: check the address and firewalls on the way")]
    TimedOut {
        /// The peer.
        address: SocketAddrV4,
        /// How long was waited.
        ms: u128,
    },
    /// A source without addresses would never receive.
    #[error("no group or address to receive from: name at least one")]
    NoGroups,
    /// Anything else, as the system says it.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}

impl NetError {
    /// Wraps what the system says about opening or connecting `address`.
    pub(crate) fn of_address(
        what: &'static str,
        address: SocketAddrV4,
        source: io::Error,
    ) -> NetError {
        match source.kind() {
            io::ErrorKind::AddrInUse => NetError::AddressInUse(address),
            io::ErrorKind::AddrNotAvailable => NetError::NotLocal(*address.ip()),
            io::ErrorKind::PermissionDenied => NetError::Permission(what),
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                NetError::Unreachable(address)
            }
            io::ErrorKind::ConnectionRefused => NetError::Refused(address),
            _ => NetError::System { what, source },
        }
    }

    /// Wraps what the system says about a membership of `group` on `interface`.
    pub(crate) fn of_interface(
        what: &'static str,
        interface: Ipv4Addr,
        group: Ipv4Addr,
        source: io::Error,
    ) -> NetError {
        match source.raw_os_error() {
            Some(libc::ENODEV | libc::EADDRNOTAVAIL | libc::ENXIO | libc::ENETDOWN) => {
                NetError::NoSuchInterface { interface, group }
            }
            _ => NetError::System { what, source },
        }
    }

    /// Wraps what the system says where no address explains it.
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> NetError {
        move |source| match source.kind() {
            io::ErrorKind::PermissionDenied => NetError::Permission(what),
            _ => NetError::System { what, source },
        }
    }
}
