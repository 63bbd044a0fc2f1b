//! Fine-tuning of a dense network to what it will be in integers.
//!
//! The forward pass is the integer network itself, to the bit; the gradient is that of the floats
//! it was rounded from, as if rounding were the identity (the straight-through estimator of Bengio,
//! Léonard and Courville 2013, taken over the whole network). The aim is what the floats said
//! before any of this. The best network on the way is kept, the first included, so that the result
//! is never farther from its aim than plain rounding.

use crate::algorithm::Wrong;
use crate::learner::{Activation, Layer, PolicyView};
use crate::network::Dense;
use crate::noise::Noise;
use crate::parameters::{Adam, Draft, Parameters};
use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};
use tercel_policy::int8::{Int8Mlp, Quantised};
use tercel_policy::mlp;

/// Epsilon of Adam.
const ADAM_EPSILON: f64 = 1e-8;

/// The table `[integers]` of a configuration.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Observations that ranges of units are taken from, of those collected.
    pub calibration: usize,
    /// Steps of the optimiser; 0 only rounds.
    pub steps: usize,
    /// Observations that one step learns from.
    pub batch: usize,
    /// Learning rate.
    pub rate: f64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { calibration: 4_096, steps: 200, batch: 1_024, rate: 1e-5 }
    }
}

impl Settings {
    /// Checks every value that its type does not.
    ///
    /// # Errors
    /// The first key with a value that cannot train, and what is allowed.
    pub fn check(&self) -> Result<(), Wrong> {
        Wrong::unless(self.calibration >= 1, "calibration", "a whole number from 1 on")?;
        Wrong::unless(self.batch >= 1, "batch", "a whole number from 1 on")?;
        let rate = self.rate > 0.0 && self.rate <= 1.0;
        Wrong::unless(rate, "rate", "a number above 0, at most 1")
    }
}

/// A network of integers, and how far it is from its floats.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// The integers.
    pub network: Quantised,
    /// Root of the mean squared distance of its outputs from the floats', after plain rounding.
    pub rounded: f64,
    /// The same after tuning.
    pub tuned: f64,
}

/// Rounds a policy to integers and tunes it on `observations`, raw rows of a market that it traded
/// in; the first [`Settings::calibration`] of them set the ranges.
///
/// # Errors
/// If the policy is not one of the host's (ReLU between its layers), or cannot be rounded.
pub fn tune(
    policy: &PolicyView,
    observations: &[f32],
    settings: &Settings,
    seed: u64,
) -> Result<Tuned> {
    if policy.activation != Activation::Relu {
        bail!("the host's network has ReLU between its layers, and this policy has not");
    }
    let width = policy.normaliser.mean.len();
    ensure!(observations.len() >= width, "no observations to take ranges from");
    let mut inputs = observations.to_vec();
    policy.normaliser.apply(&mut inputs);
    let rows: Vec<&[f32]> = inputs.chunks_exact(width).collect();
    let calibration = &rows[..settings.calibration.min(rows.len())];
    let clip = policy.normaliser.clip;
    let round = |layers: &[Layer]| -> Result<Quantised> {
        Ok(Quantised::calibrate(&host(layers), clip, calibration.iter().copied())?)
    };
    let aim = floats(&policy.layers, &rows)?;
    let mut best = round(&policy.layers)?;
    let rounded = distance(&run(&best, &rows)?, &aim);
    let mut tuned = rounded;
    let (network, parameters) = trainable(&policy.layers);
    let mut adam = Adam::new(&parameters, ADAM_EPSILON);
    let mut noise = Noise::new(seed, 6);
    let outputs = aim.len() / rows.len();
    for step in 0..settings.steps {
        let part: Vec<usize> =
            (0..settings.batch.min(rows.len())).map(|_| noise.below(rows.len())).collect();
        let chosen: Vec<&[f32]> = part.iter().map(|at| rows[*at]).collect();
        let wanted: Vec<f32> =
            part.iter().flat_map(|at| &aim[at * outputs..(at + 1) * outputs]).copied().collect();
        let integers = run(&round(&network.layers(&parameters))?, &chosen)?;
        let tensor = |x: &[f32]| Tensor::from_slice(x).view([-1, outputs as i64]);
        let given = Tensor::from_slice(&chosen.concat()).view([-1, width as i64]);
        let outputs = network.forward(&parameters, &given);
        let through = &outputs + (tensor(&integers) - &outputs).detach();
        let loss = (through - tensor(&wanted)).square().mean(Kind::Float);
        adam.step(&parameters, &loss, settings.rate, 1.0)?;
        // Rounding jumps from step to step: the best is looked for often.
        if step % 10 == 9 || step + 1 == settings.steps {
            let now = round(&network.layers(&parameters))?;
            let apart = distance(&run(&now, &rows)?, &aim);
            if apart < tuned {
                (tuned, best) = (apart, now);
            }
        }
    }
    Ok(Tuned { network: best, rounded, tuned })
}

