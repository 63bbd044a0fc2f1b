//! A policy that begins as a known one: before the first round its network is fitted to what a
//! demonstration does, on what the demonstration, disturbed, meets (behaviour cloning; D.
//! Pomerleau, "Efficient training of artificial neural networks for autonomous navigation", 1991).
//! What follows is learning as ever.

use crate::actor::Actor;
use crate::algorithm::Wrong;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};
use tercel_environments::{ActionSpace, Actions, Environment, Outcome};

/// What a demonstration does on one observation.
pub type Demonstration = fn(&[f32], &mut [f32]);

/// The table `[ppo.imitation]`.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Steps of each lane that are looked at.
    pub steps: usize,
    /// Times that they are gone through.
    pub epochs: usize,
    /// Steps that one step of the optimiser learns from.
    pub batch: usize,
    /// Learning rate.
    pub rate: f64,
    /// By how much actions are disturbed, standard deviations in their own unit.
    pub disturbance: f32,
    /// Rounds after it in which only the value learns.
    pub value_rounds: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        let (steps, epochs, batch, rate) = (500, 10, 512, 1e-3);
        Settings { steps, epochs, batch, rate, disturbance: 1.0, value_rounds: 10 }
    }
}

impl Settings {
    /// Checks every value that its type does not.
    ///
    /// # Errors
    /// The first key with a value that cannot train.
    pub fn check(&self) -> Result<(), Wrong> {
        let steps = (1..=1 << 20).contains(&self.steps);
        Wrong::unless(steps, "imitation.steps", "a whole number from 1 to 1048576")?;
        let epochs = (1..=1_000).contains(&self.epochs);
        Wrong::unless(epochs, "imitation.epochs", "a whole number from 1 to 1000")?;
        Wrong::unless(self.batch >= 2, "imitation.batch", "a whole number from 2 on")?;
        let rate = self.rate > 0.0 && self.rate <= 1.0;
        Wrong::unless(rate, "imitation.rate", "a number above 0, at most 1")?;
        let held = (0.0..=1e3).contains(&self.disturbance);
        Wrong::unless(held, "imitation.disturbance", "a number from 0 to 1000")
    }
}

/// Fits the actor's policy; the environment is left where the demonstration left it.
///
/// # Errors
/// If the environment has discrete actions, or training goes astray.
pub fn imitate(
    actor: &mut Actor,
    environment: &mut dyn Environment,
    outcome: &mut Outcome,
    settings: &Settings,
    demonstration: Demonstration,
) -> Result<()> {
    let ActionSpace::Continuous(ranges) = environment.spec().actions.clone() else {
        anyhow::bail!("imitation is for continuous actions");
    };
    let (lanes, width) = (environment.lanes(), environment.spec().observation);
    let count = ranges.len();
    let (mut seen, mut aims) = (Vec::new(), Vec::new());
    let mut actions = vec![0.0; lanes * count];
    let mut noise = vec![0.0; lanes * count];
    for _ in 0..settings.steps {
        for (row, action) in
            outcome.observation.chunks_exact(width).zip(actions.chunks_exact_mut(count))
        {
            demonstration(row, action);
            for (x, (low, high)) in action.iter_mut().zip(&ranges) {
                *x = x.clamp(*low, *high);
            }
        }
        seen.extend_from_slice(&outcome.observation);
        aims.extend_from_slice(&actions);
        actor.noise().normals(&mut noise);
        for (x, z) in actions.iter_mut().zip(&noise) {
            *x += settings.disturbance * z;
        }
        environment.step(Actions::Continuous(&actions), outcome);
    }
    actor.see(&seen);
    actor.rescale();
    actor.normalise(&mut seen);
    actor.unscale(&mut aims);
    let observations = actor.rows(&seen);
    let aims = Tensor::from_slice(&aims).view([-1, count as i64]).to_device(observations.device());
    for epoch in 0..settings.epochs {
        let order = actor.noise().order(aims.size()[0] as usize);
        let rate = settings.rate * (1.0 - epoch as f64 / settings.epochs as f64);
        for part in order.chunks(settings.batch) {
            let part = Tensor::from_slice(part).to_device(observations.device());
            let given = actor.outputs(&observations.index_select(0, &part));
            let aim = aims.index_select(0, &part);
            // The spread of actions has no part in it, and its gradient has to be there.
            let (_, entropy) = actor.judge(&given, &aim);
            let loss = (given - aim).square().mean(Kind::Float) + entropy * 0.0;
            actor.step_policy(&loss, rate, 1.0)?;
        }
    }
    Ok(())
}
