//! The register file as the host reads it.

use crate::counters::Counters;
use tercel_abi::device::{self, LINES, line_register, register};
use tercel_abi::{LAYOUT_HASH, VERSION, counter_register, line_counter_register};

/// Rate of the emulator's clock: a tick is a nanosecond.
pub(crate) const TICKS_PER_SECOND: u32 = 1_000_000_000;

/// Bits of the card's clock and of sequence numbers.
pub(crate) const MASK_48: u64 = (1 << 48) - 1;

/// Registers of the card that the host writes. CONTROL and SNAPSHOT stand last, as they act on
/// what the others hold.
pub(crate) const WRITABLE: [u32; 10] = [
    register::TAIL,
    register::RING_LOG2,
    register::RING_BASE_LO,
    register::RING_BASE_HI,
    register::NEXT_SEQ_LO,
    register::NEXT_SEQ_HI,
    register::VENUE,
    register::PASS_ALL,
    register::SNAPSHOT,
    register::CONTROL,
];

/// Registers of a line that the host writes.
pub(crate) const LINE_WRITABLE: [u32; 5] = [
    line_register::ADDRESS,
    line_register::PORT,
    line_register::SESSION_0,
    line_register::SESSION_1,
    line_register::SESSION_2,
];

/// What a line listens to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LineConfig {
    /// IPv4 destination address, its first byte in the highest bits; zero for a line that is off.
    pub(crate) address: u32,
    /// UDP destination port.
    pub(crate) port: u16,
    /// MoldUDP64 session.
    pub(crate) session: [u8; 10],
}

/// Where the ring lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Geometry {
    /// Bus address of slot 0.
    pub(crate) base: u64,
    /// Number of slots as a power of two.
    pub(crate) log2: u32,
}

/// All words of the register file.
#[derive(Clone, Debug)]
pub(crate) struct Registers {
    words: Box<[u32]>,
}

impl Registers {
    /// As after a reset.
    pub(crate) fn new(dma_window: u32) -> Registers {
        let mut registers = Registers { words: vec![0; device::SIZE / 4].into() };
        registers.set(register::MAGIC, device::MAGIC);
        registers.set(register::VERSION, VERSION as u32);
        registers.set_pair(register::LAYOUT_HASH_LO, register::LAYOUT_HASH_HI, LAYOUT_HASH);
        registers.set(register::TICKS_PER_SECOND, TICKS_PER_SECOND);
        registers.set(register::DMA_WINDOW, dma_window);
        registers.latch(&Counters::new());
        registers
    }

    /// The word at `offset`; zero where nothing is.
    pub(crate) fn get(&self, offset: u32) -> u32 {
        if offset.is_multiple_of(4) {
            self.words.get(offset as usize / 4).copied().unwrap_or(0)
        } else {
            0
        }
    }

    /// Sets the word of a register.
    pub(crate) fn set(&mut self, offset: u32, value: u32) {
        self.words[offset as usize / 4] = value;
    }

    /// Sets two registers that hold one number.
    pub(crate) fn set_pair(&mut self, low: u32, high: u32, value: u64) {
        self.set(low, value as u32);
        self.set(high, (value >> 32) as u32);
    }

    fn pair(&self, low: u32, high: u32) -> u64 {
        u64::from(self.get(low)) | u64::from(self.get(high)) << 32
    }

    /// Whether the host writes the word at `offset`.
    pub(crate) fn is_writable(offset: u32) -> bool {
        let of_line =
            |line| LINE_WRITABLE.iter().any(|&of| tercel_abi::line_register(line, of) == offset);
        let filter = device::FILTER_OFFSET..device::FILTER_OFFSET + 4 * device::FILTER_WORDS;
        WRITABLE.contains(&offset)
            || (0..LINES).any(of_line)
            || (filter.contains(&offset) && offset.is_multiple_of(4))
    }

    /// A word of the filter.
    #[inline]
    pub(crate) fn filter(&self, index: usize) -> u32 {
        self.words[device::FILTER_OFFSET as usize / 4 + index]
    }

