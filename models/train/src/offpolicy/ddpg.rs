//! Deterministic policy gradients for continuous actions.
//!
//! The critic learns R + γⁿ Q⁻(s′, μ⁻(s′)), the actor ascends Q(s, μ(s)) (Lillicrap et al. 2015,
//! "Continuous control with deep reinforcement learning"). The options of TD3 (Fujimoto, van Hoof
//! and Meger 2018): two critics, an actor that learns once in so many updates, and noise on the
//! target's action, which smooths the value over actions. Exploration is independent normal noise,
//! which they found as good as a correlated one (§6.1). Noise may also be put on the action whose
//! value the actor ascends: a critic with ReLU is a surface of flat faces, whose slope at one point
//! says little, while its mean slope over a neighbourhood does (as SAC's actor sees it by drawing).

use super::config::{DdpgConfig, NetworkConfig};
use super::copies::{check, copies};
use super::critic::{Critics, Of};
use super::gatherer::{CHOICES, CRITIC_WEIGHTS, Gatherer, Lesson, UPDATES, WEIGHTS};
use super::off_policy::{Method, OffPolicy};
use crate::algorithm::Start;
use crate::checkpoint::Checkpoint;
use crate::learner::{Head, PolicyView};
use crate::network::Dense;
use crate::noise::Noise;
use crate::normaliser::Normaliser;
use crate::parameters::{Adam, Parameters, numbers, rows};
use anyhow::{Context, Result, bail, ensure};
use tch::{Kind, Tensor, no_grad};
use tercel_environments::ActionSpace;

/// The networks of DDPG and TD3.
#[derive(Debug)]
pub struct Deterministic {
    config: DdpgConfig,
    ranges: Vec<(f32, f32)>,
    actor: Dense,
    own: Parameters,
    target: Parameters,
    served: Parameters,
    adam: Adam,
    critics: Critics,
    /// Noise on actions, and on targets.
    choices: Noise,
    updates: Noise,
    lessons: u64,
    /// Loss of the critics, mean value that the actor reaches.
    figures: [f64; 2],
}

impl OffPolicy<Deterministic> {
    /// A learner that knows nothing yet.
    pub fn new(config: &DdpgConfig, start: &Start<'_>) -> Result<Self> {
        let ActionSpace::Continuous(ranges) = &start.spec.actions else {
            bail!("ddpg takes continuous actions, {} has discrete ones", start.spec.name);
        };
        let gatherer = Gatherer::new(&config.memory, start)?;
        let width = start.spec.observation;
        let (actor, [own, target, served]) = copies(
            1,
            [width, ranges.len()],
            &config.actor,
            0.01,
            &Noise::new(start.seed, WEIGHTS),
            start.device,
        );
        let critics = Critics::new(
            &config.critic,
            width + ranges.len(),
            config.twin,
            config.aversion / config.memory.scale,
            &Noise::new(start.seed, CRITIC_WEIGHTS),
            start.device,
        );
        let method = Deterministic {
            adam: Adam::new(&own, config.actor.epsilon),
            actor: actor.into_iter().next().context("one network")?,
            config: config.clone(),
            ranges: ranges.clone(),
            own,
            target,
            served,
            critics,
            choices: Noise::new(start.seed, CHOICES),
            updates: Noise::new(start.seed, UPDATES),
            lessons: 0,
            figures: [0.0; 2],
        };
        Ok(OffPolicy::with(gatherer, method))
    }
}

impl Deterministic {
    /// What the actor does, in [−1, 1].
    fn act_with(&self, parameters: &Parameters, seen: &Tensor) -> Tensor {
        self.actor.forward(parameters, seen).tanh()
    }

    fn noise_like(&mut self, actions: &Tensor) -> Tensor {
        let mut noise = vec![0.0; actions.numel()];
        self.updates.normals(&mut noise);
        rows(&noise, self.ranges.len(), actions.device())
    }

    fn targets(&mut self, lesson: &Lesson) -> Tensor {
        let (spread, cut) = (self.config.smoothing, self.config.smoothing_cut);
        no_grad(|| {
            let mut next = self.act_with(&self.target, &lesson.nexts);
            if spread > 0.0 {
                let noise = self.noise_like(&next);
                next = (next + (noise * spread).clamp(-cut, cut)).clamp(-1.0, 1.0);
            }
            let value = self.critics.least(Of::Target, &lesson.nexts, &next);
            &lesson.gains + &lesson.discounts * value
        })
    }
}

