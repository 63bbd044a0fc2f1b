//! Proximal policy optimisation (Schulman et al. 2017) with the clipped objective.

use crate::actor::{Actor, Nets};
use crate::advantage::{Scale, gae};
use crate::algorithm::{Algorithm, Start, Wrong};
use crate::checkpoint::Checkpoint;
use crate::imitation;
use crate::learner::{Learner, PolicyView, Round};
use crate::parameters::Schedule;
use crate::rollout::{Batch, Stand};
use crate::world;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor, no_grad};
use tercel_environments::Environment;

/// The table `[ppo]` of a configuration.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Steps of each lane in a round.
    pub steps: usize,
    /// Times that a round's steps are gone through.
    pub epochs: usize,
    /// Steps that one step of the optimiser learns from.
    pub batch: usize,
    /// Worth of what comes one step later.
    pub gamma: f64,
    /// Weight of longer sums against expected values, λ of the generalised advantage.
    pub lambda: f64,
    /// The same for what the value learns, where it is not `lambda`.
    pub value_lambda: Option<f64>,
    /// How far a probability may move from what it was when drawn, as a share.
    pub clip: f64,
    /// Learning rate of the policy.
    pub rate: f64,
    /// Learning rate of the value.
    pub value_rate: f64,
    /// How both rates go over the run.
    pub schedule: Schedule,
    /// Norm at which gradients are cut.
    pub norm: f64,
    /// Worth of a nat of entropy, all the way: where it fades, chance in the advantages settles
    /// which of two near equals is done, for good.
    pub entropy: f64,
    /// Divergence from the policy that drew the actions, in nats, at which a round's epochs end
    /// early; 0 never ends them.
    pub divergence: f64,
    /// What rewards are multiplied by, so that returns are of the order of 1.
    pub reward_scale: f64,
    /// Risk aversion under which values are certainty equivalents, per unit of scaled reward; 0 is
    /// for expected sums. Only with `gamma` 1.
    pub aversion: f64,
    /// How much the scale of advantages remembers of earlier rounds, from 0 to below 1.
    pub advantage_decay: f64,
    /// What the policy begins as: the environment's demonstration, where there is one.
    pub imitation: Option<imitation::Settings>,
    /// The networks.
    pub nets: Nets,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            steps: 128,
            epochs: 4,
            batch: 4_096,
            gamma: 1.0,
            lambda: 0.95,
            value_lambda: None,
            clip: 0.2,
            rate: 1e-3,
            value_rate: 2e-3,
            schedule: Schedule::Linear,
            norm: 0.5,
            entropy: 0.0,
            divergence: 0.0,
            reward_scale: 1.0,
            aversion: 0.0,
            advantage_decay: 0.0,
            imitation: None,
            nets: Nets::default(),
        }
    }
}

/// Most units of a hidden layer, as in the host's network.
const UNITS_MAX: usize = 1_024;

/// Checks what both learners from rollouts have.
pub(crate) fn check_nets(nets: &Nets) -> Result<(), Wrong> {
    let units = nets.policy.iter().chain(&nets.value).all(|units| (1..=UNITS_MAX).contains(units));
    let layers = nets.policy.len().max(nets.value.len()) <= 8;
    Wrong::unless(units && layers, "nets", "at most 8 hidden layers of 1 to 1024 units")?;
    let spread = nets.spread > 0.0 && nets.spread <= 10.0;
    Wrong::unless(spread, "nets.spread", "a number above 0, at most 10")?;
    let last = nets.spread_last.is_none_or(|last| last > 0.0 && last <= 10.0);
    Wrong::unless(last, "nets.spread_last", "a number above 0, at most 10")?;
    let clip = nets.clip >= 1.0 && nets.clip <= 1e4;
    Wrong::unless(clip, "nets.clip", "a number from 1 to 10000")
}

