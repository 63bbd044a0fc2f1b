//! The order session's TCP beside the kernel's stack.

use crate::bypass::port::{BypassPort, Link, PortSpec};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_net::clock::HostClock;
use tercel_tcp::{State, TcpConfig, TcpStack};
use tercel_types::{Clock, Nanos, PortError, StreamPort};

/// Where the session runs.
#[derive(Clone, Debug)]
pub(crate) struct OrderPath {
    pub(crate) port: PortSpec,
    /// Its address, which the kernel does not have.
    pub(crate) address: Ipv4Addr,
    pub(crate) prefix: u8,
    pub(crate) gateway: Option<Ipv4Addr>,
    pub(crate) peer: SocketAddrV4,
    pub(crate) keep_alive: Nanos,
    pub(crate) connect_timeout: Nanos,
}

/// A TCP stack over a port, opened again when its interface was taken away.
pub(crate) struct BypassSession {
    path: OrderPath,
    clock: HostClock,
    loss: f64,
    stack: Option<TcpStack<SessionPort, HostClock>>,
}

#[cfg(feature = "lab")]
type SessionPort = crate::bypass::loss::Lossy<BypassPort>;
#[cfg(not(feature = "lab"))]
type SessionPort = BypassPort;

/// The port as it is, or, in a laboratory, with the losses that it shall have.
#[cfg(feature = "lab")]
fn session_port(port: BypassPort, loss: f64, seed: u64) -> SessionPort {
    SessionPort::new(port, loss, seed)
}

#[cfg(feature = "lab")]
fn below(port: &SessionPort) -> &BypassPort {
    port.port()
}

#[cfg(not(feature = "lab"))]
fn session_port(port: BypassPort, _loss: f64, _seed: u64) -> SessionPort {
    port
}

#[cfg(not(feature = "lab"))]
fn below(port: &SessionPort) -> &BypassPort {
    port
}

impl BypassSession {
    /// Opens the port. A laboratory may lose a share of the frames.
    pub(crate) fn open(path: OrderPath, loss: f64, clock: HostClock) -> Result<BypassSession> {
        let mut session = BypassSession { path, clock, loss, stack: None };
        session.open_stack().context("[path]")?;
        let what =
            session.stack.as_ref().map(|stack| below(stack.port()).describe()).unwrap_or_default();
        let path = &session.path;
        eprintln!("orders on {} from {}: {what}", path.port.device, path.address);
        Ok(session)
    }

    fn open_stack(&mut self) -> Result<()> {
        let path = &self.path;
        let port = path.port.open()?;
        // Another one at each start: ports and sequence numbers of an earlier life are not met.
        let seed = self.clock.now().0 ^ u64::from(std::process::id()) << 32;
        let config = TcpConfig {
            mac: port.mac(),
            address: path.address,
            prefix: path.prefix,
            gateway: path.gateway,
            peer: path.peer,
            mtu: path.port.mtu(),
            connect_timeout: path.connect_timeout,
            keep_alive: Some(path.keep_alive).filter(|after| after.0 > 0),
            seed,
        };
        let port = session_port(port, self.loss, seed);
        self.stack = Some(TcpStack::new(port, config, self.clock.clone())?);
        Ok(())
    }

    /// Begins a connection.
    pub(crate) fn dial(&mut self) -> Result<()> {
        let gone = self.stack.as_ref().is_none_or(|stack| below(stack.port()).link() == Link::Gone);
        if gone {
            self.stack = None;
            self.open_stack()?;
        }
        if let Some(stack) = &mut self.stack {
            stack.dial();
        }
        Ok(())
    }

    /// Answers what comes, connected or not, and says where the connection stands.
    pub(crate) fn step(&mut self) -> Result<bool, String> {
        match self.stack.as_mut().map(TcpStack::step) {
            Some(State::Open) => Ok(true),
            Some(State::Connecting) => Ok(false),
            Some(State::Closed(reason)) => Err(format!("{}: {reason}", self.path.peer)),
            None => Err(format!("{} is not open", self.path.port.device)),
        }
    }

    /// Ends the connection.
    pub(crate) fn hang_up(&mut self) {
        if let Some(stack) = &mut self.stack {
            stack.hang_up();
        }
    }

    /// Adds its counters to a report.
    pub(crate) fn report(&self, counters: &mut BTreeMap<String, u64>) {
        let Some(stack) = &self.stack else { return };
        below(stack.port()).report("orders_port", counters);
        #[cfg(feature = "lab")]
        counters.insert("orders_port_spoiled".into(), stack.port().lost);
        let report = stack.report();
        let list = [
            ("prepared", report.fast),
            ("ordinary", report.ordinary),
            ("mismatches", report.mismatches),
            ("retransmits", report.retransmits),
            ("duplicate_acks", report.duplicate_acks),
            ("out_of_order", report.out_of_order),
            ("resets", report.resets),
            ("malformed", report.malformed),
        ];
        counters.extend(list.map(|(name, value)| (format!("tcp_{name}"), value)));
    }
}

impl StreamPort for BypassSession {
    #[inline]
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        self.stack.as_mut()?.reserve(len)
    }

    #[inline]
    fn commit(&mut self, len: usize) -> Result<(), PortError> {
        self.stack.as_mut().ok_or(PortError::Closed)?.commit(len)
    }

    #[inline]
    fn poll(&mut self, each: impl FnMut(&[u8]) -> usize) -> Result<usize, PortError> {
        self.stack.as_mut().ok_or(PortError::Closed)?.poll(each)
    }
}
