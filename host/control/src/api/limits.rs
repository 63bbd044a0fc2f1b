//! Limits, read and changed.

use super::change::Plan;
use super::commands::Carried;
use super::request::{Change, Reasoned};
use super::{App, Problem};
use crate::view;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tercel_engine::Ask;
use tercel_risk::{AccountLimits, InstrumentLimits, RateLimit, RatioLimit, RiskConfigError};
use tercel_types::{Money, Nanos, Price, Qty};
use utoipa::ToSchema;

/// New limits of the account, all of them, and why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccountLimits {
    /// The limits.
    pub(crate) limits: view::AccountLimits,
    /// Why, for the journal.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) reason: String,
}

/// New limits of an instrument, all of them, and why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewInstrumentLimits {
    /// The limits.
    pub(crate) limits: view::InstrumentLimits,
    /// Why, for the journal.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) reason: String,
}

impl Reasoned for NewAccountLimits {
    fn reason(&self) -> &str {
        &self.reason
    }
}

impl Reasoned for NewInstrumentLimits {
    fn reason(&self) -> &str {
        &self.reason
    }
}

/// Every limit.
#[utoipa::path(get, path = "/api/v1/limits", tag = "limits",
    responses((status = 200, body = view::Limits)))]
pub(crate) async fn limits(State(app): State<App>) -> Json<view::Limits> {
    Json(app.sight.limits())
}

/// New limits of the account: all at once, from one order to the next.
#[utoipa::path(put, path = "/api/v1/limits/account", tag = "limits",
    request_body = NewAccountLimits, responses((status = 200, body = Carried)))]
pub(crate) async fn set_account(
    State(app): State<App>,
    change: Change<NewAccountLimits>,
) -> Result<Response, Problem> {
    let limits = account(&change.body.limits);
    limits.validate().map_err(|error| fault(&error, &change.body.limits))?;
    let about = Some("account".into());
    let before = serde_json::to_value(app.sight.limits().account).unwrap_or_default();
    let plan = Plan { what: "limits", about, before, ..Plan::default() };
    app.command(change, plan, Ask::AccountLimits(limits)).await
}

/// New limits of an instrument: all at once, from one order to the next.
#[utoipa::path(put, path = "/api/v1/limits/instruments/{symbol}", tag = "limits",
    params(("symbol" = String, Path, description = "Symbol")),
    request_body = NewInstrumentLimits, responses((status = 200, body = Carried)))]
pub(crate) async fn set_instrument(
    State(app): State<App>,
    Path(symbol): Path<String>,
    change: Change<NewInstrumentLimits>,
) -> Result<Response, Problem> {
    let id = app.locate(&symbol)?;
    let limits = instrument(&change.body.limits);
    limits.validate().map_err(|error| fault(&error, &change.body.limits))?;
    let before = app.sight.limits().instruments.get(&symbol).map(serde_json::to_value);
    let before = before.and_then(Result::ok).unwrap_or_default();
    let plan = Plan { what: "limits", about: Some(symbol), before, ..Plan::default() };
    app.command(change, plan, Ask::Limits(id, limits)).await
}

fn account(limits: &view::AccountLimits) -> AccountLimits {
    AccountLimits {
        gross_max: Money(limits.gross_max_e4),
        net_max: Money(limits.net_max_e4),
        credit_max: Money(limits.credit_max_e4),
        realised_loss_max: Money(limits.realised_loss_max_e4),
        unrealised_loss_max: Money(limits.unrealised_loss_max_e4),
        drawdown_max: Money(limits.drawdown_max_e4),
    }
}

fn instrument(limits: &view::InstrumentLimits) -> InstrumentLimits {
    InstrumentLimits {
        order_qty_max: Qty(limits.order_qty_max),
        order_notional_max: Money(limits.order_notional_max_e4),
        collar_bps: limits.collar_bps,
        collar_abs: limits.collar_abs_e4.map(Price),
        position_max: limits.position_max,
        gross_max: Money(limits.gross_max_e4),
        net_max: Money(limits.net_max_e4),
        open_orders_max: limits.open_orders_max,
        located: limits.located,
        restricted: limits.restricted,
        duplicate_window: Nanos(limits.duplicate_window_ns),
        rate: RateLimit { burst: limits.rate_burst, per_second: limits.rate_per_second },
        ratio: RatioLimit {
            burst: limits.ratio_burst,
            per_fill: limits.ratio_per_fill,
            per_second: limits.ratio_per_second,
        },
    }
}

/// What risk calls `instrument.rate.burst` is `/limits/rate_burst` here, and money ends in `_e4`.
fn fault(error: &RiskConfigError, limits: &impl Serialize) -> Problem {
    let name = error.field.split_once('.').map_or(error.field, |(_, name)| name).replace('.', "_");
    let fields = serde_json::to_value(limits).unwrap_or(Value::Null);
    let name = if fields.get(&name).is_some() { name } else { format!("{name}_e4") };
    let detail = format!("{}: {}", error.value, error.allowed);
    Problem::invalid("these limits cannot be meant").at(format!("/limits/{name}"), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_that_is_wrong_is_named_as_in_the_body() {
        let good = || serde_json::json!({
            "order_qty_max": 1, "order_notional_max_e4": 1, "collar_bps": 1, "collar_abs_e4": 1,
            "position_max": 1, "gross_max_e4": 1, "net_max_e4": 1, "open_orders_max": 1,
            "located": 0, "restricted": false, "duplicate_window_ns": 0, "rate_burst": 1,
            "rate_per_second": 1, "ratio_burst": 1, "ratio_per_fill": 0, "ratio_per_second": 0,
        });
        let read = |json: Value| serde_json::from_value::<view::InstrumentLimits>(json).unwrap();
        assert!(instrument(&read(good())).validate().is_ok());
        for field in [
            "order_qty_max",
            "order_notional_max_e4",
            "collar_bps",
            "collar_abs_e4",
            "position_max",
            "gross_max_e4",
            "net_max_e4",
            "open_orders_max",
            "rate_burst",
            "rate_per_second",
            "ratio_burst",
        ] {
            let mut json = good();
            json[field] = 0.into();
            let limits = read(json);
            let problem = fault(&instrument(&limits).validate().unwrap_err(), &limits);
            assert_eq!(problem.errors[0].at, format!("/limits/{field}"));
        }
    }
}
