//! The C++ side of the simulation, `cpp/card.cpp`. The only unsafe file of this crate.
#![allow(unsafe_code)]

use core::ffi::c_int;
use core::ptr::NonNull;
use tercel_abi::RxFrame;
use tercel_abi::device::LINES;

/// How the lines and the bus behave; drawn from the seed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
pub struct Wire {
    /// Seed of every choice, and of what registers without a reset begin with.
    pub seed: u64,
    /// Chance of a cycle without a beat inside of a frame, in 1,024.
    pub gap: u32,
    /// Most cycles between two frames of a line.
    pub pause: u32,
    /// Chance of a cycle in which the bus takes nothing, in 1,024.
    pub stall: u32,
}

/// Clock cycles from the beat with a message's last byte, over the frames that were measured.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
pub struct Latency {
    /// Least, to the record.
    pub record_min: u64,
    /// Most, to the record.
    pub record_max: u64,
    /// Least, to the ring-write port's handshake.
    pub ring_min: u64,
    /// Most, to the ring-write port's handshake.
    pub ring_max: u64,
    /// Messages measured to the record.
    pub records: u64,
    /// Messages measured to the ring.
    pub writes: u64,
    /// Messages that did not come out, or came out unexpectedly.
    pub unmatched: u64,
}

/// A write of the card into memory.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Write {
    pub(crate) address: u64,
    pub(crate) data: [u8; 64],
}

/// A frame with the offsets of its messages' last bytes, if they are to be measured.
pub(crate) struct Measured<'a> {
    pub(crate) frame: RxFrame<'a>,
    pub(crate) ends: &'a [u32],
}

#[repr(C)]
struct Frame {
    bytes: *const u8,
    ends: *const u32,
    ticks: u64,
    length: u32,
    ends_count: u32,
    line: u32,
    fcs_good: u32,
}

#[repr(C)]
struct Card {
    _opaque: [u8; 0],
}

// SAFETY: these are the declarations of `cpp/card.cpp`, whose structures have the same fields in
// the same order.
unsafe extern "C" {
    fn tercel_card_new(options: *const Wire) -> *mut Card;
    fn tercel_card_free(card: *mut Card);
    fn tercel_card_play(card: *mut Card, frames: *const Frame, count: usize, at: c_int) -> c_int;
    fn tercel_card_settle(card: *mut Card) -> c_int;
    fn tercel_card_write(card: *mut Card, offset: u32, value: u32) -> c_int;
    fn tercel_card_read(card: *mut Card, offset: u32, value: *mut u32) -> c_int;
    fn tercel_card_writes(card: *mut Card, to: *mut Write, room: usize) -> usize;
    fn tercel_card_cycles(card: *mut Card) -> u64;
    fn tercel_card_latency(card: *mut Card, latency: *mut Latency);
}

/// A Verilated card. Its calls say `false` or `None` where the card does not answer.
#[derive(Debug)]
pub(crate) struct Model(NonNull<Card>);

impl Model {
    pub(crate) fn new(wire: &Wire) -> Model {
        // SAFETY: `wire` is a valid `TercelOptions` for the time of the call.
        let card = unsafe { tercel_card_new(wire) };
        Model(NonNull::new(card).expect("`new` of C++ does not return null"))
    }

    /// Plays frames until the card has settled: one after the other, or both lines at once.
    pub(crate) fn play(&mut self, frames: &[Measured<'_>], at_once: bool) -> bool {
        let frames: Vec<Frame> = frames.iter().map(frame).collect();
        // SAFETY: `self.0` is alive until `drop`. Each frame's pointers come from slices that live
        // longer than this call, with their lengths, and its line is one of the two; C++ keeps none
        // of them, as its queues are empty when it returns.
        unsafe {
            tercel_card_play(self.0.as_ptr(), frames.as_ptr(), frames.len(), at_once.into()) != 0
        }
    }

    /// Lets the card work until it has been quiet for long.
    pub(crate) fn settle(&mut self) -> bool {
        // SAFETY: `self.0` is alive until `drop`.
        unsafe { tercel_card_settle(self.0.as_ptr()) != 0 }
    }

    pub(crate) fn write(&mut self, offset: u32, value: u32) -> bool {
        // SAFETY: `self.0` is alive until `drop`.
        unsafe { tercel_card_write(self.0.as_ptr(), offset, value) != 0 }
    }

    pub(crate) fn read(&mut self, offset: u32) -> Option<u32> {
        let mut value = 0;
        // SAFETY: `self.0` is alive until `drop`, and `value` outlives the call.
        let answered = unsafe { tercel_card_read(self.0.as_ptr(), offset, &raw mut value) != 0 };
        answered.then_some(value)
    }

    /// Takes the oldest writes, as many as there is room for, and says how many.
    pub(crate) fn writes(&mut self, to: &mut [Write]) -> usize {
        // SAFETY: `self.0` is alive until `drop`; at most `to.len()` elements are written to `to`.
        unsafe { tercel_card_writes(self.0.as_ptr(), to.as_mut_ptr(), to.len()) }
    }

    pub(crate) fn cycles(&self) -> u64 {
        // SAFETY: `self.0` is alive until `drop`.
        unsafe { tercel_card_cycles(self.0.as_ptr()) }
    }

    pub(crate) fn latency(&self) -> Latency {
        let mut latency = Latency::default();
        // SAFETY: `self.0` is alive until `drop`, and `latency` outlives the call.
        unsafe { tercel_card_latency(self.0.as_ptr(), &raw mut latency) };
        latency
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: `new` has made it, and nothing uses it after this.
        unsafe { tercel_card_free(self.0.as_ptr()) }
    }
}

/// A frame as C++ takes it. The lengths are checked here, since C++ believes them.
fn frame(measured: &Measured<'_>) -> Frame {
    let Measured { frame, ends } = measured;
    assert!(frame.line < LINES, "a card has no line {}", frame.line);
    assert!(!frame.bytes.is_empty(), "a frame has a byte at least");
    Frame {
        bytes: frame.bytes.as_ptr(),
        ends: ends.as_ptr(),
        ticks: frame.ticks,
        length: u32::try_from(frame.bytes.len()).expect("frames are short"),
        ends_count: u32::try_from(ends.len()).expect("frames are short"),
        line: frame.line as u32,
        fcs_good: frame.fcs_good.into(),
    }
}
