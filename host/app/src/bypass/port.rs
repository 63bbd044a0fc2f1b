//! One port of frames, whichever kind the configuration names.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use tercel_net::flows::Flows;
use tercel_net::interface::Interface;
use tercel_net::packet::{PacketConfig, PacketPort};
use tercel_net::xdp::{XdpConfig, XdpPort};
use tercel_types::{Frame, FrameSink, FrameSource, PortError};

/// What to open.
#[derive(Clone, Debug)]
pub(crate) struct PortSpec {
    /// The interface's name; for DPDK its device.
    pub(crate) device: String,
    pub(crate) flows: Flows,
    /// Address that speaks for the host where the port itself has to ask for groups.
    pub(crate) interface: Ipv4Addr,
    pub(crate) kind: PortKind,
}

/// By which means.
#[derive(Clone, Debug)]
pub(crate) enum PortKind {
    Packet { slots: usize },
    Xdp(XdpConfig),
    Dpdk(Dpdk),
}

/// What DPDK is started with; the same for every port of the process.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "dpdk"), expect(dead_code, reason = "read when DPDK is linked"))]
pub(crate) struct Dpdk {
    pub(crate) devices: Vec<String>,
    pub(crate) huge_pages: bool,
    pub(crate) memory_mib: u32,
    pub(crate) eal: Vec<String>,
}

/// A port that is open.
pub(crate) enum BypassPort {
    Packet(Box<PacketPort>),
    Xdp(Box<XdpPort>),
    #[cfg(feature = "dpdk")]
    Dpdk(Box<tercel_dpdk::DpdkPort>),
}

/// What there is below a port at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Link {
    Up,
    Down,
    /// The interface is not there any more: this port will never bring a frame again.
    Gone,
}

impl PortSpec {
    /// Opens it.
    pub(crate) fn open(&self) -> Result<BypassPort> {
        let name = || format!("{} on {}", self.kind.name(), self.device);
        match &self.kind {
            PortKind::Packet { slots } => {
                let (interface, flows) = (self.device.clone(), self.flows.clone());
                let config = PacketConfig { interface, flows, slots: *slots };
                Ok(BypassPort::Packet(Box::new(PacketPort::open(&config).with_context(name)?)))
            }
            PortKind::Xdp(config) => {
                Ok(BypassPort::Xdp(Box::new(XdpPort::open(config).with_context(name)?)))
            }
            PortKind::Dpdk(dpdk) => self.open_dpdk(dpdk).with_context(name),
        }
    }

    #[cfg(feature = "dpdk")]
    fn open_dpdk(&self, dpdk: &Dpdk) -> Result<BypassPort> {
        use tercel_dpdk::{DpdkPort, Eal, Memory, PortConfig, arguments};
        let memory = if dpdk.huge_pages { Memory::Huge } else { Memory::Small(dpdk.memory_mib) };
        let devices: Vec<&str> = dpdk.devices.iter().map(String::as_str).collect();
        let mut all = arguments(memory, &devices);
        all.extend(dpdk.eal.iter().cloned());
        let eal = Eal::init(&all)?;
        let mut config = PortConfig::new(self.device.clone());
        config.groups = self.flows.udp.clone();
        Ok(BypassPort::Dpdk(Box::new(DpdkPort::open(&eal, &config)?)))
    }

    #[cfg(not(feature = "dpdk"))]
    fn open_dpdk(&self, dpdk: &Dpdk) -> Result<BypassPort> {
        anyhow::bail!(
            "this build has no DPDK ({} would need it): install libdpdk-dev and build with \
             `--features dpdk`",
            dpdk.devices.join(", ")
        )
    }

    /// The interface of the kernel's that stands below, where there is one.
    pub(crate) fn kernel_interface(&self) -> Option<&str> {
        match self.kind {
            PortKind::Packet { .. } | PortKind::Xdp(_) => Some(&self.device),
            PortKind::Dpdk(_) => {
                self.device.split(',').find_map(|part| part.strip_prefix("iface="))
            }
        }
    }

    /// Longest payload of a frame.
    pub(crate) fn mtu(&self) -> usize {
        let interface = self.kernel_interface().and_then(|name| Interface::open(name).ok());
        interface.and_then(|interface| interface.mtu().ok()).unwrap_or(1_500)
    }
}

