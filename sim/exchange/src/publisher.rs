//! Publishes a session of ITCH messages: two multicast lines, a retransmission server and a Glimpse
//! server.
//!
//! [`Publisher::publish`] numbers a message and keeps it; messages go out in packets, when a packet
//! is full or at [`Publisher::flush`]. [`Publisher::step`] does all that time brings: heartbeats,
//! delayed packets, requests for retransmission, snapshots. The venue publishes through it, and so
//! does a replay of a recorded file: the snapshot of the Glimpse server is built from the published
//! messages alone ([`StateTracker`]).
//!
//! It is driven by one thread, never waits and reads no clock. The session's messages stay in
//! memory.

mod state;
mod store;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

use tercel_proto::mold;
use tercel_types::{Nanos, SeqNo};

use crate::glimpse_server::{GlimpseCounters, GlimpseServer};
use crate::lines::{Faults, Line, LineConfig, LineCounters};
use crate::retransmission::{Retransmission, RetransmissionCounters};
use crate::soup_server::Login;

pub use state::{DisplayedOrder, Snapshot, StateCounters, StateTracker};
pub(crate) use store::Store;

/// Bytes of a MoldUDP64 packet before its first message: session, sequence number, count.
const HEADER: usize = mold::HEADER;
/// Bytes before each message in a packet: its length.
const BLOCK: usize = mold::BLOCK_HEADER;

/// Where and how a session is published.
#[derive(Clone, Debug)]
pub struct PublisherConfig {
    /// Name of the session, padded with spaces.
    pub session: [u8; 10],
    /// Line A and line B.
    pub lines: [LineConfig; 2],
    /// Addresses of the interfaces that line A and line B leave through.
    pub interfaces: [Ipv4Addr; 2],
    /// Hops the multicast may take; 1 stays on the local network.
    pub multicast_ttl: u32,
    /// Address of the retransmission server, if there is to be one; port 0 takes a free port.
    pub retransmission: Option<SocketAddrV4>,
    /// Address of the Glimpse server, if there is to be one; port 0 takes a free port.
    pub glimpse: Option<SocketAddrV4>,
    /// Who may log in to the Glimpse server; `None` lets everyone in.
    pub glimpse_login: Option<Login>,
    /// A line silent for this long sends a heartbeat.
    pub heartbeat: Nanos,
    /// Largest MoldUDP64 packet, headers of UDP and below not counted.
    pub max_payload: usize,
}

impl Default for PublisherConfig {
    /// Lines 239.192.1.1 and 239.192.1.2 on loopback, all ports chosen by the system, everything
    /// on.
    fn default() -> PublisherConfig {
        let any = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        let line = |last| LineConfig {
            group: SocketAddrV4::new(Ipv4Addr::new(239, 192, 1, last), 0),
            faults: Faults::default(),
            seed: u64::from(last),
        };
        PublisherConfig {
            session: *b"TERCEL0001",
            lines: [line(1), line(2)],
            interfaces: [Ipv4Addr::LOCALHOST; 2],
            multicast_ttl: 1,
            retransmission: Some(any),
            glimpse: Some(any),
            glimpse_login: None,
            heartbeat: Nanos::from_secs(1),
            max_payload: mold::PAYLOAD_MAX,
        }
    }
}

/// The addresses in use, with the ports the system chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublisherAddresses {
    /// Groups of line A and line B.
    pub lines: [SocketAddrV4; 2],
    /// Where to ask for retransmission.
    pub retransmission: Option<SocketAddrV4>,
    /// Where to log in for a snapshot.
    pub glimpse: Option<SocketAddrV4>,
}

/// Why a publisher did not start.
#[derive(Debug, thiserror::Error)]
pub enum PublisherError {
    /// An address could not be opened.
    #[error("cannot open {address} ({key}): {source}")]
    Address {
        /// The configuration key the address comes from.
        key: &'static str,
        /// The address.
        address: SocketAddrV4,
        /// The system's reason.
        source: io::Error,
    },
    /// A probability of a line is not between 0 and 1.
    #[error("{key}: every probability must be between 0 and 1, not {faults:?}")]
    Faults {
        /// The configuration key.
        key: &'static str,
        /// The faults given.
        faults: Faults,
    },
    /// The largest packet is too small for an ITCH message or too large for UDP.
    #[error("max_payload must be between {MAX_PAYLOAD_LEAST} and {MAX_PAYLOAD_MOST}, not {0}")]
    MaxPayload(usize),
}

