//! Orders that call for orders: a Hawkes process of four kinds (A. G. Hawkes, "Spectra of some
//! self-exciting and mutually exciting point processes", Biometrika 58, 1971), drawn by thinning
//! (Y. Ogata, "On Lewis' simulation method for point processes", 1981).
//!
//! λᵢ(t) = μᵢ + Σⱼ Σ_{t' < t of kind j} aᵢⱼ·β·e^(−β(t − t')): an event of kind j causes aᵢⱼ of kind
//! i on average. The largest eigenvalue of a is the branching ratio; at 1 and above the process
//! would run away, and is refused.

use super::{numbers, touch, wait};
use crate::l2::INSTRUMENT;
use crate::l2::agent::{Agent, Desk};
use tercel_environments::Random;
use tercel_exchange::matching::{Command, MarketRead, Matching, Terms};
use tercel_types::{Nanos, Price, Qty, Side};

/// Kinds of events: buys and sells that take, limit orders, cancels.
pub const KINDS: usize = 4;

/// The process and what its events are.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct HawkesConfig {
    /// μ, events a second that nothing caused, by kind.
    pub base: [f64; KINDS],
    /// a: `excitation[i][j]` events of kind i for each of kind j.
    pub excitation: [[f64; KINDS]; KINDS],
    /// β, how fast an event is forgotten, per second.
    pub decay: f64,
    /// Levels from the same side's touch on that limit orders are spread over.
    pub levels: u32,
    /// Shares of every order.
    pub qty: Qty,
}

/// The process would run away.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
#[error("the branching ratio is {0}, it has to be at least 0 and below 1")]
pub struct BranchingError(pub f64);

impl Default for HawkesConfig {
    fn default() -> HawkesConfig {
        HawkesConfig {
            base: [2.0, 2.0, 12.0, 8.0],
            // Takers call for takers of their side, and for orders to fill the gap.
            excitation: [
                [0.35, 0.05, 0.02, 0.02],
                [0.05, 0.35, 0.02, 0.02],
                [0.40, 0.40, 0.25, 0.25],
                [0.20, 0.20, 0.25, 0.25],
            ],
            decay: 20.0,
            levels: 8,
            qty: Qty(100),
        }
    }
}

impl HawkesConfig {
    /// The largest eigenvalue of the excitation, by repeated multiplication (its entries are not
    /// negative, so it is real and the largest in magnitude: Perron and Frobenius).
    pub fn branching(&self) -> f64 {
        let mut vector = [1.0; KINDS];
        let mut norm = 0.0;
        for _ in 0..200 {
            let next = self
                .excitation
                .map(|row| -> f64 { row.iter().zip(&vector).map(|(a, x)| a * x).sum() });
            norm = next.iter().sum::<f64>() / vector.iter().sum::<f64>();
            // A little of everything, so that a matrix that only permutes converges as well.
            vector = std::array::from_fn(|at| 0.5 * (next[at] / norm.max(1e-300) + vector[at]));
        }
        norm
    }
}

/// The participants.
pub struct Hawkes {
    config: HawkesConfig,
    desk: Desk,
    random: Random,
    next: Nanos,
    kind: usize,
    /// Intensity above the base just after the event at `since`, by kind.
    excess: [f64; KINDS],
    since: Nanos,
}

impl Hawkes {
    /// Participants that begin at `start`, at a place in their session.
    ///
    /// # Errors
    /// [`BranchingError`] if the process would run away, or a number is not one.
    pub fn new(
        config: HawkesConfig,
        agent: usize,
        seed: u64,
        start: Nanos,
    ) -> Result<Hawkes, BranchingError> {
        let branching = config.branching();
        let rows = config.excitation.iter().flatten();
        let sound = rows.chain(&config.base).all(|rate| *rate >= 0.0 && rate.is_finite());
        if !sound || !(0.0..1.0).contains(&branching) || config.decay <= 0.0 {
            return Err(BranchingError(branching));
        }
        let (desk, random) = (Desk::new(agent), numbers(seed, agent));
        let excess = [0.0; KINDS];
        let mut all = Hawkes { config, desk, random, next: start, kind: 0, excess, since: start };
        all.draw();
        Ok(all)
    }

