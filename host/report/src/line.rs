//! A record as a line: for people, and as JSON.

use crate::calendar::{dollars, utc};
use crate::item::{self, Decoder, Item, Symbols};
use serde_json::{Map, Value as Json};
use std::fmt::Write;
use tercel_engine::tape::{Entry, Value};
use tercel_journal::Record;
use tercel_types::Nanos;

/// Bytes of a content that are shown.
const BYTES_SHOWN: usize = 4_096;
/// Numbers of nanoseconds from here on (1973) are shown as times, those below as lengths.
const TIMES_FROM: u64 = 100_000_000_000_000_000;

/// Which records are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// From this sequence on.
    pub from: u64,
    /// Of these kinds; all if there is none.
    pub kinds: Vec<u16>,
    /// About this symbol.
    pub symbol: Option<String>,
    /// About this order, also as the one replaced.
    pub order: Option<u32>,
}

/// Turns records into lines. It has to see every record, since symbols are named in some.
#[derive(Debug, Default)]
pub struct Lines {
    decoder: Decoder,
    symbols: Symbols,
    wanted: Wanted,
    /// Records that were wanted and could not be read, or whose kind is not known.
    pub unreadable: u64,
}

impl Lines {
    /// Lines of what is wanted.
    pub fn new(wanted: Wanted) -> Lines {
        Lines { wanted, ..Lines::default() }
    }

    /// The record as an object, if it is wanted.
    pub fn json(&mut self, record: &Record) -> Option<Map<String, Json>> {
        let item = self.decoder.decode(record.kind, &record.payload);
        if let Item::Entry(entry) = &item {
            self.symbols.apply(entry);
        }
        if !is_wanted(&self.wanted, &self.symbols, record, &item) {
            return None;
        }
        let mut line = Map::new();
        let mut put = |key: &str, value: Json| {
            // No field of a record hides what every line has.
            line.entry(key).or_insert(value);
        };
        put("sequence", record.sequence.into());
        put("time_ns", record.stamp.0.into());
        match item::kind(record.kind) {
            Some(kind) => put("kind", kind.name.into()),
            None => put("kind", record.kind.into()),
        }
        match &item {
            Item::Entry(entry) => {
                if let Some(instrument) = item::instrument(entry) {
                    put("symbol", self.symbols.name(instrument).into());
                }
                entry.each(|name, suffix, value| put(&format!("{name}{suffix}"), json(value)));
                if let Entry::Received(received) = entry {
                    put("hex", hex(received.iter()).into());
                }
            }
            Item::Json(Json::Object(object)) => {
                put("content", Json::Object(object.clone()));
            }
            Item::Json(other) => put("content", other.clone()),
            Item::Mark { generation, place } => {
                put("generation", (*generation).into());
                put("place", (*place).into());
            }
            Item::Unreadable | Item::Unknown => {
                self.unreadable += 1;
                put("unreadable", true.into());
                put("bytes", record.payload.len().into());
                put("hex", hex(record.payload.iter().copied()).into());
            }
        }
        Some(line)
    }

    /// The record for people, if it is wanted: fields that are zero or empty are left out.
    pub fn text(&mut self, record: &Record) -> Option<String> {
        let line = self.json(record)?;
        let shown = |key: &str| match line.get(key) {
            Some(Json::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let mut text = format!(
            "{} {:>9}  {:<15} {:<8}",
            utc(record.stamp),
            record.sequence,
            plain(&shown("kind")),
            plain(&shown("symbol")),
        );
        for (key, value) in &line {
            if matches!(key.as_str(), "sequence" | "time_ns" | "kind" | "symbol" | "instrument") {
                continue;
            }
            let (name, value) = match value {
                Json::Null | Json::Bool(false) => continue,
                Json::Bool(true) => {
                    let _ = write!(text, " {key}");
                    continue;
                }
                Json::Number(number) if number.as_i64() == Some(0) => continue,
                Json::Number(number) => number_text(key, number),
                Json::String(string) if string.is_empty() => continue,
                Json::String(string) => (key.as_str(), plain(string)),
                other => (key.as_str(), plain(&other.to_string())),
            };
            // Writing to a string cannot fail.
            let _ = write!(text, " {name}={value}");
        }
        Some(text.trim_end().to_string())
    }
}

fn number_text<'a>(key: &'a str, number: &serde_json::Number) -> (&'a str, String) {
    if let (Some(name), Some(e4)) = (key.strip_suffix("_e4"), number.as_i64()) {
        return (name, dollars(e4));
    }
    if let (Some(name), Some(ns)) = (key.strip_suffix("_ns"), number.as_u64()) {
        let is_time = ns >= TIMES_FROM;
        return (name, if is_time { utc(Nanos(ns))[11..].into() } else { format!("{ns}ns") });
    }
    (key, number.to_string())
}

/// Without what a terminal could take for a command.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn json(value: Value) -> Json {
    match value {
        Value::Unsigned(number) => number.into(),
        Value::Signed(number) => number.into(),
        Value::Flag(flag) => flag.into(),
        Value::Name(name) => name.into(),
        Value::Symbol(symbol) => {
            String::from_utf8_lossy(&symbol.0).trim_end_matches([' ', '\0']).into()
        }
    }
}

fn hex(bytes: impl Iterator<Item = u8>) -> String {
    bytes.take(BYTES_SHOWN).map(|byte| format!("{byte:02x}")).collect()
}

fn is_wanted(wanted: &Wanted, symbols: &Symbols, record: &Record, item: &Item<'_>) -> bool {
    if record.sequence < wanted.from {
        return false;
    }
    if !wanted.kinds.is_empty() && !wanted.kinds.contains(&record.kind) {
        return false;
    }
    let entry = match item {
        Item::Entry(entry) => Some(entry),
        _ => None,
    };
    if let Some(symbol) = &wanted.symbol {
        let about = entry.and_then(item::instrument).map(|id| symbols.name(id));
        if about.as_ref() != Some(symbol) {
            return false;
        }
    }
    wanted.order.is_none_or(|order| match entry {
        Some(Entry::Intended(it)) => it.user_ref.0 == order || it.original.0 == order,
        Some(Entry::Answered(it)) => it.user_ref.0 == order || it.original.0 == order,
        _ => false,
    })
}
