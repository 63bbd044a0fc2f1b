//! A policy that draws its actions, and the values it is judged by.

use crate::algorithm::Start;
use crate::checkpoint::Checkpoint;
use crate::learner::{Activation, Head, PolicyView};
use crate::network::Dense;
use crate::noise::{HALF_LN_TAU, Noise};
use crate::normaliser::{Moments, Normaliser};
use crate::parameters::{Adam, Draft, Parameters, numbers, rows};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};
use tercel_environments::ActionSpace;

/// Epsilon of Adam, as Andrychowicz et al. 2021 found best for such nets.
const ADAM_EPSILON: f64 = 1e-7;

/// Shape of the two networks.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Nets {
    /// Units of the policy's hidden layers.
    pub policy: Vec<usize>,
    /// Units of the value's hidden layers.
    pub value: Vec<usize>,
    /// What stands between layers.
    pub activation: Activation,
    /// Spread of a continuous action at first, in half ranges.
    pub spread: f64,
    /// Spread at the end of the run: it then goes there by equal factors and is not learned. A wide
    /// one shows more of the gradient, yet its best mean is another than that of no spread at all.
    pub spread_last: Option<f64>,
    /// Whether observations are brought to scale by what was seen.
    pub normalise: bool,
    /// Largest magnitude of an observation's number after that.
    pub clip: f32,
}

impl Default for Nets {
    fn default() -> Nets {
        Nets {
            policy: vec![64, 64],
            value: vec![64, 64],
            activation: Activation::Relu,
            spread: 0.5,
            spread_last: None,
            normalise: true,
            clip: 10.0,
        }
    }
}

/// The kind of an action.
#[derive(Clone, PartialEq, Debug)]
enum Kinds {
    /// One of so many.
    Discrete(usize),
    /// Numbers: centre and half of each range.
    Continuous(Vec<(f32, f32)>),
}

/// The logarithm of a continuous action's spread.
#[derive(Debug)]
enum Spread {
    /// Actions are discrete.
    None,
    /// Learned: its number among the policy's tensors.
    Learned(usize),
    /// From the first to the last over the run.
    Planned { log: Tensor, ends: [f64; 2] },
}

/// Policy and value, with their optimisers and what they know of observations.
#[derive(Debug)]
pub struct Actor {
    policy: (Parameters, Dense),
    value: (Parameters, Dense),
    spread: Spread,
    kinds: Kinds,
    /// Optimisers of policy and value.
    pub adam: [Adam; 2],
    moments: Moments,
    normaliser: Normaliser,
    normalise: bool,
    noise: Noise,
    device: Device,
}

/// Actions drawn for every lane.
#[derive(Clone, PartialEq, Debug)]
pub enum Drawn {
    /// Discrete ones.
    Discrete(Vec<u32>),
    /// Continuous ones in half ranges around the centre, as they are learned from.
    Continuous(Vec<f32>),
}

impl Actor {
    /// Fresh networks for an environment.
    pub fn new(nets: &Nets, start: &Start<'_>) -> Actor {
        let mut noise = Noise::new(start.seed, 1);
        let width = start.spec.observation;
        let kinds = match &start.spec.actions {
            ActionSpace::Discrete(count) => Kinds::Discrete(*count as usize),
            ActionSpace::Continuous(ranges) => {
                Kinds::Continuous(ranges.iter().map(|range| centre_and_half(*range)).collect())
            }
        };
        let outputs = match &kinds {
            Kinds::Discrete(count) => *count,
            Kinds::Continuous(ranges) => ranges.len(),
        };
        let mut draft = Draft::default();
        let widths = |hidden: &[usize], outputs| [&[width], hidden, &[outputs][..]].concat();
        let policy_widths = widths(&nets.policy, outputs);
        let policy = Dense::new(&mut draft, &policy_widths, nets.activation, 0.01, &mut noise);
        let first = vec![nets.spread.ln() as f32; outputs];
        let spread = match (&kinds, nets.spread_last) {
            (Kinds::Discrete(_), _) => Spread::None,
            (_, None) => Spread::Learned(draft.add(&[outputs as i64], &first)),
            (_, Some(last)) => Spread::Planned {
                log: Tensor::from_slice(&first).to_device(start.device),
                ends: [nets.spread.ln(), last.ln()],
            },
        };
        let policy = (draft.build(start.device), policy);
        let mut draft = Draft::default();
        let value_widths = widths(&nets.value, 1);
        let value = Dense::new(&mut draft, &value_widths, nets.activation, 1.0, &mut noise);
        let value = (draft.build(start.device), value);
        let adam = [&policy.0, &value.0].map(|parameters| Adam::new(parameters, ADAM_EPSILON));
        let normaliser = Normaliser::identity(width, nets.clip);
        let moments = Moments::new(width);
        let (normalise, device) = (nets.normalise, start.device);
        Actor { policy, value, spread, kinds, adam, moments, normaliser, normalise, noise, device }
    }

