//! The newer capture format, pcap-ng (draft-ietf-opsawg-pcapng): its blocks, read and written.
//!
//! A file is a run of blocks, each with its length in front and behind. A section header names the
//! byte order, interface descriptions the unit of the stamps; files may stand one behind another
//! and are one file. [`crate::pcap::PcapSource`] reads either format, [`blocks`] makes the blocks
//! of a file to be written.
//!
//! Nothing here believes a length before it is checked: a frame is at most
//! [`CAPTURED_MAX`](crate::pcap::CAPTURED_MAX) bytes, an interface description 64 KiB, a section
//! has 4,096 interfaces at most, and whatever else there is, of any length, is read past in small
//! steps.

pub mod blocks;

use crate::pcap::{CAPTURED_MAX, PcapError, read_full, word};
use std::io::{self, Read};
use tercel_types::Nanos;

/// A section header's type, the same in either byte order, and its bytes up to the options.
pub(crate) const SECTION: u32 = 0x0a0d_0d0a;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
pub(crate) const SECTION_LEN: usize = 24;

const INTERFACE: u32 = 1;
const SIMPLE_PACKET: u32 = 3;
const STATISTICS: u32 = 5;
const PACKET: u32 = 6;

const LINK_ETHERNET: u16 = 1;
const HEADER_LEN: usize = 8;
const TRAILER_LEN: usize = 4;
const PACKET_LEN: usize = 20;
const INTERFACES_MAX: usize = 4_096;
const DESCRIPTION_MAX: usize = 1 << 16;

const OPTION_END: u16 = 0;
const OPTION_RESOLUTION: u16 = 9;
const OPTION_CHECK_LEN: u16 = 13;
const OPTION_OFFSET: u16 = 14;
/// Microseconds, where an interface does not say.
const RESOLUTION_DEFAULT: u8 = 6;

/// What a section has told so far.
#[derive(Debug)]
pub(crate) struct Section {
    big_endian: bool,
    interfaces: Vec<Interface>,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    /// Power of ten, or of two with the upper bit set, that a second has units.
    resolution: u8,
    /// Seconds to be added.
    offset: i64,
    /// Bytes of frame check sequence at the end of each frame.
    check_len: usize,
    /// Longest frame kept; zero for no limit.
    snap_len: u32,
}

/// What there is next in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    /// A frame of so many bytes.
    Frame { len: usize, received: Nanos, snapped: bool },
    /// The end of the file.
    End,
    /// The end of the file, within a block.
    CutOff,
}

/// Either the bytes wanted or the end of the file before them.
enum Got {
    All,
    CutOff,
}

/// A file that is being read, its place, and room for one frame.
pub(crate) struct Place<'a, R> {
    pub(crate) input: &'a mut R,
    pub(crate) offset: &'a mut u64,
    pub(crate) frame: &'a mut [u8],
}

impl<R: Read> Place<'_, R> {
    fn io(&self, source: io::Error) -> PcapError {
        PcapError::Io { offset: *self.offset, source }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<Got, PcapError> {
        let got = read_full(self.input, buffer).map_err(|source| self.io(source))?;
        Ok(if got == buffer.len() { Got::All } else { Got::CutOff })
    }

    /// Reads into the room for a frame.
    fn read_frame(&mut self, len: usize) -> Result<Got, PcapError> {
        let got = read_full(self.input, &mut self.frame[..len]);
        let got = got.map_err(|source| self.io(source))?;
        Ok(if got == len { Got::All } else { Got::CutOff })
    }

    /// Reads past bytes of no interest.
    fn skip(&mut self, mut len: usize) -> Result<Got, PcapError> {
        let mut scratch = [0; 4_096];
        while len > 0 {
            let step = len.min(scratch.len());
            if let Got::CutOff = self.read(&mut scratch[..step])? {
                return Ok(Got::CutOff);
            }
            len -= step;
        }
        Ok(Got::All)
    }

    fn bad(&self, what: &'static str) -> PcapError {
        PcapError::Block { offset: *self.offset, what }
    }
}

macro_rules! whole {
    ($got:expr) => {
        if let Got::CutOff = $got? {
            return Ok(Next::CutOff);
        }
    };
}

