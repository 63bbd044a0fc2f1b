//! The system calls that std does not wrap. The only unsafe file of this crate.
//!
//! Every function is safe to call: it takes slices and borrowed descriptors, and the pointers it
//! gives to the kernel live for the call only.

use libc::{c_int, c_void, socklen_t};
use std::io;
use std::mem::{MaybeUninit, size_of};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use tercel_types::Nanos;

/// Most datagrams one call receives: at 32 the call itself costs little beside the copies.
pub(crate) const BATCH: usize = 32;

/// Room for a time stamp (32 bytes), a drop count (24) and a packet-info (32), as 64-bit words.
const CONTROL_WORDS: usize = 12;

/// What the kernel says about one received datagram.
#[derive(Clone, Copy)]
pub(crate) struct Received {
    pub(crate) len: usize,
    /// The datagram was longer than its buffer.
    pub(crate) truncated: bool,
    pub(crate) source: SocketAddrV4,
    /// Where it was sent to, when asked for by `IP_PKTINFO`.
    pub(crate) destination: Option<Ipv4Addr>,
    /// `SO_TIMESTAMPNS`.
    pub(crate) stamp: Option<Nanos>,
    /// `SO_RXQ_OVFL`: datagrams this socket has dropped so far, modulo 2^32.
    pub(crate) drops: Option<u32>,
}

impl Received {
    pub(crate) const NONE: Received = Received {
        len: 0,
        truncated: false,
        source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
        destination: None,
        stamp: None,
        drops: None,
    };
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A non-blocking UDP socket bound to `address`, shared with others where `reuse` is set.
pub(crate) fn udp_socket(address: SocketAddrV4, reuse: bool) -> io::Result<UdpSocket> {
    let socket = any_socket()?;
    if reuse {
        set_option(&socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    }
    let name = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: address.port().to_be(),
        sin_addr: in_addr(*address.ip()),
        sin_zero: [0; 8],
    };
    bind_raw(&socket, &name)?;
    Ok(socket)
}

/// setsockopt(2) of an integer option.
pub(crate) fn set_option(
    socket: &impl AsRawFd,
    level: c_int,
    option: c_int,
    value: c_int,
) -> io::Result<()> {
    set_raw(socket, level, option, &value)
}

/// The interface that multicast leaves by.
pub(crate) fn set_multicast_interface(socket: &UdpSocket, interface: Ipv4Addr) -> io::Result<()> {
    set_raw(socket, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, &in_addr(interface))
}

/// setsockopt(2) of an option whose value is a plain structure of the kernel's headers.
pub(crate) fn set_raw<T: Copy>(
    socket: &impl AsRawFd,
    level: c_int,
    option: c_int,
    value: &T,
) -> io::Result<()> {
    // SAFETY: `value` is a reference, so it is readable for `size_of::<T>()` bytes during the call.
    check(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            std::ptr::from_ref(value).cast::<c_void>(),
            size_of::<T>() as socklen_t,
        )
    })
    .map(drop)
}

/// getsockopt(2) of an integer option.
pub(crate) fn option(socket: &impl AsRawFd, level: c_int, option: c_int) -> io::Result<c_int> {
    let mut value: c_int = 0;
    let mut len = size_of::<c_int>() as socklen_t;
    // SAFETY: `value` and `len` are live locals, and `len` says how large `value` is.
    check(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw mut value).cast::<c_void>(),
            &raw mut len,
        )
    })?;
    Ok(value)
}

