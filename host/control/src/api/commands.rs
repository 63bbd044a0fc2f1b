//! Commands to the trading thread: kill, reset, cancel, pause, resume.

use super::change::Plan;
use super::request::{Change, Reasoned};
use super::{App, Problem};
use crate::audit::Answer;
use crate::operator::AskError;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tercel_engine::tape::Outcome;
use tercel_engine::{Ask, Scope, Ticket};
use tercel_types::InstrumentId;
use utoipa::ToSchema;

/// Why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Because {
    /// Why, for the journal.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) reason: String,
}

/// What it is about, and why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scoped {
    /// Symbol; everything if left out.
    #[schema(max_length = 8)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) symbol: Option<String>,
    /// Why, for the journal.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) reason: String,
}

impl Reasoned for Because {
    fn reason(&self) -> &str {
        &self.reason
    }
}

impl Reasoned for Scoped {
    fn reason(&self) -> &str {
        &self.reason
    }
}

/// What the trading thread has carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Carried {
    /// Number of the command.
    pub ticket: u64,
    /// `done`, or `unchanged` if it was so already.
    pub outcome: String,
    /// When, by the trading thread's clock.
    pub time_ns: u64,
    /// Orders that are still open: what the venue has not yet confirmed to be gone.
    pub open_orders: u32,
    /// It is in the journal. What reduces risk is carried out even if it cannot be written down.
    pub recorded: bool,
}

impl App {
    /// The instrument of a symbol that is traded.
    pub(crate) fn locate(&self, symbol: &str) -> Result<InstrumentId, Problem> {
        self.sight.locate(symbol).ok_or_else(|| {
            let shown: String = symbol.chars().take(16).collect();
            Problem::unknown(format!("{shown:?} is not traded; /api/v1/instruments lists what is"))
        })
    }

    /// Has the trading thread do it.
    pub(crate) async fn command<T: Reasoned>(
        &self,
        change: Change<T>,
        plan: Plan,
        ask: Ask,
    ) -> Result<Response, Problem> {
        let ticket = Ticket { number: self.operator.number(), ask };
        let app = self.clone();
        let work = async move { app.apply(ticket).await };
        self.change(change, Plan { ticket: Some(ticket.number), ..plan }, work).await
    }

    async fn apply(&self, ticket: Ticket) -> Answer {
        let applied = self.operator.carry_out(ticket).await.map_err(|error| match error {
            AskError::Full => Problem::unavailable("no-room-for-commands", error.to_string()),
            AskError::Silent(_) => {
                Problem::new(StatusCode::GATEWAY_TIMEOUT, "no-answer-yet", error.to_string())
            }
        })?;
        let outcome = match applied.outcome {
            Outcome::Done => "done",
            Outcome::Unchanged => "unchanged",
            Outcome::UnknownInstrument => {
                return Err(Problem::unknown("the trading thread knows no such instrument"));
            }
            Outcome::NotAllowed => {
                return Err(Problem::invalid("the trading thread does not allow these limits"));
            }
        };
        Ok(json!({
            "ticket": ticket.number,
            "outcome": outcome,
            "time_ns": applied.time.0,
            "open_orders": self.sight.account().open_orders,
        }))
    }

    async fn scoped(
        &self,
        change: Change<Scoped>,
        what: &'static str,
        urgent: bool,
        ask: impl FnOnce(Scope) -> Ask,
    ) -> Result<Response, Problem> {
        let about = change.body.symbol.clone();
        let scope = match &about {
            Some(symbol) => Scope::Instrument(self.locate(symbol)?),
            None => Scope::All,
        };
        self.command(change, Plan { what, about, urgent, ..Plan::default() }, ask(scope)).await
    }
}

/// Pulls the kill switch: every order is cancelled, and only cancels pass until a reset. Always
/// carried out, even if it cannot be written down. When this answers, the trading thread has done
/// it; `open_orders` says what the venue has yet to confirm.
#[utoipa::path(post, path = "/api/v1/kill", tag = "commands",
    request_body = Because, responses((status = 200, body = Carried)))]
pub(crate) async fn kill(
    State(app): State<App>,
    change: Change<Because>,
) -> Result<Response, Problem> {
    app.command(change, Plan { what: "kill", urgent: true, ..Plan::default() }, Ask::Kill).await
}

/// Lets orders pass again after the kill switch or the breaker.
#[utoipa::path(post, path = "/api/v1/reset", tag = "commands",
    request_body = Because, responses((status = 200, body = Carried)))]
pub(crate) async fn reset(
    State(app): State<App>,
    change: Change<Because>,
) -> Result<Response, Problem> {
    app.command(change, Plan { what: "reset", ..Plan::default() }, Ask::Reset).await
}

/// Cancels what is open, once. Always carried out, even if it cannot be written down.
#[utoipa::path(post, path = "/api/v1/cancel-all", tag = "commands",
    request_body = Scoped, responses((status = 200, body = Carried)))]
pub(crate) async fn cancel_all(
    State(app): State<App>,
    change: Change<Scoped>,
) -> Result<Response, Problem> {
    app.scoped(change, "cancel_all", true, Ask::CancelAll).await
}

/// Quotes no longer, and cancels what is open. Always carried out, even if it cannot be written
/// down.
#[utoipa::path(post, path = "/api/v1/pause", tag = "commands",
    request_body = Scoped, responses((status = 200, body = Carried)))]
pub(crate) async fn pause(
    State(app): State<App>,
    change: Change<Scoped>,
) -> Result<Response, Problem> {
    app.scoped(change, "pause", true, Ask::Pause).await
}

/// Quotes again; without a symbol also the instruments that were paused one by one.
#[utoipa::path(post, path = "/api/v1/resume", tag = "commands",
    request_body = Scoped, responses((status = 200, body = Carried)))]
pub(crate) async fn resume(
    State(app): State<App>,
    change: Change<Scoped>,
) -> Result<Response, Problem> {
    app.scoped(change, "resume", false, Ask::Resume).await
}
