//! An action that is held for several steps.
//!
//! Steps of a closed-form environment cost a hundredth of what a network's answer and its learning
//! cost. Where one step changes little, holding an action brings as much experience a step and
//! several times as much a second. What is learned is used without it: a policy is asked at every
//! step.

use tercel_environments::{Actions, Environment, Outcome, Spec};

/// An environment whose steps are several of another.
pub struct Repeat<E: ?Sized> {
    times: u32,
    spec: Spec,
    /// What the last of several steps brought.
    one: Outcome,
    inner: Box<E>,
}

impl<E: Environment + ?Sized> Repeat<E> {
    /// Holds each action for so many steps.
    pub fn new(inner: Box<E>, times: u32) -> Repeat<E> {
        let mut spec = inner.spec().clone();
        spec.steps = spec.steps.map(|steps| steps.div_ceil(times.max(1)));
        let one = Outcome::new(&*inner);
        Repeat { times, spec, one, inner }
    }
}

impl<E: Environment + ?Sized> Environment for Repeat<E> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn lanes(&self) -> usize {
        self.inner.lanes()
    }

    fn reset(&mut self, seed: u64, outcome: &mut Outcome) {
        self.inner.reset(seed, outcome);
    }

    /// Rewards are summed up to the end of an episode. What the next one brings within the same
    /// action is not counted: it begins a little later for the learner.
    fn step(&mut self, actions: Actions<'_>, outcome: &mut Outcome) {
        let width = self.spec.observation;
        for time in 0..self.times.max(1) {
            self.inner.step(actions, &mut self.one);
            for lane in 0..self.one.reward.len() {
                if time == 0 {
                    outcome.reward[lane] = 0.0;
                    outcome.terminated[lane] = false;
                    outcome.truncated[lane] = false;
                }
                if outcome.terminated[lane] || outcome.truncated[lane] {
                    continue;
                }
                outcome.reward[lane] += self.one.reward[lane];
                outcome.terminated[lane] = self.one.terminated[lane];
                outcome.truncated[lane] = self.one.truncated[lane];
                if self.one.terminated[lane] || self.one.truncated[lane] {
                    let row = lane * width..(lane + 1) * width;
                    outcome.last[row.clone()].copy_from_slice(&self.one.last[row]);
                }
            }
        }
        outcome.observation.copy_from_slice(&self.one.observation);
    }
}
