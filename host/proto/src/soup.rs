//! SoupBinTCP 3.00: packets over TCP that carry one message each, with login, heartbeats and
//! numbered delivery.
//!
//! A packet is a two-byte big-endian length of what follows, one byte of type, and a payload
//! (§1.1). Only sequenced data packets have a number, and only by counting: the first after a login
//! has the number that Login Accepted named (§1.3). Text fields of the login are padded with
//! spaces, the session and the numbers on the left (§2.2.1, §2.3.1). Version 4.00 differs in an
//! unsequenced data packet from the server, which is taken here too.

use core::fmt;
use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes in front of a payload: two of length, one of type.
pub const HEADER: usize = 3;
/// Longest payload that the length field can announce: 65,535 less the byte of type.
pub const PAYLOAD_MAX: usize = u16::MAX as usize - 1;
/// Bytes of a whole Login Request packet.
pub const LOGIN_REQUEST: usize = HEADER + size_of::<LoginRequest>();
/// Bytes of a whole Login Accepted packet.
pub const LOGIN_ACCEPTED: usize = HEADER + size_of::<LoginAccepted>();
/// A session name of spaces asks for the session that is active now (§2.3.1).
pub const ANY_SESSION: [u8; 10] = [b' '; 10];

/// Reasons of a Login Rejected packet (§2.2.2).
pub mod login_reject {
    /// Invalid username or password.
    pub const NOT_AUTHORIZED: u8 = b'A';
    /// The requested session is invalid or not available.
    pub const SESSION_NOT_AVAILABLE: u8 = b'S';
}

/// Packet types, as on the wire (§2).
mod kind {
    pub(super) const DEBUG: u8 = b'+';
    pub(super) const LOGIN_ACCEPTED: u8 = b'A';
    pub(super) const LOGIN_REJECTED: u8 = b'J';
    pub(super) const SEQUENCED: u8 = b'S';
    pub(super) const UNSEQUENCED: u8 = b'U';
    pub(super) const SERVER_HEARTBEAT: u8 = b'H';
    pub(super) const END_OF_SESSION: u8 = b'Z';
    pub(super) const LOGIN_REQUEST: u8 = b'L';
    pub(super) const CLIENT_HEARTBEAT: u8 = b'R';
    pub(super) const LOGOUT: u8 = b'O';
}

/// Payload of a Login Request (§2.3.1).
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct LoginRequest {
    /// User name, padded on the right.
    pub username: [u8; 6],
    /// Password, padded on the right.
    pub password: [u8; 10],
    /// Session wanted, or spaces for the active one.
    pub session: [u8; 10],
    /// Next number wanted in ASCII digits, zero for the most recently generated message.
    pub sequence: [u8; 20],
}

/// Payload of a Login Accepted (§2.2.1).
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct LoginAccepted {
    /// The session that was joined.
    pub session: [u8; 10],
    /// Number of the next sequenced message, in ASCII digits.
    pub sequence: [u8; 20],
}

