//! The manifest of an artifact.

use super::error::{ArtifactError, Part};
use super::json::{self, Object};
use crate::features::{FEATURE_COUNT, Features};
use crate::mlp::{LAYERS_MAX, WIDTH_MAX};
use core::fmt::Write;
use tinyjson::JsonValue;

/// What stands in `format`.
const FORMAT: &str = "tercel-policy-1";

/// Longest commit or note kept, bytes.
const TEXT_MAX: usize = 4_096;

/// What an exported network was trained on and how it is to be used.
#[derive(Clone, PartialEq, Debug)]
pub struct Manifest {
    /// Version of the features.
    pub feature_version: u32,
    /// Hash of the features.
    pub feature_hash: u64,
    /// Hash of the weights file.
    pub weights_hash: u64,
    /// Numbers between the layers: inputs first, outputs last.
    pub widths: Vec<usize>,
    /// Names of the outputs.
    pub heads: Vec<String>,
    /// What is done to the features first.
    pub normalisation: Normalisation,
    /// Where the network comes from.
    pub provenance: Provenance,
}

/// Each feature x becomes (x − mean)/std, held within ±clip: a market unlike any in training
/// saturates the inputs and does not run away with the outputs.
#[derive(Clone, PartialEq, Debug)]
pub struct Normalisation {
    mean: [f32; FEATURE_COUNT],
    std: [f32; FEATURE_COUNT],
    /// 1/std: a multiplication costs a quarter of a division.
    scale: [f32; FEATURE_COUNT],
    clip: f32,
}

/// Where a network comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Provenance {
    /// It was trained.
    pub trained: bool,
    /// Seed of the training run, below 9·10¹⁵.
    pub seed: u64,
    /// Commit of the training code.
    pub commit: String,
    /// Data, reward, whatever its maker wants known.
    pub note: String,
}

impl Normalisation {
    /// From means and spreads in the order of the features.
    ///
    /// # Errors
    /// [`ArtifactError::Invalid`] if a number is not finite, a spread is below 10⁻⁶, or `clip` is
    /// not in 0.1 to 1,000.
    pub fn new(
        mean: [f32; FEATURE_COUNT],
        std: [f32; FEATURE_COUNT],
        clip: f32,
    ) -> Result<Normalisation, ArtifactError> {
        let invalid = |what| Err(ArtifactError::Invalid { part: Part::Manifest, what });
        if !mean.iter().all(|x| x.is_finite()) {
            return invalid("mean");
        }
        if !std.iter().all(|x| x.is_finite() && *x >= 1e-6) {
            return invalid("std");
        }
        if !(0.1..=1e3).contains(&clip) {
            return invalid("clip");
        }
        Ok(Normalisation { mean, std, scale: std.map(|x| 1.0 / x), clip })
    }

    /// Leaves the features as they are, but for the clip at 10.
    pub fn identity() -> Normalisation {
        let one = [1.0; FEATURE_COUNT];
        Normalisation { mean: [0.0; FEATURE_COUNT], std: one, scale: one, clip: 10.0 }
    }

    /// No input of the network is larger, on either side of zero.
    pub fn clip(&self) -> f32 {
        self.clip
    }

    /// Writes the network's inputs.
    #[inline]
    pub fn apply(&self, features: &Features, out: &mut Features) {
        for at in 0..FEATURE_COUNT {
            let scaled = (features[at] - self.mean[at]) * self.scale[at];
            out[at] = scaled.clamp(-self.clip, self.clip);
        }
    }
}

impl Manifest {
    /// Reads one; what only this build can judge (hashes, whether trained) is left to the caller.
    pub(super) fn parse(text: &[u8]) -> Result<Manifest, ArtifactError> {
        let part = Part::Manifest;
        let value = json::parse(part, text)?;
        let root = Object::new(part, &value, "the root")?;
        if root.text("format")? != FORMAT {
            return Err(ArtifactError::Format);
        }
        let version = root.whole("feature_version")?;
        let widths = widths(&root)?;
        Ok(Manifest {
            feature_version: u32::try_from(version).map_err(|_| root.invalid("feature_version"))?,
            feature_hash: root.hash("feature_hash")?,
            weights_hash: root.hash("weights_hash")?,
            heads: heads(&root, widths.last().copied().unwrap_or(0))?,
            widths,
            normalisation: normalisation(&root.object("normalisation")?)?,
            provenance: provenance(&root.object("provenance")?)?,
        })
    }

