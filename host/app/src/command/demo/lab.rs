//! The network of a demo whose frames go beside the kernel's stack: two namespaces, four cables.

use crate::cli::{DemoArgs, DemoPath, DemoSource};
use anyhow::{Context, Result, bail};
use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_netns::{End, Namespace, PREFIX, join};

/// Lines A and B.
pub(super) const GROUPS: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(239, 192, 77, 1), 31_001),
    SocketAddrV4::new(Ipv4Addr::new(239, 192, 77, 2), 31_002),
];
/// The venue's ends of the cables: the lines, the orders, and what is not in a hurry.
pub(super) const VENUE_LINES: [Ipv4Addr; 2] = [address(1, 1), address(2, 1)];
pub(super) const VENUE_ORDERS: Ipv4Addr = address(3, 1);
pub(super) const VENUE_COLD: Ipv4Addr = address(4, 1);
/// The host's ends.
pub(super) const HOST_LINES: [Ipv4Addr; 2] = [address(1, 2), address(2, 2)];
const HOST_ORDERS: Ipv4Addr = address(3, 2);
const HOST_COLD: Ipv4Addr = address(4, 2);
/// The order session's own address, which no kernel has.
const SESSION: Ipv4Addr = address(3, 9);

const fn address(cable: u8, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, cable, host)
}

/// Both sides, for as long as this value and the processes in them live.
pub(super) struct Lab {
    venue: Namespace,
    host: Namespace,
}

impl Lab {
    /// The network that a demo needs; `None` where loopback will do.
    pub(super) fn new(args: &DemoArgs) -> Result<Option<Lab>> {
        if args.path == DemoPath::Kernel {
            if args.orders_loss > 0.0 {
                bail!("--orders-loss needs a --path beside the kernel's stack");
            }
            return Ok(None);
        }
        if args.source == DemoSource::Fpga {
            bail!("--path is how frames reach the host; with --source fpga the card takes them");
        }
        if let Err(why) = tercel_netns::available() {
            bail!("--path {} runs venue and host in network namespaces: {why}", name(args.path));
        }
        let lab = Lab { venue: Namespace::new()?, host: Namespace::new()? };
        let cables = [
            ("feed_a", VENUE_LINES[0], HOST_LINES[0]),
            ("feed_b", VENUE_LINES[1], HOST_LINES[1]),
            ("orders", VENUE_ORDERS, HOST_ORDERS),
            ("cold", VENUE_COLD, HOST_COLD),
        ];
        for (interface, at_venue, at_host) in cables {
            join(
                End { namespace: &lab.venue, interface, address: at_venue },
                End { namespace: &lab.host, interface, address: at_host },
            )
            .with_context(|| format!("laying the cable {interface}"))?;
        }
        Ok(Some(lab))
    }

    pub(super) fn venue(&self) -> &Namespace {
        &self.venue
    }

    pub(super) fn host(&self) -> &Namespace {
        &self.host
    }
}

/// The path as the configuration names it.
pub(super) fn name(path: DemoPath) -> &'static str {
    match path {
        DemoPath::Kernel => "kernel",
        DemoPath::Packet => "packet",
        DemoPath::AfXdp => "af_xdp",
        DemoPath::Dpdk => "dpdk",
    }
}

/// Keys of the host's configuration, with their values.
pub(super) fn path_keys(path: DemoPath) -> Vec<(&'static str, String)> {
    if path == DemoPath::Kernel {
        return Vec::new();
    }
    let quoted = |text: &str| format!("\"{text}\"");
    // DPDK drives packet sockets here, so that the kernel keeps what is for it.
    let interfaces = ["feed_a", "feed_b", "orders"];
    let mut devices = (0..).zip(interfaces).map(|(at, interface)| match path {
        DemoPath::Dpdk => quoted(&format!("net_af_packet{at},iface={interface}")),
        DemoPath::Kernel | DemoPath::Packet | DemoPath::AfXdp => quoted(interface),
    });
    let lines: Vec<String> = devices.by_ref().take(2).collect();
    let mut keys = vec![
        ("path.feed", quoted(name(path))),
        ("path.orders", quoted(name(path))),
        ("path.feed_interfaces", format!("[{}]", lines.join(", "))),
        ("path.orders_address", quoted(&format!("{SESSION}/{PREFIX}"))),
        ("path.dpdk.huge_pages", "false".into()),
    ];
    keys.extend(devices.next().map(|device| ("path.orders_interface", device)));
    keys
}
