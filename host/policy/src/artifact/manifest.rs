//! The manifest of an artifact.

use super::actions::{self, Action};
use super::error::{ArtifactError, Part};
use super::json::{self, Object};
use crate::features::{FEATURE_COUNT, Features};
use crate::int8::SHIFT_MAX;
use crate::mlp::{LAYERS_MAX, WIDTH_MAX};
use core::fmt::Write;
use tinyjson::JsonValue;

/// What stands in `format`.
const FORMAT: &str = "tercel-policy-2";

/// Longest commit or note kept, bytes.
const TEXT_MAX: usize = 4_096;

/// Longest training configuration kept, bytes.
const CONFIGURATION_MAX: usize = 1 << 16;

/// Most scores.
const SCORES_MAX: usize = 64;

/// What an exported network was trained on and how it is to be used.
#[derive(Clone, PartialEq, Debug)]
pub struct Manifest {
    /// Version of the features.
    pub feature_version: u32,
    /// Hash of the features.
    pub feature_hash: u64,
    /// Hash of the weights file.
    pub weights_hash: u64,
    /// What kind of network it is.
    pub kind: Kind,
    /// Numbers between the layers: inputs first, outputs last.
    pub widths: Vec<usize>,
    /// Names of the outputs.
    pub heads: Vec<String>,
    /// The table of discrete actions, one for each head `action_<n>`; empty if the heads are
    /// distances.
    pub actions: Vec<Action>,
    /// What is done to the features first.
    pub normalisation: Normalisation,
    /// What the integers of the weights file stand for; none for networks of floats.
    pub quantisation: Option<Quantisation>,
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

/// Kinds of networks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Dense layers of floats: [`crate::mlp`].
    Mlp,
    /// Dense layers of integers: [`crate::int8`].
    MlpInt8,
    /// Convolution, LSTM and attention, event by event: [`crate::hybrid`].
    Hybrid,
    /// Stacked LSTM of integers, event by event: [`crate::lstm`].
    Lstm,
}

/// What integers stand for that have no tensor of their own.
#[derive(Clone, PartialEq, Debug)]
pub struct Quantisation {
    /// Codes a unit of a normalised feature.
    pub input_scale: f32,
    /// Layers between others take word codes; false for an LSTM.
    pub wide: bool,
    /// Bits by which the sums of each layer are shifted, in the order of the layers; the last one
    /// has none. Of an LSTM for each cell first those of the inputs, then those of the state.
    pub shifts: Vec<u32>,
}

