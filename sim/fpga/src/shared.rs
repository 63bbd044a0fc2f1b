//! The card as another process sees it: a file of registers and ring memory. The only unsafe file
//! of this crate.
//!
//! The file is the register file of [`device::SIZE`] bytes, then the ring memory, in which ring
//! addresses count from zero. Both sides map it; every word is an atomic, because the other side
//! may write any of them at any time, and nothing that it writes is believed: a ring that does not
//! lie inside of the ring memory is not started. What this cannot defend against is a process that
//! shortens the file, which kills whoever touches the lost part with SIGBUS; this side never does.
#![allow(unsafe_code)]

use crate::emulator::{Config, Emulator};
use crate::registers::{LINE_WRITABLE, Registers, WRITABLE};
use memmap2::{MmapOptions, MmapRaw};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use tercel_abi::device::line_register as of_line;
use tercel_abi::device::{self, LINES, counter, line_counter, register};
use tercel_abi::{FeedDevice, RxFrame, counter_register, line_counter_register, line_register};
use thiserror::Error;

/// Bytes of the smallest ring, of 16 records, and of the largest that makes sense.
const DMA_MIN: usize = 64 << 4;
const DMA_MAX: usize = 64 << 20;

/// Words of the filter copied in a turn; all of them once in 32 turns.
const FILTER_TURN: u32 = 64;

/// Records of one frame of 1,514 bytes at most: messages of 12 bytes and their lengths, and those
/// of BEGIN and END.
const FRAME_RECORDS_MAX: u32 = (1_514 - 62) / 14 + 2;

/// Bytes written at a time when the file is made longer.
const CHUNK: usize = 1 << 16;

