//! Whole frames through AF_XDP: before the kernel's stack sees them, into memory that is ours.
//!
//! An XDP program, assembled for the port's [`Flows`], sends them to a socket a receive queue; what
//! is for others goes on to the kernel. The program is attached by a BPF link, so it goes when the
//! process does. *Native* runs it in the driver, *generic* behind it with any driver; *zero-copy*
//! lets the device write to our memory, else the kernel copies. Which of them it became is part of
//! the [`XdpReport`].

#[allow(unsafe_code)]
mod bpf;
mod program;
#[allow(unsafe_code)]
mod rings;

use crate::flows::Flows;
use crate::interface::Interface;
use crate::{NetError, clock, sys};
use rings::{Refused, Rings, Sizes};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;
use tercel_types::{Frame, FrameSink, FrameSource, Nanos, PortError};

/// Bytes in front of a payload that an MTU counts: Ethernet header and two VLAN tags.
const LINK_MAX: usize = 14 + 8;
/// What XDP keeps free in front of a frame (XDP_PACKET_HEADROOM) and a driver behind it
/// (`struct skb_shared_info`).
const HEADROOM: usize = 256;
const TAILROOM: usize = 320;
/// A frame and its rooms must fit a page.
const MTU_MAX: usize = 4_096 - HEADROOM - TAILROOM - LINK_MAX;

/// `linux/if_link.h`.
const XDP_FLAGS_SKB_MODE: u32 = 1 << 1;
const XDP_FLAGS_DRV_MODE: u32 = 1 << 2;
const XDP_OPTIONS_ZEROCOPY: u32 = 1;

/// `asm-generic/socket.h`, kernel 5.11.
const SO_PREFER_BUSY_POLL: libc::c_int = 69;
const SO_BUSY_POLL_BUDGET: libc::c_int = 70;

/// A queue, and an interface, stay taken for a moment after a process that had them has died.
const TRIES: usize = 50;
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// Where the XDP program runs.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Attach {
    /// In the driver if it can, else behind it.
    #[default]
    Auto,
    /// In the driver.
    Native,
    /// Behind the driver; works with every one.
    Generic,
}

/// Whether the device writes to our memory.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Copying {
    /// Zero-copy if the driver can, else copies.
    #[default]
    Auto,
    /// Zero-copy.
    Zero,
    /// The kernel copies.
    Copy,
}

/// Polling that drives the device on this thread instead of on its interrupts (kernel 5.11). Worth
/// it on a real device with interrupts put off (`napi_defer_hard_irqs`, `gro_flush_timeout`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BusyPoll {
    /// Longest a look may take, microseconds.
    pub micros: u32,
    /// Most frames a look takes from the device.
    pub budget: u32,
}

/// What to receive, and how.
#[derive(Clone, Debug)]
pub struct XdpConfig {
    /// Name of the interface.
    pub interface: String,
    /// What the program takes.
    pub flows: Flows,
    /// Receive queues to take from; none for all of them. What arrives on others passes by.
    pub queues: Vec<u32>,
    /// Chunks each way and queue, a power of two.
    pub frames: u32,
    /// Where the program runs.
    pub attach: Attach,
    /// Who copies.
    pub copying: Copying,
    /// Drive the device.
    pub busy_poll: Option<BusyPoll>,
    /// Keep the frames in huge pages.
    pub huge_pages: bool,
}

impl XdpConfig {
    /// Every queue, 4,096 frames, and the best of what driver and kernel offer.
    pub fn new(interface: &str, flows: Flows) -> XdpConfig {
        XdpConfig {
            interface: interface.to_string(),
            flows,
            queues: Vec::new(),
            frames: 4_096,
            attach: Attach::Auto,
            copying: Copying::Auto,
            busy_poll: None,
            huge_pages: false,
        }
    }
}

/// What it became, and what was counted since.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct XdpReport {
    /// The program runs in the driver.
    pub native: bool,
    /// The device writes to our memory, on every queue.
    pub zero_copy: bool,
    /// Queues taken from.
    pub queues: usize,
    /// Frames handed out.
    pub frames: u64,
    /// Frames that found the receive ring full.
    pub ring_full: u64,
    /// Frames that found no chunk to go to.
    pub no_chunk: u64,
    /// Frames dropped for other reasons, length among them.
    pub dropped: u64,
    /// Frames sent.
    pub sent: u64,
    /// Kicks that the kernel refused; the frame stays and goes with the next.
    pub send_errors: u64,
    /// Frames that the kernel found invalid.
    pub send_invalid: u64,
}

/// AF_XDP sockets as one port, both ways; it sends by its first queue.
pub struct XdpPort {
    /// Detaches the program when dropped, before the sockets close.
    _link: OwnedFd,
    _program: OwnedFd,
    _map: OwnedFd,
    queues: Vec<Rings>,
    first: usize,
    interface: Interface,
    mac: [u8; 6],
    frame_max: usize,
    received: Nanos,
    report: XdpReport,
}

