//! A run of the teacher: chapters of rounds, with a checkpoint after each.

use super::ppo::Teacher;
use crate::algorithm::Start;
use crate::checkpoint::Checkpoint;
use crate::config::Config;
use crate::learner::{PolicyView, Round};
use crate::parameters::numbers;
use crate::training::chapter_seed;
use crate::world;
use anyhow::{Context, Result, bail, ensure};
use tch::Device;
use tercel_environments::{Actions, Environment, Outcome};

/// A teacher with the environment that it learns in.
pub struct Lessons {
    config: Config,
    seed: u64,
    device: Device,
    teacher: Teacher,
    environment: Box<dyn Environment + Send>,
    rounds: u64,
    steps: u64,
    chapters: u64,
}

impl Lessons {
    /// From the beginning.
    pub fn new(config: &Config, seed: u64, device: Device) -> Result<Lessons> {
        let Some(settings) = &config.values.teacher else {
            bail!("{}: no table [teacher]", config.file.display());
        };
        let environment = world::make(config)?;
        let start = Start {
            spec: environment.spec(),
            lanes: environment.lanes(),
            seed,
            rounds: config.values.run.rounds,
            device,
        };
        let teacher = Teacher::new(settings, &start)
            .with_context(|| format!("{}: [teacher]", config.file.display()))?;
        let config = config.clone();
        Ok(Lessons { config, seed, device, teacher, environment, rounds: 0, steps: 0, chapters: 0 })
    }

    /// Goes on where a checkpoint was taken.
    ///
    /// # Errors
    /// If the checkpoint is of another configuration.
    pub fn resume(config: &Config, from: &Checkpoint, device: Device) -> Result<Lessons> {
        ensure!(
            from.configuration == config.text,
            "{}: the checkpoint is of another configuration, word for word; go on with its own",
            config.file.display()
        );
        let mut lessons = Lessons::new(config, from.one_u64("run.seed")?, device)?;
        lessons.teacher.load(from)?;
        let [rounds, steps, chapters] = from.u64("run.lessons")?[..] else {
            bail!("the checkpoint's run.lessons is not of this program");
        };
        (lessons.rounds, lessons.steps, lessons.chapters) = (rounds, steps, chapters);
        Ok(lessons)
    }

    /// Its seed: a resumed one has that of its checkpoint.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Rounds and steps done.
    pub fn done(&self) -> (u64, u64) {
        (self.rounds, self.steps)
    }

    /// Whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        self.rounds >= self.config.values.run.rounds
    }

    /// One chapter, the last one shorter where rounds are up; `each` is told of every round.
    pub fn chapter(&mut self, each: &mut dyn FnMut(u64, &Round) -> Result<()>) -> Result<()> {
        let run = &self.config.values.run;
        self.teacher.begin(&mut *self.environment, chapter_seed(self.seed, self.chapters));
        for _ in 0..run.chapter.min(run.rounds - self.rounds) {
            let round = self.teacher.round(&mut *self.environment)?;
            self.rounds += 1;
            self.steps += round.steps;
            each(self.rounds, &round)?;
        }
        self.chapters += 1;
        Ok(())
    }

    /// All that the next chapter depends on.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        let mut to = Checkpoint::new(&self.config.text);
        to.put_u64("run.seed", &[self.seed]);
        to.put_u64("run.lessons", &[self.rounds, self.steps, self.chapters]);
        self.teacher.save(&mut to)?;
        Ok(to)
    }

    /// The teacher.
    pub fn teacher(&self) -> &Teacher {
        &self.teacher
    }

    /// Teaches a dense network; `each` is told of every round.
    ///
    /// # Errors
    /// Without a table `[distil]`, and as [`super::distil::distil`].
    pub fn distil(
        &mut self,
        each: &mut dyn FnMut(u64, &Round) -> Result<()>,
    ) -> Result<PolicyView> {
        let Some(settings) = &self.config.values.distil else {
            bail!("{}: no table [distil]", self.config.file.display());
        };
        let spec = self.environment.spec().clone();
        let start = Start {
            spec: &spec,
            lanes: self.environment.lanes(),
            seed: self.seed,
            rounds: settings.rounds,
            device: self.device,
        };
        super::distil::distil(&self.teacher, settings, &mut *self.environment, &start, each)
    }

    /// Mean reward of an episode under the teacher, without drawing, over the first `count`
    /// episodes of each lane under `seed`.
    pub fn reward(&mut self, seed: u64, count: usize) -> Result<Vec<f64>> {
        let lanes = self.environment.lanes();
        let mut outcome = Outcome::new(&*self.environment);
        self.environment.reset(seed, &mut outcome);
        let (mut first, mut state) = (vec![true; lanes], self.teacher.fresh(lanes));
        let mut sums = vec![vec![0.0]; lanes];
        while sums.iter().any(|lane| lane.len() <= count) {
            let (means, after) = self.teacher.act(&outcome.observation, &first, &state);
            let mut actions = numbers(&means);
            self.teacher.in_units(&mut actions);
            self.environment.step(Actions::Continuous(&actions), &mut outcome);
            state = after;
            for (lane, sums) in sums.iter_mut().enumerate() {
                if let Some(last) = sums.last_mut() {
                    *last += f64::from(outcome.reward[lane]);
                }
                first[lane] = outcome.terminated[lane] || outcome.truncated[lane];
                if first[lane] {
                    sums.push(0.0);
                }
            }
        }
        Ok(sums.into_iter().flat_map(|lane| lane.into_iter().take(count)).collect())
    }
}

/// Raw observations that a policy meets, `steps` of each lane, a row after the other.
pub fn gather(config: &Config, policy: &PolicyView, seed: u64, steps: usize) -> Result<Vec<f32>> {
    let mut environment = world::make(config)?;
    let lanes = environment.lanes();
    let mut outcome = Outcome::new(&*environment);
    environment.reset(seed, &mut outcome);
    let mut rows = Vec::with_capacity(steps * outcome.observation.len());
    for _ in 0..steps {
        rows.extend_from_slice(&outcome.observation);
        let answers = policy.answer(&outcome.observation, lanes);
        environment.step(Actions::Continuous(&answers), &mut outcome);
    }
    Ok(rows)
}
