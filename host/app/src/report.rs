//! What the host says of itself, as JSON between processes and for machines.
//!
//! Money and prices are integers in units of 1/10,000 dollar; names of such fields end in `_e4`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use tercel_engine::counters::Latency;

/// The host: a line while it runs, and the summary at its end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct HostReport {
    /// Nothing follows.
    pub(crate) closing: bool,
    /// Seconds since the start.
    pub(crate) elapsed_s: f64,
    /// `starting`, `trading` or `stopping`.
    pub(crate) phase: String,
    /// Why trading was stopped by risk, empty while it was not.
    pub(crate) tripped: String,
    /// The order session: `down`, `ready`, and so on.
    pub(crate) session: String,
    /// Books may be wrong now.
    pub(crate) stale: bool,
    /// What is traded.
    pub(crate) instruments: Vec<InstrumentReport>,
    /// Cash that fills have moved.
    pub(crate) cash_e4: i64,
    /// Profit and loss, realised and at the current mark.
    pub(crate) pnl_e4: i64,
    /// Orders that are open.
    pub(crate) open_orders: Vec<OpenOrder>,
    /// Counters of the engine, the feed, the session and risk, by name.
    pub(crate) counters: BTreeMap<String, u64>,
    /// Intents that risk refused, by reason.
    pub(crate) rejects: BTreeMap<String, u64>,
    /// Latency of each stage, nanoseconds.
    pub(crate) latency_ns: BTreeMap<String, Percentiles>,
    /// Champion and challengers, where others may stand in shadow.
    #[serde(default)]
    pub(crate) promotion: Option<PromotionReport>,
}

/// Which policy trades, and which stand in shadow.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PromotionReport {
    /// Who passes the test is promoted by the host.
    pub(crate) automatic: bool,
    /// Who trades; its profit here is that of its twin in shadow, while there is a challenger.
    pub(crate) champion: SeatReport,
    /// Who traded before, while the last promotion may be taken back.
    pub(crate) former: Option<String>,
    /// Who stands in shadow, with their tests against the champion.
    pub(crate) challengers: Vec<SeatReport>,
    /// Promotions so far.
    pub(crate) promotions: u64,
    /// Promotions taken back so far, by reason.
    pub(crate) rollbacks: BTreeMap<String, u64>,
    /// 99 % of the champion's decisions took at most this, nanoseconds, in the last whole window
    /// since its promotion; zero before.
    pub(crate) decision_p99_ns: u64,
    /// The last thing that happened, in words; empty before the first.
    pub(crate) last: String,
}

/// One policy, in shadow.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SeatReport {
    pub(crate) name: String,
    /// A hash of its parameters and weights.
    pub(crate) identity: String,
    /// Shadow profit, dollars.
    pub(crate) profit: f64,
    pub(crate) enters: u64,
    pub(crate) replaces: u64,
    pub(crate) cancels: u64,
    pub(crate) fills: u64,
    pub(crate) shares: u64,
    /// Number of its test in the life of the host; zero for the champion.
    pub(crate) test: u64,
    pub(crate) intervals: u64,
    /// Mean of what it earned more in an interval, dollars.
    pub(crate) mean_difference: f64,
    /// Evidence that it earns more.
    pub(crate) e_value: f64,
    /// What that has to reach.
    pub(crate) threshold: f64,
    pub(crate) passed: bool,
    /// Population stability index of the last whole window, mean over the features.
    pub(crate) psi: Option<f64>,
    /// The feature that has moved most, with its index.
    pub(crate) psi_worst: Option<(String, f64)>,
}

/// One instrument that the host trades.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct InstrumentReport {
    pub(crate) symbol: String,
    pub(crate) bid_e4: i64,
    pub(crate) bid_qty: u64,
    pub(crate) ask_e4: i64,
    pub(crate) ask_qty: u64,
    pub(crate) position: i64,
}

/// One order that may still trade.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct OpenOrder {
    pub(crate) user_ref: u32,
    pub(crate) symbol: String,
    pub(crate) side: String,
    pub(crate) price_e4: i64,
    pub(crate) qty: u32,
}

/// Percentiles of one distribution.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) n: u64,
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) max: u64,
}

impl From<Latency> for Percentiles {
    fn from(latency: Latency) -> Percentiles {
        let Latency { count, p50, p90, p99, p999, max, .. } = latency;
        Percentiles { n: count, p50, p90, p99, p999, max }
    }
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "n {:>10}  p50 {:>9}  p99 {:>9}  p99.9 {:>9}  max {:>9}",
            grouped(self.n),
            duration(self.p50),
            duration(self.p99),
            duration(self.p999),
            duration(self.max)
        )
    }
}

/// An amount in dollars with two decimals, or four where it needs them.
pub(crate) fn dollars(e4: i64) -> String {
    tercel_types::Money(e4).to_string()
}

/// A count with thin separators: 1,234,567.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Nanoseconds in the unit that suits them.
pub(crate) fn duration(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.1} µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", ns as f64 / 1e6),
        _ => format!("{:.2} s", ns as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(999), "999");
        assert_eq!(duration(1_500), "1.5 µs");
    }
}
