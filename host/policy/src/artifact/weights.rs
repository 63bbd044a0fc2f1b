//! The tensors of each kind of network in the weights file.

use super::error::{ArtifactError, Part};
use super::manifest::{Kind, Manifest, Quantisation};
use super::safetensors::{Dtype, File, Name, Writer};
use crate::hybrid::{self, HybridWeights};
use crate::int8::{IntLayer, Quantised};
use crate::lstm::{LstmLayer, LstmWeights};
use crate::mlp::Dense;

/// The weights of a network as they were trained, of whatever kind.
#[derive(Clone, PartialEq, Debug)]
pub enum Weights {
    /// Dense layers of floats.
    Mlp(Vec<Dense>),
    /// Dense layers of integers.
    MlpInt8(Quantised),
    /// Convolution, LSTM and attention.
    Hybrid(Box<HybridWeights>),
    /// Stacked LSTM of integers.
    Lstm(Box<LstmWeights>),
}

impl Weights {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Weights::Mlp(_) => Kind::Mlp,
            Weights::MlpInt8(_) => Kind::MlpInt8,
            Weights::Hybrid(_) => Kind::Hybrid,
            Weights::Lstm(_) => Kind::Lstm,
        }
    }

    /// Inputs first, outputs last.
    pub(super) fn widths(&self) -> Vec<usize> {
        let dense = |first: Option<usize>, outputs: Vec<usize>| {
            first.into_iter().chain(outputs).collect::<Vec<usize>>()
        };
        match self {
            Weights::Mlp(layers) => {
                dense(layers.first().map(|l| l.inputs), layers.iter().map(Dense::outputs).collect())
            }
            Weights::MlpInt8(network) => {
                let layers = &network.layers;
                let outputs = layers.iter().map(IntLayer::outputs).collect();
                dense(layers.first().map(|layer| layer.inputs), outputs)
            }
            Weights::Hybrid(weights) => {
                vec![hybrid::INPUTS, hybrid::CHANNELS, hybrid::UNITS, weights.heads.outputs()]
            }
            Weights::Lstm(weights) => {
                let units = weights.layers.iter().map(LstmLayer::units);
                let first = weights.layers.first().map(|layer| layer.input.inputs);
                dense(first, units.chain([weights.heads.outputs()]).collect())
            }
        }
    }

    /// What the manifest says of a network of integers.
    pub(super) fn quantisation(&self) -> Option<Quantisation> {
        match self {
            Weights::Mlp(_) | Weights::Hybrid(_) => None,
            Weights::MlpInt8(Quantised { input_scale, wide, layers, .. }) => {
                let hidden = &layers[..layers.len().saturating_sub(1)];
                let shifts = hidden.iter().map(|layer| layer.shift).collect();
                Some(Quantisation { input_scale: *input_scale, wide: *wide, shifts })
            }
            Weights::Lstm(weights) => {
                let shifts = weights.layers.iter();
                let shifts = shifts.flat_map(|layer| [layer.input.shift, layer.recurrent.shift]);
                let shifts = shifts.collect();
                let input_scale = weights.input_scale;
                Some(Quantisation { input_scale, wide: false, shifts })
            }
        }
    }

    /// Reads the weights that a manifest describes.
    pub(super) fn parse(bytes: &[u8], manifest: &Manifest) -> Result<Weights, ArtifactError> {
        let widths = manifest.widths.as_slice();
        let outputs = widths.last().copied().unwrap_or(0);
        let layers = widths.len() - 1;
        match manifest.kind {
            Kind::Mlp => {
                let mut reader = Reader::open(bytes, 2 * layers)?;
                let pairs = widths.windows(2).enumerate();
                let dense = pairs.map(|(at, pair)| reader.dense(at, &layer_name(at), pair));
                let dense = dense.collect::<Result<Vec<Dense>, ArtifactError>>()?;
                reader.0.finish()?;
                Ok(Weights::Mlp(dense))
            }
            Kind::MlpInt8 => {
                let Quantisation { input_scale, wide, shifts } =
                    quantisation(manifest, layers - 1)?;
                let mut reader = Reader::open(bytes, 3 * layers + 1)?;
                let pairs = widths.windows(2).enumerate();
                let read = pairs.map(|(at, pair)| {
                    reader.int(at, &layer_name(at), pair, shifts.get(at).copied())
                });
                let read = read.collect::<Result<Vec<IntLayer>, ArtifactError>>()?;
                let scale = reader.scale(layers, outputs)?;
                reader.0.finish()?;
                Ok(Weights::MlpInt8(Quantised { input_scale, wide, layers: read, scale }))
            }
            Kind::Hybrid => {
                if widths[..layers] != [hybrid::INPUTS, hybrid::CHANNELS, hybrid::UNITS] {
                    return Err(ArtifactError::Invalid { part: Part::Manifest, what: "widths" });
                }
                let names = HybridWeights::NAMES;
                let mut reader = Reader::open(bytes, 2 * names.len())?;
                let mut parts = Vec::with_capacity(names.len());
                for (at, (weight, bias)) in names.into_iter().enumerate() {
                    let (shape, rows) = HybridWeights::shape(at, outputs);
                    let weight = Name { text: weight, layer: at, what: "weight" };
                    let weights = reader.floats(weight, &shape)?;
                    let bias = Name { text: bias, layer: at, what: "bias" };
                    let bias = reader.floats(bias, &[rows])?;
                    parts.push(Dense { inputs: weights.len() / rows, weights, bias });
                }
                reader.0.finish()?;
                let wrong = ArtifactError::Tensor { layer: 0 };
                HybridWeights::from_parts(parts).map(Box::new).map(Weights::Hybrid).ok_or(wrong)
            }
            Kind::Lstm => {
                let cells = layers - 1;
                let Quantisation { input_scale, shifts, .. } = quantisation(manifest, 2 * cells)?;
                let mut reader = Reader::open(bytes, 6 * cells + 4)?;
                let mut read = Vec::with_capacity(cells);
                for (at, pair) in widths[..=cells].windows(2).enumerate() {
                    let mut part = |of: usize, name: &str, inputs: usize| {
                        let name = format!("lstm.{at}.{name}");
                        let shift = shifts.get(2 * at + of).copied();
                        reader.int(2 * at + of, &name, &[inputs, 4 * pair[1]], shift)
                    };
                    let input = part(0, "input", pair[0])?;
                    let recurrent = part(1, "recurrent", pair[1])?;
                    read.push(LstmLayer { input, recurrent });
                }
                let heads = reader.int(2 * cells, "heads", &widths[cells..], None)?;
                let scale = reader.scale(2 * cells, outputs)?;
                reader.0.finish()?;
                let weights = LstmWeights { input_scale, layers: read, heads, scale };
                Ok(Weights::Lstm(Box::new(weights)))
            }
        }
    }

    /// The file that [`Weights::parse`] reads back.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        match self {
            Weights::Mlp(layers) => {
                for (at, layer) in layers.iter().enumerate() {
                    let name = layer_name(at);
                    let shape = [layer.outputs(), layer.inputs];
                    floats(&mut writer, &format!("{name}.weight"), &shape, &layer.weights);
                    floats(&mut writer, &format!("{name}.bias"), &shape[..1], &layer.bias);
                }
            }
            Weights::MlpInt8(network) => {
                for (at, layer) in network.layers.iter().enumerate() {
                    ints(&mut writer, &layer_name(at), layer);
                }
                floats(&mut writer, "scale", &[network.scale.len()], &network.scale);
            }
            Weights::Hybrid(weights) => {
                let names = HybridWeights::NAMES.into_iter();
                for (at, ((weight, bias), part)) in names.zip(weights.parts()).enumerate() {
                    let (shape, rows) = HybridWeights::shape(at, weights.heads.outputs());
                    narrow(&mut writer, weight, &shape, &part.weights);
                    floats(&mut writer, bias, &[rows], &part.bias);
                }
            }
            Weights::Lstm(weights) => {
                for (at, layer) in weights.layers.iter().enumerate() {
                    ints(&mut writer, &format!("lstm.{at}.input"), &layer.input);
                    ints(&mut writer, &format!("lstm.{at}.recurrent"), &layer.recurrent);
                }
                ints(&mut writer, "heads", &weights.heads);
                floats(&mut writer, "scale", &[weights.scale.len()], &weights.scale);
            }
        }
        writer.finish()
    }
}