impl Method for Deterministic {
    fn name(&self) -> &'static str {
        "ddpg"
    }

    fn anything(&mut self, actions: &mut [f32]) {
        actions.fill_with(|| 2.0 * self.choices.uniform() - 1.0);
    }

    fn explore(&mut self, seen: &Tensor, done: f64, actions: &mut [f32]) {
        let spread = self.config.noise.at(done) as f32;
        let means = numbers(&no_grad(|| self.act_with(&self.own, seen)));
        self.choices.normals(actions);
        for (action, mean) in actions.iter_mut().zip(means) {
            *action = (mean + spread * *action).clamp(-1.0, 1.0);
        }
    }

    fn learn(&mut self, lesson: &Lesson, done: f64, _: Option<&mut Vec<f32>>) -> Result<()> {
        let targets = self.targets(lesson);
        let Lesson { observations, chosen, .. } = lesson;
        let loss = self.critics.learn(observations, chosen, &targets, done)?;
        self.figures[0] = loss;
        self.lessons += 1;
        if !self.lessons.is_multiple_of(self.config.delay) {
            return Ok(());
        }
        let mut actions = self.act_with(&self.own, observations);
        if self.config.actor_smoothing > 0.0 {
            let noise = self.noise_like(&actions);
            actions = actions.g_add(&(noise * self.config.actor_smoothing));
        }
        let value = self.critics.first(observations, &actions).mean(Kind::Float);
        let figure = value.double_value(&[]);
        ensure!(figure.is_finite(), "the value is {figure}: a rate or a scale is too large");
        let NetworkConfig { rate, schedule, norm, .. } = &self.config.actor;
        self.adam.step(&self.own, &-value, rate * schedule.at(done), *norm)?;
        self.figures[1] = figure;
        self.critics.follow(self.config.soft);
        self.target.approach(&self.own, self.config.soft);
        self.served.approach(&self.own, self.config.average);
        Ok(())
    }

    fn scalars(&self, done: f64) -> Vec<(&'static str, f64)> {
        let [loss, value] = self.figures;
        let noise = self.config.noise.at(done);
        vec![("loss/value", loss), ("value/mean", value), ("explore/noise", noise)]
    }

    fn check(&self) -> Result<()> {
        check(&self.own, "actor")?;
        self.critics.check()
    }

    fn act(&self, seen: &Tensor) -> Tensor {
        to_range(&self.act_with(&self.served, seen), &self.ranges)
    }

    fn policy(&self, normaliser: &Normaliser) -> PolicyView {
        PolicyView {
            normaliser: normaliser.clone(),
            layers: self.actor.layers(&self.served),
            activation: self.actor.activation(),
            head: Head::Squashed(self.ranges.clone()),
        }
    }

    fn save(&self, to: &mut Checkpoint) -> Result<()> {
        self.own.save("actor", to)?;
        self.target.save("actor.target", to)?;
        self.served.save("actor.served", to)?;
        self.adam.save("actor.adam", to)?;
        self.critics.save(to)?;
        self.choices.save("choices", to);
        self.updates.save("updates", to);
        to.put_u64("lessons", &[self.lessons]);
        Ok(())
    }

    fn load(&mut self, from: &Checkpoint) -> Result<()> {
        self.own.load("actor", from)?;
        self.target.load("actor.target", from)?;
        self.served.load("actor.served", from)?;
        self.adam.load("actor.adam", from)?;
        self.critics.load(from)?;
        self.choices.load("choices", from)?;
        self.updates.load("updates", from)?;
        self.lessons = from.one_u64("lessons")?;
        Ok(())
    }
}

/// Actions from [−1, 1] in the environment's units.
pub(super) fn to_range(actions: &Tensor, ranges: &[(f32, f32)]) -> Tensor {
    let row = |of: fn(&(f32, f32)) -> f32| {
        Tensor::from_slice(&ranges.iter().map(of).collect::<Vec<f32>>()).to_device(actions.device())
    };
    let (centre, half) =
        (row(|(low, high)| 0.5 * (low + high)), row(|(low, high)| 0.5 * (high - low)));
    actions * half + centre
}
