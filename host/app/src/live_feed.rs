//! The feed from the network: two lines, retransmission requests, and joining through Glimpse.

use crate::lines::Lines;
use crate::source::{Source, report_feed};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use tercel_abi::{EventRecord, EventSource, Kind};
use tercel_net::NetError;
use tercel_net::clock::HostClock;
use tercel_net::tcp::{Connecting, TcpPort};
use tercel_net::udp::UdpPort;
use tercel_proto::feed::{Feed, FeedConfig};
use tercel_proto::{frame, glimpse, mold, soup};
use tercel_types::{Clock, FrameSink, FrameSource, Nanos, StreamPort, Symbol};

/// Time between two looks at the decoder's timers.
const TIMER: Nanos = Nanos(100_000);
/// Wait before a Glimpse server that failed is tried again.
const GLIMPSE_RETRY: Nanos = Nanos::from_millis(500);
/// A snapshot that has not moved for this long is given up.
const GLIMPSE_SILENCE: Nanos = Nanos::from_secs(5);
/// Longest wait for the Glimpse server to take the connection.
const GLIMPSE_CONNECT: Duration = Duration::from_secs(2);

/// Where snapshots come from.
#[derive(Clone, Copy)]
pub(crate) struct GlimpseLogin {
    pub(crate) address: SocketAddrV4,
    pub(crate) username: [u8; 6],
    pub(crate) password: [u8; 10],
}

/// Where the join through Glimpse stands.
enum Join {
    Idle { not_before: Nanos },
    Connecting(Connecting),
    Receiving { port: Box<TcpPort>, client: glimpse::Client, heard: Nanos },
}

/// Lines A and B, arbitrated, with every way of recovery.
pub(crate) struct LiveFeed<L> {
    lines: L,
    recovery: Option<(UdpPort, SocketAddrV4)>,
    feed: Feed,
    glimpse: Option<GlimpseLogin>,
    join: Join,
    clock: HostClock,
    timer_due: Nanos,
    glimpse_error: String,
    wanted: Wanted,
}

/// The instruments that a card's filter shall pass, as the directory names them.
#[derive(Default)]
struct Wanted {
    symbols: Vec<Symbol>,
    locates: Vec<Option<u16>>,
    changed: bool,
}

impl Wanted {
    #[cold]
    fn note(&mut self, record: &EventRecord) {
        for (symbol, locate) in self.symbols.iter().zip(&mut self.locates) {
            if *symbol == record.symbol() && *locate != Some(record.instrument) {
                *locate = Some(record.instrument);
                self.changed = true;
            }
        }
    }

    /// Every locate, once all are known and one of them is new.
    fn take(&mut self) -> Option<Vec<u16>> {
        if !self.changed || self.locates.is_empty() {
            return None;
        }
        let all = self.locates.iter().copied().collect::<Option<Vec<u16>>>()?;
        self.changed = false;
        Some(all)
    }
}

impl<L: Lines> LiveFeed<L> {
    /// A feed over lines that are open.
    pub(crate) fn open(
        lines: L,
        config: FeedConfig,
        glimpse: Option<GlimpseLogin>,
        wanted: Vec<Symbol>,
        clock: HostClock,
    ) -> Result<LiveFeed<L>, NetError> {
        let recovery = match config.recovery {
            None => None,
            Some(server) => {
                let local = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
                Some((UdpPort::bind(local, Some(server))?, server))
            }
        };
        Ok(LiveFeed {
            lines,
            recovery,
            feed: Feed::new(config),
            glimpse,
            join: Join::Idle { not_before: Nanos(0) },
            clock,
            timer_due: Nanos(0),
            glimpse_error: String::new(),
            wanted: Wanted { locates: vec![None; wanted.len()], symbols: wanted, changed: false },
        })
    }

    /// Timers, requests and the join: whatever is not a frame.
    #[cold]
    #[inline(never)]
    fn housekeep(&mut self, now: Nanos, out: &mut impl FnMut(&EventRecord)) {
        self.timer_due = now + TIMER;
        self.lines.housekeep(&mut self.feed, now, out);
        self.feed.on_timer(now, out);
        self.clock.steer();
        while let Some(request) = self.feed.take_request(now) {
            self.send_request(&request);
        }
        self.step_join(now, out);
    }

    /// A request that cannot be sent is as good as one that was lost: it is asked again.
    fn send_request(&mut self, request: &mold::Request) {
        let Some((port, server)) = &mut self.recovery else { return };
        let local = port.local();
        let bytes = request.emit();
        let Some(slot) = port.reserve(frame::UDP_HEADERS + bytes.len()) else { return };
        slot[frame::UDP_HEADERS..].copy_from_slice(&bytes);
        if frame::emit_udp(slot, local, *server, bytes.len()).is_some() {
            let _ = port.commit();
        }
    }

