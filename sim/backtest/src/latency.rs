//! How long things take between the venue and the host.
//!
//! Three ways, each with its own model: the feed from the venue to the host, an order from the host
//! to the venue, an answer back. Each is a line that keeps its order: what left later never arrives
//! earlier. Random numbers are a function of seed, way and count, so that a run is repeatable and
//! a change in one way leaves the others as they were.

use std::sync::Arc;
use tercel_types::Nanos;

/// One way.
#[derive(Clone, PartialEq, Debug)]
pub enum Latency {
    /// Always this long.
    Constant(Nanos),
    /// What the recorder saw of the feed: receive time less the venue's time of the event. For
    /// orders and answers, which no recording of a feed has, that of the latest event.
    Recorded,
    /// So many times that.
    RecordedTimes(f64),
    /// Recorded on the order line: from each time on, this long. Before the first time, the first.
    Table(Arc<[(Nanos, Nanos)]>),
    /// At least `least`, and an exponential tail of mean `tail` behind it.
    Exponential {
        /// Shortest.
        least: Nanos,
        /// Mean of what comes on top.
        tail: Nanos,
    },
    /// Log-normal: median and the standard deviation of the logarithm.
    LogNormal {
        /// Median.
        median: Nanos,
        /// Standard deviation of the logarithm, 0 to 4.
        sigma: f64,
    },
}

/// The three ways.
#[derive(Clone, PartialEq, Debug)]
pub struct Latencies {
    /// From the venue's time of an event to the host.
    pub feed: Latency,
    /// From the host's decision to the venue.
    pub entry: Latency,
    /// From the venue's answer to the host.
    pub response: Latency,
}

/// A model with its counter.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    model: Latency,
    seed: u64,
    drawn: u64,
    /// Arrival of the one before.
    last: Nanos,
}

/// A latency that cannot be meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LatencyError {
    /// No rows, or times that do not rise.
    #[error("a table of latencies has no rows, or times that do not rise")]
    Table,
    /// Not a number from 0 to 4.
    #[error("the sigma of a latency is not a number from 0 to 4")]
    Sigma,
    /// Not a number from 0 to 1,000.
    #[error("a latency is multiplied by a number from 0 to 1000")]
    Times,
}

impl Latency {
    /// No time at all.
    pub const NONE: Latency = Latency::Constant(Nanos(0));

    pub(crate) fn validate(&self) -> Result<(), LatencyError> {
        match self {
            Latency::Table(rows) if rows.is_empty() || !rows.is_sorted_by_key(|row| row.0) => {
                Err(LatencyError::Table)
            }
            Latency::LogNormal { sigma, .. } if !(0.0..=4.0).contains(sigma) => {
                Err(LatencyError::Sigma)
            }
            Latency::RecordedTimes(times) if !(0.0..=1e3).contains(times) => {
                Err(LatencyError::Times)
            }
            _ => Ok(()),
        }
    }

    /// The same, so many times as long. The line still keeps its order.
    #[must_use]
    pub fn times(&self, factor: f64) -> Latency {
        let long = |time: Nanos| Nanos((time.0 as f64 * factor).round() as u64);
        match self {
            Latency::Constant(always) => Latency::Constant(long(*always)),
            Latency::Recorded => Latency::RecordedTimes(factor),
            Latency::RecordedTimes(times) => Latency::RecordedTimes(times * factor),
            Latency::Table(rows) => {
                Latency::Table(rows.iter().map(|(time, took)| (*time, long(*took))).collect())
            }
            Latency::Exponential { least, tail } => {
                Latency::Exponential { least: long(*least), tail: long(*tail) }
            }
            Latency::LogNormal { median, sigma } => {
                Latency::LogNormal { median: long(*median), sigma: *sigma }
            }
        }
    }

    /// The latency of the `count`-th of its line at `now`; `recorded` is that of the latest event.
    pub fn value(&self, now: Nanos, recorded: u32, seed: u64, count: u64) -> Nanos {
        match self {
            Latency::Constant(always) => *always,
            Latency::Recorded => Nanos(u64::from(recorded)),
            Latency::RecordedTimes(times) => Nanos((f64::from(recorded) * times) as u64),
            Latency::Table(rows) => {
                let after = rows.partition_point(|row| row.0 <= now);
                rows.get(after.saturating_sub(1)).map_or(Nanos(0), |row| row.1)
            }
            Latency::Exponential { least, tail } => {
                // In (0, 1], so that the logarithm is finite.
                let extra = -uniform(seed, count).ln() * tail.0 as f64;
                Nanos(least.0.saturating_add(extra as u64))
            }
            Latency::LogNormal { median, sigma } => {
                // Box and Muller, "A note on the generation of random normal deviates", 1958.
                let radius = (-2.0 * uniform(seed, count.wrapping_mul(2)).ln()).sqrt();
                let angle = core::f64::consts::TAU * uniform(seed, count.wrapping_mul(2) + 1);
                Nanos((median.0 as f64 * (sigma * radius * angle.cos()).exp()) as u64)
            }
        }
    }
}

