//! How long our orders stood in line, and behind how much.

use crate::ledger::Ledger;

/// The queue as our resting orders met it.
#[derive(Clone, Copy, PartialEq, Default, Debug, serde::Serialize)]
pub struct Queue {
    /// Mean of what stood before an order when it went to the book, shares or coins, over all
    /// orders that rested; `None` if none did.
    pub ahead_mean: Option<f64>,
    /// The same over the orders that were filled: what stood further back was rarely reached.
    pub ahead_of_filled: Option<Quantiles>,
    /// From going to the book to each fill, milliseconds, over the fills of resting orders.
    pub wait_ms: Option<Quantiles>,
    /// Mean time that an order rested, milliseconds, filled or not.
    pub lifetime_mean_ms: Option<f64>,
}

/// Where a distribution lies. A quantile is the least value that at least that share of the values
/// does not exceed.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
pub struct Quantiles {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// Nine of ten are at or below.
    pub p90: f64,
    /// Ninety-nine of a hundred are at or below.
    pub p99: f64,
    /// Largest.
    pub max: f64,
}

impl Quantiles {
    /// Of finite values in any order; `None` for none.
    pub fn of(mut values: Vec<f64>) -> Option<Quantiles> {
        values.sort_by(f64::total_cmp);
        let max = *values.last()?;
        let n = values.len();
        let at = |share: f64| values[((share * n as f64).ceil() as usize).clamp(1, n) - 1];
        let mean = values.iter().sum::<f64>() / n as f64;
        Some(Quantiles { mean, p50: at(0.5), p90: at(0.9), p99: at(0.99), max })
    }
}

/// Milliseconds that each fill of a resting order had to wait.
pub fn waits_ms<'a>(ledgers: &'a [&Ledger]) -> impl Iterator<Item = f64> + 'a {
    let fills = ledgers.iter().flat_map(|ledger| &ledger.fills).filter(|fill| fill.maker);
    fills.map(|fill| fill.time.since(fill.entered).0 as f64 / 1e6)
}

/// The queue over these runs. Where instruments have different lots, each counts in its own shares.
pub fn queue(ledgers: &[&Ledger]) -> Queue {
    let mut ahead = Vec::new();
    let (mut rested, mut lifetime, mut before) = (0, 0, 0.0);
    for ledger in ledgers {
        // The sum over all orders is not kept by instrument; within a run lots hardly ever differ.
        let lots = |place: usize| f64::from(ledger.contracts.get(place).map_or(1, |one| one.lots));
        rested += ledger.orders.rested;
        lifetime += ledger.orders.lifetime;
        before += ledger.orders.queue_ahead as f64 / lots(0);
        for fill in ledger.fills.iter().filter(|fill| fill.maker) {
            let place = ledger.place(fill.instrument).unwrap_or(0);
            ahead.push(fill.queue_ahead as f64 / lots(place));
        }
    }
    let each = |sum: f64| (rested > 0).then(|| sum / rested as f64);
    Queue {
        ahead_mean: each(before),
        ahead_of_filled: Quantiles::of(ahead),
        wait_ms: Quantiles::of(waits_ms(ledgers).collect()),
        lifetime_mean_ms: each(lifetime as f64 / 1e6),
    }
}
