//! Several runs side by side, one thread each.
//!
//! libtorch is told to use one thread in each of them: results then do not depend on how many there
//! are, and nets this small gain nothing from more.

use crate::config::Config;
use crate::events::Events;
use crate::learner::{PolicyView, Round};
use crate::training::{CHECKPOINT, Run, State};
use crate::{atomic, checkpoint::Checkpoint};
use anyhow::{Context, Result, anyhow};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};
use tch::Device;

/// A run to be done.
#[derive(Clone, Debug)]
pub struct Job {
    /// What to do.
    pub config: Config,
    /// With which seed.
    pub seed: u64,
    /// Where checkpoints and event files go; nowhere if there is none.
    pub folder: Option<PathBuf>,
    /// Whether to go on from the checkpoint in the folder.
    pub resume: bool,
}

/// A run that was done.
#[derive(Clone, Debug)]
pub struct Done {
    /// Its seed.
    pub seed: u64,
    /// Where it ended.
    pub state: State,
    /// What it learned.
    pub policy: PolicyView,
    /// Time of it on its thread, environment, learning and scores.
    pub seconds: f64,
    /// Whether the time limit ended it.
    pub cut: bool,
}

/// The time limit had passed before a run began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeUp;

impl std::fmt::Display for TimeUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the time was up before it began")
    }
}

impl std::error::Error for TimeUp {}

/// How runs are done.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Runs at a time.
    pub threads: usize,
    /// Where tensors live.
    pub device: Device,
    /// When every run ends, at the end of its chapter.
    pub until: Option<Instant>,
}

/// Who is told how runs go on, from their threads.
pub trait Watch: Sync {
    /// A round of the job of this number is over.
    fn round(&self, job: usize, state: &State, round: &Round);

    /// So is a chapter.
    fn chapter(&self, job: usize, state: &State);
}

/// Nobody.
impl Watch for () {
    fn round(&self, _job: usize, _state: &State, _round: &Round) {}

    fn chapter(&self, _job: usize, _state: &State) {}
}

/// Does all of them; the results are in the order of the jobs.
pub fn run(jobs: &[Job], order: Order, watch: &dyn Watch) -> Vec<Result<Done>> {
    let next = Mutex::new(jobs.iter().enumerate());
    let results: Mutex<Vec<Option<Result<Done>>>> = Mutex::new(jobs.iter().map(|_| None).collect());
    let work = || {
        tch::set_num_threads(1);
        loop {
            let job = next.lock().ok().and_then(|mut next| next.next());
            let Some((at, job)) = job else { return };
            let late = order.until.is_some_and(|until| Instant::now() >= until);
            let result = if late { Err(TimeUp.into()) } else { one(at, job, order, watch) };
            if let Ok(mut results) = results.lock() {
                results[at] = Some(result);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..order.threads.clamp(1, jobs.len().max(1)) {
            scope.spawn(work);
        }
    });
    let results = results.into_inner().unwrap_or_default();
    results
        .into_iter()
        .map(|result| result.unwrap_or_else(|| Err(anyhow!("the run broke off"))))
        .collect()
}

fn one(at: usize, job: &Job, order: Order, watch: &dyn Watch) -> Result<Done> {
    let from = Instant::now();
    let mut run = match (&job.folder, job.resume) {
        (Some(folder), true) => {
            let checkpoint = Checkpoint::read(&folder.join(CHECKPOINT))?;
            Run::resume(&job.config, &checkpoint, order.device)?
        }
        _ => Run::new(&job.config, job.seed, order.device)?,
    };
    let mut events = job.folder.as_deref().map(|folder| open(folder, &job.config)).transpose()?;
    let mut cut = false;
    let mut mark = (Instant::now(), run.state().steps);
    while !run.is_over() && !cut {
        let (events_of, mark_of) = (&mut events, &mut mark);
        run.chapter(&mut |state, round| {
            watch.round(at, state, round);
            if let Some(events) = events_of {
                let seconds = mark_of.0.elapsed().as_secs_f64().max(1e-9);
                let speed = (state.steps - mark_of.1) as f64 / seconds;
                *mark_of = (Instant::now(), state.steps);
                let mut scalars = round.scalars.clone();
                scalars.push(("run/steps_per_second", speed));
                events.scalars(now(), state.steps, &scalars)?;
            }
            Ok(())
        })
        .with_context(|| format!("seed {}", run.seed()))?;
        let state = *run.state();
        watch.chapter(at, &state);
        if let (Some(events), Some(score)) = (&mut events, state.score) {
            let scalars = [("score/value", score.value), ("score/g", score.g)];
            events.scalars(now(), state.steps, &scalars)?;
        }
        if let Some(folder) = &job.folder {
            run.checkpoint()?.write(&folder.join(CHECKPOINT))?;
        }
        cut = !run.is_over() && order.until.is_some_and(|until| Instant::now() >= until);
    }
    if run.state().score.is_none() {
        run.score()?;
    }
    let seconds = from.elapsed().as_secs_f64();
    let (seed, state, policy) = (run.seed(), *run.state(), run.policy());
    Ok(Done { seed, state, policy, seconds, cut })
}

fn open(folder: &Path, config: &Config) -> Result<Events> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    atomic::write(&folder.join("configuration.toml"), config.text.as_bytes())?;
    Events::create(folder, now())
}

/// Seconds since 1970: event files carry the time of day.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_secs_f64()
}
