//! The feed from a recording: an ITCH file as it stands, or a capture's lines through the decoder.

use crate::recording::{CapturedLines, ItchFile, Recording, captured_lines, progress};
use crate::source::{Source, report_feed};
use anyhow::{Result, bail};
use indicatif::ProgressBar;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;
use tercel_abi::{EventRecord, EventSource};
use tercel_net::pcap::PcapSource;
use tercel_proto::feed::{Feed, FeedConfig, Start};
use tercel_proto::{itch, itch_record};
use tercel_types::{Nanos, SeqNo, VenueId};

/// A recording as an event source, on recorded time.
pub(crate) struct RecordedFeed {
    from: From,
    bar: ProgressBar,
    closed: bool,
    failure: Option<String>,
}

enum From {
    Itch { file: ItchFile, messages: u64, malformed: u64 },
    Capture { source: Box<PcapSource<Box<dyn BufRead>>>, feed: Box<Feed>, first: Option<SeqNo> },
}

impl RecordedFeed {
    /// Opens a file. The lines of a capture are the first two that it has.
    pub(crate) fn open(path: &Path) -> Result<RecordedFeed> {
        let bar = progress("replaying");
        let from = match Recording::open(path, &bar)? {
            Recording::Itch(file) => From::Itch { file, messages: 0, malformed: 0 },
            Recording::Orders(_) => bail!("{} has orders, not market data", path.display()),
            Recording::Pcap(source) => {
                let Some(CapturedLines { lines, session, first }) = captured_lines(path)? else {
                    bail!("{} has no MoldUDP64 packet", path.display());
                };
                let feed = Feed::new(FeedConfig {
                    session: Some(session),
                    start: Start::Late,
                    // There is nobody to ask: what is missing comes on the other line or never.
                    request_wait: Nanos::from_secs(86_400),
                    request_wait_max: Nanos::from_secs(86_400),
                    ..FeedConfig::new(VenueId(0), lines)
                });
                let first = Some(SeqNo(first));
                From::Capture { source, feed: Box::new(feed), first }
            }
        };
        Ok(RecordedFeed { from, bar, closed: false, failure: None })
    }

    fn step(&mut self, each: &mut impl FnMut(&EventRecord)) -> Result<bool> {
        match &mut self.from {
            From::Itch { file, messages, malformed } => {
                let Some(bytes) = file.next_message()? else { return Ok(false) };
                match itch::parse(bytes) {
                    Ok(message) => {
                        *messages += 1;
                        let mut record = itch_record::to_record(&message, VenueId(0), Nanos(0));
                        record.receive_time = record.exchange_time;
                        each(&record);
                    }
                    Err(_) => *malformed += 1,
                }
                Ok(true)
            }
            From::Capture { source, feed, first } => {
                let Some(frame) = source.next_frame()? else {
                    if feed.is_stale() && !feed.is_ended() {
                        bail!("the capture lacks message {} on every line", feed.next_seq().0);
                    }
                    return Ok(false);
                };
                let now = frame.received;
                // A capture begins in mid-session: its first message stands for an empty snapshot.
                if let Some(first) = first.take() {
                    feed.on_snapshot_begin(each);
                    feed.on_snapshot_end(first, now, each);
                }
                feed.on_frame(frame, now, each);
                feed.on_timer(now, each);
                if feed.wants_snapshot() {
                    bail!("the capture lacks message {} on every line", feed.next_seq().0);
                }
                Ok(true)
            }
        }
    }
}

impl EventSource for RecordedFeed {
    fn poll(&mut self, max: usize, mut each: impl FnMut(&EventRecord)) -> usize {
        let mut count = 0;
        let mut out = |record: &EventRecord| {
            count += 1;
            each(record);
        };
        for _ in 0..max {
            match self.step(&mut out) {
                Ok(true) => {}
                Ok(false) => {
                    self.closed = true;
                    self.bar.finish_and_clear();
                    break;
                }
                Err(error) => {
                    self.closed = true;
                    self.failure = Some(format!("{error:#}"));
                    break;
                }
            }
        }
        count
    }

    fn request_snapshot(&mut self) {}

    fn is_closed(&self) -> bool {
        self.closed
    }
}

impl Source for RecordedFeed {
    fn report(&self, counters: &mut BTreeMap<String, u64>) {
        match &self.from {
            From::Itch { messages, malformed, .. } => {
                counters.insert("messages".into(), *messages);
                counters.insert("malformed".into(), *malformed);
            }
            From::Capture { feed, .. } => report_feed(feed.counters(), counters),
        }
    }

    fn failure(&self) -> Option<String> {
        self.failure.clone()
    }

    fn detail(&self) -> String {
        String::new()
    }
}
