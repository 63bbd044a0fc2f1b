//! What a policy brings in its environment, by whole episodes on seeds of their own.

use crate::config::Config;
use crate::learner::{Head, PolicyView};
use crate::world;
use anyhow::{Result, bail, ensure};
use tercel_environments::{Actions, Outcome};

/// Steps after which an environment whose episodes do not end is given up.
const STEPS_MAX: u64 = 10_000_000;

/// Rewards of whole episodes: the first `count` of each lane, lane by lane, so that episode `i` of
/// two policies under one seed had the same random numbers.
///
/// # Errors
/// If the policy is for another environment, or an episode does not end.
pub fn episodes(config: &Config, policy: &PolicyView, seed: u64, count: usize) -> Result<Vec<f64>> {
    let mut environment = world::make(config)?;
    let lanes = environment.lanes();
    let mut outcome = Outcome::new(&*environment);
    ensure!(
        policy.layers.first().is_some_and(|layer| layer.inputs == environment.spec().observation),
        "the policy is for an environment of another observation than {}",
        environment.spec().name
    );
    environment.reset(seed, &mut outcome);
    let mut sums = vec![vec![0.0]; lanes];
    let mut steps = 0;
    while sums.iter().any(|lane| lane.len() <= count) {
        let answers = policy.answer(&outcome.observation, lanes);
        if policy.head == Head::Discrete {
            let chosen: Vec<u32> = answers.iter().map(|index| *index as u32).collect();
            environment.step(Actions::Discrete(&chosen), &mut outcome);
        } else {
            environment.step(Actions::Continuous(&answers), &mut outcome);
        }
        for (lane, sums) in sums.iter_mut().enumerate() {
            if let Some(last) = sums.last_mut() {
                *last += f64::from(outcome.reward[lane]);
            }
            if outcome.terminated[lane] || outcome.truncated[lane] {
                sums.push(0.0);
            }
        }
        steps += 1;
        if steps > STEPS_MAX {
            bail!("an episode did not end within {STEPS_MAX} steps");
        }
    }
    Ok(sums.into_iter().flat_map(|lane| lane.into_iter().take(count)).collect())
}
