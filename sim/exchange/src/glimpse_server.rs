//! The Glimpse server: a client logs in over SoupBinTCP and gets the state of the whole feed as
//! ITCH messages, then the number of the feed's message that continues it, then the end of the
//! session (Glimpse 5.0).
//!
//! All clients served in one step share one copy of the snapshot; a client that takes it slowly
//! keeps that copy alive and nothing more. The number of clients is bounded.

use std::io;
use std::net::SocketAddrV4;
use std::sync::Arc;

use tercel_proto::glimpse::EndOfSnapshot;
use tercel_proto::soup::{ClientPacket, LoginAccepted, ServerPacket, login_reject};
use tercel_types::{Nanos, SeqNo};
use zerocopy::IntoBytes;

use crate::publisher::Snapshot;
use crate::soup_server::{Connection, Listener, Login, Over};

/// Clients served at once; a further one is closed and counted.
const CLIENTS_MAX: usize = 16;
/// Bytes of the snapshot given to a connection at a time.
const CHUNK: usize = 32 << 10;

/// What became of the clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GlimpseCounters {
    /// Snapshots sent wholly.
    pub served: u64,
    /// Logins refused.
    pub refused: u64,
    /// Bytes that were no packet, or packets out of place.
    pub malformed: u64,
    /// Clients dropped because they did not take their snapshot.
    pub slow: u64,
    /// Clients turned away because too many were there.
    pub turned_away: u64,
}

#[derive(Debug)]
enum Stage {
    LoggingIn,
    /// Logged in; the snapshot is taken when all requests of a step are known.
    Waiting,
    /// Has the first `sent` bytes of the packets.
    Sending {
        packets: Arc<Vec<u8>>,
        sent: usize,
    },
    Done,
}

#[derive(Debug)]
struct Client {
    connection: Connection,
    stage: Stage,
}

/// Serves snapshots.
#[derive(Debug)]
pub(crate) struct GlimpseServer {
    listener: Listener,
    login: Option<Login>,
    clients: Vec<Client>,
    counters: GlimpseCounters,
}

impl GlimpseServer {
    pub(crate) fn bind(address: SocketAddrV4, login: Option<Login>) -> io::Result<GlimpseServer> {
        let listener = Listener::bind(address)?;
        let counters = GlimpseCounters::default();
        Ok(GlimpseServer { listener, login, clients: Vec::new(), counters })
    }

    pub(crate) fn address(&self) -> SocketAddrV4 {
        self.listener.address()
    }

    pub(crate) fn counters(&self) -> &GlimpseCounters {
        &self.counters
    }

    /// Takes in clients and their requests. True when a snapshot is wanted:
    /// [`GlimpseServer::serve`] comes next.
    pub(crate) fn receive(&mut self, session: [u8; 10], now: Nanos) -> bool {
        while let Some(connection) = self.listener.accept(now) {
            if self.clients.len() < CLIENTS_MAX {
                self.clients.push(Client { connection, stage: Stage::LoggingIn });
            } else {
                self.counters.turned_away += 1;
            }
        }
        let (counters, login) = (&mut self.counters, self.login);
        for client in &mut self.clients {
            let stage = &mut client.stage;
            client.connection.receive(now, |outgoing, packet| match (packet, &*stage) {
                (Ok(ClientPacket::LoginRequest(request)), Stage::LoggingIn) => {
                    if login.is_none_or(|login| login.admits(request)) {
                        outgoing.push(ServerPacket::LoginAccepted(&LoginAccepted::new(session, 1)));
                        *stage = Stage::Waiting;
                    } else {
                        counters.refused += 1;
                        outgoing.push(ServerPacket::LoginRejected(login_reject::NOT_AUTHORIZED));
                        outgoing.close();
                    }
                }
                (Ok(ClientPacket::Heartbeat | ClientPacket::Debug(_)), _) => {}
                (Ok(ClientPacket::Logout), _) => outgoing.close(),
                (Ok(ClientPacket::LoginRequest(_) | ClientPacket::Unsequenced(_)) | Err(_), _) => {
                    counters.malformed += 1;
                    if matches!(stage, Stage::LoggingIn) {
                        outgoing.close();
                    }
                }
            });
        }
        self.clients.iter().any(|client| matches!(client.stage, Stage::Waiting))
    }

    /// Gives every waiting client the snapshot, whose live continuation is message `next`, and goes
    /// on with the others. Returns how many clients there are.
    pub(crate) fn serve(&mut self, snapshot: &dyn Snapshot, next: SeqNo, now: Nanos) -> usize {
        let mut shared: Option<Arc<Vec<u8>>> = None;
        let counters = &mut self.counters;
        self.clients.retain_mut(|client| {
            if matches!(client.stage, Stage::Waiting) {
                let packets = shared.get_or_insert_with(|| Arc::new(packets(snapshot, next)));
                client.stage = Stage::Sending { packets: Arc::clone(packets), sent: 0 };
            }
            if client.advance() {
                counters.served += 1;
            }
            match client.connection.send(now, !matches!(client.stage, Stage::LoggingIn)) {
                None => true,
                Some(Over::Closed | Over::Silent) => false,
                Some(Over::Slow) => {
                    counters.slow += 1;
                    false
                }
            }
        });
        self.clients.len()
    }
}

impl Client {
    /// Moves more of the snapshot to the connection; true when that was the last of it.
    fn advance(&mut self) -> bool {
        let Stage::Sending { packets, sent } = &mut self.stage else { return false };
        let outgoing = self.connection.outgoing();
        while outgoing.has_room() && *sent < packets.len() {
            let end = packets.len().min(*sent + CHUNK);
            outgoing.push_packets(&packets[*sent..end]);
            *sent = end;
        }
        if *sent < packets.len() {
            return false;
        }
        outgoing.close();
        self.stage = Stage::Done;
        true
    }
}

/// The snapshot as SoupBinTCP packets, from the first message to the end of the session.
fn packets(snapshot: &dyn Snapshot, next: SeqNo) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut packet = vec![0; tercel_proto::soup::HEADER + tercel_proto::soup::PAYLOAD_MAX];
    let mut add = |packet_of: ServerPacket<'_>| {
        if let Some(len) = packet_of.emit(&mut packet) {
            bytes.extend_from_slice(&packet[..len]);
        }
    };
    snapshot.write(&mut |message| add(ServerPacket::Sequenced(message)));
    add(ServerPacket::Sequenced(EndOfSnapshot::new(next).as_bytes()));
    add(ServerPacket::EndOfSession);
    bytes
}
