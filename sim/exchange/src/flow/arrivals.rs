//! When something arrives, and for which symbol: a Hawkes process with an exponential kernel.
//!
//! Every symbol has a constant base intensity and is excited by its own arrivals. All symbols share
//! kernel and branching ratio, so their sum is a Hawkes process too, and it is drawn exactly,
//! without thinning, by the recursion of Dassios and Zhao ("Exact simulation of Hawkes process with
//! exponentially decaying intensity", 2013): the next arrival is the earlier of one of the base
//! intensity and one of the decaying excess. Which of the two it was says how to draw its symbol:
//! by weight, or by how excited each is.

use super::FlowConfig;
use rand::Rng;
use tercel_types::Nanos;

/// One arrival.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Arrival {
    pub(super) time: Nanos,
    /// Index of the symbol in the configuration.
    pub(super) symbol: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Arrivals {
    now: Nanos,
    /// Base intensity of all symbols, per second.
    base: f64,
    /// What one arrival adds to the intensity, per second.
    jump: f64,
    decay: f64,
    weights: Vec<f64>,
    weights_sum: f64,
    /// Excess intensity of each symbol just after the last arrival.
    excess: Vec<f64>,
}

impl Arrivals {
    pub(super) fn new(config: &FlowConfig) -> Arrivals {
        let weights: Vec<f64> = config.symbols.iter().map(|symbol| symbol.weight).collect();
        let weights_sum: f64 = weights.iter().sum();
        // Begins at the stationary mean: the excess is the branching ratio's share of the rate.
        let excess = weights.iter().map(|w| config.rate * config.branching * w / weights_sum);
        Arrivals {
            now: config.start,
            base: config.rate * (1.0 - config.branching),
            jump: config.branching * config.decay,
            decay: config.decay,
            excess: excess.collect(),
            weights_sum,
            weights,
        }
    }

    /// The next arrival. Costs a multiplication a symbol.
    pub(super) fn draw(&mut self, rng: &mut impl Rng) -> Arrival {
        let excess: f64 = self.excess.iter().sum();
        let wait_base = -open(rng).ln() / self.base;
        // The excess decays away with a chance that it brings no arrival at all: then the argument
        // is not positive.
        let survival = 1.0 + self.decay * open(rng).ln() / excess;
        let wait_excess = if excess > 0.0 && survival > 0.0 {
            -survival.ln() / self.decay
        } else {
            f64::INFINITY
        };
        let wait = wait_base.min(wait_excess);
        let symbol = if wait_base <= wait_excess {
            pick(&self.weights, self.weights_sum, rng)
        } else {
            pick(&self.excess, excess, rng)
        };
        let fade = (-self.decay * wait).exp();
        for excess in &mut self.excess {
            *excess *= fade;
        }
        self.excess[symbol] += self.jump;
        self.now = self.now + Nanos((wait * 1e9).round() as u64);
        Arrival { time: self.now, symbol }
    }
}

/// Uniform in the half-open interval that leaves zero out.
pub(super) fn open(rng: &mut impl Rng) -> f64 {
    1.0 - rng.random::<f64>()
}

/// An index with probability proportional to its weight.
fn pick(weights: &[f64], sum: f64, rng: &mut impl Rng) -> usize {
    let mut left = rng.random::<f64>() * sum;
    for (index, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return index;
        }
    }
    weights.len() - 1
}

#[cfg(test)]
mod tests {
    use super::super::SymbolFlow;
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use tercel_types::{InstrumentId, Price};

    fn counts(branching: f64, windows: usize) -> Vec<f64> {
        let symbols = [1.0, 3.0].map(|weight| SymbolFlow {
            weight,
            ..SymbolFlow::new(InstrumentId(1), Price(1_000_000))
        });
        let config = FlowConfig { branching, ..FlowConfig::new(7, symbols.to_vec()) };
        let (mut arrivals, mut rng) = (Arrivals::new(&config), ChaCha8Rng::seed_from_u64(1));
        let mut counts = vec![0.0; windows];
        loop {
            let arrival = arrivals.draw(&mut rng);
            // Windows of a second, ten decay times long at 50 a second and more.
            match counts.get_mut((arrival.time.0 / 1_000_000_000) as usize) {
                Some(count) => *count += 1.0,
                None => return counts,
            }
        }
    }

    fn mean_and_dispersion(counts: &[f64]) -> (f64, f64) {
        let n = counts.len() as f64;
        let mean = counts.iter().sum::<f64>() / n;
        let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, variance / mean)
    }

    #[test]
    fn rate_and_clustering_are_those_of_a_hawkes_process() {
        let (mean, dispersion) = mean_and_dispersion(&counts(0.6, 200));
        assert!((mean / 5_000.0 - 1.0).abs() < 0.02, "{mean}");
        // Over windows much longer than the memory 1/(decay (1 - n)), variance/mean tends to
        // 1/(1-n)^2 = 6.25.
        assert!((4.5..8.0).contains(&dispersion), "{dispersion}");
        let (_, poisson) = mean_and_dispersion(&counts(0.0, 200));
        assert!((0.7..1.3).contains(&poisson), "{poisson}");
    }

    #[test]
    fn symbols_arrive_by_weight() {
        let symbols = [1.0, 3.0].map(|weight| SymbolFlow {
            weight,
            ..SymbolFlow::new(InstrumentId(1), Price(1_000_000))
        });
        let config = FlowConfig::new(7, symbols.to_vec());
        let (mut arrivals, mut rng) = (Arrivals::new(&config), ChaCha8Rng::seed_from_u64(1));
        let heavy = (0..200_000).filter(|_| arrivals.draw(&mut rng).symbol == 1).count();
        assert!((heavy as f64 / 200_000.0 - 0.75).abs() < 0.02, "{heavy}");
    }
}
