//! The venue at the sender's end: a kernel TCP connection that is read without a pause, the same
//! for every path, with the bench's scripted venue behind it.

use crate::Ticks;
use crate::venue::{MemoryPort, Venue};
use anyhow::{Context as _, Result, anyhow, bail};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddrV4, TcpListener, TcpStream};
use tercel_proto::soup::ClientPacket;
use tercel_types::StreamPort;

/// Bytes of a read at most: many orders.
const READ_MAX: usize = 16 * 1024;

/// Orders that one read brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Arrival {
    /// When the read came back.
    pub(crate) at: Ticks,
    /// How many orders it completed.
    pub(crate) orders: u64,
}

/// The venue's end of the order session.
pub(crate) struct VenueEnd {
    listener: TcpListener,
    stream: Option<TcpStream>,
    buffer: Box<[u8]>,
    /// Bytes of a packet that is not complete.
    filled: usize,
    venue: Venue,
    port: MemoryPort,
}

impl VenueEnd {
    /// Listens in the network namespace of the calling thread.
    pub(crate) fn listen(address: SocketAddrV4) -> Result<VenueEnd> {
        let listener = TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .with_context(|| format!("the venue cannot listen at {address}"))?;
        Ok(VenueEnd {
            listener,
            stream: None,
            buffer: vec![0; READ_MAX].into_boxed_slice(),
            filled: 0,
            venue: Venue::new(false, false),
            port: MemoryPort::new(),
        })
    }

    /// Takes a new connection, which ends the one before: a host dials twice to recover.
    pub(crate) fn accept(&mut self) -> Result<()> {
        match self.listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                self.stream = Some(stream);
                self.filled = 0;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error).context("the venue cannot take a connection"),
        }
    }

    /// Reads once. The stamp is taken before anything is looked at; the answers wait for
    /// [`VenueEnd::answer`].
    #[inline]
    pub(crate) fn read(&mut self) -> Result<Option<Arrival>> {
        let Some(stream) = &mut self.stream else { return Ok(None) };
        match stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => {
                self.stream = None;
                Ok(None)
            }
            Ok(got) => {
                let at = Ticks::end();
                self.filled += got;
                Ok(Some(Arrival { at, orders: self.take()? }))
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(None),
                ErrorKind::ConnectionReset => {
                    self.stream = None;
                    Ok(None)
                }
                _ => Err(error).context("the venue's connection"),
            },
        }
    }

    /// Hands whole packets to the venue; says how many of them are orders.
    fn take(&mut self) -> Result<u64> {
        let (mut at, mut orders) = (0, 0);
        loop {
            let rest = &self.buffer[at..self.filled];
            let parsed = ClientPacket::parse(rest).map_err(|error| anyhow!("{error:?}"))?;
            let Some((packet, len)) = parsed else { break };
            orders += u64::from(is_order(&packet));
            let space = self.port.reserve(len).context("the venue's port is full")?;
            space.copy_from_slice(&rest[..len]);
            self.port.commit(len)?;
            at += len;
        }
        self.buffer.copy_within(at..self.filled, 0);
        self.filled -= at;
        Ok(orders)
    }

    /// Answers what was read.
    pub(crate) fn answer(&mut self) -> Result<()> {
        if !self.port.has_orders() {
            return Ok(());
        }
        self.venue.answer(&mut self.port);
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let mut fault = None;
        self.port.poll(|bytes| match write_all(stream, bytes) {
            Ok(()) => bytes.len(),
            Err(error) => {
                fault = Some(error);
                bytes.len()
            }
        })?;
        fault.map_or(Ok(()), Err)
    }
}

/// An order, and not the session's own query.
fn is_order(packet: &ClientPacket<'_>) -> bool {
    const ACCOUNT_QUERY: u8 = b'Q';
    match packet {
        ClientPacket::Unsequenced(message) => message.first() != Some(&ACCOUNT_QUERY),
        _ => false,
    }
}

/// Answers are short and read at once, so the kernel has room for them.
fn write_all(stream: &mut TcpStream, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => bail!("the host closed the order session"),
            Ok(taken) => bytes = &bytes[taken..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::hint::spin_loop(),
            Err(error) => return Err(error).context("the venue's connection"),
        }
    }
    Ok(())
}
