//! What the kernel drops below a virtual device.
//!
//! DPDK 22.11 asks a packet socket nothing, and an XDP socket only for some of it, so a ring that
//! is full would be seen nowhere. The device's socket is found among those of this process: it is
//! the one that was not there before the device was opened.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};

/// Options of linux/if_xdp.h and linux/if_packet.h.
const SOL_XDP: libc::c_int = 283;
const XDP_STATISTICS: libc::c_int = 7;
const PACKET_STATISTICS: libc::c_int = 6;
/// asm-generic/socket.h.
const SO_NETNS_COOKIE: libc::c_int = 71;

/// Frames that the kernel has dropped.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Dropped {
    /// For want of a free slot.
    pub(crate) missed: u64,
    /// For want of a free buffer.
    pub(crate) no_buffer: u64,
}

/// The socket below a device.
#[derive(Debug)]
pub(crate) struct Socket {
    socket: OwnedFd,
    family: libc::c_int,
    /// The kernel forgets a packet socket's count when it was read.
    before: AtomicU64,
}

/// The sockets of a family that this process has, by what the kernel calls them.
#[derive(Debug)]
pub(crate) struct Sockets {
    family: libc::c_int,
    known: HashSet<OsString>,
}

impl Sockets {
    /// Those there are before a device with this driver is opened, if it is one over sockets.
    pub(crate) fn of_driver(driver: Option<&str>) -> Option<Sockets> {
        let family = match driver? {
            "net_af_packet" => libc::AF_PACKET,
            "net_af_xdp" => libc::AF_XDP,
            _ => return None,
        };
        let known = sockets(family).into_iter().map(|(name, _)| name).collect();
        Some(Sockets { family, known })
    }

    /// The one that has come since. Nothing if there are several, because another thread has
    /// opened one of the family at the same time: which is ours cannot be told.
    pub(crate) fn new_one(&self) -> Option<Socket> {
        let mut new = sockets(self.family);
        new.retain(|(name, _)| !self.known.contains(name));
        let [(_, number)] = new[..] else { return None };
        // SAFETY: takes no pointer; the number may have been closed meanwhile, which is an error.
        let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 0) };
        if copy < 0 {
            return None;
        }
        // SAFETY: the kernel has just given this descriptor to us and nobody else knows it.
        let socket = unsafe { OwnedFd::from_raw_fd(copy) };
        // The number may stand for something else by now.
        let same = family(copy) == Some(self.family);
        same.then(|| Socket { socket, family: self.family, before: AtomicU64::new(0) })
    }
}

impl Socket {
    /// What was dropped since the device was opened.
    pub(crate) fn dropped(&self) -> Dropped {
        if self.family == libc::AF_PACKET {
            // struct tpacket_stats: received, dropped.
            let mut counts = [0_u32; 2];
            let new = match option(&self.socket, libc::SOL_PACKET, PACKET_STATISTICS, &mut counts) {
                true => u64::from(counts[1]),
                false => 0,
            };
            // Relaxed: a count that publishes nothing else.
            let missed = self.before.fetch_add(new, Ordering::Relaxed) + new;
            return Dropped { missed, no_buffer: 0 };
        }
        // struct xdp_statistics: dropped, which DPDK reports, invalid descriptors (2), ring full,
        // fill ring empty, transmit ring empty.
        let mut counts = [0_u64; 6];
        option(&self.socket, SOL_XDP, XDP_STATISTICS, &mut counts);
        Dropped { missed: counts[3], no_buffer: counts[4] }
    }
}

/// The sockets of a family: what the kernel calls them, and their numbers.
fn sockets(wanted: libc::c_int) -> Vec<(OsString, RawFd)> {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let sockets = entries.filter_map(|entry| {
        let number = entry.file_name().to_str()?.parse().ok()?;
        let name = fs::read_link(entry.path()).ok()?.into_os_string();
        (family(number) == Some(wanted)).then_some((name, number))
    });
    sockets.collect()
}

/// How many AF_XDP sockets of this process are in the network namespace of the calling thread;
/// none where the kernel does not tell.
pub(crate) fn own_xdp_sockets() -> u64 {
    let Ok(here) = std::net::UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0)) else {
        return 0;
    };
    let Some(namespace) = namespace(here.as_raw_fd()) else { return 0 };
    let mut own = sockets(libc::AF_XDP);
    own.retain(|(_, number)| self::namespace(*number) == Some(namespace));
    // A socket may have several numbers.
    own.into_iter().map(|(name, _)| name).collect::<HashSet<_>>().len() as u64
}

/// What the kernel calls the network namespace of a socket (SO_NETNS_COOKIE, kernel 5.14).
fn namespace(number: RawFd) -> Option<u64> {
    let mut value = 0_u64;
    let mut len = size_of::<u64>() as libc::socklen_t;
    // SAFETY: `value` and `len` are live locals, and `len` says how large `value` is.
    let result = unsafe {
        let to = (&raw mut value).cast();
        libc::getsockopt(number, libc::SOL_SOCKET, SO_NETNS_COOKIE, to, &raw mut len)
    };
    (result == 0).then_some(value)
}

/// The family of a socket; nothing if the number is none.
fn family(number: RawFd) -> Option<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `value` and `len` are live locals, and `len` says how large `value` is.
    let result = unsafe {
        libc::getsockopt(
            number,
            libc::SOL_SOCKET,
            libc::SO_DOMAIN,
            (&raw mut value).cast(),
            &raw mut len,
        )
    };
    (result == 0).then_some(value)
}

/// getsockopt(2) of an option that is an array of integers. Whether there was an answer.
fn option<T: Copy, const N: usize>(
    socket: &OwnedFd,
    level: libc::c_int,
    name: libc::c_int,
    value: &mut [T; N],
) -> bool {
    let mut len = size_of::<[T; N]>() as libc::socklen_t;
    // SAFETY: `value` is a live reference to integers, and `len` says how large it is.
    let result = unsafe {
        let to = value.as_mut_ptr().cast();
        libc::getsockopt(socket.as_raw_fd(), level, name, to, &raw mut len)
    };
    result == 0
}
