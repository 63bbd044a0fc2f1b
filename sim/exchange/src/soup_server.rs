//! The server's end of one SoupBinTCP connection: bytes in, packets out, silence noticed.
//!
//! What it sends waits in a bounded buffer; who uses it asks [`Outgoing::has_room`] before adding
//! more, so that a slow client costs 64 KiB and not the venue's memory. A client that takes nothing
//! for [`STALL`] is given up.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};

use tercel_proto::soup::{self, ClientPacket, ServerPacket};
use tercel_types::Nanos;

/// A client silent for this long is gone (SoupBinTCP 3.00 §1.2).
pub(crate) const CLIENT_TIMEOUT: Nanos = Nanos::from_secs(15);
/// The server says something at least this often (§2.2.5).
pub(crate) const HEARTBEAT: Nanos = Nanos::from_secs(1);
/// A client that takes none of what waits for it for this long is too slow.
pub(crate) const STALL: Nanos = Nanos::from_secs(15);
/// A closed connection waits this long for the client's own end, so that its last bytes are not cut
/// off by a reset.
const LINGER: Nanos = Nanos::from_secs(1);
/// Bytes queued beyond which nothing more is added.
const OUTGOING_ENOUGH: usize = 64 << 10;
/// Bytes read from one connection in one step, so that one client cannot hold up the others.
const READ_PER_STEP_MAX: usize = 64 << 10;

/// Who may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login {
    /// Padded with spaces on the right.
    pub username: [u8; 6],
    /// Padded with spaces on the right.
    pub password: [u8; 10],
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Either side closed it in good order, or the system did.
    Closed,
    /// Nothing was heard for [`CLIENT_TIMEOUT`].
    Silent,
    /// It took nothing for [`STALL`].
    Slow,
}

/// Where clients connect.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    address: SocketAddrV4,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    incoming: Vec<u8>,
    outgoing: Outgoing,
    heard: Nanos,
    said: Nanos,
    /// When the write side was shut.
    shut: Option<Nanos>,
    gone: bool,
}

/// What waits to be sent on a connection.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    bytes: Vec<u8>,
    taken: usize,
    closing: bool,
}

impl Login {
    /// Whether the request names this user and the right password; case does not matter (§2.3.2).
    pub fn admits(&self, request: &soup::LoginRequest) -> bool {
        self.username.eq_ignore_ascii_case(&request.username)
            && self.password.eq_ignore_ascii_case(&request.password)
    }
}

impl Listener {
    /// Listens; port 0 takes a free one.
    pub(crate) fn bind(mut address: SocketAddrV4) -> io::Result<Listener> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        if let SocketAddr::V4(bound) = listener.local_addr()? {
            address = bound;
        }
        Ok(Listener { listener, address })
    }

    pub(crate) fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// The next client that waits.
    pub(crate) fn accept(&self, now: Nanos) -> Option<Connection> {
        // A client gone before it was taken in is an error here, and so is a full table of files;
        // neither is the venue's end, and the next step tries again.
        let (stream, _) = self.listener.accept().ok()?;
        Connection::new(stream, now).ok()
    }
}

impl Outgoing {
    /// Adds one packet.
    pub(crate) fn push(&mut self, packet: ServerPacket<'_>) {
        let payload = match packet {
            ServerPacket::Sequenced(bytes)
            | ServerPacket::Unsequenced(bytes)
            | ServerPacket::Debug(bytes) => bytes.len(),
            _ => soup::LOGIN_ACCEPTED,
        };
        let start = self.bytes.len();
        self.bytes.resize(start + soup::HEADER + payload, 0);
        let written = packet.emit(&mut self.bytes[start..]).unwrap_or(0);
        self.bytes.truncate(start + written);
    }

    /// Adds bytes that are packets already.
    pub(crate) fn push_packets(&mut self, packets: &[u8]) {
        self.bytes.extend_from_slice(packets);
    }

    /// Closes the connection once everything is sent.
    pub(crate) fn close(&mut self) {
        self.closing = true;
    }

    /// More may be added now.
    pub(crate) fn has_room(&self) -> bool {
        !self.closing && self.bytes.len() - self.taken < OUTGOING_ENOUGH
    }

    fn is_empty(&self) -> bool {
        self.taken == self.bytes.len()
    }
}

