//! Why an artifact is refused.

use crate::features::{FEATURE_HASH, FEATURE_VERSION};
use crate::mlp::MlpError;
use core::fmt;

/// Which of the two files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The manifest.
    Manifest,
    /// The weights, or the header in front of them.
    Weights,
}

/// Why an artifact is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArtifactError {
    /// The file ends before what its header promises.
    Truncated,
    /// A header or manifest is longer than a mebibyte, or a weights file than 64 of them.
    TooLong {
        /// Which file.
        part: Part,
    },
    /// A header or manifest is not JSON, not UTF-8, or nested too deep.
    Json {
        /// Which file.
        part: Part,
    },
    /// A field or tensor is not there.
    Missing {
        /// Which file.
        part: Part,
        /// Its name.
        what: &'static str,
    },
    /// A field is not of its type or not in its range.
    Invalid {
        /// Which file.
        part: Part,
        /// Its name.
        what: &'static str,
    },
    /// The manifest is of another format than `tercel-policy-2`.
    Format,
    /// The weights file has tensors that the manifest's widths do not account for, or lacks some.
    TensorCount {
        /// How many it has.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A tensor is of another type, has another shape than the manifest says, or lies where it
    /// cannot.
    Tensor {
        /// Number of its layer.
        layer: usize,
    },
    /// The tensors overlap or leave bytes between them or after them.
    Layout,
    /// Trained on another version of the features.
    FeatureVersion {
        /// The version it names.
        found: u32,
    },
    /// Trained on other features.
    FeatureHash {
        /// The hash it names.
        found: u64,
    },
    /// The manifest belongs to other weights.
    WeightsHash {
        /// Hash of the weights given.
        found: u64,
    },
    /// The manifest says that nobody trained the network.
    Untrained,
    /// The layers do not make a network, or one has a weight that is not finite.
    Network(MlpError),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Manifest => "the manifest",
            Part::Weights => "the weights file",
        })
    }
}

impl fmt::Display for ArtifactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArtifactError::Truncated => f.write_str("the weights file is cut short"),
            ArtifactError::TooLong { part } => write!(f, "{part} is too long"),
            ArtifactError::Json { part } => write!(f, "the text of {part} is not JSON"),
            ArtifactError::Missing { part, what } => write!(f, "{part} lacks {what}"),
            ArtifactError::Invalid { part, what } => write!(f, "{part}: {what} is not valid"),
            ArtifactError::Format => f.write_str("the manifest is not of format tercel-policy-2"),
            ArtifactError::TensorCount { found, expected } => {
                write!(f, "{found} tensors, the widths ask for {expected}")
            }
            ArtifactError::Tensor { layer } => {
                write!(f, "layer {layer}: a tensor's type, shape or place is wrong")
            }
            ArtifactError::Layout => f.write_str("the tensors do not fill the weights file"),
            ArtifactError::FeatureVersion { found } => {
                write!(f, "features of version {found}, this build has {FEATURE_VERSION}")
            }
            ArtifactError::FeatureHash { found } => {
                write!(f, "features of hash {found:#018x}, this build has {FEATURE_HASH:#018x}")
            }
            ArtifactError::WeightsHash { found } => {
                write!(f, "the weights hash to {found:#018x}, the manifest names another hash")
            }
            ArtifactError::Untrained => f.write_str("the network is not trained"),
            ArtifactError::Network(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for ArtifactError {}