impl XdpPort {
    /// Opens it. Attaching in native mode may take a real link down for a second.
    pub fn open(config: &XdpConfig) -> Result<XdpPort, NetError> {
        let interface = Interface::open(&config.interface)?;
        let mtu = interface.mtu()?;
        check(config, mtu)?;
        let available = interface.receive_queues();
        let numbers: Vec<u32> =
            if config.queues.is_empty() { (0..available).collect() } else { config.queues.clone() };
        if let Some(&queue) = numbers.iter().find(|queue| **queue >= available) {
            let interface = config.interface.clone();
            return Err(NetError::NoQueue { interface, queue, queues: available });
        }
        let map = bpf::socket_map(available)
            .map_err(NetError::capable("make a BPF map", "CAP_BPF and CAP_NET_ADMIN"))?;
        let code = program::assemble(&config.flows, map.as_raw_fd(), program::XDP_PASS);
        let program = bpf::load_xdp(&code).map_err(|(error, _)| {
            NetError::capable("load an XDP program", "CAP_BPF and CAP_NET_ADMIN")(error)
        })?;
        // The short chunk where a frame and its headroom fit.
        let chunk = if mtu + LINK_MAX + HEADROOM <= 2_048 { 2_048 } else { 4_096 };
        let sizes = Sizes { frames: config.frames, chunk, huge_pages: config.huge_pages };
        let mut report = XdpReport { zero_copy: true, ..XdpReport::default() };
        let mut queues = Vec::with_capacity(numbers.len());
        for queue in numbers {
            let rings = open_queue(config, &interface, sizes, queue)?;
            bpf::set_socket(&map, queue, &rings.socket)
                .map_err(NetError::system("put a socket into the XDP program's map"))?;
            report.zero_copy &= is_zero_copy(&rings);
            queues.push(rings);
        }
        report.queues = queues.len();
        let (link, native) = attach(config, &program, &interface)?;
        report.native = native;
        Ok(XdpPort {
            _link: link,
            _program: program,
            _map: map,
            queues,
            first: 0,
            mac: interface.mac()?,
            interface,
            frame_max: mtu + LINK_MAX,
            received: Nanos(0),
            report,
        })
    }

    /// Hardware address of the interface.
    pub fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// The interface.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// What it became and what was counted. Asks the kernel, so not for the hot path.
    pub fn report(&self) -> XdpReport {
        let mut report = self.report;
        for rings in &self.queues {
            // struct xdp_statistics: dropped, invalid received, invalid sent, ring full, fill ring
            // empty, transmit ring empty.
            let statistics =
                sys::option_words::<6>(&rings.socket, libc::SOL_XDP, libc::XDP_STATISTICS);
            if let Ok([dropped, _, invalid, full, no_chunk, _]) = statistics {
                report.dropped += dropped;
                report.send_invalid += invalid;
                report.ring_full += full;
                report.no_chunk += no_chunk;
            }
        }
        report
    }
}

fn check(config: &XdpConfig, mtu: usize) -> Result<(), NetError> {
    let frames = config.frames;
    if !(64..=1 << 20).contains(&frames) || !frames.is_power_of_two() {
        let allowed = "a power of two from 64 to 1048576";
        return Err(NetError::OutOfRange { what: "AF_XDP frames", value: frames.into(), allowed });
    }
    config.flows.check()?;
    if mtu > MTU_MAX {
        let interface = config.interface.clone();
        return Err(NetError::MtuTooLong { interface, mtu, path: "af_xdp", max: MTU_MAX });
    }
    Ok(())
}

