//! The levels around the touch of one side, by price: an array of level indices, one for each tick,
//! with a bit for each that is there.
//!
//! 1,024 ticks: $10.24 of a stock above a dollar, 10 cents of one below, where most of what is
//! added lies. 4 KiB of cells and two lines of bits; the 16 words of bits have a word of their own
//! in [`crate::ladder::SideLadder`], so that the best cell is found with two scans of a word.

use crate::memory::{Array, Reserve};

/// Ticks that a window covers.
pub(crate) const TICKS: usize = 1024;

/// Which ticks of a window have a level.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Bits([u64; TICKS / 64]);

/// Which words of a window's bits are not zero.
pub(crate) type Summary = u16;

/// All windows: window 0 is always empty.
pub(crate) struct Windows {
    bits: Array<Bits>,
    /// The levels of every window, [`TICKS`] after each other, zero where there is none.
    cells: Array<u32>,
}

/// The cell of a tick of a window.
#[inline]
pub(crate) fn cell(window: u32, tick: usize) -> usize {
    window as usize * TICKS + tick
}

impl Windows {
    pub(crate) fn new(len: usize, reserve: &mut Reserve) -> Result<Windows, i32> {
        Ok(Windows { bits: reserve.array(len)?, cells: reserve.array(len * TICKS)? })
    }

    /// Begins to load a cell.
    #[inline]
    pub(crate) fn fetch(&self, cell: usize) {
        self.cells.fetch(cell);
    }

    /// The level of a cell, zero if there is none.
    #[inline]
    pub(crate) fn get(&self, cell: usize) -> u32 {
        self.cells[cell]
    }

    #[inline]
    pub(crate) fn set(&mut self, window: u32, summary: &mut Summary, tick: usize, level: u32) {
        self.cells[cell(window, tick)] = level;
        self.bits[window as usize].0[tick / 64] |= 1 << (tick % 64);
        *summary |= 1 << (tick / 64);
    }

    #[inline]
    pub(crate) fn unset(&mut self, window: u32, summary: &mut Summary, tick: usize) {
        self.cells[cell(window, tick)] = 0;
        let word = &mut self.bits[window as usize].0[tick / 64];
        *word &= !(1 << (tick % 64));
        if *word == 0 {
            *summary &= !(1 << (tick / 64));
        }
    }

    /// Takes every level out of a window.
    pub(crate) fn empty(&mut self, window: u32) {
        self.bits[window as usize] = Bits([0; TICKS / 64]);
        self.cells[cell(window, 0)..cell(window, TICKS)].fill(0);
    }

    /// The highest tick with a level.
    #[inline]
    pub(crate) fn highest(&self, window: u32, summary: Summary) -> Option<usize> {
        if summary == 0 {
            return None;
        }
        let word = 15 - summary.leading_zeros() as usize;
        let bits = self.bits[window as usize].0[word & (TICKS / 64 - 1)];
        Some(word * 64 + 63 - bits.leading_zeros() as usize)
    }

    /// The highest tick below `tick`, which may be one beyond the window, with a level.
    #[inline]
    pub(crate) fn below(&self, window: u32, summary: Summary, tick: usize) -> Option<usize> {
        let word = tick / 64;
        let bits = &self.bits[window as usize].0;
        let rest = bits.get(word).map_or(0, |bits| bits & ((1 << (tick % 64)) - 1));
        if rest != 0 {
            return Some(word * 64 + 63 - rest.leading_zeros() as usize);
        }
        let better = u32::from(summary) & ((1 << word) - 1);
        self.highest(window, better as Summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn agrees_with_a_btree() {
        let mut windows = Windows::new(3, &mut Reserve::new(false, false)).unwrap();
        let (window, mut summary) = (1, 0);
        let (mut naive, mut seed) = (BTreeMap::new(), 9u64);
        for step in 0..100_000u32 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let tick = (seed >> 54) as usize;
            if step % 7 < 3 {
                windows.set(window, &mut summary, tick, step + 1);
                naive.insert(tick, step + 1);
            } else if let Some((&tick, _)) = naive.range(tick..).next() {
                windows.unset(window, &mut summary, tick);
                naive.remove(&tick);
            }
            assert_eq!(windows.get(cell(window, tick)), *naive.get(&tick).unwrap_or(&0));
            assert_eq!(
                windows.highest(window, summary),
                naive.last_key_value().map(|(tick, _)| *tick)
            );
            let below = |tick| naive.range(..tick).next_back().map(|(tick, _)| *tick);
            assert_eq!(windows.below(window, summary, tick), below(tick));
            assert_eq!(windows.below(window, summary, TICKS), below(TICKS));
        }
    }
}
