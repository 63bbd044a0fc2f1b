//! MoldUDP64 1.00: numbered messages in UDP datagrams, downstream and requests. Sections are quoted
//! by their titles.

use core::fmt;
use tercel_types::SeqNo;
use zerocopy::big_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes of a downstream header and of a whole request.
pub const HEADER: usize = 20;

/// Bytes of the length in front of each message.
pub const BLOCK_HEADER: usize = 2;

/// Largest payload a publisher of this project makes: fits an Ethernet MTU of 1,500 with room for
/// tunnels.
pub const PAYLOAD_MAX: usize = 1_400;

/// Message count that says that the session has ended ("End of Session").
const END_OF_SESSION: u16 = 0xffff;

/// Most messages one packet or one request names: 65,535 is taken by the end of session.
pub const COUNT_MAX: u16 = END_OF_SESSION - 1;

/// The name of a session: ten ASCII bytes.
pub type Session = [u8; 10];

/// Downstream header ("Downstream Packet"); a request has the same layout ("Request Packet").
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct Header {
    /// Session the numbers count in.
    pub session: Session,
    /// Number of the first message, or of the next one when there is none here.
    pub seq: U64,
    /// Messages in the packet: 0 heartbeat, 65,535 end of session.
    pub count: U16,
}

/// What a downstream packet is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PacketKind {
    /// So many messages, from the packet's sequence number on.
    Messages(u16),
    /// The sender lives; the sequence number is the one it will use next ("Heartbeats").
    Heartbeat,
    /// No message will follow; the sequence number is one past the last.
    EndOfSession,
}

/// A downstream packet whose message blocks have all been checked to lie inside it.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    header: &'a Header,
    blocks: &'a [u8],
}

/// The messages of a packet, in order.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    blocks: &'a [u8],
}

/// Asks a retransmission server for messages ("Request Packet"); the answer is a downstream packet,
/// unicast.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    /// Session.
    pub session: Session,
    /// First message wanted.
    pub seq: SeqNo,
    /// How many; the answer may hold fewer.
    pub count: u16,
}

/// Builds one downstream packet in a buffer.
#[derive(Debug)]
pub struct PacketBuilder<'a> {
    buf: &'a mut [u8],
    len: usize,
    count: u16,
}

/// Why bytes are not a MoldUDP64 packet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Error {
    /// Shorter than a header.
    Short,
    /// A message block ends behind the packet.
    Truncated,
    /// Bytes follow the last message block, or a heartbeat.
    Trailing,
    /// The number of the last message does not fit 64 bits.
    Sequence,
}

impl<'a> Packet<'a> {
    /// Checks the header and the length of every message block.
    ///
    /// # Errors
    /// See [`Error`].
    #[inline]
    pub fn new_checked(bytes: &'a [u8]) -> Result<Packet<'a>, Error> {
        let Ok((header, blocks)) = Header::ref_from_prefix(bytes) else { return Err(Error::Short) };
        let count = match header.count.get() {
            END_OF_SESSION => 0,
            count => count,
        };
        if header.seq.get().checked_add(u64::from(count)).is_none() {
            return Err(Error::Sequence);
        }
        let mut rest = blocks;
        for _ in 0..count {
            match split_block(rest) {
                Some((_, after)) => rest = after,
                None => return Err(Error::Truncated),
            }
        }
        if rest.is_empty() { Ok(Packet { header, blocks }) } else { Err(Error::Trailing) }
    }

    /// The session.
    #[inline]
    pub fn session(&self) -> Session {
        self.header.session
    }

    /// Number of the first message, or of the next one when the packet has none.
    #[inline]
    pub fn seq(&self) -> SeqNo {
        SeqNo(self.header.seq.get())
    }

    /// What the packet is.
    #[inline]
    pub fn kind(&self) -> PacketKind {
        match self.header.count.get() {
            0 => PacketKind::Heartbeat,
            END_OF_SESSION => PacketKind::EndOfSession,
            count => PacketKind::Messages(count),
        }
    }

    /// The messages, in order.
    #[inline]
    pub fn messages(&self) -> Messages<'a> {
        Messages { blocks: self.blocks }
    }
}

