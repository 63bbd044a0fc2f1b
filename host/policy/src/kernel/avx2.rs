//! The layer with AVX2 and FMA: one tile of sixteen outputs is two registers, and two registers by
//! four chains are the eight independent sums that two multiply-add units of four cycles' latency
//! need.

use super::{CHAINS, Checked, Kernel, LANE, Lane, Packed};
use core::arch::x86_64::*;

/// The halves of a lane.
type Pair = [__m256; 2];

pub(super) fn layer(checked: Checked, layer: &Packed, input: &[Lane], output: &mut [Lane]) {
    assert!(checked.kernel() == Kernel::Avx2);
    // SAFETY: a `Checked` of this kernel is only made where `is_x86_feature_detected!` has found
    // avx2 and fma.
    unsafe { run(layer, input, output) }
}

#[target_feature(enable = "avx2,fma")]
fn run(layer: &Packed, input: &[Lane], output: &mut [Lane]) {
    let lanes = layer.output_lanes();
    let input = &input[..layer.input_lanes()];
    for (tile, out) in output[..lanes].iter_mut().enumerate() {
        let zero = _mm256_setzero_ps();
        let mut sums = [[zero; 2]; CHAINS];
        sums[0] = load(&layer.bias[tile]);
        let rows = layer.weights.chunks_exact(lanes * CHAINS);
        for (group, rows) in rows.enumerate() {
            let first = group * CHAINS;
            let inputs = &input[first / LANE].0[first % LANE..][..CHAINS];
            for chain in 0..CHAINS {
                let x = _mm256_set1_ps(inputs[chain]);
                let [low, high] = load(&rows[chain * lanes + tile]);
                sums[chain][0] = _mm256_fmadd_ps(x, low, sums[chain][0]);
                sums[chain][1] = _mm256_fmadd_ps(x, high, sums[chain][1]);
            }
        }
        let mut total = [zero; 2];
        for half in 0..2 {
            let left = _mm256_add_ps(sums[0][half], sums[1][half]);
            let right = _mm256_add_ps(sums[2][half], sums[3][half]);
            total[half] = _mm256_add_ps(left, right);
            if layer.relu {
                // The second operand wins where the first is not a number, as in the portable
                // kernel.
                total[half] = _mm256_max_ps(total[half], zero);
            }
        }
        store(out, total);
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load(lane: &Lane) -> Pair {
    let low = lane.0.as_ptr();
    // SAFETY: a `Lane` is 64 bytes, aligned to 64, and all of it is initialised; the halves are 32
    // bytes each.
    unsafe { [_mm256_load_ps(low), _mm256_load_ps(low.add(LANE / 2))] }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn store(lane: &mut Lane, value: Pair) {
    let low = lane.0.as_mut_ptr();
    // SAFETY: a `Lane` is 64 bytes, aligned to 64, and borrowed for writing; the halves are 32
    // bytes each.
    unsafe {
        _mm256_store_ps(low, value[0]);
        _mm256_store_ps(low.add(LANE / 2), value[1]);
    }
}
