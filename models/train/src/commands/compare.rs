//! `tercel-train compare`.

use anyhow::{Result, ensure};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use tch::Device;
use tercel_train::evaluate;
use tercel_train::training::Run;
use tercel_validation::{Bootstrap, mean};

/// Compares trained policies on the same episodes.
///
/// Every policy plays the environment of the first, with the same random numbers, without drawing
/// actions. What each brings more or less than the first is a paired difference with a 95 %
/// bootstrap interval; one that does not hold zero says that they differ.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Folders of runs, or checkpoints; the first is what the others are compared with.
    #[arg(required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
    /// Seed of the episodes.
    #[arg(long, default_value_t = 1_000_000_007)]
    seed: u64,
    /// Episodes of each of the environment's copies.
    #[arg(long, default_value_t = 1)]
    episodes: usize,
    /// Prints the result as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    ensure!(arguments.episodes > 0, "--episodes must be at least 1");
    let open = |path: &PathBuf| Run::open(path, Device::Cpu);
    let mut runs = arguments.runs.iter().map(open).collect::<Result<Vec<Run>>>()?;
    let config = runs[0].config().clone();
    let mut first = Vec::new();
    let mut lines = Vec::new();
    for (path, run) in arguments.runs.iter().zip(&mut runs) {
        let rewards =
            evaluate::episodes(&config, &run.policy(), arguments.seed, arguments.episodes)?;
        if first.is_empty() {
            first.clone_from(&rewards);
        }
        let reward = Bootstrap::default().of(&rewards, mean)?;
        let apart = Bootstrap::default().paired(&rewards, &first)?.difference;
        let g = run.score()?.map(|score| score.g);
        let name = format!("{} ({} seed {})", path.display(), run.learner().name(), run.seed());
        if !arguments.json {
            let g = g.map_or(String::new(), |g| format!("  G {g:.4}"));
            println!(
                "{name}: reward {:.6} [{:.6}, {:.6}]  difference {:+.6} [{:+.6}, {:+.6}]{g}",
                reward.value, reward.low, reward.high, apart.value, apart.low, apart.high
            );
        }
        lines.push(json!({ "run": path, "reward": reward, "difference": apart, "g": g }));
    }
    if arguments.json {
        println!("{}", json!({ "episodes": first.len(), "runs": lines }));
    }
    Ok(ExitCode::SUCCESS)
}
