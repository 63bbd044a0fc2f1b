//! Whether the market's features are still distributed as they were: the population stability
//! index, Σ (p − q) ln(p/q) over bins (Siddiqi 2006, "Credit Risk Scorecards", §9; it is the
//! symmetrised Kullback–Leibler divergence).
//!
//! A manifest has the mean and the spread of each feature in training and no histogram. So the bins
//! are the deciles of a normal distribution with that mean and spread, and what is expected in each
//! is counted over the first window of samples, for a challenger while it stands in shadow;
//! features are far from normal, and a tenth in each bin would be a false alarm from the start. A
//! strategy without a normalisation takes means and spreads from one window more. Features of our
//! own orders and position are left out: they change with the policy.
//!
//! Below 0.1 a distribution is taken to be the same, above 0.25 to have shifted. Over n samples in
//! each window that are independent the index is 9·2/n on average where nothing has changed, and
//! more where samples follow each other closely.

use crate::artifact::Normalisation;
use crate::features::{FEATURE_COUNT, Features};

/// Features of the market: all before `inventory`.
pub const MARKET_FEATURES: usize = 31;

const BINS: usize = 10;

/// Deciles of the standard normal distribution.
const DECILES: [f32; BINS - 1] = [
    -1.281_551_6,
    -0.841_621_2,
    -0.524_400_5,
    -0.253_347_1,
    0.0,
    0.253_347_1,
    0.524_400_5,
    0.841_621_2,
    1.281_551_6,
];

type Counts = [[u32; BINS]; MARKET_FEATURES];

/// The index over one window.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Psi {
    /// Its mean over the features.
    pub mean: f64,
    /// Of the feature that has moved most.
    pub worst: f64,
    /// Which that is, a place in [`crate::FEATURE_NAMES`].
    pub feature: usize,
}

/// The watch over one strategy's features. 6 KiB; a sample costs ten comparisons a feature.
#[derive(Clone, Debug)]
pub struct Drift {
    /// As in training.
    training: Option<Box<Normalisation>>,
    /// Without it: sums that means and spreads are made of, then mean and one over the spread.
    learnt: Box<[[f64; 2]; MARKET_FEATURES]>,
    learning: bool,
    reference: Counts,
    current: Counts,
    has_reference: bool,
    seen: u32,
    window: u32,
    last: Option<Psi>,
}

impl Drift {
    /// A watch with windows of `window` samples, over features as the training had them if that is
    /// known. Allocates nothing after this.
    pub fn new(training: Option<&Normalisation>, window: u32) -> Drift {
        Drift {
            training: training.cloned().map(Box::new),
            learnt: Box::new([[0.0; 2]; MARKET_FEATURES]),
            learning: training.is_none(),
            reference: [[0; BINS]; MARKET_FEATURES],
            current: [[0; BINS]; MARKET_FEATURES],
            has_reference: false,
            seen: 0,
            window: window.max(1),
            last: None,
        }
    }

    /// The index over the last whole window; `None` before there was one besides the reference.
    pub fn last(&self) -> Option<Psi> {
        self.last
    }

    /// One sample; the index at the end of a window.
    pub fn observe(&mut self, features: &Features) -> Option<Psi> {
        self.seen += 1;
        let ends = self.seen >= self.window;
        if self.learning {
            for (sum, value) in self.learnt.iter_mut().zip(features) {
                let value = f64::from(*value);
                *sum = [sum[0] + value, sum[1] + value * value];
            }
            if ends {
                self.learn();
            }
            return None;
        }
        let mut scaled = [0.0; FEATURE_COUNT];
        match &self.training {
            Some(normalisation) => normalisation.apply(features, &mut scaled),
            None => {
                let pairs = features.iter().zip(self.learnt.iter());
                for (out, (value, [mean, scale])) in scaled.iter_mut().zip(pairs) {
                    *out = ((f64::from(*value) - mean) * scale) as f32;
                }
            }
        }
        for (counts, value) in self.current.iter_mut().zip(scaled) {
            counts[DECILES.iter().filter(|decile| value > **decile).count()] += 1;
        }
        if !ends {
            return None;
        }
        self.seen = 0;
        let full = core::mem::replace(&mut self.current, [[0; BINS]; MARKET_FEATURES]);
        if !self.has_reference {
            self.has_reference = true;
            self.reference = full;
            return None;
        }
        self.last = Some(index(&self.reference, &full, f64::from(self.window)));
        self.last
    }

