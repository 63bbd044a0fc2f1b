//! Named arrays in one file, which is whole or is refused.
//!
//! The file: eight bytes `TERCELC1`; the header's length as u64, little-endian; the header, JSON:
//! the run's configuration word for word and, for each array in order, its name, its kind and how
//! many numbers it has; the numbers, little-endian, one array after the other; and last FNV-1a, 64
//! bits, of everything before it. The hash finds a file that was cut or damaged.

mod array;

pub use array::Array;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use tch::{Kind, Tensor};

const MAGIC: &[u8; 8] = b"TERCELC1";
const HEADER_MAX: usize = 1 << 20;

/// What a run can go on from.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Checkpoint {
    /// The configuration the run was started with, word for word.
    pub configuration: String,
    arrays: BTreeMap<String, Array>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    configuration: String,
    arrays: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    name: String,
    kind: String,
    count: usize,
}

impl Checkpoint {
    /// An empty one of a run with this configuration.
    pub fn new(configuration: &str) -> Checkpoint {
        Checkpoint { configuration: configuration.to_owned(), arrays: BTreeMap::new() }
    }

    /// Puts an array under a name; one of the same name is replaced.
    pub fn put(&mut self, name: &str, array: Array) {
        self.arrays.insert(name.to_owned(), array);
    }

    /// Puts doubles.
    pub fn put_f64(&mut self, name: &str, numbers: &[f64]) {
        self.put(name, Array::F64(numbers.to_vec()));
    }

    /// Puts singles.
    pub fn put_f32(&mut self, name: &str, numbers: &[f32]) {
        self.put(name, Array::F32(numbers.to_vec()));
    }

    /// Puts counters, keys and the like.
    pub fn put_u64(&mut self, name: &str, numbers: &[u64]) {
        self.put(name, Array::U64(numbers.to_vec()));
    }

    /// Puts a tensor of singles or of whole numbers, flat; the reader knows its shape.
    pub fn put_tensor(&mut self, name: &str, tensor: &Tensor) -> Result<()> {
        let flat = tensor.detach().flatten(0, -1).to_device(tch::Device::Cpu);
        let array = match flat.kind() {
            Kind::Float => Array::F32(Vec::try_from(&flat)?),
            Kind::Int64 => {
                let numbers: Vec<i64> = Vec::try_from(&flat)?;
                Array::U64(numbers.into_iter().map(|number| number as u64).collect())
            }
            Kind::Bool | Kind::Uint8 => Array::U8(Vec::try_from(flat.to_kind(Kind::Uint8))?),
            kind => bail!("{name}: a checkpoint holds no tensors of {kind:?}"),
        };
        self.put(name, array);
        Ok(())
    }

    /// The array of a name.
    pub fn array(&self, name: &str) -> Result<&Array> {
        self.arrays.get(name).with_context(|| format!("the checkpoint has no {name}"))
    }

    /// Doubles of a name.
    pub fn f64(&self, name: &str) -> Result<Vec<f64>> {
        match self.array(name)? {
            Array::F64(numbers) => Ok(numbers.clone()),
            other => bail!("the checkpoint's {name} is of {}, not f64", other.kind()),
        }
    }

    /// The only double of a name.
    pub fn one_f64(&self, name: &str) -> Result<f64> {
        let numbers = self.f64(name)?;
        ensure!(numbers.len() == 1, "the checkpoint's {name} is {} numbers", numbers.len());
        Ok(numbers[0])
    }

    /// Singles of a name.
    pub fn f32(&self, name: &str) -> Result<Vec<f32>> {
        match self.array(name)? {
            Array::F32(numbers) => Ok(numbers.clone()),
            other => bail!("the checkpoint's {name} is of {}, not f32", other.kind()),
        }
    }

    /// Whole numbers of a name.
    pub fn u64(&self, name: &str) -> Result<Vec<u64>> {
        match self.array(name)? {
            Array::U64(numbers) => Ok(numbers.clone()),
            other => bail!("the checkpoint's {name} is of {}, not u64", other.kind()),
        }
    }

    /// The only whole number of a name.
    pub fn one_u64(&self, name: &str) -> Result<u64> {
        let numbers = self.u64(name)?;
        ensure!(numbers.len() == 1, "the checkpoint's {name} is {} numbers", numbers.len());
        Ok(numbers[0])
    }

    /// Copies an array into a tensor of the same kind and as many numbers, in place.
    pub fn fill(&self, name: &str, tensor: &Tensor) -> Result<()> {
        let array = self.array(name)?;
        let source = match array {
            Array::F32(numbers) => Tensor::from_slice(numbers),
            Array::U64(numbers) => {
                let numbers: Vec<i64> = numbers.iter().map(|number| *number as i64).collect();
                Tensor::from_slice(&numbers)
            }
            Array::U8(numbers) => Tensor::from_slice(numbers),
            Array::F64(_) => bail!("the checkpoint's {name} is of f64, which no tensor here is"),
        };
        ensure!(
            source.numel() == tensor.numel(),
            "the checkpoint's {name} has {} numbers, the network here {}",
            source.numel(),
            tensor.numel()
        );
        let source = source.view_(tensor.size()).to_kind(tensor.kind());
        tch::no_grad(|| tensor.shallow_clone().copy_(&source));
        Ok(())
    }

    /// The bytes of the file.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let arrays = self.arrays.iter().map(|(name, array)| Entry {
            name: name.clone(),
            kind: array.kind().to_owned(),
            count: array.len(),
        });
        let header = Header { configuration: self.configuration.clone(), arrays: arrays.collect() };
        let header = serde_json::to_vec(&header)?;
        let mut out = MAGIC.to_vec();
        out.extend((header.len() as u64).to_le_bytes());
        out.extend(header);
        self.arrays.values().for_each(|array| array.write(&mut out));
        out.extend(fnv1a(&out).to_le_bytes());
        Ok(out)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// Names what is wrong: not a checkpoint, cut short, or damaged.
    pub fn parse(bytes: &[u8]) -> Result<Checkpoint> {
        ensure!(bytes.starts_with(MAGIC), "not a checkpoint of this program");
        ensure!(bytes.len() >= 24, "the checkpoint is cut short");
        let (body, hash) = bytes.split_at(bytes.len() - 8);
        ensure!(
            fnv1a(body).to_le_bytes() == hash,
            "the checkpoint is cut short or damaged: its hash is another"
        );
        let length = u64::from_le_bytes(body[8..16].try_into()?) as usize;
        ensure!(
            length <= HEADER_MAX && length <= body.len() - 16,
            "the checkpoint's header is longer than the file or than 1 MiB"
        );
        let (header, mut data) = body[16..].split_at(length);
        let header: Header = serde_json::from_slice(header).context("the checkpoint's header")?;
        let mut arrays = BTreeMap::new();
        for Entry { name, kind, count } in header.arrays {
            let array = Array::read(&kind, count, &mut data)
                .with_context(|| format!("the checkpoint's {name}"))?;
            arrays.insert(name, array);
        }
        ensure!(data.is_empty(), "{} bytes too many in the checkpoint", data.len());
        Ok(Checkpoint { configuration: header.configuration, arrays })
    }

    /// Writes it to a file, which holds either this or what it held before.
    pub fn write(&self, path: &Path) -> Result<()> {
        crate::atomic::write(path, &self.encode()?)
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Checkpoint> {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        Checkpoint::parse(&bytes).with_context(|| path.display().to_string())
    }
}

/// FNV-1a, 64 bits (draft-eastlake-fnv).
pub fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
