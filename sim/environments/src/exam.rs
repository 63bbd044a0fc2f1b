//! What a policy is worth, computed and not sampled, beside the best that there is.

use crate::Spec;

/// A policy as an exam asks it: so many observations in rows, one behind the other; back come the
/// actions in rows. A discrete action is its index as a number; a continuous one is its numbers,
/// cut to the bounds of the space as in [`crate::Environment::step`].
pub type Asked<'a> = dyn FnMut(&[f32], usize) -> Vec<f32> + 'a;

/// What a policy is worth in an environment.
pub trait Exam {
    /// The shape of observations and actions, as that of the environment.
    fn spec(&self) -> &Spec;

    /// Asks the policy wherever it can come to, and says exactly what it is worth.
    ///
    /// # Panics
    /// If the policy answers with another number of actions than it was asked for.
    fn run(&self, policy: &mut Asked<'_>) -> Score;

    /// What the best policy is worth.
    fn optimum(&self) -> f64;

    /// What the policy is worth that stands for having learned nothing.
    fn baseline(&self) -> f64;

    /// The score of a value.
    fn score(&self, value: f64) -> Score {
        let (optimum, baseline) = (self.optimum(), self.baseline());
        Score { value, optimum, baseline, g: (value - baseline) / (optimum - baseline) }
    }
}

/// A value between a baseline and the best.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Score {
    /// What the policy is worth, in the unit of the environment.
    pub value: f64,
    /// What the best policy is worth.
    pub optimum: f64,
    /// What the baseline is worth.
    pub baseline: f64,
    /// `(value − baseline) / (optimum − baseline)`: 1 is the best there is, 0 nothing learned.
    pub g: f64,
}
