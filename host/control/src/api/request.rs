//! What requests say, checked: bodies and keys of changes, and parameters.

use super::{App, Peer, Problem};
use crate::access::Caller;
use crate::audit::{Fingerprint, KEY_LEN_MAX};
use crate::sight::Range;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::time::timeout;

/// The header that tells a request that is sent again from a new one.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// How long a body may take to come.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);
/// Characters of a reason at most.
pub(crate) const REASON_MAX: usize = 200;
/// Length of a part of a list at most, and if nothing is said.
const RANGE_MAX: usize = 1_000;
const RANGE_DEFAULT: usize = 100;

/// A body of a change: it says why.
pub(crate) trait Reasoned: DeserializeOwned + Serialize + Send {
    /// Why.
    fn reason(&self) -> &str;
}

/// A change that can be read, with its key, from somebody who may ask for it.
pub(crate) struct Change<T> {
    pub(crate) caller: Caller,
    pub(crate) from: String,
    pub(crate) key: String,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) body: T,
}

impl<T: Reasoned> FromRequest<App> for Change<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Change<T>, Problem> {
        let extensions = request.extensions();
        let caller = extensions
            .get::<Caller>()
            .cloned()
            .ok_or_else(|| Problem::unknown_caller("send `Authorization: Bearer TOKEN`"))?;
        let from = extensions.get::<Peer>().map_or(String::new(), |peer| peer.0.to_string());
        let key = key(request.headers())?;
        json_only(request.headers())?;
        let mut hash = Sha256::new();
        for part in [request.method().as_str(), request.uri().path()] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let body = body(request, app).await?;
        hash.update(&body);
        let body: T = parse(&body)?;
        check_reason(body.reason())?;
        Ok(Change { caller, from, key, fingerprint: hash.finalize().into(), body })
    }
}

fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    };
    let good =
        |key: &&str| (1..=KEY_LEN_MAX).contains(&key.len()) && key.bytes().all(|it| it > b' ');
    key.filter(good).map(str::to_owned).ok_or_else(|| {
        let allowed = "once, 1 to 128 printable ASCII characters without spaces, such as a UUID";
        Problem::new(
            StatusCode::BAD_REQUEST,
            "idempotency-key-required",
            "a change needs the header Idempotency-Key; the same again is not done twice",
        )
        .at("Idempotency-Key", allowed)
    })
}

fn json_only(headers: &HeaderMap) -> Result<(), Problem> {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media = media.split(';').next().unwrap_or("").trim();
    if media.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "the body must be JSON: send `Content-Type: application/json`";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail))
}

async fn body(request: Request, app: &App) -> Result<Bytes, Problem> {
    match timeout(BODY_TIME_MAX, Bytes::from_request(request, app)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let detail = "bodies have 64 KiB at most";
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "content-too-large", detail))
        }
        Ok(Err(_)) => Err(Problem::unreadable("the body ended too early")),
        Err(_) => {
            let detail = "the body took more than 10 s to come";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "request-timeout", detail))
        }
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let at = error.path().to_string();
        (at, error.into_inner())
    });
    let read = read.and_then(|it| json.end().map(|()| it).map_err(|error| (".".into(), error)));
    read.map_err(|(at, error)| match error.classify() {
        Category::Data => {
            let at = if at == "." { String::new() } else { format!("/{}", at.replace('.', "/")) };
            Problem::invalid("the body does not fit its schema").at(at, error.to_string())
        }
        _ => Problem::unreadable(format!("the body is no JSON: {error}")),
    })
}

fn check_reason(reason: &str) -> Result<(), Problem> {
    let length = reason.chars().count();
    let control = reason.chars().any(char::is_control);
    if (1..=REASON_MAX).contains(&length) && !control && !reason.trim().is_empty() {
        return Ok(());
    }
    let detail = "1 to 200 characters on one line that say why";
    Err(Problem::invalid("a change needs a reason").at("/reason", detail))
}

/// Parameters of a query, each of which is known.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Asked<T>, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(asked)) => Ok(Asked(asked)),
            Err(error) => Err(wrong_query(error.body_text())),
        }
    }
}

/// 400: a parameter is wrong.
pub(crate) fn wrong_query(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid-query", detail)
}

/// The part of a list that is asked for.
pub(crate) fn range(after: Option<u64>, limit: Option<usize>) -> Result<Range, Problem> {
    let limit = limit.unwrap_or(RANGE_DEFAULT);
    if !(1..=RANGE_MAX).contains(&limit) {
        return Err(wrong_query("a parameter is out of range").at("limit", "1 to 1000"));
    }
    let after = after.unwrap_or(0);
    // Whole numbers are int64 in the API's document.
    if i64::try_from(after).is_err() {
        let allowed = "0 to 9223372036854775807";
        return Err(wrong_query("a parameter is out of range").at("after", allowed));
    }
    Ok(Range { after, limit })
}
