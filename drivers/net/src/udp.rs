//! UDP over kernel sockets: multicast market data in, requests to a retransmission server out.
//!
//! One socket a group, bound to the group's own address and with `IP_MULTICAST_ALL` off, so that a
//! socket sees its group and no other one that some process of the machine has joined. A poll
//! receives in batches of 32 with `recvmmsg` into one preallocated buffer, in which each datagram
//! has space for its headers in front. Between two sockets only the order within each is kept; a
//! poll begins with another socket every time, so that a busy group cannot starve a quiet one.

use crate::sys::{self, BATCH, Received};
use crate::{NetError, clock, headers};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use tercel_types::{Frame, FrameSink, FrameSource, Nanos, PortError};

/// Longest frame that is received or sent: an Ethernet jumbo frame with some to spare. A longer
/// datagram is counted and dropped.
pub const FRAME_MAX: usize = 9_216;

/// What to receive.
#[derive(Clone, Debug)]
pub struct UdpConfig {
    /// Groups and ports; an address that is no multicast group is a local one to receive at.
    pub groups: Vec<SocketAddrV4>,
    /// Address of the interface that joins the groups; unspecified lets the routing table choose.
    pub interface: Ipv4Addr,
    /// Bytes that each socket may keep for us while we are busy.
    pub receive_buffer: usize,
}

/// What the kernel granted and counted. Numbers are since the socket was opened.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct UdpReport {
    /// Frames handed out.
    pub frames: u64,
    /// Datagrams that the kernel dropped because the receive buffer was full.
    pub dropped: u64,
    /// Datagrams longer than [`FRAME_MAX`] allows, dropped here.
    pub oversized: u64,
    /// Bytes of the smallest receive buffer granted; `net.core.rmem_max` bounds it without
    /// CAP_NET_ADMIN.
    pub receive_buffer: usize,
    /// The kernel stamps arrivals; else the time is that of the poll.
    pub stamped: bool,
}

/// One receiving socket.
#[derive(Debug)]
struct Receiver {
    socket: UdpSocket,
    local: SocketAddrV4,
    /// The kernel's drop counter when last seen, modulo 2^32.
    drops: u32,
}

/// Buffers and counters that the sockets of one port share.
struct Inbox {
    buffers: Box<[u8]>,
    received: [Received; BATCH],
    report: UdpReport,
}

/// Several multicast groups as one source of frames.
pub struct UdpSource {
    receivers: Vec<Receiver>,
    first: usize,
    inbox: Inbox,
}

/// A unicast socket, both ways: whole frames in, and of a whole frame its payload goes out, from
/// this socket to the destination that its headers name.
pub struct UdpPort {
    receiver: Receiver,
    peer: Option<SocketAddrV4>,
    inbox: Inbox,
    outgoing: Box<[u8]>,
    reserved: Option<usize>,
}

impl UdpSource {
    /// Opens a socket for each group and joins it.
    pub fn open(config: &UdpConfig) -> Result<UdpSource, NetError> {
        if config.groups.is_empty() {
            return Err(NetError::NoGroups);
        }
        let mut inbox = Inbox::new();
        let mut receivers = Vec::with_capacity(config.groups.len());
        for &group in &config.groups {
            let socket = open(group, group.ip().is_multicast())?;
            if group.ip().is_multicast() {
                join(&socket, *group.ip(), config.interface)?;
            }
            inbox.set_up(&socket, config.receive_buffer)?;
            receivers.push(Receiver::new(socket)?);
        }
        Ok(UdpSource { receivers, first: 0, inbox })
    }

    /// What the kernel granted and counted.
    pub fn report(&self) -> UdpReport {
        self.inbox.report
    }

    /// The addresses received at, in the order of the configuration.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddrV4> + '_ {
        self.receivers.iter().map(|receiver| receiver.local)
    }
}

impl FrameSource for UdpSource {
    fn poll(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        let mut left = max;
        let mut given = 0;
        let (before, after) = self.receivers.split_at_mut(self.first);
        for receiver in after.iter_mut().chain(before) {
            match self.inbox.poll(receiver, &mut left, &mut each) {
                Ok(some) => given += some,
                Err(error) if given == 0 => return Err(error),
                Err(_) => break,
            }
        }
        self.first = (self.first + 1) % self.receivers.len();
        Ok(given)
    }
}

