//! What is known of the host, read.

use super::request::{Asked, range, wrong_query};
use super::{App, Problem};
use crate::audit::Deed;
use crate::sight::{OrderFilter, Page};
use crate::view;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use utoipa::IntoParams;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// How long a book is waited for.
const BOOK_PATIENCE: Duration = Duration::from_millis(500);
const BOOK_LOOK: Duration = Duration::from_millis(10);

/// The states of an order, as in [`view::Order::state`].
const ORDER_STATES: [&str; 9] = [
    "sent",
    "open",
    "replacing",
    "cancelling",
    "filled",
    "canceled",
    "replaced",
    "rejected",
    "not_received",
];

fn order_states() -> Object {
    let about = "Only those in this state, as in `state` of an order.";
    let named = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(ORDER_STATES));
    named.description(Some(about)).build()
}

/// Where the host stands.
#[utoipa::path(get, path = "/api/v1/status", tag = "desk",
    responses((status = 200, body = view::Status)))]
pub(crate) async fn status(State(app): State<App>) -> Json<view::Status> {
    Json(app.sight.status())
}

/// Everything that the dashboard shows.
#[utoipa::path(get, path = "/api/v1/state", tag = "desk",
    responses((status = 200, body = view::State)))]
pub(crate) async fn state(State(app): State<App>) -> Json<view::State> {
    Json(app.sight.state())
}

/// The account: cash, profit, exposure.
#[utoipa::path(get, path = "/api/v1/account", tag = "desk",
    responses((status = 200, body = view::Account)))]
pub(crate) async fn account(State(app): State<App>) -> Json<view::Account> {
    Json(app.sight.account())
}

/// Every instrument that is traded, by symbol.
#[utoipa::path(get, path = "/api/v1/instruments", tag = "desk",
    responses((status = 200, body = Vec<view::Instrument>)))]
pub(crate) async fn instruments(State(app): State<App>) -> Json<Vec<view::Instrument>> {
    Json(app.sight.instruments())
}

/// The instruments of which shares are held, long or short.
#[utoipa::path(get, path = "/api/v1/positions", tag = "desk",
    responses((status = 200, body = Vec<view::Instrument>)))]
pub(crate) async fn positions(State(app): State<App>) -> Json<Vec<view::Instrument>> {
    let mut held = app.sight.instruments();
    held.retain(|instrument| instrument.position != 0);
    Json(held)
}

/// One instrument.
#[utoipa::path(get, path = "/api/v1/instruments/{symbol}", tag = "desk",
    params(("symbol" = String, Path, description = "Symbol")),
    responses((status = 200, body = view::Instrument)))]
pub(crate) async fn instrument(
    State(app): State<App>,
    Path(symbol): Path<String>,
) -> Result<Json<view::Instrument>, Problem> {
    app.locate(&symbol)?;
    let instrument = app.sight.instrument(&symbol);
    instrument.map(Json).ok_or_else(|| Problem::unknown("nothing is known of it yet"))
}

/// The depth of a book. The trading thread tells that of one at a time: this asks for it, and says
/// 202 if it does not come at once.
#[utoipa::path(get, path = "/api/v1/instruments/{symbol}/book", tag = "desk",
    params(("symbol" = String, Path, description = "Symbol")),
    responses((status = 200, body = view::Book),
        (status = 202, description = "It was asked for; ask again after Retry-After")))]
pub(crate) async fn book(
    State(app): State<App>,
    Path(symbol): Path<String>,
) -> Result<Response, Problem> {
    let instrument = app.locate(&symbol)?;
    let deadline = Instant::now() + BOOK_PATIENCE;
    loop {
        app.operator.watch(instrument);
        if let Some(book) = app.sight.book().filter(|book| book.symbol == symbol) {
            return Ok(Json(book).into_response());
        }
        if Instant::now() >= deadline {
            return Ok((StatusCode::ACCEPTED, [(RETRY_AFTER, "1")]).into_response());
        }
        sleep(BOOK_LOOK).await;
    }
}

