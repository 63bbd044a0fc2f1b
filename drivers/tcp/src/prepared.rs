//! The next segment's headers, written before anyone knows what it will carry.
//!
//! Everything but two lengths and two checksums is settled when the last segment has gone: the rest
//! of the work is the sum over the payload.

use crate::arrival::{ETHERNET, HEADERS, IP, TCP, pseudo_header};
use crate::checksum::{finish, sum, word};
use crate::conn::LINK;

/// Where the fields stand in the frame.
const IP_LENGTH: usize = ETHERNET + 2;
const IP_CHECKSUM: usize = ETHERNET + 10;
const ADDRESSES: usize = ETHERNET + 12;
const SEQUENCE: usize = LINK + 4;
const ACKNOWLEDGEMENT: usize = LINK + 8;
const OFFSET: usize = LINK + 12;
const WINDOW: usize = LINK + 14;
const CHECKSUM: usize = LINK + 16;

/// A header of five words; PSH and ACK.
const OFFSET_AND_FLAGS: [u8; 2] = [0x50, 0x18];

/// Headers of a segment whose payload is to come.
#[derive(Debug)]
pub(crate) struct Prepared {
    headers: [u8; HEADERS],
    /// Over the IP header, its length and checksum taken as zero.
    ip: u64,
    /// Over pseudo header and TCP header, lengths and checksum taken as zero.
    tcp: u64,
}

impl Prepared {
    pub(crate) fn new() -> Prepared {
        Prepared { headers: [0; HEADERS], ip: 0, tcp: 0 }
    }

    /// The headers for the next segment of a connection between `ports`, ours first.
    pub(crate) fn set(&mut self, link: &[u8; LINK], ports: (u16, u16), next: (u32, u32, u16)) {
        let headers = &mut self.headers;
        headers[..LINK].copy_from_slice(link);
        headers[IP_LENGTH..IP_LENGTH + 2].fill(0);
        headers[IP_CHECKSUM..IP_CHECKSUM + 2].fill(0);
        headers[LINK..LINK + 2].copy_from_slice(&ports.0.to_be_bytes());
        headers[LINK + 2..SEQUENCE].copy_from_slice(&ports.1.to_be_bytes());
        headers[SEQUENCE..SEQUENCE + 4].copy_from_slice(&next.0.to_be_bytes());
        headers[ACKNOWLEDGEMENT..ACKNOWLEDGEMENT + 4].copy_from_slice(&next.1.to_be_bytes());
        headers[OFFSET..OFFSET + 2].copy_from_slice(&OFFSET_AND_FLAGS);
        headers[WINDOW..WINDOW + 2].copy_from_slice(&next.2.to_be_bytes());
        headers[CHECKSUM..HEADERS].fill(0);
        self.ip = sum(&headers[ETHERNET..LINK]);
        self.tcp = sum(&headers[ADDRESSES..HEADERS]) + pseudo_header(0);
    }

    /// Writes the headers in front of the payload, which stands at [`HEADERS`] to the frame's end.
    #[inline]
    pub(crate) fn complete(&self, frame: &mut [u8]) {
        let Some((headers, payload)) = frame.split_first_chunk_mut::<HEADERS>() else { return };
        let total = IP + TCP + payload.len();
        let segment = TCP + payload.len();
        let ip = finish(self.ip + word(total as u16));
        let tcp = finish(self.tcp + word(segment as u16) + sum(payload));
        *headers = self.headers;
        headers[IP_LENGTH..IP_LENGTH + 2].copy_from_slice(&(total as u16).to_be_bytes());
        headers[IP_CHECKSUM..IP_CHECKSUM + 2].copy_from_slice(&ip.to_be_bytes());
        headers[CHECKSUM..CHECKSUM + 2].copy_from_slice(&tcp.to_be_bytes());
    }
}
