//! Tests that may be looked at after every number, and stopped whenever one likes: their error is
//! bounded over all times together.

use crate::error::{Result, argument};

/// A confidence sequence for a mean: at every time an interval, and with probability 1 − α all of
/// them hold the mean at once, asymptotically. The normal mixture with the running variance in
/// place of a known one: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central
/// limit theory and asymptotic confidence sequences" (Annals of Statistics 52, 2024), theorem 2.2;
/// with a known variance it is the mixture test (mSPRT) of Johari, Koomen, Pekelis and Walsh
/// (2017).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Mixture {
    alpha: f64,
    /// Squared scale of the mixture.
    scale: f64,
    least: u64,
    count: u64,
    mean: f64,
    /// Sum of squared deviations (Welford).
    squares: f64,
}

impl Mixture {
    /// Wrong with probability `alpha`, narrowest after about `tuned` numbers, silent before the
    /// first `least`: the variance has to settle.
    pub fn new(alpha: f64, tuned: u64, least: u64) -> Result<Mixture> {
        argument("alpha", alpha, alpha > 0.0 && alpha < 1.0, "between 0 and 1")?;
        argument("tuned", tuned as f64, tuned >= 1, "at least 1")?;
        // Section 2.3, the approximate minimiser of the width at time `tuned`.
        let log = -2.0 * alpha.ln();
        let scale = (log + (log + 1.0).ln()) / tuned as f64;
        Ok(Mixture { alpha, scale, least: least.max(2), count: 0, mean: 0.0, squares: 0.0 })
    }

    /// Takes the next number.
    pub fn push(&mut self, x: f64) -> Result<()> {
        argument("number", x, x.is_finite(), "finite")?;
        self.count += 1;
        let from = x - self.mean;
        self.mean += from / self.count as f64;
        self.squares += from * (x - self.mean);
        Ok(())
    }

    /// Numbers so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Mean so far.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The interval now; `None` before there are enough numbers.
    pub fn interval(&self) -> Option<(f64, f64)> {
        if self.count < self.least {
            return None;
        }
        let n = self.count as f64;
        let variance = self.squares / (n - 1.0);
        let grown = n * self.scale + 1.0;
        let width = 2.0 * grown / (n * n * self.scale) * (grown.sqrt() / self.alpha).ln();
        let radius = (variance * width).sqrt();
        Some((self.mean - radius, self.mean + radius))
    }

    /// Whether the mean is above `bound`, for good.
    pub fn above(&self, bound: f64) -> bool {
        self.interval().is_some_and(|(low, _)| low > bound)
    }

    /// Whether the mean is below `bound`, for good.
    pub fn below(&self, bound: f64) -> bool {
        self.interval().is_some_and(|(_, high)| high < bound)
    }
}

/// Wealth of a bet against "the mean is at most zero", for numbers that are not below −`bound`: an
/// e-process, exact at every number of numbers. Above 1/α the hypothesis is refused. Waudby-Smith
/// and Ramdas, "Estimating means of bounded random variables by betting" (JRSS B 86, 2024), with
/// their aGRAPA bets: what would have grown wealth fastest on what was seen.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Bet {
    bound: f64,
    count: u64,
    mean: f64,
    squares: f64,
    /// Logarithm of the wealth, and the largest it ever was.
    wealth: f64,
    largest: f64,
}

impl Bet {
    /// For numbers not below −`bound`.
    pub fn new(bound: f64) -> Result<Bet> {
        argument("bound", bound, bound > 0.0 && bound.is_finite(), "above 0")?;
        Ok(Bet { bound, count: 0, mean: 0.0, squares: 0.0, wealth: 0.0, largest: 0.0 })
    }

    /// Takes the next number. One above `bound` counts as `bound`, which can only hide an edge; one
    /// below −`bound` is refused, as to cut it would make one.
    pub fn push(&mut self, x: f64) -> Result<()> {
        argument("number", x, x >= -self.bound, "not below the bound")?;
        let x = x.min(self.bound) / self.bound;
        // The bet knows nothing of the number that it is on.
        let n = self.count as f64;
        let mean = self.mean;
        let variance = (0.25 + self.squares) / (n + 1.0);
        let stake = (mean / (variance + mean * mean)).clamp(0.0, 0.5);
        self.wealth += (1.0 + stake * x).ln();
        self.largest = self.largest.max(self.wealth);
        self.count += 1;
        let from = x - self.mean;
        // One number at zero before the first: a bet begins small.
        self.mean += from / (self.count as f64 + 1.0);
        self.squares += from * (x - self.mean);
        Ok(())
    }

    /// Numbers so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Wealth now: the evidence against "at most zero".
    pub fn wealth(&self) -> f64 {
        self.wealth.exp()
    }

    /// Whether "at most zero" is refused at a level: the wealth was at least 1/α once (Ville's
    /// inequality).
    pub fn refused(&self, alpha: f64) -> bool {
        self.largest >= -alpha.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Draw;

    fn uniform(draw: &mut Draw) -> f64 {
        draw.below(2_000_001) as f64 / 1e6 - 1.0
    }

    /// Looked at after every number for 3,000 numbers, both are wrong seldom; an edge is found.
    #[test]
    fn looking_always_is_allowed() {
        let (mut outside, mut refused, mut found) = (0, 0, [0, 0]);
        for seed in 0..200 {
            let mut draw = Draw::new(seed);
            let mut mixture = Mixture::new(0.05, 500, 30).expect("allowed");
            let mut bet = Bet::new(1.0).expect("allowed");
            let mut ever = false;
            for _ in 0..3_000 {
                let x = uniform(&mut draw);
                mixture.push(x).expect("finite");
                bet.push(x).expect("bounded");
                ever |= mixture.above(0.0) || mixture.below(0.0);
            }
            outside += usize::from(ever);
            refused += usize::from(bet.refused(0.05));
            let (mut mixture, mut bet) =
                (Mixture::new(0.05, 500, 30).expect("allowed"), Bet::new(1.2).expect("allowed"));
            for _ in 0..1_500 {
                let x = uniform(&mut draw) + 0.1;
                mixture.push(x).expect("finite");
                bet.push(x).expect("bounded");
            }
            found[0] += usize::from(mixture.above(0.0));
            found[1] += usize::from(bet.refused(0.05));
        }
        assert!(outside <= 16 && refused <= 16, "{outside} {refused} of 200");
        assert!(found[0] >= 150 && found[1] >= 150, "{found:?} of 200");
    }

    #[test]
    fn what_cannot_be_is_named() {
        assert!(Mixture::new(0.0, 10, 2).is_err() && Bet::new(0.0).is_err());
        let mut bet = Bet::new(1.0).expect("allowed");
        assert!(bet.push(-1.1).is_err() && bet.push(f64::NAN).is_err());
        assert!(bet.push(7.0).is_ok() && bet.wealth().is_finite());
        let mut mixture = Mixture::new(0.05, 10, 2).expect("allowed");
        assert!(mixture.push(f64::INFINITY).is_err() && mixture.interval().is_none());
        mixture.push(1.0).expect("finite");
        mixture.push(1.0).expect("finite");
        assert_eq!(mixture.interval(), Some((1.0, 1.0)));
    }
}