/// Receives up to `max` waiting datagrams, at most [`BATCH`], the one with index `i` to
/// `buffers[i * slot + offset..(i + 1) * slot]`. Zero when none waits.
///
/// The message headers are built on the stack for each call, so that nothing keeps a pointer
/// between calls: an empty poll with 32 of them takes 642 ns, with one 634 ns, all but the system
/// call.
pub(crate) fn receive(
    socket: &UdpSocket,
    max: usize,
    buffers: &mut [u8],
    slot: usize,
    offset: usize,
    out: &mut [Received; BATCH],
) -> io::Result<usize> {
    let mut names = [const { MaybeUninit::<libc::sockaddr_in>::zeroed() }; BATCH];
    let mut control = [const { MaybeUninit::<[u64; CONTROL_WORDS]>::uninit() }; BATCH];
    let mut vectors = [const { MaybeUninit::<libc::iovec>::uninit() }; BATCH];
    let mut messages = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; BATCH];
    let mut count = 0;
    for buffer in buffers.chunks_exact_mut(slot).take(max.min(BATCH)) {
        let Some(space) = buffer.get_mut(offset..) else { break };
        vectors[count].write(libc::iovec {
            iov_base: space.as_mut_ptr().cast::<c_void>(),
            iov_len: space.len(),
        });
        // SAFETY: a msghdr of zero bytes is a valid value: null pointers and zero lengths.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        header.msg_name = names[count].as_mut_ptr().cast::<c_void>();
        header.msg_namelen = size_of::<libc::sockaddr_in>() as socklen_t;
        header.msg_iov = vectors[count].as_mut_ptr();
        header.msg_iovlen = 1;
        header.msg_control = control[count].as_mut_ptr().cast::<c_void>();
        header.msg_controllen = size_of::<[u64; CONTROL_WORDS]>() as _;
        messages[count].write(libc::mmsghdr { msg_hdr: header, msg_len: 0 });
        count += 1;
    }
    // SAFETY: the first `count` headers are written above; each points to its own name, control
    // words and buffer, all of which outlive the call and are touched by nobody else meanwhile.
    let got = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            messages.as_mut_ptr().cast::<libc::mmsghdr>(),
            count as libc::c_uint,
            libc::MSG_DONTWAIT as _,
            std::ptr::null_mut(),
        )
    };
    let got = match check(got) {
        Ok(got) => got as usize,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
        Err(error) => return Err(error),
    };
    for (i, received) in out.iter_mut().enumerate().take(got) {
        // SAFETY: `got <= count`, so header and name `i` were initialised above (the name by
        // zeroing), and the kernel has since filled them; its control words are still alive.
        *received = unsafe { describe(messages[i].assume_init_ref(), names[i].assume_init_ref()) };
    }
    Ok(got)
}

/// # Safety
/// `message` must have been filled by recvmmsg, and the buffer of its control messages be alive.
unsafe fn describe(message: &libc::mmsghdr, name: &libc::sockaddr_in) -> Received {
    let header = &message.msg_hdr;
    let mut received = Received {
        len: message.msg_len as usize,
        truncated: header.msg_flags & libc::MSG_TRUNC != 0,
        source: SocketAddrV4::new(address(name.sin_addr), u16::from_be(name.sin_port)),
        ..Received::NONE
    };
    // SAFETY: the kernel has set msg_controllen to the bytes it wrote at msg_control, which is what
    // these macros walk; the data of a control message of a type has the size of that type, and
    // read_unaligned asks no alignment of it.
    unsafe {
        let mut control = libc::CMSG_FIRSTHDR(header);
        while let Some(entry) = control.as_ref() {
            let data = libc::CMSG_DATA(control);
            match (entry.cmsg_level, entry.cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                    let time = data.cast::<libc::timespec>().read_unaligned();
                    received.stamp = nanos(&time);
                }
                (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => {
                    received.drops = Some(data.cast::<u32>().read_unaligned());
                }
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let info = data.cast::<libc::in_pktinfo>().read_unaligned();
                    received.destination = Some(address(info.ipi_addr));
                }
                _ => {}
            }
            control = libc::CMSG_NXTHDR(header, control);
        }
    }
    received
}

fn nanos(time: &libc::timespec) -> Option<Nanos> {
    let seconds = u64::try_from(time.tv_sec).ok()?;
    Some(Nanos(seconds.checked_mul(1_000_000_000)?.checked_add(time.tv_nsec as u64)?))
}

