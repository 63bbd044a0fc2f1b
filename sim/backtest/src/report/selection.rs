//! What is left of the best of several trials when it is known that it is the best of several.

use super::Selection;
use crate::metrics::returns;
use tercel_validation::{deflated_sharpe, overfitting};

/// Blocks of time for the probability of overfitting: 12,870 ways to halve them.
const BLOCKS: usize = 16;
/// Intervals of a block at least; shorter runs get fewer blocks.
const ROWS: usize = 8;

/// The deflated Sharpe ratio of each trial, from what each interval of it has earned, with all of
/// them counted. A trial whose every interval earned the same, as one that never traded, has none;
/// among the trials it counts with a Sharpe ratio of zero.
pub fn deflated(increments: &[&[f64]]) -> Vec<Option<f64>> {
    let sharpes = sharpes(increments);
    let one = |of: &&[f64]| {
        returns::sharpe(of)?;
        deflated_sharpe(of, &sharpes).ok().filter(|share| share.is_finite())
    };
    increments.iter().map(one).collect()
}

/// The trial with the highest Sharpe ratio; `None` for no trials.
pub fn selection(names: &[&str], increments: &[&[f64]]) -> Option<Selection> {
    let sharpes = sharpes(increments);
    let best = (0..sharpes.len()).max_by(|a, b| {
        // The first of equals, whatever comes after it.
        sharpes[*a].total_cmp(&sharpes[*b]).then(b.cmp(a))
    })?;
    let rows = increments.iter().map(|of| of.len()).min().unwrap_or(0);
    let blocks = (rows / ROWS).min(BLOCKS) & !1;
    // Where nobody earned or lost anything there was nothing to choose by.
    let any = increments.iter().any(|of| returns::sharpe(of).is_some());
    let found = any.then(|| overfitting(increments, blocks).ok()).flatten();
    Some(Selection {
        trials: sharpes.len(),
        best: names.get(best)?.to_string(),
        deflated_sharpe: deflated(increments).get(best).copied().flatten(),
        overfitting: found.map(|found| found.probability).filter(|share| share.is_finite()),
    })
}

fn sharpes(increments: &[&[f64]]) -> Vec<f64> {
    increments.iter().map(|of| returns::sharpe(of).unwrap_or(0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise of a trial, and what it earns besides.
    fn trial(seed: u64, drift: f64) -> Vec<f64> {
        let mut state = seed;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
            (state >> 40) as f64 / (1_u64 << 24) as f64 - 0.5
        };
        (0..400).map(|_| draw() + drift).collect()
    }

    fn of(trials: &[Vec<f64>]) -> (Vec<Option<f64>>, Selection) {
        let increments: Vec<&[f64]> = trials.iter().map(Vec::as_slice).collect();
        let names: Vec<String> = (0..trials.len()).map(|at| format!("trial {at}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        (deflated(&increments), selection(&names, &increments).expect("trials"))
    }

    #[test]
    fn the_more_is_tried_the_less_the_best_is_worth() {
        let noise: Vec<Vec<f64>> = (0..40).map(|seed| trial(seed * 7919 + 1, 0.0)).collect();
        let (_, few) = of(&noise[..1]);
        let (all, many) = of(&noise);
        assert_eq!((few.trials, many.trials), (1, 40));
        let at: usize = many.best.trim_start_matches("trial ").parse().expect("a number");
        let alone = of(&noise[at..=at]).1.deflated_sharpe.expect("it varies");
        assert!(many.deflated_sharpe.expect("it varies") < alone);
        assert_eq!(all[at], many.deflated_sharpe);
        assert!(many.overfitting.expect("several") > 0.2, "{many:?}");
        assert_eq!(few.overfitting, None);
    }

    #[test]
    fn one_that_is_better_is_found() {
        let mut trials: Vec<Vec<f64>> = (0..10).map(|seed| trial(seed * 31 + 5, 0.0)).collect();
        trials[3] = trial(77, 0.2);
        let (_, found) = of(&trials);
        assert_eq!(found.best, "trial 3");
        assert!(found.deflated_sharpe.expect("it varies") > 0.99, "{found:?}");
        assert!(found.overfitting.expect("several") < 0.05, "{found:?}");
    }

    #[test]
    fn trials_without_trades() {
        let (all, found) = of(&[vec![0.0; 100], vec![0.0; 100]]);
        assert_eq!(all, [None, None]);
        assert_eq!((found.best.as_str(), found.deflated_sharpe), ("trial 0", None));
        assert_eq!(found.overfitting, None);
        assert_eq!(selection(&[], &[]), None);
        assert!(of(&[vec![1.0], vec![2.0, 3.0]]).1.overfitting.is_none());
    }
}
