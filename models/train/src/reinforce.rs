//! REINFORCE with a learned baseline (Williams 1992): the plainest policy gradient, to compare
//! with.

use crate::actor::{Actor, Nets};
use crate::advantage::{Scale, gae};
use crate::algorithm::{Algorithm, Start, Wrong};
use crate::checkpoint::Checkpoint;
use crate::learner::{Learner, PolicyView, Round};
use crate::parameters::Schedule;
use crate::ppo::check_nets;
use crate::rollout::{Batch, Stand};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};
use tercel_environments::Environment;

/// The table `[reinforce]` of a configuration.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Steps of each lane in a round; sums go to the round's end, or to the episode's.
    pub steps: usize,
    /// Steps of the baseline's optimiser in a round; the policy takes one.
    pub baseline_steps: usize,
    /// Worth of what comes one step later.
    pub gamma: f64,
    /// Learning rate of the policy.
    pub rate: f64,
    /// Learning rate of the baseline.
    pub value_rate: f64,
    /// How both rates go over the run.
    pub schedule: Schedule,
    /// Norm at which gradients are cut.
    pub norm: f64,
    /// Worth of a nat of entropy at first; it goes with the learning rate's schedule.
    pub entropy: f64,
    /// What rewards are multiplied by, so that returns are of the order of 1.
    pub reward_scale: f64,
    /// The networks.
    pub nets: Nets,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            steps: 128,
            baseline_steps: 10,
            gamma: 1.0,
            rate: 3e-3,
            value_rate: 3e-3,
            schedule: Schedule::Linear,
            norm: 0.5,
            entropy: 0.0,
            reward_scale: 1.0,
            nets: Nets::default(),
        }
    }
}

impl Algorithm for Settings {
    fn check(&self) -> Result<(), Wrong> {
        let rate = |rate: f64| rate > 0.0 && rate <= 1.0;
        let steps = (1..=1 << 20).contains(&self.steps);
        Wrong::unless(steps, "steps", "a whole number from 1 to 1048576")?;
        let baseline = (1..=1_000).contains(&self.baseline_steps);
        Wrong::unless(baseline, "baseline_steps", "a whole number from 1 to 1000")?;
        Wrong::unless((0.0..=1.0).contains(&self.gamma), "gamma", "a number from 0 to 1")?;
        Wrong::unless(rate(self.rate), "rate", "a number above 0, at most 1")?;
        Wrong::unless(rate(self.value_rate), "value_rate", "a number above 0, at most 1")?;
        Wrong::unless(self.norm > 0.0, "norm", "a number above 0")?;
        let entropy = (0.0..=10.0).contains(&self.entropy);
        Wrong::unless(entropy, "entropy", "a number from 0 to 10")?;
        let scale = self.reward_scale > 0.0 && self.reward_scale.is_finite();
        Wrong::unless(scale, "reward_scale", "a number above 0")?;
        check_nets(&self.nets)
    }

    fn learner(&self, start: &Start<'_>) -> Result<Box<dyn Learner + Send>> {
        Ok(Box::new(Reinforce {
            settings: self.clone(),
            actor: Actor::new(&self.nets, start),
            stand: Stand::default(),
            done: 0,
            rounds: start.rounds,
        }))
    }
}

/// The learner.
#[derive(Debug)]
pub struct Reinforce {
    settings: Settings,
    actor: Actor,
    stand: Stand,
    done: u64,
    rounds: u64,
}

impl Reinforce {
    fn learn(&mut self, batch: &Batch) -> Result<Vec<(&'static str, f64)>> {
        let Settings { gamma, rate, value_rate, norm, entropy: worth, .. } = self.settings;
        let mut advantage = gae(&batch.course, gamma, 1.0, 0.0);
        let each = advantage.iter().zip(&batch.course.value);
        let aim: Vec<f32> = each.map(|(advantage, value)| advantage + value).collect();
        Scale::default().apply(&mut advantage, 0.0);
        let device = batch.observations.device();
        let [advantage, aim] =
            [&advantage, &aim].map(|numbers| Tensor::from_slice(numbers).to_device(device));
        let rates = self.settings.schedule.at(self.done as f64 / self.rounds.max(1) as f64);
        let outputs = self.actor.outputs(&batch.observations);
        let (logs, entropy) = self.actor.judge(&outputs, &batch.actions);
        let loss = -(logs * advantage).mean(Kind::Float) - &entropy * (worth * rates);
        let gradient = self.actor.step_policy(&loss, rate * rates, norm)?;
        let mut miss = 0.0;
        for _ in 0..self.settings.baseline_steps {
            let loss = (self.actor.values(&batch.observations) - &aim).square().mean(Kind::Float);
            self.actor.step_value(&loss, value_rate * rates, norm)?;
            miss = loss.double_value(&[]);
        }
        Ok(vec![
            ("loss/policy", loss.double_value(&[])),
            ("loss/value", miss),
            ("policy/entropy", entropy.double_value(&[])),
            ("policy/gradient", gradient),
        ])
    }
}

impl Learner for Reinforce {
    fn name(&self) -> &'static str {
        "reinforce"
    }

    fn begin(&mut self, environment: &mut dyn Environment, seed: u64) -> Result<()> {
        self.stand = Stand::begin(environment, seed);
        Ok(())
    }

    fn round(&mut self, environment: &mut dyn Environment) -> Result<Round> {
        let Settings { steps, reward_scale, .. } = self.settings;
        let done = self.done as f64 / self.rounds.max(1) as f64;
        self.actor.plan(done);
        let batch = self.stand.collect(&mut self.actor, environment, steps, reward_scale)?;
        let mut scalars = self.learn(&batch)?;
        self.actor.rescale();
        self.done += 1;
        scalars.extend(batch.episodes.scalars());
        Ok(Round { steps: batch.course.reward.len() as u64, scalars })
    }

    fn act(&self, observation: &Tensor) -> Tensor {
        self.actor.act(observation)
    }

    fn policy(&self) -> PolicyView {
        self.actor.view()
    }

    fn save(&self, to: &mut Checkpoint) -> Result<()> {
        self.actor.save(to)?;
        to.put_u64("rounds", &[self.done]);
        Ok(())
    }

    fn load(&mut self, from: &Checkpoint) -> Result<()> {
        self.actor.load(from)?;
        self.done = from.one_u64("rounds")?;
        Ok(())
    }
}
