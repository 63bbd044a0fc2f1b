//! The strategies that a trained policy is measured against, tuned for a scenario by a grid.
//!
//! The grids are over what the formulas do to the quotes, from which the models' own parameters
//! follow. Avellaneda–Stoikov: half-spread c + ρσ²/2 and skew ρσ² a lot, with c = ln(1 + γ/k)/γ and
//! ρ = γ(T − t). GLFT: half-spread c + ησ/2 and skew ησ a lot, with
//! η = √(γ/(2kA)·(1 + γ/k)^(1 + k/γ)). γ is 0.1/$ in both; it says nothing by itself once c and ρ
//! or η are given.

use super::evaluate::{Day, evaluate};
use super::scenario::{Scenario, ScenarioError};
use tercel_policy::{AvellanedaStoikov, FixedSpread, Glft, StrategyConfig, Volatility};
use tercel_types::Nanos;

/// A kind of strategy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// `tercel_policy::FixedSpread`.
    FixedSpread,
    /// `tercel_policy::AvellanedaStoikov`.
    AvellanedaStoikov,
    /// `tercel_policy::Glft`.
    Glft,
}

/// One point of a grid and what it earned.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// The strategy with its parameters.
    pub strategy: StrategyConfig,
    /// Mean score of a day, dollars.
    pub score: f64,
    /// Mean profit of a day, dollars.
    pub profit: f64,
}

/// γ of both models, 1/$.
const GAMMA: f64 = 0.1;

/// Constant halves of the spread, dollars.
const HALVES: [f64; 8] = [0.0005, 0.0015, 0.003, 0.0045, 0.006, 0.0075, 0.009, 0.011];

/// ρ of Avellaneda–Stoikov, seconds per dollar.
const RISKS: [f64; 8] = [0.5, 1.5, 5.0, 15.0, 40.0, 100.0, 250.0, 600.0];

/// η of GLFT, √s.
const SLOPES: [f64; 8] = [0.01, 0.03, 0.06, 0.1, 0.15, 0.25, 0.4, 0.7];

/// Half-spreads and skews of the fixed spread, ticks.
const TICKS: [f64; 8] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 4.0, 6.0];

/// Every point of a family's grid.
pub fn grid(family: Family) -> Vec<StrategyConfig> {
    let volatility = Volatility::Realised { min: 0.0005, max: 0.1 };
    // ln(1 + γ/k)/γ = c
    let k = |half: f64| GAMMA / (GAMMA * half).exp_m1();
    let pairs = |ones: [f64; 8], twos: [f64; 8]| {
        ones.into_iter().flat_map(move |one| twos.into_iter().map(move |two| (one, two)))
    };
    match family {
        Family::FixedSpread => pairs(TICKS, TICKS)
            .map(|(half_spread_ticks, skew_ticks)| {
                StrategyConfig::FixedSpread(FixedSpread { half_spread_ticks, skew_ticks })
            })
            .collect(),
        Family::AvellanedaStoikov => pairs(HALVES, RISKS)
            .map(|(half, risk)| {
                StrategyConfig::AvellanedaStoikov(AvellanedaStoikov {
                    gamma: GAMMA,
                    k: k(half),
                    horizon_s: risk / GAMMA,
                    volatility,
                })
            })
            .collect(),
        Family::Glft => pairs(HALVES, SLOPES)
            .map(|(half, slope)| {
                let k = k(half);
                let power = ((1.0 + k / GAMMA) * (GAMMA / k).ln_1p()).exp();
                let a = GAMMA * power / (2.0 * k * slope * slope);
                StrategyConfig::Glft(Glft { gamma: GAMMA, k, a, volatility })
            })
            .collect(),
    }
}

/// The points of a family's grid, the best on these seeds first.
///
/// # Errors
/// [`ScenarioError`] if the scenario is not allowed.
pub fn tune(
    scenario: &Scenario,
    family: Family,
    seeds: std::ops::Range<u64>,
    length: Nanos,
) -> Result<Vec<Tuned>, ScenarioError> {
    let count = (seeds.end - seeds.start).max(1) as f64;
    let point = |strategy: StrategyConfig| -> Result<Tuned, ScenarioError> {
        let days = evaluate(scenario, &strategy, seeds.clone(), length)?;
        let mean = |of: fn(&Day) -> f64| days.iter().map(of).sum::<f64>() / count;
        Ok(Tuned { score: mean(|day| day.score), profit: mean(|day| day.profit), strategy })
    };
    let mut points =
        grid(family).into_iter().map(point).collect::<Result<Vec<_>, ScenarioError>>()?;
    points.sort_by(|one, two| two.score.total_cmp(&one.score));
    Ok(points)
}
