//! Exponential, logarithm and cosine out of `+ − × /` and bits alone. The platform's own differ in
//! the last bit from one library to the next, and cannot be vectorised; these give the same bits on
//! every machine. Coefficients are those of Moshier's Cephes (`expf`, `logf`); relative error
//! below 3e-7. Polynomials are added up in pairs (Estrin's scheme), which shortens the chain of
//! operations that wait for each other.

/// Adding and taking away 1.5 × 2^23 rounds to a whole number.
const ROUND: f32 = 12_582_912.0;

/// e to the `x`; below −87 as at −87, above 88 as at 88, and not a number as at −87.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = if x > -87.0 { x } else { -87.0 };
    let x = if x < 88.0 { x } else { 88.0 };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let square = r * r;
    let high = (1.987_569_1e-4 * r + 1.398_199_9e-3) * square + (8.333_452e-3 * r + 4.166_579_6e-2);
    let mantissa = (high * square + (0.166_666_66 * r + 0.5)) * square + (r + 1.0);
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127);
    mantissa * f32::from_bits(exponent << 23)
}

/// Natural logarithm of a normal number above zero; of anything else a finite number without
/// meaning.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    // The bits of sqrt(1/2): the mantissa then lies in [sqrt(1/2), sqrt(2)).
    const HALF_ROOT: u32 = 0x3f35_04f3;
    let shifted = x.to_bits().wrapping_sub(HALF_ROOT);
    let e = ((shifted as i32) >> 23) as f32;
    let m = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(HALF_ROOT)) - 1.0;
    let z = m * m;
    let four = z * z;
    let high = (7.037_683_6e-2 * m - 0.115_146_1) * z + (0.116_769_98 * m - 0.124_201_41);
    let low = (0.142_493_23 * m - 0.166_680_57) * z + (0.200_007_15 * m - 0.249_999_94);
    // Of degree 8: `high` times m⁵, `low` times m, and the constant.
    let p = (high * four + low) * m + 0.333_333_3;
    let y = p * m * z + e * -2.121_944_4e-4 - 0.5 * z;
    m + y + e * 0.693_359_4
}

/// Cosine of so many turns, from 0 to 1.
#[inline(always)]
pub fn cos_turns(turns: f32) -> f32 {
    // cos 2πt = −cos 2π(t − 1/2) = 1 − 2 cos² π(t − 1/2), and the last by its series.
    let x = (turns - 0.5) * std::f32::consts::PI;
    let z = x * x;
    let square = z * z;
    let high = 2.087_675_7e-9 * square + (-2.755_732e-7 * z + 2.480_158_7e-5);
    let low = (-1.388_888_9e-3 * z + 4.166_666_8e-2) * square + (-0.5 * z + 1.0);
    let p = high * (square * square) + low;
    1.0 - 2.0 * p * p
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_the_platforms() {
        for at in -8_700..8_800 {
            let x = at as f32 / 100.0;
            let (ours, theirs) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((ours / theirs - 1.0).abs() < 3e-7, "exp {x}: {ours} {theirs}");
        }
        let mut x = 1e-30_f32;
        while x < 1e30 {
            let (ours, theirs) = (f64::from(ln(x)), f64::from(x).ln());
            assert!(
                (ours - theirs).abs() < 3e-7 * theirs.abs().max(1.0),
                "ln {x}: {ours} {theirs}"
            );
            x *= 1.013;
        }
        for at in 0..=1_000 {
            let t = at as f32 / 1_000.0;
            let theirs = (f64::from(t) * std::f64::consts::TAU).cos();
            assert!((f64::from(cos_turns(t)) - theirs).abs() < 1e-6, "cos {t}");
        }
    }

    #[test]
    fn out_of_range_is_finite() {
        for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30] {
            assert!(exp(x).is_finite(), "{x}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(ln(1.0), 0.0);
    }
}