    fn step_join(&mut self, now: Nanos, out: &mut impl FnMut(&EventRecord)) {
        let Some(login) = self.glimpse else {
            // Without Glimpse a gap can only be asked for again, and the books stay stale until it
            // is filled.
            if self.feed.wants_snapshot() {
                self.feed.on_snapshot_failed(now);
            }
            return;
        };
        match &mut self.join {
            Join::Idle { not_before } => {
                if self.feed.wants_snapshot() && now >= *not_before {
                    match Connecting::start(login.address, GLIMPSE_CONNECT) {
                        Ok(connecting) => self.join = Join::Connecting(connecting),
                        Err(error) => self.join_failed(now, &error.to_string()),
                    }
                }
            }
            Join::Connecting(connecting) => match connecting.poll() {
                None => {}
                Some(Ok(port)) => {
                    let client = glimpse::Client::new(login.username, login.password);
                    self.feed.on_snapshot_begin(out);
                    self.join = Join::Receiving { port: Box::new(port), client, heard: now };
                }
                Some(Err(error)) => self.join_failed(now, &error.to_string()),
            },
            Join::Receiving { .. } => self.receive_snapshot(now, out),
        }
    }

    fn receive_snapshot(&mut self, now: Nanos, out: &mut impl FnMut(&EventRecord)) {
        let Join::Receiving { port, client, heard } = &mut self.join else { return };
        let feed = &mut self.feed;
        if let Some(slot) = port.reserve(soup::LOGIN_REQUEST) {
            let len = client.transmit(slot);
            if len > 0 && port.commit(len).is_err() {
                return self.join_failed(now, "the connection broke");
            }
        }
        let mut error = None;
        let polled = port.poll(|bytes| {
            let consumed = client.on_bytes(bytes, |event| match event {
                glimpse::Event::Message(message) => feed.on_snapshot_message(message, now, out),
                glimpse::Event::End(next) => feed.on_snapshot_end(next, now, out),
            });
            consumed.unwrap_or_else(|failure| {
                error = Some(failure);
                0
            })
        });
        if client.is_done() {
            self.join = Join::Idle { not_before: now };
            self.glimpse_error.clear();
            return;
        }
        match (error, polled) {
            (Some(error), _) => self.join_failed(now, &error.to_string()),
            (None, Err(error)) => self.join_failed(now, &error.to_string()),
            (None, Ok(0)) if now.since(*heard) > GLIMPSE_SILENCE => {
                self.join_failed(now, "the server fell silent");
            }
            (None, Ok(0)) => {}
            (None, Ok(_)) => *heard = now,
        }
    }

    #[cold]
    fn join_failed(&mut self, now: Nanos, why: &str) {
        if matches!(self.join, Join::Receiving { .. }) {
            self.feed.on_snapshot_failed(now);
        }
        self.join = Join::Idle { not_before: now + GLIMPSE_RETRY };
        self.glimpse_error = why.to_string();
    }
}

impl<L: Lines> EventSource for LiveFeed<L> {
    #[inline]
    fn poll(&mut self, max: usize, mut each: impl FnMut(&EventRecord)) -> usize {
        let now = self.clock.now();
        let mut count = 0;
        // Housekeeping needs the rest of `self` beside the closure.
        let mut wanted = core::mem::take(&mut self.wanted);
        let mut out = |record: &EventRecord| {
            count += 1;
            if record.kind == Kind::Directory as u8 {
                wanted.note(record);
            }
            each(record);
        };
        let LiveFeed { lines, recovery, feed, .. } = self;
        lines.poll(max, feed, now, &mut out);
        if feed.is_stale()
            && let Some((port, _)) = recovery
        {
            // A refused datagram is reported here when the server is down; the request is repeated
            // in any case.
            let _ = port.poll(max, |frame| feed.on_frame(frame, now, &mut out));
        }
        if now >= self.timer_due {
            self.housekeep(now, &mut out);
        }
        if let Some(locates) = wanted.take() {
            self.lines.set_instruments(&locates);
        }
        self.wanted = wanted;
        count
    }

    fn request_snapshot(&mut self) {
        self.feed.request_snapshot();
    }

    fn is_closed(&self) -> bool {
        self.feed.is_ended()
    }
}

impl<L: Lines> Source for LiveFeed<L> {
    fn report(&self, counters: &mut BTreeMap<String, u64>) {
        report_feed(self.feed.counters(), counters);
        self.lines.report(counters);
    }

    fn failure(&self) -> Option<String> {
        self.lines.failure()
    }

    fn detail(&self) -> String {
        let lines = self.lines.detail();
        match (&self.glimpse, self.glimpse_error.is_empty()) {
            _ if !lines.is_empty() => lines,
            (Some(login), false) => format!("Glimpse at {}: {}", login.address, self.glimpse_error),
            _ => String::new(),
        }
    }
}
