//! Idempotency keys: what was asked once is done once, however often it is sent.

use crate::api::Problem;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Keys that are remembered at most.
pub const KEYS_MAX: usize = 10_000;
/// How long they are remembered.
pub const KEY_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Characters of a key at most.
pub const KEY_LEN_MAX: usize = 128;

/// What is answered to a change.
pub type Answer = Result<Value, Problem>;

/// Hash of what is asked: method, path and body.
pub type Fingerprint = [u8; 32];

/// A key belongs to who sends it.
type Owned = (String, String);

/// The keys of late.
#[derive(Default)]
pub struct Keys {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    known: HashMap<Owned, Known>,
    /// In the order in which they came. One that is no longer known, or known anew, is skipped.
    order: VecDeque<(Instant, Owned)>,
}

struct Known {
    since: Instant,
    fingerprint: Fingerprint,
    answer: watch::Receiver<Option<Answer>>,
}

/// What becomes of a request with a key.
pub enum Turn {
    /// It is the first: carry it out.
    First(Doing),
    /// It is, or was, carried out: the answer comes, or is there.
    Again(watch::Receiver<Option<Answer>>),
    /// The key was used for something else.
    Other,
    /// Every key that is remembered is being worked on.
    Full,
}

/// The first request with a key while it is carried out. Dropped unfinished it is as if it had
/// never come.
pub struct Doing {
    kept: Arc<Mutex<Kept>>,
    owned: Owned,
    answer: watch::Sender<Option<Answer>>,
    finished: bool,
}

impl Keys {
    /// Takes a request.
    pub fn begin(&self, who: &str, key: &str, fingerprint: Fingerprint, now: Instant) -> Turn {
        let mut kept = lock(&self.kept);
        kept.forget(now);
        let owned = (who.to_owned(), key.to_owned());
        if let Some(known) = kept.known.get(&owned) {
            return match known.fingerprint == fingerprint {
                true => Turn::Again(known.answer.clone()),
                false => Turn::Other,
            };
        }
        if kept.known.len() >= KEYS_MAX {
            return Turn::Full;
        }
        let (answer, receiver) = watch::channel(None);
        kept.order.push_back((now, owned.clone()));
        kept.known.insert(owned.clone(), Known { since: now, fingerprint, answer: receiver });
        Turn::First(Doing { kept: Arc::clone(&self.kept), owned, answer, finished: false })
    }
}

impl Doing {
    /// Answers everybody who waits. An answer that says that nothing was done because something was
    /// unavailable is not remembered: the same key may try again.
    pub fn finish(mut self, answer: Answer) {
        self.finished = !matches!(&answer, Err(problem) if problem.status == 503);
        self.answer.send_replace(Some(answer));
    }
}

impl Drop for Doing {
    fn drop(&mut self) {
        if !self.finished {
            lock(&self.kept).known.remove(&self.owned);
        }
    }
}

impl Kept {
    /// Forgets what is old, and as many of the oldest that are finished as make room for one more.
    fn forget(&mut self, now: Instant) {
        let mut working = Vec::new();
        while let Some((since, owned)) = self.order.pop_front() {
            let Some(known) = self.known.get(&owned).filter(|known| known.since == since) else {
                continue;
            };
            let old = now.saturating_duration_since(since) >= KEY_LIFE;
            if !old && self.known.len() < KEYS_MAX {
                self.order.push_front((since, owned));
                break;
            }
            if known.answer.borrow().is_none() {
                working.push((since, owned));
            } else {
                self.known.remove(&owned);
            }
        }
        for entry in working.into_iter().rev() {
            self.order.push_front(entry);
        }
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(turn: Turn) -> Doing {
        match turn {
            Turn::First(doing) => doing,
            _ => panic!("not the first"),
        }
    }

    #[test]
    fn the_same_is_answered_again_and_something_else_is_refused() {
        let (keys, now) = (Keys::default(), Instant::now());
        let doing = first(keys.begin("desk", "k", [1; 32], now));
        let Turn::Again(waiting) = keys.begin("desk", "k", [1; 32], now) else { panic!() };
        assert_eq!(*waiting.borrow(), None);
        doing.finish(Ok(7.into()));
        assert_eq!(*waiting.borrow(), Some(Ok(7.into())));
        assert!(matches!(keys.begin("desk", "k", [1; 32], now), Turn::Again(_)));
        assert!(matches!(keys.begin("desk", "k", [2; 32], now), Turn::Other));
        assert!(matches!(keys.begin("risk", "k", [2; 32], now), Turn::First(_)));
    }

    #[test]
    fn what_was_not_done_may_be_tried_again_with_the_same_key() {
        let (keys, now) = (Keys::default(), Instant::now());
        first(keys.begin("desk", "k", [1; 32], now))
            .finish(Err(Problem::unavailable("not-recorded", "")));
        first(keys.begin("desk", "k", [1; 32], now)).finish(Err(Problem::unknown("")));
        assert!(matches!(keys.begin("desk", "k", [1; 32], now), Turn::Again(_)));
        drop(first(keys.begin("desk", "lost", [1; 32], now)));
        first(keys.begin("desk", "lost", [1; 32], now)).finish(Ok(1.into()));
    }

    #[test]
    fn a_key_is_forgotten_after_a_day_or_when_too_many_came_since() {
        let (keys, now) = (Keys::default(), Instant::now());
        first(keys.begin("desk", "old", [1; 32], now)).finish(Ok(1.into()));
        let later = now + KEY_LIFE;
        first(keys.begin("desk", "old", [2; 32], later)).finish(Ok(1.into()));
        for number in 0..KEYS_MAX {
            first(keys.begin("desk", &number.to_string(), [1; 32], later)).finish(Ok(1.into()));
        }
        assert!(matches!(keys.begin("desk", "old", [3; 32], later), Turn::First(_)));
        let kept = lock(&keys.kept);
        assert!(kept.known.len() <= KEYS_MAX && kept.order.len() <= KEYS_MAX + 1);
    }

    #[test]
    fn what_is_being_done_is_never_forgotten() {
        let (keys, now) = (Keys::default(), Instant::now());
        let doing: Vec<_> = (0..KEYS_MAX)
            .map(|number| first(keys.begin("desk", &number.to_string(), [1; 32], now)))
            .collect();
        assert!(matches!(keys.begin("desk", "more", [1; 32], now), Turn::Full));
        doing.into_iter().for_each(|doing| doing.finish(Ok(1.into())));
        assert!(matches!(keys.begin("desk", "more", [1; 32], now), Turn::First(_)));
    }
}
