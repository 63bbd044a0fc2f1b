//! What every algorithm here does with its environment: steps, memories, batches.

use super::config::MemoryConfig;
use super::look_ahead::LookAhead;
use super::replay::{Arrays, Batch, Draw, Replay};
use crate::algorithm::Start;
use crate::checkpoint::Checkpoint;
use crate::noise::Noise;
use crate::normaliser::{Moments, Normaliser};
use crate::parameters::rows;
use anyhow::{Context, Result, bail, ensure};
use tch::{Device, Kind, Tensor};
use tercel_environments::{ActionSpace, Actions, Environment, Outcome};

/// Streams of the learner's random numbers.
pub(super) const WEIGHTS: u64 = 0;
pub(super) const CHOICES: u64 = 1;
const MEMORIES: u64 = 2;
pub(super) const UPDATES: u64 = 3;
pub(super) const CRITIC_WEIGHTS: u64 = 4;

/// Steps the environment and keeps what it saw.
#[derive(Debug)]
pub(super) struct Gatherer {
    pub(super) config: MemoryConfig,
    space: ActionSpace,
    lanes: usize,
    width: usize,
    device: Device,
    /// Steps taken, and those of the whole run; summed over lanes.
    taken: u64,
    run: u64,
    outcome: Outcome,
    observation: Vec<f32>,
    rewards: Vec<f32>,
    scaled: Vec<f32>,
    discrete: Vec<u32>,
    ahead: LookAhead,
    replay: Replay,
    moments: Moments,
    normaliser: Normaliser,
    noise: Noise,
    batch: Batch,
}

/// Memories to learn from, as tensors of rows.
#[derive(Debug)]
pub(super) struct Lesson {
    /// Batch × observation, on the common scale.
    pub(super) observations: Tensor,
    /// Batch × action: an index, or numbers in [−1, 1].
    pub(super) chosen: Tensor,
    /// Batch × 1.
    pub(super) gains: Tensor,
    /// Batch × observation, on the common scale.
    pub(super) nexts: Tensor,
    /// Batch × 1.
    pub(super) discounts: Tensor,
    /// Batch × 1.
    pub(super) weights: Tensor,
}

/// Numbers of one action as it is remembered: a discrete one is its index.
pub(super) fn action_width(space: &ActionSpace) -> usize {
    match space {
        ActionSpace::Discrete(_) => 1,
        ActionSpace::Continuous(ranges) => ranges.len(),
    }
}

impl Gatherer {
    pub(super) fn new(config: &MemoryConfig, start: &Start<'_>) -> Result<Gatherer> {
        let Start { spec, lanes, seed, rounds, device } = *start;
        let run = rounds * u64::from(config.steps) * lanes as u64;
        let widths = [spec.observation, action_width(&spec.actions)];
        let [width, actions] = widths;
        if let ActionSpace::Continuous(ranges) = &spec.actions {
            let sound = ranges.iter().all(|(low, high)| low < high && (high - low).is_finite());
            ensure!(sound, "{}: ranges of actions {ranges:?} are not finite", spec.name);
        }
        let potential = config.potential.len();
        if potential != 0 && potential != width {
            bail!("memory.potential has {potential} numbers, an observation {width}");
        }
        if config.warmup >= run {
            let warmup = config.warmup;
            bail!("memory.warmup is {warmup}, must be less than the steps of the run, {run}");
        }
        let draw = match config.prioritised {
            true => Draw::Prioritised { alpha: config.alpha },
            false => Draw::Even,
        };
        Ok(Gatherer {
            space: spec.actions.clone(),
            lanes,
            width,
            device,
            taken: 0,
            run,
            outcome: Outcome::default(),
            observation: Vec::new(),
            rewards: vec![0.0; lanes],
            scaled: vec![0.0; lanes * actions],
            discrete: vec![0; lanes],
            ahead: LookAhead::new(lanes, config.returns, config.discount, widths),
            replay: Replay::new(config.capacity, widths, draw),
            moments: Moments::new(width),
            normaliser: Normaliser::identity(width, config.clip as f32),
            noise: Noise::new(seed, MEMORIES),
            batch: Batch::default(),
            config: config.clone(),
        })
    }

