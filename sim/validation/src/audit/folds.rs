//! Folds: what is trained on beside what is tested on.

use super::{Audit, Findings, Leak, Samples};
use crate::{Fold, Span};
use std::collections::{HashMap, HashSet};

/// Checks the folds; whether they can be used at all.
pub(super) fn check(
    audit: &Audit,
    samples: &Samples,
    folds: &[Fold],
    findings: &mut Findings,
) -> bool {
    let spans = samples.spans();
    let exists = |fold: &Fold| {
        let all = fold.train.iter().chain(&fold.test);
        !fold.train.is_empty()
            && !fold.test.is_empty()
            && all.into_iter().all(|at| *at < spans.len())
    };
    if folds.is_empty() || !folds.iter().all(exists) {
        findings.add(Leak::BadFold, || "a fold is empty, or of rows that do not exist".into());
        return false;
    }
    let mut tested: HashSet<usize> = HashSet::new();
    for (at, fold) in folds.iter().enumerate() {
        let own: HashSet<usize> = fold.test.iter().copied().collect();
        if own.len() < fold.test.len() || own.iter().any(|row| tested.contains(row)) {
            findings.add(Leak::TestedTwice, || format!("rows of fold {at}"));
        }
        tested.extend(own.iter().copied());
        if let Some(row) = fold.train.iter().find(|row| own.contains(row)) {
            findings.add(Leak::Overlap, || format!("row {row} of fold {at} is in both"));
        }
        gaps(audit, &spans, (at, fold), &own, findings);
        duplicates(samples, (at, fold), &own, findings);
    }
    true
}

/// Purge and embargo: the training set against each stretch of the test set that has nothing of
/// other rows in between.
fn gaps(
    audit: &Audit,
    spans: &[Span],
    (at, fold): (usize, &Fold),
    own: &HashSet<usize>,
    findings: &mut Findings,
) {
    let trained = || fold.train.iter().filter(|row| !own.contains(row)).map(|row| spans[*row]);
    for (begin, end) in stretches(spans, &fold.test) {
        for span in trained() {
            if span.begin <= end && span.end >= begin {
                findings.add(Leak::Purge, || {
                    let Span { begin: from, end: to } = span;
                    format!(
                        "fold {at}: {from} to {to} is trained on, {begin} to {end} is tested on"
                    )
                });
            } else {
                let apart = if span.end < begin { begin - span.end } else { span.begin - end };
                if apart < audit.embargo {
                    findings.add(Leak::Embargo, || {
                        format!("fold {at}: {apart} ns apart, at least {}", audit.embargo)
                    });
                }
            }
            if audit.forward && span.begin > end {
                findings.add(Leak::TrainedOnLater, || format!("fold {at}: after {end}"));
            }
        }
    }
}

/// First and last moment of each run of neighbouring rows.
fn stretches(spans: &[Span], test: &[usize]) -> Vec<(u64, u64)> {
    let mut rows = test.to_vec();
    rows.sort_unstable();
    let mut found: Vec<(usize, u64, u64)> = Vec::new();
    for row in rows {
        let Span { begin, end } = spans[row];
        match found.last_mut() {
            Some((last, from, to)) if row <= *last + 1 => {
                *last = row;
                *from = (*from).min(begin);
                *to = (*to).max(end);
            }
            _ => found.push((row, begin, end)),
        }
    }
    found.into_iter().map(|(_, begin, end)| (begin, end)).collect()
}

/// Share of a test set that may by chance look like a training row: features of few values do.
const DUPLICATES: f64 = 0.02;

fn duplicates(
    samples: &Samples,
    (at, fold): (usize, &Fold),
    own: &HashSet<usize>,
    findings: &mut Findings,
) {
    let key = |row: usize| -> Vec<u64> {
        let sample = &samples.rows[row];
        let features = sample.features.iter().map(|x| x.to_bits());
        features
            .chain([samples.labels[row].value.to_bits(), u64::from(sample.instrument)])
            .collect()
    };
    let mut trained: HashMap<Vec<u64>, usize> = HashMap::new();
    for row in fold.train.iter().filter(|row| !own.contains(row)) {
        trained.insert(key(*row), *row);
    }
    let twins: Vec<usize> =
        fold.test.iter().copied().filter(|row| trained.contains_key(&key(*row))).collect();
    if twins.len() as f64 > (DUPLICATES * fold.test.len() as f64).max(1.0) {
        findings.add(Leak::Duplicate, || {
            format!("fold {at}: {} of {} tested rows are trained on", twins.len(), fold.test.len())
        });
    }
}
