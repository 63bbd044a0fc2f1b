//! What the API asks of the cold side beside it: what is known, what is written down, and what
//! else of the host can be worked on. The desk, the recorder and the binary implement these.

mod known;

pub use known::Known;

use crate::view;
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tercel_engine::tape::Outcome;
use tercel_types::{InstrumentId, Nanos};
use tokio::sync::watch;
use utoipa::ToSchema;

/// Which orders are asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OrderFilter {
    /// Only those of this symbol.
    pub symbol: Option<String>,
    /// Only those in this state, as [`view::Order::state`].
    pub state: Option<String>,
    /// Only those that are open, or only those that are not.
    pub open: Option<bool>,
}

/// Which part of a list is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// Only what comes after this: the `next` of the part before; zero for the first part.
    pub after: u64,
    /// So many at most.
    pub limit: usize,
}

/// A part of a list, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// What is there.
    pub items: Vec<T>,
    /// The `after` of the next part, if there is more.
    pub next: Option<u64>,
}

/// What came of a ticket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Applied {
    /// What the engine made of it.
    pub outcome: Outcome,
    /// When, by the stamp on the tape.
    pub time: Nanos,
}

/// Metrics as a scraper reads them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exposition {
    /// Media type of the text.
    pub content_type: &'static str,
    /// The text.
    pub text: String,
}

/// What is known of the host. Every answer is at hand: nothing here waits.
pub trait Sight: Send + Sync {
    /// Everything that the dashboard shows.
    fn state(&self) -> view::State;
    /// Where the host stands.
    fn status(&self) -> view::Status;
    /// The account.
    fn account(&self) -> view::Account;
    /// Every instrument, by symbol.
    fn instruments(&self) -> Vec<view::Instrument>;
    /// One of them.
    fn instrument(&self, symbol: &str) -> Option<view::Instrument>;
    /// Its stock locate.
    fn locate(&self, symbol: &str) -> Option<InstrumentId>;
    /// The book that is watched, once its depth has been told.
    fn book(&self) -> Option<view::Book>;
    /// Orders by number.
    fn orders(&self, filter: &OrderFilter, range: Range) -> Page<view::Order>;
    /// One order, dead or alive, as long as it is remembered.
    fn order(&self, user_ref: u32) -> Option<view::Order>;
    /// Executions as they came in.
    fn fills(&self, symbol: Option<&str>, range: Range) -> Page<view::Fill>;
    /// Latency of each stage.
    fn latency(&self) -> Vec<view::Latency>;
    /// The feed.
    fn feed(&self) -> view::Feed;
    /// Every limit.
    fn limits(&self) -> view::Limits;
    /// What came of a ticket, once it is on the tape.
    fn outcome(&self, ticket: u64) -> Option<Applied>;
    /// Every metric.
    fn metrics(&self) -> Exposition;
    /// The newest [`view::State`] as JSON on one line, shared by all streams.
    fn states(&self) -> watch::Receiver<Arc<str>>;
}

/// The deed could not be written down: why, in words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the deed could not be written down: {0}")]
pub struct Unwritten(pub String);

/// What becomes of a deed that is to be written down.
pub type Writing = Pin<Box<dyn Future<Output = Result<(), Unwritten>> + Send>>;

/// Where operators' deeds are written down.
pub trait Deeds: Send + Sync {
    /// Writes this JSON down; done when it is committed.
    fn record(&self, json: String) -> Writing;
}

/// A policy that trades or stands in shadow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Policy {
    /// Its name in the contest.
    pub name: String,
    /// Hash of its parameters and weights, hexadecimal.
    pub identity: String,
    /// `champion`, `former` (the champion before), `challenger`, or `barred`: promoted before and
    /// taken back.
    pub role: String,
    /// How its test stands, in words.
    pub standing: String,
}

/// What is to be loaded: one of the two.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PolicySource {
    /// The manifest of an artifact: a path on the host.
    Manifest(String),
    /// A kind of strategy.
    Kind(String),
}

/// Why nothing came of a request about policies.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PoliciesError {
    /// The host was started without a contest.
    #[error("no contest is held: start the host with one to load and promote policies")]
    NoContest,
    /// No policy has this name.
    #[error("{0}: no such policy")]
    Unknown(String),
    /// It is not allowed, or does not fit: why.
    #[error("{0}")]
    Refused(String),
    /// There was no room for the request, or no answer: why.
    #[error("{0}")]
    Busy(String),
}

/// The contest of policies. Calls may block; the API makes them from a thread of their own.
pub trait Policies: Send + Sync {
    /// Who trades, and who stands in shadow.
    fn list(&self) -> Result<Vec<Policy>, PoliciesError>;
    /// Stands a policy in shadow; says its name.
    fn load(&self, source: &PolicySource, name: Option<&str>) -> Result<String, PoliciesError>;
    /// Lets it go.
    fn remove(&self, name: &str) -> Result<(), PoliciesError>;
    /// Lets it trade, once it has passed its test; with `force` all the same.
    fn promote(&self, name: &str, force: bool) -> Result<(), PoliciesError>;
    /// Lets the former champion trade again; says its name.
    fn roll_back(&self) -> Result<String, PoliciesError>;
}

/// How much the host says in its log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Loudness)] // a price level has the name too
pub enum Level {
    /// Only what is wrong.
    Error,
    /// Also what may be.
    Warn,
    /// Also what happens.
    Info,
    /// Also how.
    Debug,
    /// Everything.
    Trace,
}

/// The host's log.
pub trait Log: Send + Sync {
    /// How much it says.
    fn level(&self) -> Level;
    /// Says so much from now on.
    fn set_level(&self, level: Level);
}
