//! What brings the two lines of a feed: the kernel's sockets, ports beside them, or a card.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_abi::EventRecord;
use tercel_net::NetError;
use tercel_net::udp::{UdpConfig, UdpSource};
use tercel_proto::feed::Feed;
use tercel_types::{Frame, FrameSource, Nanos, PortError};

/// Brings lines A and B to the decoder.
pub(crate) trait Lines {
    /// Gives what waits, at most `max` frames or records, to `feed`, whose records go to `out`.
    fn poll(&mut self, max: usize, feed: &mut Feed, now: Nanos, out: &mut impl FnMut(&EventRecord));

    /// Whatever is due besides; called every 100 µs or so.
    fn housekeep(&mut self, feed: &mut Feed, now: Nanos, out: &mut impl FnMut(&EventRecord));

    /// Stock locates of the instruments that are wanted, known from the directory by now.
    fn set_instruments(&mut self, _locates: &[u16]) {}

    /// Adds its counters to a report.
    fn report(&self, counters: &mut BTreeMap<String, u64>);

    /// Why it can bring no more.
    fn failure(&self) -> Option<String>;

    /// What hinders it at the moment, in words; empty when nothing does.
    fn detail(&self) -> String;
}

/// Brings lines A and B as they are.
pub(crate) trait Frames {
    /// Hands at most `max` frames that wait to `each`, and returns how many.
    fn frames(&mut self, max: usize, each: impl FnMut(Frame<'_>)) -> usize;

    /// Whatever is due besides; called every 100 µs or so.
    fn look(&mut self, now: Nanos);

    /// Frames that the system has dropped, of line A and of line B; where it cannot tell the lines
    /// apart, of line A.
    fn dropped(&self) -> [u64; 2];

    /// Why it can bring no more.
    fn failure(&self) -> Option<String>;

    /// What hinders it at the moment, in words; empty when nothing does.
    fn detail(&self) -> String;
}

/// Lines through the kernel's UDP sockets.
pub(crate) struct Sockets {
    source: UdpSource,
    failure: Option<PortError>,
}

impl Sockets {
    /// Joins the groups.
    pub(crate) fn open(
        groups: Vec<SocketAddrV4>,
        interface: Ipv4Addr,
        receive_buffer: usize,
    ) -> Result<Sockets, NetError> {
        let source = UdpSource::open(&UdpConfig { groups, interface, receive_buffer })?;
        Ok(Sockets { source, failure: None })
    }

    /// What the kernel granted.
    pub(crate) fn granted(&self) -> tercel_net::udp::UdpReport {
        self.source.report()
    }
}

impl Lines for Sockets {
    #[inline]
    fn poll(
        &mut self,
        max: usize,
        feed: &mut Feed,
        now: Nanos,
        out: &mut impl FnMut(&EventRecord),
    ) {
        if let Err(error) = self.source.poll(max, |frame| feed.on_frame(frame, now, out)) {
            self.failure = Some(error);
        }
    }

    fn housekeep(&mut self, _feed: &mut Feed, _now: Nanos, _out: &mut impl FnMut(&EventRecord)) {}

    fn report(&self, counters: &mut BTreeMap<String, u64>) {
        counters.insert("socket_dropped".into(), self.source.report().dropped);
    }

    fn failure(&self) -> Option<String> {
        self.failure.map(|error| format!("receiving the feed: {error}"))
    }

    fn detail(&self) -> String {
        String::new()
    }
}

/// Each line through a socket of its own port, so that the kernel counts apart what it drops.
pub(crate) struct SocketPair {
    pub(crate) lines: [Sockets; 2],
}

impl Frames for SocketPair {
    fn frames(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> usize {
        let mut given = 0;
        for line in &mut self.lines {
            match line.source.poll(max / 2, &mut each) {
                Ok(some) => given += some,
                Err(error) => line.failure = Some(error),
            }
        }
        given
    }

    fn look(&mut self, _now: Nanos) {}

    fn dropped(&self) -> [u64; 2] {
        let [a, b] = &self.lines;
        [a.granted().dropped, b.granted().dropped]
    }

    fn failure(&self) -> Option<String> {
        self.lines.iter().find_map(Lines::failure)
    }

    fn detail(&self) -> String {
        String::new()
    }
}
