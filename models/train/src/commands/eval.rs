//! `tercel-train eval`.

use super::TEST_SEED;
use anyhow::Result;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use tch::Device;
use tercel_train::evaluate;
use tercel_train::training::Run;
use tercel_validation::{Bootstrap, mean};

/// Says what a trained policy is worth.
///
/// Where the environment has an exam, its value is computed exactly, beside that of the best policy
/// and of a baseline; G is the share of the way between them. Besides, whole episodes are played
/// without drawing actions, on a seed that training does not use.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Folder of a run, or a checkpoint.
    run: PathBuf,
    /// Seed of the episodes.
    #[arg(long, default_value_t = TEST_SEED)]
    seed: u64,
    /// Episodes of each of the environment's copies; 0 plays none.
    #[arg(long, default_value_t = 1)]
    episodes: usize,
    /// Prints the result as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut run = Run::open(&arguments.run, Device::Cpu)?;
    let policy = run.policy();
    let score = run.score()?;
    let sampled = match arguments.episodes {
        0 => None,
        count => {
            let rewards = evaluate::episodes(run.config(), &policy, arguments.seed, count)?;
            Some((rewards.len(), Bootstrap::default().of(&rewards, mean)?))
        }
    };
    let state = run.state();
    if arguments.json {
        let value = json!({
            "environment": run.config().values.environment.name,
            "algorithm": run.learner().name(),
            "seed": run.seed(),
            "rounds": state.rounds,
            "steps": state.steps,
            "value": score.map(|score| score.value),
            "baseline": score.map(|score| score.baseline),
            "optimum": score.map(|score| score.optimum),
            "g": score.map(|score| score.g),
            "episodes": sampled.map(|(count, _)| count),
            "reward": sampled.map(|(_, reward)| reward),
        });
        println!("{value}");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} on {}, seed {}, {} rounds, {} steps",
        run.learner().name(),
        run.config().values.environment.name,
        run.seed(),
        state.rounds,
        state.steps
    );
    if let Some(score) = score {
        println!(
            "exact: value {:.6}, baseline {:.6}, optimum {:.6}, G {:.4}",
            score.value, score.baseline, score.optimum, score.g
        );
    }
    if let Some((count, reward)) = sampled {
        println!(
            "{count} episodes: mean reward {:.6}, 95 % interval {:.6} to {:.6}",
            reward.value, reward.low, reward.high
        );
    }
    Ok(ExitCode::SUCCESS)
}
