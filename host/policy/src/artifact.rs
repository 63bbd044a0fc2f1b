//! Exported policies: weights in the safetensors format with a manifest beside them, checked before
//! use.
//!
//! The manifest is a JSON object:
//! ```json
//! {
//!   "format": "tercel-policy-1",
//!   "feature_version": 1,
//!   "feature_hash": "0x0123456789abcdef",
//!   "weights_hash": "0x0123456789abcdef",
//!   "widths": [40, 64, 64, 2],
//!   "heads": ["bid_offset_ticks", "ask_offset_ticks"],
//!   "normalisation": { "mean": [0.0], "std": [1.0], "clip": 10.0 },
//!   "provenance": { "trained": true, "seed": 7, "commit": "1a2b3c", "note": "data, steps" }
//! }
//! ```
//! `widths` has the inputs first and the outputs last; `mean` and `std` have one number for each
//! feature; `weights_hash` is FNV-1a, 64 bits, of the weights file, which finds a mix-up of files
//! and not a forgery. The weights file has the tensors `layers.0.weight` (outputs × inputs),
//! `layers.0.bias`, and so on, all F32, and no others. Reading files is the caller's: this takes
//! bytes.
//!
//! What is not exactly as expected is refused: another feature hash, other shapes, a weight that is
//! NaN or infinite, a spread of zero, and a manifest that says that nobody trained the network,
//! unless [`Allow::Untrained`] is given for a benchmark.

mod error;
mod json;
mod manifest;
mod safetensors;

pub use error::{ArtifactError, Part};
pub use manifest::{Manifest, Normalisation, Provenance};

use crate::features::{FEATURE_COUNT, FEATURE_HASH, FEATURE_VERSION, FNV_OFFSET, fnv1a};
use crate::mlp::{self, Dense, Mlp};
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
    layers: Vec<Dense>,
    mlp: Mlp,
    head_bid: usize,
    head_ask: usize,
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
        let layers = safetensors::parse(weights, &manifest.widths)?;
        Artifact::assemble(manifest, layers)
    }

    /// A network of random weights from `seed`, with layers of `hidden` units between the features
    /// and the two heads; it quotes two ticks around the mid price, more or less.
    ///
    /// # Errors
    /// [`ArtifactError::Network`] if the widths are not allowed.
    pub fn untrained(hidden: &[usize], seed: u32) -> Result<Artifact, ArtifactError> {
        let mut widths = vec![FEATURE_COUNT];
        widths.extend_from_slice(hidden);
        widths.push(2);
        let mut state = u64::from(seed);
        let last = widths.len() - 2;
        let layers: Vec<Dense> = widths
            .windows(2)
            .enumerate()
            .map(|(at, pair)| {
                let (scale, bias) = if at == last { (0.1, 2.0) } else { (1.0, 0.0) };
                random_layer(pair[0], pair[1], scale, bias, &mut state)
            })
            .collect();
        mlp::check(&layers).map_err(ArtifactError::Network)?;
        let manifest = Manifest {
            feature_version: FEATURE_VERSION,
            feature_hash: FEATURE_HASH,
            weights_hash: fnv1a(FNV_OFFSET, &safetensors::encode(&layers)),
            widths,
            heads: vec![HEAD_BID.to_owned(), HEAD_ASK.to_owned()],
            normalisation: Normalisation::identity(),
            provenance: Provenance {
                trained: false,
                seed: u64::from(seed),
                commit: String::new(),
                note: "random weights".to_owned(),
            },
        };
        Artifact::assemble(manifest, layers)
    }

    fn assemble(manifest: Manifest, layers: Vec<Dense>) -> Result<Artifact, ArtifactError> {
        let mlp = Mlp::new(&layers).map_err(ArtifactError::Network)?;
        let head = |name: &'static str| {
            let at = manifest.heads.iter().position(|head| head == name);
            at.ok_or(ArtifactError::Missing { part: Part::Manifest, what: name })
        };
        let (head_bid, head_ask) = (head(HEAD_BID)?, head(HEAD_ASK)?);
        Ok(Artifact { manifest, layers, mlp, head_bid, head_ask })
    }

    /// What the manifest says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The layers, first one first.
    pub fn layers(&self) -> &[Dense] {
        &self.layers
    }

    /// The two files that [`Artifact::parse`] reads back.
    pub fn encode(&self) -> Encoded {
        let weights = safetensors::encode(&self.layers);
        Encoded { manifest: self.manifest.encode(), weights }
    }

    /// The network, on the fastest kernel of this processor.
    pub fn mlp(&self) -> &Mlp {
        &self.mlp
    }

    /// Which output places the bid.
    pub(crate) fn head_bid(&self) -> usize {
        self.head_bid
    }

    /// Which output places the ask.
    pub(crate) fn head_ask(&self) -> usize {
        self.head_ask
    }
}

/// Weights uniform in ±scale·√(6/inputs) (He et al. 2015).
fn random_layer(inputs: usize, outputs: usize, scale: f32, bias: f32, state: &mut u64) -> Dense {
    let bound = scale * (6.0 / inputs.max(1) as f32).sqrt();
    let weights = (0..inputs * outputs).map(|_| bound * (2.0 * uniform(state) - 1.0)).collect();
    Dense { inputs, weights, bias: vec![bias; outputs] }
}

/// The next number in [0, 1) of SplitMix64 (Steele, Lea and Flood 2014).
fn uniform(state: &mut u64) -> f32 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 40) as f32 / (1u32 << 24) as f32
}
