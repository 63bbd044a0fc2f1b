//! Scaling, choice and prediction: what of them changes with the test set.

use super::{Audit, Findings, Leak, Pipeline, Row, Samples};
use crate::Fold;
use crate::draw::Draw;
use crate::sample::correlation;

/// Times that labels are shuffled.
const SHUFFLES: usize = 5;

/// Standard errors beyond which labels by lot count as predicted: one false alarm in some 30,000.
const STRIKING: f64 = 4.0;

pub(super) fn check(
    audit: &Audit,
    pipeline: &dyn Pipeline,
    samples: &Samples,
    folds: &[Fold],
    findings: &mut Findings,
) {
    let rows = &samples.rows;
    let values = samples.values();
    for (at, fold) in folds.iter().enumerate() {
        let predicted = pipeline.predict(rows, &values, fold);
        if predicted.len() != fold.test.len() || predicted.iter().any(|x| !x.is_finite()) {
            findings.add(Leak::NotFinite, || format!("predictions of fold {at}"));
            return;
        }
        if pipeline.predict(rows, &values, fold) != predicted {
            findings.add(Leak::Nondeterministic, || format!("predictions of fold {at}"));
            return;
        }
        let mut draw = Draw::new(audit.seed ^ at as u64);
        let others = other_labels(&values, fold, &predicted, &mut draw);
        let all_moved = moved(rows, &fold.test, fold);
        if pipeline.scaling(&all_moved, fold) != pipeline.scaling(rows, fold) {
            findings.add(Leak::Scaling, || format!("fold {at}: with features of the test set"));
        }
        let chosen = pipeline.chosen(rows, &values, fold);
        if others.iter().any(|labels| pipeline.chosen(rows, labels, fold) != chosen)
            || pipeline.chosen(&all_moved, &values, fold) != chosen
        {
            findings.add(Leak::Choice, || format!("fold {at}: {chosen:?} by the test set"));
        }
        if others.iter().any(|labels| pipeline.predict(rows, labels, fold) != predicted) {
            findings.add(Leak::TestLabels, || format!("predictions of fold {at}"));
        }
        // One half of the test set is moved; what is predicted of the other half must stay.
        let (half, rest) = fold.test.split_at(fold.test.len() / 2);
        for (some, others) in [(half, half.len()..fold.test.len()), (rest, 0..half.len())] {
            let again = pipeline.predict(&moved(rows, some, fold), &values, fold);
            if again.get(others.clone()) != predicted.get(others) {
                findings.add(Leak::TestFeatures, || format!("predictions of fold {at}"));
            }
        }
    }
    shuffled(audit, pipeline, samples, folds, findings);
}

/// Other labels of the test set, of rows that are not also trained on: by lot and turned; as
/// predicted, only far more so; and the opposite. What is chosen by the test set cannot be best for
/// all of them.
fn other_labels(values: &[f64], fold: &Fold, predicted: &[f64], draw: &mut Draw) -> [Vec<f64>; 3] {
    let places: Vec<(usize, f64)> = fold
        .test
        .iter()
        .copied()
        .zip(predicted.iter().copied())
        .filter(|(row, _)| !fold.train.contains(row))
        .collect();
    let mut lots: Vec<usize> = places.iter().map(|(row, _)| *row).collect();
    draw.shuffle(&mut lots);
    let mut all = [values.to_vec(), values.to_vec(), values.to_vec()];
    for ((to, prediction), from) in places.into_iter().zip(lots) {
        all[0][to] = -3.0 * values[from] + 1.0;
        all[1][to] = 10.0 * prediction;
        all[2][to] = -10.0 * prediction;
    }
    all
}

/// Features of some rows moved far away, those that are not also trained on.
fn moved(rows: &[Row], some: &[usize], fold: &Fold) -> Vec<Row> {
    let mut changed = rows.to_vec();
    for row in some.iter().filter(|row| !fold.train.contains(row)) {
        changed[*row].features.iter_mut().for_each(|x| *x = 5.0 * *x + 100.0);
    }
    changed
}

/// Out of the sample, labels by lot cannot be predicted.
fn shuffled(
    audit: &Audit,
    pipeline: &dyn Pipeline,
    samples: &Samples,
    folds: &[Fold],
    findings: &mut Findings,
) {
    let mut draw = Draw::new(audit.seed ^ 0x5eed);
    let (mut sum, mut counted) = (0.0, 0.0);
    for _ in 0..SHUFFLES {
        let mut labels = samples.values();
        draw.shuffle(&mut labels);
        for fold in folds {
            let predicted = pipeline.predict(&samples.rows, &labels, fold);
            let truth: Vec<f64> = fold.test.iter().map(|row| labels[*row]).collect();
            let n = truth.len() as f64;
            // Under lots the correlation has mean 0 and variance 1/(n − 1), whatever is predicted.
            sum += correlation(&predicted, &truth) * (n - 1.0);
            counted += n - 1.0;
        }
    }
    let errors = sum / f64::max(counted, 1.0).sqrt();
    if errors.abs() > STRIKING {
        findings.add(Leak::ShuffledLabels, || {
            format!("labels by lot are predicted, {errors:.1} standard errors from chance")
        });
    }
}
