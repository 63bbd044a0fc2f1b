//! Background participants: who trades when nobody else does.
//!
//! Orders arrive as a Hawkes process, so that activity comes in clusters as on real markets, around
//! a fundamental value that wanders and sometimes jumps. What arrives is mostly of zero
//! intelligence: limit orders at random distances from the value, cancels, replaces, and market
//! orders of either side; but a market order that can buy below the value or sell above it does,
//! which keeps the touch near the value and makes quoting cost what it should. The number of
//! resting orders is bounded: the more rest, the more of what arrives is cancels, and at twice the
//! target all is.
//!
//! Same seed, same configuration, same answers of the market: same commands.

mod arrivals;
mod participant;
mod value;

use crate::matching::{AccountId, Command, MarketRead};
use arrivals::Arrivals;
use participant::Participant;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;
use tercel_types::{InstrumentId, Nanos, Price, TradingState};

/// How a symbol is traded.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SymbolFlow {
    /// Its number.
    pub instrument: InstrumentId,
    /// Value at the start.
    pub initial_price: Price,
    /// Price step, in price units.
    pub increment: i64,
    /// Its share of all arrivals, relative to the other symbols'.
    pub weight: f64,
    /// Standard deviation of the value's relative change over one second; 1.2e-4 is about 30 % a
    /// year.
    pub volatility: f64,
    /// How fast the value returns to where news last put it, per second.
    pub reversion: f64,
    /// News per second.
    pub jump_rate: f64,
    /// Standard deviation of the relative change that news makes.
    pub jump_size: f64,
    /// Price levels on a side that orders are spread over.
    pub levels: u32,
    /// Resting orders aimed at, both sides; there are never more than twice as many.
    pub orders: u32,
    /// Shares of a round lot.
    pub lot: u32,
}

/// The whole flow.
#[derive(Clone, PartialEq, Debug)]
pub struct FlowConfig {
    /// Seed of everything random.
    pub seed: u64,
    /// Account that the orders belong to.
    pub account: AccountId,
    /// Time of the orders that fill the empty books at the start; arrivals follow.
    pub start: Nanos,
    /// Arrivals per second over all symbols, on average.
    pub rate: f64,
    /// Share of arrivals that earlier ones caused (branching ratio), at least 0 and below 1.
    pub branching: f64,
    /// How fast an arrival's influence fades, per second.
    pub decay: f64,
    /// The symbols.
    pub symbols: Vec<SymbolFlow>,
}

/// What is wrong with a configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FlowError {
    /// Nothing to trade.
    #[error("no symbols")]
    NoSymbols,
    /// `rate` or `decay`.
    #[error("rate and decay have to be above zero")]
    Rate,
    /// `branching`.
    #[error("the branching ratio has to be at least 0 and below 1")]
    Branching,
    /// A symbol's numbers.
    #[error("instrument {}: a number is zero, negative or not finite", .0.0)]
    Symbol(InstrumentId),
}

/// The flow: an endless stream of commands at exact times.
#[derive(Clone, Debug)]
pub struct Flow {
    arrivals: Arrivals,
    participants: Vec<Participant>,
    account: AccountId,
    start: Nanos,
    seeds: VecDeque<Command>,
    next: Option<arrivals::Arrival>,
    user_ref: u32,
    rng: ChaCha8Rng,
}

impl SymbolFlow {
    /// A liquid stock: one cent steps, some ten levels a side, 30 % volatility a year.
    pub fn new(instrument: InstrumentId, initial_price: Price) -> SymbolFlow {
        SymbolFlow {
            instrument,
            initial_price,
            increment: Price::CENT.0,
            weight: 1.0,
            volatility: 1.2e-4,
            reversion: 0.02,
            jump_rate: 1.0 / 60.0,
            jump_size: 5e-4,
            levels: 10,
            orders: 100,
            lot: 100,
        }
    }

