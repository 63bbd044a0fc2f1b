//! Glimpse 5.0: the order book of a whole venue as it is now, for a client that joins late.
//!
//! Over SoupBinTCP the server sends ITCH 5.0 messages that build the book, and then an End of
//! Snapshot message with the number of the feed's message from which to go on (Glimpse 5.0 §3).
//! [`Client`] does no I/O: bytes in, events out.

use crate::soup::{self, ClientPacket, LoginRequest, ServerPacket};
use core::fmt;
use tercel_types::SeqNo;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// `G` End of Snapshot (Glimpse 5.0 §3): the snapshot is whole.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct EndOfSnapshot {
    /// `G`.
    pub kind: u8,
    /// Number of the first message of the feed that is not in the snapshot, in ASCII digits.
    pub sequence: [u8; 20],
}

impl EndOfSnapshot {
    /// The letter in `kind`; no ITCH 5.0 message has it.
    pub const KIND: u8 = b'G';

    /// An end that names the first message not in the snapshot.
    pub fn new(next: SeqNo) -> EndOfSnapshot {
        EndOfSnapshot { kind: EndOfSnapshot::KIND, sequence: soup::number_field(next.0) }
    }

    /// The message in `bytes`; `None` when they are another one or the number is not decimal.
    pub fn parse(bytes: &[u8]) -> Option<SeqNo> {
        let end = EndOfSnapshot::ref_from_bytes(bytes).ok()?;
        if end.kind != EndOfSnapshot::KIND {
            return None;
        }
        soup::parse_number(&end.sequence).map(SeqNo)
    }
}

/// What a snapshot consists of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// An ITCH 5.0 message of the snapshot.
    Message(&'a [u8]),
    /// The snapshot is whole; the feed goes on with this message.
    End(SeqNo),
}

/// Why a snapshot cannot be had from this connection. Take a new one, with a new [`Client`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The login was refused, with a code of [`soup::login_reject`].
    Refused(u8),
    /// The stream is not SoupBinTCP.
    Soup(soup::Error),
    /// Data came before the login was answered, or a second answer came.
    Unexpected,
    /// The End of Snapshot message does not parse.
    BadEnd,
    /// The session ended inside the snapshot.
    EndedEarly,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    LoginDue,
    LoginSent,
    Receiving,
    LogoutDue,
    Done,
    Failed(Error),
}

/// The client's side of one connection to a Glimpse server, for one snapshot.
#[derive(Clone, Debug)]
pub struct Client {
    login: LoginRequest,
    state: State,
    heartbeat_due: bool,
}

impl Client {
    /// A client that will log in to the active session; name and password are padded on the right
    /// with spaces.
    pub fn new(username: [u8; 6], password: [u8; 10]) -> Client {
        Client {
            login: LoginRequest::new(username, password, soup::ANY_SESSION, 1),
            state: State::LoginDue,
            heartbeat_due: false,
        }
    }

    /// Writes what is due to the front of `out` and returns how many bytes: the login, a heartbeat
    /// that was asked for, and the logout after the end. Zero when nothing is due or `out` is too
    /// small ([`soup::LOGIN_REQUEST`] do).
    pub fn transmit(&mut self, out: &mut [u8]) -> usize {
        let (packet, next) = match self.state {
            State::LoginDue => (ClientPacket::LoginRequest(&self.login), State::LoginSent),
            State::LogoutDue => (ClientPacket::Logout, State::Done),
            state if self.heartbeat_due => (ClientPacket::Heartbeat, state),
            _ => return 0,
        };
        let Some(len) = packet.emit(out) else { return 0 };
        self.state = next;
        self.heartbeat_due = false;
        len
    }

    /// Makes a heartbeat due. A server closes a line that was silent for 15 s (§2.3.3 of
    /// SoupBinTCP); a snapshot that may take longer needs one each second.
    pub fn request_heartbeat(&mut self) {
        self.heartbeat_due = matches!(self.state, State::LoginSent | State::Receiving);
    }

    /// Takes bytes of the stream and hands on what the snapshot consists of. Returns how many bytes
    /// were consumed; the rest belong to a packet whose end has not come. After an error every call
    /// returns it again.
    pub fn on_bytes(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Event<'_>),
    ) -> Result<usize, Error> {
        let mut consumed = 0;
        loop {
            if let State::Failed(error) = self.state {
                return Err(error);
            }
            let rest = bytes.get(consumed..).unwrap_or(&[]);
            let step = match ServerPacket::parse(rest) {
                Ok(None) => return Ok(consumed),
                Ok(Some((packet, len))) => {
                    consumed += len;
                    self.on_packet(packet, &mut each)
                }
                Err(error) => Err(Error::Soup(error)),
            };
            if let Err(error) = step {
                self.state = State::Failed(error);
            }
        }
    }

    /// The snapshot is whole.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::LogoutDue | State::Done)
    }

    fn on_packet(
        &mut self,
        packet: ServerPacket<'_>,
        each: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Error> {
        match (packet, self.state) {
            (ServerPacket::Debug(_) | ServerPacket::Heartbeat, _) => {}
            (_, State::LogoutDue | State::Done) => {}
            (ServerPacket::LoginAccepted(_), State::LoginSent) => self.state = State::Receiving,
            (ServerPacket::LoginRejected(reason), State::LoginSent) => {
                return Err(Error::Refused(reason));
            }
            (
                ServerPacket::Sequenced(message) | ServerPacket::Unsequenced(message),
                State::Receiving,
            ) => {
                if message.first() != Some(&EndOfSnapshot::KIND) {
                    each(Event::Message(message));
                    return Ok(());
                }
                let next = EndOfSnapshot::parse(message).ok_or(Error::BadEnd)?;
                self.state = State::LogoutDue;
                each(Event::End(next));
            }
            (ServerPacket::EndOfSession, _) => return Err(Error::EndedEarly),
            _ => return Err(Error::Unexpected),
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused(reason) => write!(f, "login refused, reason 0x{reason:02x}"),
            Error::Soup(error) => write!(f, "SoupBinTCP: {error}"),
            Error::Unexpected => f.write_str("a packet that does not belong here"),
            Error::BadEnd => f.write_str("malformed end of snapshot"),
            Error::EndedEarly => f.write_str("the session ended inside the snapshot"),
        }
    }
}

impl core::error::Error for Error {}
