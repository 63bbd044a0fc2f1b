//! A card that is a file: registers, then ring memory, as `tercel emulate` shares them. Together
//! with `vfio.rs` the only unsafe code of this crate.
//!
//! Registers are 32-bit atomics, ring memory is 64-bit atomics, and the two do not overlap. What
//! this cannot defend against is a process that shortens the file, which kills whoever touches the
//! lost part with SIGBUS; the emulator never does.
#![allow(unsafe_code)]

use crate::backend::{Backend, BackendError, Bar, DmaMemory, Interrupt, PciIdentity};
use memmap2::{MmapOptions, MmapRaw};
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tercel_abi::device;

/// Most of a file that is mapped; the emulator makes none that is longer.
const BYTES_MAX: u64 = device::SIZE as u64 + (1 << 30);

/// The file of a card.
#[derive(Debug)]
pub struct SharedFile {
    bar: SharedBar,
}

/// The registers of a card in a file.
#[derive(Debug)]
pub struct SharedBar {
    map: Arc<Map>,
}

/// A piece of ring memory of a card in a file.
#[derive(Debug)]
pub struct SharedMemory {
    map: Arc<Map>,
    /// In bytes, from the file's begin: inside of the mapping, behind the registers, and at a
    /// multiple of 64. Written by `SharedFile::memory` only.
    begin: usize,
    words: usize,
}

/// A card in a file has no interrupt.
#[derive(Debug)]
pub enum NoInterrupt {}

/// The whole mapping.
#[derive(Debug)]
struct Map {
    raw: MmapRaw,
}

impl SharedFile {
    /// Opens and maps the file at `path`.
    ///
    /// # Errors
    /// When it is not there, may not be written, or is too short for the registers of a card.
    pub fn open(path: &Path) -> Result<SharedFile, BackendError> {
        let failed = |what| move |source| BackendError::System { path: path.into(), what, source };
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed("open"))?;
        let metadata = file.metadata().map_err(failed("measure"))?;
        if !metadata.is_file() {
            let source = io::Error::from(io::ErrorKind::InvalidInput);
            return Err(BackendError::System { path: path.into(), what: "map", source });
        }
        if metadata.len() < device::SIZE as u64 {
            return Err(BackendError::TooShort { path: path.into(), bytes: metadata.len() });
        }
        let bytes = metadata.len().min(BYTES_MAX) as usize;
        // Not populated: the file may be much longer than the ring, whose pages the start touches.
        let raw = MmapOptions::new().len(bytes).map_raw(&file).map_err(failed("map"))?;
        Ok(SharedFile { bar: SharedBar { map: Arc::new(Map { raw }) } })
    }
}

impl Backend for SharedFile {
    type Bar = SharedBar;
    type Memory = SharedMemory;
    type Interrupt = NoInterrupt;

    #[inline]
    fn bar(&self) -> &SharedBar {
        &self.bar
    }

    fn memory(&self, window: u32, bytes: usize) -> Result<SharedMemory, BackendError> {
        let map = &self.bar.map;
        let begin = window as usize;
        if begin < device::SIZE || begin > map.raw.len() || !begin.is_multiple_of(64) {
            return Err(BackendError::Window(window));
        }
        let available = map.raw.len() - begin;
        if bytes > available {
            return Err(BackendError::NoRoom { wanted: bytes, available });
        }
        Ok(SharedMemory { map: Arc::clone(map), begin, words: bytes / 8 })
    }

    fn interrupt(&self) -> Result<NoInterrupt, BackendError> {
        Err(BackendError::Unsupported("interrupt"))
    }

    fn identity(&self) -> Result<PciIdentity, BackendError> {
        Err(BackendError::Unsupported("configuration space"))
    }
}

impl SharedBar {
    #[inline]
    fn word(&self, offset: u32) -> Option<&AtomicU32> {
        // SAFETY: the mapping is at least `device::SIZE` bytes long, as `SharedFile::open` has
        // checked, begins at a page, is readable and writable, and lives as long as `self`. Every
        // bit pattern is a u32, and this part is seen as 32-bit atomics only, in this process and,
        // by the layouts' rules, in the emulator's.
        let words = unsafe {
            let first = self.map.raw.as_mut_ptr().cast::<AtomicU32>();
            std::slice::from_raw_parts(first, device::SIZE / 4)
        };
        debug_assert!(offset.is_multiple_of(4), "offset {offset:#x}");
        words.get(offset as usize / 4)
    }
}

impl Bar for SharedBar {
    fn bytes(&self) -> usize {
        device::SIZE
    }

    #[inline]
    fn read32(&self, offset: u32) -> u32 {
        // pairs with the emulator's release stores
        self.word(offset).map_or(u32::MAX, |word| word.load(Ordering::Acquire))
    }

    #[inline]
    fn write32(&self, offset: u32, value: u32) {
        if let Some(word) = self.word(offset) {
            word.store(value, Ordering::Release); // pairs with the emulator's acquire loads
        }
    }
}

impl DmaMemory for SharedMemory {
    fn bus_address(&self) -> u64 {
        0
    }

    #[inline]
    fn words(&self) -> &[AtomicU64] {
        // SAFETY: `SharedFile::memory` has checked that `begin` is a multiple of 64 behind the
        // registers and that `words` words from there lie inside of the mapping, which is readable,
        // writable, and lives as long as `self`. Every bit pattern is a u64, and this part is seen
        // as 64-bit atomics only, in this process and, by the layouts' rules, in the emulator's.
        unsafe {
            let first = self.map.raw.as_mut_ptr().add(self.begin).cast::<AtomicU64>();
            std::slice::from_raw_parts(first, self.words)
        }
    }
}

impl Interrupt for NoInterrupt {
    fn wait(&self, _: Duration) -> Result<u64, BackendError> {
        match *self {}
    }
}
