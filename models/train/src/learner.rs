//! What every algorithm does, and what the loop around it needs of one.

use crate::checkpoint::Checkpoint;
use crate::normaliser::Normaliser;
use anyhow::Result;
use tch::Tensor;
use tercel_environments::Environment;

/// An algorithm with its networks, its optimisers and everything it remembers.
///
/// A run is cut into chapters of a fixed number of rounds. Each begins with [`Learner::begin`],
/// which resets the environment from a seed that depends on the run's seed and the chapter's number
/// only. A checkpoint is taken between chapters, so it needs nothing of the environment, and a run
/// that was resumed goes on with the same bits as one that never stopped.
pub trait Learner {
    /// Name of the algorithm, as configurations say it.
    fn name(&self) -> &'static str;

    /// Begins a chapter: resets the environment from `seed` and forgets what was carried from step
    /// to step (the observation to act on, windows of several steps).
    fn begin(&mut self, environment: &mut dyn Environment, seed: u64) -> Result<()>;

    /// One round: collects and learns.
    fn round(&mut self, environment: &mut dyn Environment) -> Result<Round>;

    /// Outputs of the policy's deterministic network for a batch of raw observations (lanes ×
    /// observation), as [`PolicyView`] describes them: values or logits of discrete actions, means
    /// of continuous ones in the environment's own units.
    fn act(&self, observation: &Tensor) -> Tensor;

    /// The weights of what [`Learner::act`] runs.
    fn policy(&self) -> PolicyView;

    /// Writes all that the next chapter depends on.
    fn save(&self, to: &mut Checkpoint) -> Result<()>;

    /// Takes back what [`Learner::save`] wrote; refuses what is of another shape.
    fn load(&mut self, from: &Checkpoint) -> Result<()>;
}

/// What one round did.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Round {
    /// Steps of the environment, summed over lanes.
    pub steps: u64,
    /// Figures for the event file: name (`loss/policy`) and value.
    pub scalars: Vec<(&'static str, f64)>,
}

impl Round {
    /// The scalar of this name, if the round has it.
    pub fn scalar(&self, name: &str) -> Option<f64> {
        self.scalars.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// A deterministic policy as plain numbers: normalised observations through dense layers with ReLU
/// or tanh between them, then a head.
#[derive(Clone, PartialEq, Debug)]
pub struct PolicyView {
    /// What is done to an observation first.
    pub normaliser: Normaliser,
    /// The layers, first one first.
    pub layers: Vec<Layer>,
    /// What stands between the layers.
    pub activation: Activation,
    /// What the outputs mean.
    pub head: Head,
}

/// One dense layer.
#[derive(Clone, PartialEq, Debug)]
pub struct Layer {
    /// Numbers it takes.
    pub inputs: usize,
    /// One row of `inputs` numbers for each output.
    pub weights: Vec<f32>,
    /// One number for each output.
    pub bias: Vec<f32>,
}

/// The function between layers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// max(0, x): what the host's kernels run.
    Relu,
    /// The hyperbolic tangent: smoother policies, only for the closed-form environments.
    Tanh,
}

/// What the outputs of a policy mean.
#[derive(Clone, PartialEq, Debug)]
pub enum Head {
    /// A score for each action; the largest is done.
    Discrete,
    /// The action itself, in the environment's units; outside its range it is cut.
    Linear,
    /// The action is centre + half × tanh(output), each range's own: least and largest value.
    Squashed(Vec<(f32, f32)>),
}

/// What is done.
#[derive(Clone, PartialEq, Debug)]
pub enum Choice {
    /// One of the discrete actions.
    Discrete(u32),
    /// Numbers of a continuous action.
    Continuous(Vec<f32>),
}

impl PolicyView {
    /// Raw outputs of the network for one observation, in f32 and in plain Rust: what exams,
    /// comparisons and the export check run.
    pub fn outputs(&self, observation: &[f32]) -> Vec<f32> {
        let mut given = observation.to_vec();
        self.normaliser.apply(&mut given);
        for (at, layer) in self.layers.iter().enumerate() {
            let mut next = layer.bias.clone();
            for (row, sum) in layer.weights.chunks_exact(layer.inputs).zip(&mut next) {
                *sum += row.iter().zip(&given).map(|(w, x)| w * x).sum::<f32>();
                if at + 1 < self.layers.len() {
                    *sum = self.activation.of(*sum);
                }
            }
            given = next;
        }
        given
    }

    /// What the policy does on one observation.
    pub fn choose(&self, observation: &[f32]) -> Choice {
        let outputs = self.outputs(observation);
        match &self.head {
            Head::Discrete => Choice::Discrete(largest(&outputs)),
            Head::Linear => Choice::Continuous(outputs),
            Head::Squashed(ranges) => {
                let each = outputs.iter().zip(ranges);
                let action = each.map(|(output, (low, high))| {
                    0.5 * (low + high) + 0.5 * (high - low) * output.tanh()
                });
                Choice::Continuous(action.collect())
            }
        }
    }
}

impl PolicyView {
    /// Answers rows of observations with rows of actions, as exams ask: a discrete action is its
    /// index as a number.
    pub fn answer(&self, observations: &[f32], rows: usize) -> Vec<f32> {
        let width = observations.len() / rows.max(1);
        let each = observations.chunks_exact(width.max(1)).map(|row| self.choose(row));
        let mut answers = Vec::with_capacity(rows);
        for choice in each {
            match choice {
                Choice::Discrete(index) => answers.push(index as f32),
                Choice::Continuous(numbers) => answers.extend(numbers),
            }
        }
        answers
    }
}

impl Layer {
    /// The layer as the host takes it.
    pub fn into_host(self) -> tercel_policy::mlp::Dense {
        let Layer { inputs, weights, bias } = self;
        tercel_policy::mlp::Dense { inputs, weights, bias }
    }

    /// Makes the first outputs y become centre + half × y, each with its own pair.
    pub fn scale_outputs(&mut self, ranges: &[(f32, f32)]) {
        for (at, (centre, half)) in ranges.iter().enumerate() {
            self.bias[at] = centre + half * self.bias[at];
            let row = at * self.inputs..(at + 1) * self.inputs;
            self.weights[row].iter_mut().for_each(|weight| *weight *= half);
        }
    }
}

impl Activation {
    /// The function itself.
    pub fn of(self, x: f32) -> f32 {
        match self {
            Activation::Relu => x.max(0.0),
            Activation::Tanh => x.tanh(),
        }
    }

    /// The function over a tensor.
    pub fn on(self, x: &Tensor) -> Tensor {
        match self {
            Activation::Relu => x.relu(),
            Activation::Tanh => x.tanh(),
        }
    }
}

/// Where the largest number stands; the first of equal ones.
pub fn largest(numbers: &[f32]) -> u32 {
    let mut best = 0;
    for (at, number) in numbers.iter().enumerate() {
        if *number > numbers[best] {
            best = at;
        }
    }
    best as u32
}
