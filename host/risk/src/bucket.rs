//! Token buckets on a clock that is handed in.

use tercel_types::Nanos;

/// Parts of a token: with these, a rate of tokens a second adds whole parts every nanosecond, so
/// that no refill is rounded.
const TOKEN: u64 = 1_000_000_000;

/// A bucket; its size and rate stay with the limits, so that they can change under it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Bucket {
    parts: u64,
    filled: Nanos,
}

impl Bucket {
    /// A full bucket.
    pub(crate) const fn new(burst: u32) -> Bucket {
        Bucket { parts: size(burst), filled: Nanos(0) }
    }

    /// Adds what time has earned and says whether a whole token is there. A clock that stepped back
    /// earns nothing until it has caught up.
    #[inline]
    pub(crate) fn ready(&mut self, burst: u32, per_second: u32, now: Nanos) -> bool {
        let earned = now.since(self.filled).0.saturating_mul(u64::from(per_second));
        self.parts = self.parts.saturating_add(earned).min(size(burst));
        self.filled = self.filled.max(now);
        self.parts >= TOKEN
    }

    /// Takes a token, or what is left of one.
    #[inline]
    pub(crate) fn take(&mut self) {
        self.parts = self.parts.saturating_sub(TOKEN);
    }

    /// Puts tokens in, as far as they fit.
    #[inline]
    pub(crate) fn give(&mut self, tokens: u32, burst: u32) {
        self.parts = self.parts.saturating_add(size(tokens)).min(size(burst));
    }
}

/// At most 2^32 × 10^9 parts: fits in 63 bits.
const fn size(tokens: u32) -> u64 {
    tokens as u64 * TOKEN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_for_each_interval() {
        let mut bucket = Bucket::new(2);
        let start = Nanos::from_secs(1_700_000_000);
        for _ in 0..2 {
            assert!(bucket.ready(2, 10, start));
            bucket.take();
        }
        assert!(!bucket.ready(2, 10, start));
        assert!(!bucket.ready(2, 10, Nanos(start.0 + 99_999_999)));
        assert!(bucket.ready(2, 10, Nanos(start.0 + 100_000_000)));
        bucket.take();
        assert!(!bucket.ready(2, 10, Nanos(start.0 + 199_999_999)));
    }

    #[test]
    fn a_clock_that_steps_back_earns_nothing_twice() {
        let mut bucket = Bucket::new(1);
        assert!(bucket.ready(1, 1, Nanos::from_secs(10)));
        bucket.take();
        assert!(!bucket.ready(1, 1, Nanos::from_secs(5)));
        assert!(!bucket.ready(1, 1, Nanos::from_secs(10)));
        assert!(bucket.ready(1, 1, Nanos::from_secs(11)));
    }

    #[test]
    fn the_largest_values_do_not_overflow() {
        let mut bucket = Bucket::new(u32::MAX);
        assert!(bucket.ready(u32::MAX, u32::MAX, Nanos(u64::MAX)));
        bucket.give(u32::MAX, u32::MAX);
        bucket.take();
        assert!(bucket.ready(u32::MAX, u32::MAX, Nanos(0)));
        assert!(!Bucket::default().ready(1, 0, Nanos(u64::MAX)));
    }
}
