//! The feed from the network: two lines, retransmission requests, and joining through Glimpse.

use crate::source::{Source, report_feed};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use tercel_abi::{EventRecord, EventSource};
use tercel_net::NetError;
use tercel_net::clock::HostClock;
use tercel_net::tcp::{Connecting, TcpPort};
use tercel_net::udp::{UdpConfig, UdpPort, UdpSource};
use tercel_proto::feed::{Feed, FeedConfig};
use tercel_proto::{frame, glimpse, mold, soup};
use tercel_types::{Clock, FrameSink, FrameSource, Nanos, PortError, StreamPort};

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

/// What is needed to open one.
pub(crate) struct LiveFeedConfig {
    pub(crate) feed: FeedConfig,
    pub(crate) interface: Ipv4Addr,
    pub(crate) receive_buffer: usize,
    pub(crate) glimpse: Option<GlimpseLogin>,
}

/// Where the join through Glimpse stands.
enum Join {
    Idle { not_before: Nanos },
    Connecting(Connecting),
    Receiving { port: Box<TcpPort>, client: glimpse::Client, heard: Nanos },
}

/// Lines A and B, arbitrated, with every way of recovery.
pub(crate) struct LiveFeed {
    lines: UdpSource,
    recovery: Option<(UdpPort, SocketAddrV4)>,
    feed: Feed,
    glimpse: Option<GlimpseLogin>,
    join: Join,
    clock: HostClock,
    timer_due: Nanos,
    failure: Option<PortError>,
    glimpse_error: String,
}

impl LiveFeed {
    /// Joins the groups.
    pub(crate) fn open(config: LiveFeedConfig, clock: HostClock) -> Result<LiveFeed, NetError> {
        let lines = UdpSource::open(&UdpConfig {
            groups: config.feed.lines.to_vec(),
            interface: config.interface,
            receive_buffer: config.receive_buffer,
        })?;
        let recovery = match config.feed.recovery {
            None => None,
            Some(server) => {
                let local = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
                Some((UdpPort::bind(local, Some(server))?, server))
            }
        };
        Ok(LiveFeed {
            lines,
            recovery,
            feed: Feed::new(config.feed),
            glimpse: config.glimpse,
            join: Join::Idle { not_before: Nanos(0) },
            clock,
            timer_due: Nanos(0),
            failure: None,
            glimpse_error: String::new(),
        })
    }

    /// What the kernel granted the sockets.
    pub(crate) fn sockets(&self) -> tercel_net::udp::UdpReport {
        self.lines.report()
    }

    /// Timers, requests and the join: whatever is not a frame.
    #[cold]
    #[inline(never)]
    fn housekeep(&mut self, now: Nanos, out: &mut impl FnMut(&EventRecord)) {
        self.timer_due = now + TIMER;
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

impl EventSource for LiveFeed {
    #[inline]
    fn poll(&mut self, max: usize, mut each: impl FnMut(&EventRecord)) -> usize {
        let now = self.clock.now();
        let mut count = 0;
        let mut out = |record: &EventRecord| {
            count += 1;
            each(record);
        };
        let LiveFeed { lines, recovery, feed, failure, .. } = self;
        if let Err(error) = lines.poll(max, |frame| feed.on_frame(frame, now, &mut out)) {
            *failure = Some(error);
        }
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
        count
    }

    fn request_snapshot(&mut self) {
        self.feed.request_snapshot();
    }

    fn is_closed(&self) -> bool {
        self.feed.is_ended()
    }
}

impl Source for LiveFeed {
    fn report(&self, counters: &mut BTreeMap<String, u64>) {
        report_feed(self.feed.counters(), counters);
        counters.insert("socket_dropped".into(), self.lines.report().dropped);
    }

    fn failure(&self) -> Option<String> {
        self.failure.map(|error| format!("receiving the feed: {error}"))
    }

    fn detail(&self) -> String {
        match (&self.glimpse, self.glimpse_error.is_empty()) {
            (Some(login), false) => format!("Glimpse at {}: {}", login.address, self.glimpse_error),
            _ => String::new(),
        }
    }
}
