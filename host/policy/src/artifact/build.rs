//! Artifacts from networks: what a training run exports.

use super::actions::Action;
use super::error::{ArtifactError, Part};
use super::manifest::{Manifest, Normalisation, Provenance};
use super::weights::Weights;
use super::{Allow, Artifact};
use crate::features::{FEATURE_COUNT, FEATURE_HASH, FEATURE_VERSION, FNV_OFFSET, Features, fnv1a};
use crate::hybrid::HybridWeights;
use crate::int8::Quantised;
use crate::lstm::LstmWeights;
use crate::mlp::{self, Dense};
use crate::strategy::{HEAD_ASK, HEAD_BID};

/// The names of the outputs and, for discrete actions, their table.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Heads {
    /// One name for each output.
    pub names: Vec<String>,
    /// One action for each head `action_<n>`.
    pub actions: Vec<Action>,
}

impl From<Vec<String>> for Heads {
    fn from(names: Vec<String>) -> Heads {
        Heads { names, actions: Vec::new() }
    }
}

impl Heads {
    /// The two distances.
    pub fn distances() -> Heads {
        vec![HEAD_BID.to_owned(), HEAD_ASK.to_owned()].into()
    }
}

impl Artifact {
    /// Dense layers of floats.
    ///
    /// # Errors
    /// [`ArtifactError`] for the first thing that [`Artifact::parse`] would refuse.
    pub fn mlp(
        layers: Vec<Dense>,
        normalisation: Normalisation,
        heads: impl Into<Heads>,
        provenance: Provenance,
    ) -> Result<Artifact, ArtifactError> {
        Artifact::build(Weights::Mlp(layers), normalisation, heads.into(), provenance)
    }

    /// Dense layers of integers, quantised elsewhere: by a training that knows of it.
    ///
    /// # Errors
    /// [`ArtifactError`] for the first thing that [`Artifact::parse`] would refuse.
    pub fn mlp_int8(
        network: Quantised,
        normalisation: Normalisation,
        heads: impl Into<Heads>,
        provenance: Provenance,
    ) -> Result<Artifact, ArtifactError> {
        Artifact::build(Weights::MlpInt8(network), normalisation, heads.into(), provenance)
    }

    /// Convolution, LSTM and attention.
    ///
    /// # Errors
    /// [`ArtifactError`] for the first thing that [`Artifact::parse`] would refuse.
    pub fn hybrid(
        weights: HybridWeights,
        normalisation: Normalisation,
        heads: impl Into<Heads>,
        provenance: Provenance,
    ) -> Result<Artifact, ArtifactError> {
        let weights = Weights::Hybrid(Box::new(weights));
        Artifact::build(weights, normalisation, heads.into(), provenance)
    }

    /// Stacked LSTM of integers.
    ///
    /// # Errors
    /// [`ArtifactError`] for the first thing that [`Artifact::parse`] would refuse.
    pub fn lstm(
        weights: LstmWeights,
        normalisation: Normalisation,
        heads: impl Into<Heads>,
        provenance: Provenance,
    ) -> Result<Artifact, ArtifactError> {
        let weights = Weights::Lstm(Box::new(weights));
        Artifact::build(weights, normalisation, heads.into(), provenance)
    }

    /// The same policy in integers, by what its units reach over `calibration`: features as the
    /// host computes them, before normalisation. Its provenance is that of the floats; scores are
    /// left out, for they belong to the floats.
    ///
    /// # Errors
    /// [`ArtifactError::Network`] if the integers cannot hold it or there are no inputs to judge
    /// by, [`ArtifactError::Invalid`] with `kind` if it is no MLP of floats.
    pub fn quantise(&self, calibration: &[Features]) -> Result<Artifact, ArtifactError> {
        self.quantise_as(calibration, false)
    }

    /// The same, `wide` or with bytes between the layers.
    ///
    /// # Errors
    /// As [`Artifact::quantise`].
    pub fn quantise_as(
        &self,
        calibration: &[Features],
        wide: bool,
    ) -> Result<Artifact, ArtifactError> {
        let Weights::Mlp(layers) = &self.weights else {
            return Err(ArtifactError::Invalid { part: Part::Manifest, what: "kind" });
        };
        let Manifest { normalisation, heads, actions, provenance, .. } = self.manifest.clone();
        let mut inputs = vec![[0.0; FEATURE_COUNT]; calibration.len()];
        for (features, input) in calibration.iter().zip(&mut inputs) {
            normalisation.apply(features, input);
        }
        let rows = inputs.iter().map(<[f32; FEATURE_COUNT]>::as_slice);
        let quantised = Quantised::calibrate_as(layers, normalisation.clip(), wide, rows);
        let quantised = quantised.map_err(ArtifactError::Network)?;
        let provenance = Provenance { scores: Vec::new(), ..provenance };
        let heads = Heads { names: heads, actions };
        Artifact::mlp_int8(quantised, normalisation, heads, provenance)
    }

    /// Writes the manifest of `weights`, and reads both back: nothing is exported that would not
    /// be loaded.
    fn build(
        weights: Weights,
        normalisation: Normalisation,
        heads: Heads,
        mut provenance: Provenance,
    ) -> Result<Artifact, ArtifactError> {
        weights.check().map_err(ArtifactError::Network)?;
        let scored = provenance.scores.iter().all(|(_, score)| score.is_finite());
        if !scored {
            return Err(ArtifactError::Invalid { part: Part::Manifest, what: "scores" });
        }
        provenance.scores.sort_by(|a, b| a.0.cmp(&b.0));
        let manifest = Manifest {
            feature_version: FEATURE_VERSION,
            feature_hash: FEATURE_HASH,
            weights_hash: fnv1a(FNV_OFFSET, &weights.encode()),
            kind: weights.kind(),
            widths: weights.widths(),
            heads: heads.names,
            actions: heads.actions,
            quantisation: weights.quantisation(),
            normalisation,
            provenance,
        };
        Artifact::parse(&weights.encode(), manifest.encode().as_bytes(), Allow::Untrained)
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
        let provenance = Provenance {
            seed: u64::from(seed),
            note: "random weights".to_owned(),
            ..Provenance::default()
        };
        Artifact::mlp(layers, Normalisation::identity(), Heads::distances(), provenance)
    }
}

/// Weights uniform in ±scale·√(6/inputs) (He et al. 2015).
pub(crate) fn random_layer(
    inputs: usize,
    outputs: usize,
    scale: f32,
    bias: f32,
    state: &mut u64,
) -> Dense {
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