/// Where a network comes from.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Provenance {
    /// It was trained.
    pub trained: bool,
    /// Seed of the training run, below 9·10¹⁵.
    pub seed: u64,
    /// Version of the training code: its commit.
    pub commit: String,
    /// The training's configuration, word for word.
    pub configuration: String,
    /// What it scored, by name.
    pub scores: Vec<(String, f64)>,
    /// Data, reward, whatever its maker wants known.
    pub note: String,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Mlp, Kind::MlpInt8, Kind::Hybrid, Kind::Lstm];

    /// Its name in the manifest.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Mlp => "mlp",
            Kind::MlpInt8 => "mlp_int8",
            Kind::Hybrid => "hybrid",
            Kind::Lstm => "lstm",
        }
    }

    /// It carries a state from one decision to the next.
    pub const fn is_streaming(self) -> bool {
        matches!(self, Kind::Hybrid | Kind::Lstm)
    }
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
        let kind = root.text("kind")?;
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind);
        Ok(Manifest {
            kind: kind.ok_or(root.invalid("kind"))?,
            feature_version: u32::try_from(version).map_err(|_| root.invalid("feature_version"))?,
            feature_hash: root.hash("feature_hash")?,
            weights_hash: root.hash("weights_hash")?,
            heads: heads(&root, widths.last().copied().unwrap_or(0))?,
            widths,
            actions: actions::parse(&root)?,
            quantisation: quantisation(&root)?,
            normalisation: normalisation(&root.object("normalisation")?)?,
            provenance: provenance(&root.object("provenance")?)?,
        })
    }

    /// The text that [`Manifest::parse`] reads back.
    pub(super) fn encode(&self) -> String {
        let text = |text: &str| quoted(text);
        let heads: Vec<String> = self.heads.iter().map(|head| text(head)).collect();
        let Normalisation { mean, std, clip, .. } = &self.normalisation;
        let Provenance { trained, seed, commit, configuration, scores, note } = &self.provenance;
        let scores: Vec<String> =
            scores.iter().map(|(name, score)| format!("{}: {score:?}", text(name))).collect();
        let quantisation = match &self.quantisation {
            Some(Quantisation { input_scale, wide, shifts }) => format!(
                "{{ \"input_scale\": {:?}, \"wide\": {wide}, \"shifts\": {shifts:?} }}",
                f64::from(*input_scale)
            ),
            None => "null".to_owned(),
        };
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = write!(
            out,
            "{{\n  \"format\": {},\n  \"kind\": \"{}\",\n  \"feature_version\": {},\n  \
             \"feature_hash\": \"{:#018x}\",\n  \"weights_hash\": \"{:#018x}\",\n  \
             \"widths\": {:?},\n  \"heads\": [{}],\n  \"actions\": {},\n  \
             \"normalisation\": {{\n    \"mean\": {},\n    \"std\": {},\n    \
             \"clip\": {}\n  }},\n  \"quantisation\": {quantisation},\n  \
             \"provenance\": {{\n    \"trained\": {trained},\n    \"seed\": {seed},\n    \
             \"commit\": {},\n    \"configuration\": {},\n    \
             \"scores\": {{{}}},\n    \"note\": {}\n  }}\n}}\n",
            text(FORMAT),
            self.kind.name(),
            self.feature_version,
            self.feature_hash,
            self.weights_hash,
            self.widths,
            heads.join(", "),
            actions::encode(&self.actions),
            numbers(mean),
            numbers(std),
            f64::from(*clip),
            text(commit),
            text(configuration),
            scores.join(", "),
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

fn quantisation(root: &Object<'_>) -> Result<Option<Quantisation>, ArtifactError> {
    let what = "quantisation";
    if matches!(root.field(what)?, JsonValue::Null) {
        return Ok(None);
    }
    let object = root.object(what)?;
    let shift = |value| {
        let shift = json::whole(value).filter(|shift| *shift <= u64::from(SHIFT_MAX));
        shift.map(|shift| shift as u32).ok_or(object.invalid("shifts"))
    };
    let shifts = object.array("shifts")?.iter().map(shift);
    Ok(Some(Quantisation {
        input_scale: object.number("input_scale")?,
        wide: object.boolean("wide")?,
        shifts: shifts.collect::<Result<Vec<u32>, ArtifactError>>()?,
    }))
}

fn provenance(object: &Object<'_>) -> Result<Provenance, ArtifactError> {
    let text = |what: &'static str, max: usize| {
        let text = object.text(what)?;
        if text.len() > max { Err(object.invalid(what)) } else { Ok(text.to_owned()) }
    };
    let fields = object.object("scores")?.fields;
    let score = |(name, value): (&String, &JsonValue)| match value {
        JsonValue::Number(score) if score.is_finite() => Ok((name.clone(), *score)),
        _ => Err(object.invalid("scores")),
    };
    let scores = fields.iter().map(score).collect::<Result<Vec<_>, ArtifactError>>();
    let mut scores = scores?;
    if scores.len() > SCORES_MAX {
        return Err(object.invalid("scores"));
    }
    // A JSON object has no order; a file that is read and written again is the same file.
    scores.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Provenance {
        trained: object.boolean("trained")?,
        seed: object.whole("seed")?,
        commit: text("commit", TEXT_MAX)?,
        configuration: text("configuration", CONFIGURATION_MAX)?,
        scores,
        note: text("note", TEXT_MAX)?,
    })
}

/// A JSON string.
pub(super) fn quoted(text: &str) -> String {
    // A string value is always written; the error is for numbers that JSON does not have.
    JsonValue::String(text.to_owned()).stringify().unwrap_or_default()
}

/// A JSON array of numbers; as doubles, so that reading gives the same bits back.
fn numbers(values: &[f32]) -> String {
    let values: Vec<String> = values.iter().map(|x| f64::from(*x).to_string()).collect();
    format!("[{}]", values.join(", "))
}
