//! When to ask for a retransmission: first after a moment in which the other line may fill the gap,
//! then with exponential back-off for as long as nothing comes.

use tercel_types::Nanos;

#[derive(Debug)]
pub(super) struct Requests {
    wait_min: Nanos,
    wait_max: Nanos,
    attempts_max: u32,
    attempts: u32,
    wait: Nanos,
    due: Nanos,
}

impl Requests {
    pub(super) fn new(wait_min: Nanos, wait_max: Nanos, attempts_max: u32) -> Requests {
        let wait_max = wait_max.max(wait_min);
        Requests { wait_min, wait_max, attempts_max, attempts: 0, wait: wait_min, due: Nanos(0) }
    }

    /// Starts over, with the first request not before `due`.
    pub(super) fn restart(&mut self, due: Nanos) {
        self.attempts = 0;
        self.wait = self.wait_min;
        self.due = due;
    }

    /// Starts over, with the first request after the moment that the other line is given.
    pub(super) fn restart_after_wait(&mut self, now: Nanos) {
        self.restart(after(now, self.wait_min));
    }

    /// A request was sent.
    pub(super) fn sent(&mut self, now: Nanos) {
        self.attempts = self.attempts.saturating_add(1);
        self.due = after(now, self.wait);
        self.wait = Nanos(self.wait.0.saturating_mul(2)).min(self.wait_max);
    }

    /// The time for the next request, or for giving up, has come.
    pub(super) fn is_due(&self, now: Nanos) -> bool {
        now >= self.due
    }

    /// As many requests as allowed brought nothing.
    pub(super) fn is_exhausted(&self) -> bool {
        self.attempts >= self.attempts_max
    }
}

/// `now + wait`, or the end of time.
pub(super) fn after(now: Nanos, wait: Nanos) -> Nanos {
    Nanos(now.0.saturating_add(wait.0))
}
