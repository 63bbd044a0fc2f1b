//! The layer of integers with AVX-512 and its instructions for networks (VNNI). They take four or
//! five cycles and two can begin in each, so that a tile's four registers of sums come twice.

use super::avx2::{Pair, finish, store_sums, write_codes};
use super::{Block, Checked, GROUP, Kernel, LANE, Packed, Sums, Tile, Words, use_of};
use crate::int8::Codes;
use core::arch::x86_64::*;

/// Independent sums of one output.
const CHAINS: usize = 2;

pub(super) fn hidden(checked: Checked, layer: &Packed, input: &Words, output: &mut Words) {
    assert!(checked.kernel() == Kernel::Avx512);
    // SAFETY: a `Checked` of this kernel is only made where `is_x86_feature_detected!` has found
    // avx512f, avx512bw and avx512vnni; the first includes avx2 and fma.
    unsafe { run_hidden::<{ use_of::wide::HIDDEN }>(layer, input, output) }
}

pub(super) fn sums(checked: Checked, layer: &Packed, input: &Words, sums: &mut [i32]) {
    assert!(checked.kernel() == Kernel::Avx512);
    // SAFETY: as above.
    unsafe { run_sums::<{ use_of::wide::SUMS }>(layer, input, sums) }
}

pub(super) fn network(
    checked: Checked,
    layers: &[Packed],
    inputs: &[f32],
    scale: f32,
    codes: &mut [Words; 2],
    sums: &mut [i32],
) {
    assert!(checked.kernel() == Kernel::Avx512);
    // SAFETY: as above.
    unsafe { run_network(layers, inputs, scale, codes, sums) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn run_network(
    layers: &[Packed],
    inputs: &[f32],
    scale: f32,
    codes: &mut [Words; 2],
    sums: &mut [i32],
) {
    let [given, free] = codes;
    let (mut given, mut free) = (given, free);
    write_codes::<{ use_of::wide::NETWORK }>(inputs, scale, given);
    let Some((last, hidden)) = layers.split_last() else { return };
    for layer in hidden {
        match layer.whole::<4>() {
            Some(tile) => {
                let sums = tile_sums::<4, { use_of::wide::WHOLE }>(layer, &tile, given);
                finish::<4, { use_of::wide::WHOLE }>(layer, &tile, &sums, 0, free);
            }
            None => run_hidden::<{ use_of::wide::NETWORK }>(layer, given, free),
        }
        core::mem::swap(&mut given, &mut free);
    }
    run_sums::<{ use_of::wide::LAST }>(last, given, sums);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
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

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
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
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn tile_sums<const T: usize, const USE: u8>(
    layer: &Packed,
    tile: &Tile<'_>,
    input: &Words,
) -> [Pair; T] {
    let mut sums = [[_mm512_setzero_si512(); T]; CHAINS];
    for (sum, bias) in sums[0].iter_mut().zip(tile.bias) {
        *sum = load_sums(bias);
    }
    let rows = tile.blocks.as_chunks::<T>().0;
    let input = input.groups(layer.groups);
    for (input, rows) in input.chunks(CHAINS).zip(rows.chunks(CHAINS)) {
        for ((sums, x), row) in sums.iter_mut().zip(input).zip(rows) {
            let x = broadcast(x);
            for (sum, block) in sums.iter_mut().zip(row) {
                *sum = match layer.codes {
                    Codes::Words => _mm512_dpwssd_epi32(*sum, x, load(block)),
                    Codes::Bytes => _mm512_dpbusd_epi32(*sum, x, load(block)),
                };
            }
        }
    }
    let mut pairs = [[_mm256_setzero_si256(); 2]; T];
    for (t, pair) in pairs.iter_mut().enumerate() {
        let sum = _mm512_add_epi32(sums[0][t], sums[1][t]);
        *pair = [_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64::<1>(sum)];
    }
    pairs
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn broadcast(group: &[u8; GROUP]) -> __m512i {
    _mm512_set1_epi32(i32::from_le_bytes(*group))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load(block: &Block) -> __m512i {
    // SAFETY: a `Block` is 64 bytes, aligned to 64, and all of it is initialised.
    unsafe { _mm512_load_si512(block.0.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load_sums(sums: &Sums) -> __m512i {
    // SAFETY: `Sums` are 64 bytes, aligned to 64, and all of it is initialised.
    unsafe { _mm512_load_si512(sums.0.as_ptr().cast()) }
}