impl Connection {
    /// Takes over an accepted stream.
    pub(crate) fn new(stream: TcpStream, now: Nanos) -> io::Result<Connection> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            incoming: Vec::new(),
            outgoing: Outgoing::default(),
            heard: now,
            said: now,
            shut: None,
            gone: false,
        })
    }

    pub(crate) fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// Ends it at once; what waits is lost.
    pub(crate) fn cut(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        self.gone = true;
    }

    /// Reads what has come and hands every whole packet to `each`; one that is no packet comes as
    /// an error and is passed over. Returns how many packets there were.
    pub(crate) fn receive(
        &mut self,
        now: Nanos,
        mut each: impl FnMut(&mut Outgoing, Result<ClientPacket<'_>, soup::Error>),
    ) -> usize {
        if !self.read(now) {
            return 0;
        }
        let (mut start, mut packets) = (0, 0);
        while !self.outgoing.closing {
            let rest = &self.incoming[start..];
            match ClientPacket::parse(rest) {
                Ok(None) => break,
                Ok(Some((packet, consumed))) => {
                    each(&mut self.outgoing, Ok(packet));
                    start += consumed;
                }
                Err(error) => {
                    let Some(consumed) = soup::skip(rest) else { break };
                    each(&mut self.outgoing, Err(error));
                    start += consumed;
                }
            }
            packets += 1;
        }
        if self.outgoing.closing {
            start = self.incoming.len();
        }
        self.incoming.drain(..start);
        packets
    }

    /// Appends what the stream has; false when that is nothing.
    fn read(&mut self, now: Nanos) -> bool {
        let before = self.incoming.len();
        let mut chunk = [0; 8192];
        while !self.gone && self.incoming.len() - before < READ_PER_STEP_MAX {
            match self.stream.read(&mut chunk) {
                Ok(0) => self.gone = true,
                Ok(len) => {
                    self.incoming.extend_from_slice(&chunk[..len]);
                    self.heard = now;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.gone = true,
            }
        }
        self.incoming.len() > before
    }

    /// Sends what waits, and a heartbeat when nothing has gone for a second and `heartbeats` are
    /// due. Says when the connection is over.
    pub(crate) fn send(&mut self, now: Nanos, heartbeats: bool) -> Option<Over> {
        if heartbeats
            && !self.outgoing.closing
            && self.outgoing.is_empty()
            && now.since(self.said) >= HEARTBEAT
        {
            self.outgoing.push(ServerPacket::Heartbeat);
        }
        self.write(now);
        if self.gone {
            return Some(Over::Closed);
        }
        if !self.outgoing.is_empty() && now.since(self.said) >= STALL {
            return Some(Over::Slow);
        }
        if self.outgoing.closing && self.outgoing.is_empty() {
            let shut = *self.shut.get_or_insert_with(|| {
                let _ = self.stream.shutdown(Shutdown::Write);
                now
            });
            if now.since(shut) >= LINGER {
                return Some(Over::Closed);
            }
        }
        if !self.outgoing.closing && now.since(self.heard) >= CLIENT_TIMEOUT {
            return Some(Over::Silent);
        }
        None
    }

    fn write(&mut self, now: Nanos) {
        let outgoing = &mut self.outgoing;
        while !self.gone && !outgoing.is_empty() {
            match self.stream.write(&outgoing.bytes[outgoing.taken..]) {
                Ok(len) => {
                    outgoing.taken += len;
                    self.said = now;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.gone = true,
            }
        }
        outgoing.bytes.drain(..outgoing.taken);
        outgoing.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn pair() -> (Connection, TcpStream) {
        let listener = Listener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = TcpStream::connect(listener.address()).unwrap();
        for _ in 0..10_000 {
            if let Some(connection) = listener.accept(Nanos(0)) {
                return (connection, client);
            }
            std::thread::yield_now();
        }
        panic!("not accepted");
    }

    #[test]
    fn a_client_that_takes_nothing_is_given_up() {
        let (mut connection, client) = pair();
        let message = [7; 1000];
        // The system's buffers take some megabytes before they are full.
        for _ in 0..100_000 {
            if !connection.outgoing().has_room() {
                break;
            }
            connection.outgoing().push(ServerPacket::Sequenced(&message));
            assert_eq!(connection.send(Nanos(1), true), None);
        }
        assert!(!connection.outgoing().has_room());
        let almost = Nanos(1 + STALL.0 - 1);
        connection.heard = almost;
        assert_eq!(connection.send(almost, true), None);
        assert_eq!(connection.send(Nanos(1 + STALL.0), true), Some(Over::Slow));
        drop(client);
    }

    #[test]
    fn a_closed_connection_waits_for_the_other_end() {
        let (mut connection, mut client) = pair();
        connection.outgoing().push(ServerPacket::EndOfSession);
        connection.outgoing().close();
        assert!(!connection.outgoing().has_room());
        assert_eq!(connection.send(Nanos(5), true), None);
        let mut bytes = Vec::new();
        client.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, [0, 1, b'Z']);
        assert_eq!(connection.send(Nanos(5 + LINGER.0), true), Some(Over::Closed));
    }
}
