//! The weights as they were trained.

use super::{CHANNELS, HEADS_MAX, INPUTS, TAPS, UNITS, WEIGHT_MAX};
use crate::mlp::{Dense, MlpError};

/// The affine maps of the definition.
#[derive(Clone, PartialEq, Debug)]
pub struct HybridWeights {
    /// `conv`: a row has the taps of the first input, oldest first, then those of the second.
    pub conv: Dense,
    /// `lstm.*_ih_l0`.
    pub input: Dense,
    /// `lstm.*_hh_l0`.
    pub recurrent: Dense,
    /// `query`.
    pub query: Dense,
    /// `key`.
    pub key: Dense,
    /// `value`.
    pub value: Dense,
    /// `trunk`.
    pub trunk: Dense,
    /// `heads`.
    pub heads: Dense,
}

/// How many maps there are.
const PARTS: usize = 8;

impl HybridWeights {
    /// The names of the tensors, weight and bias, in the order of [`HybridWeights::parts`].
    pub const NAMES: [(&'static str, &'static str); PARTS] = [
        ("conv.weight", "conv.bias"),
        ("lstm.weight_ih_l0", "lstm.bias_ih_l0"),
        ("lstm.weight_hh_l0", "lstm.bias_hh_l0"),
        ("query.weight", "query.bias"),
        ("key.weight", "key.bias"),
        ("value.weight", "value.bias"),
        ("trunk.weight", "trunk.bias"),
        ("heads.weight", "heads.bias"),
    ];

    /// The maps in their order.
    pub fn parts(&self) -> [&Dense; PARTS] {
        let HybridWeights { conv, input, recurrent, query, key, value, trunk, heads } = self;
        [conv, input, recurrent, query, key, value, trunk, heads]
    }

    /// From the maps in their order; `None` if there are not as many as there should be.
    pub fn from_parts(parts: Vec<Dense>) -> Option<HybridWeights> {
        let parts = <[Dense; PARTS]>::try_from(parts).ok()?;
        let [conv, input, recurrent, query, key, value, trunk, heads] = parts;
        Some(HybridWeights { conv, input, recurrent, query, key, value, trunk, heads })
    }

    /// Shape of a map's weight, with `heads` heads, and the length of its bias.
    pub fn shape(part: usize, heads: usize) -> (Vec<usize>, usize) {
        let (rows, columns) = match part {
            0 => return (vec![CHANNELS, INPUTS, TAPS], CHANNELS),
            1 => (4 * UNITS, CHANNELS),
            2 => (4 * UNITS, UNITS),
            7 => (heads, UNITS),
            _ => (UNITS, UNITS),
        };
        (vec![rows, columns], rows)
    }

    /// Checks shapes and numbers.
    ///
    /// # Errors
    /// [`MlpError`] with the number of the first map that does not fit.
    pub fn check(&self) -> Result<(), MlpError> {
        let heads = self.heads.outputs();
        if heads == 0 || heads > HEADS_MAX {
            return Err(MlpError::Width { layer: PARTS - 1 });
        }
        for (layer, part) in self.parts().into_iter().enumerate() {
            let (shape, rows) = HybridWeights::shape(layer, heads);
            let numbers: usize = shape.iter().product();
            let inputs = numbers / rows;
            if part.weights.len() != numbers || part.outputs() != rows || part.inputs != inputs {
                return Err(MlpError::Shape { layer });
            }
            let mut all = part.weights.iter().chain(&part.bias);
            if !all.clone().all(|number| number.is_finite()) {
                return Err(MlpError::NotFinite { layer });
            }
            if !all.all(|number| number.abs() <= WEIGHT_MAX) {
                return Err(MlpError::Range { layer });
            }
        }
        Ok(())
    }

    /// Random weights from `seed`, of the size with which torch begins, with `heads` heads whose
    /// biases are 2: for benchmarks and tests.
    pub fn random(heads: usize, seed: u32) -> HybridWeights {
        let mut state = u64::from(seed);
        let parts = (0..PARTS).map(|part| {
            let (shape, rows) = HybridWeights::shape(part, heads);
            let inputs = shape[1..].iter().product();
            let bias = if part + 1 == PARTS { 2.0 } else { 0.05 };
            crate::artifact::random_layer(inputs, rows, 0.4, bias, &mut state)
        });
        let [conv, input, recurrent, query, key, value, trunk, heads] =
            <[Dense; PARTS]>::try_from(parts.collect::<Vec<_>>())
                .unwrap_or_else(|_| unreachable!("as many parts as are asked for"));
        HybridWeights { conv, input, recurrent, query, key, value, trunk, heads }
    }
}
