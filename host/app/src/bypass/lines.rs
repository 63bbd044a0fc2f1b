//! The lines of a feed over ports beside the kernel's stack.

use crate::bypass::port::{BypassPort, Link, PortSpec};
use crate::lines::{Frames, Lines};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use tercel_abi::EventRecord;
use tercel_net::igmp;
use tercel_net::membership::Membership;
use tercel_proto::feed::Feed;
use tercel_types::{Frame, FrameSink, FrameSource, Nanos};

/// Time between two looks at what is below a port, and two tries to open one again.
const LOOK: Nanos = Nanos::from_millis(500);
/// Time between two requests for groups where the port itself has to ask; routers forget after 260
/// seconds (RFC 3376 §8.4).
const ASK: Nanos = Nanos::from_secs(30);

/// Both lines over one port, or each over one of its own.
pub(crate) struct BypassLines {
    ports: Vec<Line>,
    first: usize,
    look_at: Nanos,
}

/// A port of the feed, with the kernel's membership in its groups.
struct Line {
    spec: PortSpec,
    name: String,
    port: Option<BypassPort>,
    membership: Option<Membership>,
    ask_at: Nanos,
    link: Link,
    lost: u64,
    trouble: String,
}

impl Line {
    fn new(spec: PortSpec, name: String) -> Result<Line> {
        let mut line = Line {
            spec,
            name,
            port: None,
            membership: None,
            ask_at: Nanos(0),
            link: Link::Up,
            lost: 0,
            trouble: String::new(),
        };
        line.open()?;
        Ok(line)
    }

    fn open(&mut self) -> Result<()> {
        let groups: Vec<Ipv4Addr> = self.spec.flows.udp.iter().map(|group| *group.ip()).collect();
        // Before the port: a device that is taken from the kernel has no interface to join on.
        if let Some(interface) = self.spec.kernel_interface() {
            let joined = Membership::join(&groups, interface).context("joining the groups")?;
            self.membership = Some(joined);
        }
        self.port = Some(self.spec.open()?);
        self.link = Link::Up;
        Ok(())
    }

    /// Notices a link that is down or an interface that is gone, and opens the latter again when it
    /// is back.
    fn look(&mut self, now: Nanos) {
        let Some(port) = &self.port else {
            if let Err(error) = self.open() {
                self.trouble = format!("{error:#}");
            } else {
                eprintln!("line {}: {} is back", self.name, self.spec.device);
                self.trouble.clear();
            }
            return;
        };
        let link = port.link();
        if link != self.link {
            self.link = link;
            self.trouble = match link {
                Link::Up => String::new(),
                Link::Down => format!("line {}: {} is down", self.name, self.spec.device),
                Link::Gone => format!("line {}: {} is gone", self.name, self.spec.device),
            };
            eprintln!("line {}: {} is {link:?}", self.name, self.spec.device);
        }
        if link == Link::Gone {
            self.lost += 1;
            (self.port, self.membership) = (None, None);
        } else if self.spec.kernel_interface().is_none() && now >= self.ask_at {
            self.ask_at = now + ASK;
            self.ask_for_groups();
        }
    }

    /// Without a kernel below, the port tells routers and switches itself.
    fn ask_for_groups(&mut self) {
        let Some(port) = &mut self.port else { return };
        let groups: Vec<Ipv4Addr> = self.spec.flows.udp.iter().map(|group| *group.ip()).collect();
        let report = igmp::report(port.mac(), self.spec.interface, &groups);
        if let Some(space) = port.reserve(report.len()) {
            space.copy_from_slice(&report);
            // One that does not leave now is sent again in half a minute.
            let _ = port.commit();
        }
    }
}

impl BypassLines {
    /// Opens the ports and joins the groups.
    pub(crate) fn open(specs: Vec<PortSpec>) -> Result<BypassLines> {
        let names: &[&str] = if specs.len() == 1 { &["ab"] } else { &["a", "b"] };
        let pairs = specs.into_iter().zip(names);
        let ports = pairs.map(|(spec, name)| Line::new(spec, name.to_string()));
        let ports = ports.collect::<Result<Vec<Line>>>().context("[path]")?;
        for line in &ports {
            let what = line.port.as_ref().map(BypassPort::describe).unwrap_or_default();
            eprintln!("line {} on {}: {what}", line.name, line.spec.device);
        }
        Ok(BypassLines { ports, first: 0, look_at: Nanos(0) })
    }

    fn troubles(&self) -> String {
        let troubles = self.ports.iter().map(|line| &line.trouble[..]);
        troubles.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
    }
}

impl Lines for BypassLines {
    #[inline]
    fn poll(
        &mut self,
        max: usize,
        feed: &mut Feed,
        now: Nanos,
        out: &mut impl FnMut(&EventRecord),
    ) {
        self.frames(max, |frame| feed.on_frame(frame, now, out));
    }

    fn housekeep(&mut self, _feed: &mut Feed, now: Nanos, _out: &mut impl FnMut(&EventRecord)) {
        self.look(now);
    }

    fn report(&self, counters: &mut BTreeMap<String, u64>) {
        for line in &self.ports {
            let name = format!("line_{}", line.name);
            if let Some(port) = &line.port {
                port.report(&name, counters);
            }
            counters.insert(format!("{name}_interface_lost"), line.lost);
        }
    }

    fn failure(&self) -> Option<String> {
        None
    }

    fn detail(&self) -> String {
        self.troubles()
    }
}

impl Frames for BypassLines {
    #[inline]
    fn frames(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> usize {
        let mut left = max;
        // Another line is first each time, so that a busy one cannot starve the other.
        self.first = (self.first + 1) % self.ports.len();
        let (before, after) = self.ports.split_at_mut(self.first);
        for line in after.iter_mut().chain(before) {
            let Some(port) = &mut line.port else { continue };
            // A port that fails is looked at by housekeeping.
            left -= port.poll(left, &mut each).unwrap_or(0).min(left);
        }
        max - left
    }

    fn look(&mut self, now: Nanos) {
        if now >= self.look_at {
            self.look_at = now + LOOK;
            self.ports.iter_mut().for_each(|line| line.look(now));
        }
    }

    fn dropped(&self) -> [u64; 2] {
        let mut counters = BTreeMap::new();
        self.report(&mut counters);
        let of = |name: &str| counters.get(name).copied().unwrap_or(0);
        [of("line_a_dropped") + of("line_ab_dropped"), of("line_b_dropped")]
    }

    fn failure(&self) -> Option<String> {
        None
    }

    fn detail(&self) -> String {
        self.troubles()
    }
}
