//! Steps of every lane under the policy of the moment.

use crate::actor::{Actor, Drawn};
use crate::advantage::Course;
use crate::parameters::numbers;
use anyhow::{Result, ensure};
use tch::{Tensor, no_grad};
use tercel_environments::{Actions, Environment, Outcome};

/// Rows that go through the value's network at a time, so that what lies between its layers stays
/// in the second-level cache.
const ROWS: i64 = 4_096;

/// Where the lanes stand, from round to round.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Stand {
    outcome: Outcome,
    /// Reward of each lane's episode so far.
    gathered: Vec<f64>,
    length: Vec<u32>,
}

/// What a rollout brought.
#[derive(Debug)]
pub struct Batch {
    /// Normalised observations, a row a step.
    pub observations: Tensor,
    /// What was done, as [`Actor::judge`] takes it.
    pub actions: Tensor,
    /// Logarithm of its probability or density then.
    pub chance: Vec<f32>,
    /// Rewards, values and ends.
    pub course: Course,
    /// Episodes that ended.
    pub episodes: Episodes,
}

/// Sums over episodes that ended in a rollout.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Episodes {
    /// How many.
    pub count: u64,
    /// Sum of what they brought.
    pub reward: f64,
    /// Sum of their steps.
    pub steps: u64,
}

impl Episodes {
    /// Means, if any ended.
    pub fn scalars(&self) -> Vec<(&'static str, f64)> {
        let count = self.count as f64;
        if self.count == 0 {
            return Vec::new();
        }
        vec![("episode/reward", self.reward / count), ("episode/steps", self.steps as f64 / count)]
    }
}

impl Stand {
    /// The first observations of a fresh environment.
    pub fn begin(environment: &mut dyn Environment, seed: u64) -> Stand {
        let mut outcome = Outcome::new(environment);
        environment.reset(seed, &mut outcome);
        let lanes = environment.lanes();
        Stand { outcome, gathered: vec![0.0; lanes], length: vec![0; lanes] }
    }

    /// Where the environment is, for what is done in it before a rollout.
    pub fn outcome(&mut self) -> &mut Outcome {
        &mut self.outcome
    }

    /// Takes `steps` steps of every lane. Rewards are multiplied by `scale` for what is learned
    /// from; sums over episodes are in the environment's own unit.
    ///
    /// # Errors
    /// If the environment gives a reward or an observation that is not a finite number.
    pub fn collect(
        &mut self,
        actor: &mut Actor,
        environment: &mut dyn Environment,
        steps: usize,
        scale: f64,
    ) -> Result<Batch> {
        no_grad(|| self.steps(actor, environment, steps, scale))
    }

    fn steps(
        &mut self,
        actor: &mut Actor,
        environment: &mut dyn Environment,
        steps: usize,
        scale: f64,
    ) -> Result<Batch> {
        let (lanes, width) = (environment.lanes(), environment.spec().observation);
        let mut observations = Vec::with_capacity((steps + 1) * lanes * width);
        let mut drawn: Vec<Drawn> = Vec::with_capacity(steps);
        let (mut chance, mut cut) = (Vec::new(), Vec::new());
        let mut course = Course { lanes, ..Course::default() };
        let mut terminated = Vec::with_capacity(steps * lanes);
        let mut episodes = Episodes::default();
        // Where a step's episode was cut off, and the row of its last observation among `cut`.
        let mut cuts = Vec::new();
        for step in 0..steps {
            actor.see(&self.outcome.observation);
            let from = observations.len();
            observations.extend_from_slice(&self.outcome.observation);
            actor.normalise(&mut observations[from..]);
            let outputs = actor.outputs(&actor.rows(&observations[from..]));
            let (actions, logs) = actor.draw(&outputs);
            chance.extend(logs);
            match &actions {
                Drawn::Discrete(chosen) => {
                    environment.step(Actions::Discrete(chosen), &mut self.outcome);
                }
                Drawn::Continuous(numbers) => {
                    let numbers = actor.scaled(numbers);
                    environment.step(Actions::Continuous(&numbers), &mut self.outcome);
                }
            }
            drawn.push(actions);
            let outcome = &self.outcome;
            for lane in 0..lanes {
                let reward = f64::from(outcome.reward[lane]);
                self.gathered[lane] += reward;
                self.length[lane] += 1;
                course.reward.push((reward * scale) as f32);
                let ended = outcome.terminated[lane] || outcome.truncated[lane];
                terminated.push(outcome.terminated[lane]);
                course.ended.push(ended);
                if ended {
                    episodes.count += 1;
                    episodes.reward += std::mem::take(&mut self.gathered[lane]);
                    episodes.steps += u64::from(std::mem::take(&mut self.length[lane]));
                }
                if ended && !outcome.terminated[lane] {
                    cuts.push(step * lanes + lane);
                    cut.extend_from_slice(&outcome.last[lane * width..(lane + 1) * width]);
                }
            }
        }
        let from = observations.len();
        observations.extend_from_slice(&self.outcome.observation);
        actor.normalise(&mut observations[from..]);
        ensure!(
            course.reward.iter().chain(&observations).chain(&cut).all(|x| x.is_finite()),
            "the environment gave a number that is not finite"
        );
        let all = actor.rows(&observations);
        let mut value = values(actor, &all);
        course.after = value[lanes..].to_vec();
        value.truncate(steps * lanes);
        course.value = value;
        for (after, terminated) in course.after.iter_mut().zip(terminated) {
            if terminated {
                *after = 0.0;
            }
        }
        if !cuts.is_empty() {
            actor.normalise(&mut cut);
            let beyond = values(actor, &actor.rows(&cut));
            cuts.iter().zip(beyond).for_each(|(at, value)| course.after[*at] = value);
        }
        let observations = all.narrow(0, 0, (steps * lanes) as i64);
        let actions: Vec<Tensor> = drawn.iter().map(|drawn| actor.actions(drawn)).collect();
        let actions = Tensor::cat(&actions, 0);
        Ok(Batch { observations, actions, chance, course, episodes })
    }
}

fn values(actor: &Actor, observations: &Tensor) -> Vec<f32> {
    observations.split(ROWS, 0).iter().flat_map(|rows| numbers(&actor.values(rows))).collect()
}
