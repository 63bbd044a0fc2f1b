//! The breaker: once tripped it stays so until someone resets it.

use crate::limits::AccountLimits;

/// Why only cancels pass.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Trip {
    /// The kill switch.
    Killed,
    /// More realised loss than allowed.
    RealisedLoss,
    /// More unrealised loss than allowed.
    UnrealisedLoss,
    /// The profit fell too far from its peak.
    Drawdown,
    /// The venue refused too many orders in a row.
    VenueRejects,
    /// A message of the venue could not be accounted for: a table was full, or its price or size
    /// cannot be. The exposure is no longer known.
    Unaccounted,
}

impl Trip {
    /// The name in counters and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Trip::Killed => "killed",
            Trip::RealisedLoss => "realised_loss",
            Trip::UnrealisedLoss => "unrealised_loss",
            Trip::Drawdown => "drawdown",
            Trip::VenueRejects => "venue_rejects",
            Trip::Unaccounted => "unaccounted",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Breaker {
    pub(crate) killed: bool,
    pub(crate) trip: Option<Trip>,
    /// Highest profit so far, in units.
    pub(crate) peak: i64,
    /// Refusals of the venue since its last acceptance.
    pub(crate) rejects_in_a_row: u32,
}

impl Breaker {
    /// Looks at the profit after a change; says whether this tripped it.
    #[inline]
    pub(crate) fn watch(&mut self, realised: i64, unrealised: i64, limits: &AccountLimits) -> bool {
        let total = realised.saturating_add(unrealised);
        self.peak = self.peak.max(total);
        let trip = if realised.saturating_neg() > limits.realised_loss_max.0 {
            Trip::RealisedLoss
        } else if unrealised.saturating_neg() > limits.unrealised_loss_max.0 {
            Trip::UnrealisedLoss
        } else if self.peak.saturating_sub(total) > limits.drawdown_max.0 {
            Trip::Drawdown
        } else {
            return false;
        };
        self.trip(trip)
    }

    /// The first reason is kept.
    #[cold]
    pub(crate) fn trip(&mut self, trip: Trip) -> bool {
        let first = self.trip.is_none();
        self.trip = self.trip.or(Some(trip));
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tercel_types::Money;

    #[test]
    fn each_limit_is_the_last_value_that_passes() {
        let limits = AccountLimits {
            realised_loss_max: Money(100),
            unrealised_loss_max: Money(50),
            drawdown_max: Money(120),
            ..Default::default()
        };
        for (realised, unrealised, trip) in [
            (-101, 0, Some(Trip::RealisedLoss)),
            (-100, 0, None),
            (0, -51, Some(Trip::UnrealisedLoss)),
            (0, -50, None),
            (-71, -50, Some(Trip::Drawdown)),
            (-70, -50, None),
        ] {
            let mut breaker = Breaker::default();
            assert_eq!(breaker.watch(realised, unrealised, &limits), trip.is_some());
            assert_eq!(breaker.trip, trip);
        }
    }

    #[test]
    fn drawdown_is_measured_from_the_peak_and_the_first_reason_stays() {
        let limits = AccountLimits { drawdown_max: Money(120), ..Default::default() };
        let mut breaker = Breaker::default();
        assert!(!breaker.watch(500, 0, &limits));
        assert!(!breaker.watch(380, 0, &limits));
        assert!(breaker.watch(379, 0, &limits));
        assert!(!breaker.watch(-1_000_000_000, 0, &limits));
        assert_eq!(breaker.trip, Some(Trip::Drawdown));
    }
}
