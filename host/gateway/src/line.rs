//! The SoupBinTCP session of one connection after another: which login is next, which messages are
//! new, what is due to be sent.

use crate::config::GatewayConfig;
use crate::error::{SessionError, refusal};
use tercel_proto::ouch::Inbound;
use tercel_proto::ouch::appendage::Appendages;
use tercel_proto::ouch::inbound::AccountQuery;
use tercel_proto::soup::{self, ClientPacket, LoginAccepted, LoginRequest};
use tercel_types::Nanos;

/// Where the session stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Session {
    /// There is no connection.
    Down,
    /// Connected, not yet logged in for good; see [`crate::Gateway::wants_reconnect`].
    LoggingIn,
    /// Replaying what was missed, or waiting for the answer to the account query.
    Recovering,
    /// Orders may be sent.
    Ready,
    /// A logout is under way.
    LoggingOut,
    /// The venue ended the session; a new day needs a new gateway.
    Ended,
    /// Orders cannot be sent; a code of [`refusal`].
    Refused(u8),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Link {
    Down,
    /// A login that only asks how far the session has run.
    Probe {
        sent: bool,
    },
    /// It was answered; this connection has no further use.
    Probed {
        logout_sent: bool,
    },
    Login {
        sent: bool,
    },
    Replay,
    Query {
        sent: bool,
    },
    Ready,
    Logout {
        sent: bool,
    },
    Ended,
    /// `logged_in` says whether the connection can carry cancels.
    Refused {
        code: u8,
        logged_in: bool,
    },
}

/// What to do with a sequenced message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Take {
    /// It is the next one.
    New,
    /// It was taken on an earlier connection.
    Duplicate,
    /// It is not part of the numbered stream that is being followed.
    Ignore,
}

/// The line to the venue.
pub(crate) struct Line {
    pub(crate) link: Link,
    username: [u8; 6],
    password: [u8; 10],
    heartbeat: Nanos,
    server_timeout: Nanos,
    /// The session's name, once a probe has told it.
    session: Option<[u8; 10]>,
    /// The next message to take.
    next: u64,
    /// The number of the next message to come on this connection.
    incoming: u64,
    /// How far the session has run, by the latest probe.
    high: Option<u64>,
    last_sent: Nanos,
    last_received: Nanos,
}

impl Line {
    pub(crate) fn new(config: &GatewayConfig) -> Line {
        Line {
            link: Link::Down,
            username: config.username,
            password: config.password,
            heartbeat: config.heartbeat,
            server_timeout: config.server_timeout,
            session: None,
            next: 1,
            incoming: 1,
            high: None,
            last_sent: Nanos(0),
            last_received: Nanos(0),
        }
    }

    pub(crate) fn session(&self) -> Session {
        match self.link {
            Link::Down => Session::Down,
            Link::Probe { .. } | Link::Probed { .. } | Link::Login { .. } => Session::LoggingIn,
            Link::Replay | Link::Query { .. } => Session::Recovering,
            Link::Ready => Session::Ready,
            Link::Logout { .. } => Session::LoggingOut,
            Link::Ended => Session::Ended,
            Link::Refused { code, .. } => Session::Refused(code),
        }
    }

    pub(crate) fn next_sequence(&self) -> u64 {
        self.next
    }

    pub(crate) fn on_connected(&mut self, now: Nanos) {
        if self.link == Link::Ended {
            return;
        }
        self.link = match self.high {
            None => Link::Probe { sent: false },
            Some(_) => Link::Login { sent: false },
        };
        (self.last_sent, self.last_received) = (now, now);
    }

    pub(crate) fn on_disconnected(&mut self) {
        match self.link {
            Link::Ended => return,
            Link::Refused { code, .. } => {
                self.link = Link::Refused { code, logged_in: false };
                self.high = None;
                return;
            }
            Link::Probed { .. } => {}
            Link::Down
            | Link::Probe { .. }
            | Link::Login { .. }
            | Link::Replay
            | Link::Query { .. }
            | Link::Ready
            | Link::Logout { .. } => self.high = None,
        }
        self.link = Link::Down;
    }

    pub(crate) fn on_received(&mut self, now: Nanos) {
        self.last_received = now;
    }

    pub(crate) fn on_sent(&mut self, now: Nanos) {
        self.last_sent = now;
    }

    /// `false` when no login was waiting for an answer.
    pub(crate) fn on_accepted(&mut self, accepted: &LoginAccepted) -> Result<bool, SessionError> {
        // `ServerPacket::parse` has seen that it is a number.
        let number = accepted.sequence_number().unwrap_or(1).max(1);
        if !matches!(self.link, Link::Probe { sent: true } | Link::Login { sent: true }) {
            return Ok(false);
        }
        if self.session.is_some_and(|session| session != accepted.session) {
            self.refuse(refusal::SESSION_CHANGED);
            return Err(SessionError::SessionChanged);
        }
        if self.link == (Link::Probe { sent: true }) {
            self.session = Some(accepted.session);
            self.high = Some(number);
            self.link = Link::Probed { logout_sent: false };
            return Ok(true);
        }
        if number > self.next {
            self.refuse(refusal::SEQUENCE_GAP);
            return Err(SessionError::SequenceGap { expected: self.next, offered: number });
        }
        self.incoming = number;
        self.link = Link::Replay;
        self.end_replay();
        Ok(true)
    }

