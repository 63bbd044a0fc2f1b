//! A feed card as a test or a process sees it from the outside: emulator, simulated RTL, card.

use crate::device;

/// One Ethernet frame at a card's line, without its frame check sequence.
#[derive(Clone, Copy, Debug)]
pub struct RxFrame<'a> {
    /// Line: 0 is A, 1 is B.
    pub line: usize,
    /// From the destination MAC address on.
    pub bytes: &'a [u8],
    /// Whether the frame check sequence, which the MAC has taken off, was right.
    pub fcs_good: bool,
    /// The card's clock at the frame's first beat, 48 bits.
    pub ticks: u64,
}

/// A card: its registers, its lines, and what it writes into the host's memory.
pub trait FeedDevice {
    /// Writes the word at `offset` of the register file; ignored where nothing can be written.
    fn csr_write(&mut self, offset: u32, value: u32);

    /// Reads the word at `offset`; zero where nothing is.
    fn csr_read(&mut self, offset: u32) -> u32;

    /// Gives one frame to a line. The frame is taken in full before the call returns; what it
    /// makes comes out of [`FeedDevice::poll`].
    fn rx_frame(&mut self, frame: &RxFrame<'_>);

    /// Works until there is nothing left to do, and hands each write to the host's memory, oldest
    /// first, to `write`: bus address and line.
    fn poll(&mut self, write: &mut dyn FnMut(u64, &[u8; 64]));
}

/// Offset of a register of a line.
#[inline]
pub const fn line_register(line: usize, register: u32) -> u32 {
    device::LINE_OFFSET + line as u32 * device::LINE_STRIDE + register
}

/// Offset of a counter of the card, by its index in [`device::counter`].
#[inline]
pub const fn counter_register(index: usize) -> u32 {
    device::COUNTER_OFFSET + 4 * index as u32
}

/// Offset of a counter of a line, by its index in [`device::line_counter`].
#[inline]
pub const fn line_counter_register(line: usize, index: usize) -> u32 {
    device::LINE_COUNTER_OFFSET + line as u32 * device::LINE_COUNTER_STRIDE + 4 * index as u32
}