/// What a client sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientPacket<'a> {
    /// `+`: text for a human (§2.1).
    Debug(&'a [u8]),
    /// `L`: the first packet of a connection.
    LoginRequest(&'a LoginRequest),
    /// `U`: one message to the server; it may be lost when the connection breaks.
    Unsequenced(&'a [u8]),
    /// `R`: sent when nothing else went for a second (§2.3.3).
    Heartbeat,
    /// `O`: the client asks the server to close (§2.3.4).
    Logout,
}

/// What a server sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServerPacket<'a> {
    /// `+`: text for a human (§2.1).
    Debug(&'a [u8]),
    /// `A`: logged in.
    LoginAccepted(&'a LoginAccepted),
    /// `J`: refused, with a code of [`login_reject`]; the server closes.
    LoginRejected(u8),
    /// `S`: one message, numbered by counting.
    Sequenced(&'a [u8]),
    /// `U`: one message without a number (version 4.00).
    Unsequenced(&'a [u8]),
    /// `H`: sent when nothing else went for a second (§2.2.4).
    Heartbeat,
    /// `Z`: the session is over and will not come back (§2.2.5).
    EndOfSession,
}

/// Why bytes are no packet. The packet's end is known in every case but [`Error::ZeroLength`],
/// whose two bytes are all there is: a reader may skip [`skip`] bytes and go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The length field is zero: there is not even a type.
    ZeroLength,
    /// No packet of this direction has this type.
    UnknownType(u8),
    /// The payload of this type is not as long as its layout.
    WrongLength(u8),
    /// The sequence number is not a padded decimal number.
    BadNumber,
}

impl LoginRequest {
    /// A request for `sequence` of `session`; the name and the password are padded already.
    pub fn new(username: [u8; 6], password: [u8; 10], session: [u8; 10], sequence: u64) -> Self {
        LoginRequest { username, password, session, sequence: number_field(sequence) }
    }

    /// The number asked for, `None` when it is no number.
    pub fn sequence_number(&self) -> Option<u64> {
        parse_number(&self.sequence)
    }
}

impl fmt::Debug for LoginRequest {
    // The password stays out of every log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRequest")
            .field("username", &self.username)
            .field("session", &self.session)
            .field("sequence", &self.sequence_number())
            .finish_non_exhaustive()
    }
}

impl LoginAccepted {
    /// An answer that names the session and the number of its next sequenced message.
    pub fn new(session: [u8; 10], sequence: u64) -> Self {
        LoginAccepted { session, sequence: number_field(sequence) }
    }

    /// The number of the next sequenced message, `None` when it is no number.
    pub fn sequence_number(&self) -> Option<u64> {
        parse_number(&self.sequence)
    }
}

impl<'a> ClientPacket<'a> {
    /// The first packet of `bytes`; `None` while its end has not come.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Option<(ClientPacket<'a>, usize)>, Error> {
        let Some(raw) = split(bytes)? else { return Ok(None) };
        let packet = match raw.kind {
            kind::UNSEQUENCED => ClientPacket::Unsequenced(raw.payload),
            kind::CLIENT_HEARTBEAT => ClientPacket::Heartbeat,
            kind::DEBUG => ClientPacket::Debug(raw.payload),
            kind::LOGOUT => ClientPacket::Logout,
            kind::LOGIN_REQUEST => {
                let request = LoginRequest::ref_from_bytes(raw.payload)
                    .map_err(|_| Error::WrongLength(raw.kind))?;
                request.sequence_number().ok_or(Error::BadNumber)?;
                ClientPacket::LoginRequest(request)
            }
            other => return Err(Error::UnknownType(other)),
        };
        let empty = matches!(packet, ClientPacket::Heartbeat | ClientPacket::Logout);
        raw.check_empty(empty)?;
        Ok(Some((packet, raw.consumed)))
    }

    /// Writes the packet to the front of `out` and returns its length, or `None` when it does not
    /// fit.
    #[inline]
    pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
        match *self {
            ClientPacket::Debug(text) => emit(out, kind::DEBUG, text),
            ClientPacket::LoginRequest(request) => {
                emit(out, kind::LOGIN_REQUEST, request.as_bytes())
            }
            ClientPacket::Unsequenced(message) => emit(out, kind::UNSEQUENCED, message),
            ClientPacket::Heartbeat => emit(out, kind::CLIENT_HEARTBEAT, &[]),
            ClientPacket::Logout => emit(out, kind::LOGOUT, &[]),
        }
    }
}

impl<'a> ServerPacket<'a> {
    /// The first packet of `bytes`; `None` while its end has not come.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Option<(ServerPacket<'a>, usize)>, Error> {
        let Some(raw) = split(bytes)? else { return Ok(None) };
        let packet = match raw.kind {
            kind::SEQUENCED => ServerPacket::Sequenced(raw.payload),
            kind::SERVER_HEARTBEAT => ServerPacket::Heartbeat,
            kind::UNSEQUENCED => ServerPacket::Unsequenced(raw.payload),
            kind::DEBUG => ServerPacket::Debug(raw.payload),
            kind::END_OF_SESSION => ServerPacket::EndOfSession,
            kind::LOGIN_ACCEPTED => {
                let accepted = LoginAccepted::ref_from_bytes(raw.payload)
                    .map_err(|_| Error::WrongLength(raw.kind))?;
                accepted.sequence_number().ok_or(Error::BadNumber)?;
                ServerPacket::LoginAccepted(accepted)
            }
            kind::LOGIN_REJECTED => match *raw.payload {
                [reason] => ServerPacket::LoginRejected(reason),
                _ => return Err(Error::WrongLength(raw.kind)),
            },
            other => return Err(Error::UnknownType(other)),
        };
        let empty = matches!(packet, ServerPacket::Heartbeat | ServerPacket::EndOfSession);
        raw.check_empty(empty)?;
        Ok(Some((packet, raw.consumed)))
    }

    /// Writes the packet to the front of `out` and returns its length, or `None` when it does not
    /// fit.
    #[inline]
    pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
        match *self {
            ServerPacket::Debug(text) => emit(out, kind::DEBUG, text),
            ServerPacket::LoginAccepted(accepted) => {
                emit(out, kind::LOGIN_ACCEPTED, accepted.as_bytes())
            }
            ServerPacket::LoginRejected(reason) => emit(out, kind::LOGIN_REJECTED, &[reason]),
            ServerPacket::Sequenced(message) => emit(out, kind::SEQUENCED, message),
            ServerPacket::Unsequenced(message) => emit(out, kind::UNSEQUENCED, message),
            ServerPacket::Heartbeat => emit(out, kind::SERVER_HEARTBEAT, &[]),
            ServerPacket::EndOfSession => emit(out, kind::END_OF_SESSION, &[]),
        }
    }
}

