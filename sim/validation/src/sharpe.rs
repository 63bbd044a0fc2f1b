//! Sharpe ratios, and what is left of one after the search that found it: Bailey and López de
//! Prado, "The Sharpe ratio efficient frontier" (Journal of Risk 15, 2012) and "The deflated Sharpe
//! ratio" (Journal of Portfolio Management 40, 2014).

use crate::error::{Result, ValidationError, argument, check};
use crate::normal::{EULER, cumulative, quantile};
use crate::sample::Moments;

/// Sharpe ratio per observation: mean over standard deviation.
pub fn sharpe(returns: &[f64]) -> Result<f64> {
    let moments = Moments::of(returns)?;
    if moments.deviation == 0.0 {
        return Err(ValidationError::Constant { what: "returns" });
    }
    Ok(moments.mean / moments.deviation)
}

/// What a Sharpe ratio was measured on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Track {
    /// Sharpe ratio per observation, not annualised.
    pub sharpe: f64,
    /// Observations.
    pub observations: usize,
    /// Third standardised moment of the returns.
    pub skewness: f64,
    /// Fourth standardised moment of the returns, 3 for normal ones.
    pub kurtosis: f64,
}

impl Track {
    /// Of returns, at least three that are not all the same.
    pub fn of(returns: &[f64]) -> Result<Track> {
        check("returns", returns, 3)?;
        let Moments { count, skewness, kurtosis, .. } = Moments::of(returns)?;
        Ok(Track { sharpe: sharpe(returns)?, observations: count, skewness, kurtosis })
    }

    /// Probability that the true Sharpe ratio is above `benchmark`, per observation (2012, equation
    /// 11; the standard error is Mertens' of 2002).
    pub fn probabilistic(&self, benchmark: f64) -> Result<f64> {
        check("track", &[self.sharpe, self.skewness, self.kurtosis, benchmark], 4)?;
        let n = self.observations;
        if n < 2 {
            return Err(ValidationError::TooFew { what: "returns", count: n, least: 2 });
        }
        let spread =
            1.0 - self.skewness * self.sharpe + 0.25 * (self.kurtosis - 1.0) * self.sharpe.powi(2);
        // Below zero for moments that no distribution has, or by rounding.
        let spread = spread.max(f64::MIN_POSITIVE);
        Ok(cumulative((self.sharpe - benchmark) * ((n - 1) as f64).sqrt() / spread.sqrt()))
    }

    /// Probability that the true Sharpe ratio is above zero once the search is counted in: above
    /// what the best of all trials would have shown had none of them been worth anything.
    pub fn deflated(&self, trials: &Trials) -> Result<f64> {
        self.probabilistic(trials.expected_best()?)
    }

    /// Fewest observations for which the true Sharpe ratio is above `benchmark` with a confidence
    /// (2012, equation 13); `None` where it is not above it in the sample.
    pub fn least_observations(&self, benchmark: f64, confidence: f64) -> Result<Option<f64>> {
        let inside = confidence > 0.0 && confidence < 1.0;
        argument("confidence", confidence, inside, "between 0 and 1")?;
        if self.sharpe <= benchmark {
            return Ok(None);
        }
        let spread =
            1.0 - self.skewness * self.sharpe + 0.25 * (self.kurtosis - 1.0) * self.sharpe.powi(2);
        let ratio = quantile(confidence) / (self.sharpe - benchmark);
        Ok(Some(1.0 + spread.max(0.0) * ratio * ratio))
    }
}

/// Everything that was tried before one was chosen: those thrown away, too.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Trials {
    /// How many.
    pub count: usize,
    /// Variance of their Sharpe ratios per observation.
    pub variance: f64,
}

impl Trials {
    /// From the Sharpe ratio per observation of every trial.
    pub fn of(sharpes: &[f64]) -> Result<Trials> {
        check("trials", sharpes, 1)?;
        let variance =
            if sharpes.len() == 1 { 0.0 } else { Moments::of(sharpes)?.deviation.powi(2) };
        Ok(Trials { count: sharpes.len(), variance })
    }

    /// The Sharpe ratio that the best of so many trials without worth is expected to show (2014,
    /// equation 1); zero for one trial, which is not a search.
    pub fn expected_best(&self) -> Result<f64> {
        argument("trials", self.count as f64, self.count >= 1, "at least 1")?;
        let spread = self.variance;
        argument("variance", spread, spread >= 0.0 && spread.is_finite(), "not below 0")?;
        if self.count == 1 {
            return Ok(0.0);
        }
        let n = self.count as f64;
        let one = quantile(1.0 - 1.0 / n);
        let other = quantile(1.0 - 1.0 / (n * std::f64::consts::E));
        Ok(spread.sqrt() * ((1.0 - EULER) * one + EULER * other))
    }
}

/// Deflated Sharpe ratio of returns that were chosen, with the Sharpe ratios per observation of
/// every trial, the chosen one's among them.
pub fn deflated_sharpe(returns: &[f64], trials: &[f64]) -> Result<f64> {
    Track::of(returns)?.deflated(&Trials::of(trials)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Draw;

    /// The paper's own example ("A numerical example", 2014): 1,250 days, a Sharpe ratio of 2.5 a
    /// year, skewness −3, kurtosis 10, 100 trials with a variance of ½ a year.
    #[test]
    fn the_papers_example() {
        let track = Track {
            sharpe: 2.5 / 250.0_f64.sqrt(),
            observations: 1_250,
            skewness: -3.0,
            kurtosis: 10.0,
        };
        let trials = Trials { count: 100, variance: 0.5 / 250.0 };
        let best = trials.expected_best().expect("allowed");
        assert!((best - 0.1132).abs() < 5e-5, "{best}");
        let deflated = track.deflated(&trials).expect("allowed");
        assert!((deflated - 0.9004).abs() < 5e-5, "{deflated}");
    }

    /// The best of many series without worth is not believed; taken alone it would be.
    #[test]
    fn a_search_is_seen_through() {
        let mut draw = Draw::new(5);
        let (mut fooled, mut believed) = (0, 0);
        for _ in 0..20 {
            let series: Vec<Vec<f64>> = (0..50)
                .map(|_| (0..250).map(|_| draw.below(2_001) as f64 / 1_000.0 - 1.0).collect())
                .collect();
            let sharpes: Vec<f64> = series.iter().map(|one| sharpe(one).expect("spread")).collect();
            let best = (0..50).max_by(|a, b| sharpes[*a].total_cmp(&sharpes[*b])).expect("50");
            let alone = Track::of(&series[best]).expect("spread").probabilistic(0.0);
            believed += usize::from(alone.expect("allowed") > 0.95);
            let deflated = deflated_sharpe(&series[best], &sharpes).expect("allowed");
            fooled += usize::from(deflated > 0.95);
        }
        assert!(fooled <= 3 && believed >= 15, "{fooled} and {believed} of 20");
    }

    #[test]
    fn edges() {
        assert!(sharpe(&[0.1; 5]).is_err() && Track::of(&[1.0, 2.0]).is_err());
        assert_eq!(Trials::of(&[0.3]).and_then(|trials| trials.expected_best()), Ok(0.0));
        let track = Track { sharpe: 0.1, observations: 500, skewness: 0.0, kurtosis: 3.0 };
        let least = track.least_observations(0.0, 0.95).expect("allowed").expect("above");
        let there = Track { observations: least.ceil() as usize, ..track };
        assert!(there.probabilistic(0.0).expect("allowed") >= 0.95);
        assert_eq!(track.least_observations(0.2, 0.95), Ok(None));
    }
}
