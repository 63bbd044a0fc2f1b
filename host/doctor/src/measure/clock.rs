//! What reading the time costs, and how fine the clock is.

use super::{Times, histogram};
use crate::finding::{Outcome, Remedy};
use crate::sys;
use serde::Serialize;
use std::hint::black_box;
use std::time::{Duration, Instant};

pub(super) const WHY: &str = "The host reads the clock for every packet. In the process (vDSO) \
    that takes 20 to 40 ns; as a system call, 100 ns and more, and 1 us from a clock on a bus.";

/// How long it takes, roughly.
pub(super) const SPAN: Duration = Duration::from_millis(50);

/// Readings that are timed together: one alone takes about as long as timing it.
const TOGETHER: u64 = 32;

const ROUNDS: usize = 20_000;

/// A reading in the process is within.
const GOOD_NS: f64 = 80.0;

/// A system call takes longer, whatever the processor.
const WRONG_NS: f64 = 250.0;

/// Reading the time.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Clock {
    /// One call of clock_gettime(CLOCK_MONOTONIC); each figure is a mean of 32.
    pub clock_gettime: Times,
    /// What the counter is: `rdtsc`, or `clock_gettime` where there is none.
    pub counter: &'static str,
    /// One reading of it, likewise.
    pub counter_read: Times,
    /// What clock_getres says, nanoseconds.
    pub resolution_ns: u64,
    /// The smallest step seen between two readings of the clock, nanoseconds.
    pub step_ns: u64,
}

pub(super) fn on(core: Option<usize>) -> Result<Clock, String> {
    if let Some(core) = core {
        sys::pin(core).map_err(|error| format!("cannot pin a thread to core {core}: {error}"))?;
    }
    let started = Instant::now();
    let first = sys::counter();
    let (mut calls, mut reads) = (histogram(), histogram());
    let mut step_ns = u64::MAX;
    for _ in 0..ROUNDS {
        let begin = sys::counter();
        for _ in 0..TOGETHER {
            black_box(sys::monotonic());
        }
        let middle = sys::counter();
        for _ in 0..TOGETHER {
            black_box(sys::counter());
        }
        calls.saturating_record(middle.saturating_sub(begin));
        reads.saturating_record(sys::counter().saturating_sub(middle));
        let before = sys::monotonic();
        let mut after = before;
        // A coarse clock stands still over many readings.
        for _ in 0..1_000 {
            after = sys::monotonic();
            if after != before {
                break;
            }
        }
        if after > before {
            step_ns = step_ns.min(after - before);
        }
    }
    let ticks = sys::counter().saturating_sub(first) as f64;
    let ticks_per_ns = (ticks / started.elapsed().as_nanos() as f64).max(1e-9);
    let one = ticks_per_ns * TOGETHER as f64;
    Ok(Clock {
        clock_gettime: Times::of(&calls, one),
        counter: sys::COUNTER,
        counter_read: Times::of(&reads, one),
        resolution_ns: sys::monotonic_resolution(),
        step_ns,
    })
}

impl Clock {
    pub(super) fn judge(&self) -> Outcome {
        let ns = self.clock_gettime.p50_ns;
        let found = format!(
            "clock_gettime {ns:.0} ns, {} {:.0} ns; the clock's resolution is {} ns, its smallest \
             step seen {} ns",
            self.counter, self.counter_read.p50_ns, self.resolution_ns, self.step_ns
        );
        match ns {
            ns if ns <= GOOD_NS => Outcome::good(found),
            ns => Outcome::bad(ns > WRONG_NS, found)
                .fix(Remedy::advice("see clocksource: only tsc is read without a system call")),
        }
    }
}
