//! The stream: what the dashboard shows, as it changes (Server-Sent Events, WHATWG HTML
//! section 9.2).
//!
//! The newest state is made once for all streams. A reader that is slow skips what it was too slow
//! for; nothing is kept for it but what is on its way.

use super::request::Asked;
use super::{App, Ending, Problem};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use futures_util::stream;
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};
use utoipa::IntoParams;

/// How long nothing is sent at most.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Marks an answer whose body goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unending;

/// Which book.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// Ask for the depth of this symbol's book; the trading thread tells that of one at a time.
    watch: Option<String>,
}

/// What the dashboard shows, as it changes: events `state` with a `State` each. A slow reader
/// skips to the newest.
#[utoipa::path(get, path = "/api/v1/stream", tag = "desk", params(StreamQuery),
    responses((status = 200, description = "Server-Sent Events, named state, each a State",
        body = String, content_type = "text/event-stream")))]
pub(crate) async fn stream(
    State(app): State<App>,
    Asked(query): Asked<StreamQuery>,
) -> Result<Response, Problem> {
    if let Some(symbol) = &query.watch {
        app.operator.watch(app.locate(symbol)?);
    }
    let Ok(permit) = Arc::clone(&app.streams).try_acquire_owned() else {
        let detail = format!(
            "{} streams are open, which is control.streams_max; close one, or raise it",
            app.admission.streams_max
        );
        return Err(Problem::unavailable("too-many-streams", detail));
    };
    let mut states = app.sight.states();
    states.mark_changed();
    let (ending, quiet_until) = (app.ending.clone(), Instant::now() + KEEP_ALIVE);
    let line = Line { states, ending, quiet_until, rest: VecDeque::new(), _permit: permit };
    let body = Body::from_stream(stream::unfold(line, |mut line| async move {
        let part = line.next().await?;
        Some((Ok::<Bytes, Infallible>(part), line))
    }));
    let mut response = Response::new(body);
    response.headers_mut().insert(
        CONTENT_TYPE,
        axum::http::HeaderValue::from_static("text/event-stream"),
    );
    response.extensions_mut().insert(Unending);
    Ok(response)
}

struct Line {
    states: watch::Receiver<Arc<str>>,
    ending: Ending,
    quiet_until: Instant,
    /// What is left of the event that is being sent.
    rest: VecDeque<Bytes>,
    _permit: OwnedSemaphorePermit,
}

/// A state's text as bytes that are shared, not copied.
struct Shared(Arc<str>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Line {
    /// The next part of the body; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(part) = self.rest.pop_front() {
            return Some(part);
        }
        tokio::select! {
            biased;
            _ = self.ending.wait_for(|ending| *ending) => None,
            changed = self.states.changed() => {
                changed.ok()?;
                let state = Arc::clone(&self.states.borrow_and_update());
                self.quiet_until = Instant::now() + KEEP_ALIVE;
                self.rest.push_back(Bytes::from_owner(Shared(state)));
                self.rest.push_back(Bytes::from_static(b"\n\n"));
                Some(Bytes::from_static(b"event: state\ndata: "))
            }
            () = sleep_until(self.quiet_until) => {
                self.quiet_until = Instant::now() + KEEP_ALIVE;
                Some(Bytes::from_static(b": still here\n\n"))
            }
        }
    }
}
