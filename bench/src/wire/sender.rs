//! The sender's port: a packet socket past the queueing disciplines, the same for every path.

use super::cables::SENDER;
use crate::Ticks;
use anyhow::{Context as _, Result};
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};
use tercel_net::flows::Flows;
use tercel_net::packet::{PacketConfig, PacketPort};
use tercel_types::{FrameSink, PortError};

/// Where frames come from.
pub(crate) const FROM: SocketAddrV4 = SocketAddrV4::new(SENDER, 31_000);

/// Slots of the ring: a frame leaves during the call that sends it, so few are enough.
const SLOTS: usize = 64;

/// How long the kernel may have no room before a round is given up.
const PATIENCE: Duration = Duration::from_secs(2);

/// The sending end.
pub(crate) struct Sender {
    port: PacketPort,
}

impl Sender {
    /// Opens it in the network namespace of the calling thread.
    pub(crate) fn open(interface: &str) -> Result<Sender> {
        // A flow that nobody sends: nothing is to be received here.
        let flows = Flows { udp: vec![FROM], session: None };
        let config = PacketConfig { interface: interface.into(), flows, slots: SLOTS };
        let port = PacketPort::open(&config).context("cannot open the sender's port")?;
        Ok(Sender { port })
    }

    /// Sends `frame`, stamped by `stamp` immediately before the call; returns the stamp.
    #[inline]
    pub(crate) fn send(
        &mut self,
        frame: &[u8],
        stamp: impl FnOnce(&mut [u8], Ticks),
    ) -> Result<Ticks> {
        let space = match self.port.reserve(frame.len()) {
            Some(space) => space,
            None => wait(&mut self.port, frame.len())?,
        };
        space.copy_from_slice(frame);
        let now = Ticks::begin();
        stamp(space, now);
        self.commit()?;
        Ok(now)
    }

    #[inline]
    fn commit(&mut self) -> Result<()> {
        match self.port.commit() {
            Ok(()) => Ok(()),
            Err(error) => self.commit_again(error),
        }
    }

    /// The frame stays until the kernel has room.
    #[cold]
    fn commit_again(&mut self, mut error: PortError) -> Result<()> {
        const EAGAIN: PortError = PortError::System(11);
        const ENOBUFS: PortError = PortError::System(105);
        let begin = Instant::now();
        while matches!(error, EAGAIN | ENOBUFS) && begin.elapsed() < PATIENCE {
            match self.port.commit() {
                Ok(()) => return Ok(()),
                Err(again) => error = again,
            }
        }
        Err(error).context("the sender's port")
    }
}

/// Space as soon as there is some.
#[cold]
fn wait(port: &mut PacketPort, len: usize) -> Result<&mut [u8]> {
    let begin = Instant::now();
    while port.reserve(len).is_none() {
        anyhow::ensure!(begin.elapsed() < PATIENCE, "the sender's port has no room");
        std::hint::spin_loop();
    }
    port.reserve(len).context("the sender's port has no room")
}
