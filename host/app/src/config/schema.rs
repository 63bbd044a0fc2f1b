//! The JSON schema of the configuration, from the types that read it.
//!
//! Everything that has to know which keys there are asks it: the search for unknown keys, the
//! overrides, and what `config show` prints.

use super::difference::reload;
use super::key::{join, parent};
use super::values::Values;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

/// The keyword that says when a change of a key takes effect: `"now"` or `"restart"`.
const RELOAD: &str = "x-reload";
/// The keyword of a table that may be left out as a whole, with what it describes.
const OPTIONAL: &str = "x-optional";

/// The schema, as `tercel config schema` prints it.
pub(crate) fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.inline_subschemas = true;
        });
        let mut root = settings.into_generator().into_root_schema_for::<Values>().to_value();
        root["title"] = json!("Tercel host configuration");
        without_null(&mut root);
        annotate(&mut root, "");
        root
    })
}

/// TOML knows no null: what may be null may be left out.
fn without_null(node: &mut Value) {
    if let Some(of) = node.get_mut("anyOf").and_then(Value::as_array_mut) {
        let null = |one: &Value| one["type"] == "null";
        if of.len() == 2 && of.iter().any(null) {
            of.retain(|one| !null(one));
            let inner = of.pop();
            let object = node.as_object_mut();
            if let (Some(Value::Object(inner)), Some(object)) = (inner, object) {
                object.remove("anyOf");
                for (word, value) in inner {
                    object.entry(word).or_insert(value);
                }
                object.insert(OPTIONAL.into(), true.into());
            }
        }
    }
    let Some(object) = node.as_object_mut() else { return };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        let whole =
            types.iter().any(|one| one == "null") && types.iter().any(|one| one == "object");
        types.retain(|one| one != "null");
        if let [one] = &types[..] {
            let one = one.clone();
            object.insert("type".into(), one);
        }
        if whole {
            object.insert(OPTIONAL.into(), true.into());
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|one| !one.is_null());
    }
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(without_null);
    }
    if let Some(items) = object.get_mut("items") {
        without_null(items);
    }
}

/// Writes to each key when a change of it takes effect.
fn annotate(node: &mut Value, key: &str) {
    let Some(object) = node.as_object_mut() else { return };
    let table = object.contains_key("properties");
    if !table {
        object.remove(OPTIONAL);
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        for (name, value) in properties {
            annotate(value, &join(key, name));
        }
    } else if object.get("items").is_some_and(|items| items.get("properties").is_some()) {
        annotate(&mut object["items"], &format!("{key}[0]"));
    } else {
        object.insert(RELOAD.into(), reload(key).name().into());
    }
}

/// The keys of a table, in their order; `None` for what is no table.
pub(super) fn properties(node: &Value) -> Option<&Map<String, Value>> {
    node.get("properties")?.as_object()
}

/// The schema of the tables in a list of tables.
pub(super) fn items(node: &Value) -> Option<&Value> {
    node.get("items").filter(|items| properties(items).is_some())
}

/// Whether a table may be left out as a whole.
pub(super) fn is_optional(node: &Value) -> bool {
    node.get(OPTIONAL).is_some()
}

/// The keys that a table must have.
pub(super) fn required(node: &Value) -> impl Iterator<Item = &str> {
    node.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// What is wrong with the keys of a table: those that nobody knows, and those that are missing.
/// Unknown ones are taken out. What is said is the key and the problem.
pub(super) fn check(node: &Value, table: &mut toml::Table, key: &str) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    let Some(known) = properties(node) else { return problems };
    let strangers: Vec<String> =
        table.keys().filter(|name| !known.contains_key(*name)).cloned().collect();
    for name in strangers {
        table.remove(&name);
        problems.push((join(key, &name), unknown(known, key, &name)));
    }
    for (name, value) in table.iter_mut() {
        let (Some(node), key) = (known.get(name), join(key, name)) else { continue };
        match value {
            toml::Value::Table(table) => problems.extend(check(node, table, &key)),
            _ if properties(node).is_some() => {
                problems.push((key, format!("is a table: write [{name}] with keys below it")));
            }
            toml::Value::Array(list) => {
                let Some(node) = items(node) else { continue };
                for (at, value) in list.iter_mut().enumerate() {
                    if let toml::Value::Table(table) = value {
                        problems.extend(check(node, table, &format!("{key}[{at}]")));
                    }
                }
            }
            _ => {}
        }
    }
    for name in required(node).filter(|name| !table.contains_key(*name)) {
        problems.push((join(key, name), format!("is missing in {}", table_name(key))));
    }
    problems
}

/// What is said of a key that nobody knows.
pub(super) fn unknown(known: &Map<String, Value>, table: &str, name: &str) -> String {
    let near = known
        .keys()
        .map(|one| (strsim::damerau_levenshtein(&name.to_lowercase(), one), one))
        .filter(|(distance, one)| *distance <= (one.len() / 3).max(1))
        .min();
    let table_name = table_name(table);
    match near {
        Some((_, one)) => {
            format!("no such key in {table_name}; did you mean `{}`?", join(table, one))
        }
        None => {
            let known: Vec<_> = known.keys().map(String::as_str).collect();
            format!("no such key in {table_name}; there are {}", known.join(", "))
        }
    }
}

fn table_name(key: &str) -> String {
    match key {
        "" => "the configuration".into(),
        key if key.ends_with(']') => format!("[[{}]]", parent(key)),
        key => format!("[{key}]"),
    }
}
