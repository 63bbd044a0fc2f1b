//! The stack: one port, one peer, one connection at a time.

use crate::arrival::HEADERS;
use crate::behind::Behind;
use crate::config::{ConfigError, TcpConfig};
use crate::inbox::Inbox;
use crate::prepared::Prepared;
use crate::random::Ports;
use crate::report::{Reason, State, TcpReport};
use smoltcp::socket::tcp::State as SocketState;
use smoltcp::time::Instant;
use tercel_types::{Clock, FrameSink, FrameSource, Nanos, PortError};

/// Bytes that can be reserved at once, and that can be committed before the connection is open.
pub const SEND_MAX: usize = 64 * 1024;

/// Frames taken from the port at a time.
const BATCH: usize = 32;

/// What a port answers that has no space for a moment, on Linux.
const EAGAIN: i32 = 11;
const ENOBUFS: i32 = 105;

/// A TCP connection over a port of frames.
///
/// [`TcpStack::step`], or polling the stream, is to be called all the time: frames are taken and
/// timers run nowhere else. A stack that is dropped hangs up, but nobody repeats its goodbye when
/// that is lost.
pub struct TcpStack<P: FrameSource + FrameSink, C: Clock> {
    pub(crate) port: P,
    pub(crate) clock: C,
    pub(crate) behind: Behind,
    pub(crate) inbox: Inbox,
    /// Bytes on the ordinary way: `staging[..held]` is committed and waits for the connection, what
    /// is reserved stands behind.
    pub(crate) staging: Box<[u8]>,
    pub(crate) held: usize,
    pub(crate) reserved: Reserved,
    pub(crate) prepared: Prepared,
    /// Bytes that the prepared segment may carry; zero when there is none.
    pub(crate) room: usize,
    /// When there is something to do that no frame brings about.
    pub(crate) due: Nanos,
    /// When the stack behind was last up to date.
    polled: Instant,
    state: State,
    ports: Ports,
    prepares: bool,
}

/// Where the reserved space is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reserved {
    Nothing,
    /// So many bytes of a frame of the port.
    Frame(usize),
    /// So many bytes behind what is held.
    Staged(usize),
}

impl<P: FrameSource + FrameSink, C: Clock> TcpStack<P, C> {
    /// A stack that has the port for itself.
    ///
    /// # Errors
    /// What is wrong with `config`.
    pub fn new(port: P, config: TcpConfig, clock: C) -> Result<TcpStack<P, C>, ConfigError> {
        config.check()?;
        let now = clock.now();
        let behind = Behind::new(config, now);
        Ok(TcpStack {
            port,
            polled: behind.instant(now),
            behind,
            clock,
            inbox: Inbox::new(),
            staging: vec![0; SEND_MAX].into_boxed_slice(),
            held: 0,
            reserved: Reserved::Nothing,
            prepared: Prepared::new(),
            room: 0,
            due: Nanos(0),
            state: State::Closed(Reason::NotDialled),
            ports: Ports::new(config.seed),
            prepares: true,
        })
    }

    /// Begins a new connection from a port not used lately. One that is still there is hung up and
    /// closes in the background; the one before that is reset if the peer has not closed it by now.
    pub fn dial(&mut self) {
        self.hang_up();
        let now = self.clock.now();
        let prepares = self.prepares && self.keeps_space();
        self.inbox.clear();
        self.behind.wire.report.dials += 1;
        let port = self.ports.next();
        self.state = match self.behind.connect(port, prepares, now) {
            true => State::Connecting,
            false => State::Closed(Reason::NoAnswer),
        };
        self.settle(now);
    }

    /// Takes frames, runs timers, and says where the connection stands.
    pub fn step(&mut self) -> State {
        let now = self.clock.now();
        if self.take_frames(now) {
            self.settle(now);
        }
        self.state
    }

    /// Closes the connection after what was committed; bytes not read are dropped.
    pub fn hang_up(&mut self) {
        if matches!(self.state, State::Closed(_)) {
            return;
        }
        self.behind.close();
        self.end(Reason::HungUp);
        self.inbox.clear();
        self.settle(self.clock.now());
    }

    /// Where the connection stood after the last step, poll or commit.
    pub fn state(&self) -> State {
        self.state
    }

    /// What has been counted.
    pub fn report(&self) -> TcpReport {
        self.behind.wire.report
    }

    /// Frames that wait for space in the port.
    pub fn is_waiting(&self) -> bool {
        !self.behind.wire.outbox.is_empty()
    }

    /// The port.
    pub fn port(&self) -> &P {
        &self.port
    }

    /// The port, to reach what it has besides frames. Frames that are taken or sent there are the
    /// connection's losses.
    pub fn port_mut(&mut self) -> &mut P {
        &mut self.port
    }

    /// Whether connections dialled from here on use prepared segments, as they do unless told. What
    /// goes over the wire is the same either way.
    pub fn use_prepared_segments(&mut self, on: bool) {
        self.prepares = on;
    }

    /// Whether the port gives the same space for a shorter frame, which a prepared segment needs:
    /// orders are often shorter than what was reserved for them.
    fn keeps_space(&mut self) -> bool {
        let mut at = |len| match self.port.reserve(len) {
            Some(space) if space.len() == len => Some(space.as_ptr() as usize),
            Some(_) | None => None,
        };
        let long = at(HEADERS + 64);
        long.is_some() && long == at(HEADERS + 8)
    }

