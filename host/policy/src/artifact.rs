//! Exported policies: weights in the safetensors format with a manifest beside them, checked before
//! use.
//!
//! The manifest is a JSON object:
//! ```json
//! {
//!   "format": "tercel-policy-2",
//!   "kind": "mlp",
//!   "feature_version": 1,
//!   "feature_hash": "0x0123456789abcdef",
//!   "weights_hash": "0x0123456789abcdef",
//!   "widths": [40, 64, 64, 2],
//!   "heads": ["bid_offset_ticks", "ask_offset_ticks"],
//!   "actions": [],
//!   "normalisation": { "mean": [0.0], "std": [1.0], "clip": 10.0 },
//!   "quantisation": null,
//!   "provenance": { "trained": true, "seed": 7, "commit": "1a2b3c", "configuration": "steps = 1",
//!                   "scores": { "reward": 1.5 }, "note": "data" }
//! }
//! ```
//! `widths` has the inputs first and the outputs last; `mean` and `std` have one number for each
//! feature; `weights_hash` is FNV-1a, 64 bits, of the weights file, which finds a mix-up of files
//! and not a forgery. `actions` is the table of discrete actions ([`Action`]): offset and skew, or
//! `"flatten"`. `configuration` is the training's, word for word; `scores` are by name.
//!
//! The kind says which tensors the weights file has, and it has no others:
//! - `mlp`: `layers.0.weight` (outputs × inputs), `layers.0.bias`, and so on.
//! - `mlp_int8` ([`crate::int8`]): `layers.0.weight` (I8), `.bias` (I32), `.multiplier` (I16; of
//!   the last layer without elements), and so on; `scale`. `quantisation` has `input_scale`, `wide`
//!   and the `shifts` of all layers but the last.
//! - `hybrid` ([`crate::hybrid`]): its names are [`crate::hybrid::HybridWeights::NAMES`]. `widths`
//!   is 40, 32, 64, heads.
//! - `lstm` ([`crate::lstm`]): for each cell `lstm.0.input.weight`, `.bias`, `.multiplier` and
//!   `lstm.0.recurrent.` likewise; `heads.weight`, `.bias`, `.multiplier` without elements;
//!   `scale`. `widths` has the units of the cells between inputs and heads.
//!
//! Tensors of floats are F32, or BF16, which counts as the f32 whose upper half it is. Reading
//! files is the caller's: this takes bytes.
//!
//! What is not exactly as expected is refused: another format (`tercel-policy-1`, which knew one
//! kind only, has to be exported again), another feature hash, other shapes, a weight that is NaN
//! or infinite, integers that could overflow, a spread of zero, and a manifest that says that
//! nobody trained the network, unless [`Allow::Untrained`] is given for a benchmark.

mod actions;
mod build;
mod error;
mod json;
mod manifest;
mod network;
mod safetensors;
mod weights;

pub use actions::{ACTIONS_MAX, Action, HEAD_ACTION};
pub use build::Heads;
pub(crate) use build::random_layer;
pub use error::{ArtifactError, Part};
pub use manifest::{Kind, Manifest, Normalisation, Provenance, Quantisation};
pub use network::{Network, State};
pub use weights::Weights;

use crate::features::{FEATURE_HASH, FEATURE_VERSION, FNV_OFFSET, fnv1a};
use crate::mlp::Dense;
use crate::strategy::{HEAD_ASK, HEAD_BID};

/// Whether a network that nobody trained may be loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allow {
    /// Only what its manifest calls trained: for trading.
    Trained,
    /// Random weights too: for benchmarks and tests, where only the time or the path matters.
    Untrained,
}

/// A network with its manifest, all checked.
#[derive(Clone, Debug)]
pub struct Artifact {
    manifest: Manifest,
    weights: Weights,
    network: Network,
    quoting: Quoting,
}

/// Which outputs quote.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Quoting {
    /// Two of them are distances.
    Distances {
        /// Ticks below the mid price.
        bid: usize,
        /// Ticks above the mid price.
        ask: usize,
    },
    /// The largest of these chooses its action.
    Actions(Vec<(usize, Action)>),
}

/// The two files of an artifact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Encoded {
    /// The weights, safetensors.
    pub weights: Vec<u8>,
    /// The manifest, JSON.
    pub manifest: String,
}

impl Artifact {
    /// Reads the two files of an artifact.
    ///
    /// # Errors
    /// [`ArtifactError`] for the first thing that is not as the format, the features of this build
    /// or `allow` want it.
    pub fn parse(weights: &[u8], manifest: &[u8], allow: Allow) -> Result<Artifact, ArtifactError> {
        let manifest = Manifest::parse(manifest)?;
        if manifest.feature_version != FEATURE_VERSION {
            return Err(ArtifactError::FeatureVersion { found: manifest.feature_version });
        }
        if manifest.feature_hash != FEATURE_HASH {
            return Err(ArtifactError::FeatureHash { found: manifest.feature_hash });
        }
        if !manifest.provenance.trained && allow == Allow::Trained {
            return Err(ArtifactError::Untrained);
        }
        let found = fnv1a(FNV_OFFSET, weights);
        if manifest.weights_hash != found {
            return Err(ArtifactError::WeightsHash { found });
        }
        let weights = Weights::parse(weights, &manifest)?;
        if manifest.quantisation != weights.quantisation() {
            return Err(ArtifactError::Invalid { part: Part::Manifest, what: "quantisation" });
        }
        let network = Network::new(&weights).map_err(ArtifactError::Network)?;
        let quoting = Quoting::of(&manifest)?;
        Ok(Artifact { manifest, weights, network, quoting })
    }

    /// What the manifest says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The weights as they were trained.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The layers of an MLP of floats, first one first; none of another kind.
    pub fn layers(&self) -> &[Dense] {
        match &self.weights {
            Weights::Mlp(layers) => layers,
            _ => &[],
        }
    }

    /// The two files that [`Artifact::parse`] reads back.
    pub fn encode(&self) -> Encoded {
        Encoded { manifest: self.manifest.encode(), weights: self.weights.encode() }
    }

    /// The network, on the fastest kernel of this processor.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Which outputs quote.
    pub(crate) fn quoting(&self) -> &Quoting {
        &self.quoting
    }
}

impl Quoting {
    /// Heads and table have to fit together: distances without a table, or one head for each action
    /// and no distances.
    fn of(manifest: &Manifest) -> Result<Quoting, ArtifactError> {
        let (part, heads) = (Part::Manifest, &manifest.heads);
        let head = |name: &str| heads.iter().position(|head| head == name);
        if manifest.actions.is_empty() {
            let find = |what: &'static str| head(what).ok_or(ArtifactError::Missing { part, what });
            return Ok(Quoting::Distances { bid: find(HEAD_BID)?, ask: find(HEAD_ASK)? });
        }
        let scores = heads.iter().filter(|head| head.starts_with(HEAD_ACTION)).count();
        let distances = [HEAD_BID, HEAD_ASK].into_iter().any(|name| head(name).is_some());
        if scores != manifest.actions.len() || distances {
            return Err(ArtifactError::Invalid { part, what: "actions" });
        }
        let action = |(at, action): (usize, &Action)| {
            let missing = ArtifactError::Missing { part, what: HEAD_ACTION };
            Ok((head(&format!("{HEAD_ACTION}{at}")).ok_or(missing)?, *action))
        };
        let actions = manifest.actions.iter().enumerate().map(action);
        actions.collect::<Result<Vec<_>, _>>().map(Quoting::Actions)
    }
}
