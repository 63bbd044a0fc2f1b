//! `tercel-train compare`.

use super::TEST_SEED;
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tch::Device;
use tercel_train::config::Config;
use tercel_train::evaluate;
use tercel_train::training::{CHECKPOINT, Run};
use tercel_validation::{Bootstrap, Interval, Paired, mean};

/// Compares trained policies on the same episodes.
///
/// Each argument is a run, or a folder of runs of several seeds as `train --seeds` makes it. All
/// policies play the environment of the first, with the same random numbers, without drawing
/// actions. Of several seeds the inter-quartile mean counts, with its 95 % bootstrap interval over
/// seeds; of one the mean of its episodes. What each brings more or less than the first is a paired
/// difference: seed by seed where both have the same seeds, else episode by episode. An interval
/// without zero in it says that they differ. Exact scores (G) are beside it where the environment
/// has an exam.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Folders of runs, or checkpoints; the first is what the others are compared with.
    #[arg(required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
    /// Seed of the episodes.
    #[arg(long, default_value_t = TEST_SEED)]
    seed: u64,
    /// Episodes of each of the environment's copies.
    #[arg(long, default_value_t = 1)]
    episodes: usize,
    /// Prints the result as one JSON object.
    #[arg(long)]
    json: bool,
}

/// The runs of one argument, and what they brought.
struct Group {
    seeds: Vec<u64>,
    algorithm: &'static str,
    /// Mean reward of each run.
    runs: Vec<f64>,
    /// Mean reward of each episode over the runs.
    episodes: Vec<f64>,
    /// Exact score of each run, if there is an exam.
    g: Vec<f64>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    ensure!(arguments.episodes > 0, "--episodes must be at least 1");
    let mut config = None;
    let mut groups: Vec<Group> = Vec::new();
    for path in &arguments.runs {
        let mut runs = open(path)?;
        let config = config.get_or_insert_with(|| runs[0].config().clone());
        let group = play(&mut runs, config, arguments.seed, arguments.episodes);
        groups.push(group.with_context(|| path.display().to_string())?);
    }
    let (first, mut lines) = (&groups[0], Vec::new());
    for (path, group) in arguments.runs.iter().zip(&groups) {
        let (reward, apart) = (group.reward()?, group.apart(first)?);
        let g = group.g()?;
        if !arguments.json {
            print(path, group, &reward, &apart, g.as_ref());
        }
        lines.push(json!({
            "run": path,
            "algorithm": group.algorithm,
            "seeds": group.seeds,
            "measure": group.measure(),
            "reward": reward,
            "difference": apart.difference,
            "p": apart.p,
            "g": g,
        }));
    }
    if arguments.json {
        let value: Value = json!({ "episodes": first.episodes.len(), "runs": lines });
        println!("{value}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The run at a path, or those of its folders `seed-N`, by their seeds.
fn open(path: &Path) -> Result<Vec<Run>> {
    let is_run = !path.is_dir() || path.join(CHECKPOINT).exists();
    if is_run {
        return Ok(vec![Run::open(path, Device::Cpu)?]);
    }
    let entries = std::fs::read_dir(path).with_context(|| path.display().to_string())?;
    let folders = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let folders = folders.filter(|folder| folder.join(CHECKPOINT).exists());
    let runs = folders.map(|folder| Run::open(&folder, Device::Cpu)).collect::<Result<Vec<_>>>();
    let mut runs = runs?;
    ensure!(!runs.is_empty(), "{}: neither a run nor a folder of runs", path.display());
    runs.sort_by_key(Run::seed);
    Ok(runs)
}

fn play(runs: &mut [Run], config: &Config, seed: u64, episodes: usize) -> Result<Group> {
    let algorithm = runs[0].learner().name();
    let mut group = Group { seeds: vec![], algorithm, runs: vec![], episodes: vec![], g: vec![] };
    let share = 1.0 / runs.len() as f64;
    for run in runs {
        let rewards = evaluate::episodes(config, &run.policy(), seed, episodes)?;
        group.seeds.push(run.seed());
        group.runs.push(mean(&rewards));
        group.episodes.resize(rewards.len(), 0.0);
        group.episodes.iter_mut().zip(&rewards).for_each(|(sum, reward)| *sum += share * reward);
        group.g.extend(run.score()?.map(|score| score.g));
    }
    Ok(group)
}

impl Group {
    fn measure(&self) -> &'static str {
        if self.runs.len() > 1 { "inter-quartile mean of seeds" } else { "mean of episodes" }
    }

    fn reward(&self) -> Result<Interval> {
        let bootstrap = Bootstrap::default();
        Ok(match self.runs.len() {
            1 => bootstrap.of(&self.episodes, mean)?,
            _ => bootstrap.interquartile_mean(&self.runs)?,
        })
    }

    /// By how much it is better than the first.
    fn apart(&self, first: &Group) -> Result<Paired> {
        let by_seed = self.seeds.len() > 1 && self.seeds == first.seeds;
        let (own, theirs) = match by_seed {
            true => (&self.runs, &first.runs),
            false => (&self.episodes, &first.episodes),
        };
        Ok(Bootstrap::default().paired(own, theirs)?)
    }

    /// Share of the way from the baseline to the optimum; of one run it has no interval.
    fn g(&self) -> Result<Option<Interval>> {
        Ok(match self.g[..] {
            [] => None,
            [value] => Some(Interval { value, low: value, high: value }),
            _ => Some(Bootstrap::default().interquartile_mean(&self.g)?),
        })
    }
}

fn print(path: &Path, group: &Group, reward: &Interval, apart: &Paired, g: Option<&Interval>) {
    let seeds: Vec<String> = group.seeds.iter().map(u64::to_string).collect();
    let g = g.map_or(String::new(), |g| format!("  G {}", interval(g, 4)));
    println!("{} ({}, seeds {}):", path.display(), group.algorithm, seeds.join(" "));
    println!(
        "  reward, {}, {}  difference {}{g}",
        group.measure(),
        interval(reward, 6),
        interval(&apart.difference, 6)
    );
}

fn interval(figure: &Interval, digits: usize) -> String {
    let Interval { value, low, high } = figure;
    format!("{value:.digits$} [{low:.digits$}, {high:.digits$}]")
}