    /// Takes what frames there are; whether there is anything to settle.
    pub(crate) fn take_frames(&mut self, now: Nanos) -> bool {
        let behind = &mut self.behind;
        match self.port.poll(BATCH, |frame| behind.arrive(frame.bytes, now)) {
            Ok(0) => now >= self.due || !behind.wire.outbox.is_empty(),
            Ok(_) => true,
            Err(error) => {
                self.port_failed(error);
                true
            }
        }
    }

    #[cold]
    fn port_failed(&mut self, error: PortError) {
        self.behind.wire.report.port_errors += 1;
        if error == PortError::Closed && !matches!(self.state, State::Closed(_)) {
            self.end(Reason::Port(error));
        }
    }

    fn end(&mut self, reason: Reason) {
        self.state = State::Closed(reason);
        self.behind.forget_deadline();
        (self.held, self.room) = (0, 0);
        self.reserved = Reserved::Nothing;
    }

    /// Whether bytes of the connection may still be read.
    pub(crate) fn is_readable(&self) -> bool {
        !matches!(self.state, State::Closed(Reason::HungUp | Reason::NotDialled))
    }

    /// Brings everything up to date: moves bytes both ways, lets the stack behind make what is due,
    /// sends it, and prepares the next segment.
    pub(crate) fn settle(&mut self, now: Nanos) {
        if self.held > 0 && self.behind.socket().may_send() {
            self.let_go();
        }
        if self.is_readable() {
            self.behind.drain(&mut self.inbox);
        }
        self.behind.discard(!self.is_readable());
        self.behind.hurry(now);
        if !matches!(self.state, State::Closed(_)) {
            self.behind.keep_neighbour(now);
        }
        if now >= self.behind.deadline {
            self.given_up();
        }
        let at = self.behind.instant(now);
        // What does not fit the outbox at once is due again at once.
        self.behind.egress(at);
        self.flush();
        self.follow(now);
        self.ready(now, at);
    }

    /// Nothing was heard for too long.
    #[cold]
    fn given_up(&mut self) {
        let why = if self.state == State::Connecting { Reason::NoAnswer } else { Reason::Silent };
        self.behind.socket().abort();
        self.end(why);
    }

    /// The state of the connection from that of its socket.
    fn follow(&mut self, now: Nanos) {
        let socket = self.behind.socket().state();
        let reset = self.behind.peer_reset;
        match (self.state, socket) {
            (State::Connecting, SocketState::Closed) => {
                self.end(if reset { Reason::Refused } else { Reason::NoAnswer });
            }
            (State::Connecting, SocketState::SynSent | SocketState::SynReceived) => {}
            (State::Connecting, _) => {
                self.state = State::Open;
                self.behind.opened(now);
                self.behind.wire.report.connected += 1;
            }
            (State::Open, SocketState::Closed) => {
                self.end(if reset { Reason::Reset } else { Reason::Silent });
            }
            (State::Open | State::Closed(_), _) => {}
        }
    }

    /// Prepares the next segment if one can leave as soon as it is committed.
    pub(crate) fn ready(&mut self, now: Nanos, at: Instant) {
        self.polled = at;
        self.due = self.behind.due(now);
        // With anything due the stack behind would send that, not what is committed next.
        let quiet = self.state == State::Open && self.held == 0 && self.due > now;
        let ready = quiet && self.behind.neighbour.holds(now);
        self.room = if ready { self.behind.prepare(&mut self.prepared) } else { 0 };
        if self.state == State::Open {
            self.due = self.due.min(self.behind.neighbour.due(now));
        }
    }

    /// Gives the stack behind what was committed before the connection was open.
    #[cold]
    fn let_go(&mut self) {
        self.behind.queue(&self.staging[..self.held]);
        if let Reserved::Staged(len) = self.reserved {
            self.staging.copy_within(self.held..self.held + len, 0);
        }
        self.held = 0;
    }

    /// Sends what waits, as far as the port has space.
    pub(crate) fn flush(&mut self) {
        while let Some(frame) = self.behind.wire.outbox.front() {
            if let Reserved::Frame(len) = self.reserved {
                // The space that was handed out is the port's next frame: clear it.
                if let Some(space) = self.port.reserve(HEADERS + len) {
                    self.staging[..len].copy_from_slice(&space[HEADERS..]);
                }
                self.reserved = Reserved::Staged(len);
            }
            let Some(space) = self.port.reserve(frame.len()) else {
                self.behind.wire.report.waited += 1;
                return;
            };
            space.copy_from_slice(frame);
            match self.port.commit() {
                Err(PortError::System(EAGAIN | ENOBUFS)) => {
                    self.behind.wire.report.waited += 1;
                    return;
                }
                // What is refused for another reason is lost, as it might be further on.
                Err(error) => self.port_failed(error),
                Ok(()) => {}
            }
            self.behind.wire.outbox.pop();
        }
    }

    /// Tells the stack behind of the segment that has gone out, and compares.
    pub(crate) fn tell(&mut self) {
        let now = self.clock.now();
        // A timer that has run out since would make the stack behind send other bytes first: it
        // gets this segment at the time when it was last at rest.
        let at = if now < self.due { self.behind.instant(now) } else { self.polled };
        self.behind.queue_ahead();
        self.behind.egress(at);
        if self.behind.wire.forget_ahead() {
            self.differs();
        }
        self.flush();
        self.ready(now, at);
    }

    /// The stack behind made something else, or nothing: its word counts from here on.
    #[cold]
    fn differs(&mut self) {
        self.behind.wire.report.mismatches += 1;
        self.behind.wire.conn.prepares = false;
    }
}

impl<P: FrameSource + FrameSink, C: Clock> Drop for TcpStack<P, C> {
    fn drop(&mut self) {
        self.hang_up();
    }
}
