//! Executions, and the mids around them.

use super::figures::HORIZONS;
use super::orders::Life;
use super::{KEPT_MAX, letter};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, VecDeque};
use tercel_engine::tape::Answered;
use tercel_types::{InstrumentId, Nanos, Price, Side};

/// An execution. Mids are doubled, so that they are whole; `None` where they are not known.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Fill {
    /// Stamp of the answer.
    pub time_ns: u64,
    /// The venue's time, nanoseconds since midnight of its day.
    pub venue_time_ns: u64,
    /// Symbol.
    pub symbol: String,
    /// Our number of the order.
    pub user_ref: u32,
    /// The venue's number of the execution.
    pub match_number: u64,
    /// `buy` or `sell`.
    pub side: &'static str,
    /// Price.
    pub price_e4: i64,
    /// Shares.
    pub qty: u32,
    /// Liquidity flag (OUCH 5.0).
    pub liquidity: String,
    /// The venue has taken it back.
    pub broken: bool,
    /// Mid at the intent of the first order of the chain.
    pub arrival_mid_x2_e4: Option<i64>,
    /// Other side's best price at the intent of the order.
    pub touch_e4: Option<i64>,
    /// Mid at the time.
    pub mid_x2_e4: Option<i64>,
    /// Mids at the horizons after.
    pub later_mids_x2_e4: [Option<i64>; 3],
    /// Shares held after.
    pub position: i64,
}

#[derive(Debug, Default)]
pub(super) struct Fills {
    pub(super) all: Vec<Fill>,
    pub(super) left_out: u64,
    /// Place by order and number, in the order of the journal.
    places: HashMap<(u32, u64), usize>,
    mids: BTreeMap<u16, i64>,
    /// By horizon: time, place and instrument, in the order of the journal.
    waiting: [VecDeque<(u64, usize, u16)>; 3],
}

/// Twice the mid, if both sides are there.
pub(super) fn mid_x2(bid: Price, ask: Price) -> Option<i64> {
    (bid.0 > 0 && ask.0 > 0).then(|| bid.0.checked_add(ask.0)).flatten()
}

impl Fills {
    /// Looks at the mids of what is due before `now`.
    pub(super) fn pass(&mut self, now: Nanos) {
        for (at, waiting) in self.waiting.iter_mut().enumerate() {
            while let Some((_, place, id)) = waiting.pop_front_if(|(due, ..)| *due < now.0) {
                self.all[place].later_mids_x2_e4[at] = self.mids.get(&id).copied();
            }
        }
    }

    /// Nothing is known of prices any more.
    pub(super) fn forget_mids(&mut self) {
        self.mids.clear();
        self.waiting.iter_mut().for_each(VecDeque::clear);
    }

    pub(super) fn mid(&mut self, id: InstrumentId, bid: Price, ask: Price) {
        match mid_x2(bid, ask) {
            Some(mid) => self.mids.insert(id.0, mid),
            None => self.mids.remove(&id.0),
        };
    }

    /// Not the replay of one that is there.
    pub(super) fn is_new(&self, said: &Answered) -> bool {
        !self.places.contains_key(&(said.user_ref.0, said.match_number.0))
    }

    pub(super) fn executed(&mut self, now: Nanos, said: &Answered, order: &Life) {
        if self.all.len() >= KEPT_MAX {
            self.left_out += 1;
            return;
        }
        let place = self.all.len();
        self.places.insert((said.user_ref.0, said.match_number.0), place);
        let id = said.instrument.0;
        for (waiting, after) in self.waiting.iter_mut().zip(HORIZONS) {
            waiting.push_back((now.0.saturating_add(after), place, id));
        }
        let touch = match said.side {
            Side::Buy => order.ask_e4,
            Side::Sell => order.bid_e4,
        };
        self.all.push(Fill {
            time_ns: now.0,
            venue_time_ns: said.venue_time,
            symbol: order.symbol.clone(),
            user_ref: said.user_ref.0,
            match_number: said.match_number.0,
            side: super::orders::side(said.side),
            price_e4: said.execution_price.0,
            qty: said.qty.0,
            liquidity: letter(said.liquidity),
            broken: false,
            arrival_mid_x2_e4: order.arrival_mid_x2_e4,
            touch_e4: (touch > 0).then_some(touch),
            mid_x2_e4: self.mids.get(&id).copied(),
            later_mids_x2_e4: [None; 3],
            position: said.position,
        });
    }

    pub(super) fn broken(&mut self, said: &Answered) {
        let place = self.places.get(&(said.user_ref.0, said.match_number.0));
        if let Some(fill) = place.and_then(|place| self.all.get_mut(*place)) {
            fill.broken = true;
        }
    }
}
