//! Recorded files: an ITCH file (messages behind their lengths) or a capture (pcap or pcap-ng),
//! either of them gzipped or not; or a folder of captures, read in the order of their names.

use anyhow::{Context, Result, bail};
use flate2::read::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::Ipv4Addr;
use std::path::Path;
use tercel_capture::files::{Chain, files};
use tercel_net::pcap::PcapSource;
use tercel_proto::{eth, ip, mold, soup, udp};
use tercel_types::Nanos;

/// The first bytes of a pcap-ng, and of a pcap in either byte order, with microseconds or
/// nanoseconds.
const PCAP_MAGIC: [[u8; 4]; 5] = [
    [0x0a, 0x0d, 0x0d, 0x0a],
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0x4d, 0x3c, 0xb2, 0xa1],
    [0xa1, 0xb2, 0x3c, 0x4d],
];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

type Input = Box<dyn BufRead>;

/// An open recording.
pub(crate) enum Recording {
    Itch(ItchFile),
    Pcap(Box<PcapSource<Input>>),
    /// What `run --orders` writes: SoupBinTCP packets of a client, which lie in a file as messages
    /// behind their lengths do.
    Orders(ItchFile),
}

impl Recording {
    /// Opens a file and finds out what it is. `bar` shows how far reading has come.
    pub(crate) fn open(path: &Path, bar: &ProgressBar) -> Result<Recording> {
        let open = || -> Result<Input> {
            let files = files(path)?;
            let sizes = files.iter().map(|file| Ok(std::fs::metadata(file)?.len()));
            bar.set_length(sizes.sum::<std::io::Result<u64>>()?);
            let chain = bar.wrap_read(Chain::new(files));
            let mut input: Input = Box::new(BufReader::with_capacity(1 << 20, chain));
            if input.fill_buf()?.starts_with(&GZIP_MAGIC) {
                input = Box::new(BufReader::with_capacity(1 << 20, MultiGzDecoder::new(input)));
            }
            Ok(input)
        };
        let mut input = open().with_context(|| format!("cannot read {}", path.display()))?;
        let start = input.fill_buf().with_context(|| format!("cannot read {}", path.display()))?;
        if start.get(..4).is_some_and(|magic| PCAP_MAGIC.iter().any(|known| known == magic)) {
            let source = PcapSource::new(input).with_context(|| path.display().to_string())?;
            return Ok(Recording::Pcap(Box::new(source)));
        }
        // An ITCH file begins with a message of a known type behind its length.
        let known = start.get(2).and_then(|kind| tercel_proto::itch::length_of(*kind));
        let length = start.get(..2).map(|b| usize::from(u16::from_be_bytes([b[0], b[1]])));
        let file = |input| ItchFile { input, message: Vec::new(), offset: 0 };
        if start.get(2) == Some(&b'U') && known != length {
            return Ok(Recording::Orders(file(input)));
        }
        if start.is_empty() || known.is_none() || known != length {
            bail!("{} is neither an ITCH file, a pcap, nor a file of orders", path.display());
        }
        Ok(Recording::Itch(file(input)))
    }
}

/// A bar over the bytes of a file, with rate and time left; hidden where standard error is no
/// terminal.
pub(crate) fn progress(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    let template = "{msg} {bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}

/// Nasdaq BinaryFILE, read as a stream because a day has gigabytes.
pub(crate) struct ItchFile {
    input: Input,
    message: Vec<u8>,
    offset: u64,
}

impl ItchFile {
    /// The next message; `None` at the end of the file or of its session.
    pub(crate) fn next_message(&mut self) -> Result<Option<&[u8]>> {
        let mut length = [0; 2];
        match self.input.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error).context(format!("at byte {}", self.offset)),
        }
        self.message.resize(usize::from(u16::from_be_bytes(length)), 0);
        if self.message.is_empty() {
            return Ok(None);
        }
        self.input
            .read_exact(&mut self.message)
            .with_context(|| format!("the file ends inside the message at byte {}", self.offset))?;
        self.offset += 2 + self.message.len() as u64;
        Ok(Some(&self.message))
    }
}

