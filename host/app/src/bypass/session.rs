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
    stack: Option<TcpStack<BypassPort, HostClock>>,
}

impl BypassSession {
    /// Opens the port.
    pub(crate) fn open(path: OrderPath, clock: HostClock) -> Result<BypassSession> {
        let mut session = BypassSession { path, clock, stack: None };
        session.open_stack().context("[path]")?;
        let what = session.stack.as_ref().map(|stack| stack.port().describe()).unwrap_or_default();
        let path = &session.path;
        eprintln!("orders on {} from {}: {what}", path.port.device, path.address);
        Ok(session)
    }

    fn open_stack(&mut self) -> Result<()> {
        let path = &self.path;
        let port = path.port.open()?;
        let config = TcpConfig {
            mac: port.mac(),
            address: path.address,
            prefix: path.prefix,
            gateway: path.gateway,
            peer: path.peer,
            mtu: path.port.mtu(),
            connect_timeout: path.connect_timeout,
            keep_alive: Some(path.keep_alive).filter(|after| after.0 > 0),
            // Another one at each start: ports and sequence numbers of an earlier life are not met.
            seed: self.clock.now().0 ^ u64::from(std::process::id()) << 32,
        };
        self.stack = Some(TcpStack::new(port, config, self.clock.clone())?);
        Ok(())
    }

    /// Begins a connection.
    pub(crate) fn dial(&mut self) -> Result<()> {
        let gone = self.stack.as_ref().is_none_or(|stack| stack.port().link() == Link::Gone);
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
        stack.port().report("orders_port", counters);
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