impl UdpPort {
    /// Opens a socket at `local`, whose port may be 0 for any free one. With a `peer`, only that
    /// peer's datagrams are received and only it can be sent to.
    pub fn bind(local: SocketAddrV4, peer: Option<SocketAddrV4>) -> Result<UdpPort, NetError> {
        let socket = open(local, false)?;
        if let Some(peer) = peer {
            socket
                .connect(peer)
                .map_err(|source| NetError::of_address("connect a UDP socket", peer, source))?;
        } else if local.ip().is_unspecified() {
            sys::set_option(&socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)
                .map_err(NetError::system("ask for destination addresses"))?;
        }
        let mut inbox = Inbox::new();
        inbox.set_up(&socket, 1 << 20)?;
        let receiver = Receiver::new(socket)?;
        let outgoing = vec![0; FRAME_MAX].into_boxed_slice();
        Ok(UdpPort { receiver, peer, inbox, outgoing, reserved: None })
    }

    /// Lets frames to multicast groups leave by `interface` over at most `ttl` routers; this
    /// machine's own members of the group get them too.
    pub fn set_multicast(&self, interface: Ipv4Addr, ttl: u8) -> Result<(), NetError> {
        let socket = &self.receiver.socket;
        sys::set_multicast_interface(socket, interface).map_err(|source| {
            let what = "choose the interface of multicast";
            NetError::of_interface(what, interface, Ipv4Addr::UNSPECIFIED, source)
        })?;
        socket
            .set_multicast_ttl_v4(u32::from(ttl))
            .and_then(|()| socket.set_multicast_loop_v4(true))
            .map_err(NetError::system("set the reach of multicast"))
    }

    /// The address of this end.
    pub fn local(&self) -> SocketAddrV4 {
        self.receiver.local
    }

    /// What the kernel granted and counted.
    pub fn report(&self) -> UdpReport {
        self.inbox.report
    }
}

impl FrameSource for UdpPort {
    fn poll(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        let mut left = max;
        self.inbox.poll(&mut self.receiver, &mut left, &mut each)
    }
}

impl FrameSink for UdpPort {
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        let space = self.outgoing.get_mut(..len)?;
        self.reserved = Some(len);
        Some(space)
    }

    /// The source address in the frame is not looked at. `System(EINVAL)` when nothing was reserved
    /// or the frame is not IPv4 UDP; `System(EAGAIN)` when the kernel's queue is full, and then the
    /// frame stays for another commit.
    fn commit(&mut self) -> Result<(), PortError> {
        let invalid = PortError::System(libc::EINVAL);
        let len = self.reserved.ok_or(invalid)?;
        let datagram = headers::parse(&self.outgoing[..len]).ok_or(invalid)?;
        let socket = &self.receiver.socket;
        let sent = match self.peer {
            Some(peer) if peer == datagram.dst => match socket.send(datagram.payload) {
                // That was the answer to an earlier frame; this one has not been sent yet.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    socket.send(datagram.payload)
                }
                sent => sent,
            },
            Some(_) => return Err(PortError::System(libc::EDESTADDRREQ)),
            None => socket.send_to(datagram.payload, datagram.dst),
        };
        match sent {
            Ok(_) => {
                self.reserved = None;
                Ok(())
            }
            Err(error) => Err(port_error(&error)),
        }
    }
}

impl Receiver {
    fn new(socket: UdpSocket) -> Result<Receiver, NetError> {
        let local = match socket.local_addr() {
            Ok(std::net::SocketAddr::V4(local)) => local,
            Ok(_) => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
            Err(source) => return Err(NetError::system("read a socket's address")(source)),
        };
        Ok(Receiver { socket, local, drops: 0 })
    }
}

impl Inbox {
    fn new() -> Inbox {
        let report =
            UdpReport { receive_buffer: usize::MAX, stamped: true, ..UdpReport::default() };
        let buffers = vec![0; BATCH * FRAME_MAX].into_boxed_slice();
        Inbox { buffers, received: [Received::NONE; BATCH], report }
    }

