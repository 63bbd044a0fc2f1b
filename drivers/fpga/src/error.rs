//! Why a card could not be opened or started, said so that the reader knows what to do.

use crate::backend::BackendError;
use crate::fault::CardFault;
use std::fmt;
use tercel_abi::{LAYOUT_HASH, VERSION};
use tercel_types::Nanos;

/// A card could not be opened or started.
#[derive(Debug)]
#[non_exhaustive]
pub enum CardError {
    /// There is no way to it.
    Backend(BackendError),
    /// Something answers, and it is no card of this kind.
    NotACard {
        /// What MAGIC reads.
        found: u32,
    },
    /// The card is of another version of the layouts.
    Version {
        /// What VERSION reads.
        found: u32,
    },
    /// The card is of a build whose layouts differ.
    Layout {
        /// Its hash.
        found: u64,
    },
    /// The card's clock has a rate that no card has.
    Rate {
        /// What TICKS_PER_SECOND reads.
        found: u32,
    },
    /// The configuration cannot be meant.
    Config {
        /// Which field.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// STATUS does not follow CONTROL.
    NoAnswer {
        /// What was written into CONTROL.
        control: u32,
        /// What STATUS reads.
        status: u32,
        /// How long was waited.
        waited: Nanos,
    },
    /// The card failed while it was being started.
    Fault(CardFault),
}

impl fmt::Display for CardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CardError::Backend(error) => error.fmt(f),
            CardError::NotACard { found: u32::MAX } => f.write_str(
                "the card reads as all ones: it has no power, its link is down, or its BAR is \
                 off; look at lspci -vv, and load its bitstream",
            ),
            CardError::NotACard { found: 0 } => f.write_str(
                "there is no card yet: its first register is zero; start the emulator, or load \
                 the bitstream",
            ),
            CardError::NotACard { found } => write!(
                f,
                "no feed card: its first register is {found:#010x}; check the address, and that \
                 the bitstream of this build is loaded"
            ),
            CardError::Version { found } => write!(
                f,
                "the card has layout version {found}, this program has {VERSION}; load the \
                 bitstream (or start the emulator) of this build"
            ),
            CardError::Layout { found } => write!(
                f,
                "the card has layout {found:#018x}, this program has {LAYOUT_HASH:#018x}; load \
                 the bitstream (or start the emulator) of this build"
            ),
            CardError::Rate { found } => write!(
                f,
                "the card says that its clock has {found} ticks a second, and a card has a \
                 million at least; load the bitstream of this build"
            ),
            CardError::Config { field, must } => write!(f, "the card's {field} must be {must}"),
            CardError::NoAnswer { control, status, waited } => write!(
                f,
                "the card does not answer: CONTROL was set to {control:#x}, and STATUS still reads \
                 {status:#x} after {} ms; is the emulator running, and does the ring fit into its \
                 memory? Else load the bitstream again",
                waited.0 / 1_000_000
            ),
            CardError::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for CardError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CardError::Backend(error) => std::error::Error::source(error),
            _ => None,
        }
    }
}

impl From<BackendError> for CardError {
    fn from(error: BackendError) -> CardError {
        CardError::Backend(error)
    }
}

impl From<CardFault> for CardError {
    fn from(fault: CardFault) -> CardError {
        CardError::Fault(fault)
    }
}
