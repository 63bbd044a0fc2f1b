//! The loop that the algorithms of this folder share: some steps, some lessons.

use super::gatherer::{Gatherer, Lesson};
use crate::checkpoint::Checkpoint;
use crate::learner::{Learner, PolicyView, Round};
use crate::normaliser::Normaliser;
use anyhow::Result;
use tch::Tensor;
use tercel_environments::Environment;

/// What is particular to an algorithm.
pub(super) trait Method {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Draws actions evenly, into lanes × action.
    fn anything(&mut self, actions: &mut [f32]);

    /// Chooses actions for what is seen, with what it takes to explore; `done` of the run is over.
    fn explore(&mut self, seen: &Tensor, done: f64, actions: &mut [f32]);

    /// Learns from memories; gives the error of each one's value where that is asked for.
    fn learn(&mut self, lesson: &Lesson, done: f64, errors: Option<&mut Vec<f32>>) -> Result<()>;

    /// Figures of the last lesson.
    fn scalars(&self, done: f64) -> Vec<(&'static str, f64)>;

    /// An error where a weight is not finite any more.
    fn check(&self) -> Result<()>;

    /// Outputs of the policy that is served, for observations on the common scale.
    fn act(&self, seen: &Tensor) -> Tensor;

    /// The weights of that, behind the normaliser.
    fn policy(&self, normaliser: &Normaliser) -> PolicyView;

    /// Writes networks, optimisers and random numbers.
    fn save(&self, to: &mut Checkpoint) -> Result<()>;

    /// Takes back what [`Method::save`] wrote.
    fn load(&mut self, from: &Checkpoint) -> Result<()>;
}

/// An algorithm with its memories.
#[derive(Debug)]
pub struct OffPolicy<A> {
    pub(super) gatherer: Gatherer,
    pub(super) algorithm: A,
    actions: Vec<f32>,
    errors: Vec<f32>,
}

impl<A> OffPolicy<A> {
    pub(super) fn with(gatherer: Gatherer, algorithm: A) -> OffPolicy<A> {
        let actions = vec![0.0; gatherer.actions()];
        OffPolicy { gatherer, algorithm, actions, errors: Vec::new() }
    }
}

#[expect(private_bounds, reason = "what an algorithm has to do is nobody else's business")]
impl<A: Method> OffPolicy<A> {
    fn lesson(&mut self) -> Result<()> {
        let done = self.gatherer.done();
        let lesson = self.gatherer.lesson();
        if !self.gatherer.config.prioritised {
            return self.algorithm.learn(&lesson, done, None);
        }
        self.algorithm.learn(&lesson, done, Some(&mut self.errors))?;
        self.gatherer.learned(&self.errors);
        Ok(())
    }
}

impl<A: Method> Learner for OffPolicy<A> {
    fn name(&self) -> &'static str {
        self.algorithm.name()
    }

    fn begin(&mut self, environment: &mut dyn Environment, seed: u64) -> Result<()> {
        self.gatherer.begin(environment, seed)
    }

    fn round(&mut self, environment: &mut dyn Environment) -> Result<Round> {
        let (steps, updates) = (self.gatherer.config.steps, self.gatherer.config.updates);
        let mut reward = 0.0;
        for step in 0..u64::from(steps) {
            if self.gatherer.warming() {
                self.algorithm.anything(&mut self.actions);
            } else {
                let (seen, done) = (self.gatherer.seen(), self.gatherer.done());
                self.algorithm.explore(&seen, done, &mut self.actions);
            }
            reward += self.gatherer.step(environment, &self.actions)?;
            if !self.gatherer.warming() {
                let until = |step| step * u64::from(updates) / u64::from(steps);
                for _ in until(step)..until(step + 1) {
                    self.lesson()?;
                }
            }
        }
        self.algorithm.check()?;
        let mut scalars = self.algorithm.scalars(self.gatherer.done());
        scalars.push(("reward/step", reward / f64::from(steps)));
        scalars.push(("replay/held", self.gatherer.held() as f64));
        Ok(Round { steps: u64::from(steps) * environment.lanes() as u64, scalars })
    }

    fn act(&self, observation: &Tensor) -> Tensor {
        tch::no_grad(|| self.algorithm.act(&self.gatherer.normalised(observation)))
    }

    fn policy(&self) -> PolicyView {
        self.algorithm.policy(self.gatherer.normaliser())
    }

    fn save(&self, to: &mut Checkpoint) -> Result<()> {
        self.gatherer.save(to);
        self.algorithm.save(to)
    }

    fn load(&mut self, from: &Checkpoint) -> Result<()> {
        self.gatherer.load(from)?;
        self.algorithm.load(from)
    }
}
