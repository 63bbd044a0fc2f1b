//! The host's end of the order session: the kernel's TCP, or TCP over a port of the path.

use super::cables::{CLIENT, Cables};
use super::dpdk::Dpdk;
use super::path::Path;
use super::port::PathPort;
use crate::Ticks;
use anyhow::{Context as _, Result, bail};
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};
use tercel_net::clock::HostClock;
use tercel_net::flows::{Flows, SessionFlow};
use tercel_net::tcp::TcpPort;
use tercel_netns::PREFIX;
use tercel_tcp::{State, TcpConfig, TcpStack};
use tercel_types::{Nanos, PortError, StreamPort};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);

/// Which TCP the order session runs over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Orders {
    /// The kernel's.
    Kernel,
    /// Beside the kernel, over a second port of the path.
    Path,
}

impl Orders {
    /// Its name in metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Orders::Kernel => "kernel-tcp",
            Orders::Path => "path-tcp",
        }
    }
}

/// The order session's stream.
pub(crate) enum OrderLine {
    /// A kernel socket.
    Kernel {
        /// The venue.
        venue: SocketAddrV4,
        /// The connection, if there is one.
        port: Option<TcpPort>,
    },
    /// TCP beside the kernel.
    Stack(Box<TcpStack<PathPort, HostClock>>),
}

impl OrderLine {
    /// A line without a connection, made in the network namespace of the calling thread.
    ///
    /// # Errors
    /// When the path has no port for it.
    pub(crate) fn open(
        orders: Orders,
        path: Path,
        cables: &Cables,
        dpdk: &Dpdk,
    ) -> Result<OrderLine> {
        let venue = cables.venue;
        if orders == Orders::Kernel {
            return Ok(OrderLine::Kernel { venue, port: None });
        }
        let cable = cables.orders.as_ref();
        let cable = cable.context("it needs a second pair of ports: --order-interfaces")?;
        let session = SessionFlow { local: cable.session, peer: venue };
        let flows = Flows { udp: Vec::new(), session: Some(session) };
        let port = path.open(dpdk, (&cable.host_interface, CLIENT), flows)?;
        let config = TcpConfig {
            mac: port.mac().context("the path sends nothing")?,
            address: cable.session,
            prefix: PREFIX,
            gateway: None,
            peer: venue,
            mtu: 1_500,
            connect_timeout: Nanos(CONNECT.as_nanos() as u64),
            keep_alive: None,
            // Rounds follow each other within a second, and the venue remembers old connections.
            seed: Ticks::now().0,
        };
        Ok(OrderLine::Stack(Box::new(TcpStack::new(port, config, HostClock::new())?)))
    }

    /// Makes a fresh connection; waits for it.
    pub(crate) fn dial(&mut self) -> Result<()> {
        match self {
            OrderLine::Kernel { venue, port } => {
                *port = None;
                *port = Some(TcpPort::connect(*venue, CONNECT)?);
            }
            OrderLine::Stack(stack) => {
                stack.dial();
                let begin = Instant::now();
                loop {
                    match stack.step() {
                        State::Open => break,
                        State::Closed(why) => bail!("no connection to the venue: {why}"),
                        State::Connecting if begin.elapsed() > 2 * CONNECT => {
                            bail!("no connection to the venue: it does not answer")
                        }
                        State::Connecting => std::hint::spin_loop(),
                    }
                }
            }
        }
        Ok(())
    }
}

impl StreamPort for OrderLine {
    #[inline]
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        match self {
            OrderLine::Kernel { port, .. } => port.as_mut()?.reserve(len),
            OrderLine::Stack(stack) => stack.reserve(len),
        }
    }

    #[inline]
    fn commit(&mut self, len: usize) -> Result<(), PortError> {
        match self {
            OrderLine::Kernel { port: Some(port), .. } => port.commit(len),
            OrderLine::Kernel { .. } => Err(PortError::Closed),
            OrderLine::Stack(stack) => stack.commit(len),
        }
    }

    #[inline]
    fn poll(&mut self, each: impl FnMut(&[u8]) -> usize) -> Result<usize, PortError> {
        match self {
            OrderLine::Kernel { port: Some(port), .. } => port.poll(each),
            OrderLine::Kernel { .. } => Ok(0),
            OrderLine::Stack(stack) => stack.poll(each),
        }
    }
}
