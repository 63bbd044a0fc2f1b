//! The layer of integers with AVX2. Four lanes of outputs are eight registers of sums.

use super::{Block, Checked, GROUP, Kernel, LANE, Packed, Sums, Tile, Words, use_of};
use crate::int8::{Codes, WORD_MAX};
use core::arch::x86_64::*;

/// The halves of a lane.
pub(super) type Pair = [__m256i; 2];

pub(super) fn codes(checked: Checked, inputs: &[f32], scale: f32, codes: &mut Words) {
    assert!(checked.kernel() != Kernel::Portable);
    // SAFETY: a `Checked` of a kernel other than the portable one is only made where
    // `is_x86_feature_detected!` has found avx2 and fma, or avx512f, which includes them.
    unsafe { write_codes::<{ use_of::CODES }>(inputs, scale, codes) }
}

pub(super) fn hidden(checked: Checked, layer: &Packed, input: &Words, output: &mut Words) {
    assert!(checked.kernel() == Kernel::Avx2);
    // SAFETY: a `Checked` of this kernel is only made where `is_x86_feature_detected!` has found
    // avx2 and fma.
    unsafe { run_hidden::<{ use_of::HIDDEN }>(layer, input, output) }
}

pub(super) fn sums(checked: Checked, layer: &Packed, input: &Words, sums: &mut [i32]) {
    assert!(checked.kernel() == Kernel::Avx2);
    // SAFETY: as above.
    unsafe { run_sums::<{ use_of::SUMS }>(layer, input, sums) }
}

pub(super) fn network(
    checked: Checked,
    layers: &[Packed],
    inputs: &[f32],
    scale: f32,
    codes: &mut [Words; 2],
    sums: &mut [i32],
) {
    assert!(checked.kernel() == Kernel::Avx2);
    // SAFETY: as above.
    unsafe { run_network(layers, inputs, scale, codes, sums) }
}

#[target_feature(enable = "avx2,fma")]
fn run_network(
    layers: &[Packed],
    inputs: &[f32],
    scale: f32,
    codes: &mut [Words; 2],
    sums: &mut [i32],
) {
    let [given, free] = codes;
    let (mut given, mut free) = (given, free);
    write_codes::<{ use_of::NETWORK }>(inputs, scale, given);
    let Some((last, hidden)) = layers.split_last() else { return };
    for layer in hidden {
        match layer.whole::<4>() {
            Some(tile) => {
                let sums = tile_sums::<4, { use_of::WHOLE }>(layer, &tile, given);
                finish::<4, { use_of::WHOLE }>(layer, &tile, &sums, 0, free);
            }
            None => run_hidden::<{ use_of::NETWORK }>(layer, given, free),
        }
        core::mem::swap(&mut given, &mut free);
    }
    run_sums::<{ use_of::LAST }>(last, given, sums);
}

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn write_codes<const USE: u8>(inputs: &[f32], scale: f32, codes: &mut Words) {
    let max = _mm256_set1_ps(f32::from(WORD_MAX));
    let (scale, min) = (_mm256_set1_ps(scale), _mm256_sub_ps(_mm256_setzero_ps(), max));
    let code = |numbers: &[f32; 8]| {
        // The second operand wins where the first is not a number.
        let code = _mm256_max_ps(_mm256_mul_ps(load_floats(numbers), scale), min);
        _mm256_cvtps_epi32(_mm256_min_ps(code, max))
    };
    let places = codes.0.as_chunks_mut::<32>().0;
    for (place, chunk) in places.iter_mut().zip(inputs.chunks(LANE)) {
        let mut lane = [0.0; LANE];
        let whole = match chunk.as_array::<LANE>() {
            Some(whole) => whole,
            None => {
                lane[..chunk.len()].copy_from_slice(chunk);
                &lane
            }
        };
        let halves = whole.as_chunks::<8>().0;
        store_bytes(place, words([code(&halves[0]), code(&halves[1])]));
    }
}

#[target_feature(enable = "avx2,fma")]
fn run_hidden<const USE: u8>(layer: &Packed, input: &Words, output: &mut Words) {
    let mut first = 0;
    for tile in layer.tiles() {
        match tile.bias.len() {
            4 => finish::<4, USE>(
                layer,
                &tile,
                &tile_sums::<4, USE>(layer, &tile, input),
                first,
                output,
            ),
            2 => finish::<2, USE>(
                layer,
                &tile,
                &tile_sums::<2, USE>(layer, &tile, input),
                first,
                output,
            ),
            _ => finish::<1, USE>(
                layer,
                &tile,
                &tile_sums::<1, USE>(layer, &tile, input),
                first,
                output,
            ),
        }
        first += tile.bias.len() * LANE;
    }
}

