//! The layer with AVX-512F: four lanes of outputs by two chains are the eight independent sums that
//! two multiply-add units of four cycles' latency need, and one broadcast of an input serves four
//! multiply-adds.

use super::avx2::nonzero;
use super::{CHAINS, Checked, Kernel, LANE, Lane, Packed, Tile, WORD};
use core::arch::x86_64::*;

/// One sum for each output of a tile of `T` lanes.
type Sums<const T: usize> = [__m512; T];

pub(super) fn layer(
    checked: Checked,
    layer: &Packed,
    bias: &[[f32; LANE]],
    input: &[f32],
    output: &mut [f32],
) {
    assert!(checked.kernel() == Kernel::Avx512);
    // SAFETY: a `Checked` of this kernel is only made where `is_x86_feature_detected!` has found
    // avx512f, which includes avx2 and fma.
    unsafe { run(layer, bias, input, output) }
}

#[target_feature(enable = "avx512f")]
fn run(layer: &Packed, bias: &[[f32; LANE]], input: &[f32], output: &mut [f32]) {
    let input = &input[..layer.padded()];
    let mut output = output.as_chunks_mut::<LANE>().0;
    if layer.is_narrow() {
        return narrow(layer, &bias[0], input, &mut output[0]);
    }
    for tile in layer.tiles(bias) {
        let (out, rest) = output.split_at_mut(tile.bias.len());
        output = rest;
        match tile.bias.len() {
            4 => at_once::<4>(layer, &tile, input, out),
            2 => at_once::<2>(layer, &tile, input, out),
            _ => at_once::<1>(layer, &tile, input, out),
        }
    }
}

/// A tile, both chains at once.
#[inline]
#[target_feature(enable = "avx512f")]
fn at_once<const T: usize>(
    layer: &Packed,
    tile: &Tile<'_>,
    input: &[f32],
    output: &mut [[f32; LANE]],
) {
    let mut sums = [[_mm512_setzero_ps(); T]; CHAINS];
    for (sum, bias) in sums[0].iter_mut().zip(tile.bias) {
        *sum = load_any(bias);
    }
    let (half, rows) = (layer.half(), tile.weights.as_chunks::<T>().0);
    if !layer.sparse {
        for k in 0..half {
            for (chain, sums) in sums.iter_mut().enumerate() {
                if let Some(row) = rows.get(chain * half + k) {
                    step(row, input[chain * half + k], sums);
                }
            }
        }
        return finish(layer, &sums, output);
    }
    for word in (0..half).step_by(WORD) {
        let mut left = [nonzero(&input[word..half]), nonzero(&input[half + word..2 * half])];
        while left[0] | left[1] != 0 {
            for chain in 0..CHAINS {
                if left[chain] != 0 {
                    let at = word + left[chain].trailing_zeros() as usize;
                    let k = chain * half + at;
                    step(&rows[k], input[k], &mut sums[chain]);
                    left[chain] &= left[chain] - 1;
                }
            }
        }
    }
    finish(layer, &sums, output);
}

/// Adds what one input gives to the outputs of a tile.
#[inline]
#[target_feature(enable = "avx512f")]
fn step<const T: usize>(row: &[Lane; T], input: f32, sums: &mut Sums<T>) {
    let x = _mm512_set1_ps(input);
    for (sum, weights) in sums.iter_mut().zip(row) {
        *sum = _mm512_fmadd_ps(x, load(weights), *sum);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn finish<const T: usize>(layer: &Packed, sums: &[Sums<T>; CHAINS], output: &mut [[f32; LANE]]) {
    for (t, out) in output.iter_mut().enumerate() {
        store(out, activate(layer, _mm512_add_ps(sums[0][t], sums[1][t])));
    }
}

/// A narrow layer, output by output: those that follow do not wait for one another.
#[inline]
#[target_feature(enable = "avx512f")]
fn narrow(layer: &Packed, bias: &[f32; LANE], input: &[f32], output: &mut [f32; LANE]) {
    *output = [0.0; LANE];
    let outputs = output.iter_mut().zip(bias);
    for ((out, bias), row) in outputs.zip(layer.weights.chunks_exact(layer.input_lanes())) {
        let mut sum = _mm512_setzero_ps();
        for (x, weights) in input.as_chunks::<LANE>().0.iter().zip(row) {
            sum = _mm512_fmadd_ps(load_any(x), load(weights), sum);
        }
        *out = super::activate(layer, fold(sum) + bias);
    }
}

/// Sixteen chains to one sum: by eight, four, two, one.
#[inline]
#[target_feature(enable = "avx512f")]
fn fold(chains: __m512) -> f32 {
    let high = _mm512_shuffle_f32x4::<0b_11_10_11_10>(chains, chains);
    let eight = _mm512_castps512_ps256(_mm512_add_ps(chains, high));
    let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn activate(layer: &Packed, sum: __m512) -> __m512 {
    // The second operand wins where the first is not a number.
    if layer.relu { _mm512_max_ps(sum, _mm512_setzero_ps()) } else { sum }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(lane: &Lane) -> __m512 {
    // SAFETY: a `Lane` is 64 bytes, aligned to 64, and all of it is initialised.
    unsafe { _mm512_load_ps(lane.0.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_any(numbers: &[f32; LANE]) -> __m512 {
    // SAFETY: `LANE` numbers are the 64 bytes of a register, and no alignment is asked for.
    unsafe { _mm512_loadu_ps(numbers.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(numbers: &mut [f32; LANE], value: __m512) {
    // SAFETY: `LANE` numbers are the 64 bytes of a register, borrowed for writing, and no alignment
    // is asked for.
    unsafe { _mm512_storeu_ps(numbers.as_mut_ptr(), value) }
}
