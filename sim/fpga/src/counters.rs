//! The card's counters: 32 bits each, wrapping.

use tercel_abi::device::{LINES, counter, line_counter};

/// Every counter, by the indices of [`counter`] and [`line_counter`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counters {
    /// Of the card.
    pub card: [u32; counter::COUNT],
    /// Of each line.
    pub lines: [[u32; line_counter::COUNT]; LINES],
}

impl Counters {
    /// As they are after a start. The latencies stay like that: an emulator has no clock cycles.
    pub(crate) fn new() -> Counters {
        let mut card = [0; counter::COUNT];
        card[counter::LATENCY_MIN] = u32::MAX;
        Counters { card, lines: [[0; line_counter::COUNT]; LINES] }
    }

    /// One more of the card's counter `index`.
    #[inline]
    pub(crate) fn add(&mut self, index: usize) {
        self.card[index] = self.card[index].wrapping_add(1);
    }

    /// One more of the line's counter `index`.
    #[inline]
    pub(crate) fn add_line(&mut self, line: usize, index: usize) {
        self.lines[line][index] = self.lines[line][index].wrapping_add(1);
    }
}
