//! Markouts: where the mid price is some time after a fill, seen from the fill's side.
//!
//! The markout of a fill at horizon h is s (m(t + h) − p), with s +1 for a buy and −1 for a sale, p
//! the price and m the mid price: what the fill has earned if it is marked h later. It begins near
//! the half spread and falls by what better informed traders took (Glosten and Milgrom 1985; as
//! "realised spread" in Huang and Stoll 1996).

use crate::ledger::{Fill, Ledger};
use tercel_types::Nanos;

/// Horizons, milliseconds.
pub const HORIZONS_MS: [u64; 10] = [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

/// The fills' mean markout at one horizon.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
pub struct Markout {
    /// Time after the fill, milliseconds.
    pub horizon_ms: u64,
    /// Fills that count: those whose horizon lies in the data.
    pub fills: u64,
    /// Sum of markout × quantity, dollars.
    pub dollars: f64,
    /// Σ quantity × markout / Σ quantity × price, 1/100 %; `None` without fills.
    pub bps: Option<f64>,
    /// Standard error of `bps` as of a ratio of sums over independent fills (Cochran 1977, §6.4);
    /// `None` for fewer than two.
    pub error_bps: Option<f64>,
}

/// What one fill adds: markout × quantity and price × quantity, dollars.
type Pair = (f64, f64);

/// The markouts of all fills of these runs, a horizon each.
pub fn markouts(ledgers: &[&Ledger]) -> Vec<Markout> {
    let at = |horizon_ms| {
        let horizon = Nanos::from_millis(horizon_ms);
        let fills = ledgers.iter().flat_map(|ledger| {
            ledger.fills.iter().filter_map(move |fill| one(ledger, fill, horizon))
        });
        mean(horizon_ms, &fills.collect::<Vec<_>>())
    };
    HORIZONS_MS.into_iter().map(at).collect()
}

fn one(ledger: &Ledger, fill: &Fill, horizon: Nanos) -> Option<Pair> {
    let later = fill.time + horizon;
    if later > ledger.span.1 {
        return None;
    }
    let place = ledger.place(fill.instrument)?;
    let mid_x2 = ledger.mid_x2_at(place, later)?;
    let moved_x2 = i128::from(fill.side.sign()) * i128::from(mid_x2 - 2 * fill.price.0);
    let contract = &ledger.contracts[place];
    let dollars = contract.dollars(moved_x2 * i128::from(fill.qty.0)) / 2.0;
    Some((dollars, contract.dollars(fill.notional())))
}

fn mean(horizon_ms: u64, fills: &[Pair]) -> Markout {
    let dollars: f64 = fills.iter().map(|fill| fill.0).sum();
    let traded: f64 = fills.iter().map(|fill| fill.1).sum();
    let ratio = Some(dollars / traded).filter(|_| traded > 0.0);
    let error = ratio.filter(|_| fills.len() > 1).map(|ratio| {
        let squares: f64 = fills.iter().map(|fill| (fill.0 - ratio * fill.1).powi(2)).sum();
        let n = fills.len() as f64;
        (squares * n / (n - 1.0)).sqrt() / traded
    });
    Markout {
        horizon_ms,
        fills: fills.len() as u64,
        dollars,
        bps: ratio.map(|ratio| ratio * 1e4),
        error_bps: error.map(|error| error * 1e4),
    }
}
