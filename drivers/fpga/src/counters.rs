//! What a card has counted.

use crate::backend::Bar;
use tercel_abi::device::{LINES, counter, line_counter};
use tercel_abi::{counter_register, line_counter_register};

/// Counters since the start. The card counts 32 bits; here they do not wrap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CardCounters {
    /// Those of the card, by their index in [`counter`]. The two latencies are as the card has
    /// them.
    pub card: [u64; counter::COUNT],
    /// Those of each line, by their index in [`line_counter`].
    pub lines: [[u64; line_counter::COUNT]; LINES],
}

/// Counters as latched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Latched {
    pub(crate) card: [u32; counter::COUNT],
    pub(crate) lines: [[u32; line_counter::COUNT]; LINES],
}

/// Adds up what is latched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accumulator {
    last: Latched,
    total: CardCounters,
}

impl CardCounters {
    /// All zero.
    pub const ZERO: CardCounters =
        CardCounters { card: [0; counter::COUNT], lines: [[0; line_counter::COUNT]; LINES] };

    /// Good packets on all lines, of which a heartbeat is one too.
    pub fn packets(&self) -> u64 {
        self.lines.iter().map(|line| line[line_counter::PACKETS]).sum()
    }

    /// Hands each counter to `each`, by its name in small letters; those of a line begin with
    /// `line_a_` or `line_b_`. Latencies are left out while nothing was measured.
    pub fn report(&self, mut each: impl FnMut(&str, u64)) {
        let measured = self.card[counter::LATENCY_MIN] != u64::from(u32::MAX);
        for (index, name) in counter::NAMES.iter().enumerate() {
            if measured || !is_latency(index) {
                each(&name.to_ascii_lowercase(), self.card[index]);
            }
        }
        for (line, letter) in self.lines.iter().zip(["a", "b"]) {
            for (name, value) in line_counter::NAMES.iter().zip(line) {
                each(&format!("line_{letter}_{}", name.to_ascii_lowercase()), *value);
            }
        }
    }
}

/// The counters that are not counts.
fn is_latency(index: usize) -> bool {
    index == counter::LATENCY_MIN || index == counter::LATENCY_MAX
}

impl Latched {
    pub(crate) fn read(bar: &impl Bar) -> Latched {
        Latched {
            card: std::array::from_fn(|index| bar.read32(counter_register(index))),
            lines: std::array::from_fn(|line| {
                std::array::from_fn(|index| bar.read32(line_counter_register(line, index)))
            }),
        }
    }
}

impl Accumulator {
    /// Of a card that has just been started.
    pub(crate) fn new() -> Accumulator {
        let last = Latched { card: [0; counter::COUNT], lines: [[0; line_counter::COUNT]; LINES] };
        let mut total = CardCounters::ZERO;
        total.card[counter::LATENCY_MIN] = u64::from(u32::MAX);
        Accumulator { last, total }
    }

    /// Adds what has been counted since the last time, up to 2^32 - 1 of each.
    pub(crate) fn add(&mut self, now: Latched) -> CardCounters {
        let more = |total: &mut u64, now: u32, last: u32| {
            *total = total.wrapping_add(u64::from(now.wrapping_sub(last)));
        };
        for (index, total) in self.total.card.iter_mut().enumerate() {
            if is_latency(index) {
                *total = u64::from(now.card[index]);
            } else {
                more(total, now.card[index], self.last.card[index]);
            }
        }
        for (line, totals) in self.total.lines.iter_mut().enumerate() {
            for (index, total) in totals.iter_mut().enumerate() {
                more(total, now.lines[line][index], self.last.lines[line][index]);
            }
        }
        self.last = now;
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_32_bits_do_not_wrap_here() {
        let mut counters = Accumulator::new();
        let mut latched = counters.last;
        for value in [u32::MAX - 5, 4, u32::MAX] {
            latched.card[counter::RECORDS] = value;
            latched.lines[1][line_counter::PACKETS] = value;
            latched.card[counter::LATENCY_MAX] = 7;
            counters.add(latched);
        }
        let total = counters.total;
        assert_eq!(total.card[counter::RECORDS], (1 << 32) + u64::from(u32::MAX));
        assert_eq!(total.packets(), (1 << 32) + u64::from(u32::MAX));
        assert_eq!(total.card[counter::LATENCY_MAX], 7);
    }

    #[test]
    fn a_report_names_each_counter_once() {
        let mut names = Vec::new();
        CardCounters::ZERO.report(|name, _| names.push(name.to_string()));
        assert_eq!(names.len(), counter::COUNT + LINES * line_counter::COUNT);
        assert!(names.contains(&"kind_add".into()) && names.contains(&"line_b_bad_fcs".into()));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), counter::COUNT + LINES * line_counter::COUNT);
        let mut names = 0;
        Accumulator::new().total.report(|_, _| names += 1);
        assert_eq!(names, counter::COUNT + LINES * line_counter::COUNT - 2);
    }
}
