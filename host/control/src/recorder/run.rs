//! The recorder's thread.

use crate::clock::ClockReader;
use crate::desk::Desk;
use crate::metrics::Metrics;
use crate::recorder::deeds::{DEEDS_MAX, Deed, Recorder, Waiting};
use crate::recorder::{JournalWriter, KIND_CLOCK, KIND_DEED, KIND_START, Start};
use crate::sight::Known;
use crate::view::{Clock, JournalStatus};
use parking_lot::RwLock;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tercel_engine::counters::CountersReader;
use tercel_engine::tape::{Entry, TapeReader};
use tercel_types::Nanos;
use tokio::sync::{mpsc, watch};

/// Entries taken from the tape in one round.
const ENTRIES_MAX: usize = 8_192;
/// Shortest and longest sleep while there is nothing to do.
const SLEEP: [Duration; 2] = [Duration::from_micros(200), Duration::from_millis(1)];
/// Time between two attempts to write a journal that could not be written.
const RETRY: Duration = Duration::from_millis(100);
/// Time between two states that are published.
const PUBLISH: Duration = Duration::from_millis(500);
/// Time between two looks at the clock.
const CLOCK: Duration = Duration::from_secs(10);
/// How long the journal may take to be written in the end.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// What a recorder is made of.
pub struct Parts {
    /// The reading end of the tape.
    pub tape: TapeReader,
    /// Where it is written down, if anywhere; the tape of the run before is recovered already.
    pub journal: Option<JournalWriter>,
    /// The desk.
    pub desk: Desk,
    /// With what the host begins.
    pub start: Start,
    /// The page of counters, if there is one.
    pub counters: Option<Arc<CountersReader>>,
    /// The state of the clock.
    pub clock: ClockReader,
    /// The time, ns since the Unix epoch, by the clock of the stamps.
    pub now: Arc<dyn Fn() -> Nanos + Send + Sync>,
}

/// What the recorder publishes.
#[derive(Clone, Debug)]
pub struct Published {
    /// The newest [`crate::view::State`] as JSON on one line, twice a second.
    pub state: watch::Receiver<Arc<str>>,
    /// Entries that the desk has taken: changes after each round that had any, so that who waits
    /// for something on the tape knows when to look.
    pub entries: watch::Receiver<u64>,
}

/// What a recorder has done.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Summary {
    /// Entries read.
    pub entries: u64,
    /// The journal at the end; `None` without one.
    pub journal: Option<JournalStatus>,
    /// Records that are not in the journal, because it could not be written in the end either. On a
    /// tape in a file the entries among them are still there.
    pub unwritten: u64,
}

/// A running recorder.
pub struct Handle {
    desk: Arc<RwLock<Desk>>,
    published: Published,
    recorder: Recorder,
    metrics: Metrics,
    now: Arc<dyn Fn() -> Nanos + Send + Sync>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Summary>,
}

impl Recorder {
    /// Starts the thread. Fails where the system gives no thread.
    pub fn start(parts: Parts) -> io::Result<Handle> {
        let (recorder, deeds) = Recorder::new();
        let (state, state_seen) = watch::channel(Arc::from("{}"));
        let (entries, entries_seen) = watch::channel(0);
        let (clock_sender, clocks) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let desk = Arc::new(RwLock::new(parts.desk));
        let metrics = Metrics::new(Arc::clone(&desk), parts.counters.clone());
        let clock_stop = Arc::clone(&stop);
        // Apart, because chrony may keep it waiting; its thread ends with its receiver.
        std::thread::Builder::new().name("clock".into()).spawn(move || {
            let mut next = Instant::now();
            // Relaxed would do; pairs with the store in `Handle::stop`.
            while !clock_stop.load(Acquire) {
                if Instant::now() >= next {
                    next += CLOCK;
                    if clock_sender.send(parts.clock.read()).is_err() {
                        return;
                    }
                }
                std::thread::park_timeout(Duration::from_millis(250));
            }
        })?;
        let now = Arc::clone(&parts.now);
        let mut work = Work {
            tape: parts.tape,
            journal: parts.journal,
            desk: Arc::clone(&desk),
            start: Some(parts.start),
            counters: parts.counters,
            now: parts.now,
            deeds,
            clocks,
            state,
            entries,
            retry_at: None,
            publish_at: Instant::now(),
            content: Vec::new(),
            read: 0,
        };
        let stopping = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("recorder".into())
            .spawn(move || work.run(&stopping))?;
        let published = Published { state: state_seen, entries: entries_seen };
        Ok(Handle { desk, published, recorder, metrics, now, stop, thread })
    }
}

impl Handle {
    /// What is known. Look briefly: the recorder waits meanwhile.
    pub fn desk(&self) -> Arc<RwLock<Desk>> {
        Arc::clone(&self.desk)
    }

    /// What is published.
    pub fn published(&self) -> Published {
        self.published.clone()
    }

    /// The way by which deeds are written down.
    pub fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    /// What is known, as the API asks for it.
    pub fn sight(&self) -> Known {
        Known {
            desk: self.desk(),
            metrics: self.metrics(),
            published: self.published(),
            now: Arc::clone(&self.now),
        }
    }

    /// The metrics.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// Ends the thread, once everything that is on the tape now is written down and on the disk, or
    /// five seconds after the journal can no longer be written. The trading thread has stopped
    /// before.
    pub fn stop(self) -> Summary {
        // Pairs with the load in `Work::run`: what was on the tape before is read after it.
        self.stop.store(true, Release);
        self.thread.join().unwrap_or_default()
    }
}