    /// What line `line` listens to.
    pub(crate) fn line(&self, line: usize) -> LineConfig {
        let get = |of| self.get(tercel_abi::line_register(line, of));
        let mut session = [0; 10];
        session[..4].copy_from_slice(&get(line_register::SESSION_0).to_le_bytes());
        session[4..8].copy_from_slice(&get(line_register::SESSION_1).to_le_bytes());
        session[8..].copy_from_slice(&get(line_register::SESSION_2).to_le_bytes()[..2]);
        LineConfig {
            address: get(line_register::ADDRESS),
            port: get(line_register::PORT) as u16,
            session,
        }
    }

    /// Shows `session` as the last other one that `line` heard of.
    pub(crate) fn set_seen(&mut self, line: usize, session: [u8; 10]) {
        let [a, b, c, d, e, f, g, h, i, j] = session;
        let words = [[a, b, c, d], [e, f, g, h], [i, j, 0, 0]].map(u32::from_le_bytes);
        let of = [line_register::SEEN_0, line_register::SEEN_1, line_register::SEEN_2];
        for (of, word) in of.into_iter().zip(words) {
            self.set(tercel_abi::line_register(line, of), word);
        }
    }

    /// The ring that is configured, where the card can have it: a power of two from 4 to 20 at a
    /// multiple of a line, and inside of `dma_bytes` where the card has memory of its own.
    pub(crate) fn geometry(&self, dma_bytes: Option<u64>) -> Option<Geometry> {
        let base = self.pair(register::RING_BASE_LO, register::RING_BASE_HI);
        let log2 = self.get(register::RING_LOG2);
        if !(4..=20).contains(&log2) || !base.is_multiple_of(64) {
            return None;
        }
        let end = base.checked_add(64 << log2)?;
        (dma_bytes.is_none_or(|bytes| end <= bytes)).then_some(Geometry { base, log2 })
    }

    /// The first sequence number expected, or zero.
    pub(crate) fn next_seq(&self) -> u64 {
        self.pair(register::NEXT_SEQ_LO, register::NEXT_SEQ_HI) & MASK_48
    }

    /// Whether the filter is off.
    pub(crate) fn passes_all(&self) -> bool {
        self.get(register::PASS_ALL) & 1 != 0
    }

    /// Makes `counters` what the host reads.
    pub(crate) fn latch(&mut self, counters: &Counters) {
        for (index, value) in counters.card.iter().enumerate() {
            self.set(counter_register(index), *value);
        }
        for (line, values) in counters.lines.iter().enumerate() {
            for (index, value) in values.iter().enumerate() {
                self.set(line_counter_register(line, index), *value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_host_configures_is_writable() {
        let writable: Vec<u32> =
            (0..device::SIZE as u32).filter(|at| Registers::is_writable(*at)).collect();
        assert_eq!(writable.len(), 10 + 2 * 5 + device::FILTER_WORDS as usize);
        assert!(writable.iter().all(|at| at.is_multiple_of(4)));
        assert!(!Registers::is_writable(register::STATUS));
        let seen = tercel_abi::line_register(1, line_register::SEEN_0);
        assert!(!Registers::is_writable(seen));
        assert!(!Registers::is_writable(counter_register(0)));
    }

    #[test]
    fn a_ring_outside_of_what_the_card_can_write_is_refused() {
        let with = |base: u64, log2: u32, bytes: Option<u64>| {
            let mut registers = Registers::new(0);
            registers.set_pair(register::RING_BASE_LO, register::RING_BASE_HI, base);
            registers.set(register::RING_LOG2, log2);
            registers.geometry(bytes)
        };
        assert_eq!(with(64, 4, None), Some(Geometry { base: 64, log2: 4 }));
        assert_eq!(with(0, 3, None), None);
        assert_eq!(with(0, 21, None), None);
        assert_eq!(with(0, u32::MAX, None), None);
        assert_eq!(with(32, 4, None), None);
        assert_eq!(with(u64::MAX - 63, 4, None), None);
        assert!(with(0, 4, Some(1024)).is_some());
        assert_eq!(with(64, 4, Some(1024)), None);
        assert_eq!(with(0, 5, Some(1024)), None);
    }
}
