//! Whole frames through a packet socket, with CAP_NET_RAW alone.
//!
//! The kernel copies every frame that its filter lets through into a ring (TPACKET_V2) that we read
//! without a system call, and its own stack gets the frame too. Version 3 of the ring holds frames
//! back until a block is full or 0.5 ms old, so it is not used. Sending is one send(2) a frame,
//! past the queueing discipline. A transmit ring takes a system call a frame as well, and makes
//! packets of page fragments, which a receiver in native XDP mode has to copy once more.

mod filter;
#[allow(unsafe_code)]
mod ring;

use crate::flows::Flows;
use crate::interface::Interface;
use crate::{NetError, checksum, sys};
use ring::Ring;
use std::cell::Cell;
use std::os::fd::OwnedFd;
use tercel_types::{Frame, FrameSink, FrameSource, Nanos, PortError};

/// Ethernet header and two VLAN tags in front of the payload that an MTU counts.
const LINK_MAX: usize = 14 + 8;

/// What to receive, and where.
#[derive(Clone, Debug)]
pub struct PacketConfig {
    /// Name of the interface.
    pub interface: String,
    /// What passes the filter.
    pub flows: Flows,
    /// Frames that the receive ring holds, of 2 KiB each with an MTU of 1,500.
    pub slots: usize,
}

/// What was counted since the port was opened.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PacketReport {
    /// Frames handed out.
    pub frames: u64,
    /// Frames that the kernel dropped because the ring was full.
    pub dropped: u64,
    /// Frames longer than a slot, dropped here.
    pub oversized: u64,
    /// Frames sent.
    pub sent: u64,
    /// Frames that the kernel refused to send.
    pub send_errors: u64,
    /// Slots of the ring.
    pub slots: usize,
}

/// A packet socket as a port, both ways.
pub struct PacketPort {
    ring: Ring,
    socket: OwnedFd,
    interface: Interface,
    mac: [u8; 6],
    frame_max: usize,
    outgoing: Box<[u8]>,
    reserved: Option<usize>,
    received: Nanos,
    report: PacketReport,
    /// What the kernel has told of its drops, which it tells once.
    dropped: Cell<u64>,
}

impl PacketPort {
    /// Opens it. Frames before this are not seen.
    pub fn open(config: &PacketConfig) -> Result<PacketPort, NetError> {
        if !(16..=1 << 16).contains(&config.slots) {
            let (value, allowed) = (config.slots as u64, "16 to 65536");
            return Err(NetError::OutOfRange { what: "slots of a packet ring", value, allowed });
        }
        config.flows.check()?;
        let interface = Interface::open(&config.interface)?;
        let what = "open a packet socket";
        // Protocol 0: nothing is received before the filter is in place and the socket is bound.
        let socket = sys::socket(libc::AF_PACKET, libc::SOCK_RAW, 0)
            .map_err(NetError::capable(what, "CAP_NET_RAW"))?;
        sys::attach_filter(&socket, &filter::assemble(&config.flows))
            .map_err(NetError::system("attach a filter"))?;
        let version = libc::tpacket_versions::TPACKET_V2 as libc::c_int;
        let level = libc::SOL_PACKET;
        sys::set_option(&socket, level, libc::PACKET_VERSION, version)
            .and_then(|()| sys::set_option(&socket, level, libc::PACKET_IGNORE_OUTGOING, 1))
            .and_then(|()| sys::set_option(&socket, level, libc::PACKET_QDISC_BYPASS, 1))
            .map_err(NetError::system("set up a packet socket"))?;
        let frame_max = interface.mtu()? + LINK_MAX;
        let ring = Ring::new(&socket, config.slots, frame_max)
            .map_err(NetError::system("map the ring of a packet socket"))?;
        bind(&socket, &interface).map_err(NetError::system("bind a packet socket"))?;
        Ok(PacketPort {
            mac: interface.mac()?,
            report: PacketReport { slots: ring.slots(), ..PacketReport::default() },
            ring,
            socket,
            interface,
            frame_max,
            outgoing: vec![0; frame_max].into_boxed_slice(),
            reserved: None,
            received: Nanos(0),
            dropped: Cell::new(0),
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

    /// What was counted. Asks the kernel, so not for the hot path.
    pub fn report(&self) -> PacketReport {
        // Reading PACKET_STATISTICS sets the kernel's counts to zero: packets, then drops.
        let counts =
            sys::option_words::<1>(&self.socket, libc::SOL_PACKET, libc::PACKET_STATISTICS);
        if let Ok([counts]) = counts {
            let bytes = counts.to_ne_bytes();
            let drops = u32::from_ne_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
            self.dropped.set(self.dropped.get() + u64::from(drops));
        }
        PacketReport { dropped: self.dropped.get(), ..self.report }
    }
}

fn bind(socket: &OwnedFd, interface: &Interface) -> std::io::Result<()> {
    let name = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: (libc::ETH_P_ALL as u16).to_be(),
        sll_ifindex: interface.index() as libc::c_int,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    sys::bind_raw(socket, &name)
}

impl FrameSource for PacketPort {
    fn poll(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        let PacketPort { ring, report, received, .. } = self;
        let mut given = 0;
        ring.receive(max, |arrived| {
            if arrived.truncated {
                report.oversized += 1;
                return;
            }
            if arrived.unsummed {
                checksum::complete(arrived.bytes);
            }
            let stamp = u64::from(arrived.seconds) * 1_000_000_000 + u64::from(arrived.nanoseconds);
            // The system's clock may be set back; a port's time never goes back.
            *received = Nanos(stamp).max(*received);
            given += 1;
            each(Frame { bytes: arrived.bytes, received: *received });
        });
        report.frames += given as u64;
        Ok(given)
    }
}

impl FrameSink for PacketPort {
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        if len > self.frame_max {
            return None;
        }
        self.reserved = Some(len);
        self.outgoing.get_mut(..len)
    }

    /// `System(EINVAL)` when nothing was reserved; `System(EAGAIN)` and the like when the kernel
    /// does not take it now, and then the frame stays for another commit.
    fn commit(&mut self) -> Result<(), PortError> {
        let len = self.reserved.ok_or(PortError::System(libc::EINVAL))?;
        if let Err(error) = sys::send(&self.socket, &self.outgoing[..len]) {
            self.report.send_errors += 1;
            return Err(PortError::System(error.raw_os_error().unwrap_or(libc::EIO)));
        }
        self.reserved = None;
        self.report.sent += 1;
        Ok(())
    }
}