const MAX_PAYLOAD_LEAST: usize = 128;
const MAX_PAYLOAD_MOST: usize = 65_507;

/// Why a message was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishError {
    /// It has no bytes.
    Empty,
    /// It does not fit a packet.
    TooLong,
    /// The session has ended.
    Ended,
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublisherCounters {
    /// Messages published.
    pub messages: u64,
    /// Packets with messages, each sent on both lines.
    pub packets: u64,
    /// Heartbeats, each sent on both lines.
    pub heartbeats: u64,
    /// Line A and line B.
    pub lines: [LineCounters; 2],
    /// The retransmission server, zeros without one.
    pub retransmission: RetransmissionCounters,
    /// The Glimpse server, zeros without one.
    pub glimpse: GlimpseCounters,
}

/// A session under way.
#[derive(Debug)]
pub struct Publisher {
    session: [u8; 10],
    lines: [Line; 2],
    store: Store,
    /// The first message that is not in a packet yet.
    unsent: SeqNo,
    /// Bytes of the packet those messages make.
    unsent_len: usize,
    packet: Vec<u8>,
    retransmission: Option<Retransmission>,
    glimpse: Option<GlimpseServer>,
    /// Kept only when there is a Glimpse server.
    state: StateTracker,
    heartbeat: Nanos,
    last_sent: Option<Nanos>,
    ended: bool,
    counters: PublisherCounters,
}

impl Publisher {
    /// Opens the lines and the servers.
    ///
    /// # Errors
    /// An address that cannot be opened, named with its configuration key, or a value out of range.
    pub fn bind(config: PublisherConfig) -> Result<Publisher, PublisherError> {
        if !(MAX_PAYLOAD_LEAST..=MAX_PAYLOAD_MOST).contains(&config.max_payload) {
            return Err(PublisherError::MaxPayload(config.max_payload));
        }
        let line = |index: usize, key| {
            let line = &config.lines[index];
            if !line.faults.is_valid() {
                return Err(PublisherError::Faults { key, faults: line.faults });
            }
            Line::open(line, config.interfaces[index], config.multicast_ttl)
                .map_err(|source| PublisherError::Address { key, address: line.group, source })
        };
        let lines = [line(0, "lines.a")?, line(1, "lines.b")?];
        let opening = |key, address| move |source| PublisherError::Address { key, address, source };
        let retransmission = config
            .retransmission
            .map(|at| Retransmission::bind(at).map_err(opening("retransmission", at)))
            .transpose()?;
        let glimpse = config
            .glimpse
            .map(|at| GlimpseServer::bind(at, config.glimpse_login).map_err(opening("glimpse", at)))
            .transpose()?;
        Ok(Publisher {
            session: config.session,
            lines,
            store: Store::default(),
            unsent: SeqNo(1),
            unsent_len: HEADER,
            packet: vec![0; config.max_payload],
            retransmission,
            glimpse,
            state: StateTracker::default(),
            heartbeat: config.heartbeat,
            last_sent: None,
            ended: false,
            counters: PublisherCounters::default(),
        })
    }

    /// The addresses in use.
    pub fn addresses(&self) -> PublisherAddresses {
        PublisherAddresses {
            lines: [self.lines[0].group(), self.lines[1].group()],
            retransmission: self.retransmission.as_ref().map(Retransmission::address),
            glimpse: self.glimpse.as_ref().map(GlimpseServer::address),
        }
    }

    /// The name of the session.
    pub fn session(&self) -> [u8; 10] {
        self.session
    }

    /// The number the next message will have.
    pub fn next_seq(&self) -> SeqNo {
        self.store.next()
    }

    /// Message `seq` of the session, as published.
    pub fn message(&self, seq: SeqNo) -> Option<&[u8]> {
        self.store.message(seq)
    }

    /// What a snapshot taken now would hold; empty without a Glimpse server.
    pub fn state(&self) -> &StateTracker {
        &self.state
    }

    /// The retransmission server, to stop and start it.
    pub fn retransmission(&mut self) -> Option<&mut Retransmission> {
        self.retransmission.as_mut()
    }

