//! Dense networks on libtorch.

use crate::learner::{Activation, Layer};
use crate::noise::Noise;
use crate::parameters::{Draft, Parameters, numbers};
use tch::Tensor;

/// Dense layers with one function between them and none after the last. It holds the numbers of its
/// tensors, so that one network may run on several sets of weights: its own and a target's.
#[derive(Clone, PartialEq, Debug)]
pub struct Dense {
    layers: Vec<(usize, usize)>,
    widths: Vec<usize>,
    activation: Activation,
}

impl Dense {
    /// Adds layers of these widths, inputs first, to the draft: orthogonal weights (Saxe et al.
    /// 2014) and biases of zero. Hidden layers get the gain of their function, the last `gain`:
    /// 0.01 makes a policy that does not care at first, 1 is for values.
    pub fn new(
        draft: &mut Draft,
        widths: &[usize],
        activation: Activation,
        gain: f64,
        noise: &mut Noise,
    ) -> Dense {
        let last = widths.len() - 2;
        let layers = widths.windows(2).enumerate().map(|(at, pair)| {
            let gain = match activation {
                _ if at == last => gain,
                Activation::Relu => std::f64::consts::SQRT_2,
                Activation::Tanh => 5.0 / 3.0,
            };
            let weights = orthogonal(pair[1], pair[0], gain, noise);
            let weight = draft.add(&[pair[1] as i64, pair[0] as i64], &weights);
            let bias = draft.add(&[pair[1] as i64], &vec![0.0; pair[1]]);
            (weight, bias)
        });
        let layers = layers.collect();
        Dense { layers, widths: widths.to_vec(), activation }
    }

    /// What it gives for rows of inputs.
    pub fn forward(&self, parameters: &Parameters, inputs: &Tensor) -> Tensor {
        let mut given = inputs.shallow_clone();
        for (at, (weight, bias)) in self.layers.iter().enumerate() {
            given = given.linear(parameters.get(*weight), Some(parameters.get(*bias)));
            if at + 1 < self.layers.len() {
                given = self.activation.on(&given);
            }
        }
        given
    }

    /// The layers as plain numbers.
    pub fn layers(&self, parameters: &Parameters) -> Vec<Layer> {
        let each = self.layers.iter().zip(&self.widths);
        let layer = |((weight, bias), inputs): (&(usize, usize), &usize)| Layer {
            inputs: *inputs,
            weights: numbers(parameters.get(*weight)),
            bias: numbers(parameters.get(*bias)),
        };
        each.map(layer).collect()
    }

    /// The function between the layers.
    pub fn activation(&self) -> Activation {
        self.activation
    }
}

/// A matrix whose rows (or columns, whichever are fewer) are orthogonal and of length `gain`:
/// normal numbers, orthogonalised by Gram and Schmidt twice over, which is enough for any that are
/// not nearly parallel (Giraud et al. 2005).
pub fn orthogonal(rows: usize, columns: usize, gain: f64, noise: &mut Noise) -> Vec<f32> {
    let (few, many) = (rows.min(columns), rows.max(columns));
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(few);
    while basis.len() < few {
        let mut vector: Vec<f64> = (0..many).map(|_| noise.normal()).collect();
        for _ in 0..2 {
            for known in &basis {
                let along: f64 = known.iter().zip(&vector).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(known).for_each(|(x, k)| *x -= along * k);
            }
        }
        let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
        vector.iter_mut().for_each(|x| *x /= length);
        basis.push(vector);
    }
    let at = |row: usize, column: usize| {
        if rows <= columns { basis[row][column] } else { basis[column][row] }
    };
    (0..rows * columns).map(|cell| (gain * at(cell / columns, cell % columns)) as f32).collect()
}
