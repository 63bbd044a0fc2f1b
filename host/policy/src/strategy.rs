//! How prices are chosen. Every strategy answers with two real-valued prices; rounding to the price
//! grid, limits on the inventory and the rule never to cross are the same for all and live in
//! [`crate::quoter`].
//!
//! The strategies are variants of one enum, chosen at construction: a match is one predicted branch
//! where a trait object would be an indirect call that cannot be inlined.

mod avellaneda_stoikov;
mod fixed_spread;
mod glft;
mod learned;

pub use avellaneda_stoikov::AvellanedaStoikov;
pub use fixed_spread::FixedSpread;
pub use glft::Glft;
pub use learned::{HEAD_ASK, HEAD_BID, Learned};

pub(crate) use learned::Network;

use crate::config::{PolicyError, in_range};

/// Units of 1/10,000 dollar in a dollar.
pub(crate) const UNITS: f64 = 10_000.0;

/// Which strategy, with its parameters.
#[derive(Clone, Debug)]
pub enum StrategyConfig {
    /// A constant distance from the mid price, shifted against the inventory.
    FixedSpread(FixedSpread),
    /// Avellaneda and Stoikov, 2008.
    AvellanedaStoikov(AvellanedaStoikov),
    /// Guéant, Lehalle and Fernandez-Tapia, 2013.
    Glft(Glft),
    /// A trained network.
    Mlp(Box<Learned>),
}

/// Where a model takes the volatility of the mid price from, in dollars per square root of a
/// second.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Volatility {
    /// A constant.
    Fixed(f64),
    /// The slow realised volatility of the features, held inside a range.
    Realised {
        /// Least value used.
        min: f64,
        /// Largest value used.
        max: f64,
    },
}

/// What a strategy sees.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Inputs {
    /// Mid price, units of 1/10,000 dollar.
    pub mid: f64,
    /// Price increment at the mid price, units of 1/10,000 dollar.
    pub tick: f64,
    /// Position over the largest position allowed: −1 to 1 while the limit holds.
    pub inventory: f64,
    /// Position in quote sizes: the q of the models.
    pub lots: f64,
    /// Slow realised volatility, dollars per square root of a second.
    pub volatility: f64,
}

/// The prices a strategy would like, units of 1/10,000 dollar, not yet on the grid.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Desired {
    /// To buy at.
    pub bid: f64,
    /// To sell at.
    pub ask: f64,
}

impl StrategyConfig {
    /// Checks every parameter.
    ///
    /// # Errors
    /// [`PolicyError::OutOfRange`] for the first one that is not allowed.
    pub fn validate(&self) -> Result<(), PolicyError> {
        match self {
            StrategyConfig::FixedSpread(fixed) => fixed.validate(),
            StrategyConfig::AvellanedaStoikov(model) => model.validate(),
            StrategyConfig::Glft(model) => model.validate(),
            StrategyConfig::Mlp(learned) => learned.validate(),
        }
    }
}

impl Volatility {
    /// The value for this decision.
    #[inline]
    pub fn value(&self, realised: f64) -> f64 {
        match *self {
            Volatility::Fixed(value) => value,
            Volatility::Realised { min, max } => realised.clamp(min, max),
        }
    }

    /// Checks the numbers; a thousand dollars per square root of a second is the most.
    ///
    /// # Errors
    /// [`PolicyError::OutOfRange`].
    pub fn validate(&self) -> Result<(), PolicyError> {
        match *self {
            Volatility::Fixed(value) => in_range("strategy.volatility ($/√s)", value, 0.0, 1e3),
            Volatility::Realised { min, max } => {
                in_range("strategy.volatility.min ($/√s)", min, 0.0, 1e3)?;
                in_range("strategy.volatility.max ($/√s)", max, min, 1e3)
            }
        }
    }
}

impl Desired {
    /// Prices at distances below and above a centre.
    #[inline]
    pub fn around(centre: f64, below: f64, above: f64) -> Desired {
        Desired { bid: centre - below, ask: centre + above }
    }
}

/// The strategy with what could be computed once.
#[derive(Clone, Debug)]
pub(crate) enum Strategy {
    FixedSpread(FixedSpread),
    AvellanedaStoikov(avellaneda_stoikov::Model),
    Glft(glft::Model),
    Mlp(Box<Network>),
}

impl Strategy {
    /// From a configuration that has been validated.
    pub(crate) fn new(config: StrategyConfig) -> Strategy {
        match config {
            StrategyConfig::FixedSpread(fixed) => Strategy::FixedSpread(fixed),
            StrategyConfig::AvellanedaStoikov(model) => Strategy::AvellanedaStoikov(model.model()),
            StrategyConfig::Glft(model) => Strategy::Glft(model.model()),
            StrategyConfig::Mlp(learned) => Strategy::Mlp(Box::new(learned.network())),
        }
    }
}