    /// The text that [`Manifest::parse`] reads back.
    pub(super) fn encode(&self) -> String {
        let text = |text: &str| quoted(text);
        let heads: Vec<String> = self.heads.iter().map(|head| text(head)).collect();
        let Normalisation { mean, std, clip, .. } = &self.normalisation;
        let Provenance { trained, seed, commit, note } = &self.provenance;
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = write!(
            out,
            "{{\n  \"format\": {},\n  \"feature_version\": {},\n  \
             \"feature_hash\": \"{:#018x}\",\n  \"weights_hash\": \"{:#018x}\",\n  \
             \"widths\": {:?},\n  \"heads\": [{}],\n  \
             \"normalisation\": {{\n    \"mean\": {},\n    \"std\": {},\n    \
             \"clip\": {}\n  }},\n  \
             \"provenance\": {{\n    \"trained\": {trained},\n    \"seed\": {seed},\n    \
             \"commit\": {},\n    \"note\": {}\n  }}\n}}\n",
            text(FORMAT),
            self.feature_version,
            self.feature_hash,
            self.weights_hash,
            self.widths,
            heads.join(", "),
            numbers(mean),
            numbers(std),
            f64::from(*clip),
            text(commit),
            text(note),
        );
        out
    }
}

fn widths(root: &Object<'_>) -> Result<Vec<usize>, ArtifactError> {
    let values = root.array("widths")?;
    if values.len() < 2 || values.len() > LAYERS_MAX + 1 {
        return Err(root.invalid("widths"));
    }
    let width = |value| {
        let width = json::whole(value).and_then(|width| usize::try_from(width).ok());
        width.filter(|width| (1..=WIDTH_MAX).contains(width)).ok_or(root.invalid("widths"))
    };
    let widths = values.iter().map(width).collect::<Result<Vec<usize>, ArtifactError>>()?;
    if widths.first() == Some(&FEATURE_COUNT) { Ok(widths) } else { Err(root.invalid("widths")) }
}

fn heads(root: &Object<'_>, outputs: usize) -> Result<Vec<String>, ArtifactError> {
    let values = root.array("heads")?;
    let name = |value: &JsonValue| match value {
        JsonValue::String(name) => Ok(name.clone()),
        _ => Err(root.invalid("heads")),
    };
    let heads = values.iter().map(name).collect::<Result<Vec<String>, ArtifactError>>()?;
    let twice = |(at, head): (usize, &String)| heads[..at].contains(head);
    if heads.len() != outputs || heads.iter().enumerate().any(twice) {
        return Err(root.invalid("heads"));
    }
    Ok(heads)
}

fn normalisation(object: &Object<'_>) -> Result<Normalisation, ArtifactError> {
    let vector = |what: &'static str| {
        let values = object.array(what)?;
        let mut out = [0.0; FEATURE_COUNT];
        if values.len() != FEATURE_COUNT {
            return Err(object.invalid(what));
        }
        for (slot, value) in out.iter_mut().zip(values) {
            *slot = json::number(value).ok_or(object.invalid(what))?;
        }
        Ok(out)
    };
    Normalisation::new(vector("mean")?, vector("std")?, object.number("clip")?)
}

fn provenance(object: &Object<'_>) -> Result<Provenance, ArtifactError> {
    let text = |what: &'static str| {
        let text = object.text(what)?;
        if text.len() > TEXT_MAX { Err(object.invalid(what)) } else { Ok(text.to_owned()) }
    };
    Ok(Provenance {
        trained: object.boolean("trained")?,
        seed: object.whole("seed")?,
        commit: text("commit")?,
        note: text("note")?,
    })
}

/// A JSON string.
fn quoted(text: &str) -> String {
    // A string value is always written; the error is for numbers that JSON does not have.
    JsonValue::String(text.to_owned()).stringify().unwrap_or_default()
}

/// A JSON array of numbers; as doubles, so that reading gives the same bits back.
fn numbers(values: &[f32]) -> String {
    let values: Vec<String> = values.iter().map(|x| f64::from(*x).to_string()).collect();
    format!("[{}]", values.join(", "))
}
