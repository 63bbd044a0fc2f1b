//! The card with its queue of frames in front.

use crate::model::{Latency, Measured, Model, Wire, Write};
use tercel_abi::{FeedDevice, RxFrame};

/// Writes taken from C++ at a time.
const CHUNK: usize = 256;

/// The simulated card.
///
/// Frames are kept until somebody looks, so that those of one line follow each other as closely as
/// the [`Wire`] lets them; the card has settled before a frame of the other line or an access of a
/// register.
#[derive(Debug)]
pub struct Rtl {
    model: Model,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    line: usize,
    fcs_good: bool,
    ticks: u64,
}

impl Waiting {
    fn new(frame: &RxFrame<'_>, ends: &[u32]) -> Waiting {
        let RxFrame { line, bytes, fcs_good, ticks } = *frame;
        Waiting { bytes: bytes.to_vec(), ends: ends.to_vec(), line, fcs_good, ticks }
    }

    fn measured(&self) -> Measured<'_> {
        let Waiting { bytes, ends, line, fcs_good, ticks } = self;
        let frame = RxFrame { line: *line, bytes, fcs_good: *fcs_good, ticks: *ticks };
        Measured { frame, ends }
    }
}

impl Rtl {
    /// A card after its reset.
    pub fn new(wire: Wire) -> Rtl {
        Rtl { model: Model::new(&wire), waiting: Vec::new() }
    }

    /// Gives frames to both lines at once: those of a line in order, the lines without regard to
    /// each other.
    ///
    /// # Panics
    /// When the card does not settle.
    pub fn rx_both(&mut self, frames: &[RxFrame<'_>]) {
        self.flush();
        let measured: Vec<Measured<'_>> =
            frames.iter().map(|frame| Measured { frame: *frame, ends: &[] }).collect();
        assert!(self.model.play(&measured, true), "the card does not settle");
    }

    /// As `rx_frame`, and measures the latency of its messages, whose last bytes lie at `ends`.
    /// Each of them has to make a record.
    pub fn rx_measured(&mut self, frame: &RxFrame<'_>, ends: &[u32]) {
        self.waiting.push(Waiting::new(frame, ends));
    }

    /// What was measured so far.
    pub fn latency(&self) -> Latency {
        self.model.latency()
    }

    /// Clock cycles so far.
    pub fn cycles(&self) -> u64 {
        self.model.cycles()
    }

    fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let measured: Vec<Measured<'_>> = self.waiting.iter().map(Waiting::measured).collect();
        assert!(self.model.play(&measured, false), "the card does not settle");
        self.waiting.clear();
    }
}

impl FeedDevice for Rtl {
    fn csr_write(&mut self, offset: u32, value: u32) {
        self.flush();
        assert!(self.model.write(offset, value), "the card does not take {offset:#x}");
    }

    fn csr_read(&mut self, offset: u32) -> u32 {
        self.flush();
        let value = self.model.read(offset);
        value.unwrap_or_else(|| panic!("the card does not answer {offset:#x}"))
    }

    fn rx_frame(&mut self, frame: &RxFrame<'_>) {
        self.waiting.push(Waiting::new(frame, &[]));
    }

    fn poll(&mut self, write: &mut dyn FnMut(u64, &[u8; 64])) {
        if self.waiting.is_empty() {
            assert!(self.model.settle(), "the card does not settle");
        }
        self.flush();
        let mut chunk = [Write { address: 0, data: [0; 64] }; CHUNK];
        loop {
            let count = self.model.writes(&mut chunk);
            for one in &chunk[..count] {
                write(one.address, &one.data);
            }
            if count < CHUNK {
                return;
            }
        }
    }
}
