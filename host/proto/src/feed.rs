//! The golden feed decoder: frames of the A and B lines, or a card's records of them, in; one
//! ordered stream of records out.
//!
//! Sans-IO: the caller brings frames and the time, sends the requests and fetches the snapshots
//! that the feed asks for. Messages come out strictly in sequence and exactly once. Where one is
//! missing, GAP_OPEN comes out at once, because a book that may be wrong must not be traded on;
//! what follows the gap is held until the other line, a retransmission or a snapshot has filled it,
//! and comes out before GAP_CLOSED.
//!
//! A message that is malformed takes its sequence number and is counted; those behind it are not
//! affected. The way of a packet that is next in sequence neither copies nor allocates.

mod card;
mod counters;
mod gap;
mod pending;
mod requests;
mod snapshot;

pub use counters::{FeedCounters, LineCounters};

use crate::itch_record::to_record;
use crate::mold::{Packet, PacketKind, Request, Session};
use crate::{frame, itch};
use core::net::SocketAddrV4;
use pending::Pending;
use requests::Requests;
use tercel_abi::{EventRecord, Kind};
use tercel_types::{Frame, Nanos, SeqNo, VenueId};

/// How a feed is joined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// Expect message 1; what was sent before we came is a gap, to be filled by requests.
    FromFirst,
    /// Through a snapshot (Glimpse).
    Late,
}

/// Configuration of one feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedConfig {
    /// Number of the venue in the records.
    pub venue: VenueId,
    /// Group and port of the A line and of the B line; equal where there is one line only.
    pub lines: [SocketAddrV4; 2],
    /// Retransmission server; without one, gaps are filled by the other line or by a snapshot.
    pub recovery: Option<SocketAddrV4>,
    /// How to join, at first and after a change of session.
    pub start: Start,
    /// The one session to listen to; `None` takes the one that is on, and follows changes.
    pub session: Option<Session>,
    /// Silence of both lines after which the feed is down; heartbeats come every second.
    pub heartbeat_timeout: Nanos,
    /// Wait before the first request of a gap, in which the other line may fill it, and after it
    /// before the second.
    pub request_wait: Nanos,
    /// Longest wait between requests, which double their distance.
    pub request_wait_max: Nanos,
    /// Requests without an answer after which a snapshot is wanted.
    pub requests_max: u32,
    /// Bytes of messages that may wait behind a gap.
    pub pending_bytes_max: usize,
}

impl FeedConfig {
    /// A feed that is joined from its first message, without a retransmission server, with common
    /// times and 16 MiB, about half a million messages, behind a gap.
    pub fn new(venue: VenueId, lines: [SocketAddrV4; 2]) -> FeedConfig {
        FeedConfig {
            venue,
            lines,
            recovery: None,
            start: Start::FromFirst,
            session: None,
            heartbeat_timeout: Nanos::from_secs(3),
            request_wait: Nanos::from_millis(1),
            request_wait_max: Nanos::from_millis(500),
            requests_max: 10,
            pending_bytes_max: 16 << 20,
        }
    }
}

/// Where a feed stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Everything so far has been handed out.
    Live,
    /// Messages are missing and asked for.
    Gap,
    /// Messages are missing and a snapshot is wanted, but they may still come without one.
    Wanted,
    /// Only a snapshot helps.
    Required,
    /// A snapshot is under way.
    Loading,
    /// The session has ended and everything of it has been handed out.
    Ended,
}

/// Where a packet came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Origin {
    Line(usize),
    Recovery,
}

/// The decoder of one feed.
#[derive(Debug)]
pub struct Feed {
    config: FeedConfig,
    phase: Phase,
    /// Number of the next message to hand out; zero while only a snapshot can say.
    expected: u64,
    /// One past the highest number heard of, as long as a gap is open.
    known_end: u64,
    session: Option<Session>,
    /// The session before a change: its last packets may still come over the slower line.
    session_before: Option<Session>,
    ended_at: Option<u64>,
    gap_open: bool,
    down: bool,
    heard: Option<Nanos>,
    now: Nanos,
    /// Receive time of the records that speak of the feed itself.
    stamp: Nanos,
    requests: Requests,
    snapshot_after: Nanos,
    pending: Pending,
    card: card::Cursor,
    counters: FeedCounters,
}

