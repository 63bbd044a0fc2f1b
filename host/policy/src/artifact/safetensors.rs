//! The safetensors format: eight bytes of length, little-endian; a JSON header of that length; the
//! numbers.
//!
//! The header maps each tensor's name to its type, its shape, and where its bytes begin and end
//! after the header. As the format's own reader does, this one wants the tensors to fill the space
//! after the header without overlap.

use super::error::{ArtifactError, Part};
use super::json::{self, Object, TEXT_MAX};
use core::fmt::Write;
use core::ops::Range;
use tinyjson::JsonValue;

/// Bytes of the length in front.
const PREFIX: usize = 8;

/// Longest file read: a thousand layers of 16,384 numbers would not be a policy of this host.
const FILE_MAX: usize = 64 << 20;

/// Type of the numbers of a tensor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dtype {
    F32,
    /// The upper half of an f32.
    Bf16,
    I32,
    I16,
    I8,
}

impl Dtype {
    const ALL: [Dtype; 5] = [Dtype::F32, Dtype::Bf16, Dtype::I32, Dtype::I16, Dtype::I8];

    fn name(self) -> &'static str {
        match self {
            Dtype::F32 => "F32",
            Dtype::Bf16 => "BF16",
            Dtype::I32 => "I32",
            Dtype::I16 => "I16",
            Dtype::I8 => "I8",
        }
    }

    /// Bytes of one number.
    fn size(self) -> usize {
        match self {
            Dtype::F32 | Dtype::I32 => 4,
            Dtype::Bf16 | Dtype::I16 => 2,
            Dtype::I8 => 1,
        }
    }
}

/// Which tensor: its name in the file, and what error messages call it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name<'a> {
    pub(super) text: &'a str,
    /// Number of its layer in the order of the kind's documentation.
    pub(super) layer: usize,
    pub(super) what: &'static str,
}

/// A file whose tensors are taken one by one.
pub(super) struct File<'a> {
    header: JsonValue,
    data: &'a [u8],
    places: Vec<Range<usize>>,
}

impl<'a> File<'a> {
    /// Opens a file that should have `expected` tensors.
    pub(super) fn open(bytes: &'a [u8], expected: usize) -> Result<File<'a>, ArtifactError> {
        let part = Part::Weights;
        if bytes.len() > FILE_MAX {
            return Err(ArtifactError::TooLong { part });
        }
        let (prefix, rest) = bytes.split_first_chunk::<PREFIX>().ok_or(ArtifactError::Truncated)?;
        let length = u64::from_le_bytes(*prefix);
        if length > TEXT_MAX as u64 {
            return Err(ArtifactError::TooLong { part });
        }
        let (header, data) =
            rest.split_at_checked(length as usize).ok_or(ArtifactError::Truncated)?;
        let file = File { header: json::parse(part, header)?, data, places: Vec::new() };
        let names = file.header()?.fields.keys();
        let found = names.filter(|name| *name != "__metadata__").count();
        if found == expected {
            Ok(file)
        } else {
            Err(ArtifactError::TensorCount { found, expected })
        }
    }

    fn header(&self) -> Result<Object<'_>, ArtifactError> {
        Object::new(Part::Weights, &self.header, "the header")
    }

    /// The type and the bytes of a tensor, checked against the shape that it should have and the
    /// types allowed.
    pub(super) fn take(
        &mut self,
        name: Name<'_>,
        dtypes: &[Dtype],
        shape: &[usize],
    ) -> Result<(Dtype, &'a [u8]), ArtifactError> {
        let wrong = ArtifactError::Tensor { layer: name.layer };
        let header = self.header()?;
        let missing = ArtifactError::Missing { part: Part::Weights, what: name.what };
        let value = header.fields.get(name.text).ok_or(missing)?;
        let tensor = Object::new(Part::Weights, value, name.what)?;
        let dtype = tensor.text("dtype")?;
        let dtype = Dtype::ALL.into_iter().find(|known| known.name() == dtype).ok_or(wrong)?;
        if !dtypes.contains(&dtype) {
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
        // At most a few million numbers, by the manifest's reader: no overflow.
        let size = dtype.size() * shape.iter().product::<usize>();
        if end > self.data.len() || start > end || end - start != size {
            return Err(wrong);
        }
        self.places.push(start..end);
        Ok((dtype, &self.data[start..end]))
    }

    /// All tensors are taken: they fill the file.
    pub(super) fn finish(mut self) -> Result<(), ArtifactError> {
        self.places.sort_unstable_by_key(|place| (place.start, place.end));
        let mut end = 0;
        for place in &self.places {
            if place.start != end {
                return Err(ArtifactError::Layout);
            }
            end = place.end;
        }
        if end == self.data.len() { Ok(()) } else { Err(ArtifactError::Layout) }
    }
}

/// Makes a file that [`File`] reads back.
#[derive(Default)]
pub(super) struct Writer {
    header: String,
    data: Vec<u8>,
}

impl Writer {
    /// Adds a tensor.
    pub(super) fn push(
        &mut self,
        name: &str,
        dtype: Dtype,
        shape: &[usize],
        bytes: impl IntoIterator<Item = u8>,
    ) {
        let start = self.data.len();
        self.data.extend(bytes);
        let (open, end) = (if self.header.is_empty() { '{' } else { ',' }, self.data.len());
        // Writing to a string does not fail.
        let _ = write!(
            self.header,
            "{open}\"{name}\":{{\"dtype\":\"{}\",\"shape\":{shape:?},\
             \"data_offsets\":[{start},{end}]}}",
            dtype.name(),
        );
    }

    /// The whole file.
    pub(super) fn finish(self) -> Vec<u8> {
        let Writer { mut header, data } = self;
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
}
