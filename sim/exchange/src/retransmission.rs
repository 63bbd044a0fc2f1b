//! The retransmission server: asked by unicast UDP for messages that were missed, it answers from
//! the session's store.
//!
//! A reply is one ordinary MoldUDP64 packet with as many of the messages asked for as fit; the
//! asker asks again for the rest (MoldUDP64 1.00, "Request Packet"). Requests for another session,
//! or for messages not sent yet, get no answer.

use std::io;
use std::net::{SocketAddrV4, UdpSocket};

use tercel_proto::mold;
use tercel_types::SeqNo;

use crate::publisher::Store;

/// Requests answered in one step, so that one asker cannot hold up the feed.
const REQUESTS_PER_STEP_MAX: usize = 64;

/// What was asked and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetransmissionCounters {
    /// Requests answered.
    pub answered: u64,
    /// Messages in those answers.
    pub messages: u64,
    /// Datagrams that were not requests.
    pub malformed: u64,
    /// Requests for another session.
    pub other_session: u64,
    /// Requests for messages that do not exist, or for none.
    pub out_of_range: u64,
    /// Replies the system refused to send.
    pub refused: u64,
}

/// Answers requests while it runs. Stopped, its port is closed, as if the process were gone.
#[derive(Debug)]
pub struct Retransmission {
    /// The address asked of the system; after the first bind its port is the one in use.
    address: SocketAddrV4,
    socket: Option<UdpSocket>,
    counters: RetransmissionCounters,
}

impl Retransmission {
    /// Binds the server; port 0 takes a free one.
    pub(crate) fn bind(address: SocketAddrV4) -> io::Result<Retransmission> {
        let counters = RetransmissionCounters::default();
        let mut server = Retransmission { address, socket: None, counters };
        server.start()?;
        Ok(server)
    }

    /// Where requests go.
    pub fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// Counts since the start.
    pub fn counters(&self) -> &RetransmissionCounters {
        &self.counters
    }

    /// Whether requests are answered now.
    pub fn is_running(&self) -> bool {
        self.socket.is_some()
    }

    /// Closes the port; requests are lost from now on.
    pub fn stop(&mut self) {
        self.socket = None;
    }

    /// Opens the port again, the same as before.
    ///
    /// # Errors
    /// The system's, when another process has taken the port.
    pub fn start(&mut self) -> io::Result<()> {
        if self.socket.is_some() {
            return Ok(());
        }
        let socket = UdpSocket::bind(self.address)?;
        socket.set_nonblocking(true)?;
        self.address.set_port(socket.local_addr()?.port());
        self.socket = Some(socket);
        Ok(())
    }

    /// Answers the waiting requests; returns how many datagrams it took.
    pub(crate) fn step(&mut self, session: [u8; 10], store: &Store, packet: &mut [u8]) -> usize {
        let Some(socket) = &self.socket else { return 0 };
        let counters = &mut self.counters;
        // One byte more than a request: a longer datagram shows by its length.
        let mut buf = [0; 21];
        let mut taken = 0;
        while taken < REQUESTS_PER_STEP_MAX {
            let (len, asker) = match socket.recv_from(&mut buf) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An earlier reply came back as "port unreachable"; the next call goes on.
                Err(_) => {
                    taken += 1;
                    continue;
                }
            };
            taken += 1;
            let Ok(request) = mold::Request::parse(&buf[..len]) else {
                counters.malformed += 1;
                continue;
            };
            if request.session != session {
                counters.other_session += 1;
                continue;
            }
            let (len, count) = answer(&request, session, store, packet);
            if count == 0 {
                counters.out_of_range += 1;
                continue;
            }
            match socket.send_to(&packet[..len], asker) {
                Ok(_) => {
                    counters.answered += 1;
                    counters.messages += count;
                }
                Err(_) => counters.refused += 1,
            }
        }
        taken
    }
}

/// Writes the reply; returns its length and its number of messages.
fn answer(
    request: &mold::Request,
    session: [u8; 10],
    store: &Store,
    packet: &mut [u8],
) -> (usize, u64) {
    let mut builder = mold::PacketBuilder::new(packet, session, request.seq);
    let mut count = 0;
    if request.seq > SeqNo(0) {
        for message in store.from(request.seq).take(usize::from(request.count)) {
            if !builder.push(message) {
                break;
            }
            count += 1;
        }
    }
    (builder.finish(), count)
}
