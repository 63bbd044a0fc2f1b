//! The measured values of one metric.
//!
//! A value goes into an HdrHistogram, in picoseconds with three digits: a decimal more than the
//! counter resolves, and 0.1 % at 100 s. Besides, up to [`KEPT_MAX`] values stay in the order in
//! which they came, one out of every `stride` at a place drawn anew in each stride so that no
//! period of the workload lines up with it. `compare` needs the order: neighbours resemble each
//! other, and to take them for independent would make its intervals too narrow.
//!
//! Recording takes some 10 ns and touches a few cache lines of 400 kB. Do it after the interval's
//! end; in an open-loop run, where what delays the loop becomes latency, keep raw ticks in an array
//! and record afterwards.

use hdrhistogram::Histogram;

/// Most values that are kept in order.
pub const KEPT_MAX: usize = 1 << 16;

/// Most chunks of a metric in a report.
pub const CHUNKS_MAX: usize = 200;

/// Longest value, picoseconds: 100 s. Longer ones count as this one.
const HIGHEST_PS: u64 = 100_000_000_000_000;

/// Measured values in nanoseconds.
#[derive(Clone, Debug)]
pub struct Samples {
    histogram: Histogram<u64>,
    /// One of each stride, in order.
    kept: Vec<f32>,
    stride: u64,
    /// Values of this stride so far.
    position: u64,
    /// Which value of this stride is kept.
    chosen: u64,
    draws: u64,
}

/// The middle and the tail of consecutive values.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Chunk {
    /// Nanoseconds.
    pub p50: f64,
    /// Nanoseconds.
    pub p99: f64,
}

impl Samples {
    /// None yet.
    pub fn new() -> Samples {
        let histogram = Histogram::new_with_bounds(1, HIGHEST_PS, 3).expect("valid bounds");
        let kept = Vec::with_capacity(KEPT_MAX);
        Samples { histogram, kept, stride: 1, position: 0, chosen: 0, draws: 0 }
    }

    /// A value in nanoseconds. Below zero and not a number count as zero, above 100 s as 100 s.
    #[inline]
    pub fn record(&mut self, ns: f64) {
        self.histogram.saturating_record(picoseconds(ns));
        if self.position == self.chosen {
            self.kept.push(ns as f32);
        }
        self.position += 1;
        if self.position == self.stride {
            self.next_stride();
        }
    }

    /// The same value `n` times: an interval over `n` like things, divided by `n`.
    pub fn record_n(&mut self, ns: f64, n: u64) {
        self.histogram.saturating_record_n(picoseconds(ns), n);
        let mut left = n;
        while left > 0 {
            let step = left.min(self.stride - self.position);
            if (self.position..self.position + step).contains(&self.chosen) {
                self.kept.push(ns as f32);
            }
            self.position += step;
            left -= step;
            if self.position == self.stride {
                self.next_stride();
            }
        }
    }

    /// How many values there are.
    pub fn len(&self) -> u64 {
        self.histogram.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.histogram.is_empty()
    }

    /// The smallest value that at least the share `q` of all do not exceed, nanoseconds; not a
    /// number if there are none.
    pub fn quantile(&self, q: f64) -> f64 {
        self.unless_empty(self.histogram.value_at_quantile(q) as f64)
    }

    /// The largest value to three digits, nanoseconds; not a number if there are none.
    pub fn max(&self) -> f64 {
        self.unless_empty(self.histogram.max() as f64)
    }

    /// The mean, nanoseconds; not a number if there are none.
    pub fn mean(&self) -> f64 {
        self.unless_empty(self.histogram.mean())
    }

    /// The values in picoseconds.
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }

    /// The values in the order in which they came, cut into at most [`CHUNKS_MAX`] like parts.
    pub fn chunks(&self) -> Vec<Chunk> {
        let kept = self.kept.len();
        if kept == 0 {
            return Vec::new();
        }
        // 64 values are the fewest whose 99th percentile is not simply the largest of few; where
        // that would give hardly any chunk to draw from, chunks are smaller.
        let count = (kept / 64).clamp(kept.min(20), CHUNKS_MAX);
        (0..count).map(|at| chunk(&self.kept[kept * at / count..kept * (at + 1) / count])).collect()
    }

    /// Out of line: once in a stride, and costly when the stride doubles.
    #[cold]
    #[inline(never)]
    fn next_stride(&mut self) {
        if self.kept.len() == KEPT_MAX {
            for pair in 0..KEPT_MAX / 2 {
                let which = 2 * pair + (self.draw() & 1) as usize;
                self.kept[pair] = self.kept[which];
            }
            self.kept.truncate(KEPT_MAX / 2);
            self.stride *= 2;
        }
        self.position = 0;
        // The stride is a power of two.
        self.chosen = self.draw() & (self.stride - 1);
    }

    /// SplitMix64 over a counter: the same values are kept in each run.
    fn draw(&mut self) -> u64 {
        self.draws += 1;
        let mut z = self.draws.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unless_empty(&self, ps: f64) -> f64 {
        if self.is_empty() { f64::NAN } else { ps / 1e3 }
    }
}

