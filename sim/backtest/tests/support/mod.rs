//! What several suites need: where recorded data is, and something that trades.

#![allow(dead_code)] // each suite uses a part

use std::path::{Path, PathBuf};
use tercel_backtest::Trading;
use tercel_policy::{FixedSpread, QuoteRules, StrategyConfig};
use tercel_risk::{
    AccountLimits, InstrumentLimits, RateLimit, RatioLimit, RiskConfig, VenueLimits,
};
use tercel_types::{Money, Nanos, Price, Qty};

/// A recorded file, if it is there.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let data = match std::env::var_os("TERCEL_DATA") {
        Some(data) => PathBuf::from(data),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    let path = data.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: no recorded data at {}", path.display());
    None
}

/// A strategy with limits that are never in its way.
pub(crate) fn trading(strategy: StrategyConfig, qty: u32) -> Trading {
    let rate = RateLimit { burst: 1_000_000, per_second: 1_000_000 };
    let ratio = RatioLimit { burst: 1_000_000, per_fill: 1, per_second: 1_000_000 };
    let venue = VenueLimits { rate, ratio, rejects_in_a_row_max: 1_000_000 };
    let much = Money(100_000_000_000_000_000);
    let limits = InstrumentLimits {
        order_qty_max: Qty(999_999),
        order_notional_max: much,
        collar_bps: Some(1_000),
        collar_abs: Some(Price(1_000_000_000)),
        position_max: 1_000_000_000,
        gross_max: much,
        net_max: much,
        located: 1_000_000_000,
        duplicate_window: Nanos(0),
        rate,
        ratio,
        ..InstrumentLimits::default()
    };
    let account = AccountLimits {
        gross_max: much,
        net_max: much,
        credit_max: much,
        realised_loss_max: much,
        unrealised_loss_max: much,
        drawdown_max: much,
    };
    Trading {
        strategy,
        quote: QuoteRules {
            order_qty: Qty(qty),
            position_max: i64::from(qty) * 10,
            ..QuoteRules::default()
        },
        risk: RiskConfig { account, venue, ..RiskConfig::default() },
        limits,
        orders_max: 1 << 16,
    }
}

/// A fixed spread.
pub(crate) fn fixed(half_spread_ticks: f64, qty: u32) -> Trading {
    let fixed = FixedSpread { half_spread_ticks, skew_ticks: half_spread_ticks };
    trading(StrategyConfig::FixedSpread(fixed), qty)
}
