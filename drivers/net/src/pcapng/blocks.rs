//! The blocks of a pcap-ng file, little-endian, with stamps in nanoseconds.

use super::{BYTE_ORDER, INTERFACE, LINK_ETHERNET, OPTION_RESOLUTION, PACKET, SECTION, STATISTICS};
use crate::pcap::CAPTURED_MAX;
use tercel_types::Nanos;

/// Bytes of a packet block in front of its frame.
pub const PACKET_HEADER: usize = 28;
/// Most bytes of a packet block behind its frame: padding, and the length once more.
pub const PACKET_TRAILER_MAX: usize = 7;

const COMMENT: u16 = 1;
const INTERFACE_NAME: u16 = 2;
const INTERFACE_DESCRIPTION: u16 = 3;
const SECTION_OS: u16 = 3;
const SECTION_APPLICATION: u16 = 4;
const START: u16 = 2;
const END: u16 = 3;
const RECEIVED: u16 = 4;
const DROPPED: u16 = 5;
const SYSTEM_DROPPED: u16 = 7;

/// What an interface has counted by the end of a file (§4.6).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Statistics {
    /// When the first frame of the file arrived.
    pub start: Nanos,
    /// When its last did.
    pub end: Nanos,
    /// Frames received, written or not: `isb_ifrecv`.
    pub received: u64,
    /// Frames of these that were not written: `isb_ifdrop`.
    pub dropped: u64,
    /// Frames that the system dropped before, where it says: `isb_osdrop`.
    pub system_dropped: Option<u64>,
    /// A comment; none if empty.
    pub comment: String,
}

/// Appends a section header (§4.1) that names the program.
pub fn section(out: &mut Vec<u8>, application: &str) {
    block(out, SECTION, |out| {
        out.extend(BYTE_ORDER.to_le_bytes());
        out.extend(1_u16.to_le_bytes());
        out.extend(0_u16.to_le_bytes());
        // The length of the section, which is not known yet.
        out.extend(u64::MAX.to_le_bytes());
        option(out, SECTION_OS, b"Linux");
        option(out, SECTION_APPLICATION, application.as_bytes());
        option(out, 0, &[]);
    });
}

/// Appends the description of an Ethernet interface with stamps in nanoseconds.
pub fn interface(out: &mut Vec<u8>, name: &str, description: &str) {
    block(out, INTERFACE, |out| {
        out.extend(LINK_ETHERNET.to_le_bytes());
        out.extend(0_u16.to_le_bytes());
        out.extend(CAPTURED_MAX.to_le_bytes());
        option(out, INTERFACE_NAME, name.as_bytes());
        option(out, INTERFACE_DESCRIPTION, description.as_bytes());
        option(out, OPTION_RESOLUTION, &[9]);
        option(out, 0, &[]);
    });
}

/// Appends what an interface has counted.
pub fn statistics(out: &mut Vec<u8>, interface: u32, now: Nanos, counted: &Statistics) {
    block(out, STATISTICS, |out| {
        out.extend(interface.to_le_bytes());
        stamp(out, now);
        if !counted.comment.is_empty() {
            option(out, COMMENT, counted.comment.as_bytes());
        }
        for (code, time) in [(START, counted.start), (END, counted.end)] {
            let mut halves = Vec::with_capacity(8);
            stamp(&mut halves, time);
            option(out, code, &halves);
        }
        option(out, RECEIVED, &counted.received.to_le_bytes());
        option(out, DROPPED, &counted.dropped.to_le_bytes());
        if let Some(dropped) = counted.system_dropped {
            option(out, SYSTEM_DROPPED, &dropped.to_le_bytes());
        }
        option(out, 0, &[]);
    });
}

/// Bytes of the packet block of a frame of `captured` bytes.
pub const fn packet_len(captured: usize) -> usize {
    PACKET_HEADER + captured.next_multiple_of(4) + 4
}

/// The head of a packet block (§4.3) for the first `captured` bytes of a frame of `original`.
pub fn packet_header(
    interface: u32,
    received: Nanos,
    captured: usize,
    original: usize,
) -> [u8; PACKET_HEADER] {
    let mut header = [0; PACKET_HEADER];
    let fields = [
        PACKET,
        packet_len(captured) as u32,
        interface,
        (received.0 >> 32) as u32,
        received.0 as u32,
        captured as u32,
        u32::try_from(original).unwrap_or(u32::MAX),
    ];
    for (bytes, field) in header.chunks_exact_mut(4).zip(fields) {
        bytes.copy_from_slice(&field.to_le_bytes());
    }
    header
}

/// What stands behind the frame in its block, and how many bytes of it count.
pub fn packet_trailer(captured: usize) -> ([u8; PACKET_TRAILER_MAX], usize) {
    let mut trailer = [0; PACKET_TRAILER_MAX];
    let padding = captured.next_multiple_of(4) - captured;
    trailer[padding..padding + 4].copy_from_slice(&(packet_len(captured) as u32).to_le_bytes());
    (trailer, padding + 4)
}

fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend(kind.to_le_bytes());
    out.extend([0; 4]);
    body(out);
    let length = (out.len() - start + 4) as u32;
    out.extend(length.to_le_bytes());
    out[start + 4..start + 8].copy_from_slice(&length.to_le_bytes());
}

/// One option: code, length, value, padding. A value longer than its length can say is cut.
fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    out.extend(code.to_le_bytes());
    out.extend((value.len() as u16).to_le_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// A stamp as the format has it: upper half first.
fn stamp(out: &mut Vec<u8>, time: Nanos) {
    out.extend(((time.0 >> 32) as u32).to_le_bytes());
    out.extend((time.0 as u32).to_le_bytes());
}
