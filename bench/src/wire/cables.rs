//! The two ends of the run: a namespace for the sender and one for the host, joined by veth pairs
//! or by ports of this machine and the cables between them.

use super::Arguments;
use anyhow::{Context as _, Result, bail, ensure};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::{Command, Stdio};
use tercel_netns::{End, Namespace, PREFIX, join};

/// Where the sender is on the market data cable.
pub(crate) const SENDER: Ipv4Addr = Ipv4Addr::new(10, 91, 1, 1);
/// Where the host is on it.
pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(10, 91, 1, 2);
/// Where the venue is on the cable of the order session.
const VENUE: Ipv4Addr = Ipv4Addr::new(10, 91, 2, 1);
/// Where the host's kernel is on it.
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 91, 2, 2);
/// The address of an order session beside the kernel, which has none of it.
const SESSION: Ipv4Addr = Ipv4Addr::new(10, 91, 2, 3);

/// The port of the venue's order session.
const VENUE_PORT: u16 = 31_010;

/// The order session's cable.
#[derive(Debug)]
pub(crate) struct OrderCable {
    /// The host's interface.
    pub(crate) host_interface: String,
    /// The address of a session beside the kernel.
    pub(crate) session: Ipv4Addr,
}

/// The namespaces and what joins them. Dropping it gives ports back; veth pairs go by themselves.
#[derive(Debug)]
pub(crate) struct Cables {
    /// The sender's namespace.
    pub(crate) sender: Namespace,
    /// The host's.
    pub(crate) host: Namespace,
    /// The sender's interface of the market data.
    pub(crate) sender_interface: String,
    /// The host's.
    pub(crate) host_interface: String,
    /// Where the venue takes orders.
    pub(crate) venue: SocketAddrV4,
    /// The order session's own cable, if it has one.
    pub(crate) orders: Option<OrderCable>,
    /// Ports of the machine, each with whether the sender's namespace has it.
    borrowed: Vec<(String, bool)>,
}

impl Cables {
    /// Lays them, as the arguments say.
    ///
    /// # Errors
    /// When a port is not there or is in use, or the system refuses.
    pub(crate) fn lay(arguments: &Arguments) -> Result<Cables> {
        let make = || Namespace::new().context("cannot make a network namespace");
        let mut cables = Cables {
            sender: make()?,
            host: make()?,
            sender_interface: "feed_s".into(),
            host_interface: "feed_h".into(),
            venue: SocketAddrV4::new(VENUE, VENUE_PORT),
            orders: None,
            borrowed: Vec::new(),
        };
        match (&arguments.sender_interface, &arguments.host_interface) {
            (Some(sender), Some(host)) => {
                let orders = arguments.order_interfaces.clone();
                cables.borrow((sender, host), orders)?;
            }
            _ => cables.plug_in()?,
        }
        Ok(cables)
    }

    /// Two veth pairs.
    fn plug_in(&mut self) -> Result<()> {
        let pair = |names: [&str; 2], addresses: [Ipv4Addr; 2]| {
            let [a, b] = [(&self.sender, 0), (&self.host, 1)].map(|(namespace, at)| End {
                namespace,
                interface: names[at],
                address: addresses[at],
            });
            join(a, b).context("cannot lay a veth pair")
        };
        pair(["feed_s", "feed_h"], [SENDER, HOST])?;
        pair(["orders_s", "orders_h"], [VENUE, CLIENT])?;
        self.orders = Some(OrderCable { host_interface: "orders_h".into(), session: SESSION });
        Ok(())
    }

    /// Ports of the machine.
    fn borrow(
        &mut self,
        (sender, host): (&str, &str),
        orders: Option<(String, String)>,
    ) -> Result<()> {
        ensure!(sender != host, "the sender and the host cannot both have {host}");
        let mut wanted = vec![(sender.to_string(), true, SENDER), (host.to_string(), false, HOST)];
        if let Some((a, b)) = &orders {
            wanted.extend([(a.clone(), true, VENUE), (b.clone(), false, CLIENT)]);
        }
        for (at, (name, ..)) in wanted.iter().enumerate() {
            ensure!(wanted[..at].iter().all(|(other, ..)| other != name), "{name} is named twice");
            unused(name)?;
        }
        for (name, to_sender, address) in wanted {
            let namespace = if to_sender { &self.sender } else { &self.host };
            let path = namespace.path().display().to_string();
            ip(&["link", "set", "dev", &name, "netns", &path])?;
            self.borrowed.push((name.clone(), to_sender));
            namespace.ip(&["addr", "add", &format!("{address}/{PREFIX}"), "dev", &name])?;
            namespace.ip(&["link", "set", "dev", &name, "up"])?;
        }
        self.sender_interface = sender.into();
        self.host_interface = host.into();
        match orders {
            Some((_, host_interface)) => {
                self.orders = Some(OrderCable { host_interface, session: SESSION });
            }
            None => self.venue = SocketAddrV4::new(SENDER, VENUE_PORT),
        }
        Ok(())
    }
}

/// What a run is over, in words.
pub(crate) fn about(arguments: &Arguments) -> String {
    let Arguments { sender_interface, host_interface, order_interfaces, .. } = arguments;
    match (sender_interface, host_interface) {
        (Some(sender), Some(host)) if order_interfaces.is_some() => {
            format!("ports {sender} to {host}, the order session on ports of its own")
        }
        (Some(sender), Some(host)) => {
            format!("ports {sender} to {host}, the order session on the same ports")
        }
        _ => "two veth pairs (market data, orders) between two network namespaces".into(),
    }
}

impl Drop for Cables {
    fn drop(&mut self) {
        // A card's port would fall back to the first namespace of the machine by itself, which need
        // not be the one it came from.
        let home = format!("/proc/{}/ns/net", std::process::id());
        for (name, to_sender) in &self.borrowed {
            let namespace = if *to_sender { &self.sender } else { &self.host };
            let address = namespace.ip(&["addr", "flush", "dev", name]);
            let moved = namespace.ip(&["link", "set", "dev", name, "netns", &home]);
            if let Err(error) = address.and(moved) {
                eprintln!("{name} could not be given back: {error}");
            }
        }
    }
}

/// A port that has no address of IPv4 and is not part of something else.
fn unused(name: &str) -> Result<()> {
    let said = Command::new("ip").args(["-o", "-4", "addr", "show", "dev", name]).output();
    let said = said.context("cannot run `ip`")?;
    if !said.status.success() {
        bail!("no interface {name}: `ip link` lists those there are");
    }
    let text = String::from_utf8_lossy(&said.stdout);
    ensure!(
        text.trim().is_empty(),
        "{name} has an address, so something may use it, and the run would take it away: name a \
         port that is free, or take its address off (`ip addr flush dev {name}`)"
    );
    Ok(())
}

/// `ip` in the namespace of this process.
fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip").args(arguments).stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ip {}: {}", arguments.join(" "), said.trim());
    Ok(())
}