impl Default for Latencies {
    /// As recorded, and 100 µs each way for orders.
    fn default() -> Latencies {
        let way = Latency::Constant(Nanos(100_000));
        Latencies { feed: Latency::Recorded, entry: way.clone(), response: way }
    }
}

impl Latencies {
    /// The same both ways and for the feed.
    pub fn constant(feed: Nanos, entry: Nanos, response: Nanos) -> Latencies {
        let [feed, entry, response] = [feed, entry, response].map(Latency::Constant);
        Latencies { feed, entry, response }
    }

    /// All three, so many times as long.
    #[must_use]
    pub fn times(&self, factor: f64) -> Latencies {
        let [feed, entry, response] =
            [&self.feed, &self.entry, &self.response].map(|way| way.times(factor));
        Latencies { feed, entry, response }
    }

    pub(crate) fn validate(&self) -> Result<(), LatencyError> {
        self.feed.validate()?;
        self.entry.validate()?;
        self.response.validate()
    }
}

impl Line {
    pub(crate) fn new(model: Latency, seed: u64) -> Line {
        Line { model, seed, drawn: 0, last: Nanos(0) }
    }

    /// When what leaves at `now` arrives.
    #[inline]
    pub(crate) fn arrival(&mut self, now: Nanos, recorded: u32) -> Nanos {
        let took = self.model.value(now, recorded, self.seed, self.drawn);
        self.drawn += 1;
        self.last = self.last.max(Nanos(now.0.saturating_add(took.0)));
        self.last
    }
}

/// A number in (0, 1] from a seed and a count (Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", 2014).
fn uniform(seed: u64, count: u64) -> f64 {
    let mut word = seed ^ count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^= word >> 31;
    ((word >> 11) + 1) as f64 * (1.0 / (1u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(latency: &Latency) -> f64 {
        let sum: f64 = (0..20_000).map(|at| latency.value(Nanos(0), 0, 7, at).0 as f64).sum();
        sum / 20_000.0
    }

    #[test]
    fn distributions_have_their_means() {
        let exponential = Latency::Exponential { least: Nanos(5_000), tail: Nanos(1_000) };
        assert!((mean(&exponential) - 6_000.0).abs() < 50.0);
        // The mean of a log-normal is median · exp(σ²/2).
        let normal = Latency::LogNormal { median: Nanos(10_000), sigma: 0.5 };
        assert!((mean(&normal) / (10_000.0 * 0.125f64.exp()) - 1.0).abs() < 0.02);
    }

    #[test]
    fn a_multiple_is_one_for_every_draw() {
        let table: Arc<[_]> = [(Nanos(0), Nanos(100)), (Nanos(50), Nanos(10))].into();
        for latency in [
            Latency::Constant(Nanos(700)),
            Latency::Recorded,
            Latency::Table(table),
            Latency::Exponential { least: Nanos(5_000), tail: Nanos(1_000) },
            Latency::LogNormal { median: Nanos(10_000), sigma: 0.5 },
        ] {
            let longer = latency.times(3.0);
            assert!(longer.validate().is_ok());
            for at in 0..100 {
                let of = |latency: &Latency| latency.value(Nanos(at), 900, 7, at).0;
                assert!(of(&longer).abs_diff(3 * of(&latency)) <= 3, "{latency:?}");
            }
        }
        assert_eq!(Latency::Recorded.times(f64::NAN).validate(), Err(LatencyError::Times));
    }

    #[test]
    fn a_line_keeps_its_order() {
        let table: Arc<[_]> = [(Nanos(0), Nanos(100)), (Nanos(50), Nanos(10))].into();
        let mut line = Line::new(Latency::Table(table.clone()), 0);
        assert_eq!(line.arrival(Nanos(40), 0), Nanos(140));
        assert_eq!(line.arrival(Nanos(60), 0), Nanos(140));
        assert_eq!(line.arrival(Nanos(200), 0), Nanos(210));
        assert!(Latency::Table(table).validate().is_ok());
        assert_eq!(Latency::Table([].into()).validate(), Err(LatencyError::Table));
        let wide = Latency::LogNormal { median: Nanos(1), sigma: f64::NAN };
        assert_eq!(wide.validate(), Err(LatencyError::Sigma));
    }
}
