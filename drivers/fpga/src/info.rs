//! What a card says of itself.

use crate::backend::Bar;
use crate::config::session_of;
use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_abi::device::line_register as of_line;
use tercel_abi::device::{LINES, register};
use tercel_abi::line_register;

/// What a card is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CardIdentity {
    /// Version of the layouts.
    pub version: u32,
    /// Hash of the layouts.
    pub layout_hash: u64,
    /// Rate of the clock that stamps frames.
    pub ticks_per_second: u32,
    /// Time of tick zero in nanoseconds since the Unix epoch; zero if the clock is not set.
    pub time_base: u64,
    /// Where the card's own ring memory begins; zero for a card that writes memory of the host.
    pub dma_window: u32,
}

/// A card's state and its configuration, whoever runs it, read one after another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CardStatus {
    /// Generation at work; zero while stopped.
    pub generation: u32,
    /// Generation that is wanted.
    pub control: u32,
    /// The card's clock, in ticks.
    pub ticks: u64,
    /// Number of the newest record, modulo 2^32.
    pub head: u32,
    /// How many records the host has taken, modulo 2^32.
    pub tail: u32,
    /// Slots of the ring, as a power of two.
    pub ring_log2: u32,
    /// Where the card sees the ring.
    pub ring_base: u64,
    /// Sequence number with which the run began.
    pub next_seq: u64,
    /// Number of the venue.
    pub venue: u32,
    /// Every instrument passes.
    pub pass_all: bool,
    /// Group and port of each line; the address 0.0.0.0 is a line that is off.
    pub lines: [SocketAddrV4; LINES],
    /// The session that each line takes; zeros for none.
    pub sessions: [[u8; 10]; LINES],
    /// The last other session that each line has heard.
    pub seen: [Option<[u8; 10]>; LINES],
}

impl CardIdentity {
    pub(crate) fn read(bar: &impl Bar) -> CardIdentity {
        CardIdentity {
            version: bar.read32(register::VERSION),
            layout_hash: bar.read64(register::LAYOUT_HASH_LO),
            ticks_per_second: bar.read32(register::TICKS_PER_SECOND),
            time_base: bar.read64(register::TIME_BASE_LO),
            dma_window: bar.read32(register::DMA_WINDOW),
        }
    }
}

impl CardStatus {
    pub(crate) fn read(bar: &impl Bar) -> CardStatus {
        let of = |line, register| bar.read32(line_register(line, register));
        let address = |line| {
            let group = Ipv4Addr::from_bits(of(line, of_line::ADDRESS));
            SocketAddrV4::new(group, of(line, of_line::PORT) as u16)
        };
        let name = |line, words: [u32; 3]| session_of(words.map(|word| of(line, word)));
        let session = [of_line::SESSION_0, of_line::SESSION_1, of_line::SESSION_2];
        let seen = [of_line::SEEN_0, of_line::SEEN_1, of_line::SEEN_2];
        CardStatus {
            generation: bar.read32(register::STATUS),
            control: bar.read32(register::CONTROL),
            ticks: bar.read64(register::TIME_LO),
            head: bar.read32(register::HEAD),
            tail: bar.read32(register::TAIL),
            ring_log2: bar.read32(register::RING_LOG2),
            ring_base: bar.read64(register::RING_BASE_LO),
            next_seq: bar.read64(register::NEXT_SEQ_LO),
            venue: bar.read32(register::VENUE),
            pass_all: bar.read32(register::PASS_ALL) == 1,
            lines: std::array::from_fn(address),
            sessions: std::array::from_fn(|line| name(line, session).unwrap_or_default()),
            seen: std::array::from_fn(|line| name(line, seen)),
        }
    }
}