fn layer_name(at: usize) -> String {
    format!("layers.{at}")
}

/// What the manifest says of the integers, with a shift for each layer that has one.
fn quantisation(manifest: &Manifest, shifts: usize) -> Result<Quantisation, ArtifactError> {
    let what = "quantisation";
    let found = manifest.quantisation.clone();
    let found = found.ok_or(ArtifactError::Missing { part: Part::Manifest, what })?;
    let invalid = ArtifactError::Invalid { part: Part::Manifest, what };
    if found.shifts.len() == shifts { Ok(found) } else { Err(invalid) }
}

/// A file that is read number by number.
struct Reader<'a>(File<'a>);

impl<'a> Reader<'a> {
    fn open(bytes: &'a [u8], expected: usize) -> Result<Reader<'a>, ArtifactError> {
        File::open(bytes, expected).map(Reader)
    }

    fn dense(
        &mut self,
        layer: usize,
        name: &str,
        widths: &[usize],
    ) -> Result<Dense, ArtifactError> {
        let [inputs, outputs] = [widths[0], widths[1]];
        let text = format!("{name}.weight");
        let weight = Name { text: &text, layer, what: "weight" };
        let weights = self.floats(weight, &[outputs, inputs])?;
        let text = format!("{name}.bias");
        let bias = self.floats(Name { text: &text, layer, what: "bias" }, &[outputs])?;
        Ok(Dense { inputs, weights, bias })
    }

    /// A layer of integers: without a shift it has no multipliers, and an empty tensor of them.
    fn int(
        &mut self,
        layer: usize,
        name: &str,
        widths: &[usize],
        shift: Option<u32>,
    ) -> Result<IntLayer, ArtifactError> {
        let [inputs, outputs] = [widths[0], widths[1]];
        let mut bytes = |what: &'static str, dtype: Dtype, shape: &[usize]| {
            let text = format!("{name}.{what}");
            Ok(self.0.take(Name { text: &text, layer, what }, &[dtype], shape)?.1)
        };
        let weights = bytes("weight", Dtype::I8, &[outputs, inputs])?;
        let bias = bytes("bias", Dtype::I32, &[outputs])?.as_chunks::<4>().0;
        let multipliers = if shift.is_some() { outputs } else { 0 };
        let multiplier = bytes("multiplier", Dtype::I16, &[multipliers])?.as_chunks::<2>().0;
        Ok(IntLayer {
            inputs,
            weights: weights.iter().map(|byte| *byte as i8).collect(),
            bias: bias.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect(),
            shift: shift.unwrap_or(0),
            multiplier: multiplier.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect(),
        })
    }