impl Feed {
    /// A feed that has heard nothing. All memory is allocated here.
    pub fn new(config: FeedConfig) -> Feed {
        let (phase, expected) = begin(config.start);
        Feed {
            phase,
            expected,
            known_end: 0,
            session: config.session,
            session_before: None,
            ended_at: None,
            gap_open: false,
            down: false,
            heard: None,
            now: Nanos(0),
            stamp: Nanos(0),
            requests: Requests::new(
                config.request_wait,
                config.request_wait_max,
                config.requests_max,
            ),
            snapshot_after: Nanos(0),
            pending: Pending::new(config.pending_bytes_max),
            card: card::Cursor::default(),
            counters: FeedCounters::default(),
            config,
        }
    }

    /// Takes one frame: of the A or B line by its destination, of the retransmission server by its
    /// source. Any other is counted. Records go to `out`.
    #[inline]
    pub fn on_frame(&mut self, frame: Frame<'_>, now: Nanos, out: &mut impl FnMut(&EventRecord)) {
        self.counters.frames += 1;
        let udp = match frame::parse_udp(frame.bytes) {
            Ok(udp) => udp,
            Err(error) => return self.counters.frame_error(error),
        };
        let origin = if udp.dst == self.config.lines[0] {
            Origin::Line(0)
        } else if udp.dst == self.config.lines[1] {
            Origin::Line(1)
        } else if Some(udp.src) == self.config.recovery {
            Origin::Recovery
        } else {
            self.counters.dropped_address += 1;
            return;
        };
        match Packet::new_checked(udp.payload) {
            Ok(packet) => {
                self.at(now);
                self.stamp = frame.received;
                self.on_packet(origin, &packet, frame.received, out);
            }
            Err(error) => self.counters.mold_error(error),
        }
    }

    /// Looks at the clock: silent lines, requests without answer. Call it every few milliseconds.
    pub fn on_timer(&mut self, now: Nanos, out: &mut impl FnMut(&EventRecord)) {
        self.at(now);
        self.stamp = now;
        self.open_gap(out);
        let silent = self.heard.is_some_and(|heard| {
            self.now.since(heard) > self.config.heartbeat_timeout && self.phase != Phase::Ended
        });
        if silent {
            self.fall_silent(out);
        }
        self.give_up_requests();
    }

    /// Nothing is heard any more.
    fn fall_silent(&mut self, out: &mut impl FnMut(&EventRecord)) {
        if !self.down {
            self.down = true;
            // After so long nothing of an old session is under way any more.
            self.session_before = None;
            self.counters.downs += 1;
            self.tell(Kind::FeedDown, 0, 0, out);
        }
    }

    /// The request to send to the retransmission server now, if any. Ask after each batch of frames
    /// and on the timer.
    pub fn take_request(&mut self, now: Nanos) -> Option<Request> {
        self.at(now);
        self.give_up_requests();
        if self.phase != Phase::Gap || !self.requests.is_due(self.now) {
            return None;
        }
        let request = self.next_request()?;
        self.requests.sent(self.now);
        self.counters.requests += 1;
        Some(request)
    }

    /// What has been seen and dropped.
    pub fn counters(&self) -> &FeedCounters {
        &self.counters
    }

    /// Number of the next message to hand out; zero before the first snapshot of a late join.
    pub fn next_seq(&self) -> SeqNo {
        SeqNo(self.expected)
    }

    /// Number of the first message that is held behind what is missing, or else the one that the
    /// sender is known to use next; `None` while nothing is missing.
    pub fn held(&self) -> Option<SeqNo> {
        let next = self.pending.first().unwrap_or(self.known_end);
        (next > self.expected).then_some(SeqNo(next))
    }

    /// The session listened to, once one was heard.
    pub fn session(&self) -> Option<Session> {
        self.session
    }

