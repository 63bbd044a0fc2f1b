//! Figures of a run, or of several runs taken together.
//!
//! What a figure is, is written where it is computed: [`returns`] and [`drawdown`] for what the
//! equity curve says, [`markout`], [`orders`], [`inventory`] and [`queue`] for the trading. A
//! figure that is not defined, such as a ratio to nothing, is `None`; no figure is ever NaN or
//! infinite.

pub mod curve;
pub mod drawdown;
pub mod inventory;
pub mod markout;
pub mod orders;
pub mod queue;
pub mod returns;

use crate::attribution::{self, Attribution, AttributionError};
use crate::ledger::Ledger;
use curve::{Curve, drawdown_over};
use tercel_types::Nanos;

/// What some figures depend on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Settings {
    /// Seconds that the market trades in a year.
    pub year_s: f64,
    /// Time after a fill in which a move counts as adverse selection.
    pub horizon: Nanos,
}

/// The figures.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Metrics {
    /// Records replayed.
    pub events: u64,
    /// Times the strategy was asked.
    pub decisions: u64,
    /// Time that the data spans, seconds, without what lies between runs.
    pub seconds: f64,
    /// Net profit at the last mid: after fees, with what is held valued at the mid. Dollars.
    pub net_dollars: f64,
    /// The same / volume, 1/100 %; `None` without volume.
    pub net_bps: Option<f64>,
    /// Interval of the equity curve, seconds.
    pub interval_s: f64,
    /// Increments of the equity curve.
    pub intervals: u64,
    /// Sharpe ratio of one interval.
    pub sharpe_interval: Option<f64>,
    /// Sharpe ratio of a year. A few minutes' worth of data gives large numbers of no worth.
    pub sharpe: Option<f64>,
    /// Sortino ratio of a year.
    pub sortino: Option<f64>,
    /// Calmar ratio.
    pub calmar: Option<f64>,
    /// Probability that the true Sharpe ratio is above what the best of all trials would show by
    /// luck; by whoever knows the trials, `None` until then.
    pub deflated_sharpe: Option<f64>,
    /// Skewness of the increments.
    pub skewness: Option<f64>,
    /// Kurtosis of the increments, 3 for a normal distribution.
    pub kurtosis: Option<f64>,
    /// The worst drawdown.
    pub drawdown: drawdown::Drawdown,
    /// What was traded.
    pub traded: orders::Traded,
    /// What was sent.
    pub orders: orders::Orders,
    /// Markouts, a horizon each.
    pub markouts: Vec<markout::Markout>,
    /// Largest Σ |position × mid| at a sample, dollars.
    pub gross_max_dollars: f64,
    /// Its mean over the samples; `None` without samples.
    pub gross_mean_dollars: Option<f64>,
    /// What was held, an instrument and run each.
    pub inventory: Vec<inventory::Inventory>,
    /// The queue.
    pub queue: queue::Queue,
    /// The profit in parts, cents.
    pub attribution_cents: attribution::Cents,
}

/// The figures with what the plots and the deflated Sharpe ratio need besides.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    /// The figures.
    pub metrics: Metrics,
    /// The parts of the profit.
    pub attribution: Attribution,
    /// The curves, a run each.
    pub curves: Vec<Curve>,
    /// What each interval earned, all runs, dollars.
    pub increments: Vec<f64>,
}

/// Measures these runs together, one after the other.
///
/// # Errors
/// [`AttributionError`] where the profit cannot be taken apart.
pub fn measure(ledgers: &[&Ledger], settings: &Settings) -> Result<Measured, AttributionError> {
    let attribution = attribution::attribute(ledgers, settings.horizon)?;
    let curves: Vec<Curve> = ledgers.iter().map(|ledger| Curve::of(ledger)).collect();
    let increments: Vec<f64> = curves.iter().flat_map(Curve::increments).collect();
    let drawdown = drawdown_over(&curves);
    let traded = orders::traded(ledgers);
    let seconds = ledgers.iter().map(|one| one.span.1.since(one.span.0).0 as f64 / 1e9).sum();
    let net_dollars = attribution.net_dollars();
    let interval_s = mean_interval(&curves);
    let sharpe_interval = returns::sharpe(&increments);
    let annual = |ratio: f64| returns::annual(ratio, interval_s, settings.year_s);
    let shape = returns::shape(&increments);
    let gross: Vec<f64> =
        curves.iter().flat_map(|curve| &curve.points).map(|point| point.gross).collect();
    let metrics = Metrics {
        events: ledgers.iter().map(|ledger| ledger.events).sum(),
        decisions: ledgers.iter().map(|ledger| ledger.decisions).sum(),
        seconds,
        net_dollars,
        net_bps: orders::bps(net_dollars, traded.dollars),
        interval_s,
        intervals: increments.len() as u64,
        sharpe_interval,
        sharpe: sharpe_interval.and_then(annual),
        sortino: returns::sortino(&increments).and_then(annual),
        calmar: drawdown::calmar(net_dollars, seconds, drawdown.dollars, settings.year_s),
        deflated_sharpe: None,
        skewness: shape.map(|shape| shape.0),
        kurtosis: shape.map(|shape| shape.1),
        drawdown,
        traded,
        orders: orders::orders(ledgers),
        markouts: markout::markouts(ledgers),
        gross_max_dollars: gross.iter().copied().fold(0.0, f64::max),
        gross_mean_dollars: returns::mean(&gross),
        inventory: ledgers.iter().flat_map(|ledger| inventory::inventory(ledger)).collect(),
        queue: queue::queue(ledgers),
        attribution_cents: attribution.cents(),
    };
    Ok(Measured { metrics, attribution, curves, increments })
}

/// Weighted by the number of intervals of each curve.
fn mean_interval(curves: &[Curve]) -> f64 {
    let gaps = |curve: &Curve| curve.points.len().saturating_sub(1) as f64;
    let count: f64 = curves.iter().map(gaps).sum();
    let time: f64 = curves.iter().map(|curve| curve.interval_s() * gaps(curve)).sum();
    if count > 0.0 { time / count } else { 0.0 }
}

#[cfg(test)]
mod tests;
