//! Whether the algorithms learn what is known: a row for each environment and algorithm, with the
//! configuration in `models/configs`, its exact exam, and what it must reach.

use crate::config::Config;
use crate::fleet::{self, Done, Job, Order, TimeUp, Watch};
use anyhow::{Context, Result};
use std::path::Path;
use tercel_environments::Score;
use tercel_validation::{Bootstrap, Interval};

/// A row of the check.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Row {
    /// Its configuration, without `.toml`.
    pub name: &'static str,
    /// What is measured, and how much of it there must be.
    pub goal: Goal,
}

/// What a policy must reach.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Goal {
    /// This share of the way from the baseline to the optimum.
    Share(f64),
    /// This value.
    Value(f64),
    /// A loss larger than the least one by at most this share.
    Within(f64),
    /// The value of the best policy, with every seed.
    Exact,
}

/// The rows. Thresholds are those that this project sets itself; the optima are computed by the
/// exams.
pub const ROWS: &[Row] = &[
    Row { name: "mm2-ppo", goal: Goal::Share(0.98) },
    Row { name: "mm2-dqn", goal: Goal::Share(0.98) },
    Row { name: "mm1-ppo", goal: Goal::Value(63.5) },
    Row { name: "mm1-sac", goal: Goal::Value(63.5) },
    Row { name: "ex1-sac", goal: Goal::Within(0.01) },
    Row { name: "ex1-ddpg", goal: Goal::Within(0.01) },
    Row { name: "sa1-sac", goal: Goal::Value(0.614) },
    Row { name: "sa1-ddpg", goal: Goal::Value(0.614) },
    Row { name: "chain-dqn", goal: Goal::Exact },
    Row { name: "grid-dqn", goal: Goal::Exact },
];

/// Rounding that an exact value may have.
const ROUNDING: f64 = 1e-9;

/// Whether a row's algorithm learns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// It comes near enough.
    Passed,
    /// It does not, or a run has failed.
    Failed,
    /// The time limit left no seed to judge by.
    Unjudged,
}

/// What came of a row.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Verdict {
    /// Its name.
    pub name: &'static str,
    /// What is measured.
    pub measure: &'static str,
    /// How much of it there must be.
    pub goal: f64,
    /// Inter-quartile mean over seeds with its 95 % interval; the worst seed for exact rows.
    pub reached: Option<Interval>,
    /// What each seed reached, in the order of the seeds.
    pub seeds: Vec<f64>,
    /// Mean time of a seed on its thread, seconds.
    pub seconds: f64,
    /// Whether it is enough.
    pub judgement: Judgement,
    /// Seeds that the time limit cut, and errors.
    pub notes: Vec<String>,
}

impl Goal {
    /// What is measured.
    pub fn measure(self) -> &'static str {
        match self {
            Goal::Share(_) => "G",
            Goal::Value(_) => "value",
            Goal::Within(_) => "optimum/value",
            Goal::Exact => "value/optimum",
        }
    }

    /// How much of it there must be.
    pub fn threshold(self) -> f64 {
        match self {
            Goal::Share(share) | Goal::Value(share) => share,
            Goal::Within(share) => 1.0 / (1.0 + share),
            Goal::Exact => 1.0 - ROUNDING,
        }
    }

    /// How much of it a score has.
    pub fn of(self, score: Score) -> f64 {
        match self {
            Goal::Share(_) => score.g,
            Goal::Value(_) => score.value,
            Goal::Within(_) => score.optimum / score.value,
            Goal::Exact => score.value / score.optimum,
        }
    }
}

/// Runs rows with `seeds` seeds each, first every row's first seed. After the order's time limit no
/// run begins, and one that is under way does not count: a row is judged by the seeds that are
/// left.
///
/// # Errors
/// If a row's configuration cannot be read; what goes wrong in a run is noted in its row.
pub fn run(
    configs: &Path,
    rows: &[Row],
    seeds: u64,
    order: Order,
    watch: &dyn Fn(&[Job]) -> Box<dyn Watch>,
) -> Result<Vec<Verdict>> {
    let load = |row: &Row| {
        let path = configs.join(format!("{}.toml", row.name));
        Config::load(&path).with_context(|| format!("row {}", row.name))
    };
    let loaded = rows.iter().map(load).collect::<Result<Vec<Config>>>()?;
    let jobs: Vec<Job> = (1..=seeds)
        .flat_map(|seed| loaded.iter().map(move |config| (seed, config)))
        .map(|(seed, config)| Job { config: config.clone(), seed, folder: None, resume: false })
        .collect();
    let watch = watch(&jobs);
    let results = fleet::run(&jobs, order, &*watch);
    let mut rows_of: Vec<Vec<Result<Done>>> = rows.iter().map(|_| Vec::new()).collect();
    for (at, result) in results.into_iter().enumerate() {
        rows_of[at % rows.len()].push(result);
    }
    Ok(rows.iter().zip(rows_of).map(|(row, results)| verdict(row, results)).collect())
}

fn verdict(row: &Row, results: Vec<Result<Done>>) -> Verdict {
    let (mut seeds, mut seconds, mut notes) = (Vec::new(), 0.0, Vec::new());
    let (mut cut, mut failed) = (0, false);
    for result in results {
        match result {
            Ok(done) if done.cut => cut += 1,
            Ok(done) => match done.state.score {
                Some(score) => {
                    seeds.push(row.goal.of(score));
                    seconds += done.seconds;
                }
                None => {
                    failed = true;
                    notes.push("the environment has no exam".to_owned());
                }
            },
            Err(error) if error.is::<TimeUp>() => cut += 1,
            Err(error) => {
                failed = true;
                notes.push(format!("{error:#}"));
            }
        }
    }
    if cut > 0 {
        notes.push(format!("{cut} seeds cut by the time limit"));
    }
    let mut reached = match seeds.is_empty() {
        true => None,
        false => Bootstrap::default().interquartile_mean(&seeds).ok(),
    };
    if let (Goal::Exact, Some(reached)) = (row.goal, &mut reached) {
        reached.value = seeds.iter().copied().fold(f64::INFINITY, f64::min);
    }
    let goal = row.goal.threshold();
    let judgement = match reached {
        _ if failed => Judgement::Failed,
        Some(reached) if reached.value >= goal => Judgement::Passed,
        Some(_) => Judgement::Failed,
        None if cut > 0 => Judgement::Unjudged,
        None => Judgement::Failed,
    };
    let seconds = seconds / seeds.len().max(1) as f64;
    let measure = row.goal.measure();
    Verdict { name: row.name, measure, goal, reached, seeds, seconds, judgement, notes }
}
