//! The layer in plain Rust: the definition that the other kernels are tested against.

use super::{Block, GROUP, LANE, Packed, Sums, Words};
use crate::int8::{Codes, WORD_MAX};
use crate::lstm::{CellState, KNOTS};

pub(super) fn codes(inputs: &[f32], scale: f32, codes: &mut Words) {
    let (max, places) = (f32::from(WORD_MAX), codes.0.as_chunks_mut::<2>().0);
    for (place, input) in places.iter_mut().zip(inputs) {
        let code = input * scale;
        // The comparisons send what is not a number to the lower end.
        let code = if code > -max { code } else { -max };
        let code = if code < max { code } else { max };
        *place = (code.round_ties_even() as i16).to_le_bytes();
    }
    let rest = &mut places[inputs.len()..inputs.len().next_multiple_of(LANE)];
    rest.fill([0; 2]);
}

pub(super) fn network(
    layers: &[Packed],
    inputs: &[f32],
    scale: f32,
    codes: &mut [Words; 2],
    sums: &mut [i32],
) {
    let [given, free] = codes;
    let (mut given, mut free) = (given, free);
    self::codes(inputs, scale, given);
    let Some((last, before)) = layers.split_last() else { return };
    for layer in before {
        hidden(layer, given, free);
        core::mem::swap(&mut given, &mut free);
    }
    self::sums(last, given, sums);
}

pub(super) fn hidden(layer: &Packed, input: &Words, output: &mut Words) {
    let mut first = 0;
    for tile in layer.tiles() {
        for (lane, factors) in tile.factors.iter().enumerate() {
            let Sums(sums) = lane_sums(layer, tile.blocks, &tile.bias[lane], lane, input);
            for (n, (sum, factor)) in sums.iter().zip(factors.0).enumerate() {
                let shifted = (sum >> layer.shift).clamp(i16::MIN.into(), i16::MAX.into());
                let code = (shifted * i32::from(factor) + (1 << 14)) >> 15;
                let (least, most) = layer.next.range();
                let code = code.clamp(least.into(), most.into());
                let at = first + lane * LANE + n;
                if layer.next.bytes() {
                    output.0[at] = code as u8;
                } else {
                    output.0[2 * at..2 * at + 2].copy_from_slice(&(code as i16).to_le_bytes());
                }
            }
        }
        first += tile.bias.len() * LANE;
    }
}

pub(super) fn sums(layer: &Packed, input: &Words, output: &mut [i32]) {
    let mut outputs = output.as_chunks_mut::<LANE>().0.iter_mut();
    for tile in layer.tiles() {
        for (lane, (bias, out)) in tile.bias.iter().zip(&mut outputs).enumerate() {
            *out = lane_sums(layer, tile.blocks, bias, lane, input).0;
        }
    }
}

/// The sums of one lane of a tile.
fn lane_sums(layer: &Packed, blocks: &[Block], bias: &Sums, lane: usize, input: &Words) -> Sums {
    let mut sums = *bias;
    let lanes = blocks.len() / layer.groups;
    for (group, x) in input.groups(layer.groups).iter().enumerate() {
        let block = &blocks[group * lanes + lane].0;
        for (sum, weights) in sums.0.iter_mut().zip(block.as_chunks::<GROUP>().0) {
            *sum += match layer.codes {
                Codes::Words => {
                    let word = |b: &[u8; GROUP], k: usize| i16::from_le_bytes([b[k], b[k + 1]]);
                    let product = |k| i32::from(word(x, k)) * i32::from(word(weights, k));
                    product(0) + product(2)
                }
                Codes::Bytes => {
                    x.iter().zip(weights).map(|(x, w)| i32::from(*x) * i32::from(*w as i8)).sum()
                }
            };
        }
    }
    sums
}

pub(super) fn cell(units: usize, gates: &Words, state: &mut CellState) {
    let gate = |of: usize, unit: usize| {
        let word = |words: &Words| i32::from(i16::from_le_bytes(words.pairs()[of * units + unit]));
        saturate(word(gates) + word(&state.gates))
    };
    for unit in 0..units {
        let [i, f, g, o] = [0, 1, 2, 3].map(|of| gate(of, unit));
        let kept = product(logistic(f), i32::from(state.memory[unit]));
        let new = product(product(logistic(i), tangent(g)), 1 << 11);
        let c = saturate(kept + new);
        state.memory[unit] = c as i16;
        let h = product(logistic(o), tangent(c));
        state.codes.bytes()[unit] = (128 + (saturate(h + 128) >> 8)) as u8;
    }
}

fn saturate(x: i32) -> i32 {
    x.clamp(i16::MIN.into(), i16::MAX.into())
}

fn product(a: i32, b: i32) -> i32 {
    (a * b + (1 << 14)) >> 15
}

fn tangent(p: i32) -> i32 {
    let y = p.abs().min(8_191);
    let at = (y >> 9) as usize;
    let [from, to] = [at, at + 1].map(|at| i32::from(KNOTS[at]));
    p.signum() * (from + product((y & 511) << 6, to - from))
}

fn logistic(p: i32) -> i32 {
    (1 << 14) + (tangent(p >> 1) >> 1)
}
