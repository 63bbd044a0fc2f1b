//! What happens at a given time, whatever else does: the phases of the market, the directory, the
//! crosses and what leads up to them, halts.

use crate::config::DayConfig;
use crate::profile::{CLOSE, OPEN, SYSTEM_END, SYSTEM_START};
use crate::random::Random;

/// Messages of every instrument: directory, trading state, short sale restriction, two crosses.
pub(crate) const PER_INSTRUMENT: u64 = 5;

/// Something that is due in a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    /// Seconds since midnight.
    pub(crate) second: u32,
    pub(crate) act: Act,
    /// Of whom, counted from zero; of no meaning where it is about the market.
    pub(crate) instrument: u16,
}

/// A message, or a cross with the executions before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    /// System event of this letter.
    System(u8),
    /// Stock directory.
    Directory,
    /// Trading state of this letter, for this reason.
    State(u8, [u8; 4]),
    /// Short sale restriction of this digit.
    RegSho(u8),
    /// A participant's position.
    Participant,
    /// Decline levels of the market-wide circuit breaker.
    Decline,
    /// Collar of an auction.
    Collar,
    /// Imbalance before a cross of this letter.
    Imbalance(u8),
    /// A cross of this letter.
    Cross(u8),
}

/// The whole of it, in order.
pub(crate) fn script(config: &DayConfig, random: &mut Random) -> Vec<Entry> {
    let all = 0..config.instruments;
    let mut entries = Vec::new();
    let mut add = |second: u32, instrument: u16, act: Act| {
        entries.push(Entry { second, act, instrument });
    };
    // As recorded days begin: messages start at three, the directory comes some minutes later.
    add(10_980, 0, Act::System(b'O'));
    let directory = |at: u16| 11_220 + u32::from(at) / 2_000;
    for at in all.clone() {
        add(directory(at), at, Act::Directory);
        add(directory(at), at, Act::State(b'T', *b"    "));
        add(directory(at), at, Act::RegSho(b'0'));
    }
    // One position a thousand messages of the day, at most one an instrument.
    for at in all.clone().take(usize::try_from(config.messages / 1_000).unwrap_or(usize::MAX)) {
        add(11_280 + u32::from(at) / 2_000, at, Act::Participant);
    }
    add(11_400, 0, Act::Decline);
    add(SYSTEM_START, 0, Act::System(b'S'));
    add(OPEN, 0, Act::System(b'Q'));
    add(CLOSE, 0, Act::System(b'M'));
    add(SYSTEM_END, 0, Act::System(b'E'));
    add(SYSTEM_END + 300, 0, Act::System(b'C'));
    // One message in four hundred tells of imbalances, of every instrument at most five times
    // before a cross.
    let told = config.messages / 800;
    for number in 0..told.min(5 * u64::from(config.instruments)) as u32 {
        let at = (number % u32::from(config.instruments)) as u16;
        add(OPEN - 120 + random.below(120) as u32, at, Act::Imbalance(b'O'));
        add(CLOSE - 600 + random.below(600) as u32, at, Act::Imbalance(b'C'));
    }
    for at in all {
        // Most instruments cross in the first second, the others in the next.
        let late = u32::from(random.one_in(3));
        add(OPEN + late, at, Act::Cross(b'O'));
        add(CLOSE + u32::from(random.one_in(3)), at, Act::Cross(b'C'));
    }
    // One instrument in a hundred is halted, one in two hundred restricted.
    let step = 100;
    for first in (0..config.instruments).step_by(step).skip(1) {
        let at = first - 1 - random.below(step as u64 - 1) as u16;
        let from = OPEN + 300 + random.below(u64::from(CLOSE - OPEN - 3_000)) as u32;
        halt(from, at, random, &mut add);
        if random.one_in(2) {
            add(from + 1_800, at, Act::RegSho(b'1'));
        }
    }
    // Stable: what is due in the same second stays in order.
    entries.sort_by_key(|entry| entry.second);
    entries
}

/// A pause by limit-up limit-down (five minutes), or a halt for news (fifteen).
fn halt(from: u32, at: u16, random: &mut Random, add: &mut impl FnMut(u32, u16, Act)) {
    let reopening = if random.one_in(2) {
        add(from, at, Act::State(b'P', *b"LUDP"));
        add(from + 1, at, Act::Collar);
        add(from + 240, at, Act::State(b'Q', *b"LUDP"));
        from + 300
    } else {
        add(from, at, Act::State(b'H', *b"T1  "));
        add(from + 600, at, Act::State(b'Q', *b"T3  "));
        from + 900
    };
    for before in [30, 20, 10] {
        add(reopening - before, at, Act::Imbalance(b'H'));
    }
    add(reopening, at, Act::Cross(b'H'));
    add(reopening, at, Act::State(b'T', *b"    "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_day_has_room_for_its_script() {
        for instruments in [1, 7, 100, 1_000, 8_000, u16::MAX] {
            let messages = DayConfig::messages_min(instruments);
            let config = DayConfig { instruments, messages, ..DayConfig::default() };
            let entries = script(&config, &mut Random::new(1)).len() as u64;
            assert!(entries < messages * 2 / 3, "{entries} of {messages}");
            assert!(entries >= PER_INSTRUMENT * u64::from(instruments));
        }
    }

    #[test]
    fn halted_instruments_trade_again() {
        let config = DayConfig { instruments: 1_000, messages: 50_000, ..DayConfig::default() };
        let entries = script(&config, &mut Random::new(1));
        let mut halted = 0;
        for at in 0..1_000 {
            let of = entries.iter().filter(|entry| entry.instrument == at);
            let states: Vec<u8> = of
                .filter_map(|entry| match entry.act {
                    Act::State(letter, _) => Some(letter),
                    _ => None,
                })
                .collect();
            assert!(matches!(&states[..], b"T" | b"THQT" | b"TPQT"), "{states:?}");
            halted += usize::from(states.len() > 1);
        }
        assert_eq!(halted, 9);
    }
}
