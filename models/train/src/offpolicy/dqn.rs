//! Deep Q-networks: values of discrete actions.
//!
//! The target of a memory is R + γⁿ Q⁻(s′, a*), a* the best action at s′ by the online network
//! (double: van Hasselt, Guez and Silver 2016, "Deep Reinforcement Learning with Double
//! Q-learning") or by the target's. Dueling: the last layer gives a value V and advantages A, and
//! Q = V + A − mean A (Wang et al. 2016, "Dueling Network Architectures", eq. 9); since that is
//! linear, the served network has it folded into its last layer.

use super::config::{DqnConfig, NetworkConfig};
use super::copies::{check, copies};
use super::gatherer::{CHOICES, Gatherer, Lesson, WEIGHTS};
use super::off_policy::{Method, OffPolicy};
use crate::algorithm::Start;
use crate::checkpoint::Checkpoint;
use crate::learner::{Head, Layer, PolicyView, largest};
use crate::network::Dense;
use crate::noise::Noise;
use crate::normaliser::Normaliser;
use crate::parameters::{Adam, Parameters, numbers};
use anyhow::{Context, Result, bail, ensure};
use tch::{Kind, Reduction, Tensor, no_grad};
use tercel_environments::ActionSpace;

/// The networks of a DQN.
#[derive(Debug)]
pub struct QNetwork {
    config: DqnConfig,
    count: usize,
    network: Dense,
    own: Parameters,
    target: Parameters,
    served: Parameters,
    adam: Adam,
    noise: Noise,
    lessons: u64,
    /// Loss and mean value of the last lesson.
    figures: [f64; 2],
}

impl OffPolicy<QNetwork> {
    /// A learner that knows nothing yet.
    pub fn new(config: &DqnConfig, start: &Start<'_>) -> Result<Self> {
        let ActionSpace::Discrete(count) = start.spec.actions else {
            bail!("dqn takes discrete actions, {} has continuous ones", start.spec.name);
        };
        let gatherer = Gatherer::new(&config.memory, start)?;
        let count = count as usize;
        let outputs = if config.dueling { count + 1 } else { count };
        let (network, [own, target, served]) = copies(
            1,
            [start.spec.observation, outputs],
            &config.network,
            1.0,
            &Noise::new(start.seed, WEIGHTS),
            start.device,
        );
        let network = network.into_iter().next().context("one network")?;
        let adam = Adam::new(&own, config.network.epsilon);
        let noise = Noise::new(start.seed, CHOICES);
        let config = config.clone();
        let (lessons, figures) = (0, [0.0; 2]);
        let network =
            QNetwork { config, count, network, own, target, served, adam, noise, lessons, figures };
        Ok(OffPolicy::with(gatherer, network))
    }
}

impl QNetwork {
    /// Values of every action, in rows.
    fn values(&self, parameters: &Parameters, seen: &Tensor) -> Tensor {
        let given = self.network.forward(parameters, seen);
        if !self.config.dueling {
            return given;
        }
        let value = given.narrow(1, 0, 1);
        let advantages = given.narrow(1, 1, self.count as i64);
        let mean = advantages.mean_dim(Some(&[1i64][..]), true, Kind::Float);
        value + advantages - mean
    }

    fn targets(&self, lesson: &Lesson) -> Tensor {
        no_grad(|| {
            let next = self.values(&self.target, &lesson.nexts);
            let best = match self.config.double {
                true => self.values(&self.own, &lesson.nexts).argmax(1, true),
                false => next.argmax(1, true),
            };
            &lesson.gains + &lesson.discounts * next.gather(1, &best, false)
        })
    }
}

