//! Stamps of the processor's time stamp counter, their rate and what they cost.
//!
//! An interval is `Ticks::begin()` ... `Ticks::end()`. `begin` is `lfence; rdtsc; lfence`: what is
//! before it has finished and nothing after it has started when the counter is read. `end` is
//! `rdtscp; lfence`: what is before it has finished, and nothing after it moves up (Intel, "How to
//! Benchmark Code Execution Times", 2010, with fences in place of `cpuid`, which a hypervisor
//! traps). The fences keep the processor from working across the boundary of an interval, so a
//! chain of stamped stages adds up to more than the same chain without stamps: both are measured.
//!
//! The counter must run at one rate on all cores (`constant_tsc`, `nonstop_tsc`; both are in the
//! machine's description). Where there is no such counter, a tick is a nanosecond of `Instant`.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A reading of the counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Ticks(pub u64);

/// The counter's rate, and what a pair of stamps costs.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Calibration {
    /// Ticks of one nanosecond.
    pub ticks_per_ns: f64,
    /// An interval with nothing in it, nanoseconds: it is in every interval and never taken off.
    pub stamp_p50_ns: f64,
    /// Likewise; beyond it an interruption is more likely than a slow stamp.
    pub stamp_p99_ns: f64,
}

/// Against CLOCK_MONOTONIC; two readings a fifth of a second apart, each known to some 50 ns, give
/// the rate to a part in a million.
const SPAN: Duration = Duration::from_millis(200);

/// Empty intervals measured.
const EMPTY: usize = 100_000;

static CALIBRATION: OnceLock<Calibration> = OnceLock::new();

impl Ticks {
    /// The start of an interval.
    #[inline(always)]
    pub fn begin() -> Ticks {
        Ticks(counter::begin())
    }

    /// The end of an interval.
    #[inline(always)]
    pub fn end() -> Ticks {
        Ticks(counter::end())
    }

    /// A reading without any fence: for schedules and spinning, not for intervals.
    #[inline(always)]
    pub fn now() -> Ticks {
        Ticks(counter::now())
    }

    /// Ticks since `earlier`; zero if it is later.
    #[inline(always)]
    pub fn since(self, earlier: Ticks) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Nanoseconds since `earlier`; zero if it is later.
    #[inline]
    pub fn ns_since(self, earlier: Ticks) -> f64 {
        ns(self.since(earlier))
    }
}

/// A number of ticks in nanoseconds.
#[inline]
pub fn ns(ticks: u64) -> f64 {
    ticks as f64 / calibration().ticks_per_ns
}

/// Nanoseconds as ticks.
#[inline]
pub fn ticks(ns: f64) -> u64 {
    (ns * calibration().ticks_per_ns) as u64
}

/// The counter's rate and its cost. The first call of a process takes 0.2 s; make it before what
/// is measured.
pub fn calibration() -> Calibration {
    *CALIBRATION.get_or_init(calibrate)
}

/// The name of the counter.
pub const fn source() -> &'static str {
    counter::SOURCE
}

fn calibrate() -> Calibration {
    let (from_time, from) = together();
    while from_time.elapsed() < SPAN {
        std::hint::spin_loop();
    }
    let (to_time, to) = together();
    let ticks_per_ns = (to - from) as f64 / (to_time - from_time).as_nanos() as f64;
    let mut empty: Vec<u64> = (0..EMPTY)
        .map(|_| {
            let begin = Ticks::begin();
            Ticks::end().since(begin)
        })
        .collect();
    empty.sort_unstable();
    Calibration {
        ticks_per_ns,
        stamp_p50_ns: empty[EMPTY / 2] as f64 / ticks_per_ns,
        stamp_p99_ns: empty[EMPTY / 100 * 99] as f64 / ticks_per_ns,
    }
}

/// Both clocks at one time: the tightest of a few tries, halfway between the readings around it.
fn together() -> (Instant, u64) {
    let once = || {
        let before = counter::begin();
        let time = Instant::now();
        let after = counter::end();
        (after - before, time, before + (after - before) / 2)
    };
    let (_, time, ticks) = (0..64).map(|_| once()).min_by_key(|(width, ..)| *width).expect("64");
    (time, ticks)
}

#[cfg(target_arch = "x86_64")]
mod counter {
    use std::arch::x86_64::{__rdtscp, _mm_lfence, _rdtsc};

    pub(super) const SOURCE: &str = "tsc";

    #[inline(always)]
    pub(super) fn begin() -> u64 {
        // SAFETY: every x86-64 processor has both instructions, and they touch no memory.
        unsafe {
            _mm_lfence();
            let ticks = _rdtsc();
            _mm_lfence();
            ticks
        }
    }

    #[inline(always)]
    pub(super) fn end() -> u64 {
        let mut core = 0;
        // SAFETY: as above; rdtscp is in every x86-64 processor since 2008 and writes `core` only.
        unsafe {
            let ticks = __rdtscp(&mut core);
            _mm_lfence();
            ticks
        }
    }

    #[inline(always)]
    pub(super) fn now() -> u64 {
        // SAFETY: as above.
        unsafe { _rdtsc() }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod counter {
    use std::sync::OnceLock;
    use std::time::Instant;

    pub(super) const SOURCE: &str = "clock_monotonic";

    static START: OnceLock<Instant> = OnceLock::new();

    pub(super) fn now() -> u64 {
        START.get_or_init(Instant::now).elapsed().as_nanos() as u64
    }

    pub(super) fn begin() -> u64 {
        now()
    }

    pub(super) fn end() -> u64 {
        now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_has_a_length_and_a_stamp_a_cost() {
        let calibration = calibration();
        assert!(calibration.ticks_per_ns > 0.0 && calibration.ticks_per_ns < 100.0);
        assert!(calibration.stamp_p50_ns <= calibration.stamp_p99_ns);
    }

    #[test]
    fn a_sleep_takes_at_least_as_long_as_it_says() {
        let begin = Ticks::begin();
        std::thread::sleep(Duration::from_millis(20));
        // A part in a thousand for the calibration beside other work.
        assert!(Ticks::end().ns_since(begin) > 19_980_000.0);
    }

    #[test]
    fn time_does_not_run_backwards() {
        assert_eq!(Ticks(5).since(Ticks(9)), 0);
        assert_eq!(Ticks(5).ns_since(Ticks(9)), 0.0);
        let there_and_back = ns(ticks(1e6));
        assert!((there_and_back - 1e6).abs() < 10.0, "{there_and_back}");
    }
}
