//! Whether the card's clock moves.

use crate::fault::CardFault;
use tercel_types::Nanos;

/// Looks that have to find the clock standing still: one alone, after a long pause of the whole
/// machine, would tell nothing.
const LOOKS: u32 = 3;

/// When the card's clock was seen to move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Liveness {
    ticks: u64,
    moved: Nanos,
    still: u32,
}

impl Liveness {
    pub(crate) fn new(ticks: u64, now: Nanos) -> Liveness {
        Liveness { ticks, moved: now, still: 0 }
    }

    /// The card's clock shows `ticks` when the host's shows `now`.
    pub(crate) fn look(
        &mut self,
        ticks: u64,
        now: Nanos,
        patience: Nanos,
    ) -> Result<(), CardFault> {
        if ticks != self.ticks {
            *self = Liveness::new(ticks, now);
            return Ok(());
        }
        self.still = self.still.saturating_add(1);
        let silence = now.since(self.moved);
        if silence <= patience || self.still < LOOKS {
            return Ok(());
        }
        Err(CardFault::Silent { ms: silence.0 / 1_000_000 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clock_seen_still_for_long_is_silent() {
        let patience = Nanos::from_millis(100);
        let at = Nanos::from_millis;
        let mut life = Liveness::new(7, at(0));
        assert_eq!(life.look(8, at(1_000), patience), Ok(()));
        assert_eq!(life.look(8, at(5_000), patience), Ok(()), "one look after a pause");
        assert_eq!(life.look(9, at(5_001), patience), Ok(()));
        for ms in [5_002, 5_050, 5_101] {
            assert_eq!(life.look(9, at(ms), patience), Ok(()));
        }
        assert_eq!(life.look(9, at(5_102), patience), Err(CardFault::Silent { ms: 101 }));
        assert_eq!(life.look(10, at(5_103), patience), Ok(()));
    }
}
