//! The levels around the touch of one side, by price: an array of level indices, one for each tick,
//! with a bit for each that is there.
//!
//! 1,024 ticks: $10.24 of a stock above a dollar, 10 cents of one below, where most of what is
//! added lies. 4 KiB of cells and two lines of bits; the 16 words of bits have a word of their own
//! in [`crate::ladder::SideLadder`], so that the best cell is found with two scans of a word.

/// Ticks that a window covers.
pub(crate) const TICKS: usize = 1024;

/// One window.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Window {
    bits: [u64; TICKS / 64],
    cells: [u32; TICKS],
}

/// Which words of a window's bits are not zero.
pub(crate) type Summary = u32;

impl Window {
    pub(crate) const EMPTY: Window = Window { bits: [0; TICKS / 64], cells: [0; TICKS] };

    /// Where the cell of a tick lies in the window, in bytes.
    #[inline]
    pub(crate) const fn offset(tick: usize) -> usize {
        core::mem::offset_of!(Window, cells) + tick * size_of::<u32>()
    }

    /// The level of a tick, zero if there is none.
    #[inline]
    pub(crate) fn get(&self, tick: usize) -> u32 {
        self.cells[tick]
    }

    #[inline]
    pub(crate) fn set(&mut self, summary: &mut Summary, tick: usize, level: u32) {
        self.cells[tick] = level;
        self.bits[tick / 64] |= 1 << (tick % 64);
        *summary |= 1 << (tick / 64);
    }

    #[inline]
    pub(crate) fn unset(&mut self, summary: &mut Summary, tick: usize) {
        self.cells[tick] = 0;
        self.bits[tick / 64] &= !(1 << (tick % 64));
        if self.bits[tick / 64] == 0 {
            *summary &= !(1 << (tick / 64));
        }
    }

    /// The highest tick with a level.
    #[inline]
    pub(crate) fn highest(&self, summary: Summary) -> Option<usize> {
        if summary == 0 {
            return None;
        }
        let word = 31 - summary.leading_zeros() as usize;
        let bits = self.bits[word & (TICKS / 64 - 1)];
        Some(word * 64 + 63 - bits.leading_zeros() as usize)
    }

    /// The highest tick below `tick`, which may be one beyond the window, with a level.
    #[inline]
    pub(crate) fn below(&self, summary: Summary, tick: usize) -> Option<usize> {
        let word = tick / 64;
        let rest = self.bits.get(word).map_or(0, |bits| bits & ((1 << (tick % 64)) - 1));
        if rest != 0 {
            return Some(word * 64 + 63 - rest.leading_zeros() as usize);
        }
        self.highest(summary & ((1 << word) - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn agrees_with_a_btree() {
        let (mut window, mut summary) = (Box::new(Window::EMPTY), 0);
        let (mut naive, mut seed) = (BTreeMap::new(), 9u64);
        for step in 0..100_000u32 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let tick = (seed >> 54) as usize;
            if step % 7 < 3 {
                window.set(&mut summary, tick, step + 1);
                naive.insert(tick, step + 1);
            } else if let Some((&tick, _)) = naive.range(tick..).next() {
                window.unset(&mut summary, tick);
                naive.remove(&tick);
            }
            assert_eq!(window.get(tick), *naive.get(&tick).unwrap_or(&0));
            assert_eq!(window.highest(summary), naive.last_key_value().map(|(tick, _)| *tick));
            let below = |tick| naive.range(..tick).next_back().map(|(tick, _)| *tick);
            assert_eq!(window.below(summary, tick), below(tick));
            assert_eq!(window.below(summary, TICKS), below(TICKS));
        }
    }
}
