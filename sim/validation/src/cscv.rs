//! Probability of backtest overfitting by combinatorially symmetric cross-validation: Bailey,
//! Borwein, López de Prado and Zhu, "The probability of backtest overfitting" (Journal of
//! Computational Finance 20, 2017).
//!
//! The rows of a matrix of results, a column a trial, are cut into S blocks. For every choice of
//! S/2 of them the trial that is best on the chosen blocks is looked up among all trials on the
//! others. The share of choices in which it is there no better than the median is the probability.

use crate::error::{Result, ValidationError, argument, check};
use crate::sample::mean;

/// What came of it.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Overfitting {
    /// Share of choices in which the best in the sample is at or below the median out of it.
    pub probability: f64,
    /// The logit of its relative rank out of the sample for each choice.
    pub logits: Vec<f64>,
    /// Slope of its Sharpe ratio out of the sample over that in the sample: below zero, what looks
    /// better is worse.
    pub slope: f64,
    /// Share of choices in which it loses out of the sample.
    pub loss: f64,
}

/// Most blocks: 12,870 choices.
const BLOCKS_MAX: usize = 16;

/// From the results of every trial, a list in time for each, all of one length, cut into `blocks`
/// blocks: an even number from 4 to 16. Sharpe ratios rank; what stands over at the end, when rows
/// do not divide, is left out.
pub fn overfitting<T: AsRef<[f64]>>(trials: &[T], blocks: usize) -> Result<Overfitting> {
    let even = blocks.is_multiple_of(2) && (4..=BLOCKS_MAX).contains(&blocks);
    argument("blocks", blocks as f64, even, "an even number from 4 to 16")?;
    if trials.len() < 2 {
        return Err(ValidationError::TooFew { what: "trials", count: trials.len(), least: 2 });
    }
    let rows = trials[0].as_ref().len();
    for trial in trials {
        let trial = trial.as_ref();
        if trial.len() != rows {
            let (left, right) = (rows, trial.len());
            return Err(ValidationError::Lengths { what: "trials", left, right });
        }
        check("results of a trial", trial, 2 * blocks)?;
    }
    let sums: Vec<Vec<Sums>> =
        trials.iter().map(|trial| block_sums(trial.as_ref(), blocks)).collect();
    let (mut logits, mut pairs) = (Vec::new(), Vec::new());
    for chosen in 0_u32..1 << blocks {
        if chosen.count_ones() as usize * 2 != blocks {
            continue;
        }
        let ratios = |of: u32| -> Vec<f64> {
            sums.iter().map(|sums| Sums::over(sums, of).ratio()).collect()
        };
        let (inside, outside) = (ratios(chosen), ratios(!chosen));
        let best = (0..trials.len())
            .max_by(|a, b| inside[*a].total_cmp(&inside[*b]))
            .expect("at least two trials");
        let below = outside.iter().filter(|ratio| **ratio < outside[best]).count() as f64;
        let equal = outside.iter().filter(|ratio| **ratio == outside[best]).count() as f64;
        // The mean rank among equals, from 1 on.
        let rank = below + 0.5 * (equal + 1.0);
        let share = rank / (trials.len() + 1) as f64;
        logits.push((share / (1.0 - share)).ln());
        pairs.push((inside[best], outside[best]));
    }
    let n = logits.len() as f64;
    let share = |count: usize| count as f64 / n;
    Ok(Overfitting {
        probability: share(logits.iter().filter(|logit| **logit <= 0.0).count()),
        loss: share(pairs.iter().filter(|(_, outside)| *outside < 0.0).count()),
        slope: slope(&pairs),
        logits,
    })
}

/// Sums over a block, which add up to those over several.
#[derive(Clone, Copy, Default)]
struct Sums {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Sums {
    fn over(blocks: &[Sums], chosen: u32) -> Sums {
        let mut all = Sums::default();
        for (at, block) in blocks.iter().enumerate() {
            if chosen >> at & 1 == 1 {
                all.count += block.count;
                all.sum += block.sum;
                all.squares += block.squares;
            }
        }
        all
    }

    /// Sharpe ratio; of constant results the sign of their mean times infinity, or zero.
    fn ratio(&self) -> f64 {
        let mean = self.sum / self.count;
        let variance = self.squares / self.count - mean * mean;
        if variance > 1e-15 * mean * mean && variance > 0.0 {
            mean / variance.sqrt()
        } else if mean == 0.0 {
            0.0
        } else {
            mean.signum() * f64::MAX
        }
    }
}

fn block_sums(results: &[f64], blocks: usize) -> Vec<Sums> {
    let sums = |block: &[f64]| Sums {
        count: block.len() as f64,
        sum: block.iter().sum(),
        squares: block.iter().map(|x| x * x).sum(),
    };
    results.chunks_exact(results.len() / blocks).take(blocks).map(sums).collect()
}

/// Least squares; 0 where all are at one place.
fn slope(pairs: &[(f64, f64)]) -> f64 {
    let finite = |pair: &&(f64, f64)| pair.0.abs() < f64::MAX && pair.1.abs() < f64::MAX;
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().filter(finite).copied().unzip();
    let (mean_x, mean_y) = (mean(&x), mean(&y));
    let both: f64 = x.iter().zip(&y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let own: f64 = x.iter().map(|x| (x - mean_x).powi(2)).sum();
    if own > 0.0 { both / own } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Draw;

    /// Trials of noise, the first with an edge.
    fn trials(seed: u64, edge: f64) -> Vec<Vec<f64>> {
        let mut draw = Draw::new(seed);
        let mut one = |edge: f64| -> Vec<f64> {
            (0..400).map(|_| edge + draw.below(2_001) as f64 / 1_000.0 - 1.0).collect()
        };
        (0..20).map(|at| one(if at == 0 { edge } else { 0.0 })).collect()
    }

    #[test]
    fn noise_is_overfitted_and_an_edge_is_not() {
        let of = |edge: f64| {
            let all = (0..8).map(|seed| overfitting(&trials(seed, edge), 8).expect("allowed"));
            let probabilities: Vec<f64> = all.map(|found| found.probability).collect();
            mean(&probabilities)
        };
        assert!(of(0.0) > 0.35, "{}", of(0.0));
        assert!(of(0.2) < 0.02, "{}", of(0.2));
    }

    #[test]
    fn by_hand() {
        // Two trials, four blocks of eight rows; the first is good in the first half only. The six
        // choices: of both of its good blocks it is best and then worst; of none the second is
        // best, then worst; of one of each the sums are equal and the ranks tied.
        let good = |first: f64| {
            let noise = [0.1, -0.1].repeat(8);
            let half = |mean: f64| noise.iter().map(move |x| x + mean);
            half(first).chain(half(-first)).collect::<Vec<f64>>()
        };
        let found = overfitting(&[good(1.0), good(-1.0)], 4).expect("allowed");
        assert_eq!(found.logits.len(), 6);
        assert!(found.probability >= 2.0 / 6.0 && found.loss >= 2.0 / 6.0, "{found:?}");
        assert!(found.slope < 0.0, "{found:?}");
    }

    #[test]
    fn what_cannot_be_is_named() {
        let all = trials(1, 0.0);
        assert!(overfitting(&all, 7).is_err() && overfitting(&all[..1], 8).is_err());
        assert!(overfitting(&[vec![0.0; 40], vec![0.0; 41]], 4).is_err());
        let flat = overfitting(&[vec![0.0; 40], vec![0.0; 40]], 4).expect("allowed");
        assert!(flat.logits.iter().all(|logit| *logit == 0.0));
    }
}
