//! A host on recorded time: the engine over a recording or a ring, with paper fills.
//!
//! Time is that of the records, so two runs over the same records give the same orders byte for
//! byte, wherever the records come from.

use crate::paper::PaperPort;
use crate::report::HostReport;
use crate::source::Source;
use crate::summary;
use anyhow::{Result, bail};
use std::time::Duration;
use tercel_abi::{EventRecord, Kind};
use tercel_engine::{Engine, Unmeasured};
use tercel_gateway::SessionError;
use tercel_types::{Nanos, StreamPort};

/// Recorded time between two housekeepings.
const HOUSEKEEPING: Nanos = Nanos::from_millis(1);
/// Records taken at once.
const BATCH: usize = 256;

/// The engine, the paper venue, and the recorded time.
pub(crate) struct Replay {
    engine: Engine,
    port: PaperPort,
    /// Time of the first record.
    start: Nanos,
    now: Nanos,
    housekeeping: Nanos,
    connected: bool,
    error: Option<SessionError>,
}

impl Replay {
    pub(crate) fn new(engine: Engine, port: PaperPort) -> Replay {
        Replay {
            engine,
            port,
            start: Nanos(0),
            now: Nanos(0),
            housekeeping: Nanos(0),
            connected: false,
            error: None,
        }
    }

    /// Runs the source to its end, or until `stopped` says so, and takes every order out.
    pub(crate) fn run(
        &mut self,
        source: &mut impl Source,
        stopped: impl Fn() -> bool,
    ) -> Result<HostReport> {
        while !source.is_closed() && !stopped() {
            if source.poll(BATCH, |record| self.on_record(record)) == 0 {
                std::thread::sleep(Duration::from_micros(50));
            }
            if let Some(failure) = source.failure().or_else(|| summary::unbound(&self.engine)) {
                bail!(failure);
            }
            if let Some(error) = self.error {
                bail!("the order session broke: {error}");
            }
        }
        if !self.connected && !stopped() {
            bail!(summary::why_not_synced(&self.engine, source));
        }
        self.finish();
        let mut report = summary::of_engine(&self.engine);
        source.report(&mut report.counters);
        report.closing = true;
        report.elapsed_s = self.now.since(self.start).0 as f64 / 1e9;
        if let Some(complaint) = self.port.complaint() {
            bail!(complaint);
        }
        Ok(report)
    }

    fn on_record(&mut self, record: &EventRecord) {
        // An end of session says nothing of a book, and would only take the quotes out before the
        // end does.
        if record.kind == Kind::SessionEnd as u8 {
            return;
        }
        self.move_time(record.exchange_time());
        let now = self.now;
        self.engine.on_event(record, now, &mut self.port, &mut Unmeasured);
        self.answer();
        let Replay { engine, port, .. } = self;
        let find = |symbol| engine.instruments().find(|one| one.0 == symbol).map(|one| one.1);
        port.on_market(now, engine.books(), find);
        self.answer();
        self.engine.requote(now, &mut self.port, &mut Unmeasured);
        self.answer();
    }

    /// Time never goes back, and housekeeping happens at its own times, whatever the records'
    /// spacing.
    fn move_time(&mut self, to: Nanos) {
        if self.now == Nanos(0) {
            self.start = to;
            self.housekeeping = to;
        }
        // After a pause in the recording one housekeeping stands for all that it skipped.
        if to >= self.housekeeping {
            self.now = self.now.max(to);
            self.housekeep();
            self.housekeeping = self.now + HOUSEKEEPING;
        }
        self.now = self.now.max(to);
    }

    fn housekeep(&mut self) {
        let now = self.now;
        if !self.connected && self.engine.is_synced() {
            self.connected = true;
            self.engine.gateway_mut().on_connected(now);
        }
        if self.engine.gateway().wants_reconnect() {
            self.engine.gateway_mut().on_disconnected(now);
            self.engine.gateway_mut().on_connected(now);
        }
        // Recorded time may have jumped, and the session must not take that for silence.
        self.port.beat();
        self.answer();
        self.error = self.engine.housekeep(now, &mut self.port).err().or(self.error);
        self.answer();
    }

    /// Lets the engine hear what the paper venue has answered.
    fn answer(&mut self) {
        let Replay { engine, port, now, .. } = self;
        let _ = port.poll(|bytes| engine.on_bytes(bytes, *now).unwrap_or(bytes.len()));
    }

    fn finish(&mut self) {
        self.engine.begin_stop();
        for _ in 0..3 {
            self.now = self.now + HOUSEKEEPING;
            self.housekeep();
        }
    }
}
