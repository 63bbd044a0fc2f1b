//! Ratios of what an interval earns to how much that varies.
//!
//! A market maker has no capital that a return could be taken of, so the increments of the equity
//! curve, in dollars, stand for returns: every ratio here is the same whatever they are divided by.
//! Without a risk-free rate, for the same reason.

/// Seconds of a year of an equity market: 252 days of 6.5 hours.
pub const EQUITY_YEAR_S: f64 = 252.0 * 6.5 * 3600.0;

/// Seconds of a year of a market that never closes.
pub const CONTINUOUS_YEAR_S: f64 = 365.0 * 24.0 * 3600.0;

/// Spread of the increments below which they are taken as all the same: what is left of a sum of
/// equal numbers by rounding, as a share of the largest.
const SAME: f64 = 1e-12;

/// Mean of the increments; `None` for none.
pub fn mean(increments: &[f64]) -> Option<f64> {
    let sum: f64 = increments.iter().sum();
    (!increments.is_empty()).then(|| sum / increments.len() as f64).filter(|mean| mean.is_finite())
}

/// Sharpe ratio of one interval, mean / standard deviation with n − 1 (Sharpe 1994, "The Sharpe
/// Ratio"). Of a year it is this times √(intervals in a year), which takes increments to be
/// independent. `None` for fewer than two increments, or where all are the same.
pub fn sharpe(increments: &[f64]) -> Option<f64> {
    let mean = mean(increments)?;
    let squares: f64 = increments.iter().map(|one| (one - mean).powi(2)).sum();
    let deviation = (squares / (increments.len().checked_sub(1)? as f64)).sqrt();
    ratio(mean, deviation, increments)
}

/// Sortino ratio of one interval: mean / √(mean of min(increment, 0)²), the downside deviation from
/// zero over all increments (Sortino and Price 1994). `None` where no increment is negative.
pub fn sortino(increments: &[f64]) -> Option<f64> {
    let mean = mean(increments)?;
    let squares: f64 = increments.iter().map(|one| one.min(0.0).powi(2)).sum();
    ratio(mean, (squares / increments.len() as f64).sqrt(), increments)
}

/// Skewness and kurtosis (3 for a normal distribution) by population moments, which is what the
/// deflated Sharpe ratio takes. `None` where all increments are the same.
pub fn shape(increments: &[f64]) -> Option<(f64, f64)> {
    let mean = mean(increments)?;
    let moment = |power: i32| {
        let sum: f64 = increments.iter().map(|one| (one - mean).powi(power)).sum();
        sum / increments.len() as f64
    };
    let variance = moment(2);
    ratio(1.0, variance.sqrt(), increments)?;
    let shape = (moment(3) / variance.powf(1.5), moment(4) / variance.powi(2));
    (shape.0.is_finite() && shape.1.is_finite()).then_some(shape)
}

/// A ratio of one interval as one of a year.
pub fn annual(ratio: f64, interval_s: f64, year_s: f64) -> Option<f64> {
    let factor = (year_s / interval_s).sqrt();
    Some(ratio * factor).filter(|ratio| interval_s > 0.0 && ratio.is_finite())
}

fn ratio(mean: f64, deviation: f64, increments: &[f64]) -> Option<f64> {
    let largest = increments.iter().fold(0.0_f64, |most, one| most.max(one.abs()));
    let varies = deviation > largest * SAME && deviation > 0.0;
    varies.then(|| mean / deviation).filter(|ratio| ratio.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        let increments = [1.0, 2.0, 3.0, -2.0];
        // Mean 1, squares 0 + 1 + 4 + 9 = 14, deviation √(14/3); downside √(4/4).
        assert!((sharpe(&increments).unwrap() - (3.0_f64 / 14.0).sqrt()).abs() < 1e-15);
        assert!((sortino(&increments).unwrap() - 1.0).abs() < 1e-15);
        assert_eq!(annual(0.5, 4.0, 64.0), Some(2.0));
        // Fourth power of 1, 1, 1, 1 around 0: kurtosis 1, no skew.
        assert_eq!(shape(&[1.0, -1.0, 1.0, -1.0]), Some((0.0, 1.0)));
    }

    #[test]
    fn what_is_not_defined_is_not_a_number() {
        for empty in [&[][..], &[1.0], &[0.1; 7], &[0.0; 3]] {
            assert_eq!(sharpe(empty), None, "{empty:?}");
            assert_eq!(sortino(empty), None, "{empty:?}");
            assert_eq!(shape(empty), None, "{empty:?}");
        }
        assert_eq!(sortino(&[1.0, 2.0]), None);
        assert_eq!(annual(1.0, 0.0, 1.0), None);
    }

    proptest! {
        #[test]
        fn as_the_definition_by_integers(cents in prop::collection::vec(-1000_i64..1000, 2..60)) {
            // n² variance = n Σx² − (Σx)² in integers, without rounding.
            let increments: Vec<f64> = cents.iter().map(|one| *one as f64 / 100.0).collect();
            let n = cents.len() as i64;
            let sum: i64 = cents.iter().sum();
            let spread = n * cents.iter().map(|one| one * one).sum::<i64>() - sum * sum;
            let found = sharpe(&increments);
            prop_assert_eq!(found.is_none(), spread == 0);
            if let Some(found) = found {
                let deviation = (spread as f64 / (n * (n - 1)) as f64).sqrt();
                let wanted = sum as f64 / n as f64 / deviation;
                prop_assert!((found - wanted).abs() <= 1e-9 * (1.0 + wanted.abs()));
            }
            let below: i64 = cents.iter().filter(|one| **one < 0).map(|one| one * one).sum();
            match sortino(&increments) {
                None => prop_assert_eq!(below, 0),
                Some(found) => {
                    let wanted = sum as f64 / n as f64 / (below as f64 / n as f64).sqrt();
                    prop_assert!((found - wanted).abs() <= 1e-9 * (1.0 + wanted.abs()));
                }
            }
        }
    }
}
