//! What a suite is told about the run it is part of.

use crate::Progress;
use std::path::PathBuf;

/// Where the messages of a run come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DaySource {
    /// `tercel_market::Day`, from the seed of the run.
    Generated {
        /// Instruments, 1 to 8,000 and some.
        instruments: u16,
        /// Messages of the day.
        messages: u64,
        /// Most orders on the books at once.
        resting: u32,
    },
    /// A recorded day: an ITCH file, each message behind its two-byte length.
    File(PathBuf),
}

/// What a suite is told about the run it is part of.
#[derive(Debug)]
pub struct Context {
    /// Fewer repetitions: to see that it works, not to quote.
    pub quick: bool,
    /// Seed of everything drawn.
    pub seed: u64,
    /// The day to measure with.
    pub day: DaySource,
    /// Messages a second of open-loop runs; the suite's own choice if `None`.
    pub rate: Option<f64>,
    /// The cores to pin to, the one under test first; the suite's own choice if `None`.
    pub cores: Option<[usize; 2]>,
    /// Where the suite says how far it is.
    pub progress: Progress,
}
