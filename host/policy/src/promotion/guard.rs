//! What is watched after a promotion, and how far it may go.

use tercel_types::{Money, Nanos};

/// Beyond which the former champion takes over again.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RollbackRules {
    /// Most that the account's profit may fall from its peak since the promotion.
    pub drawdown_max: Money,
    /// Most that the population stability index may be, over the mean of the market's features.
    pub psi_max: f64,
    /// Samples of the features in one window of that index.
    pub psi_window: u32,
    /// Time between two samples, nanoseconds.
    pub psi_every: Nanos,
    /// Most that 99 % of the decisions of a window may take, nanoseconds.
    pub decision_p99_max: Nanos,
    /// Decisions in one window.
    pub decision_window: u32,
    /// Most orders, replaces and cancels that may leave in a second.
    pub actions_per_second_max: u32,
}

/// Why a promoted policy was taken back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reason {
    /// The account lost too much from its peak.
    Drawdown,
    /// The features are not distributed as they were.
    Drift,
    /// Decisions took too long.
    Latency,
    /// Too many orders left.
    ActionRate,
    /// The operator said so.
    Command,
}

/// A limit that was passed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Breach {
    /// Which.
    pub reason: Reason,
    /// What was measured: dollars, index, nanoseconds, or orders in a second.
    pub value: f64,
    /// What is allowed.
    pub limit: f64,
}

/// What the host measures of itself, at one instant.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Pulse {
    /// The time.
    pub now: Nanos,
    /// The account's profit, realised and not.
    pub profit: Money,
    /// Orders, replaces and cancels that have left so far.
    pub actions: u64,
    /// Quotes are wanted: the session is up and the books are right.
    pub trading: bool,
}

impl Reason {
    /// Every reason, in order.
    pub const ALL: [Reason; 5] =
        [Reason::Drawdown, Reason::Drift, Reason::Latency, Reason::ActionRate, Reason::Command];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Drawdown => "drawdown",
            Reason::Drift => "drift",
            Reason::Latency => "latency",
            Reason::ActionRate => "action_rate",
            Reason::Command => "command",
        }
    }
}

/// The watch over one promoted policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard {
    peak: Money,
    actions: u64,
    second: Nanos,
}

/// The second of the action rate.
const SECOND: Nanos = Nanos::from_secs(1);

impl Guard {
    /// From a promotion on.
    pub(super) fn new(pulse: &Pulse) -> Guard {
        Guard { peak: pulse.profit, actions: pulse.actions, second: pulse.now }
    }

    /// The first limit of money or rate that is passed.
    pub(super) fn look(&mut self, rules: &RollbackRules, pulse: &Pulse) -> Option<Breach> {
        self.peak = self.peak.max(pulse.profit);
        let lost = self.peak.0.saturating_sub(pulse.profit.0);
        if lost > rules.drawdown_max.0 {
            let (value, limit) = (lost as f64 / 1e4, rules.drawdown_max.0 as f64 / 1e4);
            return Some(Breach { reason: Reason::Drawdown, value, limit });
        }
        let actions = pulse.actions.saturating_sub(self.actions);
        if pulse.now.since(self.second) > SECOND {
            self.second = pulse.now;
            self.actions = pulse.actions;
        }
        let limit = rules.actions_per_second_max;
        let beyond = actions > u64::from(limit);
        let (value, limit) = (actions as f64, f64::from(limit));
        beyond.then_some(Breach { reason: Reason::ActionRate, value, limit })
    }
}

/// Buckets of a power of two: a quantile is at most an eighth too high.
const SUB_BITS: u32 = 3;
/// Decisions of more than 2^32 ns count as that.
const BUCKETS: usize = (32 - SUB_BITS as usize + 1) << SUB_BITS;

/// Times of the decisions of a window, in a histogram of fixed size: 1 KiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct DecisionTimes {
    buckets: [u32; BUCKETS],
    count: u32,
    p99: Nanos,
}

impl DecisionTimes {
    pub(super) const fn new() -> DecisionTimes {
        DecisionTimes { buckets: [0; BUCKETS], count: 0, p99: Nanos(0) }
    }

    /// The 99th percentile of the last whole window, zero before there was one.
    pub(super) fn p99(&self) -> Nanos {
        self.p99
    }

    /// One decision; at the end of a window of `window`, its 99th percentile.
    pub(super) fn record(&mut self, time: Nanos, window: u32) -> Option<Nanos> {
        self.buckets[bucket(time)] += 1;
        self.count += 1;
        if self.count < window {
            return None;
        }
        let mut beyond = self.count / 100;
        let mut at = BUCKETS - 1;
        while at > 0 && self.buckets[at] <= beyond {
            beyond -= self.buckets[at];
            at -= 1;
        }
        *self = DecisionTimes { p99: end_of(at), ..DecisionTimes::new() };
        Some(self.p99)
    }
}

fn bucket(time: Nanos) -> usize {
    let time = time.0.min(u64::from(u32::MAX)) as u32;
    if time < 1 << SUB_BITS {
        return time as usize;
    }
    let power = 31 - time.leading_zeros() - SUB_BITS;
    (((power + 1) << SUB_BITS) + ((time >> power) - (1 << SUB_BITS))) as usize
}

/// The largest time of a bucket.
fn end_of(bucket: usize) -> Nanos {
    let (row, at) = (bucket as u64 >> SUB_BITS, bucket as u64 & ((1 << SUB_BITS) - 1));
    match row {
        0 => Nanos(at),
        _ => Nanos((((1 << SUB_BITS) + at + 1) << (row - 1)) - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_at_most_an_eighth_too_high() {
        for time in (0..2_000u64).chain([1 << 20, 123_456_789, u64::from(u32::MAX)]) {
            let end = end_of(bucket(Nanos(time))).0;
            assert!(end >= time && end <= time + time / 8, "{time}: {end}");
        }
        let mut times = DecisionTimes::new();
        let mut found = None;
        for at in 0..1_000u64 {
            found = found.or(times.record(Nanos(if at % 100 < 2 { 5_000 } else { 80 }), 1_000));
        }
        assert_eq!(found, Some(times.p99()));
        assert!((5_000..5_700).contains(&times.p99().0), "{:?}", times.p99());
        for _ in 0..1_000 {
            times.record(Nanos(80), 1_000);
        }
        assert!(times.p99().0 < 90);
    }

    #[test]
    fn limits_are_passed_and_not_met() {
        let rules = RollbackRules {
            drawdown_max: Money(100),
            psi_max: 1.0,
            psi_window: 100,
            psi_every: Nanos(1),
            decision_p99_max: Nanos(1),
            decision_window: 100,
            actions_per_second_max: 10,
        };
        let at = |ms: u64, profit, actions| Pulse {
            now: Nanos::from_millis(ms),
            profit: Money(profit),
            actions,
            trading: true,
        };
        let mut guard = Guard::new(&at(0, 1_000, 500));
        assert_eq!(guard.look(&rules, &at(1, 1_050, 505)), None);
        assert_eq!(guard.look(&rules, &at(2, 950, 510)), None, "a hundred and ten actions");
        let lost = guard.look(&rules, &at(3, 949, 510)).expect("a drawdown");
        assert_eq!((lost.reason, lost.limit), (Reason::Drawdown, 0.01));
        let many = guard.look(&rules, &at(4, 1_000, 511)).expect("a rate");
        assert_eq!((many.reason, many.value), (Reason::ActionRate, 11.0));
        assert_eq!(guard.look(&rules, &at(1_010, 1_000, 510)), None);
        assert_eq!(guard.look(&rules, &at(1_011, 1_000, 520)), None, "another second");
    }
}
