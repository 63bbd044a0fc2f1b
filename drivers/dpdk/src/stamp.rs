//! When a frame arrived: by the device's clock if that tells the time, else by ours.

use tercel_types::Nanos;

/// Furthest that a device's clock may be from ours to be believed: one that PTP keeps is within
/// microseconds, one that counts from its reset is off by years.
const NEAR: u64 = 1_000_000_000;

/// What a device writes into a stamp.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    /// Nanoseconds, by whatever epoch its clock has.
    Nanos,
    /// Microseconds since the Unix epoch of when it was recorded: `net_pcap`.
    RecordedMicros,
}

/// Chooses each frame's time, and never goes back.
#[derive(Debug)]
pub(crate) struct Arrival {
    unit: Unit,
    last: u64,
    /// Frames whose time was the device's.
    pub(crate) stamped: u64,
    /// Frames with a stamp that is not near the time.
    pub(crate) refused: u64,
}

impl Arrival {
    pub(crate) fn new(unit: Unit) -> Arrival {
        Arrival { unit, last: 0, stamped: 0, refused: 0 }
    }

    /// The time of a frame with `stamp`, zero for none, that was taken at `now`.
    #[inline]
    pub(crate) fn time(&mut self, stamp: u64, now: u64) -> Nanos {
        let time = if stamp == 0 { now } else { self.of(stamp, now) };
        self.last = self.last.max(time);
        Nanos(self.last)
    }

    fn of(&mut self, stamp: u64, now: u64) -> u64 {
        let time = match self.unit {
            Unit::Nanos if stamp.abs_diff(now) < NEAR => stamp,
            Unit::Nanos => {
                self.refused += 1;
                return now;
            }
            Unit::RecordedMicros => stamp.saturating_mul(1_000),
        };
        self.stamped += 1;
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000_000_000_000;

    #[test]
    fn a_clock_that_tells_the_time_is_believed() {
        let mut arrival = Arrival::new(Unit::Nanos);
        assert_eq!(arrival.time(NOW - 700, NOW), Nanos(NOW - 700));
        assert_eq!(arrival.time(0, NOW + 5), Nanos(NOW + 5));
        assert_eq!((arrival.stamped, arrival.refused), (1, 0));
    }

    #[test]
    fn one_that_counts_from_its_reset_is_not() {
        let mut arrival = Arrival::new(Unit::Nanos);
        assert_eq!(arrival.time(77, NOW), Nanos(NOW));
        assert_eq!(arrival.time(NOW + NEAR, NOW), Nanos(NOW));
        assert_eq!(arrival.time(NOW - NEAR + 1, NOW), Nanos(NOW));
        assert_eq!((arrival.stamped, arrival.refused), (1, 2));
    }

    #[test]
    fn time_never_goes_back() {
        let mut arrival = Arrival::new(Unit::Nanos);
        assert_eq!(arrival.time(0, NOW), Nanos(NOW));
        assert_eq!(arrival.time(NOW - 700, NOW), Nanos(NOW));
        assert_eq!(arrival.time(0, NOW - 5_000_000_000), Nanos(NOW));
    }

    #[test]
    fn a_file_has_the_time_of_its_recording() {
        let mut arrival = Arrival::new(Unit::RecordedMicros);
        assert_eq!(arrival.time(1_000_000, NOW), Nanos(1_000_000_000));
        assert_eq!(arrival.time(u64::MAX, NOW), Nanos(u64::MAX));
    }
}
