//! What a share is worth: a value that wanders around an anchor, and news that moves both.

use super::SymbolFlow;
use super::arrivals::open;
use rand::Rng;
use tercel_types::Nanos;

/// The fundamental value of one symbol, in price units: an Ornstein-Uhlenbeck process around an
/// anchor that only news moves. Both stay within half and twice the initial price, so that a day of
/// news cannot run away with them.
#[derive(Clone, Debug)]
pub(super) struct Value {
    now: Nanos,
    value: f64,
    anchor: f64,
    initial: f64,
    volatility: f64,
    reversion: f64,
    jump_rate: f64,
    jump_size: f64,
}

impl Value {
    pub(super) fn new(symbol: &SymbolFlow, start: Nanos) -> Value {
        let initial = symbol.initial_price.0 as f64;
        Value {
            now: start,
            value: initial,
            anchor: initial,
            initial,
            volatility: symbol.volatility,
            reversion: symbol.reversion,
            jump_rate: symbol.jump_rate,
            jump_size: symbol.jump_size,
        }
    }

    pub(super) fn value(&self) -> f64 {
        self.value
    }

    /// Moves on to `time`: the wandering exactly, of the news at most one piece.
    pub(super) fn advance(&mut self, time: Nanos, rng: &mut impl Rng) {
        let seconds = time.since(self.now).0 as f64 / 1e9;
        if seconds == 0.0 {
            return;
        }
        self.now = time;
        if rng.random::<f64>() < 1.0 - (-self.jump_rate * seconds).exp() {
            let jump = self.initial * self.jump_size * normal(rng);
            self.anchor += jump;
            self.value += jump;
        }
        let keep = (-self.reversion * seconds).exp();
        let spread = ((1.0 - keep * keep) / (2.0 * self.reversion)).sqrt();
        let noise = self.initial * self.volatility * spread * normal(rng);
        self.value = self.anchor + (self.value - self.anchor) * keep + noise;
        let (low, high) = (self.initial * 0.5, self.initial * 2.0);
        self.anchor = self.anchor.clamp(low, high);
        self.value = self.value.clamp(low, high);
    }
}

/// Standard normal (Box and Muller).
pub(super) fn normal(rng: &mut impl Rng) -> f64 {
    let angle = std::f64::consts::TAU * rng.random::<f64>();
    (-2.0 * open(rng).ln()).sqrt() * angle.cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use tercel_types::{InstrumentId, Price};

    #[test]
    fn without_news_it_keeps_the_stationary_spread() {
        let mut symbol = SymbolFlow::new(InstrumentId(1), Price(1_000_000));
        (symbol.jump_rate, symbol.reversion) = (0.0, 0.5);
        let (mut value, mut rng) = (Value::new(&symbol, Nanos(0)), ChaCha8Rng::seed_from_u64(3));
        let mut squares = 0.0;
        for step in 1..=40_000_u64 {
            value.advance(Nanos(step * 1_000_000_000), &mut rng);
            squares += (value.value() - 1e6).powi(2) / 40_000.0;
        }
        // sigma / sqrt(2 kappa) = 120 units / 1.
        assert!((squares.sqrt() / 120.0 - 1.0).abs() < 0.05, "{}", squares.sqrt());
    }
}
