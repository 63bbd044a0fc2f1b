//! How a day's messages and its resting orders are spread over the clock.
//!
//! A weight for each second, in millionths of a day: thin before the market opens, a burst at the
//! open that decays as 1/t, a U over the day, a burst into the close, then the deletion of what
//! rested all day. The weights add up to about a million; the first second of the market, in which
//! most instruments open, has 0.3 % of a full day's messages.

/// Seconds since midnight.
pub(crate) const SYSTEM_START: u32 = 4 * 3600;
/// When the market opens.
pub(crate) const OPEN: u32 = 9 * 3600 + 1800;
/// When it closes.
pub(crate) const CLOSE: u32 = 16 * 3600;
/// When the venue does.
pub(crate) const SYSTEM_END: u32 = 20 * 3600;

const SECONDS: usize = (SYSTEM_END - SYSTEM_START) as usize;

/// The messages and the resting orders of a day that are due by each second.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    /// Weight of the seconds before each second, from the start of the system.
    before: Vec<u64>,
    messages: u64,
    peak: u64,
}

impl Profile {
    /// For a number of messages, and of orders that rest at noon.
    pub(crate) fn new(messages: u64, peak: u32) -> Profile {
        let mut before = Vec::with_capacity(SECONDS + 1);
        let mut sum = 0;
        before.push(0);
        for second in SYSTEM_START..SYSTEM_END {
            sum += weight(second);
            before.push(sum);
        }
        Profile { before, messages, peak: peak.into() }
    }

    /// Messages that are due in a second.
    pub(crate) fn messages_in(&self, second: u32) -> u64 {
        let due = |second: u32| {
            let at = second.saturating_sub(SYSTEM_START).min(SECONDS as u32) as usize;
            let share = u128::from(self.messages) * u128::from(self.before[at]);
            (share / u128::from(self.before[SECONDS])) as u64
        };
        due(second + 1) - due(second)
    }

    /// Orders that should rest in a second.
    pub(crate) fn resting_at(&self, second: u32) -> u64 {
        // Seconds, and how many of the peak's thousand parts rest then.
        const POINTS: [(u32, u64); 8] = [
            (SYSTEM_START, 0),
            (8 * 3600, 40),
            (OPEN, 300),
            (12 * 3600, 1000),
            (CLOSE + 1, 1000),
            (CLOSE + 600, 60),
            (CLOSE + 2400, 10),
            (SYSTEM_END, 2),
        ];
        let after = POINTS.partition_point(|(at, _)| *at <= second).clamp(1, POINTS.len() - 1);
        let ((from, low), (to, high)) = (POINTS[after - 1], POINTS[after]);
        let passed = u64::from(second.clamp(from, to) - from);
        let left = u64::from(to - from) - passed;
        self.peak * (low * left + high * passed) / (1000 * u64::from(to - from))
    }
}

/// Millionths of a day that a second has, times sixteen.
fn weight(second: u32) -> u64 {
    let burst = |height: u64, distance: u32| 16 * height * 2 / (2 + u64::from(distance));
    match second {
        ..28_800 => 8,
        28_800..33_900 => 60,
        33_900..OPEN => 400 + u64::from(second - 33_900),
        OPEN..CLOSE => {
            let middle = (OPEN + CLOSE) / 2;
            let (half, off) = (u64::from(CLOSE - middle), u64::from(second.abs_diff(middle)));
            let curve = 355 + 410 * off * off / (half * half);
            curve + burst(2_500, second - OPEN) + burst(1_500, CLOSE - 1 - second)
        }
        // What rested all day goes within minutes.
        CLOSE..58_200 => 4_500 - 6 * u64::from(second - CLOSE) + burst(1_000, second - CLOSE),
        58_200..61_200 => 60,
        _ => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_due_at_some_second() {
        for messages in [0, 1, 999, 20_000_000] {
            let profile = Profile::new(messages, 1_000_000);
            let sum: u64 = (0..86_400).map(|second| profile.messages_in(second)).sum();
            assert_eq!(sum, messages);
        }
    }

    #[test]
    fn the_day_has_the_shape_of_a_day() {
        let profile = Profile::new(10_000_000, 1_500_000);
        let of = |from: u32, to: u32| (from..to).map(|s| profile.messages_in(s)).sum::<u64>();
        let busiest = (0..86_400).map(|s| profile.messages_in(s)).max().unwrap_or(0);
        assert_eq!(busiest, profile.messages_in(OPEN));
        assert!((25_000..=30_000).contains(&busiest), "{busiest}");
        assert!(of(0, OPEN) < 600_000);
        let noon = of(43_200, 46_800);
        assert!(of(OPEN, OPEN + 3600) > 2 * noon && of(CLOSE - 3600, CLOSE) > 3 * noon / 2);
        // Three quarters of a million orders are to be deleted among the messages of other kinds.
        let after = of(CLOSE, SYSTEM_END);
        assert!((1_000_000..1_400_000).contains(&after), "{after}");
    }

    #[test]
    fn orders_pile_up_until_noon_and_go_after_the_close() {
        let profile = Profile::new(1, 1000);
        assert_eq!(profile.resting_at(0), 0);
        assert_eq!(profile.resting_at(OPEN), 300);
        assert_eq!(profile.resting_at(13 * 3600), 1000);
        assert_eq!(profile.resting_at(CLOSE), 1000);
        assert_eq!(profile.resting_at(SYSTEM_END), 2);
        assert_eq!(profile.resting_at(86_400), 2);
    }
}
