//! O. Guéant, C.-A. Lehalle and J. Fernandez-Tapia, "Dealing with the inventory risk", Mathematics
//! and Financial Economics 7(4), 2013.
//!
//! Section 4, the closed-form approximation of the quotes far from the closing time; the same two
//! lines are equations 4.6 and 4.7 of O. Guéant, "Optimal market making", 2017, for a trade size of
//! one:
//! ```text
//! δᵇ(q) ≈ (1/γ)·ln(1 + γ/k) + (2q + 1)/2 · √( σ²γ/(2kA) · (1 + γ/k)^(1 + k/γ) )
//! δᵃ(q) ≈ (1/γ)·ln(1 + γ/k) − (2q − 1)/2 · √( σ²γ/(2kA) · (1 + γ/k)^(1 + k/γ) )
//! ```
//! with λ(δ) = A·exp(−k·δ) the rate at which a quote at distance δ from the mid price trades, and q
//! in quote sizes.

use super::{Desired, Inputs, UNITS, Volatility};
use crate::config::{PolicyError, in_range};

/// Parameters of the model.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Glft {
    /// Risk aversion γ, per dollar, 10⁻⁶ to 10⁶.
    pub gamma: f64,
    /// Decay k of the rate of trades with the distance, per dollar, 10⁻³ to 10⁶.
    pub k: f64,
    /// Rate A of trades at the mid price, per second, 10⁻⁶ to 10⁶.
    pub a: f64,
    /// Volatility σ.
    pub volatility: Volatility,
}

/// The model with its constants taken.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Model {
    /// (1/γ)·ln(1 + γ/k), dollars.
    constant: f64,
    /// The square root over σ, √s.
    slope: f64,
    volatility: Volatility,
}

impl Glft {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`PolicyError::OutOfRange`].
    pub fn validate(&self) -> Result<(), PolicyError> {
        in_range("strategy.gamma (1/$)", self.gamma, 1e-6, 1e6)?;
        in_range("strategy.k (1/$)", self.k, 1e-3, 1e6)?;
        in_range("strategy.a (1/s)", self.a, 1e-6, 1e6)?;
        self.volatility.validate()
    }

    /// The prices for one decision. A decision loop keeps the constants; this recomputes them.
    pub fn desired(&self, inputs: &Inputs) -> Desired {
        self.model().desired(inputs)
    }

    pub(crate) fn model(&self) -> Model {
        let log = (self.gamma / self.k).ln_1p();
        // (1 + γ/k)^(1 + k/γ) through the logarithm: k/γ may be 10¹² while γ/k is 10⁻¹².
        let power = ((1.0 + self.k / self.gamma) * log).exp();
        Model {
            constant: log / self.gamma,
            slope: (self.gamma / (2.0 * self.k * self.a) * power).sqrt(),
            volatility: self.volatility,
        }
    }
}

impl Model {
    #[inline]
    pub(crate) fn desired(&self, inputs: &Inputs) -> Desired {
        let step = self.slope * self.volatility.value(inputs.volatility);
        let bid = self.constant + (2.0 * inputs.lots + 1.0) * 0.5 * step;
        let ask = self.constant - (2.0 * inputs.lots - 1.0) * 0.5 * step;
        Desired::around(inputs.mid, bid * UNITS, ask * UNITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: Glft = Glft { gamma: 0.1, k: 1.5, a: 140.0, volatility: Volatility::Fixed(2.0) };

    fn inputs(lots: f64) -> Inputs {
        Inputs { mid: 1e6, tick: 100.0, inventory: 0.0, lots, volatility: 0.0 }
    }

    #[test]
    fn the_formula_by_hand() {
        let step = (4.0 * 0.1 / (2.0 * 1.5 * 140.0) * (1.0f64 + 0.1 / 1.5).powf(16.0)).sqrt();
        let constant = 10.0 * (1.0f64 + 0.1 / 1.5).ln();
        let desired = MODEL.desired(&inputs(2.0));
        assert!((1e6 - desired.bid - 1e4 * (constant + 2.5 * step)).abs() < 1e-5, "{desired:?}");
        assert!((desired.ask - 1e6 - 1e4 * (constant - 1.5 * step)).abs() < 1e-5, "{desired:?}");
    }

    #[test]
    fn quotes_mirror_with_the_inventory() {
        for lots in [-7.0, 0.0, 3.0] {
            let (one, other) = (MODEL.desired(&inputs(lots)), MODEL.desired(&inputs(-lots)));
            assert!((1e6 - one.bid - (other.ask - 1e6)).abs() < 1e-6);
        }
    }

    #[test]
    fn the_ends_of_the_ranges_stay_finite() {
        for gamma in [1e-6, 1e6] {
            for k in [1e-3, 1e6] {
                for a in [1e-6, 1e6] {
                    let desired = Glft { gamma, k, a, ..MODEL }.desired(&inputs(1.0));
                    assert!(desired.bid.is_finite() && desired.ask.is_finite());
                }
            }
        }
    }
}