    pub(crate) fn on_rejected(&mut self, reason: u8) -> SessionError {
        self.refuse(reason);
        SessionError::LoginRejected(reason)
    }

    fn refuse(&mut self, code: u8) {
        self.high = None;
        self.link = Link::Refused { code, logged_in: false };
    }

    /// Counts a sequenced message.
    #[inline]
    pub(crate) fn on_sequenced(&mut self) -> Take {
        if !self.is_logged_in() && !matches!(self.link, Link::Logout { .. }) {
            return Take::Ignore;
        }
        let number = self.incoming;
        self.incoming += 1;
        if number < self.next {
            return Take::Duplicate;
        }
        self.next = number + 1;
        Take::New
    }

    /// After a message was taken: the replay is over when all that the probe saw has come.
    #[inline]
    pub(crate) fn end_replay(&mut self) {
        if self.link == Link::Replay && self.high.is_some_and(|high| self.next >= high) {
            self.link = Link::Query { sent: false };
        }
    }

    pub(crate) fn begin_logout(&mut self) {
        if self.is_logged_in() {
            self.link = Link::Logout { sent: false };
        }
    }

    /// Whether the numbered stream is being followed on this connection.
    #[inline]
    fn is_logged_in(&self) -> bool {
        matches!(
            self.link,
            Link::Replay | Link::Query { .. } | Link::Ready | Link::Refused { logged_in: true, .. }
        )
    }

    /// Whether cancels can be sent.
    #[inline]
    pub(crate) fn carries_cancels(&self) -> bool {
        matches!(self.link, Link::Ready | Link::Refused { logged_in: true, .. })
    }

    /// Writes the packet that is due; zero when none is or `out` is too short.
    pub(crate) fn transmit(&mut self, now: Nanos, out: &mut [u8]) -> usize {
        let login =
            |session, sequence| LoginRequest::new(self.username, self.password, session, sequence);
        let query = AccountQuery { kind: AccountQuery::KIND };
        let heartbeat_due = now.since(self.last_sent) >= self.heartbeat;
        let (len, link) = match self.link {
            Link::Probe { sent: false } => {
                let request = login(soup::ANY_SESSION, 0);
                (ClientPacket::LoginRequest(&request).emit(out), Link::Probe { sent: true })
            }
            Link::Login { sent: false } => {
                let request = login(self.session.unwrap_or(soup::ANY_SESSION), self.next);
                (ClientPacket::LoginRequest(&request).emit(out), Link::Login { sent: true })
            }
            Link::Probed { logout_sent: false } => {
                (ClientPacket::Logout.emit(out), Link::Probed { logout_sent: true })
            }
            Link::Logout { sent: false } => {
                (ClientPacket::Logout.emit(out), Link::Logout { sent: true })
            }
            Link::Query { sent: false } => {
                let message = Inbound::AccountQuery(&query, Appendages::ABSENT);
                (emit_message(&message, out), Link::Query { sent: true })
            }
            Link::Down
            | Link::Probe { sent: true }
            | Link::Probed { logout_sent: true }
            | Link::Login { sent: true }
            | Link::Replay
            | Link::Query { sent: true }
            | Link::Ready
            | Link::Logout { sent: true }
            | Link::Ended
            | Link::Refused { .. } => {
                if !heartbeat_due || !self.is_logged_in() {
                    return 0;
                }
                (ClientPacket::Heartbeat.emit(out), self.link)
            }
        };
        let Some(len) = len else { return 0 };
        self.link = link;
        self.last_sent = now;
        len
    }

    pub(crate) fn on_timer(&self, now: Nanos) -> Result<(), SessionError> {
        let waiting = match self.link {
            Link::Down | Link::Ended | Link::Probed { .. } => false,
            Link::Refused { logged_in, .. } => logged_in,
            Link::Probe { .. }
            | Link::Login { .. }
            | Link::Replay
            | Link::Query { .. }
            | Link::Ready
            | Link::Logout { .. } => true,
        };
        if waiting && now.since(self.last_received) > self.server_timeout {
            return Err(SessionError::ServerSilent);
        }
        Ok(())
    }
}

/// One message in an unsequenced data packet.
#[inline]
pub(crate) fn emit_message(message: &Inbound<'_>, out: &mut [u8]) -> Option<usize> {
    let len = message.emit(out.get_mut(soup::HEADER..)?)?;
    soup::frame_unsequenced(out, len)
}
