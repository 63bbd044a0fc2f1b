//! Champion and challengers, and how much the host says in its log.

use super::change::{Plan, Recorded};
use super::commands::Because;
use super::request::{Change, Reasoned};
use super::{App, Problem};
use crate::access::Role;
use crate::audit::{Answer, now_ns};
use crate::sight::{Level, PoliciesError, Policies, Policy, PolicySource};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::ToSchema;

/// Characters of a manifest's path at most.
const PATH_MAX: usize = 4096;
/// Characters of a name at most.
const NAME_MAX: usize = 64;

/// A policy to stand in shadow: an artifact by its manifest, or a kind of strategy.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPolicy {
    /// Path on the host of an artifact's manifest.
    #[schema(min_length = 1, max_length = 4096)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    manifest: Option<String>,
    /// A kind of strategy, as in the configuration.
    #[schema(min_length = 1, max_length = 64)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Its name in the contest; the artifact's or the kind's if left out.
    #[schema(min_length = 1, max_length = 64)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Why, for the journal.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

/// Whether the test counts, and why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Promotion {
    /// Even if it has not passed its test; this needs the role `risk`.
    #[serde(default)]
    force: bool,
    /// Why, for the journal.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

/// How much the log says from now on, and why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLevel {
    /// So much.
    level: Level,
    /// Why, for the journal.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

/// How much the log says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogLevel {
    /// So much.
    level: Level,
}

impl Reasoned for NewPolicy {
    fn reason(&self) -> &str {
        &self.reason
    }
}

impl Reasoned for Promotion {
    fn reason(&self) -> &str {
        &self.reason
    }
}

impl Reasoned for NewLevel {
    fn reason(&self) -> &str {
        &self.reason
    }
}

/// Who trades, and who stands in shadow.
#[utoipa::path(get, path = "/api/v1/policies", tag = "policies",
    responses((status = 200, body = Vec<Policy>),
        (status = 409, description = "No contest is held", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<Vec<Policy>>, Problem> {
    app.contest(|contest| contest.list()).await.map(Json)
}

/// Stands a policy in shadow.
#[utoipa::path(post, path = "/api/v1/policies", tag = "policies",
    request_body = NewPolicy, responses((status = 200, body = Recorded)))]
pub(crate) async fn load(
    State(app): State<App>,
    change: Change<NewPolicy>,
) -> Result<Response, Problem> {
    let body = &change.body;
    short("manifest", body.manifest.as_deref(), PATH_MAX)?;
    short("kind", body.kind.as_deref(), NAME_MAX)?;
    short("name", body.name.as_deref(), NAME_MAX)?;
    let source = match (&body.manifest, &body.kind) {
        (Some(path), None) => PolicySource::Manifest(path.clone()),
        (None, Some(kind)) => PolicySource::Kind(kind.clone()),
        _ => {
            let problem = Problem::invalid("one source of the policy is needed");
            return Err(problem.at("", "either manifest or kind must be there"));
        }
    };
    let name = body.name.clone();
    let about = name.clone().or_else(|| body.manifest.clone()).or_else(|| body.kind.clone());
    let work = app.clone().contest_change(move |contest| contest.load(&source, name.as_deref()));
    app.change(change, Plan { what: "policy_load", about, ..Plan::default() }, work).await
}

/// Lets a policy in shadow go.
#[utoipa::path(delete, path = "/api/v1/policies/{name}", tag = "policies",
    params(("name" = String, Path, description = "Its name")),
    request_body = Because, responses((status = 200, body = Recorded)))]
pub(crate) async fn remove(
    State(app): State<App>,
    Path(name): Path<String>,
    change: Change<Because>,
) -> Result<Response, Problem> {
    short("name", Some(&name), NAME_MAX)?;
    let about = Some(name.clone());
    let work =
        app.clone().contest_change(move |contest| contest.remove(&name).map(|()| name.clone()));
    app.change(change, Plan { what: "policy_remove", about, ..Plan::default() }, work).await
}

