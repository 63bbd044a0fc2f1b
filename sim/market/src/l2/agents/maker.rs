//! Other market makers: a quote on each side around the mid, moved against the position (T. Ho and
//! H. Stoll, "Optimal dealer pricing under transactions and return uncertainty", Journal of
//! Financial Economics 9, 1981). A maker that quotes by a strategy of the host is a
//! [`crate::l2::Trader`].

use super::{numbers, touch, wait};
use crate::l2::INSTRUMENT;
use crate::l2::agent::{Agent, Desk};
use tercel_environments::Random;
use tercel_exchange::matching::{Command, MarketRead, Matching, Terms};
use tercel_types::{Nanos, Price, Qty, Side};

/// How they quote.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct MakerConfig {
    /// Looks a second; each is at one of the two sides.
    pub rate: f64,
    /// Distance of a quote from the centre, ticks.
    pub half_spread: f64,
    /// Ticks that the centre moves down for each quote size held.
    pub skew: f64,
    /// Shares of a quote.
    pub qty: Qty,
}

impl Default for MakerConfig {
    fn default() -> MakerConfig {
        MakerConfig { rate: 20.0, half_spread: 1.5, skew: 0.3, qty: Qty(200) }
    }
}

/// One maker.
pub struct Maker {
    config: MakerConfig,
    desk: Desk,
    random: Random,
    next: Nanos,
    position: i64,
}

impl Maker {
    /// A maker that begins at `start`, at a place in its session.
    pub fn new(config: MakerConfig, agent: usize, seed: u64, start: Nanos) -> Maker {
        let (desk, mut random) = (Desk::new(agent), numbers(seed, agent));
        let next = start + wait(&mut random, config.rate);
        Maker { config, desk, random, next, position: 0 }
    }

    /// Shares held.
    pub fn position(&self) -> i64 {
        self.position
    }
}

impl Agent for Maker {
    fn next_time(&self) -> Nanos {
        self.next
    }

    fn act(&mut self, market: &Matching) -> Option<Command> {
        let MakerConfig { rate, half_spread, skew, qty } = self.config;
        self.next = self.next + wait(&mut self.random, rate);
        let side = super::side(self.random.bits());
        let [bid, ask] = touch(market);
        let cent = Price::CENT.0;
        let lots = self.position as f64 / f64::from(qty.0);
        let centre = (bid.0 + ask.0) as f64 * 0.5 - skew * lots * cent as f64;
        let wanted = centre - side.sign() as f64 * half_spread * cent as f64;
        let price = match side {
            Side::Buy => ((wanted as i64).div_euclid(cent) * cent).min(ask.0 - cent),
            Side::Sell => (-(-wanted as i64).div_euclid(cent) * cent).max(bid.0 + cent),
        };
        let terms = Terms { post_only: true, ..Terms::limit(Price(price.max(cent)), qty) };
        let mine = market.orders_of(self.desk.account, INSTRUMENT);
        let mut own = mine.iter().filter_map(|number| market.order(*number));
        match own.find(|order| order.side == side) {
            None => Some(self.desk.enter(side, terms)),
            Some(order) if order.price() == terms.price.unwrap_or_default() => None,
            Some(order) => {
                let user_ref = self.desk.name();
                Some(Command::Replace { original: order.owner, user_ref, terms })
            }
        }
    }

    fn on_fill(&mut self, side: Side, _price: Price, qty: Qty) {
        self.position += side.sign() * i64::from(qty.0);
    }
}
