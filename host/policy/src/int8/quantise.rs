//! From a network of floats to one of integers, by what its units reach over a set of inputs.
//!
//! Every row of weights has a step of its own, the finest that the definition allows: no weight
//! above [`WEIGHT_MAX`], no group above [`GROUP_MAX`], no sum beyond 31 bits. Every unit has a step
//! of its own too: its largest output over the calibration inputs is the largest code. The step of
//! a unit moves into the next layer's weights before those are rounded, so that units of different
//! sizes cost no precision. Biases are such that over the calibration inputs each sum is right in
//! the mean: what rounding has moved in the layers so far is taken back (Nagel et al. 2019, "bias
//! correction").

use super::{
    Codes, GROUP_MAX, IntLayer, Quantised, SHIFT_MAX, WEIGHT_MAX, WORD_MAX, largest_group,
};
use crate::mlp::{self, Dense, MlpError};

/// A unit that never reaches more than this part of the layer's largest is treated as if it did.
const SILENT: f64 = 1e-3;

/// Word codes have room for units that reach further than over the calibration inputs; bytes have
/// not.
const ROOM: f64 = 1.5;

/// Part of 31 bits that sums may take, the bias left aside.
const SUM_MAX: f64 = (1u64 << 30) as f64;

/// Largest multiplier.
const FACTOR_MAX: f64 = 32_767.0;

impl Quantised {
    /// Quantises `layers`, whose inputs lie within ±`clip`, by what their units reach over
    /// `inputs`, each one the normalised features of a decision.
    ///
    /// # Errors
    /// [`MlpError`] if the layers do not make a network, or [`MlpError::Range`] for a layer whose
    /// biases are beyond all proportion to its weights; [`MlpError::Shape`] of layer 0 if there are
    /// no inputs or one is not as long as the network's.
    pub fn calibrate<'a>(
        layers: &[Dense],
        clip: f32,
        inputs: impl IntoIterator<Item = &'a [f32]>,
    ) -> Result<Quantised, MlpError> {
        Quantised::calibrate_as(layers, clip, false, inputs)
    }

    /// The same, of a `wide` network or of one with bytes between its layers.
    ///
    /// # Errors
    /// As [`Quantised::calibrate`].
    pub fn calibrate_as<'a>(
        layers: &[Dense],
        clip: f32,
        wide: bool,
        inputs: impl IntoIterator<Item = &'a [f32]>,
    ) -> Result<Quantised, MlpError> {
        mlp::check(layers)?;
        if !(clip.is_finite() && clip > 0.0) {
            return Err(MlpError::Range { layer: 0 });
        }
        let count = layers.len();
        let input_scale = f32::from(WORD_MAX) / clip;
        let mut over = Calibration::new(layers[0].inputs, input_scale, inputs)?;
        let mut steps = vec![1.0 / f64::from(input_scale); layers[0].inputs];
        let mut quantised = Quantised { input_scale, wide, layers: Vec::new(), scale: Vec::new() };
        for (at, layer) in layers.iter().enumerate() {
            let next = (at + 1 < count).then(|| Codes::of(at + 1, count, wide));
            let rows = rows(layer, Codes::of(at, count, wide), &steps);
            let sums = over.sums(layer, &rows);
            let out = match next {
                Some(next) => {
                    let codes = f64::from(next.max());
                    let room = if next == Codes::Words { ROOM } else { 1.0 };
                    let outs = over.reached().iter().map(|most| room * most / codes).collect();
                    hidden(&rows, codes, outs)
                }
                None => {
                    quantised.scale = rows.iter().map(|row| row.step as f32).collect();
                    Hidden::none()
                }
            };
            let half = if out.shift == 0 { 0.0 } else { f64::from(1u32 << (out.shift - 1)) };
            let biases = over.biases(&rows, &sums).into_iter();
            // Saturates; what does is refused below.
            let bias: Vec<i32> = biases.map(|bias| (bias + half).round() as i32).collect();
            if let Some(next) = next {
                over.advance(&sums, &bias, &out, next);
            }
            quantised.layers.push(IntLayer {
                inputs: layer.inputs,
                bias,
                weights: rows.into_iter().flat_map(|row| row.weights).collect(),
                shift: out.shift,
                multiplier: out.multiplier,
            });
            steps = out.steps;
        }
        quantised.check()?;
        Ok(quantised)
    }
}

/// One row of weights, rounded.
pub(crate) struct Row {
    pub(crate) weights: Vec<i8>,
    /// What one of a sum is worth.
    pub(crate) step: f64,
}

/// What turns the sums of a layer into codes.
struct Hidden {
    shift: u32,
    multiplier: Vec<i16>,
    /// What one of each output's codes is worth.
    steps: Vec<f64>,
}

impl Hidden {
    fn none() -> Hidden {
        Hidden { shift: 0, multiplier: Vec::new(), steps: Vec::new() }
    }
}

/// The calibration inputs on their way through the layers, as floats and as integers.
struct Calibration {
    /// Outputs of the layer before its ReLU; at first the inputs.
    values: Vec<Vec<f64>>,
    codes: Vec<Vec<i64>>,
}

