//! `tercel-train train`.

use super::{DeviceName, threads};
use crate::progress::Progress;
use anyhow::Result;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use tercel_train::config::Config;
use tercel_train::fleet::{self, Job, Order};
use tercel_train::training::CHECKPOINT;

/// Trains a policy, from a configuration or from where a run stopped.
///
/// Each seed gets a folder `seed-N` in --out with its configuration, its checkpoint and an event
/// file for TensorBoard. Checkpoints are written after every chapter, whole or not at all; with
/// --resume runs go on from theirs with the same bits as if they had never stopped. A run ends when
/// its rounds are up, its goal is reached or its patience is over, as `[run]` says.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The configuration, TOML.
    config: PathBuf,
    /// Folder for the runs; without it nothing is written.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// First seed, instead of the configuration's.
    #[arg(long)]
    seed: Option<u64>,
    /// Number of seeds, each a run of its own, instead of the configuration's.
    #[arg(long)]
    seeds: Option<usize>,
    /// Runs at a time [default: one a core].
    #[arg(long)]
    jobs: Option<usize>,
    /// Goes on from the checkpoints in --out.
    #[arg(long, requires = "out")]
    resume: bool,
    /// Where tensors live.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceName,
    /// Prints the result as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let config = Config::load(&arguments.config)?;
    let device = arguments.device.open()?;
    let first = arguments.seed.unwrap_or(config.values.run.seed);
    let count = arguments.seeds.unwrap_or(config.values.run.seeds) as u64;
    let job = |seed: u64| {
        let folder = arguments.out.as_ref().map(|out| out.join(format!("seed-{seed}")));
        let there = folder.as_ref().is_some_and(|folder| folder.join(CHECKPOINT).exists());
        Job { config: config.clone(), seed, folder, resume: arguments.resume && there }
    };
    let jobs: Vec<Job> = (first..first + count).map(job).collect();
    let order = Order { threads: threads(arguments.jobs)?, device, until: None };
    let progress = Progress::new(&jobs);
    let results = fleet::run(&jobs, order, &progress);
    progress.finish();
    let (mut lines, mut failed) = (Vec::new(), false);
    for (job, result) in jobs.iter().zip(results) {
        match result {
            Ok(done) => {
                let state = &done.state;
                let speed = state.steps as f64 / done.seconds.max(1e-9);
                if !arguments.json {
                    let score = state.score.map_or("no exam".to_owned(), |score| {
                        format!(
                            "value {:.6} of {:.6}, G {:.4}",
                            score.value, score.optimum, score.g
                        )
                    });
                    println!(
                        "seed {:>3}  {:>5} rounds  {:>11} steps  {:>9.0}/s  {:>6.1} s  {score}",
                        done.seed, state.rounds, state.steps, speed, done.seconds
                    );
                }
                lines.push(json!({
                    "seed": done.seed,
                    "rounds": state.rounds,
                    "steps": state.steps,
                    "seconds": done.seconds,
                    "value": state.score.map(|score| score.value),
                    "optimum": state.score.map(|score| score.optimum),
                    "g": state.score.map(|score| score.g),
                    "folder": job.folder,
                }));
            }
            Err(error) => {
                failed = true;
                eprintln!("error: seed {}: {error:#}", job.seed);
                lines.push(json!({ "seed": job.seed, "error": format!("{error:#}") }));
            }
        }
    }
    if arguments.json {
        println!("{}", json!({ "runs": lines }));
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
