//! What a strategy of the host earns in a scenario, day by day.
//!
//! A day is a seed: one session of each of the scenario's instruments, with random numbers that
//! depend on the seed and the instrument only. Two strategies on the same seeds see the same
//! arrivals, values and news (common random numbers) for as long as their own orders have not
//! changed what the background meets.

use super::scenario::{Scenario, ScenarioError};
use super::session::SessionCounters;
use super::trader::Quotes;
use super::{Account, TraderCounters};
use tercel_environments::Random;
use tercel_policy::StrategyConfig;
use tercel_types::Nanos;

/// What came of one session.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Run {
    /// Dollars gained, marked at the mid price, fees taken off.
    pub profit: f64,
    /// Dollars that the position's risk costs: φ ∫ q² dt.
    pub risk: f64,
    /// The venue's account at the end.
    pub account: Account,
    /// What the participant did.
    pub trader: TraderCounters,
    /// What happened in the market.
    pub market: SessionCounters,
}

/// What came of one day, the sum over the instruments.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Day {
    /// Its seed.
    pub seed: u64,
    /// Dollars gained.
    pub profit: f64,
    /// Dollars gained less what risk costs: the objective.
    pub score: f64,
    /// The score without what the moves of the instruments' values earned on the positions: their
    /// mean is zero whatever is done, so this has the mean of the score and a fraction of its
    /// noise.
    pub steady: f64,
    /// Executions.
    pub fills: u64,
    /// Shares traded.
    pub shares: u64,
    /// Mean |q| over time and instruments, shares.
    pub inventory: f64,
    /// Orders sent.
    pub sent: u64,
    /// Intents that risk refused.
    pub refused: u64,
}

/// The seed of an instrument's session on a day.
pub fn seed_of(seed: u64, instrument: usize) -> u64 {
    Random::new(seed, instrument as u32, STREAM).bits64()
}

/// Stream of the seeds of days.
const STREAM: u32 = 0x6461_7973;

/// One session with one strategy.
///
/// # Errors
/// [`ScenarioError`] if scenario or strategy are not allowed.
pub fn run(
    scenario: &Scenario,
    strategy: &StrategyConfig,
    instrument: usize,
    seed: u64,
    length: Nanos,
) -> Result<Run, ScenarioError> {
    let mut session = scenario.session(instrument, seed_of(seed, instrument))?;
    let trader = scenario.join(&mut session, instrument, strategy.clone())?;
    scenario.join_rivals(&mut session, instrument)?;
    session.trader_mut(trader).set_quotes(Quotes::Strategy);
    session.advance(session.now() + length);
    let mid_x2 = session.mid_x2();
    let participant = session.trader(trader);
    let account = *participant.account();
    Ok(Run {
        profit: account.value(mid_x2),
        risk: scenario.phi(instrument) * account.squares,
        account,
        trader: *participant.counters(),
        market: *session.counters(),
    })
}

/// Days with one strategy in every instrument of the scenario.
///
/// # Errors
/// [`ScenarioError`] if scenario or strategy are not allowed.
pub fn evaluate(
    scenario: &Scenario,
    strategy: &StrategyConfig,
    seeds: impl Iterator<Item = u64>,
    length: Nanos,
) -> Result<Vec<Day>, ScenarioError> {
    let seconds = length.0 as f64 * 1e-9;
    let instruments = scenario.instruments.len();
    let day = |seed| {
        let mut day = Day { seed, ..Day::default() };
        for instrument in 0..instruments {
            let run = run(scenario, strategy, instrument, seed, length)?;
            day.profit += run.profit;
            day.score += run.profit - run.risk;
            day.steady += run.account.edge - run.risk;
            day.fills += run.account.fills;
            day.shares += run.account.bought + run.account.sold;
            day.inventory += run.account.held / seconds / instruments as f64;
            day.sent += run.trader.sent;
            day.refused += run.trader.refused;
        }
        Ok(day)
    };
    seeds.map(day).collect()
}
