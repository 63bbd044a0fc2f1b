//! Scaling, choice of a penalty, ridge regression.

use super::{Desk, Plant};
use tercel_validation::{Fold, Row, Scaler, correlation};

/// Penalties to choose from.
const PENALTIES: [f64; 4] = [0.1, 3.0, 100.0, 3_000.0];

impl Desk {
    pub(super) fn scaler(&self, rows: &[Row], fold: &Fold) -> Scaler {
        let mut fitted = fold.train.clone();
        if self.has(Plant::ScalerOnAll) {
            fitted.extend(&fold.test);
        }
        Scaler::fit(fitted.iter().map(|row| &rows[*row].features[..])).expect("a training set")
    }

    /// The penalty, and from which feature on they are used.
    pub(super) fn choice(&self, rows: &[Row], labels: &[f64], fold: &Fold) -> [f64; 2] {
        let scaled = self.scaled(rows, fold);
        // On the last fifth of the training set, after a gap as between training and test.
        let inner = fold.train.len() * 4 / 5;
        let gap = inner.saturating_sub(60);
        let on_test = self.has(Plant::PenaltyOnTest) || self.has(Plant::SeedOnTest);
        let fitted = if on_test { &fold.train[..] } else { &fold.train[..gap] };
        let judged = if on_test { &fold.test } else { &fold.train[inner..] };
        let score = |penalty: f64| {
            let weights = ridge(&scaled, labels, fitted, penalty);
            let predicted: Vec<f64> = judged.iter().map(|at| dot(&weights, &scaled[*at])).collect();
            let truth: Vec<f64> = judged.iter().map(|at| labels[*at]).collect();
            -predicted.iter().zip(&truth).map(|(a, b)| (a - b).powi(2)).sum::<f64>()
        };
        let best = |of: &[f64]| {
            of.iter().copied().max_by(|a, b| score(*a).total_cmp(&score(*b))).expect("penalties")
        };
        let penalty = if self.has(Plant::SeedOnTest) {
            let seeds: Vec<f64> = (0..20).map(|seed| 0.5 + 7.3 * f64::from(seed)).collect();
            best(&seeds)
        } else {
            best(&PENALTIES)
        };
        // The feature with the largest correlation.
        let mut looked = fold.train.clone();
        if self.has(Plant::FeaturesOnAll) {
            looked.extend(&fold.test);
        }
        let truth: Vec<f64> = looked.iter().map(|row| labels[*row]).collect();
        let strength = |feature: usize| {
            let column: Vec<f64> = looked.iter().map(|row| scaled[*row][feature]).collect();
            correlation(&column, &truth).abs()
        };
        let width = scaled[0].len();
        let order = (0..width).max_by(|a, b| strength(*a).total_cmp(&strength(*b)));
        let strongest = order.expect("features");
        let told =
            if self.has(Plant::FeaturesOnAll) { strength(strongest) } else { strongest as f64 };
        [penalty, told]
    }

    fn scaled(&self, rows: &[Row], fold: &Fold) -> Vec<Vec<f64>> {
        let scaler = self.scaler(rows, fold);
        let scale = |row: &Row| {
            let mut features = row.features.clone();
            scaler.apply(&mut features);
            features
        };
        rows.iter().map(scale).collect()
    }

    pub(super) fn predicted(&self, rows: &[Row], labels: &[f64], fold: &Fold) -> Vec<f64> {
        let scaled = self.scaled(rows, fold);
        if self.has(Plant::Memory) {
            // The nearest neighbour of the training set, which has the test set in it.
            let nearest = |row: &usize| {
                let far = |at: &usize| -> f64 {
                    let pairs = scaled[*at].iter().zip(&scaled[*row]);
                    pairs.map(|(a, b)| (a - b).powi(2)).sum()
                };
                let near = fold.train.iter().min_by(|a, b| far(a).total_cmp(&far(b)));
                labels[*near.expect("a training set")]
            };
            return fold.test.iter().map(nearest).collect();
        }
        let mut fitted = fold.train.clone();
        if self.has(Plant::FittedOnTest) {
            fitted.extend(&fold.test);
        }
        let [penalty, _] = self.choice(rows, labels, fold);
        let weights = ridge(&scaled, labels, &fitted, penalty);
        let mut predicted: Vec<f64> =
            fold.test.iter().map(|row| dot(&weights, &scaled[*row])).collect();
        if self.has(Plant::StoppedOnTest) {
            // As many steps as are best on the test set: here, a shrinkage.
            let loss = |share: f64| -> f64 {
                let pairs = predicted.iter().zip(&fold.test);
                pairs.map(|(p, row)| (share * p - labels[*row]).powi(2)).sum()
            };
            let steps = (1..=20).map(|at| f64::from(at) / 20.0);
            let share = steps.min_by(|a, b| loss(*a).total_cmp(&loss(*b))).expect("steps");
            predicted.iter_mut().for_each(|p| *p *= share);
        }
        if self.has(Plant::RankedInTest) {
            let all = predicted.clone();
            let rank = |p: f64| all.iter().filter(|other| **other < p).count() as f64;
            predicted.iter_mut().for_each(|p| *p = rank(*p) / all.len() as f64 - 0.5);
        }
        predicted
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Weights of least squares with a penalty, by Gauss's elimination.
fn ridge(rows: &[Vec<f64>], labels: &[f64], fitted: &[usize], penalty: f64) -> Vec<f64> {
    let width = rows[0].len();
    let mut system = vec![vec![0.0; width + 1]; width];
    for at in fitted {
        for (i, line) in system.iter_mut().enumerate() {
            for (j, sum) in line[..width].iter_mut().enumerate() {
                *sum += rows[*at][i] * rows[*at][j];
            }
            line[width] += rows[*at][i] * labels[*at];
        }
    }
    for (i, line) in system.iter_mut().enumerate() {
        line[i] += penalty;
    }
    for i in 0..width {
        let pivot = system[i].clone();
        for (other, line) in system.iter_mut().enumerate() {
            if other != i {
                let factor = line[i] / pivot[i];
                line.iter_mut().zip(&pivot).for_each(|(x, p)| *x -= factor * p);
            }
        }
    }
    (0..width).map(|i| system[i][width] / system[i][i]).collect()
}
