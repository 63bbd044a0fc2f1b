//! How every change goes: once for its key, written down before and after, to its end even if who
//! asked has gone.

use super::request::{Change, Reasoned};
use super::{App, Problem};
use crate::audit::{Answer, Deed, Turn, now_ns};
use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::future::Future;
use utoipa::ToSchema;

const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A change that is not the trading thread's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Recorded {
    /// What came of it: `done`.
    pub outcome: String,
    /// What it is about: a policy's name, or the new level.
    pub about: String,
    /// When it was done.
    pub time_ns: u64,
    /// It is in the journal.
    pub recorded: bool,
}

/// What is to be done.
#[derive(Default)]
pub(crate) struct Plan {
    /// Its name in the journal.
    pub(crate) what: &'static str,
    /// Symbol, policy, or `account`.
    pub(crate) about: Option<String>,
    /// What is there before.
    pub(crate) before: Value,
    /// Its number, if it is a command to the trading thread.
    pub(crate) ticket: Option<u64>,
    /// It reduces risk: it is done even if it cannot be written down.
    pub(crate) urgent: bool,
}

impl App {
    /// Does it, or gives the answer of the first time.
    pub(crate) async fn change<T: Reasoned>(
        &self,
        change: Change<T>,
        plan: Plan,
        work: impl Future<Output = Answer> + Send + 'static,
    ) -> Result<Response, Problem> {
        let Change { caller, from, key, fingerprint, body } = change;
        let now = tokio::time::Instant::now();
        let doing = match self.keys.begin(&caller.name, &key, fingerprint, now) {
            Turn::First(doing) => doing,
            Turn::Again(mut waiting) => {
                let answer = waiting.wait_for(Option::is_some).await;
                let answer = answer.ok().and_then(|answer| answer.clone());
                let mut response = respond(answer.unwrap_or_else(|| Err(broken())));
                response
                    .headers_mut()
                    .insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
                return Ok(response);
            }
            Turn::Other => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                let detail = "this key was used for another request within a day: take a new one";
                let problem = Problem::new(status, "idempotency-key-reused", detail);
                return Err(problem.at("Idempotency-Key", "used for something else"));
            }
            Turn::Full => {
                let detail = "too many changes at once; nothing was done";
                return Err(Problem::unavailable("busy", detail));
            }
        };
        let asked = serde_json::to_value(&body).unwrap_or_default();
        let Plan { what, about, before, ticket, urgent } = plan;
        let deed = Deed {
            number: 0,
            time_ns: now_ns(),
            who: caller.name,
            role: caller.role,
            from,
            key,
            what: what.into(),
            about,
            reason: body.reason().into(),
            asked,
            before,
            ticket,
            outcome: None,
        };
        let app = self.clone();
        // A task of its own, because handlers end with their connection.
        let task = tokio::spawn(async move {
            let answer = app.carry(deed, urgent, work).await;
            doing.finish(answer.clone());
            answer
        });
        Ok(respond(task.await.unwrap_or_else(|_| Err(broken()))))
    }

    async fn carry(
        &self,
        mut deed: Deed,
        urgent: bool,
        work: impl Future<Output = Answer>,
    ) -> Answer {
        let intended = self.audit.intend(&mut deed, urgent).await;
        if let (Err(unwritten), false) = (&intended, urgent) {
            let detail = format!("{unwritten}; nothing was done");
            self.audit.give_up(&mut deed, 503, &detail);
            return Err(Problem::unavailable("not-recorded", detail));
        }
        let answer = work.await;
        let (status, said) = match &answer {
            Ok(done) => (200, done["outcome"].as_str().unwrap_or("done")),
            Err(problem) => (problem.status, problem.detail.as_str()),
        };
        let finished = self.audit.finish(&mut deed, status, said).await;
        answer.map(|mut done| {
            done["recorded"] = (intended.is_ok() && finished.is_ok()).into();
            done
        })
    }
}

fn respond(answer: Answer) -> Response {
    answer.map(Json).into_response()
}

fn broken() -> Problem {
    let detail = "the request was given up half-way; /api/v1/audit says how far it came";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", detail)
}
