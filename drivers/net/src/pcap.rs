//! Capture files: replay of what was recorded, and recording.
//!
//! Two formats are read, told apart by their first word: that of libpcap (draft-ietf-opsawg-pcap),
//! a header of 24 bytes, then records of 16 bytes and a frame, in the byte order of the machine
//! that wrote it; and [pcap-ng](crate::pcapng). The former is what is written here. Reading streams
//! through one buffer, so a file may be larger than memory; a record says how long it is, and one
//! that claims more than [`CAPTURED_MAX`] bytes is refused before anything is allocated.

use crate::headers;
use crate::pcapng::{Next, Place, SECTION, SECTION_LEN, Section};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;
use tercel_types::{Clock, Frame, FrameSink, FrameSource, Nanos, PortError};

/// Longest frame in a file, libpcap's own limit.
pub const CAPTURED_MAX: u32 = 262_144;

const MAGIC_MICROS: u32 = 0xa1b2_c3d4;
const MAGIC_NANOS: u32 = 0xa1b2_3c4d;
const LINK_ETHERNET: u32 = 1;
/// The same as of a section header of the other format.
const HEADER_LEN: usize = SECTION_LEN;
const RECORD_HEADER_LEN: usize = 16;
/// Bytes read from the file at a time.
const CHUNK: usize = 1 << 18;

/// Why a capture file could not be read. Offsets are in bytes from the start of the file.
#[derive(Debug, thiserror::Error)]
pub enum PcapError {
    /// Too short for a header.
    #[error("the file ends within its header: it is no capture file, or was cut off")]
    NoHeader,
    /// Something else.
    #[error("the file begins with {0:#010x}, which is not the magic number of a capture file")]
    BadMagic(u32),
    /// A version other than 2.x of pcap or 1.x of pcap-ng.
    #[error("the file has version {0}.{1} of its format; read are 2 of pcap and 1 of pcap-ng")]
    BadVersion(u16, u16),
    /// Frames of another kind of link.
    #[error("the file holds frames of link type {0}; this reads Ethernet, link type 1")]
    LinkType(u32),
    /// A record longer than any frame: the file is damaged from there on.
    #[error("the record at offset {offset} claims {captured} bytes: the file is damaged there")]
    Oversized {
        /// Where the record begins.
        offset: u64,
        /// What it claims.
        captured: u32,
    },
    /// A block of a pcap-ng that cannot be: the file is damaged from there on.
    #[error("the block at offset {offset} {what}: the file is damaged there")]
    Block {
        /// Where the block begins.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The system refused to open, read or write.
    #[error("at offset {offset}: {source}")]
    Io {
        /// How far reading or writing had come.
        offset: u64,
        /// The system's answer.
        source: io::Error,
    },
}

/// What a reader has seen.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PcapReport {
    /// Frames handed out.
    pub frames: u64,
    /// Of these, frames that the capture had cut short.
    pub snapped: u64,
    /// One if the file ended within a record.
    pub cut_off: u64,
}

/// A capture file as a source of frames, as fast as they are polled, each with its recorded time.
#[derive(Debug)]
pub struct PcapSource<R> {
    input: R,
    format: Format,
    offset: u64,
    frame: Vec<u8>,
    report: PcapReport,
    ended: bool,
    error: Option<PcapError>,
}

#[derive(Debug)]
enum Format {
    Classic {
        big_endian: bool,
        nanos: bool,
        /// Bytes of frame check sequence at the end of each frame, taken off.
        check_len: usize,
    },
    Ng(Section),
}

impl PcapSource<BufReader<File>> {
    /// Opens a file and reads its header.
    pub fn open(path: &Path) -> Result<PcapSource<BufReader<File>>, PcapError> {
        let file = File::open(path).map_err(|source| PcapError::Io { offset: 0, source })?;
        PcapSource::new(BufReader::with_capacity(CHUNK, file))
    }
}

