//! What the tests of the feed share: frames, a venue's messages, and a reader of the records.
#![allow(dead_code)] // each test file uses its part

use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_abi::{EventRecord, Kind, flag};
use tercel_proto::feed::{Feed, FeedConfig};
use tercel_proto::frame::{self, UDP_HEADERS};
use tercel_proto::itch::{self, Header, OrderDelete};
use tercel_proto::itch_record::to_record;
use tercel_proto::mold::{self, Session};
use tercel_types::{Frame, InstrumentId, Nanos, SeqNo, VenueId};
use zerocopy::IntoBytes;
use zerocopy::big_endian::U64;

pub(crate) const A: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(233, 54, 12, 111), 26_477);
pub(crate) const B: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(233, 49, 196, 111), 26_477);
pub(crate) const RECOVERY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 9), 31_001);
pub(crate) const HOST: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 40_000);
pub(crate) const VENUE_HOST: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 8), 5_000);
pub(crate) const SESSION: Session = *b"20191230 A";
pub(crate) const VENUE: VenueId = VenueId(3);

pub(crate) fn config() -> FeedConfig {
    FeedConfig { recovery: Some(RECOVERY), ..FeedConfig::new(VENUE, [A, B]) }
}

/// A frame from `src` to `dst` around a payload.
pub(crate) fn frame(src: SocketAddrV4, dst: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let mut buf = vec![0; UDP_HEADERS + payload.len()];
    buf[UDP_HEADERS..].copy_from_slice(payload);
    assert_eq!(frame::emit_udp(&mut buf, src, dst, payload.len()), Some(buf.len()));
    buf
}

/// A packet of messages, the first of which has number `seq`.
pub(crate) fn packet(session: Session, seq: u64, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut buf = vec![0; 65_000];
    let mut builder = mold::PacketBuilder::new(&mut buf, session, SeqNo(seq));
    assert!(messages.iter().all(|message| builder.push(message)));
    let len = builder.finish();
    buf.truncate(len);
    buf
}

pub(crate) fn heartbeat(session: Session, next: u64) -> Vec<u8> {
    let mut buf = vec![0; mold::HEADER];
    assert_eq!(mold::heartbeat(&mut buf, session, SeqNo(next)), mold::HEADER);
    buf
}

pub(crate) fn end_of_session(session: Session, next: u64) -> Vec<u8> {
    let mut buf = vec![0; mold::HEADER];
    assert_eq!(mold::end_of_session(&mut buf, session, SeqNo(next)), mold::HEADER);
    buf
}

/// A message that says its own number.
pub(crate) fn message(number: u64) -> Vec<u8> {
    let header = Header::new(OrderDelete::KIND, InstrumentId(1), 0, Nanos(number));
    OrderDelete { header, order_ref: U64::new(number) }.as_bytes().to_vec()
}

pub(crate) fn messages(numbers: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    numbers.map(message).collect()
}

/// The record of a message without what depends on the way it took; `None` for a malformed one.
pub(crate) fn plain(message: &[u8]) -> Option<EventRecord> {
    let message = itch::parse(message).ok()?;
    Some(to_record(&message, VENUE, Nanos(0)))
}

/// A feed, a clock and what came out.
pub(crate) struct Bed {
    pub(crate) feed: Feed,
    pub(crate) now: Nanos,
    pub(crate) records: Vec<EventRecord>,
}

impl Bed {
    pub(crate) fn new(config: FeedConfig) -> Bed {
        Bed { feed: Feed::new(config), now: Nanos(1_000), records: Vec::new() }
    }

    pub(crate) fn frame(&mut self, bytes: &[u8]) {
        let frame = Frame { bytes, received: self.now };
        self.feed.on_frame(frame, self.now, &mut |record| self.records.push(*record));
    }

    /// Messages with these numbers in one packet over a line.
    pub(crate) fn line(&mut self, line: SocketAddrV4, numbers: std::ops::Range<u64>) {
        let payload = packet(SESSION, numbers.start, &messages(numbers));
        self.frame(&frame(VENUE_HOST, line, &payload));
    }

    pub(crate) fn recovered(&mut self, numbers: std::ops::Range<u64>) {
        let payload = packet(SESSION, numbers.start, &messages(numbers));
        self.frame(&frame(RECOVERY, HOST, &payload));
    }

    pub(crate) fn payload(&mut self, line: SocketAddrV4, payload: &[u8]) {
        self.frame(&frame(VENUE_HOST, line, payload));
    }