struct Work {
    tape: TapeReader,
    journal: Option<JournalWriter>,
    desk: Arc<RwLock<Desk>>,
    /// Until the clock has been read for the first time.
    start: Option<Start>,
    counters: Option<Arc<CountersReader>>,
    now: Arc<dyn Fn() -> Nanos + Send + Sync>,
    deeds: mpsc::Receiver<Waiting>,
    clocks: Receiver<Clock>,
    state: watch::Sender<Arc<str>>,
    entries: watch::Sender<u64>,
    /// When a journal that could not be written is tried again.
    retry_at: Option<Instant>,
    publish_at: Instant,
    content: Vec<u64>,
    read: u64,
}

impl Work {
    fn run(&mut self, stop: &AtomicBool) -> Summary {
        if let Some(journal) = &mut self.journal {
            journal.begin(self.tape.generation());
        }
        // The start comes first, so it waits for the clock, but not for long.
        match self.clocks.recv_timeout(Duration::from_secs(1)) {
            Ok(clock) => self.clock_is(clock),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                self.clock_is(Clock::default());
            }
        }
        let mut sleep = SLEEP[0];
        let mut give_up_at = None;
        loop {
            // Pairs with the store in `Handle::stop`.
            let is_stopping = stop.load(Acquire);
            let taken = self.read();
            let deeds = self.take_deeds();
            while let Ok(clock) = self.clocks.try_recv() {
                self.clock_is(clock);
            }
            self.write();
            self.publish();
            let is_idle = taken == 0 && deeds == 0;
            let is_written = self.journal.as_ref().is_none_or(JournalWriter::is_empty);
            if is_stopping && is_idle {
                let until = *give_up_at.get_or_insert_with(|| Instant::now() + LAST_WRITES);
                if is_written || Instant::now() >= until {
                    return self.end();
                }
            }
            if is_idle {
                std::thread::sleep(sleep);
                sleep = (sleep * 2).min(SLEEP[1]);
            } else {
                sleep = SLEEP[0];
            }
        }
    }

    /// Tells the desk what is on the tape, and lets it wait for the journal.
    fn read(&mut self) -> usize {
        let mut taken = 0;
        let mut desk = None;
        while taken < ENTRIES_MAX {
            let Some(header) = self.tape.next(&mut self.content) else { break };
            taken += 1;
            let desk = desk.get_or_insert_with(|| self.desk.write());
            match Entry::read(header.kind, &self.content) {
                Some(entry) => desk.apply(header.stamp, &entry),
                None => desk.apply_unknown(header.stamp),
            }
            if let Some(journal) = &mut self.journal {
                journal.entry(&header, &self.content);
            }
        }
        drop(desk);
        if taken > 0 {
            self.read += taken as u64;
            self.entries.send_replace(self.read);
        }
        taken
    }

    fn take_deeds(&mut self) -> usize {
        let mut taken = 0;
        while taken < DEEDS_MAX {
            let Ok(Waiting { json, answer }) = self.deeds.try_recv() else { break };
            taken += 1;
            let now = (self.now)();
            match &mut self.journal {
                Some(journal) => journal.other(KIND_DEED, now, json, Some(answer)),
                // Who asked may have gone.
                None => drop(answer.send(Ok(Deed { sequence: None }))),
            }
        }
        taken
    }

    fn clock_is(&mut self, clock: Clock) {
        if let Some(journal) = &mut self.journal {
            let now = (self.now)();
            if let Some(start) = self.start.take() {
                journal.other(KIND_START, now, start.json(&clock), None);
            }
            if let Ok(json) = serde_json::to_string(&clock) {
                journal.other(KIND_CLOCK, now, json, None);
            }
        }
        self.desk.write().set_clock(clock);
    }

    /// Writes down what waits, and gives the tape's room back once nothing does.
    fn write(&mut self) {
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return;
        }
        self.retry_at = None;
        while let Some(journal) = &mut self.journal {
            if let Err(_kept) = journal.write((self.now)()) {
                // It says so in its status.
                self.retry_at = Some(Instant::now() + RETRY);
                return;
            }
            if journal.is_empty() {
                break;
            }
        }
        self.tape.give_back();
    }

    fn publish(&mut self) {
        if Instant::now() < self.publish_at {
            return;
        }
        self.publish_at = Instant::now() + PUBLISH;
        let journal = self.journal_status();
        let state = {
            let mut desk = self.desk.write();
            desk.set_journal(journal);
            if let Some(counters) = &self.counters {
                desk.read_counters(counters);
            }
            desk.state((self.now)())
        };
        if let Ok(json) = serde_json::to_string(&state) {
            self.state.send_replace(json.into());
        }
    }

    fn journal_status(&self) -> Option<JournalStatus> {
        let (waiting_words, tape_words) = self.tape.occupancy();
        let lost = self.desk.read().counts().lost;
        let status = self.journal.as_ref()?.status();
        Some(JournalStatus { waiting_words, tape_words, lost, ..status })
    }

    fn end(&mut self) -> Summary {
        self.deeds.close();
        while let Ok(Waiting { answer, .. }) = self.deeds.try_recv() {
            let _ = answer.send(Err(crate::recorder::DeedError::Ended));
        }
        if let Some(journal) = &mut self.journal {
            // What went wrong is in the status, which the summary has.
            let _ = journal.sync((self.now)());
        }
        self.publish_at = Instant::now();
        self.publish();
        let unwritten = self.journal.as_ref().map_or(0, JournalWriter::waiting);
        Summary { entries: self.read, journal: self.journal_status(), unwritten }
    }
}