    /// From sums over the window to means and spreads, in the same place.
    fn learn(&mut self) {
        let count = f64::from(self.seen);
        for sum in self.learnt.iter_mut() {
            let mean = sum[0] / count;
            let spread = (sum[1] / count - mean * mean).max(0.0).sqrt();
            *sum = [mean, if spread > 1e-9 { 1.0 / spread } else { 0.0 }];
        }
        self.seen = 0;
        self.learning = false;
    }
}

/// The index between two windows of `count` samples. An empty bin counts as half a sample.
fn index(reference: &Counts, current: &Counts, count: f64) -> Psi {
    let mut psi = Psi::default();
    for (feature, (expected, found)) in reference.iter().zip(current).enumerate() {
        let share = |n: &u32| f64::from(*n).max(0.5) / count;
        let pairs = expected.iter().map(share).zip(found.iter().map(share));
        let value: f64 = pairs.map(|(q, p)| (p - q) * ln(p / q)).sum();
        psi.mean += value / MARKET_FEATURES as f64;
        if value > psi.worst {
            psi = Psi { worst: value, feature, ..psi };
        }
    }
    psi
}

/// The natural logarithm of a normal number above zero, to 1e−12: 2 artanh((m − 1)/(m + 1)) of the
/// fraction m in [√½, √2), by its series. Every machine gets the same bits.
fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i64 - 1_023;
    let mut fraction = f64::from_bits(bits & ((1 << 52) - 1) | 1_023 << 52);
    if fraction > core::f64::consts::SQRT_2 {
        fraction *= 0.5;
        exponent += 1;
    }
    let s = (fraction - 1.0) / (fraction + 1.0);
    let square = s * s;
    let series = (0..9).rev().fold(0.0, |sum, k| sum * square + 1.0 / f64::from(2 * k + 1));
    2.0 * s * series + exponent as f64 * core::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::FEATURE_NAMES;

    fn sample(at: u32, shift: f32) -> Features {
        core::array::from_fn(|feature| {
            let x = at.wrapping_mul(2_654_435_761).wrapping_add(feature as u32 * 40_503);
            (x.wrapping_mul(2_246_822_519) >> 8) as f32 / (1 << 24) as f32 + shift
        })
    }

    #[test]
    fn the_market_ends_where_our_orders_begin() {
        assert_eq!(FEATURE_NAMES[MARKET_FEATURES], "inventory");
    }

    #[test]
    fn the_logarithm() {
        for x in [1e-6, 0.01, 0.5, 0.7, 1.0, 1.4, 1.5, 2.0, 3.7, 1e9] {
            assert!((ln(x) - f64::ln(x)).abs() < 1e-11, "{x}: {} {}", ln(x), f64::ln(x));
        }
    }

    #[test]
    fn a_shift_shows_and_its_absence_does_not() {
        let normalisation = Normalisation::new([0.5; 40], [0.3; 40], 10.0).unwrap();
        for normalisation in [Some(&normalisation), None] {
            let mut drift = Drift::new(normalisation, 1_000);
            let windows = if normalisation.is_some() { 1 } else { 2 };
            for at in 0..1_000 * windows {
                assert_eq!(drift.observe(&sample(at, 0.0)), None);
            }
            let same = (0..1_000).find_map(|at| drift.observe(&sample(at + 7_000, 0.0)));
            assert!(same.is_some_and(|psi| psi.mean < 0.05), "{same:?}");
            let shifted = (0..1_000).find_map(|at| {
                let mut features = sample(at + 90_000, 0.0);
                features[3] += 0.5;
                drift.observe(&features)
            });
            let shifted = shifted.expect("a window");
            assert_eq!(shifted.feature, 3);
            assert!(shifted.worst > 1.0 && shifted.mean < 0.25, "{shifted:?}");
            assert_eq!(drift.last(), Some(shifted));
        }
    }

    #[test]
    fn what_never_moves_is_no_shift_and_no_nan() {
        let mut drift = Drift::new(None, 50);
        let windows: Vec<Psi> = (0..200).filter_map(|_| drift.observe(&[0.0; 40])).collect();
        assert_eq!(windows, [Psi::default(); 2]);
    }
}
