//! Events as Parquet, a folder a day and instrument: `date=YYYY-MM-DD/symbol=XXXX/part-0.parquet`.
//!
//! A venue has thousands of instruments, and a Parquet writer wants thousands of rows at a time. So
//! rows wait in columns of their instrument, and once [`ConvertConfig::rows_max`] wait in all, the
//! instruments that have most are written, each as a row group. Files are opened for each write
//! only, so that their number is not bounded by that of open files. Until a conversion is through,
//! their names end in `.part`.

mod columns;
mod part;

use crate::decode::Event;
use columns::Rows;
use part::Part;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use tercel_abi::Kind;
use tercel_types::Symbol;

/// Most folders of one conversion.
const PARTS_MAX: usize = 1 << 17;
const DAY_NS: u64 = 86_400_000_000_000;

/// Where events go.
#[derive(Clone, Debug)]
pub struct ConvertConfig {
    /// The folder, made if it is not there.
    pub folder: PathBuf,
    /// Rows that may wait in memory, over all instruments: about 90 bytes each.
    pub rows_max: usize,
    /// Rows of one instrument that are written at once.
    pub group_rows: usize,
}

impl ConvertConfig {
    /// A million rows in memory, groups of 256 Ki rows at most.
    pub fn new(folder: PathBuf) -> ConvertConfig {
        ConvertConfig { folder, rows_max: 1 << 20, group_rows: 1 << 18 }
    }
}

/// Why a conversion could not go on. Its unfinished files are taken away.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// The events of an instrument's day are there already.
    #[error("{0} is there already: remove it, or choose another folder")]
    Exists(PathBuf),
    /// There would be more folders than a venue has instruments.
    #[error("more than {PARTS_MAX} days and instruments: this is no recording of one venue")]
    TooMany,
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Parquet could not be written, on most days because the disk is full.
    #[error("{path}: {source}")]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: parquet::errors::ParquetError,
    },
}

/// What a conversion has written.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, serde::Serialize)]
pub struct Converted {
    /// Events.
    pub events: u64,
    /// Files, one a day and instrument.
    pub files: u64,
    /// Row groups in them.
    pub row_groups: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What a folder below that of the day is named for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Name {
    /// Events of the whole market and of the feed itself.
    Market,
    Symbol(Symbol),
    /// The directory has not named this number: the recording begins in mid-session.
    Locate(u16),
}

/// Writes events.
pub struct Converter {
    config: ConvertConfig,
    /// Of each stock locate.
    names: Vec<Name>,
    parts: HashMap<(u64, Name), Part>,
    waiting: usize,
    converted: Converted,
}

impl Converter {
    /// Nothing is written yet.
    pub fn new(config: ConvertConfig) -> Converter {
        let mut names: Vec<Name> = (0..=u16::MAX).map(Name::Locate).collect();
        names[0] = Name::Market;
        let parts = HashMap::new();
        Converter { config, names, parts, waiting: 0, converted: Converted::default() }
    }

    /// Takes one event.
    ///
    /// # Errors
    /// See [`ConvertError`]; nothing can be added after one.
    pub fn add(&mut self, event: Event<'_>) -> Result<(), ConvertError> {
        let record = event.record;
        let locate = usize::from(record.instrument);
        match record.kind() {
            Some(Kind::Directory) if locate > 0 => {
                self.names[locate] = Name::Symbol(record.symbol());
            }
            // Numbers are the session's own.
            Some(Kind::SessionChange) => {
                for (locate, name) in self.names.iter_mut().enumerate().skip(1) {
                    *name = Name::Locate(locate as u16);
                }
            }
            _ => {}
        }
        let (day, name) = (record.receive_time / DAY_NS, self.names[locate]);
        if self.parts.len() == PARTS_MAX && !self.parts.contains_key(&(day, name)) {
            return Err(ConvertError::TooMany);
        }
        let part = match self.parts.entry((day, name)) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let path = self.config.folder.join(folder(day, name)).join("part-0.parquet");
                entry.insert(Part::new(path)?)
            }
        };
        part.rows.push(event);
        self.waiting += 1;
        self.converted.events += 1;
        if part.rows.len() >= self.config.group_rows {
            self.waiting -= part.rows.len();
            part.write()?;
        }
        if self.waiting >= self.config.rows_max {
            self.make_room()?;
        }
        Ok(())
    }

    /// Writes the instruments that have most until half of the rows are gone.
    fn make_room(&mut self) -> Result<(), ConvertError> {
        let mut largest: Vec<&mut Part> = self.parts.values_mut().collect();
        largest.sort_by_key(|part| std::cmp::Reverse(part.rows.len()));
        for part in largest {
            if self.waiting <= self.config.rows_max / 2 {
                break;
            }
            self.waiting -= part.rows.len();
            part.write()?;
        }
        Ok(())
    }

    /// Writes the rest and gives every file its name.
    ///
    /// # Errors
    /// As [`Converter::add`].
    pub fn finish(mut self) -> Result<Converted, ConvertError> {
        for part in self.parts.values_mut() {
            let written = part.close()?;
            self.converted.files += 1;
            self.converted.row_groups += written.row_groups;
            self.converted.bytes += written.bytes;
        }
        for part in self.parts.values_mut() {
            part.publish()?;
        }
        Ok(self.converted)
    }
}

/// `date=2026-11-22/symbol=AAPL`. What a folder's name cannot hold is written as `%` and two
/// digits, as the hive does; names that no symbol can have begin with an underscore.
fn folder(day: u64, name: Name) -> PathBuf {
    let days = i64::try_from(day).unwrap_or(i64::MAX / DAY_NS as i64);
    let date = chrono::DateTime::from_timestamp(days.saturating_mul(86_400), 0);
    let date = date.unwrap_or_default().date_naive();
    let symbol = match name {
        Name::Market => "_MARKET".into(),
        Name::Locate(locate) => format!("_LOCATE_{locate}"),
        Name::Symbol(symbol) => escaped(symbol.0),
    };
    PathBuf::from(format!("date={date}")).join(format!("symbol={symbol}"))
}

fn escaped(symbol: [u8; 8]) -> String {
    let mut text = String::new();
    for byte in symbol.trim_ascii_end() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' => text.push(char::from(*byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    if text.is_empty() { "_EMPTY".into() } else { text }
}

/// The name of a kind as `abi.toml` writes it.
pub fn kind_name(kind: Kind) -> String {
    columns::kind_name(kind)
}

/// An empty table of events, for readers that want the columns before there are rows.
pub fn no_events() -> arrow_array::RecordBatch {
    Rows::default().take()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_as_the_hive_does() {
        let of = |symbol: &[u8; 8]| folder(0, Name::Symbol(Symbol(*symbol)));
        assert_eq!(of(b"BRK.A   "), PathBuf::from("date=1970-01-01/symbol=BRK.A"));
        assert_eq!(of(b"../x=%  "), PathBuf::from("date=1970-01-01/symbol=..%2Fx%3D%25"));
        assert_eq!(of(b"        "), PathBuf::from("date=1970-01-01/symbol=_EMPTY"));
        assert_eq!(of(b"\xff_\0     "), PathBuf::from("date=1970-01-01/symbol=%FF%5F%00"));
        let market = folder(20_779, Name::Market);
        assert_eq!(market, PathBuf::from("date=2026-11-22/symbol=_MARKET"));
        let end = folder(u64::MAX / DAY_NS, Name::Locate(7));
        assert_eq!(end, PathBuf::from("date=2554-07-21/symbol=_LOCATE_7"));
    }
}
