//! From an LSTM of floats to one of integers.

use super::network::ZERO;
use super::{LstmLayer, LstmWeights, UNITS_MAX};
use crate::int8::quantise::{Row, rows_from};
use crate::int8::{Codes, IntLayer, SHIFT_MAX, WORD_MAX};
use crate::mlp::{Dense, MlpError};

/// A stacked LSTM of floats, as torch has it: gates in the order i, f, g, o.
#[derive(Clone, PartialEq, Debug)]
pub struct LstmFloats {
    /// For each cell `weight_ih` with `bias_ih`, and `weight_hh` with `bias_hh`.
    pub cells: Vec<[Dense; 2]>,
    /// Of the last cell's state.
    pub heads: Dense,
}

/// Gates to one of their argument.
const GATE: f64 = 2_048.0;

/// What one of a state's codes is worth.
const STATE: f64 = 1.0 / 128.0;

/// No row's step is finer than this part of the coarsest of its layer: the sixteen bits of a gate
/// would then saturate below an argument of 4.
const FINEST: f64 = 0.25;

impl LstmFloats {
    /// In integers, for inputs within ±`clip`. Ranges are those of the functions, so that nothing
    /// has to be calibrated.
    ///
    /// # Errors
    /// [`MlpError`] if the layers do not fit together, or the integers cannot hold them.
    pub fn quantise(&self, clip: f32) -> Result<LstmWeights, MlpError> {
        if !(clip.is_finite() && clip > 0.0) {
            return Err(MlpError::Range { layer: 0 });
        }
        let input_scale = f32::from(WORD_MAX) / clip;
        let mut layers = Vec::with_capacity(self.cells.len());
        for (at, [input, recurrent]) in self.cells.iter().enumerate() {
            let (codes, step) = if at == 0 {
                (Codes::Words, 1.0 / f64::from(input_scale))
            } else {
                (Codes::Bytes, STATE)
            };
            layers.push(LstmLayer {
                input: gates(shaped(input, 2 * at)?, codes, step),
                recurrent: gates(shaped(recurrent, 2 * at + 1)?, Codes::Bytes, STATE),
            });
        }
        let heads = shaped(&self.heads, 2 * self.cells.len())?;
        let rows = rows_from(heads, Codes::Bytes, &vec![STATE; heads.inputs], 0.0);
        let scale = rows.iter().map(|row| row.step as f32).collect();
        let heads = layer(heads, rows, Codes::Bytes, 0, Vec::new());
        let weights = LstmWeights { input_scale, layers, heads, scale };
        weights.check()?;
        Ok(weights)
    }
}

/// A layer with as many finite weights as it should have.
fn shaped(layer: &Dense, at: usize) -> Result<&Dense, MlpError> {
    let shaped = (1..=4 * UNITS_MAX).contains(&layer.inputs)
        && layer.weights.len() == layer.inputs * layer.outputs();
    if !shaped {
        return Err(MlpError::Shape { layer: at });
    }
    let finite = layer.weights.iter().chain(&layer.bias).all(|number| number.is_finite());
    if finite { Ok(layer) } else { Err(MlpError::NotFinite { layer: at }) }
}

/// A layer of gates, whose inputs are worth `step` each.
fn gates(dense: &Dense, codes: Codes, step: f64) -> IntLayer {
    let steps = vec![step; dense.inputs];
    let coarsest = |rows: &[Row]| rows.iter().map(|row| row.step).fold(0.0, f64::max);
    let finest = FINEST * coarsest(&rows_from(dense, codes, &steps, 0.0));
    let rows = rows_from(dense, codes, &steps, finest);
    let coarsest = coarsest(&rows);
    let mut shift = 0;
    while shift < SHIFT_MAX && coarsest * GATE * f64::from(2u32 << shift) < 1.0 {
        shift += 1;
    }
    let unit = 32_768.0 * f64::from(1u32 << shift) * GATE;
    let multiplier = rows.iter().map(|row| (row.step * unit).round().clamp(1.0, 32_767.0) as i16);
    let multiplier = multiplier.collect();
    layer(dense, rows, codes, shift, multiplier)
}

fn layer(
    dense: &Dense,
    rows: Vec<Row>,
    codes: Codes,
    shift: u32,
    multiplier: Vec<i16>,
) -> IntLayer {
    let half = if shift == 0 { 0.0 } else { f64::from(1u32 << (shift - 1)) };
    let bias = rows.iter().zip(&dense.bias).map(|(row, bias)| {
        let sum: i64 = row.weights.iter().map(|weight| i64::from(*weight)).sum();
        let zero = if codes == Codes::Bytes { (i64::from(ZERO) * sum) as f64 } else { 0.0 };
        (f64::from(*bias) / row.step + half - zero).round() as i32 // saturates; refused by check
    });
    IntLayer {
        inputs: dense.inputs,
        bias: bias.collect(),
        weights: rows.into_iter().flat_map(|row| row.weights).collect(),
        shift,
        multiplier,
    }
}
