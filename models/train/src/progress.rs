//! How runs go on, on the terminal: a bar for each with steps a second.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::time::Instant;
use tercel_train::fleet::{Job, Watch};
use tercel_train::learner::Round;
use tercel_train::training::State;

/// Bars for all jobs. Where standard error is no terminal there is a line after each chapter
/// instead.
pub(crate) struct Progress {
    bars: Vec<ProgressBar>,
    from: Instant,
}

impl Progress {
    pub(crate) fn new(jobs: &[Job]) -> Progress {
        let all = MultiProgress::new();
        let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg} {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = |job: &Job| {
            let bar = all.add(ProgressBar::new(job.config.values.run.rounds));
            bar.set_style(style.clone());
            let name = job.config.file.file_stem().map(|stem| stem.to_string_lossy());
            bar.set_prefix(format!("{} seed {:>3}", name.unwrap_or_default(), job.seed));
            bar
        };
        Progress { bars: jobs.iter().map(bar).collect(), from: Instant::now() }
    }

    pub(crate) fn finish(&self) {
        self.bars.iter().for_each(|bar| bar.finish_and_clear());
    }
}

impl Watch for Progress {
    fn round(&self, job: usize, state: &State, round: &Round) {
        let bar = &self.bars[job];
        let speed = round.steps as f64 * bar.per_sec();
        let reward = round.scalar("episode/reward");
        let reward = reward.map_or(String::new(), |reward| format!("  reward {reward:.4}"));
        let score = state.score.map_or(String::new(), |score| format!("  G {:.4}", score.g));
        bar.set_message(format!("{speed:.0} steps/s{reward}{score}"));
        bar.set_position(state.rounds);
    }

    fn chapter(&self, job: usize, state: &State) {
        let bar = &self.bars[job];
        if bar.is_hidden() {
            let seconds = self.from.elapsed().as_secs_f64();
            let speed = state.steps as f64 / seconds.max(1e-9);
            let score = state.score.map_or(String::new(), |score| {
                format!("  value {:.6}  G {:.4}", score.value, score.g)
            });
            eprintln!(
                "{}  {}/{} rounds  {seconds:.1} s  {speed:.0} steps/s{score}",
                bar.prefix(),
                state.rounds,
                bar.length().unwrap_or(0)
            );
        }
    }
}
