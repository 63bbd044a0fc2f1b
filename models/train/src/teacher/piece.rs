//! A piece of every lane's stream, with the state that it began in.

use super::auxiliary::Places;
use super::network::{Outputs, State, Streaming};
use crate::advantage::Course;
use crate::noise::{HALF_LN_TAU, Noise};
use crate::normaliser::Normaliser;
use crate::parameters::numbers;
use crate::rollout::Episodes;
use anyhow::{Result, ensure};
use tch::{Device, Kind, Tensor, no_grad};
use tercel_environments::{Actions, Environment, Outcome};

/// Where the lanes stand, from piece to piece.
#[derive(Debug)]
pub struct Stand {
    outcome: Outcome,
    /// The lane's observation is the first of an episode.
    first: Vec<bool>,
    state: State,
    gathered: Vec<f64>,
    length: Vec<u32>,
}

/// What a piece brought; tensors are times × lanes × numbers.
#[derive(Debug)]
pub struct Piece {
    /// The state that it began in.
    pub start: State,
    /// Normalised observations.
    pub observations: Tensor,
    /// 1 where an observation is the first of its episode.
    pub first: Tensor,
    /// What was done, in half ranges.
    pub actions: Tensor,
    /// Logarithm of its density then, times × lanes.
    pub chance: Tensor,
    /// Targets of the auxiliary heads and their weights; none if there are none.
    pub auxiliary: Option<[Tensor; 2]>,
    /// Rewards, values and ends.
    pub course: Course,
    /// Raw observations, for the normaliser.
    pub raw: Vec<f32>,
    /// Episodes that ended.
    pub episodes: Episodes,
}

/// What a piece is collected with.
#[derive(Debug)]
pub struct Collector<'a> {
    /// The network that acts.
    pub network: &'a Streaming,
    /// What is done to observations.
    pub scale: &'a Normaliser,
    /// Centre and half of each action's range.
    pub ranges: &'a [(f32, f32)],
    /// Where auxiliary targets are read.
    pub places: Option<Places>,
    /// What rewards are multiplied by.
    pub reward_scale: f64,
    /// Where tensors live.
    pub device: Device,
}

impl Stand {
    /// The first observations of a fresh environment.
    pub fn begin(environment: &mut dyn Environment, network: &Streaming, seed: u64) -> Stand {
        let mut outcome = Outcome::new(environment);
        environment.reset(seed, &mut outcome);
        let lanes = environment.lanes();
        Stand {
            outcome,
            first: vec![true; lanes],
            state: network.begin(lanes),
            gathered: vec![0.0; lanes],
            length: vec![0; lanes],
        }
    }
}

