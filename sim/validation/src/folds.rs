//! What is trained on and what is tested on, in time: López de Prado, "Advances in Financial
//! Machine Learning" (2018), chapter 7.
//!
//! A sample is known from when its features are seen to when its label is. **Purged** is a sample
//! of the training set whose span touches that of the test set: part of its label happened there.
//! The **embargo** widens the test set's span on both sides: what is near in time is alike, even
//! where labels do not overlap.

use crate::error::{Result, ValidationError, argument};

/// From when the features of a sample are seen to when its label is known, nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Features.
    pub begin: u64,
    /// Label; not before `begin`.
    pub end: u64,
}

/// Samples to train on and to test on, by their places, rising.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fold {
    /// To train on.
    pub train: Vec<usize>,
    /// To test on.
    pub test: Vec<usize>,
    /// Samples that would be in `train` but for purge and embargo.
    pub dropped: usize,
}

/// Windows that go through time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Windows {
    /// Samples before each test that are trained on; all of them if `None` (expanding).
    pub train: Option<usize>,
    /// Samples of a test.
    pub test: usize,
    /// Samples before the first test.
    pub first: usize,
    /// Nanoseconds around a test in which nothing is trained on.
    pub embargo: u64,
}

/// The last `share` (0 to 1) of the samples to test on, everything before to train on.
pub fn chronological(spans: &[Span], share: f64, embargo: u64) -> Result<Fold> {
    ordered(spans)?;
    argument("share", share, share > 0.0 && share < 1.0, "between 0 and 1")?;
    let test = ((spans.len() as f64 * share).round() as usize).clamp(1, spans.len() - 1);
    let first = spans.len() - test;
    whole(cut(spans, 0..first, first..spans.len(), embargo))
}

/// One fold for each whole window of tests, a test beginning where the one before ended.
pub fn windows(spans: &[Span], windows: Windows) -> Result<Vec<Fold>> {
    ordered(spans)?;
    let Windows { train, test, first, embargo } = windows;
    argument("samples of a test", test as f64, test >= 1, "at least 1")?;
    argument("samples before the first test", first as f64, first >= 1, "at least 1")?;
    let mut folds = Vec::new();
    let mut at = first;
    while at + test <= spans.len() {
        let from = train.map_or(0, |train| at.saturating_sub(train));
        folds.push(whole(cut(spans, from..at, at..at + test, embargo))?);
        at += test;
    }
    if folds.is_empty() {
        let (count, least) = (spans.len(), first + test);
        return Err(ValidationError::TooFew { what: "samples", count, least });
    }
    Ok(folds)
}

/// Every one of `k` blocks once to test on, the rest to train on, purged on both sides.
pub fn blocks(spans: &[Span], k: usize, embargo: u64) -> Result<Vec<Fold>> {
    ordered(spans)?;
    let fits = k >= 2 && k <= spans.len();
    argument("blocks", k as f64, fits, "from 2 to as many as there are samples")?;
    let edge = |at: usize| spans.len() * at / k;
    (0..k).map(|at| whole(cut(spans, 0..spans.len(), edge(at)..edge(at + 1), embargo))).collect()
}

fn cut(
    spans: &[Span],
    from: std::ops::Range<usize>,
    test: std::ops::Range<usize>,
    embargo: u64,
) -> Fold {
    let begins = spans[test.start].begin;
    let ends = spans[test.clone()].iter().map(|span| span.end).max().unwrap_or(begins);
    let clear = |at: &usize| {
        let span = spans[*at];
        span.end.saturating_add(embargo) < begins || span.begin > ends.saturating_add(embargo)
    };
    let candidates = from.filter(|at| !test.contains(at));
    let (train, dropped): (Vec<usize>, Vec<usize>) = candidates.partition(clear);
    Fold { train, test: test.collect(), dropped: dropped.len() }
}

fn whole(fold: Fold) -> Result<Fold> {
    if fold.train.is_empty() {
        let what = "samples to train on, purged";
        return Err(ValidationError::TooFew { what, count: 0, least: 1 });
    }
    Ok(fold)
}

fn ordered(spans: &[Span]) -> Result<()> {
    if spans.len() < 2 {
        return Err(ValidationError::TooFew { what: "samples", count: spans.len(), least: 2 });
    }
    for (at, span) in spans.iter().enumerate() {
        let rising = at == 0 || spans[at - 1].begin <= span.begin;
        argument("place of a sample out of order", at as f64, rising, "rising in time")?;
        argument(
            "place of a label before its features",
            at as f64,
            span.begin <= span.end,
            "none",
        )?;
    }
    Ok(())
}