    /// Brings observations to scale, in place, with what is known so far.
    pub fn normalise(&self, observations: &mut [f32]) {
        self.normaliser.apply(observations);
    }

    /// Takes raw observations into what is known of their scale, which [`Actor::rescale`] uses.
    pub fn see(&mut self, observations: &[f32]) {
        if self.normalise {
            self.moments.add(observations);
        }
    }

    /// Brings observations from now on to the scale of all that was seen.
    pub fn rescale(&mut self) {
        if self.normalise && !self.moments.is_empty() {
            self.normaliser = self.moments.normaliser(self.normaliser.clip);
        }
    }

    /// Random numbers of the learner.
    pub fn noise(&mut self) -> &mut Noise {
        &mut self.noise
    }

    /// Rows of normalised observations as a tensor where the networks are.
    pub fn rows(&self, observations: &[f32]) -> Tensor {
        rows(observations, self.normaliser.mean.len(), self.device)
    }

    /// What the policy's network gives: logits, or means in half ranges.
    pub fn outputs(&self, observations: &Tensor) -> Tensor {
        self.policy.1.forward(&self.policy.0, observations)
    }

    /// Expected values.
    pub fn values(&self, observations: &Tensor) -> Tensor {
        self.value.1.forward(&self.value.0, observations).squeeze_dim(-1)
    }

    /// Draws an action for each row of what [`Actor::outputs`] gave, with the logarithm of its
    /// probability or density.
    pub fn draw(&mut self, outputs: &Tensor) -> (Drawn, Vec<f32>) {
        match &self.kinds {
            Kinds::Discrete(count) => {
                let probabilities = numbers(&outputs.softmax(-1, Kind::Float));
                let mut drawn = Vec::with_capacity(probabilities.len() / count);
                let mut chance = Vec::with_capacity(drawn.capacity());
                for row in probabilities.chunks_exact(*count) {
                    let (mut left, mut at) = (self.noise.uniform(), 0);
                    while at + 1 < row.len() && left >= row[at] {
                        left -= row[at];
                        at += 1;
                    }
                    drawn.push(at as u32);
                    chance.push(row[at].max(f32::MIN_POSITIVE).ln());
                }
                (Drawn::Discrete(drawn), chance)
            }
            Kinds::Continuous(ranges) => {
                let (mut drawn, width) = (numbers(outputs), ranges.len());
                let mut noise = vec![0.0; drawn.len()];
                self.noise.normals(&mut noise);
                let logs = self.log_spread();
                let mut chance = Vec::with_capacity(drawn.len() / width);
                for (row, noise) in drawn.chunks_exact_mut(width).zip(noise.chunks_exact(width)) {
                    let mut sum = 0.0;
                    for ((x, z), log) in row.iter_mut().zip(noise).zip(&logs) {
                        *x += z * log.exp();
                        sum -= 0.5 * z * z + log + HALF_LN_TAU as f32;
                    }
                    chance.push(sum);
                }
                (Drawn::Continuous(drawn), chance)
            }
        }
    }

    /// Numbers of continuous actions in the environment's units.
    pub fn scaled(&self, drawn: &[f32]) -> Vec<f32> {
        let Kinds::Continuous(ranges) = &self.kinds else { return drawn.to_vec() };
        let each = drawn.iter().zip(ranges.iter().cycle());
        each.map(|(x, (centre, half))| centre + half * x).collect()
    }

    /// Brings numbers of continuous actions in the environment's units to half ranges, in place.
    pub fn unscale(&self, actions: &mut [f32]) {
        let Kinds::Continuous(ranges) = &self.kinds else { return };
        for (x, (centre, half)) in actions.iter_mut().zip(ranges.iter().cycle()) {
            *x = (*x - centre) / half;
        }
    }

    /// Logarithm of the probability or density of actions that were drawn, and the mean entropy.
    pub fn judge(&self, outputs: &Tensor, actions: &Tensor) -> (Tensor, Tensor) {
        let log = match &self.spread {
            Spread::None => None,
            Spread::Learned(at) => Some(self.policy.0.get(*at)),
            Spread::Planned { log, .. } => Some(log),
        };
        match log {
            None => {
                let logs = outputs.log_softmax(-1, Kind::Float);
                let chosen = logs.gather(1, &actions.unsqueeze(-1), false).squeeze_dim(-1);
                let entropy = -(logs.exp() * logs).sum_dim_intlist(-1, false, Kind::Float);
                (chosen, entropy.mean(Kind::Float))
            }
            Some(log) => {
                let apart = (actions - outputs) / log.exp();
                let logs = apart.square() * -0.5 - log - HALF_LN_TAU;
                let entropy = (log + (0.5 + HALF_LN_TAU)).sum(Kind::Float);
                (logs.sum_dim_intlist(-1, false, Kind::Float), entropy)
            }
        }
    }