#[target_feature(enable = "avx2,fma")]
fn run_sums<const USE: u8>(layer: &Packed, input: &Words, output: &mut [i32]) {
    let mut output = output.as_chunks_mut::<LANE>().0;
    for tile in layer.tiles() {
        let (out, rest) = output.split_at_mut(tile.bias.len());
        output = rest;
        match tile.bias.len() {
            4 => store_sums(&tile_sums::<4, USE>(layer, &tile, input), out),
            2 => store_sums(&tile_sums::<2, USE>(layer, &tile, input), out),
            _ => store_sums(&tile_sums::<1, USE>(layer, &tile, input), out),
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn tile_sums<const T: usize, const USE: u8>(
    layer: &Packed,
    tile: &Tile<'_>,
    input: &Words,
) -> [Pair; T] {
    let mut sums = [[_mm256_setzero_si256(); 2]; T];
    for (sum, bias) in sums.iter_mut().zip(tile.bias) {
        *sum = load_sums(bias);
    }
    let rows = tile.blocks.as_chunks::<T>().0;
    let input = input.groups(layer.groups);
    match layer.codes {
        Codes::Words => {
            for (x, row) in input.iter().zip(rows) {
                let x = broadcast(x);
                for (sum, block) in sums.iter_mut().zip(row) {
                    let weights = load(block);
                    for half in 0..2 {
                        let products = _mm256_madd_epi16(x, weights[half]);
                        sum[half] = _mm256_add_epi32(sum[half], products);
                    }
                }
            }
        }
        Codes::Bytes => {
            let ones = _mm256_set1_epi16(1);
            let rows = rows.as_chunks::<2>().0;
            for (x, rows) in input.as_chunks::<2>().0.iter().zip(rows) {
                let x = [broadcast(&x[0]), broadcast(&x[1])];
                for (t, sum) in sums.iter_mut().enumerate() {
                    let weights = [load(&rows[0][t]), load(&rows[1][t])];
                    for half in 0..2 {
                        let products = _mm256_add_epi16(
                            _mm256_maddubs_epi16(x[0], weights[0][half]),
                            _mm256_maddubs_epi16(x[1], weights[1][half]),
                        );
                        let wide = _mm256_madd_epi16(products, ones);
                        sum[half] = _mm256_add_epi32(sum[half], wide);
                    }
                }
            }
        }
    }
    sums
}

/// Sums to codes, written from output `first` on.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn finish<const T: usize, const USE: u8>(
    layer: &Packed,
    tile: &Tile<'_>,
    sums: &[Pair; T],
    first: usize,
    output: &mut Words,
) {
    let shift = _mm_cvtsi32_si128(layer.shift as i32);
    let (least, most) = layer.next.range();
    let (least, most) = (_mm256_set1_epi16(least), _mm256_set1_epi16(most));
    let mut codes = [_mm256_setzero_si256(); T];
    for ((code, sum), factors) in codes.iter_mut().zip(sums).zip(tile.factors) {
        let shifted = sum.map(|sum| _mm256_sra_epi32(sum, shift));
        let scaled = _mm256_mulhrs_epi16(words(shifted), load_factors(factors));
        *code = _mm256_min_epi16(_mm256_max_epi16(scaled, least), most);
    }
    if layer.next.bytes() {
        let places = output.0[first..].as_chunks_mut::<LANE>().0;
        for (place, code) in places.iter_mut().zip(codes) {
            let packed = _mm256_packus_epi16(code, code);
            let packed = _mm256_permute4x64_epi64::<0b_11_01_10_00>(packed);
            store_half(place, _mm256_castsi256_si128(packed));
        }
    } else {
        let places = output.0[2 * first..].as_chunks_mut::<32>().0;
        for (place, code) in places.iter_mut().zip(codes) {
            store_bytes(place, code);
        }
    }
}

/// 32-bit numbers held within 16 bits, in their order.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn words(pair: Pair) -> __m256i {
    // The packing is by halves of a register.
    _mm256_permute4x64_epi64::<0b_11_01_10_00>(_mm256_packs_epi32(pair[0], pair[1]))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn broadcast(group: &[u8; GROUP]) -> __m256i {
    _mm256_set1_epi32(i32::from_le_bytes(*group))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load(block: &Block) -> Pair {
    let low = block.0.as_ptr().cast::<__m256i>();
    // SAFETY: a `Block` is 64 bytes, aligned to 64, and all of it is initialised; the halves are 32
    // bytes each.
    unsafe { [_mm256_load_si256(low), _mm256_load_si256(low.add(1))] }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load_sums(sums: &Sums) -> Pair {
    let low = sums.0.as_ptr().cast::<__m256i>();
    // SAFETY: `Sums` are 64 bytes, aligned to 64, and all of it is initialised; the halves are 32
    // bytes each.
    unsafe { [_mm256_load_si256(low), _mm256_load_si256(low.add(1))] }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load_factors(factors: &super::Factors) -> __m256i {
    // SAFETY: `Factors` are 32 bytes, aligned to 32, and all of it is initialised.
    unsafe { _mm256_load_si256(factors.0.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load_floats(numbers: &[f32; 8]) -> __m256 {
    // SAFETY: eight numbers are the 32 bytes of a register, and no alignment is asked for.
    unsafe { _mm256_loadu_ps(numbers.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn store_sums<const T: usize>(sums: &[Pair; T], output: &mut [[i32; LANE]]) {
    for (out, sum) in output.iter_mut().zip(sums) {
        for (half, value) in out.as_chunks_mut::<8>().0.iter_mut().zip(sum) {
            // SAFETY: eight numbers are the 32 bytes of a register, borrowed for writing, and no
            // alignment is asked for.
            unsafe { _mm256_storeu_si256(half.as_mut_ptr().cast(), *value) }
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn store_bytes(bytes: &mut [u8; 32], value: __m256i) {
    // SAFETY: they are the 32 bytes of a register, borrowed for writing, and no alignment is asked
    // for.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), value) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn store_half(bytes: &mut [u8; LANE], value: __m128i) {
    // SAFETY: they are the 16 bytes of a register, borrowed for writing, and no alignment is asked
    // for.
    unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), value) }
}