/// Lets a policy trade in the champion's place.
#[utoipa::path(post, path = "/api/v1/policies/{name}/promote", tag = "policies",
    params(("name" = String, Path, description = "Its name")),
    request_body = Promotion, responses((status = 200, body = Recorded)))]
pub(crate) async fn promote(
    State(app): State<App>,
    Path(name): Path<String>,
    change: Change<Promotion>,
) -> Result<Response, Problem> {
    short("name", Some(&name), NAME_MAX)?;
    let force = change.body.force;
    if force && change.caller.role < Role::Risk {
        let detail = "to promote what has not passed its test needs the role risk";
        return Err(Problem::forbidden("role-too-low", detail).at("/force", "false"));
    }
    let about = Some(name.clone());
    let work = app
        .clone()
        .contest_change(move |contest| contest.promote(&name, force).map(|()| name.clone()));
    app.change(change, Plan { what: "policy_promote", about, ..Plan::default() }, work).await
}

/// Lets the former champion trade again.
#[utoipa::path(post, path = "/api/v1/policies/rollback", tag = "policies",
    request_body = Because, responses((status = 200, body = Recorded)))]
pub(crate) async fn roll_back(
    State(app): State<App>,
    change: Change<Because>,
) -> Result<Response, Problem> {
    let work = app.clone().contest_change(|contest| contest.roll_back());
    app.change(change, Plan { what: "policy_rollback", ..Plan::default() }, work).await
}

/// How much the log says.
#[utoipa::path(get, path = "/api/v1/log-level", tag = "log",
    responses((status = 200, body = LogLevel)))]
pub(crate) async fn log_level(State(app): State<App>) -> Json<LogLevel> {
    Json(LogLevel { level: app.log.level() })
}

/// Says so much in the log from now on.
#[utoipa::path(put, path = "/api/v1/log-level", tag = "log",
    request_body = NewLevel, responses((status = 200, body = Recorded)))]
pub(crate) async fn set_log_level(
    State(app): State<App>,
    change: Change<NewLevel>,
) -> Result<Response, Problem> {
    let level = change.body.level;
    let before = serde_json::to_value(app.log.level()).unwrap_or_default();
    let log = Arc::clone(&app.log);
    let work = async move {
        log.set_level(level);
        done(serde_json::to_value(level).unwrap_or_default())
    };
    app.change(change, Plan { what: "log_level", before, ..Plan::default() }, work).await
}

impl App {
    /// Asks the contest, on a thread that may block.
    async fn contest<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Policies) -> Result<T, PoliciesError> + Send + 'static,
    ) -> Result<T, Problem> {
        let Some(contest) = self.policies.clone() else {
            return Err(problem(PoliciesError::NoContest));
        };
        let asked = tokio::task::spawn_blocking(move || ask(&*contest)).await;
        asked.unwrap_or_else(|_| Err(PoliciesError::Busy("the contest gave up".into())))
            .map_err(problem)
    }

    async fn contest_change(
        self,
        ask: impl FnOnce(&dyn Policies) -> Result<String, PoliciesError> + Send + 'static,
    ) -> Answer {
        done(self.contest(ask).await?.into())
    }
}

fn done(about: Value) -> Answer {
    Ok(json!({ "outcome": "done", "about": about, "time_ns": now_ns() }))
}

fn problem(error: PoliciesError) -> Problem {
    let said = error.to_string();
    match error {
        PoliciesError::NoContest => Problem::new(StatusCode::CONFLICT, "no-contest", said),
        PoliciesError::Unknown(_) => Problem::unknown(said),
        PoliciesError::Refused(_) => Problem::new(StatusCode::CONFLICT, "refused", said),
        PoliciesError::Busy(_) => Problem::unavailable("busy", said),
    }
}

fn short(field: &str, text: Option<&str>, max: usize) -> Result<(), Problem> {
    let good = |text: &str| {
        (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    if text.is_none_or(good) {
        return Ok(());
    }
    let detail = format!("1 to {max} characters on one line");
    Err(Problem::invalid("the body does not fit its schema").at(format!("/{field}"), detail))
}
