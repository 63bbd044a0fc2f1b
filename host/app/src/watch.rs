//! Measures the stages of each tick into the counters page.

use crate::report::Percentiles;
use crate::source::Source;
use crate::summary;
use std::collections::BTreeMap;
use std::path::Path;
use tercel_engine::counters::{CountersError, CountersPage, CountersReader};
use tercel_engine::{Engine, Stage, Stopwatch};
use tercel_net::clock::HostClock;
use tercel_types::{Clock, Nanos};

/// A stopwatch over the host's clock. One reading costs what the processor's counter costs, about
/// 20 ns; the counters page holds a histogram for each stage.
pub(crate) struct LiveWatch {
    clock: HostClock,
    page: CountersPage,
    names: Vec<String>,
    received: Nanos,
    last: Nanos,
    lap: Nanos,
}

impl LiveWatch {
    /// The page is made at `path`, or for this process only.
    pub(crate) fn new(
        clock: HostClock,
        path: Option<&Path>,
        engine: &Engine,
        source: &impl Source,
    ) -> Result<LiveWatch, CountersError> {
        let names: Vec<String> = all_counters(engine, source).into_keys().collect();
        let counters: Vec<&str> = names.iter().map(String::as_str).collect();
        let stages = Stage::ALL.map(Stage::name);
        let page = match path {
            Some(path) => CountersPage::create(path, &counters, &stages)?,
            None => CountersPage::anonymous(&counters, &stages)?,
        };
        Ok(LiveWatch { clock, page, names, received: Nanos(0), last: Nanos(0), lap: Nanos(0) })
    }

    /// The page, for other threads.
    pub(crate) fn reader(&self) -> CountersReader {
        self.page.reader()
    }

    /// Keeps the clock true.
    pub(crate) fn steer(&mut self) {
        self.clock.steer();
    }

    /// Brings the page up to date.
    pub(crate) fn publish(&mut self, engine: &Engine, source: &impl Source) {
        let values = all_counters(engine, source);
        for (at, name) in self.names.iter().enumerate() {
            self.page.set(at, values.get(name).copied().unwrap_or(0));
        }
    }

    /// The stages so far.
    pub(crate) fn percentiles(&self) -> BTreeMap<String, Percentiles> {
        let reader = self.page.reader();
        let stages = reader.histograms();
        stages.map(|(name, latency)| (name.to_string(), latency.into())).collect()
    }

    fn record(&mut self, stage: Stage, from: Nanos, to: Nanos) {
        self.page.record(stage as usize, to.since(from).0);
    }
}

impl Stopwatch for LiveWatch {
    #[inline]
    fn begin(&mut self, received: Nanos) {
        let now = self.clock.now();
        self.received = received;
        self.last = now;
        self.record(Stage::Feed, received, now);
    }

    #[inline]
    fn lap(&mut self, stage: Stage) {
        let now = self.clock.now();
        self.record(stage, self.last, now);
        self.lap = now.since(self.last);
        self.last = now;
    }

    #[inline]
    fn sent(&mut self) {
        self.record(Stage::TickToTrade, self.received, self.last);
    }

    #[inline]
    fn last_lap(&self) -> Nanos {
        self.lap
    }
}

fn all_counters(engine: &Engine, source: &impl Source) -> BTreeMap<String, u64> {
    let mut counters = summary::counters(engine);
    source.report(&mut counters);
    for (name, value) in summary::all_rejects(engine) {
        counters.insert(format!("reject_{name}"), value);
    }
    counters
}
