//! What became of each numbered frame of a round.

/// Frames by number: when each arrived, in ticks after it was sent, and what else came.
///
/// All of its memory is written once before the round, so that no page is taken from the system
/// while frames arrive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tally {
    /// Ticks under way, plus one; zero for not arrived.
    under_way: Vec<u64>,
    arrived: u64,
    /// One above the highest number that has arrived.
    next: u64,
    reordered: u64,
    duplicates: u64,
    /// Numbers that were never given out.
    strangers: u64,
    /// What the port counted, where not every frame arrived.
    account: Option<String>,
}

impl Tally {
    /// For frames with numbers below `count`.
    pub(crate) fn new(count: u64) -> Tally {
        let mut under_way = vec![1; count as usize];
        under_way.fill(0);
        Tally {
            under_way,
            arrived: 0,
            next: 0,
            reordered: 0,
            duplicates: 0,
            strangers: 0,
            account: None,
        }
    }

    /// Frame `number` has arrived, so many ticks after it was sent.
    #[inline]
    pub(crate) fn arrive(&mut self, number: u64, ticks: u64) {
        let Some(entry) = self.under_way.get_mut(number as usize) else {
            self.strangers += 1;
            return;
        };
        if *entry != 0 {
            self.duplicates += 1;
            return;
        }
        *entry = ticks.saturating_add(1);
        self.arrived += 1;
        if number < self.next {
            self.reordered += 1;
        } else {
            self.next = number + 1;
        }
    }

    /// Frames that were to arrive.
    pub(crate) fn wanted(&self) -> u64 {
        self.under_way.len() as u64
    }

    /// Frames that arrived, each counted once.
    pub(crate) fn arrived(&self) -> u64 {
        self.arrived
    }

    /// Every frame has arrived.
    pub(crate) fn is_complete(&self) -> bool {
        self.arrived == self.wanted()
    }

    /// Frames that did not arrive.
    pub(crate) fn lost(&self) -> u64 {
        self.wanted() - self.arrived
    }

    /// Frames that arrived behind one with a higher number.
    pub(crate) fn reordered(&self) -> u64 {
        self.reordered
    }

    /// Arrivals beyond the first of a frame, and of numbers that were never given out.
    pub(crate) fn superfluous(&self) -> u64 {
        self.duplicates + self.strangers
    }

    /// Takes down what the port counted.
    pub(crate) fn explain(&mut self, account: String) {
        self.account = Some(account);
    }

    /// What the port counted, where not every frame arrived.
    pub(crate) fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// Ticks under way of the frames from number `first` on that arrived, in order of the numbers.
    pub(crate) fn ticks(&self, first: u64) -> impl Iterator<Item = u64> + '_ {
        self.under_way.iter().skip(first as usize).filter_map(|ticks| ticks.checked_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(count: u64, numbers: &[u64]) -> Tally {
        let mut tally = Tally::new(count);
        numbers.iter().for_each(|number| tally.arrive(*number, 10 * number));
        tally
    }

    #[test]
    fn all_in_order() {
        let tally = tally(4, &[0, 1, 2, 3]);
        assert!(tally.is_complete());
        assert_eq!((tally.lost(), tally.reordered(), tally.superfluous()), (0, 0, 0));
        assert_eq!(tally.ticks(1).collect::<Vec<_>>(), [10, 20, 30]);
    }

    #[test]
    fn what_is_missing_is_lost_and_what_is_late_reordered() {
        let tally = tally(6, &[0, 3, 1, 2, 5]);
        assert!(!tally.is_complete());
        assert_eq!((tally.arrived(), tally.lost(), tally.reordered()), (5, 1, 2));
        assert_eq!(tally.ticks(0).collect::<Vec<_>>(), [0, 10, 20, 30, 50]);
    }

    #[test]
    fn twice_counts_once_and_strangers_do_not_count() {
        let tally = tally(2, &[1, 1, 2, 99, 0]);
        assert!(tally.is_complete());
        assert_eq!((tally.lost(), tally.reordered(), tally.superfluous()), (0, 1, 3));
        assert_eq!(tally.ticks(1).collect::<Vec<_>>(), [10]);
    }

    #[test]
    fn arrived_and_lost_add_up_to_what_was_sent() {
        for count in 0..20 {
            let numbers: Vec<u64> = (0..count).filter(|number| number % 3 != 1).collect();
            let tally = tally(count, &numbers);
            assert_eq!(tally.arrived() + tally.lost(), count);
            assert_eq!(tally.ticks(0).count() as u64, tally.arrived());
        }
    }
}