impl Section {
    /// The section that begins with `header`, and how many bytes of the block follow.
    pub(crate) fn begin(
        header: &[u8; SECTION_LEN],
        offset: u64,
    ) -> Result<(Section, usize), PcapError> {
        let big_endian = match word(header, 8, false) {
            Some(BYTE_ORDER) => false,
            Some(other) if other.swap_bytes() == BYTE_ORDER => true,
            _ => return Err(PcapError::Block { offset, what: "has no byte order" }),
        };
        let section = Section { big_endian, interfaces: Vec::new() };
        let (major, minor) = (section.half(header, 12), section.half(header, 14));
        if major != 1 {
            return Err(PcapError::BadVersion(major, minor));
        }
        let length = word(header, 4, big_endian).unwrap_or(0) as usize;
        if length < SECTION_LEN + TRAILER_LEN || !length.is_multiple_of(4) {
            return Err(PcapError::Block { offset, what: "has a length that cannot be" });
        }
        Ok((section, length - SECTION_LEN))
    }

    /// Reads past what follows the fixed part of the section's header.
    pub(crate) fn finish<R: Read>(
        &self,
        rest: usize,
        place: &mut Place<'_, R>,
    ) -> Result<Option<()>, PcapError> {
        let length = rest + SECTION_LEN;
        if let Got::CutOff = place.skip(rest - TRAILER_LEN)? {
            return Ok(None);
        }
        let Some(()) = self.trailer(length, place)? else { return Ok(None) };
        Ok(Some(()))
    }

    /// Reads blocks until one is a frame.
    pub(crate) fn next<R: Read>(&mut self, place: &mut Place<'_, R>) -> Result<Next, PcapError> {
        loop {
            let mut header = [0; HEADER_LEN];
            let got = read_full(place.input, &mut header).map_err(|source| place.io(source))?;
            if got < HEADER_LEN {
                return Ok(if got == 0 { Next::End } else { Next::CutOff });
            }
            let kind = word(&header, 0, self.big_endian).unwrap_or(0);
            if kind == SECTION {
                let mut whole = [0; SECTION_LEN];
                whole[..HEADER_LEN].copy_from_slice(&header);
                whole!(place.read(&mut whole[HEADER_LEN..]));
                let (section, rest) = Section::begin(&whole, *place.offset)?;
                *self = section;
                let Some(()) = self.finish(rest, place)? else { return Ok(Next::CutOff) };
                continue;
            }
            let length = word(&header, 4, self.big_endian).unwrap_or(0) as usize;
            if length < HEADER_LEN + TRAILER_LEN || !length.is_multiple_of(4) {
                return Err(place.bad("has a length that cannot be"));
            }
            let body = length - HEADER_LEN - TRAILER_LEN;
            let next = match kind {
                PACKET => self.packet(body, place)?,
                SIMPLE_PACKET => self.simple_packet(body, place)?,
                INTERFACE => self.interface(body, place)?,
                _ => {
                    whole!(place.skip(body));
                    None
                }
            };
            if let Some(Next::CutOff) = next {
                return Ok(Next::CutOff);
            }
            let Some(()) = self.trailer(length, place)? else { return Ok(Next::CutOff) };
            if let Some(frame) = next {
                return Ok(frame);
            }
        }
    }

    /// The length behind a block, which must be the one in front of it.
    fn trailer<R: Read>(
        &self,
        length: usize,
        place: &mut Place<'_, R>,
    ) -> Result<Option<()>, PcapError> {
        let mut trailer = [0; TRAILER_LEN];
        if let Got::CutOff = place.read(&mut trailer)? {
            return Ok(None);
        }
        if word(&trailer, 0, self.big_endian) != Some(length as u32) {
            return Err(place.bad("has another length behind it than in front"));
        }
        *place.offset += length as u64;
        Ok(Some(()))
    }

    /// An Enhanced Packet Block (§4.3).
    fn packet<R: Read>(
        &self,
        body: usize,
        place: &mut Place<'_, R>,
    ) -> Result<Option<Next>, PcapError> {
        let mut fixed = [0; PACKET_LEN];
        let Some(rest) = body.checked_sub(PACKET_LEN) else {
            return Err(place.bad("is too short for a frame"));
        };
        if let Got::CutOff = place.read(&mut fixed)? {
            return Ok(Some(Next::CutOff));
        }
        let field = |at| word(&fixed, at, self.big_endian).unwrap_or(0);
        let Some(interface) = self.interfaces.get(field(0) as usize) else {
            return Err(place.bad("names an interface that no block has described"));
        };
        let (captured, original) = (field(12), field(16));
        if captured > CAPTURED_MAX {
            return Err(PcapError::Oversized { offset: *place.offset, captured });
        }
        let Some(options) = rest.checked_sub(captured as usize) else {
            return Err(place.bad("claims a frame longer than itself"));
        };
        let stamp = u64::from(field(4)) << 32 | u64::from(field(8));
        self.frame(*interface, captured, original, interface.time(stamp), options, place)
    }

