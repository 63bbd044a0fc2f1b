//! What a policy is told at the start, checked there once.

use crate::strategy::StrategyConfig;
use core::fmt;
use tercel_types::{Nanos, Qty, Symbol};

/// Everything a [`crate::Policy`] is built from.
#[derive(Clone, Debug)]
pub struct PolicyConfig {
    /// The instruments that may be quoted, at most [`INSTRUMENTS_MAX`]; one slot is reserved for
    /// each.
    pub instruments: Vec<InstrumentPolicy>,
    /// How prices are chosen, for all of them.
    pub strategy: StrategyConfig,
    /// How quotes are kept, where an instrument does not say otherwise.
    pub quote: QuoteRules,
}

/// One instrument that may be quoted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InstrumentPolicy {
    /// Its symbol.
    pub symbol: Symbol,
    /// Shares of a quote, in the place of [`QuoteRules::order_qty`].
    pub order_qty: Option<Qty>,
    /// Largest position, in the place of [`QuoteRules::position_max`].
    pub position_max: Option<i64>,
}

/// How quotes are kept in the market.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuoteRules {
    /// Shares of one quote, 1 to 1,000,000 (OUCH 5.0 "Quantity").
    pub order_qty: Qty,
    /// Shares held or owed at most, 1 to 1,000,000,000: the side that would go past it is cut to
    /// what fits.
    pub position_max: i64,
    /// A live quote is replaced when the wanted price is more than this many ticks away; 0 to
    /// 10,000.
    pub requote_ticks: u32,
    /// A live quote is replaced when its open shares differ from the wanted ones by more than this
    /// part of the latter, in percent; 0 to 100.
    pub requote_qty_percent: u32,
    /// Least time between two entries or replaces on one side of one instrument, nanoseconds, at
    /// most an hour. Cancels never wait.
    pub requote_interval: Nanos,
    /// Enter quotes as post-only.
    pub post_only: bool,
}

/// Most instruments one policy quotes.
pub const INSTRUMENTS_MAX: usize = 4_096;

/// Why a policy cannot be built.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum PolicyError {
    /// A number is not in its range, or is not a number.
    OutOfRange {
        /// Its path in the configuration.
        field: &'static str,
        /// What was given.
        value: f64,
        /// Least allowed.
        min: f64,
        /// Most allowed.
        max: f64,
    },
    /// A symbol stands twice in the list.
    DuplicateSymbol(Symbol),
}

impl Default for QuoteRules {
    fn default() -> QuoteRules {
        QuoteRules {
            order_qty: Qty(100),
            position_max: 1_000,
            requote_ticks: 0,
            requote_qty_percent: 50,
            requote_interval: Nanos::from_millis(1),
            post_only: true,
        }
    }
}

impl InstrumentPolicy {
    /// An instrument that is quoted by the common rules.
    pub const fn new(symbol: Symbol) -> InstrumentPolicy {
        InstrumentPolicy { symbol, order_qty: None, position_max: None }
    }

    /// The common rules with what this instrument has of its own.
    pub fn rules(&self, common: &QuoteRules) -> QuoteRules {
        QuoteRules {
            order_qty: self.order_qty.unwrap_or(common.order_qty),
            position_max: self.position_max.unwrap_or(common.position_max),
            ..*common
        }
    }
}

impl QuoteRules {
    /// Checks every number.
    ///
    /// # Errors
    /// [`PolicyError::OutOfRange`] for the first one that is not allowed.
    pub fn validate(&self) -> Result<(), PolicyError> {
        in_range("quote.order_qty", f64::from(self.order_qty.0), 1.0, 1e6)?;
        in_range("quote.position_max", self.position_max as f64, 1.0, 1e9)?;
        in_range("quote.requote_ticks", f64::from(self.requote_ticks), 0.0, 1e4)?;
        in_range("quote.requote_qty_percent", f64::from(self.requote_qty_percent), 0.0, 100.0)?;
        in_range("quote.requote_interval (ns)", self.requote_interval.0 as f64, 0.0, 3.6e12)
    }
}

impl PolicyConfig {
    /// Checks every number and every symbol.
    ///
    /// # Errors
    /// [`PolicyError`] for the first thing that is not allowed.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let count = self.instruments.len();
        in_range("instruments (count)", count as f64, 0.0, INSTRUMENTS_MAX as f64)?;
        self.quote.validate()?;
        for (at, instrument) in self.instruments.iter().enumerate() {
            instrument.rules(&self.quote).validate()?;
            if self.instruments[..at].iter().any(|earlier| earlier.symbol == instrument.symbol) {
                return Err(PolicyError::DuplicateSymbol(instrument.symbol));
            }
        }
        self.strategy.validate()
    }
}

/// `value` is a number from `min` to `max`, or an error that names all of them.
pub(crate) fn in_range(
    field: &'static str,
    value: f64,
    min: f64,
    max: f64,
) -> Result<(), PolicyError> {
    if value >= min && value <= max {
        Ok(())
    } else {
        Err(PolicyError::OutOfRange { field, value, min, max })
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PolicyError::OutOfRange { field, value, min, max } => {
                write!(f, "{field} is {value}, allowed is {min} to {max}")
            }
            PolicyError::DuplicateSymbol(symbol) => write!(f, "{symbol} is listed twice"),
        }
    }
}

impl core::error::Error for PolicyError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::FixedSpread;

    fn config(instruments: Vec<InstrumentPolicy>) -> PolicyConfig {
        let strategy = FixedSpread { half_spread_ticks: 1.0, skew_ticks: 1.0 };
        PolicyConfig {
            instruments,
            strategy: StrategyConfig::FixedSpread(strategy),
            quote: QuoteRules::default(),
        }
    }

    #[test]
    fn errors_name_the_field_the_value_and_the_range() {
        let mut rules = QuoteRules { order_qty: Qty(0), ..QuoteRules::default() };
        let text = rules.validate().unwrap_err().to_string();
        assert_eq!(text, "quote.order_qty is 0, allowed is 1 to 1000000");
        rules = QuoteRules { position_max: -5, ..QuoteRules::default() };
        let text = rules.validate().unwrap_err().to_string();
        assert_eq!(text, "quote.position_max is -5, allowed is 1 to 1000000000");
    }

    #[test]
    fn a_symbol_stands_once() {
        let one = InstrumentPolicy::new(Symbol::new("AAPL").unwrap());
        assert_eq!(config(vec![one]).validate(), Ok(()));
        let twice = config(vec![one, one]).validate();
        assert_eq!(twice, Err(PolicyError::DuplicateSymbol(one.symbol)));
    }

    #[test]
    fn what_an_instrument_says_itself_is_checked_too() {
        let mut one = InstrumentPolicy::new(Symbol::new("AAPL").unwrap());
        one.position_max = Some(0);
        assert!(config(vec![one]).validate().is_err());
    }
}
