//! The connections that are open: so many and no more.
//!
//! When there is no place left, the one that has been waiting longest for its next request gives
//! way. So ten thousand connections that say nothing keep nobody out who has something to say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// How many connections there are, and were.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Load {
    /// Open now.
    pub open: usize,
    /// Places.
    pub places: usize,
    /// Taken since the start.
    pub accepted: u64,
    /// Closed at once, because every place was taken by one that was being answered.
    pub refused: u64,
    /// Closed to make room.
    pub displaced: u64,
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Connections(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    load: Load,
    next: u64,
    open: BTreeMap<u64, Connection>,
}

#[derive(Debug)]
struct Connection {
    task: Option<AbortHandle>,
    /// Since when it waits for a request; `None` while it is answered.
    waiting: Option<Instant>,
}

/// The place of one, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    connections: Connections,
    number: u64,
}

impl Connections {
    pub(super) fn new(places: usize) -> Connections {
        let load = Load { places, ..Load::default() };
        Connections(Arc::new(Mutex::new(Open { load, ..Open::default() })))
    }

    /// A place for one more, if need be that of one that waits.
    pub(super) fn place(&self, now: Instant) -> Option<Place> {
        let mut all = self.lock();
        if all.open.len() >= all.load.places {
            let longest = all.open.iter().filter_map(|(at, it)| Some((it.waiting?, *at))).min();
            let Some(given_way) = longest.and_then(|(_, at)| all.open.remove(&at)) else {
                all.load.refused += 1;
                return None;
            };
            all.load.displaced += 1;
            if let Some(task) = given_way.task {
                task.abort();
            }
        }
        all.load.accepted += 1;
        all.next += 1;
        let number = all.next;
        all.open.insert(number, Connection { task: None, waiting: Some(now) });
        Some(Place { connections: self.clone(), number })
    }

    /// Says which task works on a place.
    pub(super) fn works(&self, number: u64, task: AbortHandle) {
        match self.lock().open.get_mut(&number) {
            Some(connection) => connection.task = Some(task),
            None => task.abort(),
        }
    }

    pub(super) fn load(&self) -> Load {
        let all = self.lock();
        Load { open: all.open.len(), ..all.load }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// It is being answered.
    pub(super) fn busy(&self) {
        self.set(None);
    }

    /// It waits for its next request.
    pub(super) fn waits(&self, now: Instant) {
        self.set(Some(now));
    }

    fn set(&self, waiting: Option<Instant>) {
        if let Some(connection) = self.connections.lock().open.get_mut(&self.number) {
            connection.waiting = waiting;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn who_waits_longest_gives_way_and_who_is_answered_never_does() {
        let connections = Connections::new(2);
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let first = connections.place(start).unwrap();
        let other = connections.place(start + second).unwrap();
        first.busy();
        let third = connections.place(start + 2 * second).unwrap();
        assert_eq!(connections.load().displaced, 1);
        drop(other);
        assert_eq!(connections.load().open, 2);
        third.busy();
        assert!(connections.place(start + 3 * second).is_none());
        first.waits(start + 3 * second);
        assert!(connections.place(start + 4 * second).is_some());
        let load = connections.load();
        assert_eq!((load.refused, load.displaced, load.accepted), (1, 2, 4));
        drop(third);
        drop(first);
        assert_eq!(connections.load().open, 0);
    }
}
