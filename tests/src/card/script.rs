//! What happens to a card, step by step.

use super::damage::damage;
use super::packets::{Content, Dress, dress, of_number, packet};
use super::random::Random;
use core::fmt;

const MASK_48: u64 = (1 << 48) - 1;

/// What a start configures.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setup {
    /// First number expected, or zero.
    pub next_seq: u64,
    /// Slots of the ring as a power of two.
    pub ring_log2: u32,
    /// Bus address of the ring.
    pub ring_base: u64,
    /// Number of the venue.
    pub venue: u8,
    /// Instruments that pass; none for all.
    pub filter: Option<Vec<u16>>,
    /// Which lines are on.
    pub lines: [bool; 2],
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            next_seq: 1,
            ring_log2: 12,
            ring_base: 0x4000,
            venue: 3,
            filter: None,
            lines: [true; 2],
        }
    }
}

/// One step.
#[derive(Clone, PartialEq, Eq)]
pub enum Step {
    /// Stops the card, configures it and starts it with the next generation.
    Start(Setup),
    /// Starts it again as it is.
    Again,
    /// Stops it.
    Stop,
    /// A frame comes.
    Frame {
        /// On this line.
        line: usize,
        /// Without its check sequence.
        bytes: Vec<u8>,
        /// Which was right, or not.
        fcs_good: bool,
        /// At this time.
        ticks: u64,
    },
    /// The host takes at most so many records.
    Take(u32),
    /// The host reads all counters.
    Check,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Start(setup) => write!(f, "Start({setup:?})"),
            Step::Again => f.write_str("Again"),
            Step::Stop => f.write_str("Stop"),
            Step::Take(max) => write!(f, "Take({max})"),
            Step::Check => f.write_str("Check"),
            Step::Frame { line, bytes, fcs_good, ticks } => {
                let fcs = if *fcs_good { "" } else { " bad FCS" };
                write!(f, "Frame line {line} ticks {ticks}{fcs} {} bytes: ", bytes.len())?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// How likely things are, per mille of packets unless it says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// What the suite calls it.
    pub name: &'static str,
    /// Packets go to both lines; else to one of them, by chance.
    pub both: bool,
    /// A copy is lost.
    pub loss: u64,
    /// A copy comes again.
    pub again: u64,
    /// A copy comes some packets later.
    pub late: u64,
    /// A copy has a bad frame check sequence.
    pub bad_fcs: u64,
    /// A copy is damaged.
    pub damage: u64,
    /// A packet is of another session.
    pub session: u64,
    /// The numbers jump.
    pub jump: u64,
    /// Some messages are of unknown kind or wrong length.
    pub odd: bool,
    /// The host takes some of what there is; else it takes all in time.
    pub slow: bool,
    /// The card is started again, stopped, or configured otherwise.
    pub restart: u64,
    /// Messages in a packet, at most.
    pub messages: u64,
}

/// Good packets only, all kinds.
pub const CLEAN: Profile = Profile {
    name: "clean",
    both: false,
    loss: 0,
    again: 0,
    late: 0,
    bad_fcs: 0,
    damage: 0,
    session: 0,
    jump: 0,
    odd: false,
    slow: false,
    restart: 0,
    messages: 20,
};

/// Every second frame is damaged.
pub const FUZZED: Profile = Profile {
    name: "fuzzed",
    damage: 500,
    bad_fcs: 40,
    session: 20,
    odd: true,
    restart: 20,
    messages: 10,
    ..CLEAN
};

/// Two lines that lose, repeat and reorder.
pub const TWO_LINES: Profile = Profile {
    name: "two lines",
    both: true,
    loss: 120,
    again: 60,
    late: 120,
    bad_fcs: 60,
    damage: 40,
    session: 10,
    jump: 15,
    odd: true,
    restart: 4,
    messages: 10,
    ..CLEAN
};

/// A host that is too slow for a small ring.
pub const SLOW_HOST: Profile = Profile {
    name: "slow host",
    both: true,
    loss: 60,
    again: 20,
    late: 40,
    bad_fcs: 60,
    damage: 30,
    odd: true,
    slow: true,
    restart: 8,
    messages: 12,
    ..CLEAN
};

/// Starts and stops all the time.
pub const RESTARTS: Profile = Profile {
    name: "restarts",
    both: true,
    loss: 50,
    bad_fcs: 50,
    damage: 100,
    session: 30,
    jump: 30,
    odd: true,
    restart: 250,
    messages: 6,
    ..CLEAN
};

/// All of them.
pub const PROFILES: [Profile; 5] = [CLEAN, FUZZED, TWO_LINES, SLOW_HOST, RESTARTS];

/// The script of a seed, with at least so many frames.
pub fn script(profile: &Profile, seed: u64, frames: usize) -> Vec<Step> {
    let mut random = Random::new(seed);
    let next = if random.chance(300) { random.range(2..MASK_48 >> 1) } else { 1 };
    let ticks = random.next();
    let mut writer = Writer {
        profile: *profile,
        seed,
        random,
        steps: Vec::new(),
        frames: 0,
        next,
        ticks,
        late: Vec::new(),
    };
    writer.start();
    let mut round = 0;
    while writer.frames < frames {
        writer.round(round);
        round += 1;
    }
    writer.steps.push(Step::Take(u32::MAX));
    writer.steps.push(Step::Check);
    writer.steps
}

/// A frame that is still on its way.
struct Late {
    round: u64,
    line: usize,
    bytes: Vec<u8>,
    fcs_good: bool,
}

struct Writer {
    profile: Profile,
    seed: u64,
    random: Random,
    steps: Vec<Step>,
    frames: usize,
    /// Number of the next message to be sent.
    next: u64,
    ticks: u64,
    late: Vec<Late>,
}

impl Writer {
    fn start(&mut self) {
        let random = &mut self.random;
        let slow = self.profile.slow;
        let instrument = |random: &mut Random| {
            let all = if random.chance(900) { 64 } else { 1 << 16 };
            random.below(all) as u16
        };
        let filter = random.chance(350).then(|| {
            let count = random.below(40);
            (0..count).map(|_| instrument(random)).collect()
        });
        let on = random.below(20);
        let setup = Setup {
            next_seq: if random.chance(150) { 0 } else { self.next },
            ring_log2: if slow { random.range(4..7) as u32 } else { random.range(11..14) as u32 },
            ring_base: random.next() >> random.range(1..40) << 6 & (u64::MAX >> 1),
            venue: random.next() as u8,
            filter,
            lines: [on != 0, on != 1],
        };
        self.steps.push(Step::Start(setup));
    }

