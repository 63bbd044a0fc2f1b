//! The levels around the touch of one side, by price: an index of a level for each tick, with a bit
//! for each that is there.
//!
//! A window is a page of 64 lines; a line has the levels of 15 ticks and, in its first word, their
//! bits, so that a level comes and goes with one cache line. Which lines have any is a word of
//! [`crate::ladder::SideLadder`], so that the best is found with two scans of a word. 960 ticks are
//! $9.60 of a stock above a dollar, 9.6 cents of one below, where most of what is added lies.

use crate::memory::{Array, Reserve};

/// Ticks of a line.
const LINE_TICKS: usize = 15;
/// Words of a line.
const LINE: usize = 16;
/// Words of a window.
const WINDOW: usize = 64 * LINE;

/// Ticks that a window covers.
pub(crate) const TICKS: usize = 64 * LINE_TICKS;

/// Which lines of a window have a level.
pub(crate) type Summary = u64;

/// All windows: window 0 is always empty.
pub(crate) struct Windows(Array<u32>);

/// Where a tick of a window is.
#[inline(always)]
pub(crate) fn cell(window: u32, tick: usize) -> usize {
    line(window, tick / LINE_TICKS) + 1 + tick % LINE_TICKS
}

/// Where a line of a window begins.
#[inline(always)]
fn line(window: u32, line: usize) -> usize {
    window as usize * WINDOW + line * LINE
}

impl Windows {
    pub(crate) fn new(len: usize, reserve: &mut Reserve) -> Result<Windows, i32> {
        Ok(Windows(reserve.array(len * WINDOW)?))
    }

    /// Begins to load a cell.
    #[inline]
    pub(crate) fn fetch(&self, cell: usize) {
        self.0.fetch(cell);
    }

    /// The level of a cell, zero if there is none.
    #[inline]
    pub(crate) fn get(&self, cell: usize) -> u32 {
        self.0[cell]
    }

    #[inline]
    pub(crate) fn set(&mut self, window: u32, summary: &mut Summary, tick: usize, level: u32) {
        let (at, place) = (tick / LINE_TICKS, tick % LINE_TICKS);
        let words = &mut self.0[line(window, at)..][..LINE];
        words[1 + place] = level;
        words[0] |= 1 << place;
        *summary |= 1 << at;
    }

    #[inline]
    pub(crate) fn unset(&mut self, window: u32, summary: &mut Summary, tick: usize) {
        let (at, place) = (tick / LINE_TICKS, tick % LINE_TICKS);
        let words = &mut self.0[line(window, at)..][..LINE];
        words[1 + place] = 0;
        words[0] &= !(1 << place);
        *summary &= !(u64::from(words[0] == 0) << at);
    }

    /// Takes every level out of a window.
    pub(crate) fn empty(&mut self, window: u32) {
        self.0[line(window, 0)..][..WINDOW].fill(0);
    }

    /// The highest tick with a level.
    #[inline]
    pub(crate) fn highest(&self, window: u32, summary: Summary) -> Option<usize> {
        let at = summary.checked_ilog2()? as usize;
        let place = self.0[line(window, at)].checked_ilog2()? as usize;
        Some(at * LINE_TICKS + place)
    }

    /// No tick above this one, which has a level, has one too.
    #[inline]
    pub(crate) fn is_highest(&self, window: u32, summary: Summary, tick: usize) -> bool {
        let (at, place) = (tick / LINE_TICKS, tick % LINE_TICKS);
        summary >> at == 1 && self.0[line(window, at)] >> place == 1
    }

    /// The highest tick below `tick`, which may be one beyond the window, with a level.
    #[inline]
    pub(crate) fn below(&self, window: u32, summary: Summary, tick: usize) -> Option<usize> {
        let (at, place) = (tick / LINE_TICKS, tick % LINE_TICKS);
        if tick < TICKS
            && let rest = self.0[line(window, at)] & ((1 << place) - 1)
            && rest != 0
        {
            return Some(at * LINE_TICKS + rest.ilog2() as usize);
        }
        let worse = if tick < TICKS { (1 << at) - 1 } else { u64::MAX };
        self.highest(window, summary & worse)
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
            let tick = (seed >> 54) as usize % TICKS;
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
