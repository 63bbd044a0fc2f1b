//! The order port: one TCP address where every account logs in over SoupBinTCP and has a session of
//! its own.
//!
//! What an account is told is numbered and kept for the day, whether it is connected or not; a
//! login says from which number on it wants to hear it again. A connection takes from that record
//! only as much as fits its buffer, so a slow client lags behind and costs no memory.
//!
//! A second login of an account closes its first connection: a host that comes back after its line
//! broke must not be locked out by a connection that the venue still believes in.

use std::io;
use std::net::SocketAddrV4;
use std::ops::Range;

use tercel_proto::soup::{self, ClientPacket, LoginAccepted, ServerPacket, login_reject};
use tercel_types::{Nanos, SeqNo};

use crate::publisher::Store;
use crate::soup_server::{Connection, Listener, Login, Outgoing, Over};

/// Connections at once, logged in or not; a further one is closed and counted.
const CONNECTIONS_MAX: usize = 64;

/// What happened on the port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortCounters {
    /// Connections taken in.
    pub connections: u64,
    /// Logins accepted.
    pub logins: u64,
    /// Logins refused.
    pub refused: u64,
    /// Older connections closed because their account logged in again.
    pub replaced: u64,
    /// Bytes that were no packet, or packets out of place.
    pub malformed: u64,
    /// Connections dropped for silence.
    pub silent: u64,
    /// Connections dropped because they did not take what waited for them.
    pub slow: u64,
    /// Connections turned away because too many were there.
    pub turned_away: u64,
}

/// One thing that came in on the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// A message of the account with this index, its bytes in the inbox.
    Message { account: usize, bytes: Range<usize> },
    /// The account has no connection any more.
    Disconnected { account: usize },
}

/// What came in during one step, in order of arrival; used again and again.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    pub(crate) bytes: Vec<u8>,
    pub(crate) arrivals: Vec<Arrival>,
}

/// One account's side of the port.
#[derive(Debug)]
struct Session {
    login: Login,
    told: Store,
}

#[derive(Debug)]
struct Client {
    id: u64,
    connection: Connection,
    /// The account it logged in as.
    account: Option<usize>,
    /// The next message it gets.
    next: SeqNo,
    /// The end of the session has been sent.
    ended: bool,
}

/// The port with all its sessions.
#[derive(Debug)]
pub(crate) struct OrderPorts {
    listener: Listener,
    session: [u8; 10],
    sessions: Vec<Session>,
    clients: Vec<Client>,
    ids: u64,
    ended: bool,
    counters: PortCounters,
}

impl OrderPorts {
    /// Listens for the accounts with these logins.
    pub(crate) fn bind(
        address: SocketAddrV4,
        session: [u8; 10],
        logins: impl Iterator<Item = Login>,
    ) -> io::Result<OrderPorts> {
        let sessions = logins.map(|login| Session { login, told: Store::default() }).collect();
        Ok(OrderPorts {
            listener: Listener::bind(address)?,
            session,
            sessions,
            clients: Vec::new(),
            ids: 0,
            ended: false,
            counters: PortCounters::default(),
        })
    }

    pub(crate) fn address(&self) -> SocketAddrV4 {
        self.listener.address()
    }

    pub(crate) fn counters(&self) -> &PortCounters {
        &self.counters
    }

    /// The account has a connection that is logged in.
    pub(crate) fn is_connected(&self, account: usize) -> bool {
        self.clients.iter().any(|client| client.account == Some(account))
    }

    /// Records a message for an account; it goes out at the next [`OrderPorts::send`].
    pub(crate) fn tell(&mut self, account: usize, message: &[u8]) {
        if let Some(session) = self.sessions.get_mut(account) {
            session.told.push(message);
        }
    }

    /// Cuts every connection at once, as a broken line would.
    pub(crate) fn disconnect(&mut self) {
        for client in &mut self.clients {
            client.connection.cut();
        }
    }

    /// No message will follow: every client gets the end of the session behind the last one.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// Takes in connections and all that they sent. Returns how many things that were.
    pub(crate) fn receive(&mut self, now: Nanos, inbox: &mut Inbox) -> usize {
        let mut done = 0;
        while let Some(connection) = self.listener.accept(now) {
            done += 1;
            if self.clients.len() >= CONNECTIONS_MAX {
                self.counters.turned_away += 1;
                continue;
            }
            self.counters.connections += 1;
            self.ids += 1;
            let (id, next) = (self.ids, SeqNo(1));
            self.clients.push(Client { id, connection, account: None, next, ended: false });
        }
        for index in 0..self.clients.len() {
            done += self.receive_from(index, now, inbox);
        }
        done
    }

