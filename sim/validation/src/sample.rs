//! What a list of numbers is like.

use crate::error::{Result, check};

/// Mean and moments of numbers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Moments {
    /// How many.
    pub count: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation, with one degree of freedom taken off.
    pub deviation: f64,
    /// Third standardised moment; 0 for a normal distribution and for constant numbers.
    pub skewness: f64,
    /// Fourth standardised moment; 3 for a normal distribution and for constant numbers.
    pub kurtosis: f64,
}

impl Moments {
    /// Of at least two finite numbers.
    pub fn of(numbers: &[f64]) -> Result<Moments> {
        check("numbers", numbers, 2)?;
        let count = numbers.len();
        let n = count as f64;
        let mean = mean(numbers);
        let moment = |power: i32| numbers.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / n;
        let second = moment(2);
        let deviation = (second * n / (n - 1.0)).sqrt();
        // What rounding leaves of equal numbers is no spread.
        let constant = second.sqrt() <= 1e-14 * mean.abs();
        let (skewness, kurtosis) = if constant {
            (0.0, 3.0)
        } else {
            (moment(3) / second.powf(1.5), moment(4) / (second * second))
        };
        let deviation = if constant { 0.0 } else { deviation };
        Ok(Moments { count, mean, deviation, skewness, kurtosis })
    }
}

/// Arithmetic mean; 0 of none.
pub fn mean(numbers: &[f64]) -> f64 {
    if numbers.is_empty() { 0.0 } else { numbers.iter().sum::<f64>() / numbers.len() as f64 }
}

/// Inter-quartile mean: of the middle half of the numbers. Where a quarter is not a whole number of
/// them, the outermost count in part. Agarwal, Schwarzer, Castro, Courville and Bellemare, "Deep
/// reinforcement learning at the edge of the statistical precipice" (NeurIPS 2021).
pub fn interquartile_mean(numbers: &[f64]) -> Result<f64> {
    check("numbers", numbers, 1)?;
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    Ok(middle(&sorted))
}

/// The same of numbers that are sorted, and finite, and at least one.
pub(crate) fn middle(sorted: &[f64]) -> f64 {
    let n = sorted.len() as f64;
    let (low, high) = (0.25 * n, 0.75 * n);
    let share = |at: usize| (high.min(at as f64 + 1.0) - low.max(at as f64)).max(0.0);
    sorted.iter().enumerate().map(|(at, x)| share(at) * x).sum::<f64>() / (high - low)
}

/// The number below which the share `at` (0 to 1) of sorted numbers lies, straight between
/// neighbours (type 7 of Hyndman and Fan 1996).
///
/// # Panics
/// If there are none.
pub fn percentile(sorted: &[f64], at: f64) -> f64 {
    let place = at.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = place.floor();
    let low = sorted[below as usize];
    let high = sorted[(below as usize + 1).min(sorted.len() - 1)];
    low + (place - below) * (high - low)
}

/// Correlation of two lists of one length; 0 where one of them is constant.
pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut both, mut own_a, mut own_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        both += (a - mean_a) * (b - mean_b);
        own_a += (a - mean_a).powi(2);
        own_b += (b - mean_b).powi(2);
    }
    let scale = (own_a * own_b).sqrt();
    if scale > 0.0 { both / scale } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let m = Moments::of(&[1.0, 2.0, 3.0, 6.0]).expect("numbers");
        assert_eq!(m.mean, 3.0);
        assert!((m.deviation - (14.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert!((m.skewness - 4.5 / 3.5_f64.powf(1.5)).abs() < 1e-12, "{m:?}");
        assert!((m.kurtosis - (16.0 + 1.0 + 81.0) / 4.0 / 3.5_f64.powi(2)).abs() < 1e-12);
        let flat = Moments::of(&[0.1; 7]).expect("numbers");
        assert_eq!((flat.deviation, flat.skewness, flat.kurtosis), (0.0, 0.0, 3.0));
        // Of eight, the middle four; of three, half of the outer ones' middle parts.
        let eight = [8.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 100.0];
        assert_eq!(interquartile_mean(&eight).expect("numbers"), 4.5);
        let three = interquartile_mean(&[0.0, 1.0, 5.0]).expect("numbers");
        assert!((three - (0.25 * 0.0 + 1.0 + 0.25 * 5.0) / 1.5).abs() < 1e-15);
        assert_eq!(percentile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert!((correlation(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]) - 1.0).abs() < 1e-15);
        assert_eq!(correlation(&[1.0, 1.0], &[2.0, 4.0]), 0.0);
        assert!(Moments::of(&[1.0]).is_err() && interquartile_mean(&[f64::NAN]).is_err());
    }
}
