//! Exponential forgetting on the injected clock.
//!
//! 2^−x is computed here with nothing but f64 additions and multiplications, which IEEE 754 rounds
//! the same way on every machine; the `exp` of the system's library differs between versions in the
//! last bit, and a replay must not. Cost: one division, one table load and six dependent
//! multiply-adds, about 15 ns.

use tercel_types::Nanos;

/// What time does to a weight: `keep` of the old is left, `gain` = 1 − `keep` belongs to what held
/// meanwhile.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Decay {
    pub(crate) keep: f64,
    pub(crate) gain: f64,
}

/// After as many half-lives nothing is left that a sum could show.
const HALF_LIVES_MAX: f64 = 64.0;

/// Sums below it are zero: subnormal numbers cost a hundred cycles each and mean nothing.
const NOTHING: f64 = 1e-30;

/// 2^(−j/32).
#[rustfmt::skip]
const POWERS: [f64; 32] = [
    1.0, 0.9785720620877001, 0.9576032806985737, 0.93708381705515,
    0.9170040432046712, 0.8973545375015536, 0.8781260801866497, 0.859309649061239,
    0.8408964152537145, 0.8228777390769825, 0.8052451659746271, 0.7879904225539432,
    0.7711054127039704, 0.7545822137967114, 0.7384130729697497, 0.7225904034885233,
    core::f64::consts::FRAC_1_SQRT_2, 0.691954940981916, 0.6771277734684463, 0.6626183215798707,
    0.6484197773255048, 0.6345254785958666, 0.620928906036742, 0.6076236799902345,
    0.5946035575013605, 0.5818624293887887, 0.5693943173783458, 0.5571933712979462,
    0.5452538663326288, 0.5335702003384118, 0.5221368912137069, 0.5109485743270583,
];

impl Decay {
    /// What `elapsed` does at a half-life of `half_life` nanoseconds.
    #[inline]
    pub(crate) fn over(elapsed: Nanos, half_life: f64) -> Decay {
        let x = elapsed.0 as f64 / half_life;
        if x >= HALF_LIVES_MAX {
            return Decay { keep: 0.0, gain: 1.0 };
        }
        let parts = (x * 32.0) as u32; // below 2,048
        let rest = (x - f64::from(parts) / 32.0) * core::f64::consts::LN_2; // below 0.0217
        let lost = lost(rest);
        if parts == 0 {
            // Kept apart, so that a nanosecond is not lost in the rounding of 1 − keep.
            return Decay { keep: 1.0 - lost, gain: lost };
        }
        let halvings = f64::from_bits(u64::from(1023 - parts / 32) << 52);
        let power = POWERS[(parts % 32) as usize] * halvings;
        let keep = power * (1.0 - lost);
        Decay { keep, gain: 1.0 - keep }
    }

    /// [`Decay::over`] of two half-lives, to the bit. Most events follow the last one soon, and
    /// then the two series are the same operations on two numbers, which fit one register: half of
    /// the divisions.
    #[inline]
    pub(crate) fn over_both(elapsed: Nanos, half_lives: [f64; 2]) -> [Decay; 2] {
        let x = half_lives.map(|half_life| elapsed.0 as f64 / half_life);
        if x[0] * 32.0 >= 1.0 || x[1] * 32.0 >= 1.0 {
            return half_lives.map(|half_life| Decay::over(elapsed, half_life));
        }
        x.map(|x| {
            let rest = x * core::f64::consts::LN_2;
            let lost = lost(rest);
            Decay { keep: 1.0 - lost, gain: lost }
        })
    }

    /// What is left of `sum`.
    #[inline]
    pub(crate) fn apply(self, sum: &mut f64) {
        let left = *sum * self.keep;
        *sum = if left.abs() < NOTHING { 0.0 } else { left };
    }
}

/// 1 − e^(−r) for r below 0.0217: the first term left out is r⁷/5040 < 5·10⁻¹⁶.
#[inline(always)]
fn lost(rest: f64) -> f64 {
    let series = 1.0 - rest / 5.0 * (1.0 - rest / 6.0);
    rest * (1.0 - rest / 2.0 * (1.0 - rest / 3.0 * (1.0 - rest / 4.0 * series)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_library() {
        let mut elapsed = 1u64;
        while elapsed < 100_000_000_000 {
            let decay = Decay::over(Nanos(elapsed), 1e9);
            let x = elapsed as f64 / 1e9;
            let (keep, gain) = ((-x).exp2(), -(-x * core::f64::consts::LN_2).exp_m1());
            assert!(
                (decay.keep - keep).abs() <= keep * 1e-14 + 1e-19,
                "{elapsed} {decay:?} {keep}"
            );
            assert!((decay.gain - gain).abs() <= gain * 1e-13, "{elapsed} {decay:?} {gain}");
            let both = Decay::over_both(Nanos(elapsed), [1e9, 30e9]);
            assert_eq!(both, [decay, Decay::over(Nanos(elapsed), 30e9)]);
            elapsed += elapsed / 7 + 1;
        }
    }

    #[test]
    fn whole_half_lives_and_the_ends() {
        for n in 0..64u32 {
            let decay = Decay::over(Nanos::from_secs(u64::from(n)), 1e9);
            assert_eq!(decay.keep, 0.5f64.powi(n as i32));
        }
        assert_eq!(Decay::over(Nanos(u64::MAX), 1.0), Decay { keep: 0.0, gain: 1.0 });
        assert_eq!(Decay::over(Nanos(0), 1e9), Decay { keep: 1.0, gain: 0.0 });
    }
}