    /// Begins every lane anew and forgets the steps whose returns are not complete.
    pub(super) fn begin(&mut self, environment: &mut dyn Environment, seed: u64) -> Result<()> {
        let (lanes, width) = (environment.lanes(), environment.spec().observation);
        ensure!(
            lanes == self.lanes && width == self.width && environment.spec().actions == self.space,
            "{}: an environment of another shape than the learner's",
            environment.spec().name
        );
        self.outcome = Outcome::new(environment);
        environment.reset(seed, &mut self.outcome);
        self.observation.clone_from(&self.outcome.observation);
        self.ahead.clear();
        Ok(())
    }

    /// How much of the run is over, from 0 to 1.
    pub(super) fn done(&self) -> f64 {
        self.taken as f64 / self.run as f64
    }

    /// Whether actions are still drawn evenly and nothing is learned.
    pub(super) fn warming(&self) -> bool {
        self.taken < self.config.warmup
    }

    /// Rows of numbers that actions are made of: lanes × action.
    pub(super) fn actions(&self) -> usize {
        self.scaled.len()
    }

    /// What the next actions are chosen on, on the common scale.
    pub(super) fn seen(&self) -> Tensor {
        self.tensor(&self.observation, self.width, true)
    }

    /// Steps every lane with the actions, an index or numbers in [−1, 1] each, and keeps what came
    /// of it. Gives the mean reward over lanes.
    pub(super) fn step(
        &mut self,
        environment: &mut dyn Environment,
        actions: &[f32],
    ) -> Result<f64> {
        let warming = self.warming();
        if warming {
            self.moments.add(&self.observation);
        }
        match &self.space {
            ActionSpace::Discrete(_) => {
                for (index, action) in self.discrete.iter_mut().zip(actions) {
                    *index = *action as u32;
                }
                environment.step(Actions::Discrete(&self.discrete), &mut self.outcome);
            }
            ActionSpace::Continuous(ranges) => {
                let each = ranges.iter().cycle().zip(actions);
                for (scaled, ((low, high), action)) in self.scaled.iter_mut().zip(each) {
                    *scaled = 0.5 * (low + high) + 0.5 * (high - low) * action;
                }
                environment.step(Actions::Continuous(&self.scaled), &mut self.outcome);
            }
        }
        let (scale, centre) = (self.config.scale, self.config.centre);
        for lane in 0..self.lanes {
            let reward = f64::from(self.outcome.reward[lane]) - centre + self.shaping(lane);
            self.rewards[lane] = (scale * reward) as f32;
        }
        let finite = |numbers: &[f32]| numbers.iter().all(|number| number.is_finite());
        ensure!(
            finite(&self.rewards) && finite(&self.outcome.observation),
            "the environment gave a reward or an observation that is not finite"
        );
        let Gatherer { ahead, replay, observation, rewards, outcome, .. } = self;
        ahead.step(observation, actions, rewards, outcome, |memory| replay.push(memory));
        self.observation.clone_from(&self.outcome.observation);
        self.taken += self.lanes as u64;
        if warming && !self.warming() && self.config.normalise {
            self.normaliser = self.moments.normaliser(self.config.clip as f32);
        }
        let sum: f64 = self.outcome.reward.iter().copied().map(f64::from).sum();
        Ok(sum / self.lanes as f64)
    }

    /// What the potential adds to the step that a lane has taken.
    fn shaping(&self, lane: usize) -> f64 {
        if self.config.potential.is_empty() {
            return 0.0;
        }
        let row = lane * self.width..(lane + 1) * self.width;
        let worth = |seen: &[f32]| {
            let each = seen[row.clone()].iter().zip(&self.config.potential);
            each.map(|(number, share)| f64::from(*number) * share).sum::<f64>()
        };
        let Outcome { observation, terminated, truncated, last, .. } = &self.outcome;
        let next = match (terminated[lane], truncated[lane]) {
            (true, _) => 0.0,
            (false, true) => worth(last),
            (false, false) => worth(observation),
        };
        self.config.discount * next - worth(&self.observation)
    }

