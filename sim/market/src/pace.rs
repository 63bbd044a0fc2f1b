//! Times within a second.
//!
//! Messages come in clusters: a power of two of them, each size as common as twice the size is
//! rare, less than half a microsecond apart, then a pause. Pauses follow from what is left of the
//! second and of its messages, so that a second ends with its last message due.

use crate::random::Random;

const SECOND_NS: u64 = 1_000_000_000;
/// Largest cluster as a power of two.
const CLUSTER_MAX: u32 = 8;
/// Messages in a cluster on average: each of the nine sizes adds a half, the largest one more.
const CLUSTER_MEAN: u64 = 5;

/// The clock of the day, in nanoseconds since midnight.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    now: u64,
    end: u64,
    in_cluster: u32,
}

impl Pace {
    /// Goes to the start of a second.
    pub(crate) fn start_second(&mut self, second: u32) {
        self.now = u64::from(second) * SECOND_NS;
        self.end = self.now + SECOND_NS;
        self.in_cluster = 0;
    }

    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    /// The message follows closely on the one before.
    #[inline]
    pub(crate) fn within_cluster(&self) -> bool {
        self.in_cluster > 0
    }

    /// Goes on to the next of `left` messages of the second, of which there is one at least.
    #[inline]
    pub(crate) fn advance(&mut self, left: u64, random: &mut Random) {
        let share = (self.end - self.now) / left;
        let gap = if self.in_cluster > 0 {
            self.in_cluster -= 1;
            // Half of the share at most: a second may have more messages than microseconds.
            random.below(512).min(share / 2)
        } else {
            self.in_cluster = (1 << random.halving(CLUSTER_MAX)) - 1;
            random.below(2 * CLUSTER_MEAN * share + 1)
        };
        self.now = (self.now + gap).min(self.end - 1);
    }

    /// Nothing comes between this message and the one before.
    #[inline]
    pub(crate) fn follow(&mut self, random: &mut Random) {
        self.now = (self.now + random.below(64)).min(self.end - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_used_and_not_left() {
        let mut random = Random::new(1);
        for messages in [1_u64, 10, 1_000, 50_000, 3_000_000] {
            let mut pace = Pace::default();
            pace.start_second(5);
            let (mut close, mut half) = (0, 0);
            for left in (1..=messages).rev() {
                let before = pace.now();
                pace.advance(left, &mut random);
                assert!(pace.now() >= before && pace.now() < 6 * SECOND_NS);
                close += u64::from(pace.now() - before < 512);
                half += u64::from(pace.now() < 5 * SECOND_NS + SECOND_NS / 2);
            }
            if messages >= 1_000 {
                assert!(close > messages / 2, "{close} of {messages} are close to another");
                assert!(half > messages / 4 && half < messages * 3 / 4, "{half} of {messages}");
            }
        }
    }
}
