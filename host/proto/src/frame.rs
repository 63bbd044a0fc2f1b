//! Whole frames: Ethernet, IPv4 and UDP around one payload.

use crate::{eth, ip, udp};
use core::fmt;
use core::net::SocketAddrV4;

/// Bytes in front of the payload in a frame without VLAN tags.
pub const UDP_HEADERS: usize = eth::HEADER + ip::HEADER + udp::HEADER;

/// One UDP datagram and where it came from and went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Udp<'a> {
    /// From.
    pub src: SocketAddrV4,
    /// To.
    pub dst: SocketAddrV4,
    /// The datagram's payload.
    pub payload: &'a [u8],
}

/// Why a frame is not a good UDP datagram.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Error {
    /// It ends inside a header.
    Short,
    /// Not IPv4, or more than two VLAN tags.
    NotIpv4,
    /// The version in the IP header is not 4.
    Version,
    /// The IP header has options.
    Options,
    /// A fragment; feeds are sent unfragmented.
    Fragment,
    /// The IP length contradicts the frame.
    IpLength,
    /// The IP header checksum is wrong.
    IpChecksum,
    /// IPv4, but not UDP.
    NotUdp,
    /// The UDP length contradicts the packet.
    UdpLength,
    /// The UDP checksum is wrong.
    UdpChecksum,
}

impl Error {
    /// Every error, in the order of their discriminants, for counters.
    pub const ALL: [Error; 10] = [
        Error::Short,
        Error::NotIpv4,
        Error::Version,
        Error::Options,
        Error::Fragment,
        Error::IpLength,
        Error::IpChecksum,
        Error::NotUdp,
        Error::UdpLength,
        Error::UdpChecksum,
    ];
}

/// The UDP datagram of a frame; Ethernet padding behind it is left out.
///
/// # Errors
/// The first fault found, from the outside in.
#[inline]
pub fn parse_udp(frame: &[u8]) -> Result<Udp<'_>, Error> {
    let packet = ip::parse(eth::ipv4(frame)?)?;
    if packet.protocol != ip::PROTOCOL_UDP {
        return Err(Error::NotUdp);
    }
    let datagram = udp::parse(packet.payload, packet.src, packet.dst)?;
    Ok(Udp {
        src: SocketAddrV4::new(packet.src, datagram.src_port),
        dst: SocketAddrV4::new(packet.dst, datagram.dst_port),
        payload: datagram.payload,
    })
}

/// Writes the headers in front of a payload of `payload_len` bytes that the caller has already
/// written at offset [`UDP_HEADERS`], since the UDP checksum covers it. Returns the frame's length,
/// or `None`, with nothing useful written, when `buf` or a 16-bit length is too small for it.
pub fn emit_udp(
    buf: &mut [u8],
    src: SocketAddrV4,
    dst: SocketAddrV4,
    payload_len: usize,
) -> Option<usize> {
    let end = UDP_HEADERS.checked_add(payload_len)?;
    let frame = buf.get_mut(..end)?;
    let (headers, rest) = frame.split_at_mut(eth::HEADER);
    let (ip_header, datagram) = rest.split_at_mut(ip::HEADER);
    let written = eth::emit(headers, eth::mac_of(*src.ip()), eth::mac_of(*dst.ip()))
        && ip::emit(ip_header, *src.ip(), *dst.ip(), udp::HEADER + payload_len)
        && udp::emit(datagram, (*src.ip(), src.port()), (*dst.ip(), dst.port()), payload_len);
    written.then_some(end)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Short => "the frame ends inside a header",
            Error::NotIpv4 => "not an IPv4 frame",
            Error::Version => "IP version is not 4",
            Error::Options => "IP header has options",
            Error::Fragment => "IP fragment",
            Error::IpLength => "IP length contradicts the frame",
            Error::IpChecksum => "wrong IP header checksum",
            Error::NotUdp => "not UDP",
            Error::UdpLength => "UDP length contradicts the packet",
            Error::UdpChecksum => "wrong UDP checksum",
        })
    }
}

impl core::error::Error for Error {}
