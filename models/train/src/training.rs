//! A run: chapters of rounds, with a score, a checkpoint and figures after each.

use crate::algorithm::Start;
use crate::checkpoint::Checkpoint;
use crate::config::Config;
use crate::learner::{Learner, PolicyView, Round};
use crate::world;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use tch::Device;
use tercel_environments::{Environment, Exam, Score};

/// A run of one seed.
pub struct Run {
    config: Config,
    seed: u64,
    learner: Box<dyn Learner + Send>,
    environment: Box<dyn Environment + Send>,
    /// Steps for which actions are held in it.
    held: u32,
    exam: Option<Box<dyn Exam>>,
    state: State,
}

/// Where a run is.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct State {
    /// Rounds done.
    pub rounds: u64,
    /// Steps of the environment, summed over lanes.
    pub steps: u64,
    /// Chapters done.
    pub chapters: u64,
    /// Best score so far, as a share of the way from the baseline to the optimum, and the chapters
    /// since.
    pub best: Option<f64>,
    /// Chapters since the best.
    pub since: u64,
    /// The score after the last chapter.
    pub score: Option<Score>,
    /// Whether the run ends before its rounds are up: its goal is reached or patience is over.
    pub stopped: bool,
}

impl Run {
    /// A run from its beginning.
    pub fn new(config: &Config, seed: u64, device: Device) -> Result<Run> {
        let held = world::held(config, 0);
        let environment = world::learn(config, held)?;
        let (table, algorithm) = config.algorithm()?;
        let start = Start {
            spec: environment.spec(),
            lanes: environment.lanes(),
            seed,
            rounds: config.values.run.rounds,
            device,
        };
        let learner = algorithm.learner(&start).with_context(|| {
            format!("{}: [{table}] in {}", config.file.display(), environment.spec().name)
        })?;
        let exam = world::exam(config)?;
        let config = config.clone();
        Ok(Run { config, seed, learner, environment, held, exam, state: State::default() })
    }

    /// A run that goes on where a checkpoint was taken.
    ///
    /// # Errors
    /// If the checkpoint is of another configuration.
    pub fn resume(config: &Config, from: &Checkpoint, device: Device) -> Result<Run> {
        ensure!(
            from.configuration == config.text,
            "{}: the checkpoint is of another configuration, word for word; go on with its own",
            config.file.display()
        );
        Run::from_checkpoint(config, from, device)
    }

    fn from_checkpoint(config: &Config, from: &Checkpoint, device: Device) -> Result<Run> {
        let seed = from.one_u64("run.seed")?;
        let mut run = Run::new(config, seed, device)?;
        run.learner.load(from)?;
        let [rounds, steps, chapters, since, stopped] = from.u64("run.state")?[..] else {
            anyhow::bail!("the checkpoint's run.state is not of this program");
        };
        let best = from.f64("run.best")?.first().copied();
        let stopped = stopped != 0;
        run.state = State { rounds, steps, chapters, best, since, score: None, stopped };
        Ok(run)
    }

    /// Reads a checkpoint with the configuration in it: what evaluation and export start from.
    pub fn open(path: &Path, device: Device) -> Result<Run> {
        let path = if path.is_dir() { path.join(CHECKPOINT) } else { path.to_owned() };
        let checkpoint = Checkpoint::read(&path)?;
        let config = Config::parse(&path, &checkpoint.configuration)?;
        Run::from_checkpoint(&config, &checkpoint, device)
            .with_context(|| path.display().to_string())
    }

    /// Its configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Where it is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The learner.
    pub fn learner(&self) -> &dyn Learner {
        &*self.learner
    }

    /// The policy as plain numbers.
    pub fn policy(&self) -> PolicyView {
        self.learner.policy()
    }

    /// Whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        self.state.stopped || self.state.rounds >= self.config.values.run.rounds
    }

    /// One chapter, the last one shorter where rounds are up; `each` is told of every round.
    pub fn chapter(&mut self, each: &mut dyn FnMut(&State, &Round) -> Result<()>) -> Result<()> {
        let values = self.config.values.run.clone();
        let held = world::held(&self.config, self.state.rounds);
        if held != self.held {
            self.environment = world::learn(&self.config, held)?;
            self.held = held;
        }
        let seed = chapter_seed(self.seed, self.state.chapters);
        self.learner.begin(&mut *self.environment, seed)?;
        let end = (self.state.rounds + values.chapter).min(values.rounds);
        while self.state.rounds < end {
            let round = self.learner.round(&mut *self.environment)?;
            self.state.rounds += 1;
            self.state.steps += round.steps;
            each(&self.state, &round)?;
        }
        self.state.chapters += 1;
        self.score()?;
        let state = &mut self.state;
        if let Some(score) = state.score {
            let better = state.best.is_none_or(|best| score.g > best);
            state.best = if better { Some(score.g) } else { state.best };
            state.since = if better { 0 } else { state.since + 1 };
            let there = values.goal.is_some_and(|goal| score.g >= goal);
            state.stopped = there || values.patience > 0 && state.since >= values.patience;
        }
        Ok(())
    }

    /// Scores the policy exactly, where the environment has an exam.
    pub fn score(&mut self) -> Result<Option<Score>> {
        if let Some(exam) = &self.exam {
            let policy = self.learner.policy();
            let score = exam.run(&mut |observations, rows| policy.answer(observations, rows));
            ensure!(score.value.is_finite(), "the policy's score is not a finite number");
            self.state.score = Some(score);
        }
        Ok(self.state.score)
    }

    /// All that the next chapter depends on.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        let mut to = Checkpoint::new(&self.config.text);
        let State { rounds, steps, chapters, best, since, stopped, .. } = self.state;
        to.put_u64("run.seed", &[self.seed]);
        to.put_u64("run.state", &[rounds, steps, chapters, since, u64::from(stopped)]);
        to.put_f64("run.best", best.as_slice());
        self.learner.save(&mut to)?;
        Ok(to)
    }
}

/// Name of the checkpoint in a run's folder.
pub const CHECKPOINT: &str = "checkpoint.tercel";

/// Seed of the environment in a chapter: SplitMix64 (Steele, Lea and Flood 2014) of both numbers.
pub fn chapter_seed(seed: u64, chapter: u64) -> u64 {
    let mix = |z: u64| {
        let z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    mix(mix(seed) ^ chapter)
}
