//! A dense network in integers: weights of eight bits, 32-bit sums, and no floating point between
//! its inputs and its heads. What stands here is the definition, for software and for hardware.
//!
//! **Inputs.** Input k is the normalised feature x, a float within ±clip. Its code is
//! q = rne(x · s), held within ±[`WORD_MAX`], where s is the network's `input_scale` and rne rounds
//! to the nearest integer, ties to even. The product is one f32 multiplication. What is not a
//! number counts as −[`WORD_MAX`].
//!
//! **Sums.** Layer l gives for its output n the exact integer a = bias\[n\] + Σ w\[n\]\[k\] ·
//! q\[k\], w within ±[`WEIGHT_MAX`]. The bias is a signed 32-bit integer. No order of the additions
//! matters, since no sum of a network that [`Quantised::check`] accepts can leave 32 bits, whatever
//! its inputs are.
//!
//! **Between layers.** Each layer but the last has a shift s (0 to [`SHIFT_MAX`]) and for every
//! output a multiplier m (1 to 32,767):
//! 1. t = a >> s, an arithmetic shift: it rounds towards −∞. What rounding to the nearest takes,
//!    2^(s−1), is part of the bias already.
//! 2. t is held within −32,768 to 32,767.
//! 3. u = (t · m + 2^14) >> 15, an arithmetic shift: a rounding multiplication by m/2^15, and
//!    what `vpmulhrsw` computes.
//! 4. q = u held within 0 and the largest code of the next layer's inputs. This is the ReLU.
//!
//! **Codes.** The last layer and the first take codes of up to [`WORD_MAX`], 14 bits with the sign:
//! eight bits of inputs would lose more than all weights together, and eight bits before the heads
//! as much again. Layers between others take codes of 0 to [`BYTE_MAX`], or in a `wide` network of
//! up to [`WORD_MAX`] too: a third more time, and what is left of the error is the weights'.
//!
//! **Heads.** The last layer's sum a becomes the head a · `scale`\[n\]: the conversion to f32
//! rounds to nearest, ties to even, and one f32 multiplication follows. Hardware may hand out a
//! itself.
//!
//! **Groups of eight.** AVX2 multiplies bytes in pairs whose sum it keeps in 16 bits, and
//! saturates. So that no kernel ever does, in each row of a layer of byte codes the weights 8i,
//! 8i+1, 8i+4 and 8i+5 together, and likewise 8i+2, 8i+3, 8i+6 and 8i+7, have magnitudes
//! that add up to [`GROUP_MAX`] at most: 255 · 128 = 32,640 < 32,768. Missing weights count as
//! zero.

mod network;
pub(crate) mod quantise;

pub use network::Int8Mlp;

use crate::mlp::{LAYERS_MAX, MlpError, WIDTH_MAX};

/// Largest magnitude of a weight.
pub const WEIGHT_MAX: i8 = 127;

/// Largest code of the inputs of the first layer, on either side of zero, and of the last.
pub const WORD_MAX: i16 = 8_191;

/// Largest code of the inputs of a layer between others.
pub const BYTE_MAX: i16 = 255;

/// Largest shift.
pub const SHIFT_MAX: u32 = 24;

/// Most that the magnitudes of a group of four weights of a layer of byte codes add up to.
pub const GROUP_MAX: i32 = 128;

/// One layer of integers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IntLayer {
    /// Numbers it takes.
    pub inputs: usize,
    /// One row of `inputs` weights for each output.
    pub weights: Vec<i8>,
    /// One number for each output.
    pub bias: Vec<i32>,
    /// Bits by which a sum is shifted; zero in the last layer.
    pub shift: u32,
    /// One number for each output; none in the last layer.
    pub multiplier: Vec<i16>,
}

/// A network of integers.
#[derive(Clone, PartialEq, Debug)]
pub struct Quantised {
    /// Codes a unit of a normalised feature.
    pub input_scale: f32,
    /// Layers between others take word codes too.
    pub wide: bool,
    /// The layers, first one first.
    pub layers: Vec<IntLayer>,
    /// What a unit of each head's sum is worth.
    pub scale: Vec<f32>,
}

