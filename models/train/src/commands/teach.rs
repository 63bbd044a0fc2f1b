//! `tercel-train teach`.

use super::{DeviceName, TEST_SEED, code_version};
use anyhow::{Context, Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use tercel_train::checkpoint::Checkpoint;
use tercel_train::config::Config;
use tercel_train::learner::{PolicyView, Round};
use tercel_train::teacher::agreement;
use tercel_train::teacher::artifacts::Origin;
use tercel_train::teacher::integers::{self, Tuned};
use tercel_train::teacher::lessons::{Lessons, gather};
use tercel_train::training::CHECKPOINT;
use tercel_train::{evaluate, export};
use tercel_validation::{Bootstrap, Interval, mean};

/// Trains the streaming teacher, and the hot path's network from it.
///
/// The configuration has a table [teacher]: convolution, LSTM and attention over the stream of
/// features learn by proximal policy optimisation. With [distil] a dense network then learns from
/// the teacher, and with [integers] that one is tuned to what it will be in integers. Each is
/// written to --out as an artifact that the host loads: teacher, student and integers, .safetensors
/// and .json. Checkpoints are written after every chapter; --resume goes on from the last.
///
///   tercel-train teach models/configs/demo-teacher.toml --out runs/teacher
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The configuration, TOML.
    config: PathBuf,
    /// Folder for checkpoint and artifacts.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Seed, instead of the configuration's.
    #[arg(long)]
    seed: Option<u64>,
    /// Goes on from the checkpoint in --out.
    #[arg(long)]
    resume: bool,
    /// Seed of the episodes that all are compared on.
    #[arg(long, default_value_t = TEST_SEED)]
    test_seed: u64,
    /// Episodes of each of the environment's copies that all are compared on.
    #[arg(long, default_value_t = 1)]
    episodes: usize,
    /// Where tensors live.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceName,
    /// Prints the result as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    ensure!(arguments.episodes > 0, "--episodes must be at least 1");
    let config = Config::load(&arguments.config)?;
    let device = arguments.device.open()?;
    // The same numbers on any number of cores.
    tch::set_num_threads(1);
    let path = arguments.out.join(CHECKPOINT);
    let mut lessons = if arguments.resume && path.exists() {
        Lessons::resume(&config, &Checkpoint::read(&path)?, device)?
    } else {
        Lessons::new(&config, arguments.seed.unwrap_or(config.values.run.seed), device)?
    };
    let seed = lessons.seed();
    std::fs::create_dir_all(&arguments.out).with_context(|| arguments.out.display().to_string())?;
    let bar = bar("teacher", config.values.run.rounds);
    while !lessons.is_over() {
        lessons.chapter(&mut |done, round| show(&bar, done, round))?;
        lessons.checkpoint()?.write(&path)?;
        if bar.is_hidden() {
            let (rounds, steps) = lessons.done();
            eprintln!("teacher  {rounds}/{} rounds  {steps} steps", config.values.run.rounds);
        }
    }
    bar.finish_and_clear();
    let origin = Origin { config: &config, seed, commit: code_version() };
    let reward = lessons.reward(arguments.test_seed, arguments.episodes)?;
    let teacher = Bootstrap::default().of(&reward, mean)?;
    let artifact = origin.teacher(lessons.teacher(), &[("episode_reward", teacher.value)])?;
    export::write_files(&arguments.out, "teacher", &artifact.encode())?;
    let mut result = json!({ "seed": seed, "steps": lessons.done().1, "teacher": teacher });
    if !arguments.json {
        println!("teacher: mean reward of {} episodes {}", reward.len(), interval(&teacher));
    }
    if let Some(settings) = &config.values.distil {
        let bar = self::bar("student", settings.rounds);
        let student = lessons.distil(&mut |done, round| show(&bar, done, round))?;
        bar.finish_and_clear();
        let reward =
            evaluate::episodes(&config, &student, arguments.test_seed, arguments.episodes)?;
        let reward = Bootstrap::default().of(&reward, mean)?;
        let artifact = origin.student(&student, &[("episode_reward", reward.value)])?;
        export::write_files(&arguments.out, "student", &artifact.encode())?;
        result["student"] = json!(reward);
        if !arguments.json {
            println!("student: mean reward of the same episodes {}", interval(&reward));
        }
        result["integers"] = integers_of(arguments, &config, &origin, &student)?;
    }
    if arguments.json {
        println!("{result}");
    }
    Ok(ExitCode::SUCCESS)
}

fn integers_of(
    arguments: &Arguments,
    config: &Config,
    origin: &Origin<'_>,
    student: &PolicyView,
) -> Result<serde_json::Value> {
    let Some(settings) = &config.values.integers else { return Ok(serde_json::Value::Null) };
    let lanes = config.values.environment.lanes;
    let steps = settings.calibration.max(settings.batch).div_ceil(lanes) * 4;
    let seen = gather(config, student, origin.seed, steps)?;
    let Tuned { network, rounded, tuned } = integers::tune(student, &seen, settings, origin.seed)?;
    // On a market that neither has seen.
    let fresh = gather(config, student, arguments.test_seed, steps)?;
    let floats = integers::floats_on(student, &fresh)?;
    let share =
        agreement::share(&fresh, &floats, &integers::integers_on(student, &network, &fresh)?);
    let share = share.unwrap_or(0.0);
    let artifact = origin.integers(student, network, &[("same_quotes", share)])?;
    export::write_files(&arguments.out, "integers", &artifact.encode())?;
    if !arguments.json {
        println!(
            "integers: {:.3} % of quotes as the student's; distance {tuned:.5}, once {rounded:.5}",
            100.0 * share
        );
    }
    Ok(json!({ "same_quotes": share, "distance": tuned, "distance_rounded": rounded }))
}

fn bar(what: &'static str, rounds: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(rounds).with_style(style).with_prefix(what)
}

fn show(bar: &ProgressBar, done: u64, round: &Round) -> Result<()> {
    let speed = round.steps as f64 * bar.per_sec();
    let figures = ["episode/reward", "distil/miss"];
    let figure = figures.iter().find_map(|name| round.scalar(name).map(|value| (name, value)));
    let figure = figure.map_or(String::new(), |(name, value)| format!("  {name} {value:.4}"));
    bar.set_message(format!("{speed:.0} steps/s{figure}"));
    bar.set_position(done);
    Ok(())
}

fn interval(figure: &Interval) -> String {
    format!("{:.4}, 95 % interval {:.4} to {:.4}", figure.value, figure.low, figure.high)
}