    pub(crate) fn later(&mut self, by: Nanos) {
        self.now = self.now + by;
        self.feed.on_timer(self.now, &mut |record| self.records.push(*record));
    }

    pub(crate) fn request(&mut self) -> Option<(u64, u16)> {
        let request = self.feed.take_request(self.now)?;
        assert_eq!(mold::Request::parse(&request.emit()), Ok(request));
        assert_eq!(Some(request.session), self.feed.session());
        Some((request.seq.0, request.count))
    }

    pub(crate) fn snapshot_begin(&mut self) {
        self.feed.on_snapshot_begin(&mut |record| self.records.push(*record));
    }

    pub(crate) fn snapshot_message(&mut self, message: &[u8]) {
        let now = self.now;
        self.feed.on_snapshot_message(message, now, &mut |record| self.records.push(*record));
    }

    pub(crate) fn snapshot_end(&mut self, next: u64) {
        let now = self.now;
        self.feed.on_snapshot_end(SeqNo(next), now, &mut |record| self.records.push(*record));
    }

    /// What came out since the last call, short: `12` a message, `12r` recovered, `12s` of a
    /// snapshot, and the kind and first number of what speaks of the feed itself.
    pub(crate) fn story(&mut self) -> String {
        let words: Vec<String> = self.records.drain(..).map(|record| word(&record)).collect();
        words.join(" ")
    }
}

fn word(record: &EventRecord) -> String {
    assert_eq!(record.venue, VENUE.0);
    match record.kind() {
        Some(Kind::Deleted) => {
            let number = record.order_ref;
            assert_eq!(record.exchange_time, number);
            let mark = match record.flags {
                0 => "",
                flag::RECOVERED => "r",
                flag::SNAPSHOT => "s",
                flags => panic!("flags {flags:#x}"),
            };
            format!("{number}{mark}")
        }
        Some(Kind::GapOpen) => format!("gap({},{})", record.order_ref, record.quantity),
        Some(Kind::GapClosed) => format!("closed({})", record.order_ref),
        Some(Kind::SnapshotBegin) => "begin".to_owned(),
        Some(Kind::SnapshotEnd) => format!("end({})", record.order_ref),
        Some(Kind::FeedDown) => "down".to_owned(),
        Some(Kind::FeedUp) => "up".to_owned(),
        Some(Kind::SessionChange) => {
            let mut name = record.order_ref.to_le_bytes().to_vec();
            name.extend(&record.second_ref.to_le_bytes()[..2]);
            format!("session({})", String::from_utf8(name).unwrap())
        }
        Some(Kind::SessionEnd) => format!("ended({})", record.order_ref),
        kind => panic!("{kind:?}"),
    }
}

/// Follows the records as a consumer does and checks that they keep their promises.
#[derive(Default)]
pub(crate) struct Consumer {
    /// Message records, without flags and receive time, since the last snapshot began.
    pub(crate) messages: Vec<EventRecord>,
    pub(crate) gap_open: bool,
    pub(crate) loading: bool,
    pub(crate) down: bool,
    pub(crate) ended: bool,
    pub(crate) gaps: u64,
}

impl Consumer {
    pub(crate) fn take(&mut self, record: &EventRecord) {
        match record.kind().expect("a known kind") {
            Kind::GapOpen => {
                assert!(!self.gap_open, "a second GAP_OPEN");
                self.gap_open = true;
                self.gaps += 1;
            }
            Kind::GapClosed => {
                assert!(self.gap_open && !self.loading, "GAP_CLOSED without a gap");
                self.gap_open = false;
            }
            Kind::SnapshotBegin => {
                assert!(self.gap_open, "a snapshot without a gap");
                self.loading = true;
                self.messages.clear();
            }
            Kind::SnapshotEnd => {
                assert!(self.loading);
                self.loading = false;
            }
            Kind::FeedDown => {
                assert!(!self.down);
                self.down = true;
            }
            Kind::FeedUp => {
                assert!(self.down);
                self.down = false;
            }
            Kind::SessionEnd => {
                assert!(!self.gap_open && !self.ended);
                self.ended = true;
            }
            Kind::SessionChange | Kind::Overrun | Kind::Retract => panic!("not expected here"),
            _ => {
                let late = flag::RECOVERED | flag::SNAPSHOT;
                assert_eq!(
                    record.has(flag::SNAPSHOT),
                    self.loading,
                    "a live message in a snapshot"
                );
                assert_eq!(record.flags & late != 0, self.gap_open, "a message behind a gap");
                let flags = record.flags & !late;
                self.messages.push(EventRecord { flags, receive_time: 0, ..*record });
            }
        }
    }
}