/// Why a card's file could not be made or taken over.
#[derive(Debug, Error)]
pub enum CardError {
    /// Another emulator owns the file.
    #[error("{}: another emulator owns this card", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else, which is left alone.
    #[error("{}: this file is not a card's", path.display())]
    NotACard {
        /// The file.
        path: PathBuf,
    },
    /// The ring memory asked for is not a multiple of 64 bytes, or too small, or too large.
    #[error("{}: ring memory of {bytes} bytes, not {DMA_MIN} to {DMA_MAX} by 64", path.display())]
    DmaBytes {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        bytes: usize,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// A card in a file. Whoever holds it drives it: [`SharedCard::rx_frame`] for each frame and
/// [`SharedCard::run_once`] in between, often enough for a host that waits for an answer.
///
/// What stands in the file is this side's: identity, clock, and the check that the ring lies inside
/// of the memory. The rest is the device's, be it an emulator or a simulation of the RTL.
#[derive(Debug)]
pub struct SharedCard<D: FeedDevice = Emulator> {
    device: D,
    /// How the device takes a frame with the filter as it is in the file; none for a device that
    /// has a filter of its own, into which the words are copied.
    windowed: Option<Windowed<D>>,
    /// What the device was last told, and the registers after a reset.
    shadow: Registers,
    /// First word of the filter to be copied in the next turn.
    filter_at: u32,
    memory: Memory,
    /// Holds the lock.
    _file: File,
}

/// Takes a frame with the words of the filter by their index.
type Windowed<D> = fn(&mut D, &RxFrame<'_>, &dyn Fn(usize) -> u32);

impl SharedCard {
    /// An emulated card in the file at `path`; as [`SharedCard::with_device`].
    ///
    /// # Errors
    /// See [`CardError`].
    pub fn create(path: &Path, dma_bytes: usize, time_base: u64) -> Result<SharedCard, CardError> {
        let emulator = Emulator::new(Config { dma_window: device::SIZE as u32, time_base });
        let mut card = SharedCard::with_device(path, dma_bytes, time_base, emulator)?;
        card.windowed = Some(Emulator::rx_frame_filtered);
        Ok(card)
    }
}

impl<D: FeedDevice> SharedCard<D> {
    /// Makes the file at `path` a card with `dma_bytes` of ring memory at least, and owns it until
    /// the card is dropped. `device` does the work; its ticks are nanoseconds since `time_base`. A
    /// card's file that is there already is reset and used on, with the memory that it has if that
    /// is more: a host that has mapped it sees STATUS become zero.
    ///
    /// # Errors
    /// See [`CardError`].
    pub fn with_device(
        path: &Path,
        dma_bytes: usize,
        time_base: u64,
        mut device: D,
    ) -> Result<SharedCard<D>, CardError> {
        if !(DMA_MIN..=DMA_MAX).contains(&dma_bytes) || !dma_bytes.is_multiple_of(64) {
            return Err(CardError::DmaBytes { path: path.into(), bytes: dma_bytes });
        }
        let failed = |source| CardError::Io { path: path.into(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CardError::Busy { path: path.into() }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        if !is_card(&mut file).map_err(failed)? {
            return Err(CardError::NotACard { path: path.into() });
        }
        let bytes = lengthen(&mut file, device::SIZE + dma_bytes).map_err(failed)?;
        let memory = Memory::new(&file, bytes).map_err(failed)?;
        let mut shadow = Registers::new(device::SIZE as u32);
        shadow.set_pair(register::TIME_BASE_LO, register::TIME_BASE_HI, time_base);
        memory.reset(&shadow);
        device.csr_write(register::CONTROL, 0);
        Ok(SharedCard { device, windowed: None, shadow, filter_at: 0, memory, _file: file })
    }

    /// Gives a frame to a line; its records are in the ring when this returns, as far as there is
    /// room.
    pub fn rx_frame(&mut self, line: usize, bytes: &[u8], fcs_good: bool, ticks: u64) {
        // The host no longer reads the slots up to TAIL; pairs with its release store of TAIL.
        let tail = self.memory.register(register::TAIL).load(Ordering::Acquire);
        self.tell(register::TAIL, tail);
        let frame = RxFrame { line, bytes, fcs_good, ticks };
        match self.windowed {
            Some(take) => {
                let memory = &self.memory;
                take(&mut self.device, &frame, &|index| {
                    let offset = device::FILTER_OFFSET + 4 * index as u32;
                    memory.register(offset).load(Ordering::Relaxed)
                });
            }
            None => self.device.rx_frame(&frame),
        }
        self.write_ring();
    }

    /// Takes up what the host has written, sets the clock, and shows the host what there is.
    pub fn run_once(&mut self, now_ticks: u64) {
        let latched = self.take_up();
        self.memory.show(register::TIME_HI, (now_ticks >> 32) as u32 & 0xffff);
        self.memory.show(register::TIME_LO, now_ticks as u32);
        self.write_ring();
        for line in 0..LINES {
            for of in [of_line::SEEN_0, of_line::SEEN_1, of_line::SEEN_2] {
                self.show(line_register(line, of));
            }
        }
        if latched {
            self.show_counters();
        }
        self.show(register::SNAPSHOT_DONE);
        self.show(register::STATUS);
    }

    /// How many frames of an Ethernet MTU the ring surely has room for: one at least if the host
    /// has taken everything, however small the ring is, and none while the card is stopped.
    pub fn room(&mut self) -> usize {
        if self.device.csr_read(register::STATUS) == 0 {
            return 0;
        }
        let slots = 1_u32.checked_shl(self.shadow.get(register::RING_LOG2)).unwrap_or(0);
        let head = self.device.csr_read(register::HEAD);
        let held = head.wrapping_sub(self.memory.register(register::TAIL).load(Ordering::Relaxed));
        let frames = slots.saturating_sub(held) / FRAME_RECORDS_MAX;
        frames.max(u32::from(held == 0)) as usize
    }

    /// The device behind the file.
    pub fn device(&self) -> &D {
        &self.device
    }

    /// The device behind the file, to read its registers; what is written into them here is not
    /// seen in the file.
    pub fn device_mut(&mut self) -> &mut D {
        &mut self.device
    }

    /// Gives the device what the host has written, and says whether that changes its latched
    /// counters. CONTROL and SNAPSHOT are read first, since what they release lies in the others,
    /// and take effect last.
    fn take_up(&mut self) -> bool {
        let [plain @ .., snapshot_at, control_at] = &WRITABLE;
        // pairs with the host's release store of CONTROL
        let control = self.memory.register(*control_at).load(Ordering::Acquire);
        // pairs with the host's release store of SNAPSHOT
        let snapshot = self.memory.register(*snapshot_at).load(Ordering::Acquire);
        let lines = (0..LINES).flat_map(|line| LINE_WRITABLE.map(|of| line_register(line, of)));
        for offset in plain.iter().copied().chain(lines) {
            let value = self.memory.register(offset).load(Ordering::Relaxed);
            self.tell(offset, value);
        }
        // Slots up to TAIL may be written again, not earlier than the host's loads of them:
        // pairs with the host's release store of TAIL
        fence(Ordering::Acquire);
        let starts = control != self.shadow.get(*control_at);
        self.copy_filter(if starts { device::FILTER_WORDS } else { FILTER_TURN });
        let latches = self.tell(*snapshot_at, snapshot);
        if starts {
            self.shadow.set(*control_at, control);
            let possible = self.shadow.geometry(Some(self.memory.dma_bytes())).is_some();
            self.device.csr_write(*control_at, if possible { control } else { 0 });
        }
        starts || latches
    }

    /// Copies the next words of the filter to a device that cannot look into the file, all of them
    /// before a start and a few a turn afterwards.
    fn copy_filter(&mut self, count: u32) {
        if self.windowed.is_some() {
            return;
        }
        for _ in 0..count {
            let offset = device::FILTER_OFFSET + 4 * self.filter_at;
            self.filter_at = (self.filter_at + 1) % device::FILTER_WORDS;
            let value = self.memory.register(offset).load(Ordering::Relaxed);
            self.tell(offset, value);
        }
    }

    /// Writes a register of the device if it holds something else, and says whether it does.
    fn tell(&mut self, offset: u32, value: u32) -> bool {
        let differs = self.shadow.get(offset) != value;
        if differs {
            self.shadow.set(offset, value);
            self.device.csr_write(offset, value);
        }
        differs
    }

    fn write_ring(&mut self) {
        let memory = &self.memory;
        self.device.poll(&mut |address, line| memory.write_line(address, line));
        self.show(register::HEAD);
    }

    fn show_counters(&mut self) {
        let of_card = (0..counter::COUNT).map(counter_register);
        let of_lines = (0..LINES).flat_map(|line| {
            (0..line_counter::COUNT).map(move |index| line_counter_register(line, index))
        });
        for offset in of_card.chain(of_lines) {
            self.show(offset);
        }
    }

    /// Shows the host what the device's register reads.
    fn show(&mut self, offset: u32) {
        let value = self.device.csr_read(offset);
        self.memory.show(offset, value);
    }
}

impl<D: FeedDevice> Drop for SharedCard<D> {
    fn drop(&mut self) {
        self.memory.show(register::STATUS, 0);
    }
}

/// The mapping of the file.
#[derive(Debug)]
struct Memory {
    raw: MmapRaw,
    /// Words of the ring memory.
    dma_words: usize,
}

impl Memory {
    /// Maps the first `bytes` bytes of the file, which must be that long: the register file at
    /// least, and a multiple of 8.
    fn new(file: &File, bytes: usize) -> io::Result<Memory> {
        let length = file.metadata()?.len();
        if length < bytes as u64 || bytes < device::SIZE || !bytes.is_multiple_of(8) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let raw = MmapOptions::new().len(bytes).populate().map_raw(file)?;
        Ok(Memory { raw, dma_words: (bytes - device::SIZE) / 8 })
    }

    /// Bytes of the ring memory.
    fn dma_bytes(&self) -> u64 {
        8 * self.dma_words as u64
    }

    /// Makes the register file that of a card after its reset: STATUS first, so that a host that
    /// has it mapped does not take the rest for its own configuration, MAGIC last.
    fn reset(&self, registers: &Registers) {
        self.show(register::STATUS, 0);
        for offset in (0..device::SIZE as u32).step_by(4).filter(|at| *at != register::MAGIC) {
            self.show(offset, registers.get(offset));
        }
        self.show(register::MAGIC, device::MAGIC);
    }

    /// The register file.
    #[inline]
    fn registers(&self) -> &[AtomicU32] {
        // SAFETY: `new` has mapped `device::SIZE` bytes at least, for reading and writing, from a
        // page's begin on, and they live as long as `self`. Every bit pattern is a u32, and this
        // part is never seen as anything but 32-bit atomics.
        unsafe {
            let first = self.raw.as_mut_ptr().cast::<AtomicU32>();
            std::slice::from_raw_parts(first, device::SIZE / 4)
        }
    }

    /// The ring memory.
    #[inline]
    fn dma(&self) -> &[AtomicU64] {
        // SAFETY: `new` has mapped `dma_words` words behind the register file, whose size is a
        // multiple of 8, for reading and writing, and they live as long as `self`. Every bit
        // pattern is a u64, and this part is never seen as anything but 64-bit atomics.
        unsafe {
            let first = self.raw.as_mut_ptr().add(device::SIZE).cast::<AtomicU64>();
            std::slice::from_raw_parts(first, self.dma_words)
        }
    }

    /// The word of a register.
    #[inline]
    fn register(&self, offset: u32) -> &AtomicU32 {
        &self.registers()[offset as usize / 4]
    }

    /// Shows the host a value, with all that was written before. A word that holds it already is
    /// left alone, since a store would take its line away from the host's core.
    #[inline]
    fn show(&self, offset: u32, value: u32) {
        let word = self.register(offset);
        if word.load(Ordering::Relaxed) != value {
            word.store(value, Ordering::Release); // pairs with the host's acquire load
        }
    }

    /// Writes a line of the ring; the first word makes it valid.
    fn write_line(&self, address: u64, line: &[u8; 64]) {
        // A start has checked that the ring lies inside of this memory. What a device writes
        // elsewhere all the same goes nowhere.
        let at = address as usize / 8;
        let Some(slot) = self.dma().get(at..at + 8) else { return };
        let (words, _) = line.as_chunks::<8>();
        for (to, word) in slot.iter().zip(words).skip(1) {
            to.store(u64::from_ne_bytes(*word), Ordering::Relaxed);
        }
        let first = u64::from_ne_bytes(words[0]);
        slot[0].store(first, Ordering::Release); // pairs with the host's acquire load of word 0
    }
}

/// Whether the file may become a card: it is empty, was one, or was left when half made.
fn is_card(file: &mut File) -> io::Result<bool> {
    if !file.metadata()?.is_file() {
        return Ok(false);
    }
    let mut magic = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    (&*file).take(4).read_to_end(&mut magic)?;
    Ok(match <[u8; 4]>::try_from(magic) {
        Ok(magic) => [0, device::MAGIC].contains(&u32::from_ne_bytes(magic)),
        Err(short) => short.is_empty(),
    })
}

/// Makes the file `bytes` long, if it is not longer, and returns how much of it whole lines are.
/// The zeros are written, not left out, so that a full file system is an error here and not a
/// SIGBUS later.
fn lengthen(file: &mut File, bytes: usize) -> io::Result<usize> {
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    file.seek(SeekFrom::End(0))?;
    let zeros = [0; CHUNK];
    let mut left = bytes.saturating_sub(length);
    while left > 0 {
        let some = left.min(CHUNK);
        file.write_all(&zeros[..some])?;
        left -= some;
    }
    Ok(length.clamp(bytes, device::SIZE + DMA_MAX) / 64 * 64)
}