impl Method for QNetwork {
    fn name(&self) -> &'static str {
        "dqn"
    }

    fn anything(&mut self, actions: &mut [f32]) {
        actions.fill_with(|| self.noise.below(self.count) as f32);
    }

    fn explore(&mut self, seen: &Tensor, done: f64, actions: &mut [f32]) {
        let chance = self.config.explore.at(done) as f32;
        let values = numbers(&no_grad(|| self.values(&self.own, seen)));
        for (action, values) in actions.iter_mut().zip(values.chunks_exact(self.count)) {
            *action = match self.noise.uniform() < chance {
                true => self.noise.below(self.count) as f32,
                false => largest(values) as f32,
            };
        }
    }

    fn learn(&mut self, lesson: &Lesson, done: f64, errors: Option<&mut Vec<f32>>) -> Result<()> {
        let targets = self.targets(lesson);
        let values = self.values(&self.own, &lesson.observations);
        let values = values.gather(1, &lesson.chosen.to_kind(Kind::Int64), false);
        let huber = self.config.huber;
        let loss = values.huber_loss(&targets, Reduction::None, huber) * &lesson.weights;
        let loss = loss.mean(Kind::Float);
        let figure = loss.double_value(&[]);
        ensure!(figure.is_finite(), "the loss is {figure}: a rate or a scale is too large");
        if let Some(errors) = errors {
            *errors = numbers(&(&targets - &values));
        }
        let NetworkConfig { rate, schedule, norm, .. } = &self.config.network;
        self.adam.step(&self.own, &loss, rate * schedule.at(done), *norm)?;
        self.lessons += 1;
        if self.config.soft > 0.0 {
            self.target.approach(&self.own, self.config.soft);
        } else if self.lessons.is_multiple_of(self.config.period) {
            self.target.copy(&self.own);
        }
        self.served.approach(&self.own, self.config.average);
        self.figures = [figure, values.mean(Kind::Float).double_value(&[])];
        Ok(())
    }

    fn scalars(&self, done: f64) -> Vec<(&'static str, f64)> {
        let [loss, value] = self.figures;
        let explore = self.config.explore.at(done);
        vec![("loss/value", loss), ("value/mean", value), ("explore/chance", explore)]
    }

    fn check(&self) -> Result<()> {
        check(&self.own, "network")
    }

    fn act(&self, seen: &Tensor) -> Tensor {
        self.values(&self.served, seen)
    }

    fn policy(&self, normaliser: &Normaliser) -> PolicyView {
        let mut layers = self.network.layers(&self.served);
        if self.config.dueling
            && let Some(last) = layers.pop()
        {
            layers.push(fold(&last));
        }
        let activation = self.network.activation();
        PolicyView { normaliser: normaliser.clone(), layers, activation, head: Head::Discrete }
    }

    fn save(&self, to: &mut Checkpoint) -> Result<()> {
        self.own.save("network", to)?;
        self.target.save("network.target", to)?;
        self.served.save("network.served", to)?;
        self.adam.save("network.adam", to)?;
        self.noise.save("choices", to);
        to.put_u64("lessons", &[self.lessons]);
        Ok(())
    }

    fn load(&mut self, from: &Checkpoint) -> Result<()> {
        self.own.load("network", from)?;
        self.target.load("network.target", from)?;
        self.served.load("network.served", from)?;
        self.adam.load("network.adam", from)?;
        self.noise.load("choices", from)?;
        self.lessons = from.one_u64("lessons")?;
        Ok(())
    }
}

/// The layer of a value and advantages as one of action values: each row plus the value's less the
/// mean of the advantages'.
fn fold(last: &Layer) -> Layer {
    let (rows, width) = (last.bias.len() - 1, last.inputs);
    let column = |at: usize| {
        let of = |row: usize| last.weights[row * width + at];
        of(0) - (1..=rows).map(of).sum::<f32>() / rows as f32
    };
    let shift: Vec<f32> = (0..width).map(column).collect();
    let lift = last.bias[0] - last.bias[1..].iter().sum::<f32>() / rows as f32;
    let weights = last.weights[width..].iter().zip(shift.iter().cycle());
    Layer {
        inputs: width,
        weights: weights.map(|(weight, shift)| weight + shift).collect(),
        bias: last.bias[1..].iter().map(|bias| bias + lift).collect(),
    }
}
