//! The safetensors format: eight bytes of length, little-endian; a JSON header of that length; the
//! numbers.
//!
//! The header maps each tensor's name to its type, its shape, and where its bytes begin and end
//! after the header. As the format's own reader does, this one wants the tensors to fill the space
//! after the header without overlap.

use super::error::{ArtifactError, Part};
use super::json::{self, Object, TEXT_MAX};
use crate::mlp::Dense;
use core::fmt::Write;
use core::ops::Range;

/// Bytes of the length in front.
const PREFIX: usize = 8;

/// Bytes of one number.
const F32: usize = 4;

/// Reads the layers of a network of `widths` (at least two, each bounded by the manifest's reader).
pub(super) fn parse(bytes: &[u8], widths: &[usize]) -> Result<Vec<Dense>, ArtifactError> {
    let part = Part::Weights;
    let (prefix, rest) = bytes.split_first_chunk::<PREFIX>().ok_or(ArtifactError::Truncated)?;
    let length = u64::from_le_bytes(*prefix);
    if length > TEXT_MAX as u64 {
        return Err(ArtifactError::TooLong { part });
    }
    let (header, data) = rest.split_at_checked(length as usize).ok_or(ArtifactError::Truncated)?;
    let header = json::parse(part, header)?;
    let header = Object::new(part, &header, "the header")?;
    let found = header.fields.keys().filter(|name| *name != "__metadata__").count();
    let expected = 2 * (widths.len() - 1);
    if found != expected {
        return Err(ArtifactError::TensorCount { found, expected });
    }
    let mut places = Vec::with_capacity(expected);
    let mut layers = Vec::with_capacity(widths.len() - 1);
    for (layer, pair) in widths.windows(2).enumerate() {
        let (inputs, outputs) = (pair[0], pair[1]);
        let weight = tensor(&header, layer, "weight", &[outputs, inputs], data.len())?;
        let bias = tensor(&header, layer, "bias", &[outputs], data.len())?;
        layers.push(Dense {
            inputs,
            weights: numbers(&data[weight.clone()]),
            bias: numbers(&data[bias.clone()]),
        });
        places.extend([weight, bias]);
    }
    places.sort_unstable_by_key(|place| place.start);
    let mut end = 0;
    for place in &places {
        if place.start != end {
            return Err(ArtifactError::Layout);
        }
        end = place.end;
    }
    if end == data.len() { Ok(layers) } else { Err(ArtifactError::Layout) }
}

/// Where a tensor lies, checked against the `length` of the data and its shape.
fn tensor(
    header: &Object<'_>,
    layer: usize,
    what: &'static str,
    shape: &[usize],
    length: usize,
) -> Result<Range<usize>, ArtifactError> {
    let wrong = ArtifactError::Tensor { layer };
    let missing = ArtifactError::Missing { part: Part::Weights, what };
    let value = header.fields.get(&name(layer, what)).ok_or(missing)?;
    let tensor = Object::new(Part::Weights, value, what)?;
    if tensor.text("dtype")? != "F32" {
        return Err(wrong);
    }
    let wholes = |field| -> Result<Vec<usize>, ArtifactError> {
        let values = tensor.array(field)?;
        let each = |value| json::whole(value).and_then(|value| usize::try_from(value).ok());
        values.iter().map(|value| each(value).ok_or(wrong)).collect()
    };
    if wholes("shape")? != shape {
        return Err(wrong);
    }
    let offsets = wholes("data_offsets")?;
    let [start, end] = offsets[..] else { return Err(wrong) };
    // At most WIDTH_MAX² numbers: no overflow.
    let size = F32 * shape.iter().product::<usize>();
    if end > length || start > end || end - start != size {
        return Err(wrong);
    }
    Ok(start..end)
}

fn name(layer: usize, what: &str) -> String {
    format!("layers.{layer}.{what}")
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<F32>();
    chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect()
}

/// The file that [`parse`] reads back.
pub(super) fn encode(layers: &[Dense]) -> Vec<u8> {
    let (mut header, mut data) = (String::from("{"), Vec::new());
    for (layer, dense) in layers.iter().enumerate() {
        let tensors = [
            ("weight", vec![dense.outputs(), dense.inputs], &dense.weights),
            ("bias", vec![dense.outputs()], &dense.bias),
        ];
        for (what, shape, numbers) in tensors {
            let start = data.len();
            data.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            let comma = if start == 0 { "" } else { "," };
            let end = data.len();
            // Writing to a string does not fail.
            let _ = write!(
                header,
                "{comma}\"{}\":{{\"dtype\":\"F32\",\"shape\":{shape:?},\
                 \"data_offsets\":[{start},{end}]}}",
                name(layer, what),
            );
        }
    }
    header.push('}');
    // The format aligns the data to eight bytes with spaces.
    while header.len() % 8 != 0 {
        header.push(' ');
    }
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header.into_bytes());
    out.extend(data);
    out
}
