//! The day: what comes next, at which time.

use crate::activity::Activity;
use crate::config::{DayConfig, DayError};
use crate::instrument::Instrument;
use crate::orders::Orders;
use crate::pace::Pace;
use crate::placement::Placement;
use crate::profile::{Profile, SYSTEM_END};
use crate::random::Random;
use crate::script::{Act, Entry, script};
use tercel_proto::itch::{Header, LENGTH_MAX};
use tercel_types::{InstrumentId, Nanos, Side};
use zerocopy::{Immutable, IntoBytes};

/// Instruments drawn in advance.
pub(crate) const AHEAD: usize = 8;

/// A day as it is made, message by message.
///
/// Each second has entries of the script and, for the rest of its messages, the flow of orders
/// (`flow.rs`); both are mixed by lot. Time and space do not grow with the messages: some loads of
/// a few arrays a message, and memory for what rests.
#[derive(Clone, Debug)]
pub struct Day {
    pub(crate) random: Random,
    pub(crate) activity: Activity,
    pub(crate) placement: Placement,
    pub(crate) profile: Profile,
    pub(crate) pace: Pace,
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) orders: Orders,
    script: Vec<Entry>,
    /// Entries of the script that are done.
    done: usize,
    second: u32,
    /// Entries of the script, and messages of the flow, that are still due in this second.
    script_left: u64,
    pub(crate) flow_left: u64,
    /// Most orders that rest, ever and in this second.
    pub(crate) resting_peak: u64,
    pub(crate) resting_wanted: u64,
    /// A cross in progress.
    pub(crate) cross: Option<Cross>,
    /// An incoming order that has not had enough.
    pub(crate) sweep: Option<Sweep>,
    /// Executions by sweeps, for which fewer are drawn later.
    pub(crate) executions_ahead: u64,
    /// What the last message of the flow was about.
    pub(crate) instrument: u16,
    /// Instruments of the messages to come, as a ring.
    pub(crate) upcoming: [u16; AHEAD],
    pub(crate) turn: usize,
    pub(crate) next_ref: u64,
    pub(crate) next_match: u64,
    /// The last trades that were printed, as a ring; those declared void come from here.
    pub(crate) printed: [(u64, u16); 64],
    message: [u8; LENGTH_MAX],
    length: usize,
}

/// The executions of displayed orders in a cross.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cross {
    pub(crate) side: Side,
    /// Executions to come at most.
    pub(crate) left: u8,
    /// Price of the cross in ticks, and shares so far.
    pub(crate) ticks: u32,
    pub(crate) shares: u64,
}

/// An incoming order that trades with several resting ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sweep {
    pub(crate) instrument: u16,
    /// Side of the resting orders.
    pub(crate) side: Side,
}

impl Day {
    /// A day from its start.
    ///
    /// # Errors
    /// See [`DayError`].
    pub fn new(config: &DayConfig) -> Result<Day, DayError> {
        config.check()?;
        let mut random = Random::new(config.seed);
        let activity = Activity::new(config.instruments, &mut random);
        let mut ranks = vec![0; usize::from(config.instruments)];
        for (rank, at) in activity.by_rank().iter().enumerate() {
            ranks[usize::from(*at)] = rank;
        }
        let instrument =
            |(at, rank): (u16, &usize)| Instrument::new(at, *rank, ranks.len(), &mut random);
        let instruments = (0..config.instruments).zip(&ranks).map(instrument).collect();
        let upcoming = [(); AHEAD].map(|()| activity.draw(&mut random));
        let script = script(config, &mut random);
        let flow = config.messages - script.len() as u64;
        let peak = config.resting_peak();
        Ok(Day {
            activity,
            placement: Placement::new(),
            profile: Profile::new(flow, peak),
            pace: Pace::default(),
            instruments,
            orders: Orders::new(config.instruments),
            second: script.first().map_or(SYSTEM_END, |entry| entry.second) - 1,
            script,
            done: 0,
            script_left: 0,
            flow_left: 0,
            resting_peak: peak.into(),
            resting_wanted: 0,
            cross: None,
            sweep: None,
            executions_ahead: 0,
            instrument: 0,
            upcoming,
            turn: 0,
            next_ref: 1,
            next_match: 1,
            printed: [(0, 0); 64],
            message: [0; LENGTH_MAX],
            length: 0,
            random,
        })
    }

    /// The next ITCH 5.0 message, without a length in front; `None` at the end of the day.
    #[inline]
    pub fn next_message(&mut self) -> Option<&[u8]> {
        while self.script_left + self.flow_left == 0 {
            if !self.next_second() {
                return None;
            }
        }
        if self.sweep.is_some() || self.cross.is_some() {
            self.pace.follow(&mut self.random);
        } else {
            self.pace.advance(self.script_left + self.flow_left, &mut self.random);
        }
        if self.script_is_next() {
            self.scripted();
        } else {
            self.flow_left -= 1;
            self.flow();
        }
        Some(&self.message[..self.length])
    }

    /// Orders on the books now.
    pub fn resting(&self) -> usize {
        self.orders.len()
    }

    /// Venue time of the last message.
    pub fn time(&self) -> Nanos {
        Nanos(self.pace.now())
    }

    /// The instruments, the most active first.
    pub fn by_activity(&self) -> impl Iterator<Item = InstrumentId> {
        self.activity.by_rank().iter().map(|at| InstrumentId(at + 1))
    }

    fn next_second(&mut self) -> bool {
        if self.second >= SYSTEM_END && self.done == self.script.len() {
            return false;
        }
        self.second += 1;
        self.sweep = None;
        self.pace.start_second(self.second);
        let due = self.script[self.done..].iter().take_while(|entry| entry.second == self.second);
        self.script_left = due.count() as u64;
        self.flow_left = self.profile.messages_in(self.second);
        self.resting_wanted = self.profile.resting_at(self.second);
        true
    }

    #[inline]
    fn script_is_next(&mut self) -> bool {
        if self.script_left == 0 {
            return false;
        }
        if self.cross.is_some() || self.flow_left == 0 {
            return true;
        }
        if self.sweep.is_some() {
            return false;
        }
        // A phase of the market begins with its second.
        let phase = matches!(self.script[self.done].act, Act::System(_));
        phase || self.random.below(self.script_left + self.flow_left) < self.script_left
    }

    fn scripted(&mut self) {
        let entry = self.script[self.done];
        if matches!(entry.act, Act::Cross(_))
            && self.flow_left > 0
            && self.executed_in_cross(entry.instrument)
        {
            self.flow_left -= 1;
            return;
        }
        self.done += 1;
        self.script_left -= 1;
        self.enact(entry.act, entry.instrument);
    }

    /// The header of a message of an instrument, counted from zero, at the present time.
    #[inline]
    pub(crate) fn header(&self, kind: u8, instrument: u16) -> Header {
        Header::new(kind, InstrumentId(instrument + 1), 0, Nanos(self.pace.now()))
    }

    /// Makes this the message that is handed out.
    #[inline]
    pub(crate) fn put(&mut self, message: &(impl IntoBytes + Immutable)) {
        let bytes = message.as_bytes();
        self.length = bytes.len();
        self.message[..bytes.len()].copy_from_slice(bytes);
    }
}
