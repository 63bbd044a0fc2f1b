//! Traders who run after the price: the chartists of C. Chiarella and G. Iori, "A simulation
//! analysis of the microstructure of double auction markets", Quantitative Finance 2, 2002. They
//! compare the mid price with its own exponential mean and take in the direction of the difference.

use super::{numbers, touch, wait};
use crate::l2::agent::{Agent, Desk};
use tercel_environments::Random;
use tercel_exchange::matching::{Command, Matching, Terms};
use tercel_types::{Nanos, Price, Qty, Side};

/// What they look at and when they trade.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct MomentumConfig {
    /// Looks a second.
    pub rate: f64,
    /// Memory of the mean, seconds.
    pub memory: f64,
    /// Ticks between mid and mean that they trade at.
    pub threshold: f64,
    /// Chance that they trade then.
    pub chance: f64,
    /// Shares of every order.
    pub qty: Qty,
}

impl Default for MomentumConfig {
    fn default() -> MomentumConfig {
        MomentumConfig { rate: 5.0, memory: 5.0, threshold: 1.5, chance: 0.3, qty: Qty(100) }
    }
}

/// The traders.
pub struct Momentum {
    config: MomentumConfig,
    desk: Desk,
    random: Random,
    next: Nanos,
    since: Nanos,
    /// Mean of the mid price, price units; nothing before the first look.
    mean: Option<f64>,
}

impl Momentum {
    /// Traders that begin at `start`, at a place in their session.
    pub fn new(config: MomentumConfig, agent: usize, seed: u64, start: Nanos) -> Momentum {
        let (desk, mut random) = (Desk::new(agent), numbers(seed, agent));
        let next = start + wait(&mut random, config.rate);
        Momentum { config, desk, random, next, since: start, mean: None }
    }
}

impl Agent for Momentum {
    fn next_time(&self) -> Nanos {
        self.next
    }

    fn act(&mut self, market: &Matching) -> Option<Command> {
        let MomentumConfig { rate, memory, threshold, chance, qty } = self.config;
        let [bid, ask] = touch(market);
        let mid = (bid.0 + ask.0) as f64 * 0.5;
        let keep = (-(self.next.since(self.since).0 as f64) * 1e-9 / memory).exp();
        let mean = self.mean.map_or(mid, |mean| mid + (mean - mid) * keep);
        (self.mean, self.since) = (Some(mean), self.next);
        let trades = f64::from(self.random.uniform()) < chance;
        self.next = self.next + wait(&mut self.random, rate);
        let trend = (mid - mean) / Price::CENT.0 as f64;
        if !trades || trend.abs() <= threshold {
            return None;
        }
        Some(if trend > 0.0 {
            self.desk.enter(Side::Buy, Terms::immediate(ask, qty))
        } else {
            self.desk.enter(Side::Sell, Terms::immediate(bid, qty))
        })
    }
}
