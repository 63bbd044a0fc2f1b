//! How far actions depart from what is thought best, over a run.

use serde::{Deserialize, Serialize};

/// A number that goes straight from its first to its last value over the run.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fading {
    /// Where it begins.
    pub first: f64,
    /// Where it ends.
    pub last: f64,
}

/// How often a deep Q-network's action is drawn evenly: from `first` straight down to `last` at the
/// share `until` of the run, and there it stays (Mnih et al. 2015, Methods).
#[derive(Clone, Copy, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DqnExploration {
    /// Chance at the beginning.
    pub first: f64,
    /// Chance from `until` on.
    pub last: f64,
    /// Share of the run.
    pub until: f64,
}

impl Default for DqnExploration {
    fn default() -> DqnExploration {
        DqnExploration { first: 1.0, last: 0.05, until: 0.3 }
    }
}

impl Fading {
    /// Its value at `done` of the run, from 0 to 1.
    pub fn at(self, done: f64) -> f64 {
        self.first + (self.last - self.first) * done.clamp(0.0, 1.0)
    }
}

impl DqnExploration {
    /// The chance at `done` of the run, from 0 to 1.
    pub fn at(self, done: f64) -> f64 {
        Fading { first: self.first, last: self.last }.at(done / self.until)
    }
}
