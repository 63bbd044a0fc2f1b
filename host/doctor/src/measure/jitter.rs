//! How much a core is interrupted: a loop that only reads the counter, and the gaps between its
//! readings.
//!
//! Nearly every gap is the loop itself, some 10 ns; one above a microsecond is time that somebody
//! else had: the timer, an interrupt, another thread, the hypervisor, firmware.

use super::{Times, histogram};
use crate::finding::{Outcome, Remedy};
use crate::sys;
use serde::Serialize;
use std::time::{Duration, Instant};

pub(super) const WHY: &str = "The longest gap of a loop that does nothing is a bound that no \
    program on this core keeps within: a packet that comes then waits as long. An isolated core \
    of a tuned server stays below 10 us; a shared one has its time slices, milliseconds.";

/// A gap is an interruption from here on, nanoseconds.
const INTERRUPTED_NS: f64 = 1_000.0;

/// Longest gap of a core that is left alone.
const GOOD_NS: f64 = 20_000.0;

/// Gaps from here on are those of a core that others run on.
const WRONG_NS: f64 = 100_000.0;

/// How much one core was interrupted.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Jitter {
    /// The core.
    pub core: usize,
    /// How long it was watched.
    pub seconds: f64,
    /// All gaps, those of the bare loop too.
    pub gaps: Times,
    /// Gaps above 1 us.
    pub interruptions: u64,
    /// The share of time that was in gaps above 1 us.
    pub lost: f64,
    /// How often another thread of this machine took the core; null where it is not told.
    pub preempted: Option<u64>,
}

pub(super) fn on(core: usize, span: Duration) -> Result<Jitter, String> {
    sys::pin(core).map_err(|error| format!("cannot pin a thread to core {core}: {error}"))?;
    let mut gaps = histogram();
    let switches = switches();
    let started = Instant::now();
    let first = sys::counter();
    let mut last = first;
    // Every gap holds its turn's recording, and one in 1,024 a look at the time: the rate of the
    // counter is only known at the end. No time is left out.
    while started.elapsed() < span {
        for _ in 0..1024 {
            let now = sys::counter();
            // A counter that steps back counts as no gap.
            gaps.saturating_record(now.saturating_sub(last));
            last = now;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let ticks_per_ns = (sys::counter().saturating_sub(first) as f64 / (seconds * 1e9)).max(1e-9);
    let preempted = switches.zip(self::switches()).map(|(from, to)| to.saturating_sub(from));
    Ok(Jitter { preempted, ..of(core, seconds, &gaps, ticks_per_ns) })
}

/// How often this thread had to give its core to another one so far.
fn switches() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/thread-self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"));
    line?.trim().parse().ok()
}

fn of(core: usize, seconds: f64, gaps: &hdrhistogram::Histogram<u64>, ticks_per_ns: f64) -> Jitter {
    let ns = |ticks: u64| ticks as f64 / ticks_per_ns;
    let long = gaps.iter_recorded().map(|step| (ns(step.value_iterated_to()), step));
    let (mut interruptions, mut lost_ns) = (0, 0.0);
    for (gap, step) in long.filter(|(gap, _)| *gap > INTERRUPTED_NS) {
        interruptions += step.count_since_last_iteration();
        lost_ns += gap * step.count_since_last_iteration() as f64;
    }
    Jitter {
        core,
        seconds,
        gaps: Times::of(gaps, ticks_per_ns),
        interruptions,
        lost: (lost_ns / (seconds * 1e9)).min(1.0),
        preempted: None,
    }
}

impl Jitter {
    pub(super) fn judge(&self, is_isolated: bool, is_virtual: bool) -> Outcome {
        let preempted = match self.preempted {
            None => String::new(),
            Some(0) => "; no other thread of this machine ran there".into(),
            Some(times) => format!("; other threads of this machine ran there {times} times"),
        };
        let found = format!(
            "longest gap {:.1} us in {:.1} s; {} above 1 us, {:.3} % of the time{preempted}",
            self.gaps.max_ns / 1e3,
            self.seconds,
            self.interruptions,
            self.lost * 100.0
        );
        let mut outcome = match self.gaps.max_ns {
            max if max <= GOOD_NS => Outcome::good(found),
            max => Outcome::bad(max > WRONG_NS, found),
        };
        if self.gaps.max_ns > GOOD_NS {
            if !is_isolated {
                let advice = "isolate the core and keep interrupts off it first (above)";
                outcome = outcome.fix(Remedy::advice(advice));
            }
            outcome = outcome.fix(match is_virtual {
                true => Remedy::host("a core of its own for each virtual processor"),
                false => Remedy::advice(
                    "what remains on an isolated core is the firmware's: look for SMI, power \
                     management and patrol scrubbing in its setup",
                ),
            });
        }
        outcome.of(format!("core {}", self.core))
    }
}
