//! The connection to the venue's order port: made, lost and made again.

use crate::bypass::BypassSession;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::net::SocketAddrV4;
use std::time::Duration;
use tercel_net::tcp::{Connecting, TcpPort};
use tercel_types::{Nanos, PortError, StreamPort};

/// Who carries the bytes.
pub(crate) enum Transport {
    Kernel(KernelTcp),
    Bypass(Box<BypassSession>),
}

/// The kernel's TCP.
pub(crate) struct KernelTcp {
    address: SocketAddrV4,
    timeout: Duration,
    state: KernelState,
}

enum KernelState {
    Down,
    Connecting(Connecting),
    Up(Box<TcpPort>),
}

impl KernelTcp {
    pub(crate) fn new(address: SocketAddrV4, timeout: Duration) -> KernelTcp {
        KernelTcp { address, timeout, state: KernelState::Down }
    }

    fn port(&mut self) -> Option<&mut TcpPort> {
        match &mut self.state {
            KernelState::Up(port) => Some(port),
            KernelState::Down | KernelState::Connecting(_) => None,
        }
    }

    fn step(&mut self) -> Result<bool, String> {
        match &mut self.state {
            KernelState::Down => Err("not connected".into()),
            KernelState::Up(_) => Ok(true),
            KernelState::Connecting(connecting) => match connecting.poll() {
                None => Ok(false),
                Some(Ok(port)) => {
                    self.state = KernelState::Up(Box::new(port));
                    Ok(true)
                }
                Some(Err(error)) => Err(error.to_string()),
            },
        }
    }
}

impl Transport {
    fn dial(&mut self) -> Result<(), String> {
        match self {
            Transport::Kernel(tcp) => {
                let connecting = Connecting::start(tcp.address, tcp.timeout);
                tcp.state = KernelState::Connecting(connecting.map_err(|e| e.to_string())?);
                Ok(())
            }
            Transport::Bypass(session) => session.dial().map_err(|error| format!("{error:#}")),
        }
    }

    /// Whether the connection is there; why it will not come to be.
    fn step(&mut self) -> Result<bool, String> {
        match self {
            Transport::Kernel(tcp) => tcp.step(),
            Transport::Bypass(session) => session.step(),
        }
    }

    fn hang_up(&mut self) {
        match self {
            Transport::Kernel(tcp) => tcp.state = KernelState::Down,
            Transport::Bypass(session) => session.hang_up(),
        }
    }
}

impl StreamPort for Transport {
    #[inline]
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        match self {
            Transport::Kernel(tcp) => tcp.port()?.reserve(len),
            Transport::Bypass(session) => session.reserve(len),
        }
    }

    #[inline]
    fn commit(&mut self, len: usize) -> Result<(), PortError> {
        match self {
            Transport::Kernel(tcp) => tcp.port().ok_or(PortError::Closed)?.commit(len),
            Transport::Bypass(session) => session.commit(len),
        }
    }

    #[inline]
    fn poll(&mut self, each: impl FnMut(&[u8]) -> usize) -> Result<usize, PortError> {
        match self {
            Transport::Kernel(tcp) => tcp.port().ok_or(PortError::Closed)?.poll(each),
            Transport::Bypass(session) => session.poll(each),
        }
    }
}

/// Where the connection stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Not wanted, or waiting before the next try.
    Down,
    Connecting,
    Up,
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
    transport: Transport,
    retry: Nanos,
    state: State,
    not_before: Nanos,
    broken: bool,
    error: String,
    log: Option<OrderLog>,
}

impl OrderLine {
    pub(crate) fn new(transport: Transport, retry: Nanos) -> OrderLine {
        OrderLine {
            transport,
            retry,
            state: State::Down,
            not_before: Nanos(0),
            broken: false,
            error: String::new(),
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
        // A session beside the kernel has to answer for its address at any time.
        let stands = self.transport.step();
        match (self.state, stands) {
            (State::Up, _) => LineEvent::None,
            (State::Down, _) if now < self.not_before => LineEvent::None,
            (State::Down, _) => {
                match self.transport.dial() {
                    Ok(()) => self.state = State::Connecting,
                    Err(error) => self.failed(now, error),
                }
                LineEvent::None
            }
            (State::Connecting, Ok(false)) => LineEvent::None,
            (State::Connecting, Ok(true)) => {
                self.state = State::Up;
                self.error.clear();
                LineEvent::Connected
            }
            (State::Connecting, Err(error)) => {
                self.failed(now, error);
                LineEvent::None
            }
        }
    }

    /// Closes the connection; the next step may make another after the usual wait.
    pub(crate) fn hang_up(&mut self, now: Nanos) {
        self.redial();
        self.not_before = now + self.retry;
    }

    /// Closes the connection and lets the next step make another at once.
    pub(crate) fn redial(&mut self) {
        self.transport.hang_up();
        self.state = State::Down;
        self.broken = false;
        self.not_before = Nanos(0);
    }

    /// Why there is no connection, as far as known; empty when there is one.
    pub(crate) fn trouble(&self) -> &str {
        &self.error
    }

    /// Adds what the transport counts to a report.
    pub(crate) fn report(&self, counters: &mut BTreeMap<String, u64>) {
        if let Transport::Bypass(session) = &self.transport {
            session.report(counters);
        }
    }

    /// What could not be written of the orders' file.
    pub(crate) fn complaint(&mut self) -> Option<String> {
        let log = self.log.as_mut()?;
        log.flush();
        log.complaint()
    }

    fn failed(&mut self, now: Nanos, error: String) {
        self.error = error;
        self.hang_up(now);
    }
}

impl StreamPort for OrderLine {
    #[inline]
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        match self.state {
            State::Up if !self.broken => self.transport.reserve(len),
            State::Up | State::Connecting | State::Down => None,
        }
    }

    #[inline]
    fn commit(&mut self, len: usize) -> Result<(), PortError> {
        if self.state != State::Up {
            return Err(PortError::Closed);
        }
        if let Some(log) = &mut self.log
            && let Some(slot) = self.transport.reserve(len)
        {
            log.push(&slot[..len]);
        }
        let sent = self.transport.commit(len);
        self.broken |= sent.is_err();
        sent
    }

    #[inline]
    fn poll(&mut self, each: impl FnMut(&[u8]) -> usize) -> Result<usize, PortError> {
        if self.state != State::Up || self.broken {
            return Ok(0);
        }
        let polled = self.transport.poll(each);
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
