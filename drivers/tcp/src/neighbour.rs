//! The next hop's MAC address, and how long it holds.
//!
//! The stack behind forgets an address a minute of its own time after it was last confirmed, and
//! would then hold back what is to be sent until ARP has answered. Its time runs faster than ours
//! ([`crate::behind::SPEED`]), so it is reminded now and then; and the next hop is asked before a
//! minute of ours is over: an order never waits.

use core::net::Ipv4Addr;
use tercel_types::Nanos;

/// Unconfirmed for this long, the next hop is asked.
const ASK_AFTER: Nanos = Nanos::from_secs(30);

/// And asked again after this long without an answer.
const ASK_AGAIN: Nanos = Nanos::from_secs(5);

/// Unconfirmed for this long, an address is not relied upon.
const HOLDS: Nanos = Nanos::from_secs(58);

/// The stack behind is reminded this often: well before a minute of its time is over.
const REMIND_EVERY: Nanos = Nanos::from_millis(1_500);

/// What is known of the next hop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Neighbour {
    pub(crate) address: Ipv4Addr,
    mac: Option<[u8; 6]>,
    holds_until: Nanos,
    ask_at: Nanos,
    remind_at: Nanos,
}

fn after(now: Nanos, span: Nanos) -> Nanos {
    Nanos(now.0.saturating_add(span.0))
}

impl Neighbour {
    pub(crate) fn new(address: Ipv4Addr) -> Neighbour {
        let never = Nanos(u64::MAX);
        let holds_until = Nanos(0);
        Neighbour { address, mac: None, holds_until, ask_at: never, remind_at: never }
    }

    /// ARP has told the address.
    pub(crate) fn learn(&mut self, mac: [u8; 6], now: Nanos) {
        self.mac = Some(mac);
        self.remind_at = after(now, REMIND_EVERY);
        self.confirm(now);
    }

    /// A frame has shown that the address still holds.
    pub(crate) fn confirm(&mut self, now: Nanos) {
        self.holds_until = after(now, HOLDS);
        self.ask_at = after(now, ASK_AFTER);
    }

    pub(crate) fn holds(&self, now: Nanos) -> bool {
        now < self.holds_until
    }

    /// Whether to ask now; then not again for a while.
    pub(crate) fn ask(&mut self, now: Nanos) -> bool {
        let due = now >= self.ask_at;
        if due {
            self.ask_at = after(now, ASK_AGAIN);
        }
        due
    }

    /// The address, when the stack behind is to be reminded of it; then not again for a while.
    pub(crate) fn remind(&mut self, now: Nanos) -> Option<[u8; 6]> {
        if now < self.remind_at {
            return None;
        }
        self.remind_at = after(now, REMIND_EVERY);
        self.mac.filter(|_| self.holds(now))
    }

    /// The stack behind is to be reminded at this time, if ever.
    pub(crate) fn remind_at(&mut self, at: Nanos) {
        self.remind_at = self.remind_at.min(at);
    }

    /// When the next of these changes.
    pub(crate) fn due(&self, now: Nanos) -> Nanos {
        let due = self.ask_at.min(self.remind_at);
        if self.holds(now) { self.holds_until.min(due) } else { due }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asked_before_it_is_forgotten_and_not_all_the_time() {
        let mut neighbour = Neighbour::new(Ipv4Addr::new(10, 0, 0, 1));
        let at = Nanos::from_secs;
        assert!(!neighbour.holds(at(1)) && !neighbour.ask(at(1_000)));
        neighbour.confirm(at(100));
        assert_eq!(neighbour.remind(at(100)), None);
        assert!(neighbour.holds(at(157)) && !neighbour.holds(at(158)));
        assert_eq!(neighbour.due(at(100)), at(130));
        assert!(!neighbour.ask(at(129)) && neighbour.ask(at(130)) && !neighbour.ask(at(134)));
        assert!(neighbour.ask(at(156)));
        assert_eq!(neighbour.due(at(156)), at(158));
        assert_eq!(neighbour.due(at(158)), at(161));
    }

    #[test]
    fn the_stack_behind_is_reminded_as_long_as_the_address_holds() {
        let mut neighbour = Neighbour::new(Ipv4Addr::new(10, 0, 0, 1));
        let at = Nanos::from_secs;
        neighbour.learn([2; 6], at(10));
        assert_eq!(
            (neighbour.remind(at(11)), neighbour.due(at(10))),
            (None, Nanos(11_500_000_000))
        );
        assert_eq!(neighbour.remind(at(12)), Some([2; 6]));
        assert_eq!((neighbour.remind(at(13)), neighbour.remind(at(60))), (None, Some([2; 6])));
        assert_eq!(neighbour.remind(at(70)), None);
    }
}