    /// Asks for stamps, drop counts and buffer space, and notes what was granted.
    fn set_up(&mut self, socket: &UdpSocket, receive_buffer: usize) -> Result<(), NetError> {
        let level = libc::SOL_SOCKET;
        self.report.stamped &= sys::set_option(socket, level, libc::SO_TIMESTAMPNS, 1).is_ok();
        sys::set_option(socket, level, libc::SO_RXQ_OVFL, 1)
            .map_err(NetError::system("ask for drop counts"))?;
        let bytes = libc::c_int::try_from(receive_buffer).unwrap_or(libc::c_int::MAX / 2);
        // The first ignores net.core.rmem_max but needs CAP_NET_ADMIN.
        if sys::set_option(socket, level, libc::SO_RCVBUFFORCE, bytes).is_err() {
            sys::set_option(socket, level, libc::SO_RCVBUF, bytes)
                .map_err(NetError::system("set the receive buffer"))?;
        }
        let granted = sys::option(socket, level, libc::SO_RCVBUF)
            .map_err(NetError::system("read the receive buffer"))?;
        // The kernel doubles what it was asked for, to pay for its own bookkeeping (socket(7)).
        let granted = usize::try_from(granted).unwrap_or(0) / 2;
        self.report.receive_buffer = self.report.receive_buffer.min(granted);
        Ok(())
    }

    /// Hands out at most `left` waiting datagrams of one socket and counts `left` down.
    fn poll(
        &mut self,
        receiver: &mut Receiver,
        left: &mut usize,
        each: &mut impl FnMut(Frame<'_>),
    ) -> Result<usize, PortError> {
        let mut given = 0;
        while *left > 0 {
            let want = BATCH.min(*left);
            let got = match self.receive(receiver, want) {
                Ok(got) => got,
                Err(error) if given == 0 => return Err(error),
                Err(_) => break,
            };
            *left -= got;
            let now = if self.report.stamped { Nanos(0) } else { Nanos(clock::realtime()) };
            let slots = self.buffers.chunks_exact_mut(FRAME_MAX);
            for (received, slot) in self.received.iter().zip(slots).take(got) {
                if let Some(drops) = received.drops {
                    self.report.dropped += u64::from(drops.wrapping_sub(receiver.drops));
                    receiver.drops = drops;
                }
                if received.truncated {
                    self.report.oversized += 1;
                    continue;
                }
                let ip = received.destination.unwrap_or(*receiver.local.ip());
                let destination = SocketAddrV4::new(ip, receiver.local.port());
                let header = headers::build(received.source, destination, received.len);
                slot[..headers::LEN].copy_from_slice(&header);
                let received_at = received.stamp.unwrap_or(now);
                let bytes = &slot[..headers::LEN + received.len];
                each(Frame { bytes, received: received_at });
                given += 1;
            }
            if got < want {
                break;
            }
        }
        self.report.frames += given as u64;
        Ok(given)
    }

    fn receive(&mut self, receiver: &Receiver, want: usize) -> Result<usize, PortError> {
        let (buffers, out) = (&mut self.buffers, &mut self.received);
        match sys::receive(&receiver.socket, want, buffers, FRAME_MAX, headers::LEN, out) {
            Ok(got) => Ok(got),
            // A connected peer that is not there answers a request by ICMP: the next poll is fine.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(port_error(&error)),
        }
    }
}

fn open(address: SocketAddrV4, reuse: bool) -> Result<UdpSocket, NetError> {
    sys::udp_socket(address, reuse)
        .map_err(|source| NetError::of_address("open a UDP socket", address, source))
}

fn join(socket: &UdpSocket, group: Ipv4Addr, interface: Ipv4Addr) -> Result<(), NetError> {
    sys::set_option(socket, libc::IPPROTO_IP, libc::IP_MULTICAST_ALL, 0)
        .map_err(NetError::system("keep other groups out of a socket"))?;
    socket
        .join_multicast_v4(&group, &interface)
        .map_err(|source| NetError::of_interface("join a group", interface, group, source))
}

fn port_error(error: &io::Error) -> PortError {
    match error.raw_os_error() {
        Some(libc::EMSGSIZE) => PortError::TooLong,
        Some(errno) => PortError::System(errno),
        None => PortError::System(libc::EIO),
    }
}