    fn round(&mut self, round: u64) {
        let profile = self.profile;
        if self.random.chance(profile.restart) {
            match self.random.below(6) {
                0 => self.steps.push(Step::Stop),
                1 | 2 => self.steps.push(Step::Again),
                _ => self.start(),
            }
        }
        if self.random.chance(profile.jump) {
            self.next = self.jumped();
        }
        let (content, count) = match self.random.below(100) {
            0..4 => (Content::Heartbeat, 0),
            4 => (Content::End, 0),
            _ => (Content::Messages, self.random.range(1..profile.messages + 1)),
        };
        let wanders = profile.jump > 0 && content == Content::Heartbeat && self.random.chance(200);
        let seq = if wanders {
            self.next.wrapping_add(self.random.below(30)).wrapping_sub(10) & MASK_48
        } else {
            self.next
        };
        let numbers = seq..seq + count;
        let messages: Vec<Vec<u8>> =
            numbers.map(|number| of_number(self.seed, number, profile.odd)).collect();
        let one = self.random.below(2) as usize;
        for line in 0..2 {
            if profile.both || line == one {
                self.copy(round, line, &|line| packet(line, seq, content, &messages));
            }
        }
        self.next = (self.next + count).min(MASK_48 - 65_536);
        self.arrive(round);
        let take = if profile.slow { 150 } else { 120 };
        if self.random.chance(take) {
            let some = self.random.below(if profile.slow { 80 } else { 4000 }) as u32;
            let all = !profile.slow || self.random.chance(100);
            self.steps.push(Step::Take(if all { u32::MAX } else { some }));
        }
        if self.random.chance(12) {
            self.steps.push(Step::Check);
        }
    }

    fn jumped(&mut self) -> u64 {
        let next = self.next;
        let random = &mut self.random;
        let jumped = match random.below(8) {
            0 => next.wrapping_add((1 << 32) + random.below(3)).wrapping_sub(1),
            1 => random.next() >> random.range(16..60),
            2..5 => next.saturating_sub(random.below(40)),
            _ => next + random.below(40),
        };
        jumped.min(MASK_48 - 66_000)
    }

    /// Sends a packet over a line, if it is not lost.
    fn copy(&mut self, round: u64, line: usize, packet: &dyn Fn(usize) -> Vec<u8>) {
        let profile = self.profile;
        let random = &mut self.random;
        if random.chance(profile.loss) {
            return;
        }
        let copies = if random.chance(profile.again) { 2 } else { 1 };
        for _ in 0..copies {
            let stray = profile.damage > 0 && random.chance(5);
            let mut bytes = packet(if stray { 1 - line } else { line });
            if random.chance(profile.session) {
                bytes[super::packets::at::MOLD + random.below(10) as usize] ^= 0x11;
                super::packets::seal(&mut bytes, false, true);
            }
            let clothes = Dress::any(random);
            if random.chance(profile.damage) {
                damage(&mut bytes, random);
            }
            if bytes.len() > super::packets::at::BLOCKS {
                dress(&mut bytes, &clothes, random);
            }
            let late = random.chance(profile.late);
            let round = if late { round + random.range(1..8) } else { round };
            let fcs_good = !random.chance(profile.bad_fcs);
            self.late.push(Late { round, line, bytes, fcs_good });
        }
    }

    /// What is due arrives, in any order.
    fn arrive(&mut self, round: u64) {
        let (mut due, late): (Vec<Late>, Vec<Late>) =
            self.late.drain(..).partition(|one| one.round <= round);
        self.late = late;
        while !due.is_empty() {
            let at = self.random.below(due.len() as u64) as usize;
            let Late { line, bytes, fcs_good, .. } = due.swap_remove(at);
            self.ticks += self.random.below(5000);
            let ticks = self.ticks & MASK_48;
            self.steps.push(Step::Frame { line, bytes, fcs_good, ticks });
            self.frames += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_the_same_for_the_same_seed() {
        for profile in &PROFILES {
            let one = script(profile, 7, 200);
            assert!(one == script(profile, 7, 200));
            assert!(one != script(profile, 8, 200));
        }
    }
}