    fn scale(&mut self, layer: usize, outputs: usize) -> Result<Vec<f32>, ArtifactError> {
        self.floats(Name { text: "scale", layer, what: "scale" }, &[outputs])
    }

    fn floats(&mut self, name: Name<'_>, shape: &[usize]) -> Result<Vec<f32>, ArtifactError> {
        let (dtype, bytes) = self.0.take(name, &[Dtype::F32, Dtype::Bf16], shape)?;
        Ok(match dtype {
            Dtype::Bf16 => {
                let halves = bytes.as_chunks::<2>().0.iter();
                halves.map(|half| f32::from_le_bytes([0, 0, half[0], half[1]])).collect()
            }
            _ => bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        })
    }
}

fn floats(writer: &mut Writer, name: &str, shape: &[usize], numbers: &[f32]) {
    writer.push(name, Dtype::F32, shape, numbers.iter().flat_map(|number| number.to_le_bytes()));
}

/// As bf16, if that loses nothing.
fn narrow(writer: &mut Writer, name: &str, shape: &[usize], numbers: &[f32]) {
    if !numbers.iter().all(|number| number.to_bits() & 0xffff == 0) {
        return floats(writer, name, shape, numbers);
    }
    let halves = numbers.iter().flat_map(|number| {
        let [_, _, low, high] = number.to_le_bytes();
        [low, high]
    });
    writer.push(name, Dtype::Bf16, shape, halves);
}

fn ints(writer: &mut Writer, name: &str, layer: &IntLayer) {
    let shape = [layer.outputs(), layer.inputs];
    let weights = layer.weights.iter().map(|weight| *weight as u8);
    writer.push(&format!("{name}.weight"), Dtype::I8, &shape, weights);
    let bias = layer.bias.iter().flat_map(|bias| bias.to_le_bytes());
    writer.push(&format!("{name}.bias"), Dtype::I32, &shape[..1], bias);
    let multiplier = layer.multiplier.iter().flat_map(|multiplier| multiplier.to_le_bytes());
    let shape = [layer.multiplier.len()];
    writer.push(&format!("{name}.multiplier"), Dtype::I16, &shape, multiplier);
}
