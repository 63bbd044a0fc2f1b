//! How often two networks quote the same prices.

use tercel_policy::FEATURE_NAMES;

/// A slack for the rounding of a computed price, ticks; as the host's quoter has it.
const SLACK: f64 = 1e-6;

/// The levels that offsets from the mid price become on the price grid, in ticks from the best bid:
/// the bid rounded down and the ask up, as the host's quoter does (`host/policy/src/quoter.rs`),
/// before it holds them back from the other side.
pub fn levels(spread: f32, offsets: [f32; 2]) -> [i64; 2] {
    let mid = 0.5 * f64::from(spread);
    let [bid, ask] = offsets.map(f64::from);
    [(mid - bid + SLACK).floor() as i64, (mid + ask - SLACK).ceil() as i64]
}

/// Share of observations, raw rows of the host's features, on which both pairs of offsets become
/// the same bid and the same ask; `None` without any.
pub fn share(observations: &[f32], one: &[f32], other: &[f32]) -> Option<f64> {
    let spread = FEATURE_NAMES.iter().position(|name| *name == "spread")?;
    let rows = observations.chunks_exact(FEATURE_NAMES.len());
    let pairs = one.as_chunks::<2>().0.iter().zip(other.as_chunks::<2>().0);
    let same = |(row, (one, other)): (&[f32], (&[f32; 2], &[f32; 2]))| {
        levels(row[spread], *one) == levels(row[spread], *other)
    };
    let all: Vec<bool> = rows.zip(pairs).map(same).collect();
    let count = all.iter().filter(|same| **same).count();
    (!all.is_empty()).then(|| count as f64 / all.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tercel_policy::FEATURE_COUNT;

    #[test]
    fn offsets_become_levels_of_the_grid() {
        // A spread of one tick: the mid lies half a tick above the best bid.
        assert_eq!(levels(1.0, [0.5, 0.5]), [0, 1]);
        assert_eq!(levels(1.0, [0.6, 0.4]), [-1, 1]);
        assert_eq!(levels(2.0, [0.5, 1.5]), [0, 3]);
    }

    #[test]
    fn the_share_counts_rows() {
        let rows = [1.0; 3 * FEATURE_COUNT];
        let one = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5];
        let other = [0.5, 0.5, 0.5, 0.6, 0.5, 0.5];
        assert_eq!(share(&rows, &one, &other), Some(2.0 / 3.0));
        assert_eq!(share(&[], &[], &[]), None);
    }
}