/// Writes the header of an unsequenced data packet from the client around a message of `len` bytes
/// that the caller puts at offset [`HEADER`]; the packet's length, or `None` when it does not fit.
/// It saves the copy that [`ClientPacket::emit`] makes.
#[inline]
pub fn frame_unsequenced(out: &mut [u8], len: usize) -> Option<usize> {
    frame(out, kind::UNSEQUENCED, len)
}

/// The same for a sequenced data packet from the server.
#[inline]
pub fn frame_sequenced(out: &mut [u8], len: usize) -> Option<usize> {
    frame(out, kind::SEQUENCED, len)
}

/// How many bytes to pass over after `bytes` began with a packet that did not parse: the length
/// field and what it announces. `None` when its end has not come.
#[inline]
pub fn skip(bytes: &[u8]) -> Option<usize> {
    let (length, rest) = U16::ref_from_prefix(bytes).ok()?;
    let announced = usize::from(length.get());
    (rest.len() >= announced).then_some(2 + announced)
}

/// A packet cut out of the stream, its payload not looked at.
struct Raw<'a> {
    kind: u8,
    payload: &'a [u8],
    consumed: usize,
}

impl Raw<'_> {
    fn check_empty(&self, must_be_empty: bool) -> Result<(), Error> {
        if must_be_empty && !self.payload.is_empty() {
            return Err(Error::WrongLength(self.kind));
        }
        Ok(())
    }
}

#[inline]
fn split(bytes: &[u8]) -> Result<Option<Raw<'_>>, Error> {
    let Ok((length, rest)) = U16::ref_from_prefix(bytes) else { return Ok(None) };
    let announced = usize::from(length.get());
    if announced == 0 {
        return Err(Error::ZeroLength);
    }
    let Some((&kind, payload)) = rest.get(..announced).and_then(<[u8]>::split_first) else {
        return Ok(None);
    };
    Ok(Some(Raw { kind, payload, consumed: 2 + announced }))
}

#[inline]
fn emit(out: &mut [u8], kind: u8, payload: &[u8]) -> Option<usize> {
    let len = frame(out, kind, payload.len())?;
    out.get_mut(HEADER..len)?.copy_from_slice(payload);
    Some(len)
}

#[inline]
fn frame(out: &mut [u8], kind: u8, payload_len: usize) -> Option<usize> {
    let length = u16::try_from(payload_len + 1).ok()?;
    let len = HEADER + payload_len;
    let [high, low] = length.to_be_bytes();
    out.get_mut(..len)?.first_chunk_mut::<HEADER>()?.copy_from_slice(&[high, low, kind]);
    Some(len)
}

/// `number` in ASCII digits, padded on the left with spaces; 20 digits hold every `u64`.
pub(crate) fn number_field(mut number: u64) -> [u8; 20] {
    let mut field = [b' '; 20];
    for byte in field.iter_mut().rev() {
        *byte = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    field
}

/// The number in a field padded with spaces on either side; `None` for anything else. Zeros in
/// front are digits too.
pub(crate) fn parse_number(field: &[u8; 20]) -> Option<u64> {
    let digits = field.trim_ascii();
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::ZeroLength => f.write_str("packet of length zero"),
            Error::UnknownType(kind) => write!(f, "unknown packet type 0x{kind:02x}"),
            Error::WrongLength(kind) => {
                write!(f, "packet of type 0x{kind:02x} has the wrong length")
            }
            Error::BadNumber => f.write_str("sequence number is not decimal"),
        }
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_pad_on_the_left() {
        assert_eq!(&number_field(0), b"                   0");
        assert_eq!(&number_field(u64::MAX), b"18446744073709551615");
        assert_eq!(parse_number(&number_field(u64::MAX)), Some(u64::MAX));
        assert_eq!(parse_number(b"18446744073709551616"), None);
        assert_eq!(parse_number(b"1                   "), Some(1));
        assert_eq!(parse_number(&[b' '; 20]), None);
        assert_eq!(parse_number(b"                 1 2"), None);
    }

    #[test]
    fn a_login_is_49_bytes() {
        let request = LoginRequest::new(*b"user  ", *b"pass      ", ANY_SESSION, 7);
        let mut out = [0; LOGIN_REQUEST];
        assert_eq!(ClientPacket::LoginRequest(&request).emit(&mut out), Some(49));
        assert_eq!(&out[..3], &[0, 47, b'L']);
        let (packet, consumed) = ClientPacket::parse(&out).unwrap().unwrap();
        assert_eq!((packet, consumed), (ClientPacket::LoginRequest(&request), 49));
    }

    #[test]
    fn a_bad_packet_is_passed_over() {
        let mut stream = [0u8; 16];
        stream[..7].copy_from_slice(&[0, 2, b'?', 9, 0, 1, b'H']);
        assert_eq!(ServerPacket::parse(&stream), Err(Error::UnknownType(b'?')));
        let rest = &stream[skip(&stream).unwrap()..];
        assert_eq!(ServerPacket::parse(rest), Ok(Some((ServerPacket::Heartbeat, 3))));
    }
}
