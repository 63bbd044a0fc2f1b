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
    /// No interface has the name.
    #[error("no interface is named `{0}`: `ip link` lists those there are")]
    NoInterface(String),
    /// The interface's frames are longer than the path carries.
    #[error(
        "{interface} has an MTU of {mtu}, and {path} carries {max} at most: \
         `ip link set dev {interface} mtu {max}`, or choose another path"
    )]
    MtuTooLong {
        /// The interface.
        interface: String,
        /// Its MTU.
        mtu: usize,
        /// The path by its name in the configuration.
        path: &'static str,
        /// The longest that it carries.
        max: usize,
    },
    /// A number of the configuration is out of range.
    #[error("{what} must be {allowed}, not {value}")]
    OutOfRange {
        /// What it is.
        what: &'static str,
        /// What it is here.
        value: u64,
        /// What it may be.
        allowed: &'static str,
    },
    /// The process lacks a capability.
    #[error("no permission to {what}: it needs {capability}; run as root or `setcap` the binary")]
    Capability {
        /// What was tried.
        what: &'static str,
        /// What it takes (capabilities(7)).
        capability: &'static str,
    },
    /// The kernel allows no more memberships a socket.
    #[error("too many multicast groups: raise `sysctl net.ipv4.igmp_max_memberships`")]
    TooManyGroups,
    /// Another XDP program has the interface.
    #[error(
        "{0} has an XDP program already: `ip link show dev {0}` names it, the program that put it \
         there should take it off, else `ip link set dev {0} xdp off`"
    )]
    XdpInUse(String),
    /// The driver cannot run XDP programs where it was asked to.
    #[error(
        "the driver of {interface} cannot run XDP programs in {mode} mode ({source}): \
         generic mode works with every driver; an MTU above {max} or GRO/LRO may stand in the way"
    )]
    XdpMode {
        /// The interface.
        interface: String,
        /// The mode asked for.
        mode: &'static str,
        /// The longest MTU that fits a page with the headroom that XDP takes.
        max: usize,
        /// The system's answer.
        source: io::Error,
    },
    /// The driver cannot share memory with the process.
    #[error(
        "the driver of {0} has no zero-copy on this queue: choose `copy` or `auto`; veth and \
         generic mode always copy"
    )]
    NoZeroCopy(String),
    /// A queue number that the interface does not have.
    #[error("{interface} has no receive queue {queue}: it has {queues}, counted from 0")]
    NoQueue {
        /// The interface.
        interface: String,
        /// The queue asked for.
        queue: u32,
        /// How many it has.
        queues: u32,
    },
    /// Another socket has the queue.
    #[error("queue {queue} of {interface} belongs to another AF_XDP socket: stop its program")]
    QueueInUse {
        /// The interface.
        interface: String,
        /// The queue.
        queue: u32,
    },
    /// Frame memory could not be locked.
    #[error(
        "{mib} MiB of frames cannot be locked in memory: raise `ulimit -l` (LimitMEMLOCK= in a \
         unit file), grant CAP_IPC_LOCK, or ask for fewer frames"
    )]
    LockedMemory {
        /// How much was asked for.
        mib: usize,
    },
    /// There are no huge pages.
    #[error(
        "{mib} MiB of huge pages of 2 MiB are not free: `sysctl vm.nr_hugepages` reserves them, or \
         leave huge_pages off"
    )]
    NoHugePages {
        /// How much was asked for.
        mib: usize,
    },
    /// The kernel has no AF_XDP.
    #[error("this kernel has no AF_XDP sockets (CONFIG_XDP_SOCKETS): use the path `packet`")]
    NoAfXdp,
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

    /// Wraps what the system says where a capability is what it takes.
    pub(crate) fn capable(
        what: &'static str,
        capability: &'static str,
    ) -> impl FnOnce(io::Error) -> NetError {
        move |source| match source.kind() {
            io::ErrorKind::PermissionDenied => NetError::Capability { what, capability },
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