/// Brings columns to mean 0 and standard deviation 1. Fit it on the training set of a fold and on
/// nothing else.
#[derive(Clone, PartialEq, Debug)]
pub struct Scaler {
    /// Mean of each column.
    pub mean: Vec<f64>,
    /// Standard deviation of each column; 1 where it is constant.
    pub deviation: Vec<f64>,
}

impl Scaler {
    /// From the rows of a training set.
    pub fn fit<'a>(rows: impl Iterator<Item = &'a [f64]> + Clone) -> Result<Scaler> {
        let Some(width) = rows.clone().next().map(<[f64]>::len) else {
            return Err(ValidationError::TooFew { what: "rows", count: 0, least: 1 });
        };
        let (mut mean, mut deviation, mut n) = (vec![0.0; width], vec![0.0; width], 0.0);
        for row in rows.clone() {
            if row.len() != width {
                let (left, right) = (width, row.len());
                return Err(ValidationError::Lengths { what: "rows", left, right });
            }
            crate::error::check("row", row, 0)?;
            n += 1.0;
            row.iter().zip(&mut mean).for_each(|(x, mean)| *mean += x);
        }
        mean.iter_mut().for_each(|mean| *mean /= n);
        for row in rows {
            let columns = row.iter().zip(&mean).zip(&mut deviation);
            columns.for_each(|((x, mean), sum)| *sum += (x - mean).powi(2));
        }
        for (deviation, mean) in deviation.iter_mut().zip(&mean) {
            *deviation = (*deviation / n).sqrt();
            if *deviation <= 1e-12 * mean.abs() || *deviation == 0.0 {
                *deviation = 1.0;
            }
        }
        Ok(Scaler { mean, deviation })
    }

    /// Brings a row to scale.
    pub fn apply(&self, row: &mut [f64]) {
        for (x, (mean, deviation)) in row.iter_mut().zip(self.mean.iter().zip(&self.deviation)) {
            *x = (*x - mean) / deviation;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spans(n: usize, label: u64) -> Vec<Span> {
        (0..n as u64).map(|at| Span { begin: 10 * at, end: 10 * at + label }).collect()
    }

    #[test]
    fn ninety_ten() {
        let fold = chronological(&spans(100, 25), 0.1, 0).expect("allowed");
        assert_eq!(fold.test, (90..100).collect::<Vec<_>>());
        // Labels of 88 and 89 end in the test, that of 87 at 895.
        assert_eq!((fold.train.len(), fold.dropped), (88, 2));
        let wide = chronological(&spans(100, 25), 0.1, 100).expect("allowed");
        assert_eq!((wide.train.len(), wide.dropped), (78, 12));
    }

    #[test]
    fn windows_roll_and_expand() {
        let of = |train| {
            let set = Windows { train, test: 10, first: 30, embargo: 0 };
            windows(&spans(100, 0), set).expect("allowed")
        };
        let (rolling, expanding) = (of(Some(20)), of(None));
        assert_eq!((rolling.len(), expanding.len()), (7, 7));
        assert_eq!(rolling[6].train, (70..90).collect::<Vec<_>>());
        assert_eq!(expanding[6].train, (0..90).collect::<Vec<_>>());
        let none = Windows { train: None, test: 50, first: 60, embargo: 0 };
        assert!(windows(&spans(100, 0), none).is_err());
    }

    #[test]
    fn a_scaler_knows_what_it_was_fitted_on() {
        let rows = [vec![1.0, 5.0], vec![3.0, 5.0]];
        let scaler = Scaler::fit(rows.iter().map(Vec::as_slice)).expect("rows");
        let mut row = [5.0, 5.0];
        scaler.apply(&mut row);
        assert_eq!(row, [3.0, 0.0]);
        assert!(Scaler::fit([[f64::NAN].as_slice()].into_iter()).is_err());
    }

    proptest! {
        #[test]
        fn nothing_trained_on_touches_the_test(
            n in 20..120_usize,
            label in 0..80_u64,
            embargo in 0..60_u64,
            k in 2..6_usize,
        ) {
            let spans = spans(n, label);
            for fold in blocks(&spans, k, embargo).unwrap_or_default() {
                for train in &fold.train {
                    for test in &fold.test {
                        let (a, b) = (spans[*train], spans[*test]);
                        let apart = a.end + embargo < b.begin || a.begin > b.end + embargo;
                        prop_assert!(apart);
                    }
                }
                prop_assert_eq!(fold.train.len() + fold.test.len() + fold.dropped, n);
            }
        }
    }
}
