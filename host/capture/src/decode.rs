//! From frames to the feed's records with their numbers, by the golden decoder.
//!
//! The decoder is the host's own ([`Feed`]), so that a recording is read as a host would have read
//! the lines. There is nobody to ask for what is missing: what neither line brings within a second
//! of recorded time is lost. The books then begin anew, as after a snapshot of nothing: the records
//! SNAPSHOT_BEGIN and SNAPSHOT_END stand where the loss was, and where the recording begins.

use crate::files::{self, FilesError};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use tercel_abi::{EventRecord, Kind};
use tercel_proto::feed::{Feed, FeedConfig, FeedCounters, Start};
use tercel_proto::mold::{Packet, Session};
use tercel_proto::{frame, itch};
use tercel_types::{Frame, Nanos, VenueId};

/// A gap that neither line has filled by then is lost.
const GAP_WAIT: Nanos = Nanos::from_secs(1);
/// Wait for an earlier message before the first one heard is taken for the first: the lines do not
/// begin with the same.
const JOIN_WAIT: Nanos = Nanos::from_millis(100);
/// Frames in which a capture shows its lines.
const LOOK_MAX: u32 = 10_000;
/// Most numbers of malformed messages kept ahead.
const MALFORMED_MAX: usize = 1 << 16;

/// The lines of a capture: its first two MoldUDP64 destinations. One that has one line only has the
/// second unused.
///
/// # Errors
/// As opening and reading it; `NoFeed` where there is none.
pub fn lines(path: &Path) -> Result<[SocketAddrV4; 2], FilesError> {
    let mut source = files::open(path, |file| Box::new(file))?;
    let unused = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
    let mut found: Option<([SocketAddrV4; 2], Session)> = None;
    for _ in 0..LOOK_MAX {
        let next = source.next_frame();
        let next = next.map_err(|source| FilesError::Pcap { path: path.into(), source })?;
        let Some(one) = next else { break };
        let Ok(datagram) = frame::parse_udp(one.bytes) else { continue };
        let Ok(packet) = Packet::new_checked(datagram.payload) else { continue };
        match &mut found {
            None => found = Some(([datagram.dst, unused], packet.session())),
            Some((lines, session)) => {
                if *session == packet.session() && datagram.dst != lines[0] {
                    lines[1] = datagram.dst;
                    return Ok(*lines);
                }
            }
        }
    }
    found.map(|found| found.0).ok_or_else(|| FilesError::NoFeed(path.into(), LOOK_MAX))
}

/// Decodes the frames of both lines.
pub struct Decoder {
    feed: Feed,
    wanted_since: Option<Nanos>,
    now: Nanos,
    /// Numbers not yet reached of messages that have no record.
    malformed: BTreeSet<u64>,
    records: Vec<EventRecord>,
    lost: u64,
}

/// A record, and the number of its message; `None` for records of the feed itself.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// The number in the feed's session.
    pub seq: Option<u64>,
    /// What happened.
    pub record: &'a EventRecord,
}

impl Decoder {
    /// A decoder of these lines that has heard nothing.
    pub fn new(lines: [SocketAddrV4; 2]) -> Decoder {
        let feed = Feed::new(FeedConfig {
            start: Start::Late,
            request_wait: GAP_WAIT,
            request_wait_max: GAP_WAIT,
            ..FeedConfig::new(VenueId(0), lines)
        });
        Decoder {
            feed,
            wanted_since: None,
            now: Nanos(0),
            malformed: BTreeSet::new(),
            records: Vec::new(),
            lost: 0,
        }
    }

    /// What the decoder has counted.
    pub fn counters(&self) -> &FeedCounters {
        self.feed.counters()
    }

    /// Messages that neither line has brought.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes a frame, on recorded time.
    pub fn on_frame(&mut self, frame: Frame<'_>, each: &mut impl FnMut(Event<'_>)) {
        self.now = self.now.max(frame.received);
        self.note_malformed(frame.bytes);
        let now = self.now;
        self.step(each, |feed, mut out| {
            feed.on_frame(frame, now, &mut out);
            feed.on_timer(now, &mut out);
        });
        self.go_on(each);
    }

    /// The recording has ended: what is still missing will not come.
    pub fn finish(&mut self, each: &mut impl FnMut(Event<'_>)) {
        while self.feed.is_stale() && !self.feed.is_ended() && self.feed.held().is_some() {
            self.now = self.now + GAP_WAIT;
            let (now, before) = (self.now, self.feed.next_seq());
            self.step(each, |feed, mut out| feed.on_timer(now, &mut out));
            self.wanted_since = Some(Nanos(0));
            self.go_on(each);
            if self.feed.next_seq() == before {
                break;
            }
        }
    }

    /// Goes on behind what is lost.
    fn go_on(&mut self, each: &mut impl FnMut(Event<'_>)) {
        if !self.feed.wants_snapshot() {
            self.wanted_since = None;
            return;
        }
        let since = *self.wanted_since.get_or_insert(self.now);
        let Some(next) = self.feed.held() else { return };
        if self.now.since(since) < JOIN_WAIT {
            return;
        }
        self.wanted_since = None;
        let (now, expected) = (self.now, self.feed.next_seq().0);
        if expected > 0 {
            self.lost += next.0.saturating_sub(expected);
        }
        self.step(each, |feed, mut out| {
            feed.on_snapshot_begin(&mut out);
            feed.on_snapshot_end(next, now, &mut out);
        });
    }

    /// Does something to the feed and numbers what comes out: messages come out in sequence, each
    /// number once, but for those that are malformed.
    fn step(
        &mut self,
        each: &mut impl FnMut(Event<'_>),
        act: impl FnOnce(&mut Feed, &mut dyn FnMut(&EventRecord)),
    ) {
        let mut next = self.feed.next_seq().0;
        let mut records = std::mem::take(&mut self.records);
        act(&mut self.feed, &mut |record| records.push(*record));
        for record in &records {
            match record.kind() {
                Some(Kind::SnapshotEnd) => next = record.order_ref,
                Some(Kind::SessionChange) => self.malformed.clear(),
                _ => {}
            }
            if record.kind < 0x20 {
                each(Event { seq: None, record });
                continue;
            }
            while self.malformed.remove(&next) {
                next += 1;
            }
            each(Event { seq: Some(next), record });
            next += 1;
        }
        records.clear();
        self.records = records;
        let reached = self.feed.next_seq().0;
        while self.malformed.first().is_some_and(|first| *first < reached) {
            self.malformed.pop_first();
        }
    }

    fn note_malformed(&mut self, bytes: &[u8]) {
        let Ok(datagram) = frame::parse_udp(bytes) else { return };
        let Ok(packet) = Packet::new_checked(datagram.payload) else { return };
        let expected = self.feed.next_seq().0;
        for (at, message) in packet.messages().enumerate() {
            // Checked by the view not to overflow.
            let seq = packet.seq().0 + at as u64;
            let room = self.malformed.len() < MALFORMED_MAX;
            if room && seq >= expected && itch::parse(message).is_err() {
                self.malformed.insert(seq);
            }
        }
    }
}