    fn is_sound(&self) -> bool {
        let positive = [self.weight, self.reversion];
        let not_negative = [self.volatility, self.jump_rate, self.jump_size];
        positive.iter().all(|x| x.is_finite() && *x > 0.0)
            && not_negative.iter().all(|x| x.is_finite() && *x >= 0.0)
            && self.initial_price.0 > 0
            && self.initial_price <= participant::VALUE_MAX
            && self.increment > 0
            && self.levels > 0
            && self.orders > 0
            && (1..=10_000).contains(&self.lot)
    }
}

impl FlowConfig {
    /// A flow of 5,000 arrivals a second over some symbols.
    pub fn new(seed: u64, symbols: Vec<SymbolFlow>) -> FlowConfig {
        FlowConfig {
            seed,
            account: AccountId::BACKGROUND,
            start: Nanos(0),
            rate: 5_000.0,
            branching: 0.6,
            decay: 50.0,
            symbols,
        }
    }
}

impl Flow {
    /// A flow at its start.
    ///
    /// # Errors
    /// See [`FlowError`].
    pub fn new(config: FlowConfig) -> Result<Flow, FlowError> {
        let above_zero = |x: f64| x.is_finite() && x > 0.0;
        if config.symbols.is_empty() {
            return Err(FlowError::NoSymbols);
        }
        if !above_zero(config.rate) || !above_zero(config.decay) {
            return Err(FlowError::Rate);
        }
        if !(0.0..1.0).contains(&config.branching) {
            return Err(FlowError::Branching);
        }
        if let Some(symbol) = config.symbols.iter().find(|symbol| !symbol.is_sound()) {
            return Err(FlowError::Symbol(symbol.instrument));
        }
        let mut flow = Flow {
            arrivals: Arrivals::new(&config),
            participants: config
                .symbols
                .iter()
                .map(|s| Participant::new(s, config.start))
                .collect(),
            account: config.account,
            start: config.start,
            seeds: VecDeque::new(),
            next: None,
            user_ref: 0,
            rng: ChaCha8Rng::seed_from_u64(config.seed),
        };
        for participant in &flow.participants {
            let mut names = participant::Names::new(flow.account, &mut flow.user_ref);
            participant.fill_book(&mut names, &mut flow.rng, &mut flow.seeds);
        }
        flow.next = Some(flow.arrivals.draw(&mut flow.rng));
        Ok(flow)
    }

    /// When the next command may be due.
    pub fn next_time(&self) -> Nanos {
        match &self.next {
            Some(arrival) if self.seeds.is_empty() => arrival.time,
            _ => self.start,
        }
    }

    /// The next command due by `until`, and its time. The engine has to have applied the one
    /// before, and `market` has to show it. Symbols without a trading state are passed over.
    pub fn next(&mut self, until: Nanos, market: &impl MarketRead) -> Option<(Nanos, Command)> {
        while self.start <= until
            && let Some(command) = self.seeds.pop_front()
        {
            let Command::Enter(new) = command else { continue };
            if market.state(new.instrument) != TradingState::Unknown {
                return Some((self.start, command));
            }
        }
        loop {
            let arrival = match self.next {
                Some(arrival) => arrival,
                None => self.arrivals.draw(&mut self.rng),
            };
            if arrival.time > until {
                self.next = Some(arrival);
                return None;
            }
            self.next = Some(self.arrivals.draw(&mut self.rng));
            let mut names = participant::Names::new(self.account, &mut self.user_ref);
            let participant = &mut self.participants[arrival.symbol];
            let command = participant.act(arrival.time, market, &mut names, &mut self.rng);
            if let Some(command) = command {
                return Some((arrival.time, command));
            }
        }
    }

    /// The fundamental value of an instrument now, in price units; for tests and reports.
    pub fn value(&self, instrument: InstrumentId) -> Option<f64> {
        let participant = self.participants.iter().find(|p| p.instrument() == instrument)?;
        Some(participant.value())
    }
}