/// What the inputs of a layer look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Codes {
    /// Up to [`WORD_MAX`], with a sign.
    Words,
    /// Up to [`BYTE_MAX`], without.
    Bytes,
}

impl Codes {
    /// Of layer `at` of `count`.
    pub(crate) fn of(at: usize, count: usize, wide: bool) -> Codes {
        if wide || at == 0 || at + 1 == count { Codes::Words } else { Codes::Bytes }
    }

    /// The largest.
    pub(crate) fn max(self) -> i16 {
        match self {
            Codes::Words => WORD_MAX,
            Codes::Bytes => BYTE_MAX,
        }
    }
}

impl IntLayer {
    /// Numbers it gives.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Every weight is allowed and no sum can leave 32 bits.
    pub(crate) fn fits(&self, codes: Codes) -> bool {
        self.weights.iter().all(|weight| *weight >= -WEIGHT_MAX)
            && self.weights.chunks(self.inputs).zip(&self.bias).all(|(row, bias)| {
                let sum: i64 = row.iter().map(|weight| i64::from(weight.unsigned_abs())).sum();
                let sum = i64::from(*bias).abs() + sum * i64::from(codes.max());
                sum <= i64::from(i32::MAX) && (codes == Codes::Words || groups_fit(row))
            })
    }
}

/// The largest sum of the magnitudes of a group of a row.
pub(crate) fn largest_group<T: Copy>(row: &[T], magnitude: impl Fn(T) -> i32) -> i32 {
    let group = |eight: &[T], first: usize| {
        let places = [first, first + 1, first + 4, first + 5];
        places.iter().filter_map(|at| eight.get(*at)).map(|weight| magnitude(*weight)).sum()
    };
    row.chunks(8).flat_map(|eight| [group(eight, 0), group(eight, 2)]).max().unwrap_or(0)
}

fn groups_fit(row: &[i8]) -> bool {
    largest_group(row, |weight: i8| i32::from(weight.unsigned_abs())) <= GROUP_MAX
}

impl Quantised {
    /// Checks that the layers make a network by the definition above.
    ///
    /// # Errors
    /// [`MlpError`] for the first layer that does not fit.
    pub fn check(&self) -> Result<(), MlpError> {
        let (layers, count) = (&self.layers, self.layers.len());
        if count == 0 || count > LAYERS_MAX {
            return Err(MlpError::LayerCount(count));
        }
        if !(self.input_scale.is_finite() && self.input_scale > 0.0) {
            return Err(MlpError::NotFinite { layer: 0 });
        }
        let width = 1..=WIDTH_MAX;
        for (layer, one) in layers.iter().enumerate() {
            let last = layer + 1 == count;
            if !width.contains(&one.inputs) || !width.contains(&one.outputs()) {
                return Err(MlpError::Width { layer });
            }
            let follows = layer == 0 || layers[layer - 1].outputs() == one.inputs;
            let multipliers = if last { 0 } else { one.outputs() };
            if !follows
                || one.weights.len() != one.inputs * one.outputs()
                || one.multiplier.len() != multipliers
                || one.shift > if last { 0 } else { SHIFT_MAX }
                || (last && self.scale.len() != one.outputs())
            {
                return Err(MlpError::Shape { layer });
            }
            let multiplied = one.multiplier.iter().all(|multiplier| *multiplier > 0);
            if !multiplied || !one.fits(Codes::of(layer, count, self.wide)) {
                return Err(MlpError::Range { layer });
            }
        }
        // Sums are within 2^31, so that a head is a number if its scale is below 2^96.
        let finite = self.scale.iter().all(|scale| scale.abs() < 2f32.powi(96));
        if finite { Ok(()) } else { Err(MlpError::NotFinite { layer: count - 1 }) }
    }
}
