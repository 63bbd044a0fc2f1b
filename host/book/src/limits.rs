//! The bounds of the books, fixed when they are made.

use core::fmt;

/// How much the books hold. What is beyond is refused and counted, see [`crate::BookCounters`].
///
/// Memory is reserved for all of it at once and taken from the system as it is first touched, or at
/// the start with `prefault`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Instruments are numbered below this; at most 65,536. 8.4 KiB each.
    pub instruments_max: usize,
    /// Orders resting at one time, over all instruments; at most 2^27. 576 to 608 bytes each, of
    /// which 512 in the window by reference, until that is as large as it gets at 1 GiB.
    pub orders_max: usize,
    /// Price levels at one time, over all instruments and both sides; at most 2^27. 48 bytes each.
    pub levels_max: usize,
    /// Orders watched at one time; at most 65,535.
    pub watched_max: usize,
    /// Take all the memory at the start, so that no later touch waits for the system.
    pub prefault: bool,
    /// Ask the system for huge pages.
    pub huge_pages: bool,
}

/// Why books of some limits cannot be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LimitsError {
    /// A limit is zero.
    Zero(&'static str),
    /// A limit is above the most that there can be.
    TooLarge(&'static str),
    /// The system has not given the address space: its `errno`.
    System(i32),
}

impl Default for Limits {
    /// A whole venue of the United States: 1.4 GB when all of it is in use.
    fn default() -> Limits {
        Limits {
            instruments_max: 16_384,
            orders_max: 1 << 21,
            levels_max: 1 << 20,
            watched_max: 256,
            prefault: false,
            huge_pages: false,
        }
    }
}

impl Limits {
    pub(crate) fn check(&self) -> Result<(), LimitsError> {
        let bounds = [
            ("instruments_max", self.instruments_max, 1 << 16),
            ("orders_max", self.orders_max, 1 << 27),
            ("levels_max", self.levels_max, 1 << 27),
            ("watched_max", self.watched_max, (1 << 16) - 1),
        ];
        for (name, value, most) in bounds {
            if value == 0 {
                return Err(LimitsError::Zero(name));
            }
            if value > most {
                return Err(LimitsError::TooLarge(name));
            }
        }
        Ok(())
    }
}

impl fmt::Display for LimitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitsError::Zero(name) => write!(f, "{name} is zero"),
            LimitsError::TooLarge(name) => write!(f, "{name} is too large"),
            LimitsError::System(errno) => {
                write!(f, "no memory for the books: system error {errno}")
            }
        }
    }
}

impl core::error::Error for LimitsError {}
