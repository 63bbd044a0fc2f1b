//! What a streaming network does between its layers: the cell of the LSTM and the attention.
//!
//! It is written once, in plain Rust over lanes of sixteen, and compiled for each kernel with what
//! that has; additions, multiplications, divisions and fused multiply-adds round alike everywhere,
//! so all give the same bits.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // functions for what a processor has
mod compiled;

use super::{Checked, Floats, Kernel, LANE};
use crate::hybrid::{GATES, Memory, UNITS, WINDOW};

type Lane = [f32; LANE];

/// Beyond this the functions have reached their limits to 2⁻²⁸, and what is computed of them stays
/// far from what f32 holds.
const FAR: f32 = 20.0;

/// Independent sums of the scores.
const CHAINS: usize = 4;

impl Checked {
    /// The cell: gates in the order i, f, g, o to the new c and h.
    #[inline]
    pub(crate) fn cell(self, gates: &Floats<GATES>, c: &mut Floats<UNITS>, h: &mut Floats<UNITS>) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => compiled::cell_avx512(self, gates, c, h),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => compiled::cell_avx2(self, gates, c, h),
            _ => cell(gates, c, h),
        }
    }

    /// Adds to `context` what the remembered states give to the newest one.
    #[inline]
    pub(crate) fn attend(self, memory: &Memory, h: &Floats<UNITS>, context: &mut Floats<UNITS>) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => compiled::attend_avx512(self, memory, h, context),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => compiled::attend_avx2(self, memory, h, context),
            _ => attend(memory, h, context),
        }
    }
}

/// e^x for x within ±87, to two units in the last place: 2^n times a polynomial of the rest, with
/// the coefficients of Cephes' `expf`.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // A sum with 1.5 · 2²³ is rounded to a whole number, which stands in its last bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x.mul_add(core::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    // ln 2 in two parts, the first with zeros in its last bits.
    let rest = n.mul_add(-0.693_359_4, x);
    let rest = n.mul_add(2.121_944_4e-4, rest);
    let mut sum = 1.987_569_1e-4f32;
    for next in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1] {
        sum = sum.mul_add(rest, next);
    }
    let sum = sum.mul_add(rest * rest, rest) + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    sum * power
}

/// Held within ±`FAR`.
#[inline(always)]
fn near(x: f32) -> f32 {
    let x = if x > -FAR { x } else { -FAR };
    if x < FAR { x } else { FAR }
}

/// With E the exponential of minus an argument (of minus twice the argument of a tangent):
/// f c + i g = c/(1 + Ef) + (1 − Eg)/((1 + Ei)(1 + Eg)), over one denominator, since a division
/// costs as much as ten other operations; and h = (1 − Ec)/((1 + Eo)(1 + Ec)).
#[inline(always)]
fn cell(gates: &Floats<GATES>, c: &mut Floats<UNITS>, h: &mut Floats<UNITS>) {
    let (c, h) = (c.0.as_chunks_mut::<LANE>().0, h.0.as_chunks_mut::<LANE>().0);
    let lanes = gates.lanes();
    for (t, (c, h)) in c.iter_mut().zip(h).enumerate() {
        let gate = |at: usize| &lanes[at * UNITS / LANE + t];
        let (i, f, g, o) = (gate(0), gate(1), gate(2), gate(3));
        for n in 0..LANE {
            let not_i = 1.0 + exp(-near(i[n]));
            let not_f = 1.0 + exp(-near(f[n]));
            let e = exp(-near(g[n] + g[n]));
            let new = not_i * (1.0 + e);
            c[n] = c[n].mul_add(new, (1.0 - e) * not_f) / (not_f * new);
        }
        for n in 0..LANE {
            let e = exp(-near(c[n] + c[n]));
            h[n] = (1.0 - e) / ((1.0 + exp(-near(o[n]))) * (1.0 + e));
        }
    }
}

/// Softmax of the scores and the weighted sum of the values. Score j is the sum of four chains,
/// chain i taking the units u with u mod 4 = i in rising order from zero: (0 + 1) + (2 + 3) +
/// constant. Sums and maxima over the states fold in halves.
#[inline(always)]
fn attend(memory: &Memory, h: &Floats<UNITS>, context: &mut Floats<UNITS>) {
    const { assert!(WINDOW == LANE && UNITS.is_multiple_of(CHAINS)) };
    let mut chains = [[0.0f32; LANE]; CHAINS];
    let keys = memory.keys.lanes().as_chunks::<CHAINS>().0;
    for (h, keys) in h.0.as_chunks::<CHAINS>().0.iter().zip(keys) {
        for (chain, (h, key)) in chains.iter_mut().zip(h.iter().zip(keys)) {
            for (sum, key) in chain.iter_mut().zip(key) {
                *sum = h.mul_add(*key, *sum);
            }
        }
    }
    let [a, b, c, d] = chains;
    let mut scores: Lane = [0.0; LANE];
    for n in 0..LANE {
        scores[n] = (a[n] + b[n]) + (c[n] + d[n]) + memory.constant.0[n];
    }
    let most = fold(scores, |a, b| if a > b { a } else { b });
    for score in &mut scores {
        let below = *score - most;
        *score = exp(if below > -87.0 { below } else { -87.0 });
    }
    let total = fold(scores, |a, b| a + b);
    for score in &mut scores {
        *score /= total;
    }
    for (weight, value) in scores.iter().zip(&memory.values) {
        for (sum, value) in context.0.iter_mut().zip(&value.0) {
            *sum = weight.mul_add(*value, *sum);
        }
    }
}

/// Sixteen numbers to one: by eight, four, two, one.
#[inline(always)]
fn fold(mut lane: Lane, both: impl Fn(f32, f32) -> f32) -> f32 {
    for step in [8, 4, 2, 1] {
        for n in 0..step {
            lane[n] = both(lane[n], lane[n + step]);
        }
    }
    lane[0]
}