impl Collector<'_> {
    /// Takes `steps` steps of every lane.
    ///
    /// # Errors
    /// If the environment gives a reward or an observation that is not a finite number.
    pub fn collect(
        &self,
        stand: &mut Stand,
        environment: &mut dyn Environment,
        steps: usize,
        noise: &mut Noise,
    ) -> Result<Piece> {
        no_grad(|| self.steps(stand, environment, steps, noise))
    }

    fn steps(
        &self,
        stand: &mut Stand,
        environment: &mut dyn Environment,
        steps: usize,
        noise: &mut Noise,
    ) -> Result<Piece> {
        let (lanes, width) = (environment.lanes(), environment.spec().observation);
        let start = stand.state.cut();
        let log_spread = numbers(self.network.log_spread());
        let mut course = Course { lanes, ..Course::default() };
        let mut episodes = Episodes::default();
        let (mut raw, mut chance) = (Vec::new(), Vec::new());
        let (mut rows, mut firsts, mut actions) = (Vec::new(), Vec::new(), Vec::new());
        let (mut targets, mut weights) = (Vec::new(), Vec::new());
        for step in 0..steps {
            let before = stand.outcome.observation.clone();
            let (outputs, after) = self.forward(&before, &stand.first, &stand.state);
            rows.push(self.rows(&before));
            firsts.push(self.firsts(&stand.first));
            course.value.extend(numbers(&outputs.value));
            if step > 0 {
                follow(&mut course, step, lanes);
            }
            let mut drawn = numbers(&outputs.actions);
            chance.extend(draw(&mut drawn, &log_spread, noise));
            let scaled = self.scaled(&drawn);
            environment.step(Actions::Continuous(&scaled), &mut stand.outcome);
            actions.push(drawn);
            stand.state = after;
            self.book(stand, &mut course, &mut episodes, width);
            if let Some(places) = self.places {
                for lane in 0..lanes {
                    let row = lane * width..(lane + 1) * width;
                    let ended = stand.first[lane];
                    let next = if ended { &stand.outcome.last } else { &stand.outcome.observation };
                    let (target, weight) =
                        places.targets(self.scale, &before[row.clone()], &next[row]);
                    targets.extend(target);
                    weights.extend(weight);
                }
            }
            raw.extend(before);
        }
        // Values behind the last step, from a copy of the state.
        let (outputs, _) = self.forward(&stand.outcome.observation, &stand.first, &stand.state);
        course.value.extend(numbers(&outputs.value));
        follow(&mut course, steps, lanes);
        course.value.truncate(steps * lanes);
        let finite = |numbers: &[f32]| numbers.iter().all(|x| x.is_finite());
        ensure!(
            finite(&course.reward) && finite(&raw) && finite(&course.after),
            "the environment gave a number that is not finite"
        );
        let shape = [steps as i64, lanes as i64, -1];
        let tensor = |numbers: &[f32]| Tensor::from_slice(numbers).to_device(self.device);
        let auxiliary = self.places.map(|_| [&targets, &weights].map(|x| tensor(x).view(shape)));
        Ok(Piece {
            start,
            observations: Tensor::cat(&rows, 0),
            first: Tensor::cat(&firsts, 0),
            actions: tensor(&actions.concat()).view(shape),
            chance: tensor(&chance).view([steps as i64, lanes as i64]),
            auxiliary,
            course,
            raw,
            episodes,
        })
    }

    /// Books rewards and ends of a step, with the value of what a cut episode would have gone on
    /// with.
    fn book(&self, stand: &mut Stand, course: &mut Course, sums: &mut Episodes, width: usize) {
        let Outcome { reward, terminated, truncated, last, .. } = &stand.outcome;
        let lanes = reward.len();
        let cut = (0..lanes).any(|lane| truncated[lane] && !terminated[lane]);
        let beyond = cut.then(|| {
            let (outputs, _) = self.forward(last, &vec![false; last.len() / width], &stand.state);
            numbers(&outputs.value)
        });
        for lane in 0..lanes {
            course.reward.push((f64::from(reward[lane]) * self.reward_scale) as f32);
            let ended = terminated[lane] || truncated[lane];
            course.ended.push(ended);
            let beyond = beyond.as_ref().filter(|_| !terminated[lane]);
            course.after.push(beyond.map_or(0.0, |values| values[lane]));
            stand.gathered[lane] += f64::from(reward[lane]);
            stand.length[lane] += 1;
            stand.first[lane] = ended;
            if ended {
                sums.count += 1;
                sums.reward += std::mem::take(&mut stand.gathered[lane]);
                sums.steps += u64::from(std::mem::take(&mut stand.length[lane]));
            }
        }
    }

    /// One step of the network for every lane.
    pub fn forward(&self, raw: &[f32], first: &[bool], state: &State) -> (Outputs, State) {
        self.network.forward(&self.rows(raw), &self.firsts(first), state)
    }

    /// Raw observations of every lane as 1 × lanes × numbers, normalised.
    fn rows(&self, raw: &[f32]) -> Tensor {
        let mut rows = raw.to_vec();
        self.scale.apply(&mut rows);
        let width = self.scale.mean.len() as i64;
        Tensor::from_slice(&rows).view([1, -1, width]).to_device(self.device)
    }

    fn firsts(&self, first: &[bool]) -> Tensor {
        let first: Vec<f32> = first.iter().map(|first| f32::from(u8::from(*first))).collect();
        Tensor::from_slice(&first).view([1, -1]).to_kind(Kind::Float).to_device(self.device)
    }

    /// Actions in the environment's units.
    pub fn scaled(&self, drawn: &[f32]) -> Vec<f32> {
        let each = drawn.iter().zip(self.ranges.iter().cycle());
        each.map(|(x, (centre, half))| centre + half * x).collect()
    }
}

/// What the steps before `step` led to is worth what the network says at `step`, but for episodes
/// that ended.
fn follow(course: &mut Course, step: usize, lanes: usize) {
    for lane in 0..lanes {
        let at = (step - 1) * lanes + lane;
        if !course.ended[at] {
            course.after[at] = course.value[step * lanes + lane];
        }
    }
}

/// Moves means to drawn actions; back come the logarithms of their densities.
fn draw(drawn: &mut [f32], log_spread: &[f32], noise: &mut Noise) -> Vec<f32> {
    let mut normals = vec![0.0; drawn.len()];
    noise.normals(&mut normals);
    let width = log_spread.len();
    let rows = drawn.chunks_exact_mut(width).zip(normals.chunks_exact(width));
    let one = |(row, normals): (&mut [f32], &[f32])| {
        let mut sum = 0.0;
        for ((x, z), log) in row.iter_mut().zip(normals).zip(log_spread) {
            *x += z * log.exp();
            sum -= 0.5 * z * z + log + HALF_LN_TAU as f32;
        }
        sum
    };
    rows.map(one).collect()
}
