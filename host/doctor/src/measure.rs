//! What no file says: how much a core is interrupted, how far two cores are apart, what reading
//! the time costs.
//!
//! The figures are of this machine now, with whatever else runs on it: the load is in the report
//! beside them.

mod clock;
mod hop;
mod jitter;

pub use clock::Clock;
pub use hop::Hop;
pub use jitter::Jitter;

use crate::check::Area;
use crate::finding::{Finding, Outcome};
use crate::machine::Machine;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::time::{Duration, Instant};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Cores whose jitter is measured, one after the other.
    pub cores: Vec<usize>,
    /// Two cores between which a line is handed over; none where there is one core only.
    pub pair: Option<(usize, usize)>,
    /// How long each core's jitter is watched.
    pub span: Duration,
}

impl Plan {
    /// The hot cores, and the first of them with another one.
    pub fn of(machine: &Machine<'_>, span: Duration) -> Plan {
        let cores: Vec<usize> = machine.hot.iter().collect();
        let online = machine.online.clone().unwrap_or_default();
        let other = |first: usize| {
            // Another hot core, else any that this process may use.
            let allowed = machine.allowed_cores();
            let mut all = cores.iter().copied().chain(allowed.iter()).chain(online.iter());
            all.find(|core| *core != first)
        };
        let pair = cores.first().and_then(|first| Some((*first, other(*first)?)));
        Plan { cores, pair, span }
    }

    /// How long it takes.
    pub fn total(&self) -> Duration {
        let jitter = self.span * u32::try_from(self.cores.len()).unwrap_or(u32::MAX);
        let hop = if self.pair.is_some() { hop::SPAN } else { Duration::ZERO };
        jitter + hop + clock::SPAN
    }
}

/// Percentiles, nanoseconds.
#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize)]
pub struct Times {
    /// Measurements.
    pub count: u64,
    /// Half are at most this.
    pub p50_ns: f64,
    /// 99 % are.
    pub p99_ns: f64,
    /// 99.9 % are.
    pub p999_ns: f64,
    /// The largest.
    pub max_ns: f64,
}

/// All that was measured.
#[derive(Clone, Default, Debug, Serialize)]
pub struct Measurements {
    /// One a core.
    pub jitter: Vec<Jitter>,
    /// Between two cores.
    pub hop: Option<Hop>,
    /// Reading the time.
    pub clock: Option<Clock>,
    /// What could not be measured.
    pub failed: Vec<Failed>,
}

/// A measurement that could not be made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Failed {
    /// The name of its finding.
    #[serde(skip)]
    check: &'static str,
    /// Of what.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// Measures; `progress` is told some ten times a second what is under way and how much of all is
/// done, 0 to 1.
pub fn measure(plan: &Plan, progress: &mut dyn FnMut(&str, f64)) -> Measurements {
    let total = plan.total();
    let mut before = Duration::ZERO;
    let mut part = |what: &str, span: Duration, end: &dyn Fn() -> bool| {
        let started = Instant::now();
        while !end() {
            let done = before + started.elapsed().min(span);
            progress(what, (done.as_secs_f64() / total.as_secs_f64().max(1e-9)).min(1.0));
            std::thread::sleep(Duration::from_millis(50));
        }
        before += span;
    };
    let mut all = Measurements::default();
    for core in &plan.cores {
        let (core, span) = (*core, plan.span);
        let what = format!("jitter of core {core}");
        let one = on_thread(&what, span, &mut part, move || jitter::on(core, span));
        let one = all.or_failed("jitter", &what, one);
        all.jitter.extend(one);
    }
    if let Some((from, to)) = plan.pair {
        let what = format!("hop from core {from} to core {to}");
        let hop = on_thread(&what, hop::SPAN, &mut part, move || hop::between(from, to));
        all.hop = all.or_failed("core-hop", &what, hop);
    }
    let core = plan.cores.first().copied();
    let clock = on_thread("the clock", clock::SPAN, &mut part, move || clock::on(core));
    all.clock = all.or_failed("timer-cost", "the clock", clock);
    all
}

type Part<'a> = dyn FnMut(&str, Duration, &dyn Fn() -> bool) + 'a;

/// Runs a measurement on a thread of its own, so that the caller is not pinned.
fn on_thread<T: Send + 'static>(
    what: &str,
    span: Duration,
    part: &mut Part<'_>,
    run: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let thread = std::thread::Builder::new().spawn(run).map_err(|error| error.to_string())?;
    part(what, span, &|| thread.is_finished());
    thread.join().map_err(|_| "the thread panicked".to_string())?
}

/// Values of up to a day, to three digits.
fn histogram() -> Histogram<u64> {
    // The bounds are constants that the crate accepts.
    Histogram::new_with_bounds(1, 1 << 48, 3).expect("bounds are valid")
}

impl Times {
    /// Of a histogram of ticks.
    fn of(histogram: &Histogram<u64>, ticks_per_ns: f64) -> Times {
        let ns = |ticks: u64| ticks as f64 / ticks_per_ns;
        Times {
            count: histogram.len(),
            p50_ns: ns(histogram.value_at_quantile(0.5)),
            p99_ns: ns(histogram.value_at_quantile(0.99)),
            p999_ns: ns(histogram.value_at_quantile(0.999)),
            max_ns: ns(histogram.max()),
        }
    }
}

impl Measurements {
    /// The value, or its failure among the others.
    fn or_failed<T>(
        &mut self,
        check: &'static str,
        what: &str,
        result: Result<T, String>,
    ) -> Option<T> {
        result.map_err(|reason| self.failed.push(Failed { check, what: what.into(), reason })).ok()
    }

    /// A row of a table each.
    pub(crate) fn rows(&self) -> Vec<(String, Times)> {
        let mut rows = Vec::new();
        for jitter in &self.jitter {
            rows.push((
                format!("gap on core {}, {:.1} s", jitter.core, jitter.seconds),
                jitter.gaps,
            ));
        }
        if let Some(hop) = &self.hop {
            rows.push((format!("hop core {} to core {}, one way", hop.from, hop.to), hop.one_way));
        }
        if let Some(clock) = &self.clock {
            rows.push(("clock_gettime".into(), clock.clock_gettime));
            rows.push((clock.counter.into(), clock.counter_read));
        }
        rows
    }

    /// What the figures come to.
    pub(crate) fn findings(&self, machine: &Machine<'_>) -> Vec<Finding> {
        let mut found: Vec<(&'static str, Outcome)> = Vec::new();
        for jitter in &self.jitter {
            let isolated = machine.isolated.as_ref().is_ok_and(|cores| cores.has(jitter.core));
            found.push(("jitter", jitter.judge(isolated, machine.is_virtual())));
        }
        found.extend(self.hop.iter().map(|hop| ("core-hop", hop.judge())));
        found.extend(self.clock.iter().map(|clock| ("timer-cost", clock.judge())));
        found.extend(self.failed.iter().map(|failed| {
            (failed.check, Outcome::cannot_tell(format!("{}: {}", failed.what, failed.reason)))
        }));
        let finding = |(check, outcome): (&'static str, Outcome)| Finding {
            check,
            area: Area::Measured,
            subject: outcome.subject,
            verdict: outcome.verdict,
            found: outcome.found,
            why: match check {
                "jitter" => jitter::WHY,
                "core-hop" => hop::WHY,
                _ => clock::WHY,
            },
            remedies: outcome.remedies,
        };
        found.into_iter().map(finding).collect()
    }
}
