//! A stacked LSTM in integers, step by step: weights and states of eight bits, gates of sixteen,
//! and no floating point between its inputs and its heads. What stands here is the definition, for
//! software and for hardware; it continues that of [`crate::int8`], whose codes, sums, shifts and
//! multipliers it uses.
//!
//! Write r(a, b) = (a · b + 2^14) >> 15 for the rounding product of 16-bit numbers, s(x) for x held
//! within −32,768 to 32,767.
//!
//! **Steps.** A stream carries for each cell the state codes q and the memory c. In the beginning
//! all q are 128 and all c zero. At each step the cells run in their order.
//!
//! **Codes.** The first cell takes word codes of the normalised features. A state h, of −1 to 1,
//! has the byte code 128 + 128 h; cells behind the first and the heads take those, and every cell
//! its own of the step before. That a code of 128 means zero is part of the biases.
//!
//! **Gates.** A cell of n units has 4 n gates in torch's order: i, f, g, o. Two layers of integers
//! give a sum for each, of the inputs and of the cell's state before the step, with a shift and a
//! multiplier each: u = r(s(a >> shift), m). The gate's argument is p = s(u_inputs + u_state), in
//! units of 2^−11, so that ±16 is the range.
//!
//! **Tangent.** T(p) is tanh in units of 2^−15, by sixteen straight lines between the points
//! [`KNOTS`], which are round(32,767 · tanh(j / 4)): y = min(|p|, 8,191), j = y >> 9, T = sign(p) ·
//! (KNOTS\[j\] + r((y mod 512) · 64, KNOTS\[j+1\] − KNOTS\[j\])). It differs from tanh by 0.006 at
//! most.
//!
//! **Logistic function.** S(p) = 16,384 + (T(p >> 1) >> 1): σ(x) = (1 + tanh(x/2)) / 2.
//!
//! **Cell.** c' = s(r(S(f), c) + r(r(S(i), T(g)), 2,048)), in units of 2^−11; h = r(S(o), T(c')),
//! in units of 2^−15; q' = 128 + (s(h + 128) >> 8).
//!
//! **Heads.** The sum of a layer over the codes q' of the last cell, times `scale`, as in
//! [`crate::int8`].
//!
//! **What is computed when.** The state's part of the gates of every cell waits for nothing but the
//! step before: [`Lstm::prepare`] computes it once the decision has left. For two cells of 128
//! units that is 131,072 of the 217,000 multiplications of a step.

mod network;
mod quantise;

pub(crate) use network::CellState;
pub use network::{Lstm, LstmState};
pub use quantise::LstmFloats;

use crate::int8::{Codes, IntLayer, SHIFT_MAX};
use crate::mlp::{MlpError, WIDTH_MAX};

/// Points between which the tangent is straight.
pub const KNOTS: [i16; 17] = [
    0, 8025, 15142, 20812, 24955, 27796, 29659, 30846, 31588, 32047, 32328, 32500, 32605, 32669,
    32707, 32731, 32745,
];

/// Most cells.
pub const CELLS_MAX: usize = 4;

/// Units of a cell: a multiple of [`UNITS_STEP`], at most [`UNITS_MAX`].
pub const UNITS_MAX: usize = 256;

/// See [`UNITS_MAX`].
pub const UNITS_STEP: usize = 16;

/// The two layers of a cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LstmLayer {
    /// Of its inputs.
    pub input: IntLayer,
    /// Of its state.
    pub recurrent: IntLayer,
}

/// A stacked LSTM of integers.
#[derive(Clone, PartialEq, Debug)]
pub struct LstmWeights {
    /// Codes a unit of a normalised feature.
    pub input_scale: f32,
    /// The cells, first one first.
    pub layers: Vec<LstmLayer>,
    /// The heads, without shift and multipliers.
    pub heads: IntLayer,
    /// What a unit of each head's sum is worth.
    pub scale: Vec<f32>,
}

impl LstmLayer {
    /// Units of the cell.
    pub fn units(&self) -> usize {
        self.recurrent.inputs
    }

    fn check(&self, at: usize, inputs: usize) -> Result<(), MlpError> {
        let units = self.units();
        if units == 0 || units > UNITS_MAX || !units.is_multiple_of(UNITS_STEP) {
            return Err(MlpError::Width { layer: 2 * at });
        }
        let codes = if at == 0 { Codes::Words } else { Codes::Bytes };
        let parts = [(&self.input, inputs, codes), (&self.recurrent, units, Codes::Bytes)];
        for (of, (part, inputs, codes)) in parts.into_iter().enumerate() {
            let layer = 2 * at + of;
            let shaped = part.inputs == inputs
                && part.outputs() == 4 * units
                && part.weights.len() == 4 * units * inputs
                && part.multiplier.len() == 4 * units
                && part.shift <= SHIFT_MAX;
            if !shaped {
                return Err(MlpError::Shape { layer });
            }
            if !part.multiplier.iter().all(|multiplier| *multiplier > 0) || !part.fits(codes) {
                return Err(MlpError::Range { layer });
            }
        }
        Ok(())
    }
}

impl LstmWeights {
    /// Checks that it is by the definition above.
    ///
    /// # Errors
    /// [`MlpError`] for the first layer that does not fit: those of the inputs have even numbers,
    /// those of the states odd ones, the heads come last.
    pub fn check(&self) -> Result<(), MlpError> {
        let cells = self.layers.len();
        if cells == 0 || cells > CELLS_MAX {
            return Err(MlpError::LayerCount(cells));
        }
        if !(self.input_scale.is_finite() && self.input_scale > 0.0) {
            return Err(MlpError::NotFinite { layer: 0 });
        }
        let mut inputs = self.layers[0].input.inputs;
        if inputs == 0 || inputs > WIDTH_MAX {
            return Err(MlpError::Width { layer: 0 });
        }
        for (at, cell) in self.layers.iter().enumerate() {
            cell.check(at, inputs)?;
            inputs = cell.units();
        }
        let (heads, layer) = (&self.heads, 2 * cells);
        if heads.outputs() == 0 || heads.outputs() > WIDTH_MAX {
            return Err(MlpError::Width { layer });
        }
        let shaped = heads.inputs == inputs
            && heads.weights.len() == inputs * heads.outputs()
            && heads.multiplier.is_empty()
            && heads.shift == 0
            && self.scale.len() == heads.outputs();
        if !shaped {
            return Err(MlpError::Shape { layer });
        }
        if !heads.fits(Codes::Bytes) {
            return Err(MlpError::Range { layer });
        }
        let finite = self.scale.iter().all(|scale| scale.abs() < 2f32.powi(96));
        if finite { Ok(()) } else { Err(MlpError::NotFinite { layer }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_points_are_those_of_the_tangent() {
        for (at, knot) in KNOTS.iter().enumerate() {
            assert_eq!(f64::from(*knot), (32_767.0 * (at as f64 / 4.0).tanh()).round(), "{at}");
        }
    }
}