impl PortKind {
    /// As the configuration names it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            PortKind::Packet { .. } => "packet",
            PortKind::Xdp(_) => "af_xdp",
            PortKind::Dpdk(_) => "dpdk",
        }
    }
}

impl BypassPort {
    /// Its hardware address.
    pub(crate) fn mac(&self) -> [u8; 6] {
        match self {
            BypassPort::Packet(port) => port.mac(),
            BypassPort::Xdp(port) => port.mac(),
            #[cfg(feature = "dpdk")]
            BypassPort::Dpdk(port) => port.mac(),
        }
    }

    /// What is below it. Asks the system.
    pub(crate) fn link(&self) -> Link {
        match self {
            BypassPort::Packet(port) => of_interface(port.interface()),
            BypassPort::Xdp(port) => of_interface(port.interface()),
            #[cfg(feature = "dpdk")]
            BypassPort::Dpdk(port) => match port.link() {
                Some(link) if link.up => Link::Up,
                Some(_) => Link::Down,
                None => Link::Gone,
            },
        }
    }

    /// What it became, in words.
    pub(crate) fn describe(&self) -> String {
        match self {
            BypassPort::Packet(port) => format!("TPACKET_V2, {} slots", port.report().slots),
            BypassPort::Xdp(port) => {
                let report = port.report();
                format!(
                    "AF_XDP {}, {}, {} queue{}",
                    if report.native { "native" } else { "generic" },
                    if report.zero_copy { "zero-copy" } else { "copy" },
                    report.queues,
                    if report.queues == 1 { "" } else { "s" },
                )
            }
            #[cfg(feature = "dpdk")]
            BypassPort::Dpdk(port) => {
                let flows = port.flows().iter().filter(|rule| rule.refused.is_none()).count();
                format!("DPDK {}, {flows} flow rules", port.driver())
            }
        }
    }

    /// Adds its counters to a report, each behind `name`.
    pub(crate) fn report(&self, name: &str, counters: &mut BTreeMap<String, u64>) {
        let mut add = |what: &str, value: u64| counters.insert(format!("{name}_{what}"), value);
        match self {
            BypassPort::Packet(port) => {
                let report = port.report();
                add("frames", report.frames);
                add("sent", report.sent);
                add("dropped", report.dropped);
                add("oversized", report.oversized);
                add("send_errors", report.send_errors);
            }
            BypassPort::Xdp(port) => {
                let report = port.report();
                add("frames", report.frames);
                add("sent", report.sent);
                add("dropped", report.dropped + report.ring_full + report.no_chunk);
                add("send_errors", report.send_errors + report.send_invalid);
            }
            #[cfg(feature = "dpdk")]
            BypassPort::Dpdk(port) => {
                let report = port.report();
                add("frames", report.frames);
                add("sent", report.sent);
                add("dropped", report.missed + report.no_buffer);
                add("oversized", report.oversized);
                add("receive_errors", report.receive_errors);
                add("send_errors", report.transmit_errors);
            }
        }
    }
}

fn of_interface(interface: &Interface) -> Link {
    if interface.is_running() {
        Link::Up
    } else if interface.current_index() == Some(interface.index()) {
        Link::Down
    } else {
        Link::Gone
    }
}

impl FrameSource for BypassPort {
    #[inline]
    fn poll(&mut self, max: usize, each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        match self {
            BypassPort::Packet(port) => port.poll(max, each),
            BypassPort::Xdp(port) => port.poll(max, each),
            #[cfg(feature = "dpdk")]
            BypassPort::Dpdk(port) => port.poll(max, each),
        }
    }
}

impl FrameSink for BypassPort {
    #[inline]
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        match self {
            BypassPort::Packet(port) => port.reserve(len),
            BypassPort::Xdp(port) => port.reserve(len),
            #[cfg(feature = "dpdk")]
            BypassPort::Dpdk(port) => port.reserve(len),
        }
    }

    #[inline]
    fn commit(&mut self) -> Result<(), PortError> {
        match self {
            BypassPort::Packet(port) => port.commit(),
            BypassPort::Xdp(port) => port.commit(),
            #[cfg(feature = "dpdk")]
            BypassPort::Dpdk(port) => port.commit(),
        }
    }
}
