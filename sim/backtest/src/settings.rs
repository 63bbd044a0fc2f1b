//! What a run is told: the market's rules, and what trades.

use crate::fees::Fees;
use crate::latency::{Latencies, LatencyError};
use crate::queue::QueueModel;
use tercel_policy::{PolicyError, QuoteRules, StrategyConfig};
use tercel_risk::{InstrumentLimits, RiskConfig, RiskConfigError};
use tercel_types::Nanos;

/// How the market of a run behaves.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// Latencies.
    pub latencies: Latencies,
    /// Fees.
    pub fees: Fees,
    /// Places in line where the data has levels only.
    pub queue: QueueModel,
    /// Seed of everything random.
    pub seed: u64,
    /// Time between two samples of the equity curve, at least a millisecond.
    pub sample: Nanos,
    /// The host looks at one more instrument this often, as `Engine::housekeep` is called; zero for
    /// never.
    pub timer: Nanos,
}

/// What trades, in every instrument of the data.
#[derive(Clone, Debug)]
pub struct Trading {
    /// The strategy, an artifact among them.
    pub strategy: StrategyConfig,
    /// How quotes are kept.
    pub quote: QuoteRules,
    /// Risk of account and venue.
    pub risk: RiskConfig,
    /// Risk of each instrument.
    pub limits: InstrumentLimits,
    /// Orders of the recording that rest at one time, at most: what the host's book reserves.
    pub orders_max: usize,
}

/// Why a backtest cannot run.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum BacktestError {
    /// A number that cannot be meant.
    #[error("{0}")]
    Latency(#[from] LatencyError),
    /// The exponent of the queue model.
    #[error("the exponent of the queue model is not a number from 0 to 16")]
    Queue,
    /// Time between samples.
    #[error("samples are at least a millisecond apart")]
    Sample,
    /// The policy.
    #[error("{0}")]
    Policy(PolicyError),
    /// Risk.
    #[error("risk: {0}")]
    Risk(RiskConfigError),
    /// The host's books.
    #[error("books: {0}")]
    Books(tercel_book::LimitsError),
    /// Nothing to replay.
    #[error("the recording has no events")]
    Empty,
    /// An environment's episodes.
    #[error("episodes need a recording of one instrument that is longer than one of them")]
    Episodes,
    /// Several times the same symbol or number.
    #[error("two instruments of the recording have the same number")]
    Instruments,
}

impl Default for Settings {
    /// Latencies as recorded and 100 µs, no fees, risk-averse places in line, a sample a second.
    fn default() -> Settings {
        Settings {
            latencies: Latencies::default(),
            fees: Fees::none(),
            queue: QueueModel::RiskAverse,
            seed: 1,
            sample: Nanos::from_secs(1),
            timer: Nanos::from_millis(1),
        }
    }
}

impl Settings {
    /// The first thing that cannot be meant.
    ///
    /// # Errors
    /// That.
    pub fn validate(&self) -> Result<(), BacktestError> {
        self.latencies.validate()?;
        if !self.queue.is_sound() {
            return Err(BacktestError::Queue);
        }
        if self.sample < Nanos::from_millis(1) {
            return Err(BacktestError::Sample);
        }
        Ok(())
    }
}

impl From<PolicyError> for BacktestError {
    fn from(error: PolicyError) -> BacktestError {
        BacktestError::Policy(error)
    }
}

impl From<RiskConfigError> for BacktestError {
    fn from(error: RiskConfigError) -> BacktestError {
        BacktestError::Risk(error)
    }
}

impl From<tercel_book::LimitsError> for BacktestError {
    fn from(error: tercel_book::LimitsError) -> BacktestError {
        BacktestError::Books(error)
    }
}
