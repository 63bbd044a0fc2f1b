//! The journal: `[journal]`.

use super::{Built, Config};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tercel_types::Nanos;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JournalValues {
    /// Folder of the segments, relative to the configuration file.
    folder: PathBuf,
    /// Size of a segment, in MiB.
    #[serde(default = "segment_mib")]
    #[schemars(range(min = 1, max = 4_096))]
    segment_mib: u32,
    /// When written entries are brought to the disk: never by the journal, every `sync_ms`, or
    /// after each group of entries.
    #[serde(default)]
    sync: SyncValue,
    /// Time between two syncs with `sync = "interval"`, in milliseconds.
    #[serde(default = "sync_ms")]
    #[schemars(range(min = 1, max = 60_000))]
    sync_ms: u32,
    /// Room between the trading thread and the journal's, in KiB; a power of two.
    #[serde(default = "tape_kib")]
    #[schemars(range(min = 64, max = 1_048_576))]
    tape_kib: u32,
    /// What happens where that room is used up: trading pauses until there is room, or entries
    /// are lost and counted.
    #[serde(default)]
    overflow: OverflowValue,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum SyncValue {
    Never,
    #[default]
    Interval,
    Commit,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum OverflowValue {
    #[default]
    Pause,
    Lose,
}

fn segment_mib() -> u32 {
    64
}

fn sync_ms() -> u32 {
    10
}

fn tape_kib() -> u32 {
    4_096
}

/// What the journal is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct JournalSettings {
    /// Folder of the segments.
    pub(crate) folder: PathBuf,
    /// Size of a segment, in bytes.
    pub(crate) segment_bytes: u64,
    /// When entries are brought to the disk.
    pub(crate) sync: Sync,
    /// Room between the trading thread and the journal's, in bytes; a power of two.
    pub(crate) tape_bytes: usize,
    /// What happens where that room is used up.
    pub(crate) overflow: Overflow,
}

/// When entries are brought to the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sync {
    /// When the system does.
    Never,
    /// This often, in nanoseconds.
    #[serde(rename = "interval_ns", serialize_with = "nanos")]
    Interval(Nanos),
    /// After each group of entries.
    Commit,
}

fn nanos<S: serde::Serializer>(value: &Nanos, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(value.0)
}

/// What happens where there is no room.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Overflow {
    /// Trading pauses until there is room.
    Pause,
    /// Entries are lost and counted.
    Lose,
}

impl Config {
    /// For the journal; `None` without one.
    pub(crate) fn journal(&self) -> Built<Option<JournalSettings>> {
        let Some(journal) = &self.values.journal else { return Ok(None) };
        if journal.folder.as_os_str().is_empty() {
            return Err(self.wrong("journal.folder", "name a folder, such as \"journal\""));
        }
        let ranges = [
            ("journal.segment_mib", journal.segment_mib, 1, 4_096),
            ("journal.sync_ms", journal.sync_ms, 1, 60_000),
            ("journal.tape_kib", journal.tape_kib, 64, 1_048_576),
        ];
        for (key, value, min, max) in ranges {
            if !(min..=max).contains(&value) {
                return Err(self.wrong(key, format!("must be {min} to {max}")));
            }
        }
        if !journal.tape_kib.is_power_of_two() {
            let problem = "must be a power of two, 64 to 1048576, such as 4096";
            return Err(self.wrong("journal.tape_kib", problem));
        }
        Ok(Some(JournalSettings {
            folder: self.beside(&journal.folder),
            segment_bytes: u64::from(journal.segment_mib) << 20,
            sync: match journal.sync {
                SyncValue::Never => Sync::Never,
                SyncValue::Interval => Sync::Interval(Nanos::from_millis(journal.sync_ms.into())),
                SyncValue::Commit => Sync::Commit,
            },
            tape_bytes: (journal.tape_kib as usize) << 10,
            overflow: match journal.overflow {
                OverflowValue::Pause => Overflow::Pause,
                OverflowValue::Lose => Overflow::Lose,
            },
        }))
    }
}
