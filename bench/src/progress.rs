//! How far a run is, on standard error: a bar on a terminal, else a line as each part ends.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Where a suite says how far it is. Each call takes a lock: call between intervals, not in them.
#[derive(Debug)]
pub struct Progress {
    shows: Shows,
    state: Mutex<State>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shows {
    Bar,
    Lines,
    Nothing,
}

#[derive(Default, Debug)]
struct State {
    /// `[2/10] book`.
    suite: String,
    label: String,
    bar: Option<ProgressBar>,
    started: Option<Instant>,
}

impl Progress {
    /// A bar if standard error is a terminal, else lines.
    pub fn new() -> Progress {
        let terminal = std::io::stderr().is_terminal();
        Progress::showing(if terminal { Shows::Bar } else { Shows::Lines })
    }

    /// Says nothing; for tests.
    pub fn silent() -> Progress {
        Progress::showing(Shows::Nothing)
    }

    fn showing(shows: Shows) -> Progress {
        Progress { shows, state: Mutex::new(State::default()) }
    }

    /// Suite `number` of `count` begins.
    pub fn suite(&self, number: usize, count: usize, name: &str) {
        self.done();
        self.state().suite = format!("[{number}/{count}] {name}");
        self.start("", 0);
    }

    /// A part of the suite begins; `len` is the number of ticks until it ends, zero if unknown.
    pub fn start(&self, label: &str, len: u64) {
        self.done();
        let mut state = self.state();
        state.label = label.to_string();
        state.started = Some(Instant::now());
        if self.shows == Shows::Bar {
            let bar = ProgressBar::new(len);
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
            let template = match len {
                0 => "{prefix}  {msg} {elapsed}",
                _ => "{prefix}  {msg} {bar:30} {percent:>3} %  {elapsed} (left {eta})",
            };
            // The templates are constants: one that does not parse shows as the default.
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
            }
            bar.set_prefix(state.suite.clone());
            bar.set_message(label.to_string());
            bar.tick();
            state.bar = Some(bar);
        }
    }

    /// `n` more ticks of the part are done.
    pub fn tick(&self, n: u64) {
        if let Some(bar) = &self.state().bar {
            bar.inc(n);
        }
    }

    /// The part has ended. Does nothing if none is under way.
    pub fn done(&self) {
        let mut state = self.state();
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
        let Some(started) = state.started.take() else { return };
        if self.shows == Shows::Lines && !state.label.is_empty() {
            eprintln!("{}  {}  {}", state.suite, state.label, seconds(started.elapsed()));
        }
    }

    /// A line that stays.
    pub fn line(&self, text: &str) {
        let state = self.state();
        match (&state.bar, self.shows) {
            (_, Shows::Nothing) => {}
            (Some(bar), _) => bar.suspend(|| eprintln!("{text}")),
            (None, _) => eprintln!("{text}"),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves nothing half done that matters to a display.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Default for Progress {
    fn default() -> Progress {
        Progress::new()
    }
}

fn seconds(span: Duration) -> String {
    format!("{:.1} s", span.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_may_begin_without_the_last_one_ending() {
        for shows in [Shows::Bar, Shows::Lines, Shows::Nothing] {
            let progress = Progress::showing(shows);
            progress.tick(1);
            progress.done();
            progress.suite(1, 2, "book");
            progress.start("warm", 10);
            progress.tick(5);
            progress.start("cold", 0);
            progress.line("a line");
            progress.done();
            assert!(progress.state().started.is_none());
        }
    }
}