fn open_queue(
    config: &XdpConfig,
    interface: &Interface,
    sizes: Sizes,
    queue: u32,
) -> Result<Rings, NetError> {
    let what = "open an AF_XDP socket";
    let socket = sys::socket(libc::AF_XDP, libc::SOCK_RAW, 0).map_err(|error| {
        match error.raw_os_error() {
            Some(libc::EAFNOSUPPORT) => NetError::NoAfXdp,
            _ => NetError::capable(what, "CAP_NET_RAW")(error),
        }
    })?;
    let mib = sizes.bytes() >> 20;
    let mut rings = Rings::new(socket, sizes).map_err(|refused| match refused {
        Refused::Memory(_) if config.huge_pages => NetError::NoHugePages { mib },
        // The limit of locked memory (`ulimit -l`).
        Refused::Register(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
            NetError::LockedMemory { mib }
        }
        Refused::Memory(source) | Refused::Register(source) | Refused::Rings(source) => {
            NetError::System { what: "set up AF_XDP memory and rings", source }
        }
    })?;
    if let Some(busy) = config.busy_poll {
        let level = libc::SOL_SOCKET;
        let number = |value: u32| libc::c_int::try_from(value).unwrap_or(libc::c_int::MAX);
        sys::set_option(&rings.socket, level, SO_PREFER_BUSY_POLL, 1)
            .and_then(|()| {
                sys::set_option(&rings.socket, level, libc::SO_BUSY_POLL, number(busy.micros))
            })
            .and_then(|()| {
                sys::set_option(&rings.socket, level, SO_BUSY_POLL_BUDGET, number(busy.budget))
            })
            .map_err(NetError::capable("set busy polling", "CAP_NET_ADMIN"))?;
        rings.busy_poll();
    }
    let copying = match config.copying {
        Copying::Auto => 0,
        Copying::Zero => libc::XDP_ZEROCOPY,
        Copying::Copy => libc::XDP_COPY,
    };
    let name = libc::sockaddr_xdp {
        sxdp_family: libc::AF_XDP as u16,
        sxdp_flags: copying | libc::XDP_USE_NEED_WAKEUP,
        sxdp_ifindex: interface.index(),
        sxdp_queue_id: queue,
        sxdp_shared_umem_fd: 0,
    };
    let name_of = || config.interface.clone();
    patiently(libc::EBUSY, || sys::bind_raw(&rings.socket, &name)).map_err(|error| match error
        .raw_os_error()
    {
        Some(libc::EBUSY) => NetError::QueueInUse { interface: name_of(), queue },
        Some(libc::EOPNOTSUPP | libc::EINVAL) if config.copying == Copying::Zero => {
            NetError::NoZeroCopy(name_of())
        }
        _ => NetError::System { what: "bind an AF_XDP socket", source: error },
    })?;
    Ok(rings)
}

fn is_zero_copy(rings: &Rings) -> bool {
    let options = sys::option_words::<1>(&rings.socket, libc::SOL_XDP, libc::XDP_OPTIONS);
    // struct xdp_options is one 32-bit word, the first of what came back.
    options.is_ok_and(|[words]| {
        let [a, b, c, d, ..] = words.to_ne_bytes();
        u32::from_ne_bytes([a, b, c, d]) & XDP_OPTIONS_ZEROCOPY != 0
    })
}

/// Attaches the program where the configuration wants it; `true` for native.
fn attach(
    config: &XdpConfig,
    program: &OwnedFd,
    interface: &Interface,
) -> Result<(OwnedFd, bool), NetError> {
    let try_mode = |mode| patiently(libc::EBUSY, || bpf::attach(program, interface.index(), mode));
    let native = match config.attach {
        Attach::Generic => None,
        Attach::Native | Attach::Auto => Some(try_mode(XDP_FLAGS_DRV_MODE)),
    };
    let explain = |mode, source: io::Error| match source.raw_os_error() {
        Some(libc::EBUSY | libc::EEXIST) => NetError::XdpInUse(config.interface.clone()),
        Some(libc::EPERM) => NetError::Capability {
            what: "attach an XDP program",
            capability: "CAP_BPF and CAP_NET_ADMIN",
        },
        _ => {
            let interface = config.interface.clone();
            NetError::XdpMode { interface, mode, max: MTU_MAX, source }
        }
    };
    match native {
        Some(Ok(link)) => Ok((link, true)),
        Some(Err(error)) if config.attach == Attach::Native => Err(explain("native", error)),
        _ => match try_mode(XDP_FLAGS_SKB_MODE) {
            Ok(link) => Ok((link, false)),
            Err(error) => Err(explain("generic", error)),
        },
    }
}

/// Tries again for a second while the answer is `busy`.
fn patiently<T>(busy: i32, mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 1..TRIES {
        match attempt() {
            Err(error) if error.raw_os_error() == Some(busy) => std::thread::sleep(TRY_AGAIN),
            done => return done,
        }
    }
    attempt()
}

impl FrameSource for XdpPort {
    /// Frames come without a stamp of their own; the time is that of the poll.
    fn poll(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        let XdpPort { queues, first, received, report, .. } = self;
        let mut given = 0;
        let (before, after) = queues.split_at_mut(*first);
        for rings in after.iter_mut().chain(before) {
            let mut stamped = false;
            given += rings.receive(max - given, |bytes| {
                if !stamped {
                    stamped = true;
                    *received = Nanos(clock::realtime()).max(*received);
                }
                each(Frame { bytes, received: *received });
            });
        }
        *first = (*first + 1) % queues.len();
        report.frames += given as u64;
        Ok(given)
    }
}

impl FrameSink for XdpPort {
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        if len > self.frame_max {
            return None;
        }
        self.queues[0].reserve(len)
    }

    /// `System(EINVAL)` when nothing was reserved. A frame that the kernel does not take now stays
    /// in the ring and goes with the next, and is counted.
    fn commit(&mut self) -> Result<(), PortError> {
        if !self.queues[0].submit() {
            return Err(PortError::System(libc::EINVAL));
        }
        self.report.sent += 1;
        self.report.send_errors += u64::from(self.queues[0].kick().is_err());
        Ok(())
    }
}
