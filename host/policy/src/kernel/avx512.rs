//! The layer with AVX-512F: four tiles of sixteen outputs by four chains are sixteen independent
//! sums. Eight would keep two multiply-add units of four cycles' latency busy, but the loads are
//! what bounds a layer, and with four tiles a broadcast of an input serves four multiply-adds.
//! Sixteen sums leave half of the registers free.

use super::{CHAINS, Checked, Kernel, LANE, Lane, Packed};
use core::arch::x86_64::*;

pub(super) fn layer(checked: Checked, layer: &Packed, input: &[Lane], output: &mut [Lane]) {
    assert!(checked.kernel() == Kernel::Avx512);
    // SAFETY: a `Checked` of this kernel is only made where `is_x86_feature_detected!` has found
    // avx512f.
    unsafe { run(layer, input, output) }
}

#[target_feature(enable = "avx512f")]
fn run(layer: &Packed, input: &[Lane], output: &mut [Lane]) {
    let lanes = layer.output_lanes();
    let input = &input[..layer.input_lanes()];
    let output = &mut output[..lanes];
    let mut tile = 0;
    while tile + 4 <= lanes {
        tiles::<4>(layer, input, output, tile);
        tile += 4;
    }
    if tile + 2 <= lanes {
        tiles::<2>(layer, input, output, tile);
        tile += 2;
    }
    if tile < lanes {
        tiles::<1>(layer, input, output, tile);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn tiles<const T: usize>(layer: &Packed, input: &[Lane], output: &mut [Lane], tile: usize) {
    let lanes = layer.output_lanes();
    let zero = _mm512_setzero_ps();
    let mut sums = [[zero; T]; CHAINS];
    for (sum, bias) in sums[0].iter_mut().zip(&layer.bias[tile..tile + T]) {
        *sum = load(bias);
    }
    let rows = layer.weights.chunks_exact(lanes * CHAINS);
    for (group, rows) in rows.enumerate() {
        let first = group * CHAINS;
        let inputs = &input[first / LANE].0[first % LANE..][..CHAINS];
        for chain in 0..CHAINS {
            let x = _mm512_set1_ps(inputs[chain]);
            let row = &rows[chain * lanes + tile..][..T];
            for t in 0..T {
                sums[chain][t] = _mm512_fmadd_ps(x, load(&row[t]), sums[chain][t]);
            }
        }
    }
    for (t, out) in output[tile..tile + T].iter_mut().enumerate() {
        let left = _mm512_add_ps(sums[0][t], sums[1][t]);
        let right = _mm512_add_ps(sums[2][t], sums[3][t]);
        let mut sum = _mm512_add_ps(left, right);
        if layer.relu {
            // The second operand wins where the first is not a number, as in the portable kernel.
            sum = _mm512_max_ps(sum, zero);
        }
        store(out, sum);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(lane: &Lane) -> __m512 {
    // SAFETY: a `Lane` is 64 bytes, aligned to 64, and all of it is initialised.
    unsafe { _mm512_load_ps(lane.0.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(lane: &mut Lane, value: __m512) {
    // SAFETY: a `Lane` is 64 bytes, aligned to 64, and borrowed for writing.
    unsafe { _mm512_store_ps(lane.0.as_mut_ptr(), value) }
}
