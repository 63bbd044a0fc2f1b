//! What actions were worth beyond what was expected.

use crate::checkpoint::Checkpoint;
use anyhow::{Result, bail};

/// Steps of a batch of lanes: the number of step `t` and lane `l` stands at `t` × lanes + `l`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Course {
    /// Lanes.
    pub lanes: usize,
    /// Reward of each step.
    pub reward: Vec<f32>,
    /// Expected value before each step.
    pub value: Vec<f32>,
    /// Expected value after it: of the next observation of the same episode, of the last one where
    /// the episode was cut off, and zero where it terminated.
    pub after: Vec<f32>,
    /// Whether the episode ended with the step, in either way: nothing flows back from beyond.
    pub ended: Vec<bool>,
}

/// Largest exponent of the utility.
const UTILITY_MAX: f64 = 5.0;

/// Generalised advantage estimates (Schulman et al. 2016, equation 16): the sum over k of
/// (γλ)ᵏ δ at t + k within the episode, where δ = r + γ V(after) − V. The value learns their sum
/// with the values given. With λ = 1 they are returns less values.
///
/// With an `aversion` α above 0, δ becomes (1 − e^(−α δ)) / α. Values for which that is zero on
/// average are certainty equivalents under the utility −e^(−α x): e^(−α V) is the average of
/// e^(−α (r + V(after))), the recursion of risk-sensitive control (Howard and Matheson 1972). It
/// holds for undiscounted sums only.
pub fn gae(course: &Course, gamma: f64, lambda: f64, aversion: f64) -> Vec<f32> {
    let mut advantage = vec![0.0; course.reward.len()];
    let mut beyond = vec![0.0; course.lanes];
    for start in (0..course.reward.len()).step_by(course.lanes.max(1)).rev() {
        for (lane, beyond) in beyond.iter_mut().enumerate() {
            let at = start + lane;
            let [reward, value, after] =
                [course.reward[at], course.value[at], course.after[at]].map(f64::from);
            if course.ended[at] {
                *beyond = 0.0;
            }
            let mut delta = reward + gamma * after - value;
            if aversion > 0.0 {
                // The cut is far beyond any fair surprise and keeps the first rounds finite.
                delta = -(-aversion * delta).min(UTILITY_MAX).exp_m1() / aversion;
            }
            *beyond = delta + gamma * lambda * *beyond;
            advantage[at] = *beyond as f32;
        }
    }
    advantage
}

/// Brings advantages to mean 0 and spread 1, by figures that follow the batches.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Scale {
    /// Mean and mean square so far, each decayed.
    pub moments: [f64; 2],
    /// How much weight they rest on: 1 − decay to the number of batches.
    pub weight: f64,
}

impl Scale {
    /// Writes it.
    pub fn save(&self, to: &mut Checkpoint) {
        let [mean, square] = self.moments;
        to.put_f64("advantage", &[mean, square, self.weight]);
    }

    /// Reads what [`Scale::save`] wrote.
    pub fn load(from: &Checkpoint) -> Result<Scale> {
        let numbers = from.f64("advantage")?;
        let [mean, square, weight] = numbers[..] else {
            bail!("the checkpoint's advantage is {} numbers, not 3", numbers.len());
        };
        Ok(Scale { moments: [mean, square], weight })
    }

    /// Takes a batch in and brings it to scale; `decay` 0 forgets every batch before.
    pub fn apply(&mut self, advantages: &mut [f32], decay: f64) {
        let count = advantages.len().max(1) as f64;
        let sum = |power: i32| advantages.iter().map(|a| f64::from(*a).powi(power)).sum::<f64>();
        for (moment, power) in self.moments.iter_mut().zip([1, 2]) {
            *moment = decay * *moment + (1.0 - decay) * sum(power) / count;
        }
        self.weight = decay * self.weight + 1.0 - decay;
        let [mean, square] = self.moments.map(|moment| moment / self.weight);
        let spread = (square - mean * mean).max(0.0).sqrt() + 1e-8;
        advantages.iter_mut().for_each(|a| *a = ((f64::from(*a) - mean) / spread) as f32);
    }
}
