//! The receiving end of a path, whichever it is.

#[cfg(feature = "dpdk")]
use super::dpdk::DpdkPort;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::RcvBufForce;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::Duration;
use tercel_net::headers;
use tercel_net::packet::PacketPort;
use tercel_net::udp::{FRAME_MAX, UdpSource};
use tercel_net::xdp::XdpPort;
use tercel_types::{Frame, FrameSink, FrameSource, Nanos, PortError};

/// Bytes that a kernel socket may keep while the host is busy.
pub(crate) const RECEIVE_BUFFER: usize = 4 << 20;

/// How long a wait may be before it is looked whether the round is over.
const WAIT: Duration = Duration::from_millis(10);

/// A port of a path. One `match` a poll, which the processor foresees, is what the paths have in
/// common beyond their drivers.
pub(crate) enum PathPort {
    /// Waits in the kernel.
    Waiting(WaitingUdp),
    /// The kernel's UDP.
    Udp(Box<UdpSource>),
    /// TPACKET_V2.
    Packet(Box<PacketPort>),
    /// AF_XDP.
    Xdp(Box<XdpPort>),
    /// DPDK.
    #[cfg(feature = "dpdk")]
    Dpdk(Box<DpdkPort>),
}

/// A kernel UDP socket whose poll waits, which no driver does: it is here to be compared with.
pub(crate) struct WaitingUdp {
    socket: UdpSocket,
    local: SocketAddrV4,
    buffer: Box<[u8]>,
}

impl WaitingUdp {
    /// Joins `group` by the interface that has this address.
    pub(crate) fn open(group: SocketAddrV4, interface: Ipv4Addr) -> io::Result<WaitingUdp> {
        let socket = UdpSocket::bind(group)?;
        // As much as the polled socket has.
        setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER)?;
        socket.join_multicast_v4(group.ip(), &interface)?;
        socket.set_read_timeout(Some(WAIT))?;
        Ok(WaitingUdp { socket, local: group, buffer: vec![0; FRAME_MAX].into_boxed_slice() })
    }
}

impl FrameSource for WaitingUdp {
    /// Waits for one datagram, for [`WAIT`] at most.
    fn poll(&mut self, _max: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        let (headers, payload) = self.buffer.split_at_mut(headers::LEN);
        match self.socket.recv_from(payload) {
            Ok((len, std::net::SocketAddr::V4(from))) => {
                headers.copy_from_slice(&headers::build(from, self.local, len));
                let bytes = &self.buffer[..headers::LEN + len];
                each(Frame { bytes, received: Nanos(0) });
                Ok(1)
            }
            Ok(_) => Ok(0),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(0),
                _ => Err(PortError::System(error.raw_os_error().unwrap_or(0))),
            },
        }
    }
}

impl PathPort {
    /// The hardware address of the interface, where frames can be sent.
    pub(crate) fn mac(&self) -> Option<[u8; 6]> {
        match self {
            PathPort::Waiting(_) | PathPort::Udp(_) => None,
            PathPort::Packet(port) => Some(port.mac()),
            PathPort::Xdp(port) => Some(port.mac()),
            #[cfg(feature = "dpdk")]
            PathPort::Dpdk(port) => Some(port.mac()),
        }
    }

    /// What the port has counted, in words, to say where frames went.
    pub(crate) fn report(&mut self) -> String {
        match self {
            PathPort::Waiting(_) => "a socket counts nothing".into(),
            PathPort::Udp(port) => format!("{:?}", port.report()),
            PathPort::Packet(port) => format!("{:?}", port.report()),
            PathPort::Xdp(port) => format!("{:?}", port.report()),
            #[cfg(feature = "dpdk")]
            PathPort::Dpdk(port) => format!("{:?}", port.report()),
        }
    }

    /// A poll may wait.
    pub(crate) fn waits(&self) -> bool {
        matches!(self, PathPort::Waiting(_))
    }
}

impl FrameSource for PathPort {
    #[inline]
    fn poll(&mut self, max: usize, each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        match self {
            PathPort::Waiting(port) => port.poll(max, each),
            PathPort::Udp(port) => port.poll(max, each),
            PathPort::Packet(port) => port.poll(max, each),
            PathPort::Xdp(port) => port.poll(max, each),
            #[cfg(feature = "dpdk")]
            PathPort::Dpdk(port) => port.poll(max, each),
        }
    }
}

/// Only of a path beside the kernel is there a way back.
impl FrameSink for PathPort {
    #[inline]
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        match self {
            PathPort::Waiting(_) | PathPort::Udp(_) => None,
            PathPort::Packet(port) => port.reserve(len),
            PathPort::Xdp(port) => port.reserve(len),
            #[cfg(feature = "dpdk")]
            PathPort::Dpdk(port) => port.reserve(len),
        }
    }

    #[inline]
    fn commit(&mut self) -> Result<(), PortError> {
        match self {
            PathPort::Waiting(_) | PathPort::Udp(_) => Err(PortError::Closed),
            PathPort::Packet(port) => port.commit(),
            PathPort::Xdp(port) => port.commit(),
            #[cfg(feature = "dpdk")]
            PathPort::Dpdk(port) => port.commit(),
        }
    }
}
