//! The feed from a ring that another process writes.

use crate::source::Source;
use std::collections::BTreeMap;
use std::path::Path;
use tercel_abi::{EventRecord, EventSource, Kind};
use tercel_engine::ring::{RingError, RingReader, Start};

/// Polls between two looks at the writer's sign of life.
const LOOKS: u32 = 1024;

/// A ring's reader that counts the feed's own records and notices a writer that is gone.
pub(crate) struct RingFeed {
    reader: RingReader,
    gaps_opened: u64,
    gaps_closed: u64,
    snapshots: u64,
    messages: u64,
    looks: u32,
    last_beat: (u64, std::time::Instant),
    /// How long the writer may be silent; `None` waits for ever, for a ring written ahead of time.
    patience: Option<std::time::Duration>,
}

impl RingFeed {
    /// Opens the ring at its oldest record.
    pub(crate) fn open(
        path: &Path,
        patience: Option<std::time::Duration>,
    ) -> Result<RingFeed, RingError> {
        let reader = RingReader::open(path, Start::Oldest)?;
        Ok(RingFeed {
            last_beat: (reader.writer_clock(), std::time::Instant::now()),
            reader,
            gaps_opened: 0,
            gaps_closed: 0,
            snapshots: 0,
            messages: 0,
            looks: 0,
            patience,
        })
    }

    #[cold]
    fn look_at_writer(&mut self) {
        self.looks = 0;
        let beat = self.reader.writer_clock();
        if beat != self.last_beat.0 {
            self.last_beat = (beat, std::time::Instant::now());
        }
    }
}

impl EventSource for RingFeed {
    #[inline]
    fn poll(&mut self, max: usize, mut each: impl FnMut(&EventRecord)) -> usize {
        let RingFeed { reader, gaps_opened, gaps_closed, snapshots, messages, .. } = self;
        let count = reader.poll(max, |record| {
            if record.kind < 0x20 {
                *gaps_opened += u64::from(record.kind == Kind::GapOpen as u8);
                *gaps_closed += u64::from(record.kind == Kind::GapClosed as u8);
                *snapshots += u64::from(record.kind == Kind::SnapshotEnd as u8);
            } else {
                *messages += 1;
            }
            each(record);
        });
        self.looks += 1;
        if self.looks >= LOOKS {
            self.look_at_writer();
        }
        count
    }

    fn request_snapshot(&mut self) {
        self.reader.request_snapshot();
    }

    fn is_closed(&self) -> bool {
        self.reader.is_closed()
    }
}

impl Source for RingFeed {
    fn report(&self, counters: &mut BTreeMap<String, u64>) {
        let ring = self.reader.report();
        let list = [
            ("messages", self.messages),
            ("gaps_opened", self.gaps_opened),
            ("gaps_closed", self.gaps_closed),
            ("snapshots", self.snapshots),
            ("ring_records", ring.records),
            ("ring_overruns", ring.overruns),
            ("ring_lost", ring.lost),
        ];
        counters.extend(list.map(|(name, value)| (name.to_string(), value)));
    }

    fn failure(&self) -> Option<String> {
        let silent = self.last_beat.1.elapsed();
        let gone = self.patience.is_some_and(|patience| silent > patience);
        gone.then(|| {
            let (pid, seconds) = (self.reader.writer_pid(), silent.as_secs());
            format!("the feed process {pid} has given no sign of life for {seconds} s")
        })
    }

    fn detail(&self) -> String {
        String::new()
    }
}
