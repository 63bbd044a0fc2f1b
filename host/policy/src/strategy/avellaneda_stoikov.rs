//! M. Avellaneda and S. Stoikov, "High-frequency trading in a limit order book", Quantitative
//! Finance 8(3), 2008.
//!
//! Section 3.2, the expansion in the inventory q (equations 3.17 and 3.18 of the authors'
//! preprint):
//! ```text
//! reservation price   r = s − q·γ·σ²·(T − t)
//! spread              δᵃ + δᵇ = γ·σ²·(T − t) + (2/γ)·ln(1 + γ/k)
//! ```
//! with s the mid price, σ its volatility, and λ(δ) = A·exp(−k·δ) the rate at which a quote at
//! distance δ trades. The paper has a closing time T; here T − t is a constant horizon that rolls
//! with the clock, so that quotes do not depend on the time of day. q counts quote sizes, because
//! the paper trades one share at a time.

use super::{Desired, Inputs, UNITS, Volatility};
use crate::config::{PolicyError, in_range};

/// Parameters of the model.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AvellanedaStoikov {
    /// Risk aversion γ, per dollar, 10⁻⁶ to 10⁶.
    pub gamma: f64,
    /// Decay k of the rate of trades with the distance, per dollar, 10⁻³ to 10⁶.
    pub k: f64,
    /// Horizon T − t, seconds, 0 to 86,400.
    pub horizon_s: f64,
    /// Volatility σ.
    pub volatility: Volatility,
}

/// The model with its logarithm taken.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Model {
    /// γ·(T − t), seconds per dollar.
    risk: f64,
    /// (1/γ)·ln(1 + γ/k): half of the spread's constant part, dollars.
    half_constant: f64,
    volatility: Volatility,
}

impl AvellanedaStoikov {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`PolicyError::OutOfRange`].
    pub fn validate(&self) -> Result<(), PolicyError> {
        in_range("strategy.gamma (1/$)", self.gamma, 1e-6, 1e6)?;
        in_range("strategy.k (1/$)", self.k, 1e-3, 1e6)?;
        in_range("strategy.horizon_s", self.horizon_s, 0.0, 86_400.0)?;
        self.volatility.validate()
    }

    /// The prices for one decision. A decision loop keeps the constants; this recomputes them.
    pub fn desired(&self, inputs: &Inputs) -> Desired {
        self.model().desired(inputs)
    }

    pub(crate) fn model(&self) -> Model {
        Model {
            risk: self.gamma * self.horizon_s,
            half_constant: (self.gamma / self.k).ln_1p() / self.gamma,
            volatility: self.volatility,
        }
    }
}

impl Model {
    #[inline]
    pub(crate) fn desired(&self, inputs: &Inputs) -> Desired {
        let sigma = self.volatility.value(inputs.volatility);
        let risk = self.risk * sigma * sigma; // γ·σ²·(T − t), dollars
        let reservation = inputs.mid - inputs.lots * risk * UNITS;
        let half = (0.5 * risk + self.half_constant) * UNITS;
        Desired::around(reservation, half, half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paper's own example, section 3.3: s = 100, σ = 2, γ = 0.1, k = 1.5, T − t = 1.
    const PAPER: AvellanedaStoikov = AvellanedaStoikov {
        gamma: 0.1,
        k: 1.5,
        horizon_s: 1.0,
        volatility: Volatility::Fixed(2.0),
    };

    fn inputs(lots: f64) -> Inputs {
        Inputs { mid: 1e6, tick: 100.0, inventory: 0.0, lots, volatility: 0.0 }
    }

    #[test]
    fn the_papers_example() {
        // 0.1·4·1 + 20·ln(1 + 0.1/1.5) = 0.4 + 1.29077 dollars
        let flat = PAPER.desired(&inputs(0.0));
        assert!((flat.ask - flat.bid - 16_907.70).abs() < 0.1, "{flat:?}");
        // r = 100 − 3·0.1·4·1 = 98.80 dollars
        let long = PAPER.desired(&inputs(3.0));
        assert!(((long.ask + long.bid) / 2.0 - 988_000.0).abs() < 1e-6, "{long:?}");
    }

    #[test]
    fn without_a_horizon_only_the_constant_spread_is_left() {
        let model = AvellanedaStoikov { horizon_s: 0.0, ..PAPER };
        let desired = model.desired(&inputs(50.0));
        assert!(((desired.ask + desired.bid) / 2.0 - 1e6).abs() < 1e-6);
    }

    #[test]
    fn parameters_outside_their_range_are_named() {
        let text = AvellanedaStoikov { gamma: 0.0, ..PAPER }.validate().unwrap_err().to_string();
        assert_eq!(text, "strategy.gamma (1/$) is 0, allowed is 0.000001 to 1000000");
    }
}
