//! The API: paths, who may ask for them, and what is answered. Its document is made from the same
//! lines ([`document`]).

// A problem is the body of an answer: made once a refused request, on a cold thread.
#![allow(clippy::result_large_err)]

mod change;
mod commands;
mod describe;
mod desk;
mod guard;
mod health;
mod limits;
mod pages;
mod policies;
mod problem;
mod request;
mod stream;

pub use change::Recorded;
pub use commands::Carried;
pub use describe::document;
pub use guard::Peer;
pub use problem::{Fault, PROBLEM_JSON, Problem};
pub(crate) use stream::Unending;

use crate::access::{Role, Tokens};
use crate::audit::{Audit, Keys};
use crate::operator::Operator;
use crate::sight::{Deeds, Log, Policies, Sight};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// Bytes of a request's body at most.
pub const BODY_BYTES_MAX: usize = 64 << 10;

/// What the API stands on.
pub struct Parts {
    /// What is known of the host.
    pub sight: Arc<dyn Sight>,
    /// Commands to the trading thread.
    pub operator: Arc<Operator>,
    /// Where deeds are written down.
    pub deeds: Arc<dyn Deeds>,
    /// The contest of policies, if one is held.
    pub policies: Option<Arc<dyn Policies>>,
    /// The host's log.
    pub log: Arc<dyn Log>,
}

/// Who is let in, and how many.
#[derive(Clone, Debug)]
pub struct Admission {
    /// Tokens that are known.
    pub tokens: Tokens,
    /// What somebody without a token may do who asks from this machine.
    pub without_token: Option<Role>,
    /// Only this machine can reach the API, so that requests for any other name are tricks of a
    /// page in its browser.
    pub loopback: bool,
    /// Streams at a time.
    pub streams_max: usize,
}

/// Says to every stream that it is to end.
pub type Ending = watch::Receiver<bool>;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

pub(crate) struct Shared {
    sight: Arc<dyn Sight>,
    operator: Arc<Operator>,
    audit: Audit,
    keys: Keys,
    policies: Option<Arc<dyn Policies>>,
    log: Arc<dyn Log>,
    admission: Admission,
    streams: Arc<Semaphore>,
    ending: Ending,
    document: String,
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Every path. Streams end when `ending` turns true or is dropped.
pub fn router(parts: Parts, admission: Admission, ending: Ending) -> Router {
    let app = App(Arc::new(Shared {
        operator: parts.operator,
        sight: parts.sight,
        audit: Audit::new(parts.deeds),
        keys: Keys::default(),
        policies: parts.policies,
        log: parts.log,
        streams: Arc::new(Semaphore::new(admission.streams_max.min(Semaphore::MAX_PERMITS))),
        admission,
        ending,
        document: document(),
    }));
    let mut router = pages::routes().merge(describe::open().split_for_parts().0);
    for (role, group) in describe::groups() {
        let admit = from_fn_with_state((app.clone(), role), guard::admit);
        router = router.merge(group.split_for_parts().0.route_layer(admit));
    }
    router
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(app.clone(), guard::same_site))
        .layer(from_fn(problem::complete))
        .layer(from_fn(guard::headers))
        .with_state(app)
}
