//! Which way frames come and go: the `[path]` table.

use super::{Built, Config};
use crate::bypass::{Dpdk, OrderPath, PortKind, PortSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;
use tercel_net::flows::{Flows, SessionFlow};
use tercel_net::xdp::{Attach, BusyPoll, Copying, XdpConfig};
use tercel_types::Nanos;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PathValues {
    /// How the feed's frames come.
    pub(crate) feed: PathName,
    /// How the orders' frames go.
    pub(crate) orders: PathName,
    /// Interfaces of lines A and B, or one for both; with `"dpdk"` the devices, such as
    /// `"0000:65:00.0"`.
    feed_interfaces: Vec<String>,
    /// Interface of the order session.
    orders_interface: Option<String>,
    /// Address of the session with its network, such as `"10.0.0.9/24"`; one that the kernel does
    /// not have.
    orders_address: Option<String>,
    /// Gateway, where the venue is on another network.
    orders_gateway: Option<Ipv4Addr>,
    /// Silence after which the venue is asked for a sign, in seconds; 0 never.
    #[schemars(extend("default" = 10))]
    orders_keep_alive_s: Option<u32>,
    /// Packet sockets.
    packet: PacketValues,
    /// AF_XDP.
    af_xdp: XdpValues,
    /// DPDK.
    dpdk: DpdkValues,
}

impl PathValues {
    /// Interfaces and devices that are named for frames to come from or go to, each once.
    pub(crate) fn interfaces(&self) -> Vec<String> {
        let mut names = self.feed_interfaces.clone();
        if let Some(name) = &self.orders_interface
            && !names.contains(name)
        {
            names.push(name.clone());
        }
        names
    }
}

/// How frames reach the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PathName {
    #[default]
    Kernel,
    Packet,
    AfXdp,
    Dpdk,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct PacketValues {
    /// Frames that each ring holds.
    #[schemars(extend("default" = 4_096))]
    slots: Option<u32>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct XdpValues {
    /// Where the program is attached.
    attach: AttachValue,
    /// Whether the device writes to our memory.
    copying: CopyingValue,
    /// Receive queues to take from; none names all.
    queues: Vec<u32>,
    /// Frames each way and queue, a power of two.
    #[schemars(extend("default" = 4_096))]
    frames: Option<u32>,
    /// Drive the device from the polling thread, this long at a time, in microseconds; 0 never.
    #[schemars(extend("default" = 0))]
    busy_poll_us: Option<u32>,
    /// Frames of one busy poll.
    #[schemars(extend("default" = 64))]
    busy_poll_budget: Option<u32>,
    /// Take the memory in huge pages.
    huge_pages: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum AttachValue {
    #[default]
    Auto,
    Native,
    Generic,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum CopyingValue {
    #[default]
    Auto,
    Zero,
    Copy,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct DpdkValues {
    /// `false`: ordinary memory, for devices that are interfaces of Linux.
    #[schemars(extend("default" = true))]
    huge_pages: Option<bool>,
    /// Memory, in MiB.
    #[schemars(extend("default" = 256))]
    memory_mib: Option<u32>,
    /// More arguments for DPDK, such as `["-d", "librte_net_mlx5.so"]`.
    eal: Vec<String>,
}

impl Config {
    /// The ports that bring the feed beside the kernel's stack; none when the kernel brings it.
    pub(crate) fn feed_ports(&self) -> Built<Vec<PortSpec>> {
        let path = &self.values.path;
        if path.feed == PathName::Kernel {
            return Ok(Vec::new());
        }
        let key = "path.feed_interfaces";
        let lines = self.feed()?.lines;
        let names = &path.feed_interfaces;
        let spec = |name: &String, udp: Vec<_>| self.port(path.feed, name, udp, None);
        match &names[..] {
            [one] => Ok(vec![spec(one, lines.to_vec())?]),
            [a, b] if a == b => Ok(vec![spec(a, lines.to_vec())?]),
            [a, b] => Ok(vec![spec(a, vec![lines[0]])?, spec(b, vec![lines[1]])?]),
            _ => Err(self.wrong(key, "name the interface of line A and that of line B, or one")),
        }
    }

    /// The order session beside the kernel's stack; `None` when the kernel carries it.
    pub(crate) fn order_path(&self) -> Built<Option<OrderPath>> {
        let path = &self.values.path;
        if path.orders == PathName::Kernel {
            return Ok(None);
        }
        let Some(name) = &path.orders_interface else {
            return Err(self.wrong("path.orders_interface", "name the interface of the orders"));
        };
        let exclusive = |path| matches!(path, PathName::AfXdp | PathName::Dpdk);
        if path.feed_interfaces.contains(name) && exclusive(path.feed) && exclusive(path.orders) {
            let problem = "carries the feed, and one port has it for itself: orders need an \
                           interface of their own, or path.orders = \"kernel\" or \"packet\"";
            return Err(self.wrong("path.orders_interface", problem));
        }
        let key = "path.orders_address";
        let parsed = path.orders_address.as_deref().and_then(|text| {
            let (address, prefix) = text.split_once('/')?;
            let prefix = prefix.parse::<u8>().ok().filter(|prefix| (1..=32).contains(prefix))?;
            Some((address.parse::<Ipv4Addr>().ok()?, prefix))
        });
        let Some((address, prefix)) = parsed else {
            let problem = "give the session an address of its own with its network, such as \
                           \"10.0.0.9/24\"; the kernel must not have that address";
            return Err(self.wrong(key, problem));
        };
        let peer = self.values.orders.address;
        let flow = SessionFlow { local: address, peer };
        Ok(Some(OrderPath {
            port: self.port(path.orders, name, Vec::new(), Some(flow))?,
            address,
            prefix,
            gateway: path.orders_gateway,
            peer,
            keep_alive: Nanos::from_secs(path.orders_keep_alive_s.unwrap_or(10).into()),
            connect_timeout: Nanos::from_millis(self.values.orders.connect_timeout_ms.into()),
        }))
    }

    fn port(
        &self,
        path: PathName,
        device: &str,
        udp: Vec<std::net::SocketAddrV4>,
        session: Option<SessionFlow>,
    ) -> Built<PortSpec> {
        let values = &self.values.path;
        let flows = Flows { udp, session };
        let kind = match path {
            PathName::Kernel | PathName::Packet => {
                PortKind::Packet { slots: values.packet.slots.unwrap_or(4_096) as usize }
            }
            PathName::AfXdp => PortKind::Xdp(self.xdp(device, flows.clone())),
            PathName::Dpdk => PortKind::Dpdk(self.dpdk()),
        };
        let interface = self.values.feed.interface;
        Ok(PortSpec { device: device.to_string(), flows, interface, kind })
    }

    fn xdp(&self, device: &str, flows: Flows) -> XdpConfig {
        let values = &self.values.path.af_xdp;
        let defaults = XdpConfig::new(device, flows);
        XdpConfig {
            queues: values.queues.clone(),
            frames: values.frames.unwrap_or(defaults.frames),
            attach: match values.attach {
                AttachValue::Auto => Attach::Auto,
                AttachValue::Native => Attach::Native,
                AttachValue::Generic => Attach::Generic,
            },
            copying: match values.copying {
                CopyingValue::Auto => Copying::Auto,
                CopyingValue::Zero => Copying::Zero,
                CopyingValue::Copy => Copying::Copy,
            },
            busy_poll: values
                .busy_poll_us
                .filter(|us| *us > 0)
                .map(|micros| BusyPoll { micros, budget: values.busy_poll_budget.unwrap_or(64) }),
            huge_pages: values.huge_pages,
            ..defaults
        }
    }

    fn dpdk(&self) -> Dpdk {
        let path = &self.values.path;
        let mut devices = Vec::new();
        if path.feed == PathName::Dpdk {
            devices.extend(path.feed_interfaces.iter().cloned());
        }
        if path.orders == PathName::Dpdk {
            devices.extend(path.orders_interface.iter().cloned());
        }
        Dpdk {
            devices,
            huge_pages: path.dpdk.huge_pages.unwrap_or(true),
            memory_mib: path.dpdk.memory_mib.unwrap_or(256),
            eal: path.dpdk.eal.clone(),
        }
    }
}
