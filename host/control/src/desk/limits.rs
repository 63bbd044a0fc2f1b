//! Limits as the tape tells them, and how much of each is used.

use crate::view::{Account, AccountLimits, Instrument, InstrumentLimits, LimitUse};
use tercel_engine::tape::{AccountLimited, Limited};

/// Uses in a [`crate::view::State`].
pub(crate) const USES_MAX: usize = 50;

pub(crate) fn of_account(limited: &AccountLimited) -> AccountLimits {
    AccountLimits {
        gross_max_e4: limited.gross_max.0,
        net_max_e4: limited.net_max.0,
        credit_max_e4: limited.credit_max.0,
        realised_loss_max_e4: limited.realised_loss_max.0,
        unrealised_loss_max_e4: limited.unrealised_loss_max.0,
        drawdown_max_e4: limited.drawdown_max.0,
    }
}

pub(crate) fn of_instrument(limited: &Limited) -> InstrumentLimits {
    InstrumentLimits {
        order_qty_max: limited.order_qty_max.0,
        order_notional_max_e4: limited.order_notional_max.0,
        collar_bps: Some(limited.collar_bps).filter(|bps| *bps != 0),
        collar_abs_e4: Some(limited.collar_abs.0).filter(|price| *price != 0),
        position_max: limited.position_max,
        gross_max_e4: limited.gross_max.0,
        net_max_e4: limited.net_max.0,
        open_orders_max: limited.open_orders_max,
        located: limited.located,
        restricted: limited.restricted,
        duplicate_window_ns: limited.duplicate_window.0,
        rate_burst: limited.rate_burst,
        rate_per_second: limited.rate_per_second,
        ratio_burst: limited.ratio_burst,
        ratio_per_fill: limited.ratio_per_fill,
        ratio_per_second: limited.ratio_per_second,
    }
}

/// What the account uses.
pub(crate) fn uses_of_account(account: &Account, limits: &AccountLimits) -> [LimitUse; 6] {
    let use_of = |limit: &str, used: i64, max: i64| LimitUse {
        of: "account".into(),
        limit: limit.into(),
        used,
        max,
        is_money: true,
    };
    let loss = |profit: i64| profit.saturating_neg().max(0);
    [
        use_of("gross_max", account.gross_e4, limits.gross_max_e4),
        use_of("net_max", account.net_e4, limits.net_max_e4),
        use_of("credit_max", account.credit_used_e4, limits.credit_max_e4),
        use_of("realised_loss_max", loss(account.realised_e4), limits.realised_loss_max_e4),
        use_of("unrealised_loss_max", loss(account.unrealised_e4), limits.unrealised_loss_max_e4),
        use_of("drawdown_max", account.drawdown_e4, limits.drawdown_max_e4),
    ]
}

/// What an instrument uses. `worst` is the position, long or short, when all open orders of one
/// side have filled, which is what the limit is about.
pub(crate) fn uses_of_instrument(
    instrument: &Instrument,
    worst: i64,
    limits: &InstrumentLimits,
) -> [LimitUse; 4] {
    let use_of = |limit: &str, used: i64, max: i64, is_money: bool| LimitUse {
        of: instrument.symbol.clone(),
        limit: limit.into(),
        used,
        max,
        is_money,
    };
    let orders = i64::from(instrument.open_orders);
    [
        use_of("position_max", worst, i64::from(limits.position_max), false),
        use_of("gross_max", instrument.gross_e4, limits.gross_max_e4, true),
        use_of("net_max", instrument.net_e4, limits.net_max_e4, true),
        use_of("open_orders_max", orders, i64::from(limits.open_orders_max), false),
    ]
}

/// The highest shares first; equal ones by name, so that the same state gives the same bytes.
pub(crate) fn sort(uses: &mut [LimitUse]) {
    let key = |one: &LimitUse| (one.used.max(0), one.max.max(1));
    uses.sort_by(|a, b| {
        let ((a_used, a_max), (b_used, b_max)) = (key(a), key(b));
        let (left, right) =
            (i128::from(b_used) * i128::from(a_max), i128::from(a_used) * i128::from(b_max));
        left.cmp(&right).then_with(|| (&a.of, &a.limit).cmp(&(&b.of, &b.limit)))
    });
}
