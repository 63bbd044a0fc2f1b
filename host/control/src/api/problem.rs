//! Problem details: what is answered instead of what was asked for (RFC 9457).

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What went wrong (RFC 9457 section 3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:tercel:problem:` and a name that does not change.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same in a few words.
    pub title: String,
    /// Status of the answer.
    pub status: u16,
    /// What to do about it, or what exactly is wrong.
    pub detail: String,
    /// The path that was asked for.
    pub instance: String,
    /// Every part of the request that is wrong, where that can be said.
    pub errors: Vec<Fault>,
}

/// A part of a request that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// Where: a JSON pointer into the body (RFC 6901), or the name of a parameter or header.
    pub at: String,
    /// What is wrong and what is allowed.
    pub detail: String,
}

impl Problem {
    /// A problem of this status.
    pub fn new(status: StatusCode, name: &str, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("urn:tercel:problem:{name}"),
            title: name.replace('-', " "),
            status: status.as_u16(),
            detail: detail.into(),
            instance: String::new(),
            errors: Vec::new(),
        }
    }

    /// Says which part is wrong.
    #[must_use]
    pub fn at(mut self, at: impl Into<String>, detail: impl Into<String>) -> Problem {
        self.errors.push(Fault { at: at.into(), detail: detail.into() });
        self
    }

    /// 400: it cannot be read.
    pub fn unreadable(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "malformed-request", detail)
    }

    /// 401.
    pub fn unknown_caller(detail: &str) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "token-required", detail)
    }

    /// 403.
    pub fn forbidden(name: &str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, name, detail)
    }

    /// 404.
    pub fn unknown(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// 422: it can be read, but not meant.
    pub fn invalid(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-content", detail)
    }

    /// 503.
    pub fn unavailable(name: &str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, name, detail)
    }

    /// What is said where only a status is known.
    fn of_status(status: StatusCode) -> Problem {
        let (name, detail) = match status {
            StatusCode::NOT_FOUND => ("not-found", "no such path; /openapi.json lists them"),
            StatusCode::METHOD_NOT_ALLOWED => {
                ("method-not-allowed", "the header Allow says which methods this path takes")
            }
            StatusCode::PAYLOAD_TOO_LARGE => ("content-too-large", "bodies have 64 KiB at most"),
            StatusCode::BAD_REQUEST => ("malformed-request", "the request cannot be read"),
            _ => ("failed", "see the status"),
        };
        Problem::new(status, name, detail)
    }

    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status_code(), Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if self.status == 401 {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == 503 {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Makes a problem of every failure that is none yet, and says in each which path it is about.
pub(crate) async fn complete(request: Request, next: Next) -> Response {
    let path: String = request.uri().path().chars().take(256).collect();
    let head = request.method() == Method::HEAD;
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let mut problem =
        parts.extensions.remove::<Problem>().unwrap_or_else(|| Problem::of_status(status));
    problem.instance = path;
    let (fresh, body) = problem.into_response().into_parts();
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    for (name, value) in &fresh.headers {
        parts.headers.insert(name, value.clone());
    }
    Response::from_parts(parts, if head { Body::empty() } else { body })
}
