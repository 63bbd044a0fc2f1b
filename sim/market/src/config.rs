//! What a day is made from.

use crate::script;

/// A day. The same values give the same bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayConfig {
    /// Every draw follows from it.
    pub seed: u64,
    /// Instruments; their locates are 1 to this, their symbols `G00001` and on. About 10 KiB each
    /// while generating.
    pub instruments: u16,
    /// Messages of the whole day, exactly; at least [`DayConfig::messages_min`].
    pub messages: u64,
    /// Orders resting at one time, at most. Each that rests at noon has been added and will be
    /// deleted after the close, so their number is limited by the messages too: see
    /// [`DayConfig::resting_peak`].
    pub resting_max: u32,
}

/// Why there is no such day.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DayError {
    /// A day without instruments.
    #[error("at least one instrument is needed")]
    NoInstruments,
    /// A day on which no order may rest.
    #[error("at least one order must be allowed to rest")]
    NoResting,
    /// More orders than 31 bits count.
    #[error("at most 2,147,483,647 orders can rest")]
    TooMuchResting,
    /// The opening and closing of so many instruments take more messages than that.
    #[error("{instruments} instruments need at least {min} messages")]
    TooFewMessages {
        /// Instruments asked for.
        instruments: u16,
        /// Messages that they need.
        min: u64,
    },
    /// More messages than a file of the format is ever made of.
    #[error("at most {MESSAGES_MAX} messages")]
    TooManyMessages,
}

/// A hundred times the busiest days of today.
const MESSAGES_MAX: u64 = 100_000_000_000;

impl Default for DayConfig {
    /// A whole venue, 20 million messages, 1.5 million orders resting at noon.
    fn default() -> DayConfig {
        DayConfig { seed: 1, instruments: 8_000, messages: 20_000_000, resting_max: 1_500_000 }
    }
}

impl DayConfig {
    /// The fewest messages of a day with that many instruments: twice what is sent of each of them
    /// whether or not anything happens, and some hundred.
    pub const fn messages_min(instruments: u16) -> u64 {
        2 * script::PER_INSTRUMENT * instruments as u64 + 500
    }

    /// The number of resting orders that the day rises to: `resting_max`, but no more than 3 in 40
    /// of the messages, which is the default's share. More would take so many of the messages for
    /// adding them that the mix of kinds could not hold.
    pub fn resting_peak(&self) -> u32 {
        let by_messages = (self.messages / 40).saturating_mul(3).max(1);
        u32::try_from(by_messages).unwrap_or(u32::MAX).min(self.resting_max)
    }

    pub(crate) fn check(&self) -> Result<(), DayError> {
        let min = DayConfig::messages_min(self.instruments);
        if self.instruments == 0 {
            return Err(DayError::NoInstruments);
        }
        if self.resting_max == 0 {
            return Err(DayError::NoResting);
        }
        if self.resting_max > u32::MAX >> 1 {
            return Err(DayError::TooMuchResting);
        }
        if self.messages < min {
            return Err(DayError::TooFewMessages { instruments: self.instruments, min });
        }
        if self.messages > MESSAGES_MAX {
            return Err(DayError::TooManyMessages);
        }
        Ok(())
    }
}