fn in_addr(ip: Ipv4Addr) -> libc::in_addr {
    libc::in_addr { s_addr: u32::from_ne_bytes(ip.octets()) }
}

fn address(ip: libc::in_addr) -> Ipv4Addr {
    Ipv4Addr::from(ip.s_addr.to_ne_bytes())
}

/// The cores that the calling thread may run on, ascending.
pub(crate) fn cores() -> io::Result<Vec<usize>> {
    // SAFETY: a cpu_set_t is an array of integers, for which zero is a value.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is a live local of the size given; thread 0 is the caller.
    check(unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) })?;
    let all = 0..8 * size_of::<libc::cpu_set_t>();
    // SAFETY: CPU_ISSET only reads a bit of `set`, and `core` is below its number of bits.
    Ok(all.filter(|&core| unsafe { libc::CPU_ISSET(core, &set) }).collect())
}

/// Lets the calling thread run on these cores only.
pub(crate) fn pin(cores: &[usize]) -> io::Result<()> {
    if cores.iter().any(|core| *core >= 8 * size_of::<libc::cpu_set_t>()) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: as in `cores`.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for core in cores {
        // SAFETY: `core` is below the number of bits of `set`, which was checked above.
        unsafe { libc::CPU_SET(*core, &mut set) };
    }
    // SAFETY: `set` is a live local of the size given; thread 0 is the caller.
    check(unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) })
        .map(drop)
}

/// Keeps every page of the process, now and later, in memory.
pub(crate) fn lock_memory() -> io::Result<()> {
    // ONFAULT: the books reserve far more than a day touches, and only what is touched is to stay.
    let flags = libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT;
    // SAFETY: mlockall(2) takes no pointer and changes no content of memory.
    check(unsafe { libc::mlockall(flags) }).map(drop)
}

/// Undoes [`lock_memory`].
pub(crate) fn unlock_memory() -> io::Result<()> {
    // SAFETY: munlockall(2) takes no argument and changes no content of memory.
    check(unsafe { libc::munlockall() }).map(drop)
}

/// Gives the calling thread the scheduling policy SCHED_FIFO, with a priority of 1 to 99.
pub(crate) fn schedule_fifo(priority: c_int) -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: priority };
    // SAFETY: `parameters` is a live local; thread 0 is the caller.
    check(unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) }).map(drop)
}

/// A UDP socket that is bound to nothing: something to ask an interface or hold a membership with.
pub(crate) fn any_socket() -> io::Result<UdpSocket> {
    socket(libc::AF_INET, libc::SOCK_DGRAM, 0).map(UdpSocket::from)
}

/// Joins a group on the interface with this number.
pub(crate) fn join_by_index(socket: &UdpSocket, group: Ipv4Addr, index: u32) -> io::Result<()> {
    let request = libc::ip_mreqn {
        imr_multiaddr: in_addr(group),
        imr_address: in_addr(Ipv4Addr::UNSPECIFIED),
        imr_ifindex: c_int::try_from(index).unwrap_or(c_int::MAX),
    };
    set_raw(socket, libc::IPPROTO_IP, libc::IP_ADD_MEMBERSHIP, &request)
}

/// `struct ifreq` (netdevice(7)): the name, then a union of 24 bytes.
#[repr(C, align(8))]
struct InterfaceRequest {
    name: [u8; 16],
    data: [u8; 24],
}

impl InterfaceRequest {
    fn new(name: &str) -> InterfaceRequest {
        let mut bytes = [0; 16];
        for (to, from) in bytes[..15].iter_mut().zip(name.bytes()) {
            *to = from;
        }
        InterfaceRequest { name: bytes, data: [0; 24] }
    }
}

/// One of the SIOCGIF requests that fill the union and read nothing from it.
pub(crate) fn interface_request(
    socket: &UdpSocket,
    what: libc::c_ulong,
    name: &str,
) -> io::Result<[u8; 24]> {
    let mut request = InterfaceRequest::new(name);
    // SAFETY: `request` has the size and alignment of an ifreq and outlives the call; the SIOCGIF
    // requests write nothing but it.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), what as _, &raw mut request) })?;
    Ok(request.data)
}

