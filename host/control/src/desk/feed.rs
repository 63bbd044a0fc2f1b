//! What the counters page shows.

use crate::view;
use std::collections::{BTreeMap, HashMap};
use tercel_engine::counters::CountersReader;

/// Buckets in [`view::Latency::recent`].
const RECENT_MAX: usize = 64;

/// The page as last read.
#[derive(Default, Debug)]
pub(crate) struct Shown {
    pub(crate) counters: BTreeMap<String, u64>,
    pub(crate) latency: Vec<view::Latency>,
    /// The counts of each stage's buckets then.
    before: HashMap<String, BTreeMap<u64, u64>>,
}

impl Shown {
    pub(crate) fn read(&mut self, page: &CountersReader) {
        let counters = page.counters().filter(|(_, value)| *value > 0);
        self.counters = counters.map(|(name, value)| (name.into(), value)).collect();
        self.latency = page
            .histograms()
            .map(|(name, latency)| {
                let now: BTreeMap<u64, u64> = page.buckets(name).collect();
                let before = self.before.insert(name.into(), now.clone()).unwrap_or_default();
                let since = |(upper, count): (&u64, &u64)| {
                    let new = count.saturating_sub(before.get(upper).copied().unwrap_or(0));
                    (new > 0).then_some((*upper, new))
                };
                view::Latency {
                    stage: name.into(),
                    count: latency.count,
                    p50_ns: latency.p50,
                    p90_ns: latency.p90,
                    p99_ns: latency.p99,
                    p999_ns: latency.p999,
                    max_ns: latency.max,
                    recent: coarse(&now.iter().filter_map(since).collect::<Vec<_>>()),
                }
            })
            .collect();
    }
}

/// As many buckets for every power of two as give at most [`RECENT_MAX`].
fn coarse(fine: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut merged = Vec::new();
    for bits in [2, 1, 0] {
        merged.clear();
        for (upper, count) in fine {
            let upper = rounded(*upper, bits);
            match merged.last_mut() {
                Some((last, sum)) if *last == upper => *sum += count,
                _ => merged.push((upper, *count)),
            }
        }
        if merged.len() <= RECENT_MAX {
            break;
        }
    }
    merged
}

/// The largest value of the bucket that holds `value`, where every power of two has 2^bits buckets.
fn rounded(value: u64, bits: u32) -> u64 {
    let shift = value.checked_ilog2().map_or(0, |log| log.saturating_sub(bits));
    value | ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_merged_until_they_are_few_and_none_is_lost() {
        assert_eq!([0, 1, 5, 8, 9, 10, 255].map(|v| rounded(v, 2)), [0, 1, 5, 9, 9, 11, 255]);
        assert_eq!(rounded(u64::MAX, 2), u64::MAX);
        let fine: Vec<(u64, u64)> = (0..1_000).map(|at| (at * at * at, 2)).collect();
        let few = coarse(&fine);
        assert!(few.len() <= RECENT_MAX, "{}", few.len());
        assert_eq!(few.iter().map(|(_, count)| count).sum::<u64>(), 2_000);
        assert!(few.is_sorted_by(|a, b| a.0 < b.0));
    }
}
