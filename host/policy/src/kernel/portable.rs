//! The layer in plain Rust: the definition that the other kernels are tested against.

use super::{CHAINS, LANE, Packed, activate};

pub(super) fn layer(layer: &Packed, bias: &[[f32; LANE]], input: &[f32], output: &mut [f32]) {
    let mut outputs = output.as_chunks_mut::<LANE>().0.iter_mut();
    if layer.is_narrow() {
        return outputs
            .next()
            .into_iter()
            .for_each(|output| narrow(layer, &bias[0], input, output));
    }
    for tile in layer.tiles(bias) {
        let lanes = tile.bias.len();
        for (t, out) in outputs.by_ref().take(lanes).enumerate() {
            let mut chains = [[0.0f32; LANE]; CHAINS];
            chains[0] = tile.bias[t];
            for (k, x) in input[..layer.inputs].iter().enumerate() {
                if layer.sparse && *x == 0.0 {
                    continue;
                }
                let row = &tile.weights[k * lanes + t].0;
                for (sum, weight) in chains[k / layer.half()].iter_mut().zip(row) {
                    *sum = x.mul_add(*weight, *sum);
                }
            }
            for (n, value) in out.iter_mut().enumerate() {
                *value = activate(layer, chains[0][n] + chains[1][n]);
            }
        }
    }
}

fn narrow(layer: &Packed, bias: &[f32; LANE], input: &[f32], output: &mut [f32; LANE]) {
    *output = [0.0; LANE];
    let lanes = layer.input_lanes();
    for (n, row) in layer.weights.chunks_exact(lanes).enumerate() {
        let mut chains = [0.0f32; LANE];
        for (weights, inputs) in row.iter().zip(input.as_chunks::<LANE>().0) {
            for (c, sum) in chains.iter_mut().enumerate() {
                *sum = inputs[c].mul_add(weights.0[c], *sum);
            }
        }
        for step in [8, 4, 2, 1] {
            for c in 0..step {
                chains[c] += chains[c + step];
            }
        }
        output[n] = activate(layer, chains[0] + bias[n]);
    }
}