    fn receive_from(&mut self, index: usize, now: Nanos, inbox: &mut Inbox) -> usize {
        let client = &mut self.clients[index];
        let before = client.account;
        let (account, next) = (&mut client.account, &mut client.next);
        let (counters, sessions, name) = (&mut self.counters, &self.sessions, &self.session);
        let packets = client.connection.receive(now, |outgoing, packet| match (packet, *account) {
            (Ok(ClientPacket::LoginRequest(request)), None) => {
                match admit(request, sessions, name) {
                    Ok(admitted) => {
                        let accepted = LoginAccepted::new(*name, admitted.next.0);
                        outgoing.push(ServerPacket::LoginAccepted(&accepted));
                        (*account, *next) = (Some(admitted.account), admitted.next);
                        counters.logins += 1;
                    }
                    Err(reason) => {
                        outgoing.push(ServerPacket::LoginRejected(reason));
                        outgoing.close();
                        counters.refused += 1;
                    }
                }
            }
            (Ok(ClientPacket::Unsequenced(message)), Some(account)) => {
                let start = inbox.bytes.len();
                inbox.bytes.extend_from_slice(message);
                let bytes = start..inbox.bytes.len();
                inbox.arrivals.push(Arrival::Message { account, bytes });
            }
            (Ok(ClientPacket::Heartbeat | ClientPacket::Debug(_)), Some(_)) => {}
            (Ok(ClientPacket::Logout), Some(_)) => outgoing.close(),
            (packet, _) => refuse(packet, account.is_none(), outgoing, counters),
        });
        if let (None, Some(account)) = (before, client.account) {
            let id = client.id;
            self.close_older(account, id);
        }
        packets
    }

    /// Closes the connections of `account` but the one with `id`, which has just come.
    fn close_older(&mut self, account: usize, id: u64) {
        for client in &mut self.clients {
            if client.account == Some(account) && client.id != id {
                client.account = None;
                client.connection.outgoing().close();
                self.counters.replaced += 1;
            }
        }
    }

    /// Sends what was told, heartbeats and ends; drops the connections that are over. Returns how
    /// many messages went.
    pub(crate) fn send(&mut self, now: Nanos, inbox: &mut Inbox) -> usize {
        let mut sent = 0;
        let (sessions, counters, ended) = (&self.sessions, &mut self.counters, self.ended);
        self.clients.retain_mut(|client| {
            sent += client.pump(sessions, ended);
            let over = client.connection.send(now, client.account.is_some());
            match over {
                None => return true,
                Some(Over::Closed) => {}
                Some(Over::Silent) => counters.silent += 1,
                Some(Over::Slow) => counters.slow += 1,
            }
            if let Some(account) = client.account {
                inbox.arrivals.push(Arrival::Disconnected { account });
            }
            false
        });
        sent
    }
}

impl Client {
    /// Moves messages from the record to the connection while it has room.
    fn pump(&mut self, sessions: &[Session], ended: bool) -> usize {
        let Some(session) = self.account.and_then(|account| sessions.get(account)) else {
            return 0;
        };
        let outgoing = self.connection.outgoing();
        let mut sent = 0;
        while outgoing.has_room() {
            let Some(message) = session.told.message(self.next) else { break };
            outgoing.push(ServerPacket::Sequenced(message));
            self.next.0 += 1;
            sent += 1;
        }
        if ended && !self.ended && self.next == session.told.next() && outgoing.has_room() {
            outgoing.push(ServerPacket::EndOfSession);
            outgoing.close();
            self.ended = true;
        }
        sent
    }
}

struct Admitted {
    account: usize,
    next: SeqNo,
}

/// Decides on a login: the account and the number of the next message, or the reason of the
/// refusal.
fn admit(
    request: &soup::LoginRequest,
    sessions: &[Session],
    name: &[u8; 10],
) -> Result<Admitted, u8> {
    let account = sessions
        .iter()
        .position(|session| session.login.admits(request))
        .ok_or(login_reject::NOT_AUTHORIZED)?;
    let wanted = request.session.trim_ascii();
    if !wanted.is_empty() && wanted != name.trim_ascii() {
        return Err(login_reject::SESSION_NOT_AVAILABLE);
    }
    let end = sessions[account].told.next();
    // A client that has heard more than this session has said speaks of another one.
    match request.sequence_number() {
        Some(0) => Ok(Admitted { account, next: end }),
        Some(next) if next <= end.0 => Ok(Admitted { account, next: SeqNo(next) }),
        _ => Err(login_reject::SESSION_NOT_AVAILABLE),
    }
}

/// Counts what does not belong here; before the login it ends the connection.
#[cold]
fn refuse(
    packet: Result<ClientPacket<'_>, soup::Error>,
    before_login: bool,
    outgoing: &mut Outgoing,
    counters: &mut PortCounters,
) {
    if matches!(packet, Ok(ClientPacket::Heartbeat | ClientPacket::Debug(_))) {
        return;
    }
    counters.malformed += 1;
    if before_login {
        outgoing.close();
    }
}