impl<'a> Messages<'a> {
    /// The messages of blocks that were part of a checked packet; what follows a block that is cut
    /// short is left out.
    #[inline]
    pub fn of_blocks(blocks: &'a [u8]) -> Messages<'a> {
        Messages { blocks }
    }

    /// The blocks not yet iterated over.
    #[inline]
    pub fn blocks(&self) -> &'a [u8] {
        self.blocks
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (message, rest) = split_block(self.blocks)?;
        self.blocks = rest;
        Some(message)
    }
}

/// The first message of a run of blocks and the blocks behind it.
#[inline]
fn split_block(blocks: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[high, low], rest) = blocks.split_first_chunk::<BLOCK_HEADER>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))
}

impl Request {
    /// Reads a request; bytes behind it are refused.
    ///
    /// # Errors
    /// `Short` or `Trailing`.
    pub fn parse(bytes: &[u8]) -> Result<Request, Error> {
        let Ok((header, rest)) = Header::ref_from_prefix(bytes) else { return Err(Error::Short) };
        if !rest.is_empty() {
            return Err(Error::Trailing);
        }
        Ok(Request {
            session: header.session,
            seq: SeqNo(header.seq.get()),
            count: header.count.get(),
        })
    }

    /// The request as on the wire.
    pub fn emit(&self) -> [u8; HEADER] {
        let header = Header {
            session: self.session,
            seq: U64::new(self.seq.0),
            count: U16::new(self.count),
        };
        zerocopy::transmute!(header)
    }
}

impl<'a> PacketBuilder<'a> {
    /// Starts a packet whose first message has number `seq`. A buffer shorter than [`HEADER`] takes
    /// no message and finishes with length zero.
    pub fn new(buf: &'a mut [u8], session: Session, seq: SeqNo) -> PacketBuilder<'a> {
        let len = write_header(buf, session, seq, 0);
        PacketBuilder { buf, len, count: 0 }
    }

    /// Appends a message; `false`, with nothing changed, when it does not fit.
    pub fn push(&mut self, message: &[u8]) -> bool {
        let Ok(length) = u16::try_from(message.len()) else { return false };
        let end = self.len + BLOCK_HEADER + message.len();
        if self.len < HEADER || self.count == COUNT_MAX {
            return false;
        }
        let Some(block) = self.buf.get_mut(self.len..end) else { return false };
        let (head, body) = block.split_at_mut(BLOCK_HEADER);
        head.copy_from_slice(&length.to_be_bytes());
        body.copy_from_slice(message);
        self.len = end;
        self.count += 1;
        true
    }

    /// Messages so far.
    pub fn count(&self) -> u16 {
        self.count
    }

    /// Writes the count and returns the packet's length. Without a message it is a heartbeat.
    pub fn finish(self) -> usize {
        if let Some(field) = self.buf.get_mut(HEADER - 2..HEADER) {
            field.copy_from_slice(&self.count.to_be_bytes());
        }
        self.len
    }
}

/// Writes a heartbeat and returns its length, zero when it does not fit.
pub fn heartbeat(buf: &mut [u8], session: Session, next_seq: SeqNo) -> usize {
    write_header(buf, session, next_seq, 0)
}

/// Writes an end of session and returns its length, zero when it does not fit.
pub fn end_of_session(buf: &mut [u8], session: Session, next_seq: SeqNo) -> usize {
    write_header(buf, session, next_seq, END_OF_SESSION)
}

fn write_header(buf: &mut [u8], session: Session, seq: SeqNo, count: u16) -> usize {
    let header = Header { session, seq: U64::new(seq.0), count: U16::new(count) };
    match header.write_to_prefix(buf) {
        Ok(()) => HEADER,
        Err(_) => 0,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Short => "shorter than a MoldUDP64 header",
            Error::Truncated => "a message block ends behind its packet",
            Error::Trailing => "bytes behind the last message block",
            Error::Sequence => "sequence number out of range",
        })
    }
}

impl core::error::Error for Error {}