impl Algorithm for Settings {
    fn check(&self) -> Result<(), Wrong> {
        let unit = 0.0..=1.0;
        let rate = |rate: f64| rate > 0.0 && rate <= 1.0;
        let steps = (1..=1 << 20).contains(&self.steps);
        Wrong::unless(steps, "steps", "a whole number from 1 to 1048576")?;
        let epochs = (1..=1_000).contains(&self.epochs);
        Wrong::unless(epochs, "epochs", "a whole number from 1 to 1000")?;
        Wrong::unless(self.batch >= 2, "batch", "a whole number from 2 on")?;
        Wrong::unless(unit.contains(&self.gamma), "gamma", "a number from 0 to 1")?;
        Wrong::unless(unit.contains(&self.lambda), "lambda", "a number from 0 to 1")?;
        let longer = self.value_lambda.is_none_or(|lambda| unit.contains(&lambda));
        Wrong::unless(longer, "value_lambda", "a number from 0 to 1")?;
        let clip = self.clip > 0.0 && self.clip < 1.0;
        Wrong::unless(clip, "clip", "a number above 0 and below 1")?;
        Wrong::unless(rate(self.rate), "rate", "a number above 0, at most 1")?;
        Wrong::unless(rate(self.value_rate), "value_rate", "a number above 0, at most 1")?;
        Wrong::unless(self.norm > 0.0, "norm", "a number above 0")?;
        let entropy = (0.0..=10.0).contains(&self.entropy);
        Wrong::unless(entropy, "entropy", "a number from 0 to 10")?;
        let divergence = self.divergence >= 0.0;
        Wrong::unless(divergence, "divergence", "a number from 0 on")?;
        let scale = self.reward_scale > 0.0 && self.reward_scale.is_finite();
        Wrong::unless(scale, "reward_scale", "a number above 0")?;
        let decay = (0.0..1.0).contains(&self.advantage_decay);
        Wrong::unless(decay, "advantage_decay", "a number from 0 to below 1")?;
        let averse = self.aversion == 0.0 || self.aversion > 0.0 && self.gamma == 1.0;
        Wrong::unless(averse, "aversion", "a number from 0 on, and 0 unless gamma is 1")?;
        if let Some(imitation) = &self.imitation {
            imitation.check()?;
        }
        check_nets(&self.nets)
    }

    fn learner(&self, start: &Start<'_>) -> Result<Box<dyn Learner + Send>> {
        Ok(Box::new(Ppo {
            settings: self.clone(),
            actor: Actor::new(&self.nets, start),
            scale: Scale::default(),
            stand: Stand::default(),
            done: 0,
            rounds: start.rounds,
        }))
    }
}

/// The learner.
#[derive(Debug)]
pub struct Ppo {
    settings: Settings,
    actor: Actor,
    scale: Scale,
    stand: Stand,
    done: u64,
    rounds: u64,
}

/// Sums over the optimiser's steps of a round.
#[derive(Default)]
struct Sums {
    count: f64,
    policy: f64,
    value: f64,
    entropy: f64,
    divergence: f64,
    cut: f64,
    norm: f64,
    epochs: f64,
}

impl Ppo {
    fn learn(&mut self, batch: &Batch) -> Result<Sums> {
        let Settings { gamma, lambda, aversion, .. } = self.settings;
        let mut advantage = gae(&batch.course, gamma, lambda, aversion);
        let longer =
            self.settings.value_lambda.map(|lambda| gae(&batch.course, gamma, lambda, aversion));
        let each = longer.as_ref().unwrap_or(&advantage).iter().zip(&batch.course.value);
        let aim: Vec<f32> = each.map(|(advantage, value)| advantage + value).collect();
        self.scale.apply(&mut advantage, self.settings.advantage_decay);
        let device = batch.observations.device();
        let [advantage, aim, chance] = [&advantage, &aim, &batch.chance]
            .map(|numbers| Tensor::from_slice(numbers).to_device(device));
        let rates = self.settings.schedule.at(self.done as f64 / self.rounds.max(1) as f64);
        let mut sums = Sums::default();
        for _ in 0..self.settings.epochs {
            let order = self.actor.noise().order(advantage.numel());
            let (mut divergence, mut parts) = (0.0, 0.0);
            for part in order.chunks(self.settings.batch) {
                let part = Tensor::from_slice(part).to_device(device);
                let of = |tensor: &Tensor| tensor.index_select(0, &part);
                let parts_of = [&batch.observations, &batch.actions, &chance, &advantage, &aim];
                divergence += self.step(&parts_of.map(of), rates, &mut sums)?;
                parts += 1.0;
            }
            sums.epochs += 1.0;
            let limit = self.settings.divergence;
            if limit > 0.0 && divergence / parts > limit {
                break;
            }
        }
        Ok(sums)
    }

