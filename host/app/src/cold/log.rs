//! What the cold side says on standard error, and how much of it.

use std::fmt::Display;
use std::sync::atomic::{AtomicU8, Ordering};
use tercel_control::sight::{Level, Log};

/// The host's log: lines on standard error.
pub(crate) struct HostLog(AtomicU8);

const LEVELS: [Level; 5] = [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace];

impl HostLog {
    /// Says it, if so much is said.
    pub(crate) fn say(&self, level: Level, what: impl Display) {
        if level <= self.level() {
            eprintln!("{what}");
        }
    }
}

impl Default for HostLog {
    fn default() -> HostLog {
        HostLog(AtomicU8::new(Level::Info as u8))
    }
}

impl Log for HostLog {
    fn level(&self) -> Level {
        // Relaxed: it stands for itself.
        let at = usize::from(self.0.load(Ordering::Relaxed));
        LEVELS.get(at).copied().unwrap_or(Level::Info)
    }

    fn set_level(&self, level: Level) {
        // Relaxed: it stands for itself.
        self.0.store(level as u8, Ordering::Relaxed);
    }
}
