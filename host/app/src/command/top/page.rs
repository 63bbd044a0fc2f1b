//! What a counters page says, in the shape of a state.

use anyhow::Result;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tercel_control::view::{Latency, State};
use tercel_engine::counters::CountersReader;

/// What the counters of refused intents begin with.
const REJECT: &str = "reject_";

/// Who writes a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Writer {
    /// Its process.
    pub(super) pid: u64,
    /// It runs.
    pub(super) runs: bool,
}

/// Opens the page and reads all of it. Of the state, feed and latency are filled, the time, and the
/// number of events.
pub(super) fn look(path: &Path) -> Result<(State, Writer)> {
    let page = CountersReader::open(path)?;
    let mut state = State::default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    state.status.time_ns = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    for (name, value) in page.counters() {
        if name == "events" {
            state.status.events = value;
        }
        match name.strip_prefix(REJECT) {
            Some(_) if value == 0 => {}
            Some(reason) => drop(state.feed.rejects.insert(reason.into(), value)),
            None => drop(state.feed.counters.insert(name.into(), value)),
        }
    }
    state.latency = page
        .histograms()
        .map(|(stage, latency)| Latency {
            stage: stage.into(),
            count: latency.count,
            p50_ns: latency.p50,
            p90_ns: latency.p90,
            p99_ns: latency.p99,
            p999_ns: latency.p999,
            max_ns: latency.max,
            recent: Vec::new(),
        })
        .collect();
    let pid = page.writer_pid();
    let runs = Path::new("/proc").join(pid.to_string()).exists();
    Ok((state, Writer { pid, runs }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tercel_engine::counters::CountersPage;

    #[test]
    fn a_page_fills_feed_rejects_and_latency_of_a_state() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("page");
        assert!(look(&path).is_err());
        let counters = ["events", "gaps_opened", "reject_collar", "reject_rate"];
        let mut page = CountersPage::create(&path, &counters, &["book"]).expect("a page");
        for (at, value) in [7, 2, 3, 0].into_iter().enumerate() {
            page.set(at, value);
        }
        page.record(0, 20);
        let (state, writer) = look(&path).expect("a page");
        assert_eq!(writer, Writer { pid: u64::from(std::process::id()), runs: true });
        assert_eq!(state.status.events, 7);
        let feed = &state.feed;
        assert_eq!((feed.counters["gaps_opened"], feed.counters.len()), (2, 2));
        assert_eq!((feed.rejects["collar"], feed.rejects.len()), (3, 1));
        let book = &state.latency[0];
        assert_eq!((&*book.stage, book.count, book.p50_ns, book.max_ns), ("book", 1, 20, 20));
    }
}
