//! One array of a checkpoint.

use anyhow::{Result, bail, ensure};

/// Numbers of one kind.
#[derive(Clone, PartialEq, Debug)]
pub enum Array {
    /// Singles.
    F32(Vec<f32>),
    /// Doubles.
    F64(Vec<f64>),
    /// Whole numbers; signed ones as their bits.
    U64(Vec<u64>),
    /// Bytes and flags.
    U8(Vec<u8>),
}

impl Array {
    /// How the header names the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Array::F32(_) => "f32",
            Array::F64(_) => "f64",
            Array::U64(_) => "u64",
            Array::U8(_) => "u8",
        }
    }

    /// How many numbers it has.
    pub fn len(&self) -> usize {
        match self {
            Array::F32(numbers) => numbers.len(),
            Array::F64(numbers) => numbers.len(),
            Array::U64(numbers) => numbers.len(),
            Array::U8(numbers) => numbers.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Array::F32(numbers) => out.extend(numbers.iter().flat_map(|x| x.to_le_bytes())),
            Array::F64(numbers) => out.extend(numbers.iter().flat_map(|x| x.to_le_bytes())),
            Array::U64(numbers) => out.extend(numbers.iter().flat_map(|x| x.to_le_bytes())),
            Array::U8(numbers) => out.extend(numbers),
        }
    }

    /// Takes `count` numbers off the front of `data`.
    pub(super) fn read(kind: &str, count: usize, data: &mut &[u8]) -> Result<Array> {
        let width = match kind {
            "f32" => 4,
            "f64" | "u64" => 8,
            "u8" => 1,
            _ => bail!("numbers of kind {kind}, known are f32, f64, u64 and u8"),
        };
        let size = count.saturating_mul(width);
        ensure!(size <= data.len(), "{count} numbers do not fit into the file");
        let (bytes, rest) = data.split_at(size);
        *data = rest;
        let (fours, _) = bytes.as_chunks::<4>();
        let (eights, _) = bytes.as_chunks::<8>();
        Ok(match kind {
            "f32" => Array::F32(fours.iter().map(|x| f32::from_le_bytes(*x)).collect()),
            "f64" => Array::F64(eights.iter().map(|x| f64::from_le_bytes(*x)).collect()),
            "u64" => Array::U64(eights.iter().map(|x| u64::from_le_bytes(*x)).collect()),
            _ => Array::U8(bytes.to_vec()),
        })
    }
}
