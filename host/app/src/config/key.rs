//! Keys: names with dots between them and places in lists in brackets, as in
//! `instrument[0].risk.position_max`.

use toml::{Table, Value};

/// One step of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step<'a> {
    /// Into a table.
    Name(&'a str),
    /// Into a list.
    At(usize),
}

/// The steps of a key.
pub(super) fn steps(key: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for part in key.split('.') {
        let mut pieces = part.split('[');
        steps.extend(pieces.next().filter(|name| !name.is_empty()).map(Step::Name));
        let places = pieces.filter_map(|piece| piece.strip_suffix(']')?.parse().ok());
        steps.extend(places.map(Step::At));
    }
    steps
}

/// The key of a table's entry.
pub(super) fn join(table: &str, name: &str) -> String {
    if table.is_empty() { name.into() } else { format!("{table}.{name}") }
}

/// The key of the table or list around a key; empty for the whole.
pub(super) fn parent(key: &str) -> &str {
    key.rfind(['.', '[']).map_or("", |at| &key[..at])
}

/// The value of a key.
pub(super) fn get<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    let mut steps = steps(key).into_iter();
    let Some(Step::Name(first)) = steps.next() else { return None };
    steps.try_fold(table.get(first)?, |value, step| match step {
        Step::Name(name) => value.get(name),
        Step::At(at) => value.get(at),
    })
}

/// Sets a key, making the tables around it; nothing where the way leads through something else or
/// past the end of a list.
pub(super) fn set(table: &mut Table, key: &str, value: Value) {
    let steps = steps(key);
    let Some((Step::Name(last), way)) = steps.split_last() else { return };
    if let Some(table) = table_at(table, way) {
        table.insert((*last).into(), value);
    }
}

/// Takes a key out.
pub(super) fn remove(table: &mut Table, key: &str) -> Option<Value> {
    let steps = steps(key);
    let Some((Step::Name(last), way)) = steps.split_last() else { return None };
    table_at(table, way)?.remove(*last)
}

/// The table that a way leads to, made where it is missing.
fn table_at<'a>(table: &'a mut Table, way: &[Step<'_>]) -> Option<&'a mut Table> {
    let Some((Step::Name(first), rest)) = way.split_first() else {
        return way.is_empty().then_some(table);
    };
    let empty = || Value::Table(Table::new());
    let mut value = table.entry((*first).to_string()).or_insert_with(empty);
    for step in rest {
        value = match step {
            Step::Name(name) => {
                value.as_table_mut()?.entry((*name).to_string()).or_insert_with(empty)
            }
            Step::At(at) => value.as_array_mut()?.get_mut(*at)?,
        };
    }
    value.as_table_mut()
}

/// Calls for every value below a key, tables and lists of tables included, outermost first.
pub(super) fn each(key: &str, value: &Value, call: &mut impl FnMut(&str, &Value)) {
    call(key, value);
    match value {
        Value::Table(table) => {
            for (name, value) in table {
                each(&join(key, name), value, call);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_table) => {
            for (at, value) in list.iter().enumerate() {
                each(&format!("{key}[{at}]"), value, call);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_through_tables_and_lists() {
        let mut table: Table = toml::from_str("a.b = 1\n[[list]]\nx = 2\n").expect("TOML");
        assert_eq!(get(&table, "a.b"), Some(&Value::Integer(1)));
        assert_eq!(get(&table, "list[0].x"), Some(&Value::Integer(2)));
        assert_eq!(get(&table, "list[1].x"), None);
        set(&mut table, "list[0].y.z", Value::Integer(3));
        set(&mut table, "list[7].y", Value::Integer(3));
        set(&mut table, "a.b.c", Value::Integer(3));
        assert_eq!(get(&table, "list[0].y.z"), Some(&Value::Integer(3)));
        assert_eq!(remove(&mut table, "a.b"), Some(Value::Integer(1)));
        assert_eq!(remove(&mut table, "a.b"), None);
        assert_eq!(parent("list[0].x"), "list[0]");
        assert_eq!((parent("list[0]"), parent("a")), ("list", ""));
    }
}
