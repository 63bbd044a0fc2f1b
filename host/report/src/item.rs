//! Records of the journal as what they say.

use serde_json::Value as Json;
use std::collections::BTreeMap;
use tercel_control::recorder::{KIND_CLOCK, KIND_DEED, KIND_MARK, KIND_START};
use tercel_engine::tape::Entry;
use tercel_types::InstrumentId;

/// What a record says.
// One at a time, on the stack of a cold thread, as the entry itself.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub enum Item<'a> {
    /// An entry of the tape.
    Entry(Entry<'a>),
    /// A deed, the state of the clock, or a start, as its kind tells.
    Json(Json),
    /// How far a tape is written down.
    Mark {
        /// Generation of the tape.
        generation: u64,
        /// The place, in words.
        place: u64,
    },
    /// A kind that is known, and content that is none of it.
    Unreadable,
    /// A kind that is not known here.
    Unknown,
}

/// A kind of record.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: &'static str,
    /// When it is written.
    pub about: &'static str,
}

/// The kinds that are no entries of the tape.
const OTHERS: [Kind; 4] = [
    Kind {
        number: KIND_DEED,
        name: "deed",
        about: "What an operator did, as JSON: once before it is done, once with its outcome.",
    },
    Kind { number: KIND_CLOCK, name: "clock", about: "The state of the clock, as JSON." },
    Kind { number: KIND_MARK, name: "mark", about: "How far a tape is written down." },
    Kind { number: KIND_START, name: "start", about: "With what a host began, as JSON." },
];

/// Every kind that is known, by number.
pub fn kinds() -> impl Iterator<Item = Kind> {
    let entries = Entry::KINDS.iter().map(|info| Kind {
        number: info.kind,
        name: info.name,
        about: info.about.trim(),
    });
    entries.chain(OTHERS)
}

/// The kind of this number.
pub fn kind(number: u16) -> Option<Kind> {
    kinds().find(|kind| kind.number == number)
}

/// The kind of this name.
pub fn kind_named(name: &str) -> Option<Kind> {
    kinds().find(|kind| kind.name == name)
}

/// Reads records; keeps the room for it.
#[derive(Debug, Default)]
pub struct Decoder {
    words: Vec<u64>,
}

impl Decoder {
    /// What a record of this kind and content says.
    pub fn decode<'a>(&'a mut self, kind: u16, payload: &[u8]) -> Item<'a> {
        match kind {
            KIND_DEED | KIND_CLOCK | KIND_START => match serde_json::from_slice(payload) {
                Ok(json @ Json::Object(_)) => Item::Json(json),
                Ok(_) | Err(_) => Item::Unreadable,
            },
            KIND_MARK => match payload.as_chunks::<8>() {
                ([generation, place], []) => Item::Mark {
                    generation: u64::from_le_bytes(*generation),
                    place: u64::from_le_bytes(*place),
                },
                _ => Item::Unreadable,
            },
            _ if Entry::KINDS.iter().any(|info| info.kind == kind) => {
                let (words, rest) = payload.as_chunks::<8>();
                self.words.clear();
                self.words.extend(words.iter().map(|word| u64::from_le_bytes(*word)));
                match Entry::read(kind, &self.words).filter(|_| rest.is_empty()) {
                    Some(entry) => Item::Entry(entry),
                    None => Item::Unreadable,
                }
            }
            _ => Item::Unknown,
        }
    }
}

/// The instrument that an entry is about.
pub fn instrument(entry: &Entry<'_>) -> Option<InstrumentId> {
    match entry {
        Entry::Named(named) => Some(named.instrument),
        Entry::Intended(intended) => Some(intended.instrument),
        Entry::Answered(answered) => Some(answered.instrument),
        Entry::Holding(holding) => Some(holding.instrument),
        Entry::Limited(limited) => Some(limited.instrument),
        Entry::Paused(paused) => (!paused.all).then_some(paused.instrument),
        Entry::Depth(depth) => Some(depth.instrument),
        _ => None,
    }
}

/// Symbols by stock locate, as the journal has named them so far.
#[derive(Clone, Debug, Default)]
pub struct Symbols(BTreeMap<u16, String>);

impl Symbols {
    /// Learns from an entry.
    pub fn apply(&mut self, entry: &Entry<'_>) {
        if let Entry::Named(named) = entry {
            let symbol = String::from_utf8_lossy(&named.symbol.0);
            let symbol = symbol.trim_end_matches([' ', '\0']).to_string();
            self.0.insert(named.instrument.0, symbol);
        }
    }

    /// The symbol; the stock locate behind a `#` where it was not named.
    pub fn name(&self, instrument: InstrumentId) -> String {
        let name = self.0.get(&instrument.0).cloned();
        name.unwrap_or_else(|| format!("#{}", instrument.0))
    }
}