impl Default for Samples {
    fn default() -> Samples {
        Samples::new()
    }
}

/// A float that is below zero, not a number or beyond the range becomes the nearest bound (`as`).
#[inline]
fn picoseconds(ns: f64) -> u64 {
    (ns * 1e3 + 0.5) as u64
}

fn chunk(values: &[f32]) -> Chunk {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let at = |q: f64| f64::from(sorted[(sorted.len() as f64 * q).ceil() as usize - 1]);
    Chunk { p50: at(0.5), p99: at(0.99) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = f64>) -> Samples {
        let mut samples = Samples::new();
        values.into_iter().for_each(|ns| samples.record(ns));
        samples
    }

    fn near(value: f64, wanted: f64) -> bool {
        (value - wanted).abs() <= wanted * 1e-3
    }

    #[test]
    fn quantiles_to_three_digits() {
        let samples = of((1..=10_000).map(f64::from));
        assert_eq!(samples.len(), 10_000);
        for (q, wanted) in [(0.5, 5_000.0), (0.9, 9_000.0), (0.99, 9_900.0), (0.9999, 9_999.0)] {
            assert!(near(samples.quantile(q), wanted), "{q}: {}", samples.quantile(q));
        }
        assert!(near(samples.max(), 10_000.0));
        assert!(near(samples.mean(), 5_000.5));
        assert!(near(of([2.375]).quantile(0.5), 2.375));
    }

    #[test]
    fn nothing_zero_and_beyond_the_range() {
        let none = Samples::new();
        assert!(none.is_empty() && none.quantile(0.5).is_nan() && none.max().is_nan());
        assert!(none.chunks().is_empty());
        let odd = of([0.0, -5.0, f64::NAN]);
        assert_eq!((odd.len(), odd.max()), (3, 0.0));
        assert!(near(of([1e300]).max(), 1e11) && near(of([f64::INFINITY]).max(), 1e11));
    }

    #[test]
    fn many_at_once_are_as_many_one_by_one() {
        let mut at_once = Samples::new();
        let mut one_by_one = Samples::new();
        for round in 0..3_000_u64 {
            let (ns, n) = (round as f64, round % 97);
            at_once.record_n(ns, n);
            (0..n).for_each(|_| one_by_one.record(ns));
        }
        assert_eq!(at_once.len(), one_by_one.len());
        assert_eq!(at_once.kept, one_by_one.kept);
        assert_eq!(at_once.chunks(), one_by_one.chunks());
    }

    #[test]
    fn what_is_kept_is_in_order_and_spread_evenly() {
        let count = 1_000_000;
        let samples = of((0..count).map(f64::from));
        assert!(samples.kept.len() > KEPT_MAX / 4 && samples.kept.len() <= KEPT_MAX);
        assert!(samples.kept.is_sorted());
        for (at, ns) in samples.kept.iter().enumerate() {
            let start = at as f32 * samples.stride as f32;
            assert!((start..start + samples.stride as f32).contains(ns));
        }
        let chunks = samples.chunks();
        assert_eq!(chunks.len(), CHUNKS_MAX);
        assert!(near(chunks[99].p99, f64::from(count) / 2.0));
    }

    #[test]
    fn a_period_of_the_workload_does_not_hide() {
        // Every 16th value is slow: those kept have the same share of them.
        let samples = of((0..1 << 20).map(|at| if at % 16 == 0 { 100.0 } else { 1.0 }));
        let slow = samples.kept.iter().filter(|ns| **ns > 50.0).count() as f64;
        let share = slow / samples.kept.len() as f64;
        assert!((0.057..0.068).contains(&share), "{share}");
    }

    #[test]
    fn few_values_are_few_chunks() {
        assert_eq!(of([7.0]).chunks(), [Chunk { p50: 7.0, p99: 7.0 }]);
        assert_eq!(of((0..10).map(f64::from)).chunks().len(), 10);
        assert_eq!(of((0..100).map(f64::from)).chunks().len(), 20);
    }
}