/// One thing found in a recording.
pub(crate) enum Item<'a> {
    /// An ITCH message, with its number in the feed's session where the file tells.
    Itch { seq: Option<u64>, bytes: &'a [u8] },
    /// An OUCH message of a client.
    OuchIn(&'a [u8]),
    /// An OUCH message of a venue.
    OuchOut(&'a [u8]),
    /// A session packet without a message: heartbeat, login, end of session.
    Session(&'static str),
    /// A frame or a packet that is none of these, and why.
    Other(String),
}

/// Hands every item of a file to `each`, with the time of its frame, until that says `false`.
pub(crate) fn walk(
    path: &Path,
    mut each: impl FnMut(Option<Nanos>, Item<'_>) -> bool,
) -> Result<()> {
    let bar = progress("reading");
    match Recording::open(path, &bar)? {
        Recording::Itch(mut file) => {
            while let Some(bytes) =
                file.next_message().with_context(|| path.display().to_string())?
            {
                if !each(None, Item::Itch { seq: None, bytes }) {
                    break;
                }
            }
        }
        Recording::Orders(mut file) => {
            while let Some(packet) =
                file.next_message().with_context(|| path.display().to_string())?
            {
                if !each(None, Item::OuchIn(packet.get(1..).unwrap_or_default())) {
                    break;
                }
            }
        }
        Recording::Pcap(mut source) => {
            while let Some(frame) =
                source.next_frame().with_context(|| path.display().to_string())?
            {
                if !walk_frame(frame.bytes, |item| each(Some(frame.received), item)) {
                    break;
                }
            }
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn walk_frame(frame: &[u8], mut each: impl FnMut(Item<'_>) -> bool) -> bool {
    let packet = match eth::ipv4(frame).and_then(recorded_ip) {
        Ok(packet) => packet,
        Err(error) => return each(Item::Other(error.to_string())),
    };
    match packet.protocol {
        ip::PROTOCOL_UDP => match udp::parse(packet.payload, packet.src, packet.dst) {
            Ok(datagram) => walk_mold(datagram.payload, &mut each),
            Err(error) => each(Item::Other(error.to_string())),
        },
        TCP => match tcp_payload(packet.payload) {
            Some(payload) => walk_soup(payload, &mut each),
            None => each(Item::Other("TCP header is cut off".into())),
        },
        other => each(Item::Other(format!("IP protocol {other}"))),
    }
}

const TCP: u8 = 6;

/// A packet as recorded: a header without a checksum was captured before a network card filled it
/// in, or had its addresses taken out. One with a wrong checksum is refused.
fn recorded_ip(bytes: &[u8]) -> Result<ip::Ipv4<'_>, tercel_proto::frame::Error> {
    match (ip::parse(bytes), bytes.get(10..12)) {
        (Err(tercel_proto::frame::Error::IpChecksum), Some([0, 0])) => ip::parse_unverified(bytes),
        (parsed, _) => parsed,
    }
}

/// What follows the TCP header (RFC 9293 §3.1: data offset in 32-bit words).
fn tcp_payload(segment: &[u8]) -> Option<&[u8]> {
    let offset = usize::from(segment.get(12)? >> 4) * 4;
    segment.get(offset.max(20)..)
}

fn walk_mold(payload: &[u8], each: &mut impl FnMut(Item<'_>) -> bool) -> bool {
    let packet = match mold::Packet::new_checked(payload) {
        Ok(packet) => packet,
        Err(error) => return each(Item::Other(format!("MoldUDP64: {error}"))),
    };
    match packet.kind() {
        mold::PacketKind::Heartbeat => each(Item::Session("MoldUDP64 heartbeat")),
        mold::PacketKind::EndOfSession => each(Item::Session("MoldUDP64 end of session")),
        mold::PacketKind::Messages(_) => packet.messages().enumerate().all(|(at, bytes)| {
            let seq = Some(packet.seq().0.saturating_add(at as u64));
            each(Item::Itch { seq, bytes })
        }),
    }
}

/// A segment's bytes as SoupBinTCP packets; a capture may begin inside a stream, so what does not
/// parse ends the segment.
fn walk_soup(mut bytes: &[u8], each: &mut impl FnMut(Item<'_>) -> bool) -> bool {
    while !bytes.is_empty() {
        let item;
        let consumed;
        if let Ok(Some((packet, len))) = soup::ServerPacket::parse(bytes) {
            consumed = len;
            item = match packet {
                soup::ServerPacket::Sequenced(message) => Item::OuchOut(message),
                soup::ServerPacket::Unsequenced(message) => Item::OuchIn(message),
                soup::ServerPacket::Debug(_) => Item::Session("SoupBinTCP debug"),
                soup::ServerPacket::LoginAccepted(_) => Item::Session("SoupBinTCP login accepted"),
                soup::ServerPacket::LoginRejected(_) => Item::Session("SoupBinTCP login rejected"),
                soup::ServerPacket::Heartbeat => Item::Session("SoupBinTCP server heartbeat"),
                soup::ServerPacket::EndOfSession => Item::Session("SoupBinTCP end of session"),
            };
        } else if let Ok(Some((packet, len))) = soup::ClientPacket::parse(bytes) {
            consumed = len;
            item = match packet {
                soup::ClientPacket::Unsequenced(message) => Item::OuchIn(message),
                soup::ClientPacket::Debug(_) => Item::Session("SoupBinTCP debug"),
                soup::ClientPacket::LoginRequest(_) => Item::Session("SoupBinTCP login request"),
                soup::ClientPacket::Heartbeat => Item::Session("SoupBinTCP client heartbeat"),
                soup::ClientPacket::Logout => Item::Session("SoupBinTCP logout request"),
            };
        } else {
            return each(Item::Other("not SoupBinTCP, or the middle of a packet".into()));
        }
        if !each(item) {
            return false;
        }
        bytes = &bytes[consumed..];
    }
    true
}

/// The first two MoldUDP64 destinations of a capture, the session and the first sequence number:
/// its lines.
pub(crate) struct CapturedLines {
    pub(crate) lines: [std::net::SocketAddrV4; 2],
    pub(crate) session: mold::Session,
    pub(crate) first: u64,
}

/// Looks through a capture for its lines; a capture of one line has the second one unused.
pub(crate) fn captured_lines(path: &Path) -> Result<Option<CapturedLines>> {
    let bar = ProgressBar::hidden();
    let Recording::Pcap(mut source) = Recording::open(path, &bar)? else { return Ok(None) };
    let mut found: Option<CapturedLines> = None;
    let mut heard = 0;
    while let Some(frame) = source.next_frame()? {
        let Ok(datagram) = tercel_proto::frame::parse_udp(frame.bytes) else { continue };
        let Ok(packet) = mold::Packet::new_checked(datagram.payload) else { continue };
        match &mut found {
            None => {
                let unused = std::net::SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
                found = Some(CapturedLines {
                    lines: [datagram.dst, unused],
                    session: packet.session(),
                    first: packet.seq().0,
                });
            }
            Some(lines) if packet.session() == lines.session => {
                lines.first = lines.first.min(packet.seq().0);
                if datagram.dst != lines.lines[0] {
                    lines.lines[1] = datagram.dst;
                    return Ok(found);
                }
            }
            Some(_) => {}
        }
        heard += 1;
        // The second line of a feed is heard at once if it is in the capture at all.
        if heard > 10_000 {
            break;
        }
    }
    Ok(found)
}
