//! UDP (RFC 768).

use crate::frame::Error;
use crate::ip;
use core::net::Ipv4Addr;

/// Bytes of a header.
pub const HEADER: usize = 8;

/// One UDP datagram.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// What the length covers.
    pub payload: &'a [u8],
}

/// Checks the length, and the checksum unless it is zero, which says that the sender made none.
///
/// # Errors
/// `Short`, `UdpLength`, `UdpChecksum`.
#[inline]
pub fn parse(bytes: &[u8], src: Ipv4Addr, dst: Ipv4Addr) -> Result<Datagram<'_>, Error> {
    let Some((header, _)) = bytes.split_first_chunk::<HEADER>() else { return Err(Error::Short) };
    let len = u16::from_be_bytes([header[4], header[5]]);
    let datagram = bytes.get(..usize::from(len)).ok_or(Error::UdpLength)?;
    let payload = datagram.get(HEADER..).ok_or(Error::UdpLength)?;
    if (header[6] | header[7]) != 0 && ip::finish(sum(datagram, src, dst, len)) != 0 {
        return Err(Error::UdpChecksum);
    }
    Ok(Datagram {
        src_port: u16::from_be_bytes([header[0], header[1]]),
        dst_port: u16::from_be_bytes([header[2], header[3]]),
        payload,
    })
}

/// Writes a header in front of the `payload_len` bytes that already follow it in `buf`, over which
/// the checksum goes; `false` when they do not fit.
pub fn emit(
    buf: &mut [u8],
    src: (Ipv4Addr, u16),
    dst: (Ipv4Addr, u16),
    payload_len: usize,
) -> bool {
    let Ok(len) = u16::try_from(HEADER + payload_len) else { return false };
    let Some(datagram) = buf.get_mut(..usize::from(len)) else { return false };
    datagram[..2].copy_from_slice(&src.1.to_be_bytes());
    datagram[2..4].copy_from_slice(&dst.1.to_be_bytes());
    datagram[4..6].copy_from_slice(&len.to_be_bytes());
    datagram[6..8].fill(0);
    let checksum = match ip::finish(sum(datagram, src.0, dst.0, len)) {
        0 => 0xffff, // zero would say that there is none
        checksum => checksum,
    };
    datagram[6..8].copy_from_slice(&checksum.to_be_bytes());
    true
}

/// The sum over pseudo header and datagram.
#[inline]
fn sum(datagram: &[u8], src: Ipv4Addr, dst: Ipv4Addr, len: u16) -> u64 {
    let mut pseudo = [0u8; 12];
    pseudo[..4].copy_from_slice(&src.octets());
    pseudo[4..8].copy_from_slice(&dst.octets());
    pseudo[9] = ip::PROTOCOL_UDP;
    pseudo[10..].copy_from_slice(&len.to_be_bytes());
    ip::sum(&pseudo) + ip::sum(datagram)
}