/// A request of ethtool(8) whose structure consists of 32-bit words, the first of them the command.
pub(crate) fn ethtool<const N: usize>(
    socket: &UdpSocket,
    name: &str,
    words: &mut [u32; N],
) -> io::Result<()> {
    let mut request = InterfaceRequest::new(name);
    let pointer = words.as_mut_ptr() as usize;
    request.data[..size_of::<usize>()].copy_from_slice(&pointer.to_ne_bytes());
    // SAFETY: as in `interface_request`; the union holds a pointer to `words`, which outlives the
    // call, and the callers' commands have structures of just as many words.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut request) })
        .map(drop)
}

/// A non-blocking socket of any family.
pub(crate) fn socket(family: c_int, kind: c_int, protocol: c_int) -> io::Result<OwnedFd> {
    let kind = kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: socket(2) takes no pointer.
    let fd = check(unsafe { libc::socket(family, kind, protocol) })?;
    // SAFETY: the kernel has just given this descriptor to us and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// bind(2) to a name that is a plain structure of the kernel's headers.
pub(crate) fn bind_raw<T: Copy>(socket: &impl AsRawFd, name: &T) -> io::Result<()> {
    // SAFETY: `name` is a reference, so it is readable for `size_of::<T>()` bytes during the call.
    check(unsafe {
        libc::bind(
            socket.as_raw_fd(),
            std::ptr::from_ref(name).cast::<libc::sockaddr>(),
            size_of::<T>() as socklen_t,
        )
    })
    .map(drop)
}

/// getsockopt(2) of an option that fills a structure of integers, of which any bytes are a value.
pub(crate) fn option_words<const N: usize>(
    socket: &impl AsRawFd,
    level: c_int,
    option: c_int,
) -> io::Result<[u64; N]> {
    let mut words = [0; N];
    let mut len = size_of::<[u64; N]>() as socklen_t;
    // SAFETY: `words` and `len` are live locals, and `len` says how large `words` is.
    check(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            option,
            words.as_mut_ptr().cast::<c_void>(),
            &raw mut len,
        )
    })?;
    Ok(words)
}

/// Tells the kernel to send what stands in a ring that it shares with us; never waits.
pub(crate) fn kick_transmit(socket: &impl AsRawFd) -> io::Result<()> {
    let flags = libc::MSG_DONTWAIT;
    // SAFETY: a null buffer of no bytes and no address: nothing is read.
    let sent = unsafe {
        libc::sendto(socket.as_raw_fd(), std::ptr::null(), 0, flags, std::ptr::null(), 0)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sends a whole frame by a bound packet socket; never waits.
pub(crate) fn send(socket: &impl AsRawFd, frame: &[u8]) -> io::Result<()> {
    let (flags, bytes) = (libc::MSG_DONTWAIT, frame.as_ptr().cast::<c_void>());
    // SAFETY: `frame` is a reference, so it is readable for its length during the call.
    let sent = unsafe { libc::send(socket.as_raw_fd(), bytes, frame.len(), flags) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Tells the kernel to look at a receive ring that it shares with us; never waits.
pub(crate) fn kick_receive(socket: &impl AsRawFd) {
    let flags = libc::MSG_DONTWAIT;
    let null = std::ptr::null_mut();
    // SAFETY: a null buffer of no bytes and no address: nothing is written. What it returns says
    // only whether there was something to do.
    unsafe { libc::recvfrom(socket.as_raw_fd(), null, 0, flags, null.cast(), null.cast()) };
}

/// Gives a packet socket a classic BPF program (socket(7), SO_ATTACH_FILTER).
pub(crate) fn attach_filter(
    socket: &impl AsRawFd,
    program: &[libc::sock_filter],
) -> io::Result<()> {
    let program = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?,
        // The kernel only reads it, and copies it before the call returns.
        filter: program.as_ptr().cast_mut(),
    };
    set_raw(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}
