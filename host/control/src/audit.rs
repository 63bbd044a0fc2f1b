//! What operators did: written down before it is done and again after, and shown.

mod keys;

pub use keys::{Answer, Doing, Fingerprint, KEY_LEN_MAX, KEY_LIFE, KEYS_MAX, Keys, Turn};

use crate::access::Role;
use crate::sight::{Deeds, Page, Range, Unwritten};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::timeout;
use utoipa::ToSchema;

/// Deeds that are shown at most; the journal has all of them.
pub const DEEDS_MAX: usize = 10_000;
/// How long a deed may take to be written down.
const WRITING_MAX: Duration = Duration::from_secs(2);
/// The same before what reduces risk, which is done all the same.
const URGENT_WRITING_MAX: Duration = Duration::from_millis(100);

/// What somebody did. In the journal it is there twice: before, with `outcome` null, and after.
/// One that is there only before was begun by a host that ended, or could not be written down in
/// time and was not done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Deed {
    /// Number of the deed since the host began; from 1 on.
    pub number: u64,
    /// When it was asked for.
    pub time_ns: u64,
    /// Name of the token; `local` without one.
    pub who: String,
    /// Role of who asked.
    pub role: Role,
    /// Address that the request came from.
    pub from: String,
    /// Idempotency key of the request.
    pub key: String,
    /// What was asked for: `kill`, `limits` and so on.
    pub what: String,
    /// Symbol, policy, or `account`; null for everything.
    pub about: Option<String>,
    /// Why, in the words of who asked.
    pub reason: String,
    /// The request's body.
    #[schema(value_type = Object)]
    pub asked: Value,
    /// What was there before, where something is replaced: of the type of what is replaced.
    #[schema(value_type = Value)]
    pub before: Value,
    /// Number of the command to the trading thread, if it is one.
    pub ticket: Option<u64>,
    /// What came of it; null while that is not known.
    pub outcome: Option<Finished>,
}

/// What came of a deed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Finished {
    /// When it was known.
    pub time_ns: u64,
    /// Status of the answer.
    pub status: u16,
    /// `done`, `unchanged`, or what went wrong.
    pub said: String,
}

/// The deeds of late, and the way to the journal.
pub struct Audit {
    deeds: Arc<dyn Deeds>,
    recent: Mutex<Recent>,
}

#[derive(Default)]
struct Recent {
    /// Numbers given so far.
    given: u64,
    /// By number.
    deeds: VecDeque<Deed>,
}

impl Audit {
    /// Writes down by `deeds`.
    pub fn new(deeds: Arc<dyn Deeds>) -> Audit {
        Audit { deeds, recent: Mutex::default() }
    }

    /// Gives the deed its number and time, and writes it down. An urgent one is waited for only
    /// briefly.
    pub async fn intend(&self, deed: &mut Deed, urgent: bool) -> Result<(), Unwritten> {
        {
            let mut recent = self.recent();
            recent.given += 1;
            (deed.number, deed.time_ns) = (recent.given, now_ns());
            if recent.deeds.len() >= DEEDS_MAX {
                recent.deeds.pop_front();
            }
            recent.deeds.push_back(deed.clone());
        }
        self.write(deed, if urgent { URGENT_WRITING_MAX } else { WRITING_MAX }).await
    }

    /// Writes down what came of it.
    pub async fn finish(&self, deed: &mut Deed, status: u16, said: &str) -> Result<(), Unwritten> {
        deed.outcome = Some(Finished { time_ns: now_ns(), status, said: said.to_owned() });
        self.show(deed);
        self.write(deed, WRITING_MAX).await
    }

    /// Shows that nothing came of it, without the journal, which could not take it before.
    pub fn give_up(&self, deed: &mut Deed, status: u16, said: &str) {
        deed.outcome = Some(Finished { time_ns: now_ns(), status, said: said.to_owned() });
        self.show(deed);
    }

    /// Deeds of this run, by number.
    pub fn page(&self, range: Range) -> Page<Deed> {
        let recent = self.recent();
        let mut later = recent.deeds.iter().filter(|deed| deed.number > range.after);
        let items: Vec<Deed> = later.by_ref().take(range.limit).cloned().collect();
        let next = later.next().and(items.last()).map(|deed| deed.number);
        Page { items, next }
    }

    async fn write(&self, deed: &Deed, within: Duration) -> Result<(), Unwritten> {
        let json = serde_json::to_string(deed).map_err(|error| Unwritten(error.to_string()))?;
        match timeout(within, self.deeds.record(json)).await {
            Ok(written) => written,
            Err(_) => Err(Unwritten(format!("not within {} ms", within.as_millis()))),
        }
    }

    fn show(&self, deed: &Deed) {
        let mut recent = self.recent();
        let first = recent.deeds.front().map_or(0, |deed| deed.number);
        let at = deed.number.checked_sub(first).and_then(|at| usize::try_from(at).ok());
        if let Some(shown) = at.and_then(|at| recent.deeds.get_mut(at)) {
            *shown = deed.clone();
        }
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By the system's clock.
pub(crate) fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
