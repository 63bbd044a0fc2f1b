//! What can be wrong with a card that is running.

use std::fmt;
use tercel_types::Nanos;

/// A running card has failed. Nothing that it writes is taken any more until it is started again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CardFault {
    /// It was not started, or was stopped.
    Stopped,
    /// Its registers read as all ones.
    Gone,
    /// Its clock stands still.
    Silent {
        /// For how long, as far as was seen.
        ms: u64,
    },
    /// It runs another generation than the one it was started with.
    Reset {
        /// The generation it was started with.
        expected: u32,
        /// What STATUS reads.
        found: u32,
    },
    /// A slot of the ring holds what can be neither the record awaited nor the one before it.
    BadPhase {
        /// Number of the record awaited.
        record: u64,
        /// The lap that the slot must show.
        lap: u16,
        /// The lap that it shows.
        found: u16,
    },
    /// A record stays half written.
    BadNumber {
        /// Number of the record awaited.
        record: u64,
        /// The lower 16 bits of the number that the slot shows.
        found: u16,
    },
    /// HEAD says that more is in the ring than it has room for.
    Head {
        /// How many records were taken, modulo 2^32.
        taken: u32,
        /// What HEAD reads.
        found: u32,
    },
    /// It does not latch its counters.
    NoCounters {
        /// How long was waited.
        waited: Nanos,
    },
}

impl fmt::Display for CardFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CardFault::Stopped => f.write_str("the card is stopped; start it"),
            CardFault::Gone => f.write_str(
                "the card reads as all ones: it has lost its power or its link; look for it with \
                 lspci, and at the kernel's messages (dmesg)",
            ),
            CardFault::Silent { ms } => write!(
                f,
                "the card's clock has stood still for {ms} ms: the card hangs, or its emulator is \
                 not running; start that, or load the bitstream again"
            ),
            CardFault::Reset { expected, found: 0 } => write!(
                f,
                "the card has stopped, generation {expected:#x} was running: it was reset, or its \
                 emulator was started again, or another program has stopped it; start it again"
            ),
            CardFault::Reset { expected, found } => write!(
                f,
                "the card runs generation {found:#x}, not {expected:#x}: another program has \
                 started it; only one may use a card"
            ),
            CardFault::BadPhase { record, lap, found } => write!(
                f,
                "the slot of record {record} is of lap {found}, not {lap}: the card has \
                 overwritten records or wrote elsewhere; start it again, and if it happens twice \
                 load the bitstream that belongs to this build"
            ),
            CardFault::BadNumber { record, found } => write!(
                f,
                "record {record} stays half written, its end shows number {found:#06x}: the card \
                 tears lines; start it again, and if it happens twice put it into another slot"
            ),
            CardFault::Head { taken, found } => write!(
                f,
                "HEAD is {found} and {taken} records were taken, which is more than the ring \
                 holds; start the card again, and if it happens twice load its bitstream again"
            ),
            CardFault::NoCounters { waited } => write!(
                f,
                "the card has not latched its counters for {} ms; its emulator has too little \
                 time to run, or the card hangs",
                waited.0 / 1_000_000
            ),
        }
    }
}

impl std::error::Error for CardFault {}
