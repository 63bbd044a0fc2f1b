//! The loop of the hot thread: feed, orders, and between them whatever is due.

use crate::order_line::{LineEvent, OrderLine};
use crate::pace::Idle;
use crate::report::HostReport;
use crate::signals::Signals;
use crate::source::Source;
use crate::summary;
use crate::watch::LiveWatch;
use anyhow::{Result, bail};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::Sender;
use tercel_engine::{Batch, Engine, Phase, Unmeasured};
use tercel_gateway::{Session, SessionError};
use tercel_net::clock::HostClock;
use tercel_types::{Clock, Nanos, StreamPort};

/// Frames or records taken from the source before the order session is looked at again.
const TURN: usize = 32;
/// Time between two housekeepings.
const HOUSEKEEPING: Nanos = Nanos(200_000);
/// Time between two corrections of the clock and two updates of the counters page.
const SLOW_HOUSEKEEPING: Nanos = Nanos::from_millis(100);

/// Times of the loop, from the configuration and the command line.
#[derive(Clone, Copy)]
pub(crate) struct LoopTimes {
    pub(crate) sync_timeout: Nanos,
    pub(crate) stop_timeout: Nanos,
    pub(crate) status: Option<Nanos>,
}

/// How the loop ended.
pub(crate) enum Ending {
    /// Every order is out and the session is closed.
    Orderly,
    /// Something may still be open at the venue.
    Abandoned(String),
    /// Every order is out, but not because anyone asked for it.
    Failed(String),
}

/// Everything the hot thread owns.
pub(crate) struct Host<S: Source> {
    pub(crate) engine: Engine,
    pub(crate) source: S,
    pub(crate) line: OrderLine,
    pub(crate) clock: HostClock,
    pub(crate) watch: LiveWatch,
    pub(crate) batch: Batch,
    pub(crate) idle: Idle,
    pub(crate) signals: Signals,
    pub(crate) times: LoopTimes,
    /// Where reports go while it runs; a thread of its own prints them.
    pub(crate) status: Option<Sender<HostReport>>,
    pub(crate) username: String,
    /// Why the feed can give no more: the reason to stop.
    pub(crate) failure: Option<String>,
    /// Why no connection can help any more.
    pub(crate) session_over: Option<SessionError>,
    pub(crate) timers: Timers,
    /// How far the clock was ahead of the system's when last looked at, ns.
    pub(crate) ahead: Arc<AtomicI64>,
}

/// When what is due next.
pub(crate) struct Timers {
    start: Nanos,
    housekeeping: Nanos,
    slow: Nanos,
    status: Nanos,
    stop_by: Option<Nanos>,
    was_synced: bool,
    logout: bool,
}

impl Timers {
    pub(crate) fn new(start: Nanos) -> Timers {
        Timers {
            start,
            housekeeping: start,
            slow: start,
            status: start,
            stop_by: None,
            was_synced: false,
            logout: false,
        }
    }
}

impl<S: Source> Host<S> {
    /// Runs until it is stopped, or until it cannot go on.
    pub(crate) fn run(&mut self) -> Result<Ending> {
        loop {
            let work = self.turn();
            let now = self.clock.now();
            if now >= self.timers.housekeeping {
                self.timers.housekeeping = now + HOUSEKEEPING;
                if let Some(ending) = self.housekeep(now)? {
                    return Ok(ending);
                }
            }
            self.idle.after(work);
        }
    }

    /// One look at the feed and one at the order session; returns how much there was.
    #[inline]
    fn turn(&mut self) -> usize {
        let Host { engine, source, line, clock, watch, batch, .. } = self;
        let records = source.poll(TURN, |record| {
            if batch.push(record) {
                engine.on_events(batch.take(), clock.now(), line, watch);
            }
        });
        let now = clock.now();
        engine.on_events(batch.take(), now, line, watch);
        let mut broke = None;
        let bytes = line.poll(|bytes| {
            engine.on_bytes(bytes, now).unwrap_or_else(|error| {
                broke = Some(error);
                0
            })
        });
        if let Some(error) = broke {
            self.line_broke(error, now);
        }
        self.engine.requote(now, &mut self.line, &mut Unmeasured);
        records + bytes.unwrap_or(0)
    }

    #[inline(never)]
    fn housekeep(&mut self, now: Nanos) -> Result<Option<Ending>> {
        if self.failure.is_none() {
            self.failure = self.source.failure();
        }
        match self.signals.count() {
            0 if self.failure.is_some() || self.source.is_closed() => self.begin_stop(now),
            0 => {}
            1 => self.begin_stop(now),
            _ => return Ok(Some(Ending::Abandoned("a second signal came".into()))),
        }
        if self.needs_line(now)? {
            self.step_line(now)?;
        }
        if let Err(error) = self.engine.housekeep(now, &mut self.line) {
            self.line_broke(error, now);
        }
        if now >= self.timers.slow {
            self.timers.slow = now + SLOW_HOUSEKEEPING;
            // Relaxed: it stands for itself.
            self.ahead.store(self.clock.steer(), Ordering::Relaxed);
            self.watch.steer();
            self.watch.publish(&self.engine, &self.source);
        }
        self.send_status(now);
        Ok(self.step_stop(now))
    }