/// Which orders.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrdersQuery {
    /// Only those of this symbol.
    symbol: Option<String>,
    #[param(schema_with = order_states)]
    state: Option<String>,
    /// Only those that are open, or only those that are not.
    open: Option<bool>,
    /// Only what comes after this: the `next` of the part before.
    after: Option<u64>,
    /// So many at most; 100 if left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Orders by number: all that are open, and those of late that are not.
#[utoipa::path(get, path = "/api/v1/orders", tag = "desk", params(OrdersQuery),
    responses((status = 200, body = Page<view::Order>)))]
pub(crate) async fn orders(
    State(app): State<App>,
    Asked(query): Asked<OrdersQuery>,
) -> Result<Json<Page<view::Order>>, Problem> {
    let OrdersQuery { symbol, state, open, after, limit } = query;
    if state.as_deref().is_some_and(|state| !ORDER_STATES.contains(&state)) {
        let allowed = format!("one of {}", ORDER_STATES.join(", "));
        return Err(wrong_query("no order is ever in this state").at("state", allowed));
    }
    let range = range(after, limit)?;
    Ok(Json(app.sight.orders(&OrderFilter { symbol, state, open }, range)))
}

/// One order, as long as it is remembered.
#[utoipa::path(get, path = "/api/v1/orders/{user_ref}", tag = "desk",
    params(("user_ref" = u32, Path, description = "Our number of it")),
    responses((status = 200, body = view::Order)))]
pub(crate) async fn order(
    State(app): State<App>,
    Path(user_ref): Path<String>,
) -> Result<Json<view::Order>, Problem> {
    let number: u32 = user_ref.parse().map_err(|_| {
        Problem::unreadable("the number of an order is one").at("user_ref", "0 to 4294967295")
    })?;
    let order = app.sight.order(number);
    order.map(Json).ok_or_else(|| Problem::unknown(format!("no order {number} is remembered")))
}

/// Which executions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FillsQuery {
    /// Only those of this symbol.
    symbol: Option<String>,
    /// Only what comes after this: the `next` of the part before.
    after: Option<u64>,
    /// So many at most; 100 if left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Executions as they came in.
#[utoipa::path(get, path = "/api/v1/fills", tag = "desk", params(FillsQuery),
    responses((status = 200, body = Page<view::Fill>)))]
pub(crate) async fn fills(
    State(app): State<App>,
    Asked(query): Asked<FillsQuery>,
) -> Result<Json<Page<view::Fill>>, Problem> {
    let range = range(query.after, query.limit)?;
    Ok(Json(app.sight.fills(query.symbol.as_deref(), range)))
}

/// Latency of each stage.
#[utoipa::path(get, path = "/api/v1/latency", tag = "desk",
    responses((status = 200, body = Vec<view::Latency>)))]
pub(crate) async fn latency(State(app): State<App>) -> Json<Vec<view::Latency>> {
    Json(app.sight.latency())
}

/// Counters of the feed and the order session.
#[utoipa::path(get, path = "/api/v1/feed", tag = "desk",
    responses((status = 200, body = view::Feed)))]
pub(crate) async fn feed(State(app): State<App>) -> Json<view::Feed> {
    Json(app.sight.feed())
}

/// Which part of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RangeQuery {
    /// Only what comes after this: the `next` of the part before.
    after: Option<u64>,
    /// So many at most; 100 if left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// What operators did since the host began, by number; the journal has what was before.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(RangeQuery),
    responses((status = 200, body = Page<Deed>)))]
pub(crate) async fn audit(
    State(app): State<App>,
    Asked(query): Asked<RangeQuery>,
) -> Result<Json<Page<Deed>>, Problem> {
    Ok(Json(app.audit.page(range(query.after, query.limit)?)))
}