    /// Counts since the start.
    pub fn counters(&self) -> PublisherCounters {
        let mut counters = self.counters;
        counters.lines = [*self.lines[0].counters(), *self.lines[1].counters()];
        if let Some(server) = &self.retransmission {
            counters.retransmission = *server.counters();
        }
        if let Some(server) = &self.glimpse {
            counters.glimpse = *server.counters();
        }
        counters
    }

    /// Adds one ITCH message to the session and to the packet being filled; a packet it does not
    /// fit in goes out before. Returns the message's number.
    ///
    /// # Errors
    /// A message that cannot be carried; nothing has changed then.
    pub fn publish(&mut self, message: &[u8], now: Nanos) -> Result<SeqNo, PublishError> {
        if self.ended {
            return Err(PublishError::Ended);
        }
        if message.is_empty() {
            return Err(PublishError::Empty);
        }
        let block = BLOCK + message.len();
        if HEADER + block > self.packet.len() {
            return Err(PublishError::TooLong);
        }
        if self.unsent_len + block > self.packet.len() {
            self.flush(now);
        }
        if self.glimpse.is_some() {
            self.state.apply(message);
        }
        self.unsent_len += block;
        self.counters.messages += 1;
        Ok(self.store.push(message))
    }

    /// Sends the packet being filled, if it has a message.
    pub fn flush(&mut self, now: Nanos) {
        if self.unsent == self.store.next() {
            return;
        }
        let mut builder = mold::PacketBuilder::new(&mut self.packet, self.session, self.unsent);
        for message in self.store.from(self.unsent) {
            let fits = builder.push(message);
            debug_assert!(fits, "publish counted the bytes");
        }
        let len = builder.finish();
        self.unsent = self.store.next();
        self.unsent_len = HEADER;
        self.counters.packets += 1;
        self.send(len, now);
    }

    /// Does what is due: delayed packets, heartbeats, requests for retransmission, Glimpse
    /// sessions. Returns how many things it did, zero when idle.
    pub fn step(&mut self, now: Nanos) -> usize {
        let mut done = self.lines.iter_mut().map(|line| line.step(now)).sum();
        let last = *self.last_sent.get_or_insert(now);
        if now.since(last) >= self.heartbeat {
            self.flush(now);
            let next = self.store.next();
            let len = if self.ended {
                mold::end_of_session(&mut self.packet, self.session, next)
            } else {
                mold::heartbeat(&mut self.packet, self.session, next)
            };
            self.counters.heartbeats += 1;
            self.send(len, now);
            done += 1;
        }
        if let Some(server) = &mut self.retransmission {
            done += server.step(self.session, &self.store, &mut self.packet);
        }
        let session = self.session;
        if self.glimpse.as_mut().is_some_and(|server| server.receive(session, now)) {
            // What is waiting belongs to the snapshot; sent now, the live feed goes on right after
            // it.
            self.flush(now);
        }
        if let Some(server) = &mut self.glimpse {
            done += server.serve(&self.state, self.store.next(), now);
        }
        done
    }

    /// Changes the faults of line A and line B from now on; `false`, and nothing done, for a
    /// probability out of range.
    pub fn set_faults(&mut self, faults: [Faults; 2]) -> bool {
        if !faults.iter().all(Faults::is_valid) {
            return false;
        }
        for (line, faults) in self.lines.iter_mut().zip(faults) {
            line.set_faults(faults);
        }
        true
    }

    /// Ends the session: sends what waits, then end-of-session packets in place of heartbeats.
    /// Requests for retransmission are answered as before.
    pub fn end_of_session(&mut self, now: Nanos) {
        if self.ended {
            return;
        }
        self.flush(now);
        self.ended = true;
        let len = mold::end_of_session(&mut self.packet, self.session, self.store.next());
        self.send(len, now);
    }

    fn send(&mut self, len: usize, now: Nanos) {
        for line in &mut self.lines {
            line.send(&self.packet[..len], now);
        }
        self.last_sent = Some(now);
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PublishError::Empty => "the message has no bytes",
            PublishError::TooLong => "the message does not fit a packet",
            PublishError::Ended => "the session has ended",
        })
    }
}

impl std::error::Error for PublishError {}
