//! Traders who know what a share is worth: they take what is offered below it and hit what is bid
//! above it (the informed of L. R. Glosten and P. R. Milgrom, "Bid, ask and transaction prices in a
//! specialist market with heterogeneously informed traders", Journal of Financial Economics 14,
//! 1985). They are what a market maker loses to.

use super::{numbers, touch, wait};
use crate::l2::agent::{Agent, Desk};
use tercel_environments::Random;
use tercel_exchange::matching::{Command, Matching, Terms};
use tercel_types::{Nanos, Price, Qty, Side};

/// The value and how it is traded on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FundamentalConfig {
    /// Value at the start.
    pub value: Price,
    /// Standard deviation of the value's change over a second, ticks.
    pub volatility: f64,
    /// News a second.
    pub jump_rate: f64,
    /// Standard deviation of what news changes, ticks.
    pub jump_size: f64,
    /// Looks a second.
    pub rate: f64,
    /// Ticks that an order has to be worth beyond its price.
    pub threshold: f64,
    /// Shares of every order.
    pub qty: Qty,
}

impl FundamentalConfig {
    /// A value that wanders by a tick a second and jumps by five once a minute.
    pub fn new(value: Price) -> FundamentalConfig {
        FundamentalConfig {
            value,
            volatility: 1.0,
            jump_rate: 1.0 / 60.0,
            jump_size: 5.0,
            rate: 10.0,
            threshold: 0.5,
            qty: Qty(100),
        }
    }
}

/// The traders.
pub struct Fundamental {
    config: FundamentalConfig,
    desk: Desk,
    random: Random,
    next: Nanos,
    since: Nanos,
    /// Value, price units.
    value: f64,
}

impl Fundamental {
    /// Traders that begin at `start`, at a place in their session.
    pub fn new(config: FundamentalConfig, agent: usize, seed: u64, start: Nanos) -> Fundamental {
        let (desk, mut random) = (Desk::new(agent), numbers(seed, agent));
        let next = start + wait(&mut random, config.rate);
        let value = config.value.0 as f64;
        Fundamental { config, desk, random, next, since: start, value }
    }
}

impl Agent for Fundamental {
    fn next_time(&self) -> Nanos {
        self.next
    }

    fn act(&mut self, market: &Matching) -> Option<Command> {
        let FundamentalConfig { volatility, jump_rate, jump_size, threshold, qty, .. } =
            self.config;
        let seconds = self.next.since(self.since).0 as f64 * 1e-9;
        let cent = Price::CENT.0 as f64;
        self.since = self.next;
        self.value += volatility * seconds.sqrt() * f64::from(self.random.normal()) * cent;
        if f64::from(self.random.uniform()) < jump_rate * seconds {
            self.value += jump_size * f64::from(self.random.normal()) * cent;
        }
        // A price has to stay one.
        self.value = self.value.max(10.0 * cent);
        self.next = self.next + wait(&mut self.random, self.config.rate);
        let [bid, ask] = touch(market);
        if self.value > ask.0 as f64 + threshold * cent {
            return Some(self.desk.enter(Side::Buy, Terms::immediate(ask, qty)));
        }
        let sells = self.value < bid.0 as f64 - threshold * cent;
        sells.then(|| self.desk.enter(Side::Sell, Terms::immediate(bid, qty)))
    }

    fn value(&self) -> Option<f64> {
        Some(self.value)
    }
}