    /// The order session starts once the books are right, and is kept up from then on.
    fn needs_line(&mut self, now: Nanos) -> Result<bool> {
        if self.timers.was_synced {
            return Ok(true);
        }
        if let Some(problem) = summary::unbound(&self.engine) {
            bail!(problem);
        }
        if self.engine.is_synced() {
            self.timers.was_synced = true;
            return Ok(true);
        }
        if now.since(self.timers.start) > self.times.sync_timeout && self.timers.stop_by.is_none() {
            bail!(summary::why_not_synced(&self.engine, &self.source));
        }
        Ok(false)
    }

    fn step_line(&mut self, now: Nanos) -> Result<()> {
        let gateway = self.engine.gateway_mut();
        match self.line.step(now) {
            LineEvent::Connected => gateway.on_connected(now),
            LineEvent::Lost => gateway.on_disconnected(now),
            LineEvent::None => {}
        }
        if gateway.wants_reconnect() {
            gateway.on_disconnected(now);
            self.line.redial();
        }
        let refused =
            gateway.refusal().filter(|_| matches!(gateway.session(), Session::Refused(_)));
        if let Some(why) = self.session_over.or(refused) {
            bail!("the order session of {} cannot go on: {why}", self.username);
        }
        let waited = now.since(self.timers.start) > self.times.sync_timeout;
        if waited && self.engine.phase() == Phase::Starting && self.timers.stop_by.is_none() {
            bail!("the order session is not up: {}", self.line.trouble());
        }
        Ok(())
    }

    /// The session cannot go on on this connection. After a silence the next one replays what was
    /// missed; of the other errors none goes away by itself.
    #[cold]
    fn line_broke(&mut self, error: SessionError, now: Nanos) {
        if error != SessionError::ServerSilent {
            self.session_over = Some(error);
        }
        self.line.hang_up(now);
        self.engine.gateway_mut().on_disconnected(now);
    }

    fn begin_stop(&mut self, now: Nanos) {
        if self.timers.stop_by.is_none() {
            self.timers.stop_by = Some(now + self.times.stop_timeout);
            self.engine.begin_stop();
        }
    }

    /// Cancels are under way: is everything out, and the session closed?
    fn step_stop(&mut self, now: Nanos) -> Option<Ending> {
        let stop_by = self.timers.stop_by?;
        let session = self.engine.gateway().session();
        // A venue answers a logout by closing the connection, or by ending the session.
        let logged_out = self.timers.logout && session == Session::Down;
        if !self.timers.was_synced || logged_out || session == Session::Ended {
            return Some(self.orderly());
        }
        if session == Session::Ready && self.engine.is_flat_of_orders() {
            self.engine.gateway_mut().begin_logout();
            self.timers.logout = true;
        }
        if now < stop_by {
            return None;
        }
        if self.engine.is_flat_of_orders() && session != Session::Recovering {
            return Some(self.orderly());
        }
        let why = "the venue did not confirm every cancel in time";
        Some(Ending::Abandoned(self.failure.take().unwrap_or_else(|| why.into())))
    }

    /// Nothing is open any more.
    fn orderly(&mut self) -> Ending {
        self.failure.take().map_or(Ending::Orderly, Ending::Failed)
    }

    fn send_status(&mut self, now: Nanos) {
        let (Some(every), Some(status)) = (self.times.status, &self.status) else { return };
        if now < self.timers.status {
            return;
        }
        self.timers.status = now + every;
        // Nobody reads any more: the parent is gone, and standard input says so too.
        let _ = status.send(self.report(now, false));
    }

    /// What the host has to say of itself.
    pub(crate) fn report(&self, now: Nanos, closing: bool) -> HostReport {
        let mut report = summary::of_engine(&self.engine);
        report.closing = closing;
        report.elapsed_s = now.since(self.timers.start).0 as f64 / 1e9;
        self.source.report(&mut report.counters);
        self.line.report(&mut report.counters);
        report.latency_ns = self.watch.percentiles();
        report
    }
}

/// The phase as reports name it.
pub(crate) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Starting => "starting",
        Phase::Trading => "trading",
        Phase::Stopping => "stopping",
    }
}

/// The session as reports name it.
pub(crate) fn session_name(session: Session) -> &'static str {
    match session {
        Session::Down => "down",
        Session::LoggingIn => "logging in",
        Session::Recovering => "recovering",
        Session::Ready => "ready",
        Session::LoggingOut => "logging out",
        Session::Ended => "ended",
        Session::Refused(_) => "refused",
    }
}
