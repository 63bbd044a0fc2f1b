//! What operators did, and the limits that changed.

use super::KEPT_MAX;
use crate::item::Symbols;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
use tercel_engine::tape::{Entry, Value};
use tercel_types::Nanos;

/// How long before a change a deed may lie and still be taken for its reason, ns.
const DEED_WITHIN: u64 = 60_000_000_000;

/// What an operator did: the two records of it as one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Deed {
    /// Stamp of the first record.
    pub time_ns: u64,
    /// Number since the host began.
    pub number: u64,
    /// Who.
    pub who: String,
    /// With which role.
    pub role: String,
    /// From which address.
    pub from: String,
    /// What.
    pub what: String,
    /// About which symbol, policy or account.
    pub about: String,
    /// Why.
    pub reason: String,
    /// What came of it; empty if the journal does not say.
    pub outcome: String,
}

/// A limit that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LimitChange {
    /// When.
    pub time_ns: u64,
    /// Symbol, or `account`.
    pub of: String,
    /// Name of the limit with its unit.
    pub limit: String,
    /// The old value.
    pub old: i64,
    /// The new one.
    pub new: i64,
    /// Who; `start` if it came with one, empty if the journal does not say.
    pub who: String,
    /// Why.
    pub why: String,
}

#[derive(Debug, Default)]
pub(super) struct Limits {
    pub(super) deeds: Vec<Deed>,
    pub(super) changes: Vec<LimitChange>,
    pub(super) left_out: u64,
    places: HashMap<(u64, u64), usize>,
    /// Values by what they are of, whole.
    known: BTreeMap<String, Vec<(String, i64)>>,
    /// Those that were told since the last start.
    told: BTreeMap<String, ()>,
    /// The last deed about limits, by what it is about: when, who, why.
    asked: BTreeMap<String, (u64, String, String)>,
}

impl Limits {
    pub(super) fn started(&mut self) {
        self.told.clear();
    }

    pub(super) fn deed(&mut self, now: Nanos, is_today: bool, json: &Json) {
        let text = |key: &str| json[key].as_str().unwrap_or("").to_string();
        let deed = Deed {
            time_ns: now.0,
            number: json["number"].as_u64().unwrap_or(0),
            who: text("who"),
            role: text("role"),
            from: text("from"),
            what: text("what"),
            about: text("about"),
            reason: text("reason"),
            outcome: outcome(&json["outcome"]),
        };
        if deed.what.contains("limit") && self.asked.len() < KEPT_MAX {
            let asked = (now.0, deed.who.clone(), deed.reason.clone());
            self.asked.insert(deed.about.clone(), asked);
        }
        if !is_today {
            return;
        }
        // The deed's own number and time are in both of its records.
        let id = (deed.number, json["time_ns"].as_u64().unwrap_or(now.0));
        if let Some(first) = self.places.get(&id).and_then(|place| self.deeds.get_mut(*place)) {
            first.outcome = deed.outcome;
        } else if self.deeds.len() >= KEPT_MAX {
            self.left_out += 1;
        } else {
            self.places.insert(id, self.deeds.len());
            self.deeds.push(deed);
        }
    }

    pub(super) fn entry(
        &mut self,
        now: Nanos,
        is_today: bool,
        entry: &Entry<'_>,
        symbols: &Symbols,
    ) {
        let of = match entry {
            Entry::Limited(limited) => symbols.name(limited.instrument),
            Entry::AccountLimited(_) => "account".into(),
            _ => return,
        };
        let mut values = Vec::new();
        entry.each(|name, suffix, value| {
            let value = match value {
                Value::Unsigned(value) => i64::try_from(value).unwrap_or(i64::MAX),
                Value::Signed(value) => value,
                Value::Flag(value) => value.into(),
                Value::Name(_) | Value::Symbol(_) => return,
            };
            if name != "instrument" {
                values.push((format!("{name}{suffix}"), value));
            }
        });
        let is_first = self.told.insert(of.clone(), ()).is_none();
        let Some(old) = self.known.insert(of.clone(), values.clone()) else { return };
        let asked =
            self.asked.get(&of).filter(|(at, ..)| now.0 >= *at && now.0 - at <= DEED_WITHIN);
        let (who, why) = match asked {
            _ if is_first => ("start".to_string(), "the configuration".to_string()),
            Some((_, who, why)) => (who.clone(), why.clone()),
            None => Default::default(),
        };
        for ((limit, new), (_, old)) in
            values.into_iter().zip(old).filter(|((_, n), (_, o))| n != o)
        {
            if !is_today {
                continue;
            }
            if self.changes.len() >= KEPT_MAX {
                self.left_out += 1;
                continue;
            }
            let (of, who, why) = (of.clone(), who.clone(), why.clone());
            self.changes.push(LimitChange { time_ns: now.0, of, limit, old, new, who, why });
        }
    }
}

fn outcome(json: &Json) -> String {
    match (json["said"].as_str(), json["status"].as_u64()) {
        (Some(said), Some(status)) => format!("{said} ({status})"),
        _ => json.as_str().unwrap_or("").to_string(),
    }
}
