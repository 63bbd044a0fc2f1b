//! Quotes by a trained network.
//!
//! Two heads are used, found by their names in the manifest: [`HEAD_BID`] is how many ticks the bid
//! lies below the mid price, [`HEAD_ASK`] how many ticks the ask lies above it. Both are held
//! inside a configured range, so that no output can quote through the market or out of sight; skew
//! is the difference of the two. Heads of other names (a value estimate, for one) are computed and
//! not used. An output that is not a number quotes nothing.

use super::{Desired, Inputs};
use crate::artifact::{Artifact, Normalisation};
use crate::config::{PolicyError, in_range};
use crate::features::Features;
use crate::mlp::Mlp;

/// Name of the head that places the bid: ticks below the mid price.
pub const HEAD_BID: &str = "bid_offset_ticks";

/// Name of the head that places the ask: ticks above the mid price.
pub const HEAD_ASK: &str = "ask_offset_ticks";

/// A checked artifact with the range of its outputs.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The network with its manifest.
    pub artifact: Artifact,
    /// Least distance of a quote from the mid price, ticks, −100 to 10,000; below zero it may go
    /// past the mid.
    pub offset_min_ticks: f64,
    /// Largest distance of a quote from the mid price, ticks, at most 10,000.
    pub offset_max_ticks: f64,
}

/// What is kept of it for decisions.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    mlp: Mlp,
    normalisation: Normalisation,
    bid: usize,
    ask: usize,
    min: f32,
    max: f32,
    /// Its outputs are numbers whatever the features are.
    finite: bool,
}

impl Learned {
    /// Checks the range; the artifact was checked when it was parsed.
    ///
    /// # Errors
    /// [`PolicyError::OutOfRange`].
    pub fn validate(&self) -> Result<(), PolicyError> {
        in_range("strategy.offset_min_ticks", self.offset_min_ticks, -100.0, 1e4)?;
        in_range("strategy.offset_max_ticks", self.offset_max_ticks, self.offset_min_ticks, 1e4)
    }

    pub(crate) fn network(&self) -> Network {
        let manifest = self.artifact.manifest();
        Network {
            finite: self.artifact.mlp().is_finite_within(manifest.normalisation.clip()),
            mlp: self.artifact.mlp().clone(),
            normalisation: manifest.normalisation.clone(),
            bid: self.artifact.head_bid(),
            ask: self.artifact.head_ask(),
            min: self.offset_min_ticks as f32,
            max: self.offset_max_ticks as f32,
        }
    }
}

impl Network {
    /// The prices for one decision.
    #[inline]
    pub(crate) fn desired(&mut self, features: &Features, inputs: &Inputs) -> Desired {
        if let Some(inputs) = self.mlp.input().first_chunk_mut() {
            self.normalisation.apply(features, inputs);
        }
        let outputs = self.mlp.run();
        let offset = |head: usize| {
            let ticks = outputs.get(head).copied().unwrap_or(f32::NAN);
            f64::from(ticks.clamp(self.min, self.max)) * inputs.tick
        };
        Desired::around(inputs.mid, offset(self.bid), offset(self.ask))
    }

    /// The nearest and the farthest prices it can answer with; `None` if it might answer with what
    /// is not a number.
    #[inline]
    pub(crate) fn range(&self, mid: f64, tick: f64) -> Option<[Desired; 2]> {
        let at = |ticks: f32| f64::from(ticks) * tick;
        let ends = [self.min, self.max].map(|end| Desired::around(mid, at(end), at(end)));
        self.finite.then_some(ends)
    }
}
