//! Time with orders on the book.

use serde::Serialize;
use std::collections::BTreeMap;
use tercel_engine::Phase;
use tercel_engine::tape::Standing;
use tercel_types::Nanos;

/// Time with orders on the book, while the host was trading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InMarket {
    /// Time in which the host was in the phase `trading`; of the sum, for each symbol once.
    pub trading_ns: u64,
    /// Of that, with an open order.
    pub any_ns: u64,
    /// Of that, with an open buy and an open sell.
    pub both_ns: u64,
}

impl InMarket {
    pub(super) fn add(&mut self, other: &InMarket) {
        self.trading_ns = self.trading_ns.saturating_add(other.trading_ns);
        self.any_ns = self.any_ns.saturating_add(other.any_ns);
        self.both_ns = self.both_ns.saturating_add(other.both_ns);
    }

    /// Share of the trading time with an open order.
    pub fn any(&self) -> Option<f64> {
        (self.trading_ns > 0).then(|| self.any_ns as f64 / self.trading_ns as f64)
    }

    /// Share with open orders on both sides.
    pub fn both(&self) -> Option<f64> {
        (self.trading_ns > 0).then(|| self.both_ns as f64 / self.trading_ns as f64)
    }
}

#[derive(Debug, Default)]
struct Symbol {
    buys: i64,
    sells: i64,
    /// Trading time at its last change.
    since: u64,
    any_ns: u64,
    both_ns: u64,
}

impl Symbol {
    fn pass(&mut self, trading: u64) {
        let time = trading.saturating_sub(self.since);
        if self.buys > 0 || self.sells > 0 {
            self.any_ns += time;
        }
        if self.buys > 0 && self.sells > 0 {
            self.both_ns += time;
        }
        self.since = trading;
    }
}

#[derive(Debug, Default)]
pub(super) struct Presence {
    symbols: BTreeMap<String, Symbol>,
    /// Trading time so far, and the last stamp of it.
    trading_ns: u64,
    last: u64,
    is_trading: bool,
}

impl Presence {
    /// Time goes on to `now`; a stamp before the last one adds nothing.
    pub(super) fn pass(&mut self, now: Nanos) {
        if self.is_trading {
            self.trading_ns += now.0.saturating_sub(self.last);
        }
        self.last = self.last.max(now.0);
    }

    pub(super) fn standing(&mut self, standing: &Standing) {
        self.is_trading = standing.phase == Phase::Trading;
    }

    /// A start: from the record before until the host trades again, it does not trade.
    pub(super) fn stop(&mut self) {
        self.is_trading = false;
    }

    pub(super) fn change(&mut self, symbol: String, side: &str, by: i32) {
        let trading = self.trading_ns;
        let symbol = self.symbols.entry(symbol).or_default();
        symbol.pass(trading);
        match side {
            "buy" => symbol.buys += i64::from(by),
            _ => symbol.sells += i64::from(by),
        }
    }

    pub(super) fn finish(&mut self) {
        for symbol in self.symbols.values_mut() {
            symbol.pass(self.trading_ns);
        }
    }

    pub(super) fn figures(&self) -> BTreeMap<String, InMarket> {
        let of = |symbol: &Symbol| InMarket {
            trading_ns: self.trading_ns,
            any_ns: symbol.any_ns,
            both_ns: symbol.both_ns,
        };
        self.symbols.iter().map(|(name, symbol)| (name.clone(), of(symbol))).collect()
    }
}