impl<R: Read> PcapSource<R> {
    /// Reads the header of `input`, which should be buffered.
    pub fn new(mut input: R) -> Result<PcapSource<R>, PcapError> {
        let mut header = [0; HEADER_LEN];
        let got = read_full(&mut input, &mut header)
            .map_err(|source| PcapError::Io { offset: 0, source })?;
        if got < HEADER_LEN {
            return Err(PcapError::NoHeader);
        }
        let mut frame = vec![0; CAPTURED_MAX as usize];
        let mut offset = 0;
        if let Some(SECTION) = word(&header, 0, false) {
            let (section, rest) = Section::begin(&header, offset)?;
            let place =
                &mut Place { input: &mut input, offset: &mut offset, frame: &mut frame[..] };
            section.finish(rest, place)?.ok_or(PcapError::NoHeader)?;
            return Ok(PcapSource::of(input, Format::Ng(section), offset, frame));
        }
        let (big_endian, nanos) =
            match u32::from_le_bytes([header[0], header[1], header[2], header[3]]) {
                MAGIC_MICROS => (false, false),
                MAGIC_NANOS => (false, true),
                other => match other.swap_bytes() {
                    MAGIC_MICROS => (true, false),
                    MAGIC_NANOS => (true, true),
                    _ => return Err(PcapError::BadMagic(other)),
                },
            };
        let field = |at| word(&header, at, big_endian).unwrap_or(0);
        let (major, minor) = match big_endian {
            true => (field(4) >> 16, field(4) & 0xffff),
            false => (field(4) & 0xffff, field(4) >> 16),
        };
        if major != 2 {
            return Err(PcapError::BadVersion(major as u16, minor as u16));
        }
        // The upper bits say whether frames end in a check sequence, and of how many 16-bit words.
        let link = field(20);
        if link & 0xffff != LINK_ETHERNET {
            return Err(PcapError::LinkType(link & 0xffff));
        }
        let check_len = if link & 0x0400_0000 != 0 { (link >> 28) as usize * 2 } else { 0 };
        let format = Format::Classic { big_endian, nanos, check_len };
        Ok(PcapSource::of(input, format, HEADER_LEN as u64, frame))
    }

    fn of(input: R, format: Format, offset: u64, frame: Vec<u8>) -> PcapSource<R> {
        let report = PcapReport::default();
        PcapSource { input, format, offset, frame, report, ended: false, error: None }
    }

    /// What has been read so far.
    pub fn report(&self) -> PcapReport {
        self.report
    }

    /// Why the source ended before the end of the file, if it did.
    pub fn error(&self) -> Option<&PcapError> {
        self.error.as_ref()
    }

    /// The next frame, or `None` at the end of the file. After an error there is no next.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, PcapError> {
        if self.ended {
            return Ok(None);
        }
        self.ended = true;
        let PcapSource { input, format, offset, frame, .. } = self;
        let place = &mut Place { input, offset, frame: &mut frame[..] };
        let next = match format {
            Format::Classic { big_endian, nanos, check_len } => {
                next_record(place, *big_endian, *nanos, *check_len)?
            }
            Format::Ng(section) => section.next(place)?,
        };
        match next {
            Next::End => Ok(None),
            Next::CutOff => {
                self.report.cut_off += 1;
                Ok(None)
            }
            Next::Frame { len, received, snapped } => {
                self.ended = false;
                self.report.frames += 1;
                self.report.snapped += u64::from(snapped);
                Ok(Some(Frame { bytes: &self.frame[..len], received }))
            }
        }
    }
}

/// The next record of a classic file.
fn next_record<R: Read>(
    place: &mut Place<'_, R>,
    big_endian: bool,
    nanos: bool,
    check_len: usize,
) -> Result<Next, PcapError> {
    let offset = *place.offset;
    let io = |source| PcapError::Io { offset, source };
    let mut header = [0; RECORD_HEADER_LEN];
    let got = read_full(place.input, &mut header).map_err(io)?;
    if got < RECORD_HEADER_LEN {
        return Ok(if got == 0 { Next::End } else { Next::CutOff });
    }
    let field = |at| word(&header, at, big_endian).unwrap_or(0);
    let (seconds, fraction) = (u64::from(field(0)), u64::from(field(4)));
    let (captured, original) = (field(8), field(12));
    if captured > CAPTURED_MAX {
        return Err(PcapError::Oversized { offset, captured });
    }
    let len = captured as usize;
    if read_full(place.input, &mut place.frame[..len]).map_err(io)? < len {
        return Ok(Next::CutOff);
    }
    *place.offset += (RECORD_HEADER_LEN + len) as u64;
    let snapped = captured < original;
    let check_len = if snapped { 0 } else { check_len };
    let received = Nanos(seconds * 1_000_000_000 + fraction * if nanos { 1 } else { 1_000 });
    Ok(Next::Frame { len: len.saturating_sub(check_len), received, snapped })
}

impl<R: Read> FrameSource for PcapSource<R> {
    /// `Closed` at the end of the file and after damage; [`PcapSource::error`] tells which.
    fn poll(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        let mut given = 0;
        while given < max {
            match self.next_frame() {
                Ok(Some(frame)) => each(frame),
                Ok(None) if given == 0 => return Err(PortError::Closed),
                Ok(None) => break,
                Err(error) => {
                    self.error = Some(error);
                    continue;
                }
            }
            given += 1;
        }
        Ok(given)
    }
}

