//! The layer in plain Rust: the definition that the other kernels are tested against.

use super::{CHAINS, LANE, Lane, Packed};

pub(super) fn layer(layer: &Packed, input: &[Lane], output: &mut [Lane]) {
    let lanes = layer.output_lanes();
    for (tile, out) in output.iter_mut().enumerate().take(lanes) {
        let mut chains = [[0.0f32; LANE]; CHAINS];
        chains[0] = layer.bias[tile].0;
        for k in 0..layer.inputs {
            let x = input[k / LANE].0[k % LANE];
            let row = &layer.weights[k * lanes + tile].0;
            for (sum, weight) in chains[k % CHAINS].iter_mut().zip(row) {
                *sum = x.mul_add(*weight, *sum);
            }
        }
        for (n, value) in out.0.iter_mut().enumerate() {
            let sum = (chains[0][n] + chains[1][n]) + (chains[2][n] + chains[3][n]);
            *value = if !layer.relu || sum > 0.0 { sum } else { 0.0 };
        }
    }
}
