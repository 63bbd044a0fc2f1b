//! Quantiles, and a curve that is thinned while it grows.

use serde::Serialize;
use tercel_types::Nanos;

/// Points of a curve at most.
const POINTS_MAX: usize = 1_024;
/// Ends of the buckets of a distribution: each twice the one before, from 250 ns.
const BUCKETS: usize = 32;

/// A distribution of lengths of time.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Quantiles {
    /// Of what.
    pub name: &'static str,
    /// Values.
    pub count: u64,
    /// Half are at most this; zero without values, likewise below.
    pub p50_ns: u64,
    /// 90 %.
    pub p90_ns: u64,
    /// 99 %.
    pub p99_ns: u64,
    /// The largest.
    pub max_ns: u64,
    /// Counts by bucket: its upper end in ns, and how many; empty ones left out.
    pub buckets: Vec<(u64, u64)>,
}

impl Quantiles {
    /// Exact quantiles (nearest rank).
    pub(super) fn of(name: &'static str, mut values: Vec<u64>) -> Quantiles {
        values.sort_unstable();
        let rank = |percent: usize| {
            let rank = (values.len() * percent).div_ceil(100).max(1);
            values.get(rank - 1).copied().unwrap_or(0)
        };
        let mut buckets = Vec::new();
        let mut from = 0;
        for bucket in 0..=BUCKETS {
            let end = if bucket == BUCKETS { u64::MAX } else { 250 << bucket };
            let to = values.partition_point(|value| *value <= end);
            if to > from {
                buckets.push((end, (to - from) as u64));
            }
            from = to;
        }
        Quantiles {
            name,
            count: values.len() as u64,
            p50_ns: rank(50),
            p90_ns: rank(90),
            p99_ns: rank(99),
            max_ns: rank(100),
            buckets,
        }
    }
}

/// A point of a curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Point {
    /// When.
    pub time_ns: u64,
    /// Money.
    pub value_e4: i64,
}

/// Keeps the last value of each interval, and doubles the interval when there are too many.
#[derive(Debug)]
pub(super) struct Curve {
    points: Vec<Point>,
    interval: u64,
}

impl Default for Curve {
    fn default() -> Curve {
        Curve { points: Vec::new(), interval: 1_000_000_000 }
    }
}

impl Curve {
    pub(super) fn add(&mut self, now: Nanos, value_e4: i64) {
        let point = Point { time_ns: now.0, value_e4 };
        let interval = self.interval;
        match self.points.last_mut() {
            Some(last) if last.time_ns / interval >= now.0 / interval => *last = point,
            _ => self.points.push(point),
        }
        if self.points.len() > POINTS_MAX {
            self.interval = interval.saturating_mul(2);
            for point in std::mem::take(&mut self.points) {
                let last = self.points.last_mut();
                match last {
                    Some(last) if last.time_ns / self.interval == point.time_ns / self.interval => {
                        *last = point;
                    }
                    _ => self.points.push(point),
                }
            }
        }
    }

    pub(super) fn points(self) -> Vec<Point> {
        self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let of = Quantiles::of("x", (1..=100).rev().collect());
        assert_eq!((of.count, of.p50_ns, of.p90_ns, of.p99_ns, of.max_ns), (100, 50, 90, 99, 100));
        assert_eq!(of.buckets, [(250, 100)]);
        assert_eq!(Quantiles::of("none", Vec::new()).max_ns, 0);
        let of = Quantiles::of("far", vec![u64::MAX, 0]);
        assert_eq!(of.buckets, [(250, 1), (u64::MAX, 1)]);
    }

    #[test]
    fn a_curve_stays_small_and_ends_where_it_ended() {
        let mut curve = Curve::default();
        for second in 0..86_400u64 {
            curve.add(Nanos(second * 1_000_000_000), second as i64);
        }
        let points = curve.points();
        assert!((256..=POINTS_MAX).contains(&points.len()), "{}", points.len());
        assert_eq!(points.last().map(|point| point.value_e4), Some(86_399));
    }
}
