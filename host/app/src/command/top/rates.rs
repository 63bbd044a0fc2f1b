//! How fast counters grow, over the last few seconds.

use std::collections::{BTreeMap, VecDeque};
use tercel_control::view::State;

/// States that a rate goes over: 2.5 s at two a second.
const STATES: usize = 6;

#[derive(Debug)]
struct Sample {
    time_ns: u64,
    events: u64,
    counters: BTreeMap<String, u64>,
}

/// Counters of the last states.
#[derive(Debug, Default)]
pub(super) struct Rates {
    samples: VecDeque<Sample>,
    /// Which life of the host they are of.
    life: (u64, u64),
}

impl Rates {
    /// Takes the next state, of the process `pid` if that is known.
    pub(super) fn take(&mut self, state: &State, pid: u64) {
        let status = &state.status;
        let back = self.samples.back().is_some_and(|last| last.time_ns >= status.time_ns);
        if back || self.life != (status.started_ns, pid) {
            self.samples.clear();
        }
        self.life = (status.started_ns, pid);
        if self.samples.len() == STATES {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample {
            time_ns: status.time_ns,
            events: status.events,
            counters: state.feed.counters.clone(),
        });
    }

    /// Events a second.
    pub(super) fn events(&self) -> Option<f64> {
        self.rate(|sample| Some(sample.events))
    }

    /// The counter's growth a second; none before it is known, or if it has gone back.
    pub(super) fn counter(&self, name: &str) -> Option<f64> {
        self.rate(|sample| sample.counters.get(name).copied())
    }

    fn rate(&self, value: impl Fn(&Sample) -> Option<u64>) -> Option<f64> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let ns = last.time_ns.checked_sub(first.time_ns).filter(|ns| *ns > 0)?;
        let grown = value(last)?.checked_sub(value(first)?)?;
        Some(grown as f64 / ns as f64 * 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(time_ns: u64, events: u64) -> State {
        let mut state = State::default();
        state.status.time_ns = time_ns;
        state.status.events = events;
        state.feed.counters.insert("frames".into(), events / 2);
        state
    }

    #[test]
    fn a_rate_is_growth_over_the_time_of_the_states() {
        let mut rates = Rates::default();
        assert_eq!(rates.events(), None);
        for i in 0..20 {
            rates.take(&state(1_000 + i * 500_000_000, i * 100), 1);
        }
        assert_eq!(rates.events(), Some(200.0));
        assert_eq!(rates.counter("frames"), Some(100.0));
        assert_eq!(rates.counter("unknown"), None);
        assert_eq!(rates.samples.len(), STATES);
    }

    #[test]
    fn a_host_that_starts_again_begins_anew() {
        let mut rates = Rates::default();
        rates.take(&state(1_000_000_000, 500), 1);
        rates.take(&state(2_000_000_000, 5), 2);
        assert_eq!(rates.events(), None);
        rates.take(&state(3_000_000_000, 10), 2);
        assert_eq!(rates.events(), Some(5.0));
        // A clock that was set back, and a counter that went back.
        rates.take(&state(2_500_000_000, 20), 2);
        assert_eq!(rates.events(), None);
        rates.take(&state(3_500_000_000, 0), 2);
        assert_eq!(rates.events(), None);
    }
}