    /// The session has ended and all its messages were handed out.
    pub fn is_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Books made from the records may be wrong: a gap is open, or the lines are silent.
    pub fn is_stale(&self) -> bool {
        self.gap_open || self.down || !matches!(self.phase, Phase::Live | Phase::Ended)
    }

    /// Time never goes back in here, whatever the caller's clock does.
    #[inline]
    fn at(&mut self, now: Nanos) {
        self.now = self.now.max(now);
        if self.heard.is_none() {
            self.heard = Some(self.now);
        }
    }

    #[inline]
    fn on_packet(
        &mut self,
        origin: Origin,
        packet: &Packet<'_>,
        received: Nanos,
        out: &mut impl FnMut(&EventRecord),
    ) {
        if (self.session != Some(packet.session()) || self.down)
            && !self.admit(origin, packet.session(), out)
        {
            return;
        }
        if let Origin::Line(_) = origin {
            self.heard = Some(self.now);
        }
        let seq = packet.seq().0;
        let line = self.line(origin);
        line.packets += 1;
        line.last_heard = received.0;
        match packet.kind() {
            PacketKind::Messages(count) => {
                let (count, expected) = (u64::from(count), self.expected);
                // Checked by the view not to overflow.
                let end = seq + count;
                if self.phase == Phase::Live && seq == expected {
                    self.line(origin).messages_first += count;
                    self.expected = end;
                    self.deliver(packet, 0, 0, received, out);
                } else if self.phase == Phase::Live && end <= expected {
                    self.line(origin).duplicates += 1;
                    self.counters.messages_duplicate += count;
                } else {
                    self.on_other_messages(origin, packet, received, out);
                }
            }
            PacketKind::Heartbeat => {
                self.line(origin).heartbeats += 1;
                if self.phase != Phase::Live || seq > self.expected {
                    self.on_next_seq(seq, out);
                }
            }
            PacketKind::EndOfSession => self.on_end_of_session(seq, out),
        }
    }

    /// Hands out the messages of a packet but the first `skip`.
    #[inline]
    fn deliver(
        &mut self,
        packet: &Packet<'_>,
        skip: usize,
        flags: u8,
        received: Nanos,
        out: &mut impl FnMut(&EventRecord),
    ) {
        let mut good = 0;
        for message in packet.messages().skip(skip) {
            let venue = self.config.venue;
            good += u64::from(emit(&mut self.counters, venue, message, flags, received, out));
        }
        self.counters.messages += good;
        if flags != 0 {
            self.counters.messages_recovered += good;
        }
    }

    #[inline]
    fn line(&mut self, origin: Origin) -> &mut LineCounters {
        match origin {
            Origin::Line(0) => &mut self.counters.lines[0],
            Origin::Line(_) => &mut self.counters.lines[1],
            Origin::Recovery => &mut self.counters.recovery,
        }
    }

    /// Hands out a record that speaks of the feed itself.
    #[cold]
    fn tell(&self, kind: Kind, order_ref: u64, quantity: u64, out: &mut impl FnMut(&EventRecord)) {
        out(&EventRecord {
            venue: self.config.venue.0,
            order_ref,
            quantity,
            receive_time: self.stamp.0,
            ..EventRecord::new(kind)
        });
    }
}

/// Phase and expected number of a feed that joins.
const fn begin(start: Start) -> (Phase, u64) {
    match start {
        Start::FromFirst => (Phase::Live, 1),
        Start::Late => (Phase::Required, 0),
    }
}

/// Hands out one message, or counts why not.
#[inline]
fn emit(
    counters: &mut FeedCounters,
    venue: VenueId,
    message: &[u8],
    flags: u8,
    received: Nanos,
    out: &mut impl FnMut(&EventRecord),
) -> bool {
    match itch::parse(message) {
        Ok(message) => {
            let mut record = to_record(&message, venue, received);
            record.flags |= flags;
            out(&record);
            true
        }
        Err(error) => {
            counters.itch_error(error);
            false
        }
    }
}
