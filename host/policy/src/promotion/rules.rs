//! What a contest is told at the start, checked there once.

use super::RollbackRules;
use crate::config::{PolicyError, in_range};
use crate::shadow::ShadowRules;
use tercel_types::{Money, Nanos};

/// How champion and challengers are compared and exchanged.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ContestRules {
    /// How shadow orders fare.
    pub shadow: ShadowRules,
    /// Challengers at one time, 1 to 8.
    pub challengers_max: usize,
    /// Length of an interval whose profits are compared, nanoseconds, 1 ms to an hour.
    pub interval: Nanos,
    /// Intervals before a test may be passed, at most 1,000,000.
    pub intervals_min: u64,
    /// Probability that any challenger that earns no more is ever promoted by the test, 10⁻⁶ to
    /// 0.5.
    pub alpha: f64,
    /// Who passes is promoted at once; else the operator is told.
    pub automatic: bool,
    /// What takes a promotion back.
    pub rollback: RollbackRules,
}

impl Default for ContestRules {
    fn default() -> ContestRules {
        ContestRules {
            shadow: ShadowRules { latency: Nanos(50_000), ..ShadowRules::default() },
            challengers_max: 4,
            interval: Nanos::from_secs(1),
            intervals_min: 60,
            alpha: 0.05,
            automatic: false,
            rollback: RollbackRules {
                drawdown_max: Money(1_000 * 10_000),
                psi_max: 0.25,
                psi_window: 4_000,
                psi_every: Nanos::from_millis(25),
                decision_p99_max: Nanos::from_millis(1),
                decision_window: 1_000,
                actions_per_second_max: 1_000,
            },
        }
    }
}

impl ContestRules {
    /// Checks every number.
    ///
    /// # Errors
    /// [`PolicyError::OutOfRange`] for the first one that is not allowed.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let (rollback, shadow) = (&self.rollback, &self.shadow);
        let check = |field, value, min, max| in_range(field, value, min, max);
        check("promotion.shadow_latency (ns)", shadow.latency.0 as f64, 0.0, 1e9)?;
        check("promotion.fee (1/1,000,000 $)", shadow.fee_e6 as f64, -1e6, 1e6)?;
        check("promotion.challengers_max", self.challengers_max as f64, 1.0, 8.0)?;
        check("promotion.interval (ns)", self.interval.0 as f64, 1e6, 3.6e12)?;
        check("promotion.intervals_min", self.intervals_min as f64, 0.0, 1e6)?;
        check("promotion.alpha", self.alpha, 1e-6, 0.5)?;
        check("promotion.drawdown_max ($)", rollback.drawdown_max.0 as f64 / 1e4, 0.0, 1e9)?;
        check("promotion.psi_max", rollback.psi_max, 0.01, 100.0)?;
        check("promotion.psi_window", f64::from(rollback.psi_window), 100.0, 1e6)?;
        check("promotion.psi_every (ns)", rollback.psi_every.0 as f64, 1e6, 6e10)?;
        let p99 = rollback.decision_p99_max.0 as f64;
        check("promotion.decision_p99_max (ns)", p99, 100.0, 1e9)?;
        check("promotion.decision_window", f64::from(rollback.decision_window), 100.0, 1e6)?;
        let actions = f64::from(rollback.actions_per_second_max);
        check("promotion.actions_per_second_max", actions, 1.0, 1e6)
    }
}