    /// One step of each optimiser; back comes how far the policy was from the one that drew.
    fn step(&mut self, part: &[Tensor; 5], rates: f64, sums: &mut Sums) -> Result<f64> {
        let [observations, actions, chance, advantage, aim] = part;
        let Settings { clip, rate, value_rate, norm, entropy: worth, .. } = self.settings;
        let outputs = self.actor.outputs(observations);
        let (logs, entropy) = self.actor.judge(&outputs, actions);
        let apart = logs - chance;
        let ratio = apart.exp();
        let held = ratio.clamp(1.0 - clip, 1.0 + clip);
        let gain = (&ratio * advantage).minimum(&(&held * advantage)).mean(Kind::Float);
        let loss = -&gain - &entropy * worth;
        let waits = self.settings.imitation.as_ref().is_some_and(|s| self.done < s.value_rounds);
        if !waits {
            sums.norm += self.actor.step_policy(&loss, rate * rates, norm)?;
        }
        let miss = (self.actor.values(observations) - aim).square().mean(Kind::Float);
        self.actor.step_value(&miss, value_rate * rates, norm)?;
        // The estimate k3 of Schulman 2020: never negative and of small variance.
        let (divergence, cut) = no_grad(|| {
            let divergence = ((&ratio - 1.0) - &apart).mean(Kind::Float).double_value(&[]);
            let cut = (&ratio - 1.0).abs().gt(clip).to_kind(Kind::Float).mean(Kind::Float);
            (divergence, cut.double_value(&[]))
        });
        sums.count += 1.0;
        sums.policy -= gain.double_value(&[]);
        sums.value += miss.double_value(&[]);
        sums.entropy += entropy.double_value(&[]);
        sums.divergence += divergence;
        sums.cut += cut;
        Ok(divergence)
    }
}

impl Learner for Ppo {
    fn name(&self) -> &'static str {
        "ppo"
    }

    fn begin(&mut self, environment: &mut dyn Environment, seed: u64) -> Result<()> {
        self.stand = Stand::begin(environment, seed);
        if let (0, Some(settings)) = (self.done, &self.settings.imitation) {
            let demonstration = world::demonstration(environment.spec())?;
            let outcome = self.stand.outcome();
            imitation::imitate(&mut self.actor, environment, outcome, settings, demonstration)?;
        }
        Ok(())
    }

    fn round(&mut self, environment: &mut dyn Environment) -> Result<Round> {
        let Settings { steps, reward_scale, .. } = self.settings;
        let done = self.done as f64 / self.rounds.max(1) as f64;
        self.actor.plan(done);
        let batch = self.stand.collect(&mut self.actor, environment, steps, reward_scale)?;
        let sums = self.learn(&batch)?;
        self.actor.rescale();
        self.done += 1;
        let count = sums.count.max(1.0);
        let mut scalars = vec![
            ("loss/policy", sums.policy / count),
            ("loss/value", sums.value / count),
            ("policy/entropy", sums.entropy / count),
            ("policy/divergence", sums.divergence / count),
            ("policy/clipped", sums.cut / count),
            ("policy/gradient", sums.norm / count),
            ("policy/epochs", sums.epochs),
        ];
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
        self.scale.save(to);
        to.put_u64("rounds", &[self.done]);
        Ok(())
    }

    fn load(&mut self, from: &Checkpoint) -> Result<()> {
        self.actor.load(from)?;
        self.scale = Scale::load(from)?;
        self.done = from.one_u64("rounds")?;
        Ok(())
    }
}
