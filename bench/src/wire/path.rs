//! The ways that a frame can take through or around the host's kernel.

use super::dpdk::Dpdk;
use super::port::{PathPort, RECEIVE_BUFFER, WaitingUdp};
use anyhow::{Context as _, Result};
use clap::ValueEnum;
use clap::builder::PossibleValue;
use std::net::Ipv4Addr;
use tercel_net::flows::Flows;
use tercel_net::membership::Membership;
use tercel_net::packet::{PacketConfig, PacketPort};
use tercel_net::udp::{UdpConfig, UdpSource};
use tercel_net::xdp::{Attach, Copying, XdpConfig, XdpPort};

/// Frames that the rings of the other paths hold.
const SLOTS: usize = 2_048;

/// A way from the interface to the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Path {
    /// A kernel UDP socket, waiting.
    UdpBlock,
    /// A kernel UDP socket, polled.
    Udp,
    /// TPACKET_V2.
    Packet,
    /// AF_XDP, generic.
    XdpGeneric,
    /// AF_XDP in the driver, copying.
    XdpCopy,
    /// AF_XDP in the driver, without a copy.
    XdpZero,
    /// DPDK over net_af_packet.
    DpdkPacket,
    /// DPDK over net_af_xdp.
    DpdkXdp,
}

impl Path {
    /// Every one, in the order of the table.
    pub(crate) const ALL: [Path; 8] = [
        Path::UdpBlock,
        Path::Udp,
        Path::Packet,
        Path::XdpGeneric,
        Path::XdpCopy,
        Path::XdpZero,
        Path::DpdkPacket,
        Path::DpdkXdp,
    ];

    /// Its name on the command line and in metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Path::UdpBlock => "udp-block",
            Path::Udp => "udp",
            Path::Packet => "packet",
            Path::XdpGeneric => "xdp-generic",
            Path::XdpCopy => "xdp-copy",
            Path::XdpZero => "xdp-zero",
            Path::DpdkPacket => "dpdk-packet",
            Path::DpdkXdp => "dpdk-xdp",
        }
    }

    /// What it is, in a few words.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Path::UdpBlock => "kernel UDP, blocking",
            Path::Udp => "kernel UDP, spinning",
            Path::Packet => "TPACKET_V2",
            Path::XdpGeneric => "AF_XDP, generic",
            Path::XdpCopy => "AF_XDP, native, copy",
            Path::XdpZero => "AF_XDP, native, zero-copy",
            Path::DpdkPacket => "DPDK, net_af_packet",
            Path::DpdkXdp => "DPDK, net_af_xdp",
        }
    }

    /// Frames of it do not go through the kernel's UDP, and an order session may go beside its TCP.
    pub(crate) const fn is_bypass(self) -> bool {
        !matches!(self, Path::UdpBlock | Path::Udp)
    }

    /// The paths of which the p50 is expected to stay below that of [`Path::Udp`].
    pub(crate) const fn is_expected_below_udp(self) -> bool {
        matches!(self, Path::Packet | Path::XdpGeneric | Path::XdpCopy | Path::XdpZero)
    }
}

impl ValueEnum for Path {
    fn value_variants<'a>() -> &'a [Path] {
        &Path::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.about()))
    }
}

impl Path {
    /// Opens a port that takes these flows, in the network namespace of the calling thread.
    /// `address` is the interface's.
    ///
    /// # Errors
    /// Why it cannot be had here.
    pub(crate) fn open(
        self,
        dpdk: &Dpdk,
        (interface, address): (&str, Ipv4Addr),
        flows: Flows,
    ) -> Result<PathPort> {
        let xdp = |attach, copying, flows| {
            let config = XdpConfig { attach, copying, ..XdpConfig::new(interface, flows) };
            Ok(PathPort::Xdp(Box::new(XdpPort::open(&config)?)))
        };
        match self {
            Path::UdpBlock => {
                let group = *flows.udp.first().context("no group to receive")?;
                Ok(PathPort::Waiting(WaitingUdp::open(group, address)?))
            }
            Path::Udp => {
                let (groups, interface) = (flows.udp, address);
                let config = UdpConfig { groups, interface, receive_buffer: RECEIVE_BUFFER };
                Ok(PathPort::Udp(Box::new(UdpSource::open(&config)?)))
            }
            Path::Packet => {
                let config = PacketConfig { interface: interface.into(), flows, slots: SLOTS };
                Ok(PathPort::Packet(Box::new(PacketPort::open(&config)?)))
            }
            Path::XdpGeneric => xdp(Attach::Generic, Copying::Copy, flows),
            Path::XdpCopy => xdp(Attach::Native, Copying::Copy, flows),
            Path::XdpZero => xdp(Attach::Native, Copying::Zero, flows),
            Path::DpdkPacket | Path::DpdkXdp => dpdk.open(self, interface, &flows),
        }
    }

    /// Joins the group for a port beside the kernel, which does not: cards drop what nobody asked
    /// for, and switches do not forward it.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn join(self, group: Ipv4Addr, interface: &str) -> Result<Option<Membership>> {
        match self.is_bypass() {
            true => Ok(Some(Membership::join(&[group], interface)?)),
            false => Ok(None),
        }
    }
}
