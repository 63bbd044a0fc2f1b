//! The normal distribution.

use std::f64::consts::PI;

/// Euler and Mascheroni's constant.
pub(crate) const EULER: f64 = 0.577_215_664_901_532_9;

/// Density of the standard normal distribution.
pub fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// Distribution function of the standard normal, to 1e-15: the series of Marsaglia, "Evaluating the
/// normal distribution" (Journal of Statistical Software 11, 2004), and Laplace's continued
/// fraction in the tails, where the series would lose the leading digits.
pub fn cumulative(x: f64) -> f64 {
    if x.is_nan() {
        return f64::NAN;
    }
    if x.abs() > 5.0 {
        let below = tail(x.abs());
        return if x > 0.0 { 1.0 - below } else { below };
    }
    let (mut sum, mut term, mut at) = (x, x, 1.0);
    loop {
        at += 2.0;
        term *= x * x / at;
        let next = sum + term;
        if next == sum {
            return (0.5 + sum * density(x)).clamp(0.0, 1.0);
        }
        sum = next;
    }
}

/// Probability above `x`, which is above 5.
fn tail(x: f64) -> f64 {
    if x > 40.0 {
        return 0.0;
    }
    let fraction = (1..=60).rev().fold(x, |below, at| x + f64::from(at) / below);
    density(x) / fraction
}

/// The number below which the share `p` of a standard normal lies: Acklam's approximation (2003,
/// relative error 1.15e-9) and one step of Halley's method. Minus or plus infinity at 0 and 1, not
/// a number outside of them.
pub fn quantile(p: f64) -> f64 {
    if p == 0.0 || p == 1.0 {
        return if p == 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let x = rough(p);
    // The distribution at x less p, from the side on which both are small.
    let error = if x > 0.0 { (1.0 - p) - cumulative(-x) } else { cumulative(x) - p };
    let step = error * (2.0 * PI).sqrt() * (0.5 * x * x).exp();
    let better = x - step / (1.0 + 0.5 * x * step);
    if better.is_finite() { better } else { x }
}

fn rough(p: f64) -> f64 {
    let poly = |at: f64, of: &[f64]| of.iter().fold(0.0, |sum, c| sum * at + c);
    let c = [
        -7.784894002430293e-3,
        -0.3223964580411365,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    let d = [7.784695709041462e-3, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1.0];
    const LOW: f64 = 0.02425;
    if p < LOW {
        let q = (-2.0 * p.ln()).sqrt();
        return poly(q, &c) / poly(q, &d);
    }
    if p > 1.0 - LOW {
        let q = (-2.0 * (1.0 - p).ln()).sqrt();
        return -poly(q, &c) / poly(q, &d);
    }
    let a = [
        -39.69683028665376,
        220.9460984245205,
        -275.9285104469687,
        138.357751867269,
        -30.66479806614716,
        2.506628277459239,
    ];
    let b = [
        -54.47609879822406,
        161.5858368580409,
        -155.6989798598866,
        66.80131188771972,
        -13.28068155288572,
        1.0,
    ];
    let q = p - 0.5;
    q * poly(q * q, &a) / poly(q * q, &b)
}

/// Probability beyond ±`z`, both sides.
pub fn two_sided(z: f64) -> f64 {
    (2.0 * cumulative(-z.abs())).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables() {
        for (x, p) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_543),
            (1.96, 0.975_002_104_851_78),
            (-3.0, 1.349_898_031_630_095e-3),
            (-6.0, 9.865_876_450_376_98e-10),
            (-10.0, 7.619_853_024_160_527e-24),
        ] {
            assert!((cumulative(x) / p - 1.0).abs() < 1e-12, "{x}: {}", cumulative(x));
            assert!((quantile(p) - x).abs() < 1e-9, "{p}: {}", quantile(p));
        }
        assert_eq!(quantile(0.0), f64::NEG_INFINITY);
        assert!(quantile(1.5).is_nan());
        assert!((two_sided(1.96) - 0.05).abs() < 1e-4);
        for at in 1..1_000 {
            let p = f64::from(at) / 1_000.0;
            assert!((cumulative(quantile(p)) - p).abs() < 1e-14, "{p}");
        }
    }
}
