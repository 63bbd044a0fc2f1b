//! The connection to the venue's order port: made, lost and made again.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddrV4;
use std::time::Duration;
use tercel_net::NetError;
use tercel_net::tcp::{Connecting, TcpPort};
use tercel_types::{Nanos, PortError, StreamPort};

/// Where the connection stands.
enum State {
    /// Not wanted, or waiting before the next try.
    Down,
    Connecting(Connecting),
    Up(Box<TcpPort>),
}

/// What changed since the last look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LineEvent {
    None,
    Connected,
    Lost,
}

/// A [`StreamPort`] that is there whether or not its connection is.
pub(crate) struct OrderLine {
    address: SocketAddrV4,
    timeout: Duration,
    retry: Nanos,
    state: State,
    not_before: Nanos,
    broken: bool,
    error: Option<NetError>,
    log: Option<OrderLog>,
}

impl OrderLine {
    pub(crate) fn new(address: SocketAddrV4, timeout: Duration, retry: Nanos) -> OrderLine {
        OrderLine {
            address,
            timeout,
            retry,
            state: State::Down,
            not_before: Nanos(0),
            broken: false,
            error: None,
            log: None,
        }
    }

    /// Every packet that is sent is kept in `log` too.
    pub(crate) fn with_log(mut self, log: Option<OrderLog>) -> OrderLine {
        self.log = log;
        self
    }

    /// Takes the next step towards a connection; call it between ticks.
    pub(crate) fn step(&mut self, now: Nanos) -> LineEvent {
        if let Some(log) = &mut self.log {
            log.flush();
        }
        if self.broken {
            self.hang_up(now);
            return LineEvent::Lost;
        }
        match &mut self.state {
            State::Up(_) => LineEvent::None,
            State::Down if now < self.not_before => LineEvent::None,
            State::Down => {
                match Connecting::start(self.address, self.timeout) {
                    Ok(connecting) => self.state = State::Connecting(connecting),
                    Err(error) => self.failed(now, error),
                }
                LineEvent::None
            }
            State::Connecting(connecting) => match connecting.poll() {
                None => LineEvent::None,
                Some(Ok(port)) => {
                    self.state = State::Up(Box::new(port));
                    self.error = None;
                    LineEvent::Connected
                }
                Some(Err(error)) => {
                    self.failed(now, error);
                    LineEvent::None
                }
            },
        }
    }

    /// Closes the connection; the next step may make another after the usual wait.
    pub(crate) fn hang_up(&mut self, now: Nanos) {
        self.state = State::Down;
        self.broken = false;
        self.not_before = now + self.retry;
    }

    /// Closes the connection and lets the next step make another at once.
    pub(crate) fn redial(&mut self) {
        self.state = State::Down;
        self.broken = false;
        self.not_before = Nanos(0);
    }

    /// Why there is no connection, as far as known; empty when there is one.
    pub(crate) fn trouble(&self) -> String {
        self.error.as_ref().map(NetError::to_string).unwrap_or_default()
    }

    /// What could not be written of the orders' file.
    pub(crate) fn complaint(&mut self) -> Option<String> {
        let log = self.log.as_mut()?;
        log.flush();
        log.complaint()
    }

    fn failed(&mut self, now: Nanos, error: NetError) {
        self.error = Some(error);
        self.hang_up(now);
    }
}

impl StreamPort for OrderLine {
    #[inline]
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        match &mut self.state {
            State::Up(port) if !self.broken => port.reserve(len),
            _ => None,
        }
    }

    #[inline]
    fn commit(&mut self, len: usize) -> Result<(), PortError> {
        let State::Up(port) = &mut self.state else { return Err(PortError::Closed) };
        if let Some(log) = &mut self.log
            && let Some(slot) = port.reserve(len)
        {
            log.push(&slot[..len]);
        }
        let sent = port.commit(len);
        self.broken |= sent.is_err();
        sent
    }

    #[inline]
    fn poll(&mut self, each: impl FnMut(&[u8]) -> usize) -> Result<usize, PortError> {
        let State::Up(port) = &mut self.state else { return Ok(0) };
        if self.broken {
            return Ok(0);
        }
        let polled = port.poll(each);
        self.broken |= polled.is_err();
        polled.or(Ok(0))
    }
}

/// Bytes that wait for the next flush at most; beyond it packets are counted and left out.
const LOG_PENDING_MAX: usize = 1 << 20;

/// Keeps order packets as sent. Writing happens at flush, never on the way of an order.
pub(crate) struct OrderLog {
    file: File,
    pending: Vec<u8>,
    left_out: u64,
    error: Option<std::io::Error>,
}

impl OrderLog {
    pub(crate) fn create(path: &std::path::Path) -> anyhow::Result<OrderLog> {
        use anyhow::Context as _;
        let file = File::create(path)
            .with_context(|| format!("cannot write the orders to {}", path.display()))?;
        let pending = Vec::with_capacity(LOG_PENDING_MAX);
        Ok(OrderLog { file, pending, left_out: 0, error: None })
    }

    /// Keeps a packet if it carries an order: an unsequenced data packet of SoupBinTCP.
    #[inline]
    pub(crate) fn push(&mut self, packet: &[u8]) {
        if packet.get(2) != Some(&b'U') {
            return;
        }
        if self.pending.len() + packet.len() > LOG_PENDING_MAX {
            self.left_out += 1;
        } else {
            self.pending.extend_from_slice(packet);
        }
    }

    /// Writes what waits; a file that fails is not tried again.
    pub(crate) fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        if self.error.is_none() {
            self.error = self.file.write_all(&self.pending).err();
        }
        self.pending.clear();
    }

    /// What went wrong, if anything did.
    pub(crate) fn complaint(&self) -> Option<String> {
        match (&self.error, self.left_out) {
            (Some(error), _) => Some(format!("the orders' file is not complete: {error}")),
            (None, 0) => None,
            (None, n) => Some(format!("the orders' file lacks {n} packets: the disk was too slow")),
        }
    }
}
