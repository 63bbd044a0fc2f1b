//! What the hot thread does when there is nothing to do.

use std::time::Duration;

/// Spin, or give the core away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pace {
    /// Poll without a pause: the thread has a core of its own.
    Spin,
    /// After some empty polls sleep for a moment: more threads than cores.
    BackOff,
}

/// Empty polls before the first sleep; a poll of two sockets costs about a microsecond.
const POLLS_BEFORE_SLEEP: u32 = 20;
/// The kernel adds about 55 µs of its own (timer slack 50 µs).
const SLEEP: Duration = Duration::from_micros(20);

/// Counts empty polls.
pub(crate) struct Idle {
    pace: Pace,
    polls: u32,
}

impl Idle {
    pub(crate) fn new(pace: Pace) -> Idle {
        Idle { pace, polls: 0 }
    }

    /// After a poll that found `work` things.
    #[inline]
    pub(crate) fn after(&mut self, work: usize) {
        if work > 0 {
            self.polls = 0;
            return;
        }
        self.polls = self.polls.saturating_add(1);
        match self.pace {
            Pace::Spin => std::hint::spin_loop(),
            Pace::BackOff if self.polls < POLLS_BEFORE_SLEEP => std::hint::spin_loop(),
            Pace::BackOff => std::thread::sleep(SLEEP),
        }
    }
}

impl Pace {
    /// Spinning pays only if every busy thread of this machine's stack has a core and one is left
    /// for the rest.
    pub(crate) fn for_cores(cores: usize, busy_threads: usize) -> Pace {
        if cores > busy_threads { Pace::Spin } else { Pace::BackOff }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spins_only_with_a_core_to_spare() {
        assert_eq!(Pace::for_cores(2, 2), Pace::BackOff);
        assert_eq!(Pace::for_cores(4, 2), Pace::Spin);
    }
}
