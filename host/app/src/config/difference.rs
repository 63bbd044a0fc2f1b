//! What changes between two configurations, and what a running host can take.

use super::Config;
use super::effective::Entry;
use super::layers::Origin;
use super::secret::HIDDEN;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// When a change takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reload {
    /// A running host can take it.
    Now,
    /// The host has to be started anew.
    Restart,
}

impl Reload {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Reload::Now => "now",
            Reload::Restart => "restart",
        }
    }
}

/// A key whose value changes.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Change {
    /// Tables of lists by their symbol or name: `instrument[SIM000].risk.position_max`.
    pub(crate) key: String,
    /// `None`: not set. Secrets are hidden.
    pub(crate) old: Option<Value>,
    /// Likewise.
    pub(crate) new: Option<Value>,
    /// When it takes effect.
    pub(crate) takes: Reload,
}

/// When a change of a key takes effect: limits of the account and of instruments at once,
/// everything else at the next start.
pub(super) fn reload(key: &str) -> Reload {
    let of_instrument = key.strip_prefix("instrument[").and_then(|rest| rest.split_once(']'));
    let now = key.starts_with("risk.account.")
        || key.starts_with("risk.instrument.")
        || of_instrument.is_some_and(|(_, leaf)| leaf.starts_with(".risk."));
    if now { Reload::Now } else { Reload::Restart }
}

impl Config {
    /// What changes from one configuration to another, in the order of the schema; nothing for a
    /// value that is only written otherwise, or elsewhere.
    ///
    /// Instruments are told apart by their symbols. One that comes or goes is one change, and so is
    /// another order of those that stay.
    pub(crate) fn difference(old: &Config, new: &Config) -> Vec<Change> {
        let (before, after) = (old.by_name(), new.by_name());
        let mut changes = Vec::new();
        lists(old, new, &mut changes);
        let mut told = |key: &str, old: Option<&Value>, new: Option<&Value>| {
            if old != new {
                let (old, new) = (old.cloned(), new.cloned());
                changes.push(Change { takes: reload(key), key: key.into(), old, new });
            }
        };
        for (key, value) in &before.values {
            if after.has_list_of(key) {
                told(key, value.as_ref(), after.value(key));
            }
        }
        for (key, value) in &after.values {
            if before.has_list_of(key) && !before.places.contains_key(key) {
                told(key, None, value.as_ref());
            }
        }
        // A file or a variable may hold another password than before.
        let (was, is) = (&old.secrets, &new.secrets);
        for (old, new) in [(&was.glimpse, &is.glimpse), (&was.orders, &is.orders)] {
            if !old.is_same(new) && !changes.iter().any(|change| change.key == new.key()) {
                let hidden = || Some(Value::from(HIDDEN));
                let (key, takes) = (new.key().to_string(), Reload::Restart);
                changes.push(Change { key, old: hidden(), new: hidden(), takes });
            }
        }
        changes
    }

    /// The values that are set or have a default of their own, with tables of lists by name.
    fn by_name(&self) -> Named {
        let mut named = Named::default();
        for Entry { key, value, origin } in self.effective() {
            let value = value.filter(|_| !matches!(origin, Origin::As(_)));
            let key = self.name_of(&key);
            if let Some((list, _)) = key.split_once("].") {
                named.lists.push(format!("{list}]"));
            }
            named.places.insert(key.clone(), named.values.len());
            named.values.push((key, value));
        }
        named
    }

    /// A key with the name of the list's table instead of its place.
    fn name_of(&self, key: &str) -> String {
        let parts = key.split_once('[').and_then(|(list, rest)| {
            let (at, leaf) = rest.split_once(']')?;
            Some((list, *self.names(list).get(at.parse::<usize>().ok()?)?, leaf))
        });
        match parts {
            Some((list, name, leaf)) => format!("{list}[{name}]{leaf}"),
            None => key.into(),
        }
    }

    /// The names of the tables of a list, in their order.
    fn names(&self, list: &str) -> Vec<&str> {
        let tables = self.layers.table.get(list).and_then(toml::Value::as_array);
        let tables = tables.map_or(&[][..], Vec::as_slice);
        tables
            .iter()
            .map(|one| {
                let keys = ["symbol", "name", "manifest", "kind"];
                keys.iter().find_map(|key| one.get(key)?.as_str()).unwrap_or_default()
            })
            .collect()
    }
}

/// The values of a configuration by their keys.
#[derive(Default)]
struct Named {
    values: Vec<(String, Option<Value>)>,
    places: BTreeMap<String, usize>,
    /// Tables of lists that are there.
    lists: Vec<String>,
}

impl Named {
    fn value(&self, key: &str) -> Option<&Value> {
        self.values[*self.places.get(key)?].1.as_ref()
    }

    /// Whether the table of a list that a key belongs to is there; true for other keys.
    fn has_list_of(&self, key: &str) -> bool {
        key.split_once("].").is_none_or(|(table, _)| {
            let table = format!("{table}]");
            self.lists.contains(&table)
        })
    }
}

/// Tables of lists that come, go or change places.
fn lists(old: &Config, new: &Config, changes: &mut Vec<Change>) {
    for list in ["instrument", "challenger"] {
        let (before, after) = (old.names(list), new.names(list));
        let mut told = |key: String, old: Option<Value>, new: Option<Value>| {
            changes.push(Change { key, old, new, takes: Reload::Restart });
        };
        let there = || Some(Value::from("listed"));
        for name in before.iter().filter(|name| !after.contains(name)) {
            told(format!("{list}[{name}]"), there(), None);
        }
        for name in after.iter().filter(|name| !before.contains(name)) {
            told(format!("{list}[{name}]"), None, there());
        }
        let stay = |all: &[&str], others: &[&str]| -> Vec<String> {
            let stay = all.iter().filter(|name| others.contains(name));
            stay.map(|name| (*name).to_string()).collect()
        };
        let (was, is) = (stay(&before, &after), stay(&after, &before));
        if was != is {
            told(list.into(), Some(was.into()), Some(is.into()));
        }
    }
}
