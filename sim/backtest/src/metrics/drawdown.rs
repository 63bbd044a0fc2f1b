//! How far the equity has been below what it had been.

use tercel_types::Nanos;

/// The worst of an equity curve.
#[derive(Clone, Copy, PartialEq, Default, Debug, serde::Serialize)]
pub struct Drawdown {
    /// Most that the equity was below its highest value so far, dollars. The curve begins at zero,
    /// so that a loss from the start counts.
    pub dollars: f64,
    /// The longest time below the highest value so far, seconds; one that lasts to the end counts
    /// up to it.
    pub longest_s: f64,
}

/// Drawdown after each point of a curve of dollars: highest so far, at least zero, − equity.
pub fn below_peak(equity: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
    let mut peak = 0.0_f64;
    equity.map(move |equity| {
        peak = peak.max(equity);
        peak - equity
    })
}

/// The worst of a curve of times and dollars.
pub fn drawdown(curve: &[(Nanos, f64)]) -> Drawdown {
    let mut worst = Drawdown::default();
    let mut at_peak = curve.first().map_or(Nanos(0), |(time, _)| *time);
    for ((time, _), below) in curve.iter().zip(below_peak(curve.iter().map(|point| point.1))) {
        if below > 0.0 {
            worst.dollars = worst.dollars.max(below);
            worst.longest_s = worst.longest_s.max(time.since(at_peak).0 as f64 / 1e9);
        } else {
            at_peak = *time;
        }
    }
    worst
}

/// Calmar ratio: what a year at this pace would earn / the worst drawdown (Young 1991). `None`
/// without a drawdown or without time.
pub fn calmar(dollars: f64, seconds: f64, worst: f64, year_s: f64) -> Option<f64> {
    let ratio = dollars * (year_s / seconds) / worst;
    Some(ratio).filter(|ratio| seconds > 0.0 && worst > 0.0 && ratio.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        let curve = [(0, 1.0), (10, 3.0), (20, -1.0), (30, 2.0), (50, 4.0), (60, 3.0)];
        let curve = curve.map(|(s, dollars)| (Nanos::from_secs(s), dollars));
        // Below 3 since 10 s until 30 s, which is the last point that is below.
        assert_eq!(drawdown(&curve), Drawdown { dollars: 4.0, longest_s: 20.0 });
        assert_eq!(calmar(2.0, 10.0, 4.0, 100.0), Some(5.0));
        assert_eq!(calmar(2.0, 10.0, 0.0, 100.0), None);
        assert_eq!(calmar(2.0, 0.0, 1.0, 100.0), None);
        assert_eq!(drawdown(&[]), Drawdown::default());
    }

    proptest! {
        #[test]
        fn as_every_pair_says(cents in prop::collection::vec(-500_i64..500, 1..50)) {
            let curve: Vec<_> = cents.iter().enumerate()
                .map(|(at, cents)| (Nanos::from_secs(at as u64), *cents as f64)).collect();
            let mut worst = 0;
            for (at, low) in cents.iter().enumerate() {
                let high = cents[..=at].iter().copied().max().unwrap_or(0).max(0);
                worst = worst.max(high - low);
            }
            prop_assert_eq!(drawdown(&curve).dollars, worst as f64);
        }
    }
}
