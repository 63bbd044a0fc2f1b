//! Every key with its value and where it comes from.

use super::Config;
use super::key::{get, join};
use super::layers::Origin;
use super::schema;
use super::secret::{HIDDEN, is_secret};
use serde_json::{Value, json};
use std::path::Path;

/// A key of a configuration.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Entry {
    /// With the place in its list for a table of a list.
    pub(crate) key: String,
    /// As JSON, secrets hidden; `None` where nothing is set and there is no default.
    pub(crate) value: Option<Value>,
    /// Who set it.
    pub(crate) origin: Origin,
}

impl Entry {
    /// Whether somebody set it.
    pub(crate) fn is_set(&self) -> bool {
        !matches!(self.origin, Origin::Default | Origin::As(_))
    }

    /// The value as TOML writes it.
    pub(crate) fn text(&self) -> String {
        self.value.as_ref().map_or("(not set)".into(), Value::to_string)
    }

    /// Who set it, for reading.
    pub(crate) fn from(&self, file: &Path) -> String {
        match &self.origin {
            Origin::Default if self.value.is_none() => String::new(),
            Origin::Default => "default".into(),
            Origin::As(key) => format!("as {key}"),
            Origin::File(line) => format!("{}:{line}", file.display()),
            Origin::Environment(name) => format!("environment {name}"),
            Origin::Flag(key) => format!("--set {key}"),
        }
    }

    /// All of it as JSON.
    pub(crate) fn json(&self, file: &Path) -> Value {
        let from = match &self.origin {
            Origin::Default => json!({ "layer": "default" }),
            Origin::As(key) => json!({ "layer": "default", "as": key }),
            Origin::File(line) => json!({ "layer": "file", "file": file, "line": line }),
            Origin::Environment(name) => json!({ "layer": "environment", "variable": name }),
            Origin::Flag(key) => json!({ "layer": "flag", "key": key }),
        };
        json!({ "key": self.key, "value": self.value, "from": from })
    }
}

impl Config {
    /// The keys of every section that is there, in the order of the schema. What an
    /// `[[instrument]]` leaves out has the value of `[quote]` or `[risk.instrument]`.
    pub(crate) fn effective(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        self.below(schema::schema(), "", &mut entries);
        entries
    }

    fn below(&self, node: &Value, key: &str, entries: &mut Vec<Entry>) {
        let is_set = get(&self.layers.table, key);
        if let Some(properties) = schema::properties(node) {
            if key.is_empty() || is_set.is_some() || !schema::is_optional(node) {
                for (name, node) in properties {
                    self.below(node, &join(key, name), entries);
                }
            }
        } else if let Some(items) = schema::items(node) {
            let count = is_set.and_then(toml::Value::as_array).map_or(0, Vec::len);
            for at in 0..count {
                self.below(items, &format!("{key}[{at}]"), entries);
            }
        } else {
            let key = key.to_string();
            entries.push(match is_set {
                Some(value) => {
                    let value = Some(shown(&key, value));
                    let origin = self.layers.origin(&key);
                    Entry { key, value, origin }
                }
                None => self.inherited(node, key),
            });
        }
    }

    /// A key that nobody has set.
    fn inherited(&self, node: &Value, key: String) -> Entry {
        let above = key
            .strip_prefix("instrument[")
            .and_then(|rest| rest.split_once("]."))
            .and_then(|(_, leaf)| match leaf {
                "order_qty" | "position_max" => Some(format!("quote.{leaf}")),
                other => {
                    other.strip_prefix("risk.").map(|limit| format!("risk.instrument.{limit}"))
                }
            });
        if let Some(above) = above {
            let value = get(&self.layers.table, &above).map(|value| shown(&above, value));
            let value = value.or_else(|| self.standard(node, &above));
            return Entry { key, value, origin: Origin::As(above) };
        }
        let value = self.standard(node, &key);
        Entry { key, value, origin: Origin::Default }
    }

    /// The default of a key.
    fn standard(&self, node: &Value, key: &str) -> Option<Value> {
        // A collar in cents takes the place of the default one.
        let other = key.strip_suffix("collar_bps").map(|table| format!("{table}collar_cents"));
        if other.is_some_and(|other| get(&self.layers.table, &other).is_some()) {
            return None;
        }
        node.get("default").cloned()
    }
}

/// A value as JSON, unless it is a secret.
fn shown(key: &str, value: &toml::Value) -> Value {
    if is_secret(key) {
        return HIDDEN.into();
    }
    serde_json::to_value(value).unwrap_or_default()
}
