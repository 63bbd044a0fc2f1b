//! Population stability index: how far a feature has moved from what it was trained on. Karakoulas,
//! "Empirical validation of retail credit-scoring models" (RMA Journal 87, 2004); below 0.1 little,
//! above 0.25 much.

use crate::error::{Result, argument, check};
use crate::sample::percentile;

/// The bins of a reference, by its quantiles, and how it fills them.
#[derive(Clone, PartialEq, Debug)]
pub struct Stability {
    /// Upper ends of all bins but the last, rising.
    edges: Vec<f64>,
    /// Share of the reference in each bin.
    shares: Vec<f64>,
}

impl Stability {
    /// From the reference, with at most so many bins (2 to 100). Quantiles that are the same number
    /// make one bin, so that a feature of few values has few bins.
    pub fn of(reference: &[f64], bins: usize) -> Result<Stability> {
        argument("bins", bins as f64, (2..=100).contains(&bins), "from 2 to 100")?;
        check("reference", reference, bins)?;
        let mut sorted = reference.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mut edges: Vec<f64> =
            (1..bins).map(|at| percentile(&sorted, at as f64 / bins as f64)).collect();
        edges.dedup();
        let counts = counts(&edges, reference);
        Ok(Stability { shares: shares(&counts, reference.len()), edges })
    }

    /// The index of numbers against the reference, at least one number.
    pub fn index(&self, numbers: &[f64]) -> Result<f64> {
        check("numbers", numbers, 1)?;
        let now = shares(&counts(&self.edges, numbers), numbers.len());
        Ok(now.iter().zip(&self.shares).map(|(a, e)| (a - e) * (a / e).ln()).sum())
    }
}

fn counts(edges: &[f64], numbers: &[f64]) -> Vec<usize> {
    let mut counts = vec![0; edges.len() + 1];
    for number in numbers {
        counts[edges.partition_point(|edge| edge < number)] += 1;
    }
    counts
}

/// With half a number more in each bin, so that an empty one is no infinity (Jeffreys' prior).
fn shares(counts: &[usize], of: usize) -> Vec<f64> {
    let all = of as f64 + 0.5 * counts.len() as f64;
    counts.iter().map(|count| (*count as f64 + 0.5) / all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Draw;

    fn uniform(seed: u64, n: usize, shift: f64) -> Vec<f64> {
        let mut draw = Draw::new(seed);
        (0..n).map(|_| draw.below(1_000_000) as f64 / 1e6 + shift).collect()
    }

    #[test]
    fn what_stays_is_stable_and_what_moves_is_not() {
        let stability = Stability::of(&uniform(1, 10_000, 0.0), 10).expect("numbers");
        assert!(stability.index(&uniform(2, 5_000, 0.0)).expect("numbers") < 0.01);
        let moved = stability.index(&uniform(3, 5_000, 0.3)).expect("numbers");
        assert!(moved > 0.25 && moved.is_finite(), "{moved}");
        assert!(stability.index(&[9e9]).expect("numbers").is_finite());
        assert!(stability.index(&[f64::NAN]).is_err() && stability.index(&[]).is_err());
    }

    #[test]
    fn few_values_have_few_bins() {
        let flags: Vec<f64> = (0..100).map(|at| f64::from(u8::from(at % 4 == 0))).collect();
        let stability = Stability::of(&flags, 10).expect("numbers");
        assert!(stability.index(&flags).expect("numbers").abs() < 1e-12);
        assert!(stability.index(&[1.0; 50]).expect("numbers") > 0.5);
    }
}