    /// A Simple Packet Block (§4.4): of the first interface, without a stamp.
    fn simple_packet<R: Read>(
        &self,
        body: usize,
        place: &mut Place<'_, R>,
    ) -> Result<Option<Next>, PcapError> {
        let mut fixed = [0; 4];
        let (Some(rest), Some(interface)) = (body.checked_sub(4), self.interfaces.first()) else {
            return Err(place.bad("is too short, or its interface was not described"));
        };
        if let Got::CutOff = place.read(&mut fixed)? {
            return Ok(Some(Next::CutOff));
        }
        let original = word(&fixed, 0, self.big_endian).unwrap_or(0);
        let limit = if interface.snap_len == 0 { u32::MAX } else { interface.snap_len };
        let captured = original.min(limit);
        if captured > CAPTURED_MAX {
            return Err(PcapError::Oversized { offset: *place.offset, captured });
        }
        let Some(options) = rest.checked_sub(captured as usize) else {
            return Err(place.bad("claims a frame longer than itself"));
        };
        self.frame(*interface, captured, original, Nanos(0), options, place)
    }

    fn frame<R: Read>(
        &self,
        interface: Interface,
        captured: u32,
        original: u32,
        received: Nanos,
        behind: usize,
        place: &mut Place<'_, R>,
    ) -> Result<Option<Next>, PcapError> {
        let len = captured as usize;
        if let Got::CutOff = place.read_frame(len)? {
            return Ok(Some(Next::CutOff));
        }
        if let Got::CutOff = place.skip(behind)? {
            return Ok(Some(Next::CutOff));
        }
        let snapped = captured < original;
        let check_len = if snapped { 0 } else { interface.check_len };
        Ok(Some(Next::Frame { len: len.saturating_sub(check_len), received, snapped }))
    }

    /// An Interface Description Block (§4.2).
    fn interface<R: Read>(
        &mut self,
        body: usize,
        place: &mut Place<'_, R>,
    ) -> Result<Option<Next>, PcapError> {
        if !(8..=DESCRIPTION_MAX).contains(&body) {
            return Err(place.bad("describes an interface in too few or too many bytes"));
        }
        if self.interfaces.len() == INTERFACES_MAX {
            return Err(place.bad("describes one interface too many"));
        }
        if let Got::CutOff = place.read_frame(body)? {
            return Ok(Some(Next::CutOff));
        }
        let bytes = &place.frame[..body];
        let link = self.half(bytes, 0);
        if link != LINK_ETHERNET {
            return Err(PcapError::LinkType(link.into()));
        }
        let mut interface = Interface {
            resolution: RESOLUTION_DEFAULT,
            offset: 0,
            check_len: 0,
            snap_len: word(bytes, 4, self.big_endian).unwrap_or(0),
        };
        let mut at = 8;
        while at + 4 <= body {
            let (code, len) = (self.half(bytes, at), usize::from(self.half(bytes, at + 2)));
            let Some(value) = bytes.get(at + 4..at + 4 + len) else { break };
            match (code, value) {
                (OPTION_END, _) => break,
                (OPTION_RESOLUTION, [resolution]) => interface.resolution = *resolution,
                // In bits by the text, in bytes by its example: 32 and 4 mean the same.
                (OPTION_CHECK_LEN, [len @ 0..16]) => interface.check_len = usize::from(*len),
                (OPTION_CHECK_LEN, [bits]) => interface.check_len = usize::from(*bits) / 8,
                (OPTION_OFFSET, value) => {
                    let value: [u8; 8] = value.try_into().unwrap_or_default();
                    interface.offset = match self.big_endian {
                        true => i64::from_be_bytes(value),
                        false => i64::from_le_bytes(value),
                    };
                }
                _ => {}
            }
            at += 4 + len.next_multiple_of(4);
        }
        self.interfaces.push(interface);
        Ok(None)
    }

    fn half(&self, bytes: &[u8], at: usize) -> u16 {
        let two = bytes.get(at..).and_then(|bytes| bytes.first_chunk::<2>());
        let two = two.copied().unwrap_or_default();
        if self.big_endian { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) }
    }
}

impl Interface {
    /// A stamp as nanoseconds since the Unix epoch, held to what 64 bits can say.
    fn time(&self, stamp: u64) -> Nanos {
        let power = u32::from(self.resolution & 0x7f);
        let units = match self.resolution & 0x80 {
            0 => 10_u128.checked_pow(power),
            _ => Some(1_u128 << power),
        };
        let Some(units) = units else { return Nanos(0) };
        let nanos = u128::from(stamp) * 1_000_000_000 / units;
        let offset = i128::from(self.offset) * 1_000_000_000;
        let nanos = i128::try_from(nanos).unwrap_or(i128::MAX).saturating_add(offset);
        Nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
    }
}
