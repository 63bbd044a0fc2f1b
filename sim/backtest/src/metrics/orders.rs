//! What was sent, what became of it, what it traded.

use crate::ledger::{Ledger, OrderStatistics};

/// Counts of orders, summed over runs.
#[derive(Clone, Copy, PartialEq, Default, Debug, serde::Serialize)]
pub struct Orders {
    /// Entries sent.
    pub entered: u64,
    /// Replaces sent.
    pub replaced: u64,
    /// Cancels sent.
    pub canceled: u64,
    /// Intents that risk refused.
    pub refused: u64,
    /// Refused by the market.
    pub rejected: u64,
    /// Cancels and replaces that came too late.
    pub too_late: u64,
    /// Orders that went to the book.
    pub rested: u64,
    /// Orders executed in whole.
    pub filled: u64,
    /// Orders that ended executed in part.
    pub partly_filled: u64,
    /// Executions.
    pub fills: u64,
    /// Executions in which our order rested.
    pub maker_fills: u64,
    /// Lots executed of resting orders / lots that rested; `None` if none rested.
    pub fill_rate: Option<f64>,
    /// Order messages for one execution; `None` without one.
    pub messages_per_fill: Option<f64>,
}

/// What was traded, and what of the spread was earned.
#[derive(Clone, Copy, PartialEq, Default, Debug, serde::Serialize)]
pub struct Traded {
    /// Σ price × quantity, dollars.
    pub dollars: f64,
    /// Σ s q (m − p) over the fills, dollars: s +1 for a buy and −1 for a sale, m the mid price of
    /// the others right before. A resting order earns the half spread, one that takes pays it.
    pub spread_dollars: f64,
    /// The same / volume, 1/100 %; `None` without volume.
    pub spread_bps: Option<f64>,
    /// Part of the volume of resting orders that the mid had passed when they were hit: the others
    /// had moved away from a quote that was too slow to follow, or it was put beyond their mid at
    /// once, into a wide spread. Such fills lower what is captured, below zero where they are many.
    /// `None` without such volume.
    pub past_mid: Option<f64>,
    /// Fees paid less rebates, dollars.
    pub fees_dollars: f64,
}

/// Adds up the orders.
pub fn orders(ledgers: &[&Ledger]) -> Orders {
    let sum = |count: fn(&OrderStatistics) -> u64| -> u64 {
        ledgers.iter().map(|ledger| count(&ledger.orders)).sum()
    };
    let fills = ledgers.iter().flat_map(|ledger| &ledger.fills);
    let (made, rested) = (sum(|one| one.lots_made), sum(|one| one.lots_rested));
    let messages = sum(|one| one.entered + one.replaced + one.canceled);
    let count = fills.clone().count() as u64;
    Orders {
        entered: sum(|one| one.entered),
        replaced: sum(|one| one.replaced),
        canceled: sum(|one| one.canceled),
        refused: sum(|one| one.refused),
        rejected: sum(|one| one.rejected),
        too_late: sum(|one| one.too_late),
        rested: sum(|one| one.rested),
        filled: sum(|one| one.filled),
        partly_filled: sum(|one| one.partly_filled),
        fills: count,
        maker_fills: fills.filter(|fill| fill.maker).count() as u64,
        fill_rate: (rested > 0).then(|| made as f64 / rested as f64),
        messages_per_fill: (count > 0).then(|| messages as f64 / count as f64),
    }
}

/// Adds up the fills.
pub fn traded(ledgers: &[&Ledger]) -> Traded {
    let mut traded = Traded::default();
    let (mut made, mut passed) = (0.0, 0.0);
    for ledger in ledgers {
        for fill in &ledger.fills {
            let Some(place) = ledger.place(fill.instrument) else { continue };
            let contract = &ledger.contracts[place];
            let over = i128::from(fill.side.sign())
                * i128::from(fill.mid_or_price_x2() - 2 * fill.price.0);
            let volume = contract.dollars(fill.notional());
            traded.dollars += volume;
            if fill.maker {
                made += volume;
                passed += if over < 0 { volume } else { 0.0 };
            }
            traded.spread_dollars += contract.dollars(over * i128::from(fill.qty.0)) / 2.0;
            traded.fees_dollars += fill.fee as f64 / 1e6;
        }
    }
    traded.spread_bps = bps(traded.spread_dollars, traded.dollars);
    traded.past_mid = (made > 0.0).then(|| passed / made);
    traded
}

/// An amount in 1/100 % of the volume; `None` without volume.
pub fn bps(dollars: f64, volume: f64) -> Option<f64> {
    (volume > 0.0).then(|| 1e4 * dollars / volume)
}
