//! Does it run, is it ready, and what do its figures say.

use super::{App, Problem};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

/// The trading thread tells where it stands once a second; one that says nothing for so long is
/// stuck or gone.
const SILENT_NS_MAX: u64 = 5_000_000_000;

/// The process runs and answers.
#[utoipa::path(get, path = "/live", tag = "health",
    responses((status = 200, description = "It runs", body = String, content_type = "text/plain")))]
pub(crate) async fn live() -> &'static str {
    "live\n"
}

/// The host trades: its session is ready, its books are right, and neither risk, nor an operator,
/// nor the journal holds it up.
#[utoipa::path(get, path = "/ready", tag = "health",
    responses(
        (status = 200, description = "It trades", body = String, content_type = "text/plain"),
        (status = 503, description = "Why it does not", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    let status = app.sight.status();
    let checks = [
        (status.phase != "trading", "phase", format!("{}, not trading", status.phase)),
        (status.session != "ready", "session", format!("{}, not ready", status.session)),
        (!status.tripped.is_empty(), "tripped", format!("only cancels pass: {}", status.tripped)),
        (status.paused, "paused", "nothing is quoted, by command".into()),
        (status.stale, "stale", "the books may be wrong".into()),
        (status.held_up, "held_up", "what was done could not be written down in time".into()),
        (
            status.silent_ns > SILENT_NS_MAX,
            "silent_ns",
            format!(
                "the trading thread has said nothing for {} s",
                status.silent_ns / 1_000_000_000
            ),
        ),
    ];
    let problem = Problem::unavailable("not-ready", "the host does not trade");
    let problem = checks
        .into_iter()
        .filter(|(wrong, ..)| *wrong)
        .fold(problem, |problem, (_, at, detail)| problem.at(at, detail));
    if problem.errors.is_empty() { Ok("ready\n") } else { Err(problem) }
}

/// Every metric, as Prometheus reads them.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, description = "Metrics", body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    let exposition = app.sight.metrics();
    ([(CONTENT_TYPE, exposition.content_type)], exposition.text).into_response()
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "health",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub(crate) async fn openapi(State(app): State<App>) -> Response {
    ([(CONTENT_TYPE, "application/json")], app.document.clone()).into_response()
}