    /// Memories held.
    pub(super) fn held(&self) -> usize {
        self.replay.len()
    }

    /// Draws memories to learn from.
    pub(super) fn lesson(&mut self) -> Lesson {
        let beta = self.config.beta + (1.0 - self.config.beta) * self.done();
        let noise = &mut self.noise;
        let mut uniform = || (noise.whole() >> 11) as f64 / (1_u64 << 53) as f64;
        self.replay.draw(self.config.batch, beta, &mut uniform, &mut self.batch);
        let Batch { observations, chosen, gains, nexts, discounts, weights, .. } = &self.batch;
        Lesson {
            observations: self.tensor(observations, self.width, true),
            chosen: self.tensor(chosen, action_width(&self.space), false),
            gains: self.tensor(gains, 1, false),
            nexts: self.tensor(nexts, self.width, true),
            discounts: self.tensor(discounts, 1, false),
            weights: self.tensor(weights, 1, false),
        }
    }

    /// Says how wrong the values were of the memories drawn last.
    pub(super) fn learned(&mut self, errors: &[f32]) {
        self.replay.learned(&self.batch.slots, errors);
    }

    /// The scale that observations are brought to.
    pub(super) fn normaliser(&self) -> &Normaliser {
        &self.normaliser
    }

    /// Rows of raw observations on the common scale.
    pub(super) fn normalised(&self, observations: &Tensor) -> Tensor {
        let clip = f64::from(self.normaliser.clip);
        let row = |numbers: &[f32]| rows(numbers, self.width, self.device);
        let (mean, spread) = (row(&self.normaliser.mean), row(&self.normaliser.spread));
        ((observations.to_kind(Kind::Float) - mean) / spread).clamp(-clip, clip)
    }

    fn tensor(&self, numbers: &[f32], width: usize, normalise: bool) -> Tensor {
        if !normalise {
            return rows(numbers, width, self.device);
        }
        let mut scaled = numbers.to_vec();
        self.normaliser.apply(&mut scaled);
        rows(&scaled, width, self.device)
    }

    /// Writes everything that is carried from chapter to chapter.
    pub(super) fn save(&self, to: &mut Checkpoint) {
        let Arrays { counts, rows, priorities } = self.replay.arrays();
        let [held, head] = counts.map(|count| count as u64);
        to.put_u64("replay.counts", &[held, head]);
        for (name, row) in ROWS.iter().zip(&rows) {
            to.put_f32(name, row);
        }
        to.put_f64("replay.priorities", &priorities);
        to.put_u64("gatherer.taken", &[self.taken]);
        to.put_f32("gatherer.mean", &self.normaliser.mean);
        to.put_f32("gatherer.spread", &self.normaliser.spread);
        self.moments.save("gatherer.moments", to);
        self.noise.save("gatherer.noise", to);
    }

    /// Takes back what [`Gatherer::save`] wrote.
    pub(super) fn load(&mut self, from: &Checkpoint) -> Result<()> {
        let counts = from.u64("replay.counts")?;
        ensure!(counts.len() == 2, "the checkpoint's replay.counts are not two");
        let counts = [usize::try_from(counts[0])?, usize::try_from(counts[1])?];
        let [a, b, c, d, e] = ROWS.map(|name| from.f32(name));
        let arrays = Arrays {
            counts,
            rows: [a?, b?, c?, d?, e?],
            priorities: from.f64("replay.priorities")?,
        };
        self.replay.restore(&arrays).map_err(anyhow::Error::msg).context("the checkpoint's")?;
        self.taken = from.one_u64("gatherer.taken")?;
        let (mean, spread) = (from.f32("gatherer.mean")?, from.f32("gatherer.spread")?);
        ensure!(
            mean.len() == self.width && spread.len() == self.width,
            "the checkpoint's normalisation is for {} numbers, not {}",
            mean.len(),
            self.width
        );
        (self.normaliser.mean, self.normaliser.spread) = (mean, spread);
        self.moments.load("gatherer.moments", from)?;
        self.noise.load("gatherer.noise", from)
    }
}

const ROWS: [&str; 5] =
    ["replay.observations", "replay.actions", "replay.gains", "replay.nexts", "replay.discounts"];
