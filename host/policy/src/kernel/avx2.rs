//! The layer with AVX2 and FMA.
//!
//! Four lanes of outputs are eight registers, and eight independent sums are what two multiply-add
//! units of four cycles' latency need: a tile of four lanes takes its chains one after the other,
//! narrower tiles both at once. An input then is nine loads, one of them the broadcast, and eight
//! multiply-adds, and a core does two of each in a cycle: the loads bound a layer.

use super::{CHAINS, Checked, Kernel, LANE, Lane, Packed, Tile, WORD};
use core::arch::x86_64::*;

/// Registers of a lane.
const PAIR: usize = 2;

/// Numbers of a register.
const WIDTH: usize = LANE / PAIR;

/// The halves of a lane.
type Pair = [__m256; PAIR];

/// One sum for each output of a tile of `T` lanes.
type Sums<const T: usize> = [Pair; T];

pub(super) fn layer(
    checked: Checked,
    layer: &Packed,
    bias: &[[f32; LANE]],
    input: &[f32],
    output: &mut [f32],
) {
    assert!(checked.kernel() == Kernel::Avx2);
    // SAFETY: a `Checked` of this kernel is only made where `is_x86_feature_detected!` has found
    // avx2 and fma.
    unsafe { run(layer, bias, input, output) }
}

#[target_feature(enable = "avx2,fma")]
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
            4 => in_turn::<4>(layer, &tile, input, out),
            2 => at_once::<2>(layer, &tile, input, out),
            _ => at_once::<1>(layer, &tile, input, out),
        }
    }
}

/// A tile, one chain after the other.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn in_turn<const T: usize>(
    layer: &Packed,
    tile: &Tile<'_>,
    input: &[f32],
    output: &mut [[f32; LANE]],
) {
    let (mut sums, rows) = (start::<T>(tile), tile.weights.as_chunks::<T>().0);
    let half = layer.half();
    for (chain, sums) in sums.iter_mut().enumerate() {
        let first = chain * half;
        if !layer.sparse {
            let rows = &rows[first.min(rows.len())..];
            for (x, row) in input[first..first + half].iter().zip(rows) {
                step(row, *x, sums);
            }
            continue;
        }
        let end = first + half;
        for first in (first..end).step_by(WORD) {
            let mut left = nonzero(&input[first..end]);
            while left != 0 {
                let k = first + left.trailing_zeros() as usize;
                step(&rows[k], input[k], sums);
                left &= left - 1;
            }
        }
    }
    finish(layer, &sums, output);
}

/// A tile, both chains at once.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn at_once<const T: usize>(
    layer: &Packed,
    tile: &Tile<'_>,
    input: &[f32],
    output: &mut [[f32; LANE]],
) {
    let (mut sums, rows) = (start::<T>(tile), tile.weights.as_chunks::<T>().0);
    let half = layer.half();
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

/// Both chains before the first input.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn start<const T: usize>(tile: &Tile<'_>) -> [Sums<T>; CHAINS] {
    let mut sums = [[[_mm256_setzero_ps(); PAIR]; T]; CHAINS];
    for (sum, bias) in sums[0].iter_mut().zip(tile.bias) {
        *sum = load_pair(bias);
    }
    sums
}

/// A bit for each input of up to a word of them: it is not zero.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn nonzero(input: &[f32]) -> u64 {
    let mut bits = 0;
    for (at, input) in input.as_chunks::<WIDTH>().0.iter().enumerate().take(WORD / WIDTH) {
        let some = _mm256_cmp_ps::<_CMP_NEQ_UQ>(load_any(input), _mm256_setzero_ps());
        bits |= u64::from(_mm256_movemask_ps(some) as u32) << (at * WIDTH);
    }
    bits
}

/// Adds what one input gives to the outputs of a tile.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn step<const T: usize>(row: &[Lane; T], input: f32, sums: &mut Sums<T>) {
    let x = _mm256_set1_ps(input);
    for (sum, weights) in sums.iter_mut().zip(row) {
        let weights = load(weights);
        for half in 0..PAIR {
            sum[half] = _mm256_fmadd_ps(x, weights[half], sum[half]);
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn finish<const T: usize>(layer: &Packed, sums: &[Sums<T>; CHAINS], output: &mut [[f32; LANE]]) {
    for (t, out) in output.iter_mut().enumerate() {
        let mut total = [_mm256_setzero_ps(); PAIR];
        for half in 0..PAIR {
            total[half] = _mm256_add_ps(sums[0][t][half], sums[1][t][half]);
        }
        store(out, activate(layer, total));
    }
}

/// A narrow layer, two outputs at once: by two registers of chains they are four independent sums.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn narrow(layer: &Packed, bias: &[f32; LANE], input: &[f32], output: &mut [f32; LANE]) {
    let lanes = layer.input_lanes();
    *output = [0.0; LANE];
    let outputs = output.as_chunks_mut::<2>().0.iter_mut().zip(bias.as_chunks::<2>().0);
    for ((out, bias), rows) in outputs.zip(layer.weights.chunks(2 * lanes)) {
        let mut sums = [[_mm256_setzero_ps(); PAIR]; 2];
        let (first, second) = rows.split_at(lanes);
        let odd = second.is_empty();
        let rows = first.iter().zip(if odd { first } else { second });
        for (x, (first, second)) in input.as_chunks::<LANE>().0.iter().zip(rows) {
            let (x, weights) = (load_pair(x), [load(first), load(second)]);
            for n in 0..2 {
                for half in 0..PAIR {
                    sums[n][half] = _mm256_fmadd_ps(x[half], weights[n][half], sums[n][half]);
                }
            }
        }
        out[0] = super::activate(layer, fold(sums[0]) + bias[0]);
        if !odd {
            out[1] = super::activate(layer, fold(sums[1]) + bias[1]);
        }
    }
}

/// Sixteen chains to one sum: by eight, four, two, one.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn fold(chains: Pair) -> f32 {
    let eight = _mm256_add_ps(chains[0], chains[1]);
    let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn activate(layer: &Packed, sums: Pair) -> Pair {
    // The second operand wins where the first is not a number.
    if layer.relu { sums.map(|sum| _mm256_max_ps(sum, _mm256_setzero_ps())) } else { sums }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load(lane: &Lane) -> Pair {
    let low = lane.0.as_ptr();
    // SAFETY: a `Lane` is 64 bytes, aligned to 64, and all of it is initialised; the halves are 32
    // bytes each.
    unsafe { [_mm256_load_ps(low), _mm256_load_ps(low.add(WIDTH))] }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load_any(numbers: &[f32; WIDTH]) -> __m256 {
    // SAFETY: `WIDTH` numbers are the 32 bytes of a register, and no alignment is asked for.
    unsafe { _mm256_loadu_ps(numbers.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load_pair(numbers: &[f32; LANE]) -> Pair {
    let halves = numbers.as_chunks::<WIDTH>().0;
    [load_any(&halves[0]), load_any(&halves[1])]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn store(numbers: &mut [f32; LANE], value: Pair) {
    for (half, value) in numbers.as_chunks_mut::<WIDTH>().0.iter_mut().zip(value) {
        // SAFETY: `WIDTH` numbers are the 32 bytes of a register, borrowed for writing, and no
        // alignment is asked for.
        unsafe { _mm256_storeu_ps(half.as_mut_ptr(), value) }
    }
}
