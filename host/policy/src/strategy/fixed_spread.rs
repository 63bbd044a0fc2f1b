//! A constant distance on both sides of the mid price, shifted against the inventory.

use super::{Desired, Inputs};
use crate::config::{PolicyError, in_range};

/// bid, ask = mid − skew·inventory ∓ half spread. The plainest market maker, and the baseline for
/// the others.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FixedSpread {
    /// Distance of each quote from the centre, ticks, 0 to 10,000.
    pub half_spread_ticks: f64,
    /// How far the centre moves down at the largest long position, ticks, 0 to 10,000.
    pub skew_ticks: f64,
}

impl FixedSpread {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`PolicyError::OutOfRange`].
    pub fn validate(&self) -> Result<(), PolicyError> {
        in_range("strategy.half_spread_ticks", self.half_spread_ticks, 0.0, 1e4)?;
        in_range("strategy.skew_ticks", self.skew_ticks, 0.0, 1e4)
    }

    /// The prices for one decision.
    #[inline]
    pub fn desired(&self, inputs: &Inputs) -> Desired {
        let centre = inputs.mid - self.skew_ticks * inputs.inventory * inputs.tick;
        let half = self.half_spread_ticks * inputs.tick;
        Desired::around(centre, half, half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_position_moves_both_quotes_down() {
        let fixed = FixedSpread { half_spread_ticks: 2.0, skew_ticks: 4.0 };
        let mut inputs =
            Inputs { mid: 1e6, tick: 100.0, inventory: 0.0, lots: 0.0, volatility: 0.0 };
        assert_eq!(fixed.desired(&inputs), Desired { bid: 999_800.0, ask: 1_000_200.0 });
        inputs.inventory = 0.5;
        assert_eq!(fixed.desired(&inputs), Desired { bid: 999_600.0, ask: 1_000_000.0 });
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        let fixed = FixedSpread { half_spread_ticks: f64::NAN, skew_ticks: 0.0 };
        assert!(fixed.validate().unwrap_err().to_string().starts_with("strategy.half_spread"));
    }
}
