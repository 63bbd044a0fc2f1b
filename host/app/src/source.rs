//! An event source that can be asked how it is doing.

use std::collections::BTreeMap;
use tercel_abi::EventSource;
use tercel_proto::feed::FeedCounters;

/// What the host reads records from.
pub(crate) trait Source: EventSource {
    /// Adds its counters to a report.
    fn report(&self, counters: &mut BTreeMap<String, u64>);

    /// Why it can give no more records, where that is not an orderly end.
    fn failure(&self) -> Option<String>;

    /// What hinders it at the moment, in words; empty when nothing does.
    fn detail(&self) -> String;
}

/// The counters of a decoder that people look at.
pub(crate) fn report_feed(feed: &FeedCounters, counters: &mut BTreeMap<String, u64>) {
    let duplicates = feed.lines.iter().map(|line| line.duplicates).sum();
    let list = [
        ("frames", feed.frames),
        ("messages", feed.messages),
        ("recovered", feed.messages_recovered),
        ("from_snapshots", feed.messages_snapshot),
        ("duplicates", duplicates),
        ("gaps_opened", feed.gaps),
        ("gaps_closed", feed.gaps_closed),
        ("requests", feed.requests),
        ("requests_exhausted", feed.requests_exhausted),
        ("snapshots", feed.snapshots_done),
        ("snapshots_failed", feed.snapshots_failed),
        ("feed_downs", feed.downs),
        ("malformed", feed.malformed_empty + feed.malformed_kind + feed.malformed_length),
        ("dropped_pending", feed.dropped_pending),
        ("dropped_session", feed.dropped_session),
        ("dropped_address", feed.dropped_address),
    ];
    counters.extend(list.map(|(name, value)| (name.to_string(), value)));
}
