//! The host's clock: nanoseconds since the Unix epoch, read from the processor's counter.
//!
//! Reading takes 12 ns (the system's own 29 ns) and no system call. Its rate is calibrated once and
//! is then a few parts in a million off, a second a day or so, and CLOCK_REALTIME itself is steered
//! by NTP or PTP meanwhile. [`HostClock::steer`], called by housekeeping every second or so, makes
//! up for both by running a little faster or slower, never by stepping: time never goes back.

use quanta::Clock as Counter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tercel_types::{Clock, Nanos};

/// Fastest correction, as a part of 2^32: 500 parts in a million, as adjtime(3) has it.
const RATE_MAX: i64 = (1 << 32) / 2_000;

/// Time over which [`HostClock::steer`] aims to remove what it measured, nanoseconds.
const STEER_SPAN: i64 = 2_000_000_000;

/// Time over which it learns what is wanted all the time: four times as long damps critically.
const LEARN_SPAN: i64 = 4 * STEER_SPAN;

fn clamp(rate: i128) -> i64 {
    rate.clamp(-i128::from(RATE_MAX), i128::from(RATE_MAX)) as i64
}

/// CLOCK_REALTIME, read through the processor's counter.
#[derive(Clone, Debug)]
pub struct HostClock {
    counter: Counter,
    /// The counter when `anchor_time` was true.
    anchor: u64,
    anchor_time: u64,
    /// Nanoseconds to add for 2^32 of the counter's own.
    rate: i64,
    /// The part of it that has been found to be wanted all the time: what calibration missed.
    drift: i64,
}

impl HostClock {
    /// Calibrates the counter, which takes up to 200 ms the first time in a process.
    pub fn new() -> HostClock {
        let counter = Counter::new();
        let anchor = counter.raw();
        HostClock { counter, anchor, anchor_time: realtime(), rate: 0, drift: 0 }
    }

    /// Nanoseconds by which this clock is ahead of CLOCK_REALTIME.
    pub fn ahead(&self) -> i64 {
        self.now().0.wrapping_sub(realtime()) as i64
    }

    /// Measures against CLOCK_REALTIME and sets the rate that removes the difference in the next
    /// seconds; returns the nanoseconds by which this clock was ahead. Costs three system clock
    /// reads.
    ///
    /// The rate has a part for the difference and one that remembers what was wanted before, so
    /// that a counter which calibration has a few parts in a million wrong does not stay behind by
    /// as many microseconds: a controller of the second order, critically damped.
    pub fn steer(&mut self) -> i64 {
        let (raw, real) = self.compare();
        let own = self.counter.delta_as_nanos(self.anchor, raw);
        let now = self.at(raw);
        let ahead = now.wrapping_sub(real) as i64;
        let wanted = i128::from(ahead) * -(1_i128 << 32) / i128::from(STEER_SPAN);
        let learnt = wanted * i128::from(own.min(STEER_SPAN as u64)) / i128::from(LEARN_SPAN);
        self.drift = clamp(i128::from(self.drift) + learnt);
        self.rate = clamp(i128::from(self.drift) + wanted);
        self.anchor = raw;
        self.anchor_time = now;
        ahead
    }

    /// The counter and CLOCK_REALTIME at one moment: of three readings the one that was interrupted
    /// least.
    fn compare(&self) -> (u64, u64) {
        let read = |_| {
            let before = self.counter.raw();
            let real = realtime();
            let took = self.counter.raw().saturating_sub(before);
            (took, before + took / 2, real)
        };
        let best = (0..3).map(read).min_by_key(|(took, ..)| *took);
        best.map_or((self.anchor, self.anchor_time), |(_, raw, real)| (raw, real))
    }

    #[inline]
    fn at(&self, raw: u64) -> u64 {
        let own = self.counter.delta_as_nanos(self.anchor, raw);
        // Split so that the product stays within 64 bits for 200 days; loses 2 ns at most.
        let correction = ((own >> 12) as i64).saturating_mul(self.rate) >> 20;
        self.anchor_time.wrapping_add(own).wrapping_add_signed(correction)
    }
}

impl Default for HostClock {
    fn default() -> HostClock {
        HostClock::new()
    }
}

impl Clock for HostClock {
    #[inline]
    fn now(&self) -> Nanos {
        Nanos(self.at(self.counter.raw()))
    }
}

/// A clock that stands where it was put: replay sets it to the recorded time. Clones share it.
#[derive(Clone, Default, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Nanos) -> ManualClock {
        ManualClock(Arc::new(AtomicU64::new(now.0)))
    }

    /// Shows `now` from here on.
    #[inline]
    pub fn set(&self, now: Nanos) {
        // Relaxed: the time is all there is to see, nothing else is published with it.
        self.0.store(now.0, Ordering::Relaxed);
    }

    /// Moves on by `span`.
    pub fn advance(&self, span: Nanos) {
        // Relaxed: as in `set`.
        self.0.fetch_add(span.0, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    #[inline]
    fn now(&self) -> Nanos {
        // Relaxed: as in `set`.
        Nanos(self.0.load(Ordering::Relaxed))
    }
}

/// CLOCK_REALTIME in nanoseconds since the Unix epoch; zero before it.
pub(crate) fn realtime() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_clock_is_the_realtime_clock_and_never_goes_back() {
        let mut clock = HostClock::new();
        let mut last = clock.now();
        for round in 0..2_000 {
            if round % 100 == 0 {
                clock.steer();
            }
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
        // A minute: the point is the epoch and the unit, not how precise a busy machine is.
        assert!(clock.ahead().abs() < 60_000_000_000);
    }

    #[test]
    fn steering_is_bounded_and_points_the_right_way() {
        let mut clock = HostClock::new();
        clock.anchor_time += 3_000_000_000;
        assert!(clock.steer() > 2_000_000_000);
        assert_eq!(clock.rate, -RATE_MAX);
        clock.anchor_time -= 6_000_000_000;
        assert!(clock.steer() < -2_000_000_000);
        assert_eq!(clock.rate, RATE_MAX);
    }

    /// The controller against a counter that runs 40 parts in a million slow: the difference goes
    /// to nothing, where without what it has learnt it would stay at 80 µs.
    #[test]
    fn a_rate_that_was_calibrated_wrong_is_learnt() {
        let (mut ahead, mut drift, mut rate, step) = (0.0_f64, 0.0_f64, 0.0_f64, 1e8);
        for _ in 0..600 {
            ahead += (rate - 40e-6) * step;
            let wanted = -ahead / STEER_SPAN as f64;
            drift += wanted * step / LEARN_SPAN as f64;
            rate = drift + wanted;
        }
        assert!(ahead.abs() < 100.0, "{ahead} ns");
    }

    #[test]
    fn a_manual_clock_shows_what_it_is_told() {
        let clock = ManualClock::new(Nanos(5));
        let shared = clock.clone();
        clock.advance(Nanos(2));
        assert_eq!(shared.now(), Nanos(7));
        shared.set(Nanos(3));
        assert_eq!(clock.now(), Nanos(3));
    }
}
