//! What happens to a card written down for a simulator that is another process, with what the
//! emulator says to it.

use core::fmt::Write;
use tercel_abi::device::{FILTER_OFFSET, counter, register};
use tercel_abi::{FeedDevice, RxFrame, counter_register};

/// Cycles after which a card has settled.
const QUIET: u128 = 48;

const BEAT: u128 = 1;
const IDLE: u128 = 2;
const WRITE: u128 = 3;
const READ: u128 = 4;

/// A card that writes down its accesses, in front of another that answers them.
#[derive(Debug)]
pub struct Tape<D> {
    device: D,
    words: Vec<u128>,
    expected: Vec<String>,
    line: usize,
    /// Nothing has happened since the card has settled.
    settled: bool,
}

impl<D: FeedDevice> Tape<D> {
    /// An empty tape; `device` answers.
    pub fn new(device: D) -> Tape<D> {
        Tape { device, words: Vec::new(), expected: Vec::new(), line: 0, settled: true }
    }

    /// The tape as `hw/tb/icarus/feed_bench.sv` reads it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for word in self.words.iter().chain([&0]) {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{word:032x}");
        }
        text
    }

    /// The lines that it prints.
    pub fn expected(&self) -> &[String] {
        &self.expected
    }

    fn settle(&mut self) {
        if !self.settled {
            self.word(IDLE, QUIET);
            self.settled = true;
        }
    }

    fn word(&mut self, operation: u128, operands: u128) {
        self.words.push(operation << 124 | operands);
    }
}

impl<D: FeedDevice> FeedDevice for Tape<D> {
    fn csr_write(&mut self, offset: u32, value: u32) {
        self.settle();
        self.word(WRITE, u128::from(offset) << 32 | u128::from(value));
        self.settled = offset >= FILTER_OFFSET;
        self.device.csr_write(offset, value);
    }

    fn csr_read(&mut self, offset: u32) -> u32 {
        let value = self.device.csr_read(offset);
        let of_a_clock = [
            register::TIME_LO,
            register::TIME_HI,
            counter_register(counter::LATENCY_MIN),
            counter_register(counter::LATENCY_MAX),
        ];
        if !of_a_clock.contains(&offset) {
            self.settle();
            self.word(READ, u128::from(offset) << 32);
            self.expected.push(format!("read {offset:04x} {value:08x}"));
        }
        value
    }

    fn rx_frame(&mut self, frame: &RxFrame<'_>) {
        if frame.line != self.line {
            self.settle();
            self.line = frame.line;
        }
        self.settled = false;
        let last = frame.bytes.len().div_ceil(8) - 1;
        for (at, chunk) in frame.bytes.chunks(8).enumerate() {
            let mut lanes = [0xa5; 8];
            lanes[..chunk.len()].copy_from_slice(chunk);
            let ticks = if at == 0 { frame.ticks & ((1 << 48) - 1) } else { 0 };
            let end = u128::from(at == last);
            let keep = (1_u128 << chunk.len()) - 1;
            let operands = u128::from(u64::from_le_bytes(lanes))
                | u128::from(ticks) << 64
                | keep << 112
                | end << 120
                | (end * u128::from(!frame.fcs_good)) << 121
                | (frame.line as u128) << 122;
            self.word(BEAT, operands);
        }
        self.device.rx_frame(frame);
    }

    fn poll(&mut self, write: &mut dyn FnMut(u64, &[u8; 64])) {
        self.settle();
        let expected = &mut self.expected;
        self.device.poll(&mut |address, data| {
            let mut line = format!("write {address:016x} ");
            // Writing to a string does not fail.
            data.iter().rev().for_each(|byte| write!(line, "{byte:02x}").unwrap_or_default());
            expected.push(line);
            write(address, data);
        });
    }
}