    /// The next event: candidates at the rate just after the last one, which bounds it, until one
    /// is kept.
    fn draw(&mut self) {
        let base: f64 = self.config.base.iter().sum();
        loop {
            let bound = base + self.excess.iter().sum::<f64>();
            if bound <= 0.0 {
                self.next = Nanos(u64::MAX);
                return;
            }
            self.next = self.next + wait(&mut self.random, bound);
            let seconds = self.next.since(self.since).0 as f64 * 1e-9;
            let fade = (-self.config.decay * seconds).exp();
            self.excess = self.excess.map(|excess| excess * fade);
            self.since = self.next;
            let mut dice = f64::from(self.random.uniform()) * bound;
            for kind in 0..KINDS {
                dice -= self.config.base[kind] + self.excess[kind];
                if dice < 0.0 {
                    self.kind = kind;
                    for (excess, row) in self.excess.iter_mut().zip(&self.config.excitation) {
                        *excess += row[kind] * self.config.decay;
                    }
                    return;
                }
            }
        }
    }

    fn choose(&mut self, market: &Matching) -> Option<Command> {
        let (qty, [bid, ask]) = (self.config.qty, touch(market));
        let bits = self.random.bits();
        match self.kind {
            0 => Some(self.desk.enter(Side::Buy, Terms::immediate(ask, qty))),
            1 => Some(self.desk.enter(Side::Sell, Terms::immediate(bid, qty))),
            2 => {
                let side = super::side(bits);
                let near = if side == Side::Buy { bid } else { ask };
                let level = i64::from((bits >> 1) % self.config.levels);
                let price = Price((near.0 - side.sign() * level * Price::CENT.0).max(100));
                Some(self.desk.enter(side, Terms::limit(price, qty)))
            }
            _ => {
                let mine = market.orders_of(self.desk.account, INSTRUMENT);
                let at = (u64::from(bits) * mine.len() as u64) >> 32;
                let owner = market.order(*mine.get(at as usize)?)?.owner;
                Some(Command::Cancel { owner })
            }
        }
    }
}

impl Agent for Hawkes {
    fn next_time(&self) -> Nanos {
        self.next
    }

    fn act(&mut self, market: &Matching) -> Option<Command> {
        let command = self.choose(market);
        self.draw();
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(config: HawkesConfig, seconds: u64) -> [f64; KINDS] {
        let mut hawkes = Hawkes::new(config, 0, 7, Nanos(0)).expect("a sound process");
        let mut counts = [0.0; KINDS];
        while hawkes.next.0 < seconds * 1_000_000_000 {
            counts[hawkes.kind] += 1.0;
            hawkes.draw();
        }
        counts.map(|count| count / seconds as f64)
    }

    #[test]
    fn the_rates_are_those_of_the_theory() {
        let config = HawkesConfig::default();
        // Λ = μ + a Λ, by iteration.
        let mut rates = config.base;
        for _ in 0..500 {
            rates = std::array::from_fn(|i| {
                let caused = config.excitation[i].iter().zip(&rates).map(|(a, x)| a * x);
                config.base[i] + caused.sum::<f64>()
            });
        }
        for (seen, rate) in events(config, 2_000).iter().zip(rates) {
            assert!((seen / rate - 1.0).abs() < 0.05, "{seen} instead of {rate} a second");
        }
    }

    #[test]
    fn what_would_run_away_is_refused() {
        let one = [[1.0 / KINDS as f64; KINDS]; KINDS];
        let config = HawkesConfig { excitation: one, ..HawkesConfig::default() };
        assert!((config.branching() - 1.0).abs() < 1e-9);
        assert!(Hawkes::new(config, 0, 1, Nanos(0)).is_err());
        let nan = HawkesConfig { base: [f64::NAN; KINDS], ..HawkesConfig::default() };
        assert!(Hawkes::new(nan, 0, 1, Nanos(0)).is_err());
        assert!((HawkesConfig::default().branching() - 0.6).abs() < 0.2);
    }
}
