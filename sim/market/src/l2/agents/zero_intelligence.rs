//! Orders without any intelligence: M. Daniels, J. D. Farmer, L. Gillemot, G. Iori and E. Smith,
//! "Quantitative model of price diffusion and market impact based on trading as a mechanistic
//! random process", Physical Review Letters 90, 2003.
//!
//! Limit orders arrive at a rate for each side and price level, market orders at a rate for each
//! side, and every order is canceled at a rate of its own. The three together are one process whose
//! rate depends on how many orders are open; as others only ever take orders away between two of
//! its events, the rate at the last event bounds it, and it is drawn exactly by thinning.

use super::{numbers, touch, wait};
use crate::l2::INSTRUMENT;
use crate::l2::agent::{Agent, Desk};
use tercel_environments::Random;
use tercel_exchange::matching::{Command, MarketRead, Matching, Terms};
use tercel_types::{Nanos, Price, Qty};

/// Rates and sizes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ZeroIntelligenceConfig {
    /// α: limit orders a second, for each side and level.
    pub limits: f64,
    /// μ: market orders a second, for each side.
    pub markets: f64,
    /// δ: cancels a second, for each open order.
    pub cancels: f64,
    /// Levels from the opposite touch on that limit orders are spread over, evenly.
    pub levels: u32,
    /// Shares of every order.
    pub qty: Qty,
}

impl Default for ZeroIntelligenceConfig {
    /// About 80 orders open, as many limit orders as cancels and market orders together.
    fn default() -> ZeroIntelligenceConfig {
        ZeroIntelligenceConfig {
            limits: 2.0,
            markets: 4.0,
            cancels: 0.4,
            levels: 10,
            qty: Qty(100),
        }
    }
}

/// The participants.
pub struct ZeroIntelligence {
    config: ZeroIntelligenceConfig,
    desk: Desk,
    random: Random,
    next: Nanos,
    /// Open orders when the next event was drawn.
    open: usize,
}

impl ZeroIntelligence {
    /// Participants that begin at `start`, at a place in their session.
    pub fn new(
        config: ZeroIntelligenceConfig,
        agent: usize,
        seed: u64,
        start: Nanos,
    ) -> ZeroIntelligence {
        let (desk, random) = (Desk::new(agent), numbers(seed, agent));
        let mut all = ZeroIntelligence { config, desk, random, next: start, open: 0 };
        all.draw();
        all
    }

    /// Events a second with so many open orders.
    fn rate(&self, open: usize) -> f64 {
        let ZeroIntelligenceConfig { limits, markets, cancels, levels, .. } = self.config;
        2.0 * (limits * f64::from(levels) + markets) + cancels * open as f64
    }

    fn draw(&mut self) {
        let rate = self.rate(self.open);
        self.next = self.next + wait(&mut self.random, rate);
    }

    fn choose(&mut self, market: &Matching) -> Option<Command> {
        let ZeroIntelligenceConfig { limits, markets, cancels, levels, qty } = self.config;
        let mine = market.orders_of(self.desk.account, INSTRUMENT);
        let mut dice = f64::from(self.random.uniform()) * self.rate(self.open);
        let bits = self.random.bits();
        let side = super::side(bits);
        let [bid, ask] = touch(market);
        if dice < 2.0 * limits * f64::from(levels) {
            let far = if side == tercel_types::Side::Buy { ask } else { bid };
            let level = 1 + i64::from((bits >> 1) % levels);
            let price = Price((far.0 - side.sign() * level * Price::CENT.0).max(Price::CENT.0));
            return Some(self.desk.enter(side, Terms::limit(price, qty)));
        }
        dice -= 2.0 * limits * f64::from(levels);
        if dice < 2.0 * markets {
            return Some(self.desk.enter(side, Terms::market(qty)));
        }
        // Thinning: of the orders that were open, the one that was drawn may be gone.
        let at = ((dice - 2.0 * markets) / cancels) as usize;
        let owner = market.order(*mine.get(at)?)?.owner;
        Some(Command::Cancel { owner })
    }
}

impl Agent for ZeroIntelligence {
    fn next_time(&self) -> Nanos {
        self.next
    }

    fn act(&mut self, market: &Matching) -> Option<Command> {
        let command = self.choose(market);
        // One more at most than are open before the command is done.
        self.open = market.orders_of(self.desk.account, INSTRUMENT).len() + 1;
        self.draw();
        command
    }
}