/// What a policy says on raw observations, one row after the other, by the host's own kernels.
///
/// # Errors
/// If its layers do not make a network of the host.
pub fn floats_on(policy: &PolicyView, observations: &[f32]) -> Result<Vec<f32>> {
    let mut inputs = observations.to_vec();
    policy.normaliser.apply(&mut inputs);
    let rows: Vec<&[f32]> = inputs.chunks_exact(policy.normaliser.mean.len()).collect();
    floats(&policy.layers, &rows)
}

/// The same of its integers.
///
/// # Errors
/// If they are not by the host's definition.
pub fn integers_on(
    policy: &PolicyView,
    network: &Quantised,
    observations: &[f32],
) -> Result<Vec<f32>> {
    let mut inputs = observations.to_vec();
    policy.normaliser.apply(&mut inputs);
    let rows: Vec<&[f32]> = inputs.chunks_exact(policy.normaliser.mean.len()).collect();
    run(network, &rows)
}

/// Outputs of the integers for rows of normalised inputs, one row after the other.
fn run(network: &Quantised, rows: &[&[f32]]) -> Result<Vec<f32>> {
    let mut network = Int8Mlp::new(network)?;
    let mut outputs = Vec::with_capacity(rows.len() * network.outputs());
    for row in rows {
        outputs.extend_from_slice(network.forward(row));
    }
    Ok(outputs)
}

/// Outputs of the floats, by the host's own kernels.
fn floats(layers: &[Layer], rows: &[&[f32]]) -> Result<Vec<f32>> {
    let mut network = mlp::Mlp::new(&host(layers))?;
    let mut outputs = Vec::with_capacity(rows.len() * network.outputs());
    for row in rows {
        outputs.extend_from_slice(network.forward(row));
    }
    Ok(outputs)
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    (squares / a.len().max(1) as f64).sqrt()
}

/// The layers as the host takes them.
fn host(layers: &[Layer]) -> Vec<mlp::Dense> {
    layers.iter().cloned().map(Layer::into_host).collect()
}

/// A network that begins with these weights.
fn trainable(layers: &[Layer]) -> (Dense, Parameters) {
    let mut draft = Draft::default();
    let widths: Vec<usize> = layers
        .iter()
        .map(|layer| layer.inputs)
        .chain(layers.last().map(|l| l.bias.len()))
        .collect();
    let network = Dense::new(&mut draft, &widths, Activation::Relu, 1.0, &mut Noise::new(0, 0));
    let parameters = draft.build(Device::Cpu);
    let all: Vec<f32> =
        layers.iter().flat_map(|layer| layer.weights.iter().chain(&layer.bias)).copied().collect();
    tch::no_grad(|| parameters.flat().shallow_clone().copy_(&Tensor::from_slice(&all)));
    (network, parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learner::Head;
    use crate::normaliser::Normaliser;

    fn policy(noise: &mut Noise) -> PolicyView {
        let widths = [6, 16, 16, 2];
        let layer = |pair: &[usize], noise: &mut Noise| Layer {
            inputs: pair[0],
            weights: (0..pair[0] * pair[1]).map(|_| noise.normal() as f32 * 0.5).collect(),
            bias: (0..pair[1]).map(|_| noise.normal() as f32 * 0.1).collect(),
        };
        PolicyView {
            normaliser: Normaliser::identity(6, 5.0),
            layers: widths.windows(2).map(|pair| layer(pair, noise)).collect(),
            activation: Activation::Relu,
            head: Head::Linear,
        }
    }

    #[test]
    fn tuning_brings_the_integers_nearer() {
        let mut noise = Noise::new(9, 0);
        let policy = policy(&mut noise);
        let mut observations = vec![0.0; 6 * 2_000];
        noise.normals(&mut observations);
        let settings = Settings { calibration: 500, steps: 60, batch: 256, rate: 1e-4 };
        let tuned = tune(&policy, &observations, &settings, 1).expect("tuned");
        assert!(tuned.tuned <= tuned.rounded, "{tuned:?}");
        assert!(tuned.rounded > 0.0 && tuned.rounded < 0.2, "{}", tuned.rounded);
        let again = tune(&policy, &observations, &settings, 1).expect("tuned");
        assert_eq!(tuned.network, again.network);
    }

    #[test]
    fn what_cannot_be_rounded_is_refused() {
        let mut noise = Noise::new(9, 0);
        let mut policy = policy(&mut noise);
        assert!(tune(&policy, &[], &Settings::default(), 1).is_err());
        policy.layers[1].weights[3] = f32::NAN;
        assert!(tune(&policy, &[0.0; 60], &Settings::default(), 1).is_err());
        policy.activation = Activation::Tanh;
        assert!(tune(&policy, &[0.0; 60], &Settings::default(), 1).is_err());
    }
}
