//! How far chance alone could have moved a change: the circular block bootstrap.
//!
//! The chunks of a run are in order. A resample strings together blocks of consecutive chunks that
//! begin anywhere, until it is as long as the run; a block is as long as the square root of the
//! number of chunks, so that a disturbance of several chunks is drawn as one. The statistic is the
//! median over the chunks of the chunk's own percentile: a hiccup in one chunk moves it as little
//! as it should. The interval is that of the ratio of two such medians, each run resampled on its
//! own, between its 2.5th and 97.5th percentile.

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Resamples; the ends of the interval are then the 50th from each side.
const RESAMPLES: usize = 2_000;

/// Fewest chunks that say anything about how they vary.
const CHUNKS_MIN: usize = 5;

/// Drawn the same in each comparison.
const SEED: u64 = 1;

/// The 95 % interval of the change from `a` to `b`, percent; none with few chunks, or from zero.
pub(super) fn interval(a: &[f64], b: &[f64]) -> Option<[f64; 2]> {
    if a.len().min(b.len()) < CHUNKS_MIN {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut scratch = Vec::new();
    let mut changes = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let base = resampled(a, &mut rng, &mut scratch);
        let this = resampled(b, &mut rng, &mut scratch);
        changes.push((this / base - 1.0) * 100.0);
    }
    if changes.iter().any(|change| !change.is_finite()) {
        return None;
    }
    changes.sort_unstable_by(f64::total_cmp);
    let out = RESAMPLES / 40;
    Some([changes[out], changes[RESAMPLES - 1 - out]])
}

/// The median of one resample.
fn resampled(chunks: &[f64], rng: &mut ChaCha8Rng, scratch: &mut Vec<f64>) -> f64 {
    let block = (chunks.len() as f64).sqrt().ceil() as usize;
    scratch.clear();
    while scratch.len() < chunks.len() {
        let start = rng.random_range(0..chunks.len());
        let length = block.min(chunks.len() - scratch.len());
        scratch.extend((start..start + length).map(|at| chunks[at % chunks.len()]));
    }
    let middle = scratch.len() / 2;
    *scratch.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64, count: usize, middle: f64, spread: f64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| middle + spread * (rng.random::<f64>() - 0.5)).collect()
    }

    #[test]
    fn a_shift_is_inside_and_zero_is_not() {
        let [low, high] =
            interval(&noise(1, 200, 100.0, 10.0), &noise(2, 200, 110.0, 10.0)).unwrap();
        assert!(low > 0.0 && low < 10.0 && high > 10.0 && high < 15.0, "{low} {high}");
    }

    #[test]
    fn equal_runs_rarely_exclude_zero() {
        // 95 % of 200 are 190; blocks on independent chunks make the interval a little narrow.
        let outside = (0..200)
            .map(|seed| {
                interval(&noise(2 * seed, 200, 9.0, 1.0), &noise(2 * seed + 1, 200, 9.0, 1.0))
            })
            .filter(|interval| interval.is_some_and(|[low, high]| low > 0.0 || high < 0.0))
            .count();
        assert!(outside <= 25, "{outside} of 200");
    }

    /// Chunks that follow each other: a level that stays for ten chunks, and little noise on it.
    fn levels(seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let steps: Vec<f64> = (0..20).map(|_| 100.0 + 20.0 * rng.random::<f64>()).collect();
        (0..200).map(|at| steps[at / 10] + rng.random::<f64>()).collect()
    }

    #[test]
    fn what_stays_for_a_while_widens_the_interval() {
        let outside = (0..100)
            .filter_map(|seed| interval(&levels(2 * seed), &levels(2 * seed + 1)))
            .filter(|[low, high]| *low > 0.0 || *high < 0.0)
            .count();
        // Drawn one by one, more than half of them exclude zero.
        assert!(outside <= 20, "{outside} of 100");
    }

    #[test]
    fn few_chunks_and_zeros_have_no_interval() {
        assert_eq!(interval(&[1.0; 4], &[1.0; 200]), None);
        assert_eq!(interval(&[0.0; 50], &[1.0; 50]), None);
        assert_eq!(interval(&[2.0; 50], &[1.0; 50]), Some([-50.0, -50.0]));
    }

    #[test]
    fn the_same_runs_have_the_same_interval() {
        let (a, b) = (noise(1, 50, 9.0, 1.0), noise(2, 60, 9.0, 1.0));
        assert_eq!(interval(&a, &b), interval(&a, &b));
    }
}