/// Writes a capture file with nanosecond stamps, little-endian.
#[derive(Debug)]
pub struct PcapWriter<W: Write> {
    output: W,
    offset: u64,
}

impl PcapWriter<BufWriter<File>> {
    /// Creates the file, in the place of one that may be there.
    pub fn create(path: &Path) -> Result<PcapWriter<BufWriter<File>>, PcapError> {
        let file = File::create(path).map_err(|source| PcapError::Io { offset: 0, source })?;
        PcapWriter::new(BufWriter::with_capacity(CHUNK, file))
    }
}

impl<W: Write> PcapWriter<W> {
    /// Writes the header to `output`, which should be buffered.
    pub fn new(mut output: W) -> Result<PcapWriter<W>, PcapError> {
        let mut header = [0; HEADER_LEN];
        header[0..4].copy_from_slice(&MAGIC_NANOS.to_le_bytes());
        header[4..6].copy_from_slice(&2_u16.to_le_bytes());
        header[6..8].copy_from_slice(&4_u16.to_le_bytes());
        header[16..20].copy_from_slice(&CAPTURED_MAX.to_le_bytes());
        header[20..24].copy_from_slice(&LINK_ETHERNET.to_le_bytes());
        output.write_all(&header).map_err(|source| PcapError::Io { offset: 0, source })?;
        Ok(PcapWriter { output, offset: HEADER_LEN as u64 })
    }

    /// Writes one frame; of one longer than [`CAPTURED_MAX`], the beginning. Stamps after the year
    /// 2106 are written as the last second before.
    pub fn write(&mut self, frame: Frame<'_>) -> Result<(), PcapError> {
        let kept = &frame.bytes[..frame.bytes.len().min(CAPTURED_MAX as usize)];
        let seconds = u32::try_from(frame.received.0 / 1_000_000_000).unwrap_or(u32::MAX);
        let fraction = (frame.received.0 % 1_000_000_000) as u32;
        let original = u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX);
        let mut header = [0; RECORD_HEADER_LEN];
        let fields = [seconds, fraction, kept.len() as u32, original];
        for (bytes, field) in header.chunks_exact_mut(4).zip(fields) {
            bytes.copy_from_slice(&field.to_le_bytes());
        }
        let written = self.output.write_all(&header).and_then(|()| self.output.write_all(kept));
        written.map_err(|source| PcapError::Io { offset: self.offset, source })?;
        self.offset += (RECORD_HEADER_LEN + kept.len()) as u64;
        Ok(())
    }

    /// Hands everything written so far to the system.
    pub fn flush(&mut self) -> Result<(), PcapError> {
        self.output.flush().map_err(|source| PcapError::Io { offset: self.offset, source })
    }

    /// What was written to, after a last flush.
    pub fn into_inner(mut self) -> Result<W, PcapError> {
        self.flush()?;
        Ok(self.output)
    }
}

/// A capture file as a sink: frames are stamped by `C` as they are committed.
#[derive(Debug)]
pub struct PcapSink<W: Write, C> {
    writer: PcapWriter<W>,
    clock: C,
    space: Box<[u8]>,
    reserved: Option<usize>,
}

impl<W: Write, C: Clock> PcapSink<W, C> {
    /// A sink that writes through `writer`.
    pub fn new(writer: PcapWriter<W>, clock: C) -> PcapSink<W, C> {
        let space = vec![0; headers::LEN + headers::PAYLOAD_MAX].into_boxed_slice();
        PcapSink { writer, clock, space, reserved: None }
    }

    /// The writer, to flush it or take what was written.
    pub fn into_writer(self) -> PcapWriter<W> {
        self.writer
    }
}

impl<W: Write, C: Clock> FrameSink for PcapSink<W, C> {
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        let space = self.space.get_mut(..len)?;
        self.reserved = Some(len);
        Some(space)
    }

    fn commit(&mut self) -> Result<(), PortError> {
        let len = self.reserved.take().ok_or(PortError::System(libc::EINVAL))?;
        let frame = Frame { bytes: &self.space[..len], received: self.clock.now() };
        self.writer.write(frame).map_err(|error| PortError::System(errno(&error)))
    }
}

/// The system's number for what went wrong with a file, `EIO` where it gave none.
pub(crate) fn errno(error: &PcapError) -> i32 {
    match error {
        PcapError::Io { source, .. } => source.raw_os_error().unwrap_or(libc::EIO),
        _ => libc::EIO,
    }
}

pub(crate) fn word(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let bytes = *bytes.get(at..)?.first_chunk::<4>()?;
    Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
}

/// Fills `buffer` as far as the input goes and returns how far.
pub(crate) fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