    /// Actions as the tensor that [`Actor::judge`] takes.
    pub fn actions(&self, drawn: &Drawn) -> Tensor {
        match (drawn, &self.kinds) {
            (Drawn::Continuous(numbers), Kinds::Continuous(ranges)) => {
                rows(numbers, ranges.len(), self.device)
            }
            (Drawn::Continuous(numbers), _) => rows(numbers, 1, self.device),
            (Drawn::Discrete(chosen), _) => {
                let chosen: Vec<i64> = chosen.iter().map(|at| i64::from(*at)).collect();
                Tensor::from_slice(&chosen).to_device(self.device)
            }
        }
    }

    /// One step of the policy's optimiser; back comes the gradient's norm.
    pub fn step_policy(&mut self, loss: &Tensor, rate: f64, norm_max: f64) -> Result<f64> {
        self.adam[0].step(&self.policy.0, loss, rate, norm_max)
    }

    /// One step of the value's optimiser; back comes the gradient's norm.
    pub fn step_value(&mut self, loss: &Tensor, rate: f64, norm_max: f64) -> Result<f64> {
        self.adam[1].step(&self.value.0, loss, rate, norm_max)
    }

    /// Logarithms of a continuous action's spread; nothing for discrete ones.
    pub fn log_spread(&self) -> Vec<f32> {
        match &self.spread {
            Spread::None => Vec::new(),
            Spread::Learned(at) => numbers(self.policy.0.get(*at)),
            Spread::Planned { log, .. } => numbers(log),
        }
    }

    /// Brings a planned spread to where it is after `done` of the run, from 0 to 1.
    pub fn plan(&mut self, done: f64) {
        if let Spread::Planned { log, ends: [first, last] } = &mut self.spread {
            let _ = log.fill_(*first + (*last - *first) * done.clamp(0.0, 1.0));
        }
    }

    /// As [`crate::learner::Learner::act`].
    pub fn act(&self, observations: &Tensor) -> Tensor {
        tch::no_grad(|| {
            let width = self.normaliser.mean.len() as i64;
            let mut raw = numbers(&observations.reshape([-1, width]));
            self.normalise(&mut raw);
            let outputs = self.outputs(&self.rows(&raw));
            match &self.kinds {
                Kinds::Discrete(_) => outputs,
                Kinds::Continuous(ranges) => {
                    let (centre, half): (Vec<f32>, Vec<f32>) = ranges.iter().copied().unzip();
                    let of = |numbers: &[f32]| Tensor::from_slice(numbers).to_device(self.device);
                    outputs * of(&half) + of(&centre)
                }
            }
        })
    }

    /// The policy as plain numbers; ranges are folded into the last layer.
    pub fn view(&self) -> PolicyView {
        let mut layers = self.policy.1.layers(&self.policy.0);
        let head = match (&self.kinds, layers.last_mut()) {
            (Kinds::Continuous(ranges), Some(last)) => {
                last.scale_outputs(ranges);
                Head::Linear
            }
            _ => Head::Discrete,
        };
        let activation = self.policy.1.activation();
        PolicyView { normaliser: self.normaliser.clone(), layers, activation, head }
    }

    /// Writes networks, optimisers, scale and the place in the random numbers.
    pub fn save(&self, to: &mut Checkpoint) -> Result<()> {
        self.policy.0.save("policy", to)?;
        self.value.0.save("value", to)?;
        self.adam[0].save("policy.adam", to)?;
        self.adam[1].save("value.adam", to)?;
        self.moments.save("observations", to);
        self.noise.save("noise", to);
        Ok(())
    }

    /// Reads what [`Actor::save`] wrote.
    pub fn load(&mut self, from: &Checkpoint) -> Result<()> {
        self.policy.0.load("policy", from)?;
        self.value.0.load("value", from)?;
        self.adam[0].load("policy.adam", from)?;
        self.adam[1].load("value.adam", from)?;
        self.moments.load("observations", from)?;
        self.rescale();
        self.noise.load("noise", from)
    }
}

/// Centre and half of a range; one without ends is taken as ±1.
pub(crate) fn centre_and_half((low, high): (f32, f32)) -> (f32, f32) {
    let (centre, half) = (0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low);
    if centre.is_finite() && half.is_finite() && half > 0.0 { (centre, half) } else { (0.0, 1.0) }
}