impl Calibration {
    fn new<'a>(
        width: usize,
        scale: f32,
        inputs: impl IntoIterator<Item = &'a [f32]>,
    ) -> Result<Calibration, MlpError> {
        let (mut values, mut codes) = (Vec::new(), Vec::new());
        for input in inputs {
            if input.len() != width || !input.iter().all(|x| x.is_finite()) {
                return Err(MlpError::Shape { layer: 0 });
            }
            let max = f32::from(WORD_MAX);
            let code = |x: &f32| (x * scale).clamp(-max, max).round_ties_even() as i64;
            values.push(input.iter().map(|x| f64::from(*x)).collect());
            codes.push(input.iter().map(code).collect());
        }
        let some = !values.is_empty();
        some.then_some(Calibration { values, codes }).ok_or(MlpError::Shape { layer: 0 })
    }

    /// Goes through a layer: its outputs as floats become the values, and the sums of integers come
    /// back without a bias.
    fn sums(&mut self, layer: &Dense, rows: &[Row]) -> Vec<Vec<i64>> {
        let affine = |values: &Vec<f64>| {
            let rows = layer.weights.chunks(layer.inputs).zip(&layer.bias);
            let sum = rows.map(|(row, bias)| {
                let products = row.iter().zip(values).map(|(w, x)| f64::from(*w) * x);
                f64::from(*bias) + products.sum::<f64>()
            });
            sum.collect()
        };
        self.values = self.values.iter().map(affine).collect();
        let sum = |row: &Row, codes: &[i64]| {
            row.weights.iter().zip(codes).map(|(w, q)| i64::from(*w) * q).sum()
        };
        let sums = |codes: &Vec<i64>| rows.iter().map(|row| sum(row, codes)).collect();
        self.codes.iter().map(sums).collect()
    }

    /// The largest output of each unit behind the ReLU.
    fn reached(&self) -> Vec<f64> {
        let mut most = vec![0.0f64; self.values[0].len()];
        for values in &self.values {
            most.iter_mut().zip(values).for_each(|(most, value)| *most = most.max(*value));
        }
        let largest = most.iter().copied().fold(f64::MIN_POSITIVE.sqrt(), f64::max);
        most.into_iter().map(|most| most.max(SILENT * largest)).collect()
    }

    /// The biases, in steps of their rows, with which the sums are right in the mean.
    fn biases(&self, rows: &[Row], sums: &[Vec<i64>]) -> Vec<f64> {
        let mut total = vec![0.0; rows.len()];
        for (values, sums) in self.values.iter().zip(sums) {
            for (((total, value), sum), row) in total.iter_mut().zip(values).zip(sums).zip(rows) {
                *total += value / row.step - *sum as f64;
            }
        }
        total.into_iter().map(|total| total / sums.len() as f64).collect()
    }

    /// On to the next layer's inputs.
    fn advance(&mut self, sums: &[Vec<i64>], bias: &[i32], hidden: &Hidden, next: Codes) {
        let max = i64::from(next.max());
        for ((codes, values), sums) in self.codes.iter_mut().zip(&mut self.values).zip(sums) {
            let code = |((sum, bias), m): ((&i64, &i32), &i16)| {
                let shifted = (sum + i64::from(*bias)) >> hidden.shift;
                let shifted = shifted.clamp(i16::MIN.into(), i16::MAX.into());
                ((shifted * i64::from(*m) + (1 << 14)) >> 15).clamp(0, max)
            };
            *codes = sums.iter().zip(bias).zip(&hidden.multiplier).map(code).collect();
            values.iter_mut().for_each(|value| *value = value.max(0.0));
        }
    }
}

/// The rows of a layer, whose inputs are worth `steps` each.
fn rows(layer: &Dense, codes: Codes, steps: &[f64]) -> Vec<Row> {
    rows_from(layer, codes, steps, 0.0)
}

/// The same with no step finer than `least`.
pub(crate) fn rows_from(layer: &Dense, codes: Codes, steps: &[f64], least: f64) -> Vec<Row> {
    let row = |row: &[f32]| {
        let real: Vec<f64> = row.iter().zip(steps).map(|(w, s)| f64::from(*w) * s).collect();
        let largest = real.iter().fold(0.0, |max: f64, w| max.max(w.abs()));
        let total: f64 = real.iter().map(|w| w.abs()).sum();
        // The finest step by the largest weight and by the bound of a sum.
        let mut step = largest / f64::from(WEIGHT_MAX);
        step = step.max(total * f64::from(codes.max()) / SUM_MAX).max(least.max(1e-150));
        loop {
            let weights: Vec<i8> = real.iter().map(|w| (w / step).round() as i8).collect();
            let group = largest_group(&weights, |weight: i8| i32::from(weight.unsigned_abs()));
            if codes == Codes::Words || group <= GROUP_MAX {
                return Row { weights, step };
            }
            // Rounding may lift a group above the bound by two again: a little more each time.
            step *= (f64::from(group) / f64::from(GROUP_MAX)).max(1.002);
        }
    };
    layer.weights.chunks(layer.inputs).map(row).collect()
}

/// Shift and multipliers of a layer whose outputs should be worth `steps` each.
fn hidden(rows: &[Row], codes: f64, mut steps: Vec<f64>) -> Hidden {
    // The sum that becomes the largest code must fit into sixteen bits once it is shifted, in every
    // row. What is above saturates, and would be the largest code anyway.
    let sums = rows.iter().zip(&steps).map(|(row, step)| codes * step / row.step);
    let largest = sums.fold(0.0, f64::max);
    let mut shift = 0;
    while shift < SHIFT_MAX && largest / f64::from(1u32 << shift) > FACTOR_MAX {
        shift += 1;
    }
    let unit = f64::from(1u32 << shift);
    let multiplier = rows.iter().zip(&mut steps).map(|(row, step)| {
        // u = a / 2^shift · m / 2^15 and a is worth row.step. A row whose sums are few gets a
        // coarser output.
        *step = step.max(row.step * unit * 32_768.0 / FACTOR_MAX);
        let factor = (row.step * unit * 32_768.0 / *step).round().clamp(1.0, FACTOR_MAX);
        // What the codes are worth with the multiplier as it is rounded.
        *step = row.step * unit * 32_768.0 / factor;
        factor as i16
    });
    let multiplier = multiplier.collect();
    Hidden { shift, multiplier, steps }
}
