//! Where values come from: the file, above it the environment, above that the flags.
//!
//! A variable is `TERCEL__` and the names of a key with `__` between them, such as
//! `TERCEL__RISK__ACCOUNT__GROSS_MAX` or `TERCEL__INSTRUMENT__SIM000__RISK__POSITION_MAX`. A
//! flag is
//! `--set risk.account.gross_max=1000000` or `--set instrument[SIM000].risk.position_max=200`. In
//! both, small and capital letters are the same in names of keys, and so are `-` and `_`. A
//! table of
//! a list is named by its symbol or name, else by its place from 0. Texts are taken as they are;
//! everything else is written as in TOML, tables and lists included.

use super::error::ConfigError;
use super::key::{self, join};
use super::schema;
use super::secret::{forms, is_secret};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// What variables for the configuration begin with.
const PREFIX: &str = "TERCEL__";

/// Where a value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// Nobody has set it.
    Default,
    /// Nobody has set it, and another key decides.
    As(String),
    /// This line of the file.
    File(usize),
    /// This variable.
    Environment(String),
    /// `--set` with this key.
    Flag(String),
}

/// What comes above the file.
#[derive(Clone, Default, Debug)]
pub(crate) struct Overrides {
    /// Variables with their values; `None` for one that is no UTF-8.
    variables: BTreeMap<String, Option<String>>,
    flags: Vec<String>,
}

impl Overrides {
    /// Those variables of this process that are for the configuration, and `--set` flags.
    pub(crate) fn of_process(flags: &[String]) -> Overrides {
        let named = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
            Some((name, value.into_string().ok()))
        };
        Overrides {
            variables: std::env::vars_os().filter_map(named).collect(),
            flags: flags.into(),
        }
    }

    /// Given ones.
    #[cfg(test)]
    pub(super) fn new(variables: &[(String, String)], flags: &[String]) -> Overrides {
        let variables = variables.iter().map(|(name, value)| (name.clone(), Some(value.clone())));
        Overrides { variables: variables.collect(), flags: flags.into() }
    }
}

/// The values of all layers, and where each comes from.
#[derive(Clone)]
pub(super) struct Layers {
    pub(super) file: PathBuf,
    pub(super) table: Table,
    pub(super) origins: BTreeMap<String, Origin>,
}

impl Layers {
    /// Reads the file, which has to be TOML.
    pub(super) fn of_file(file: &Path, text: &str) -> Result<Layers, ConfigError> {
        let lines = Lines::of(text);
        let parsed = DeTable::parse(text).map_err(|error| ConfigError {
            file: file.into(),
            origin: Origin::File(lines.at(error.span().map_or(0, |span| span.start))),
            key: String::new(),
            value: String::new(),
            problem: error.message().replace('\n', " "),
        })?;
        let mut layers =
            Layers { file: file.into(), table: Table::new(), origins: BTreeMap::new() };
        places(parsed.get_ref(), "", &mut |key, offset| {
            layers.origins.insert(key, Origin::File(lines.at(offset)));
        });
        // It was read just now: an error would be one of a value's range.
        layers.table = toml::from_str(text).map_err(|error: toml::de::Error| {
            let origin = Origin::File(lines.at(error.span().map_or(0, |span| span.start)));
            layers.error(origin, "", error.message().replace('\n', " "))
        })?;
        Ok(layers)
    }

    /// Puts the overrides above; what cannot be is told and left out.
    pub(super) fn apply(&mut self, overrides: &Overrides) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        let mut variables = BTreeMap::<String, String>::new();
        for (name, value) in &overrides.variables {
            let origin = Origin::Environment(name.clone());
            let steps: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_owned).collect();
            let found = match value {
                None => Err("its value is no UTF-8".into()),
                Some(value) => self.find(&steps).map(|(key, node)| (key, node, value)),
            };
            let (key, node, value) = match found {
                Ok(found) => found,
                Err(problem) => {
                    errors.push(self.error(origin, "", problem));
                    continue;
                }
            };
            match variables.insert(key.clone(), name.clone()) {
                Some(other) => {
                    let problem = format!("sets the same key as {other}: keep one of the two");
                    errors.push(self.error(origin, &key, problem));
                }
                None => self.put(&key, typed(node, value), &origin),
            }
        }
        for (at, flag) in overrides.flags.iter().enumerate() {
            let Some((name, value)) = flag.split_once('=') else {
                let origin = Origin::Flag(format!("number {}", at + 1));
                let problem = "has no `=`: write --set KEY=VALUE".into();
                errors.push(self.error(origin, "", problem));
                continue;
            };
            let origin = Origin::Flag(name.trim().into());
            match self.find(&flag_steps(name.trim())) {
                Ok((key, _)) if is_secret(&key) => {
                    let problem = format!(
                        "everybody on this machine can see the arguments of a command: set \
                         {key}_file or {key}_env"
                    );
                    errors.push(self.error(origin, &key, problem));
                }
                Ok((key, node)) => self.put(&key, typed(node, value), &origin),
                Err(problem) => errors.push(self.error(origin, "", problem)),
            }
        }
        errors
    }

    /// The key that a variable or a flag names, with its schema.
    fn find(&self, steps: &[String]) -> Result<(String, &'static serde_json::Value), String> {
        let mut node = schema::schema();
        let mut key = String::new();
        for step in steps {
            if let Some(known) = schema::properties(node) {
                let Some((name, below)) = known.iter().find(|(name, _)| same(name, step)) else {
                    return Err(format!("`{step}`: {}", schema::unknown(known, &key, step)));
                };
                key = join(&key, name);
                node = below;
            } else if let Some(items) = schema::items(node) {
                key = format!("{key}[{}]", self.place(&key, step)?);
                node = items;
            } else {
                return Err(format!("`{key}` has no keys below it, and {step:?} is named"));
            }
        }
        Ok((key, node))
    }

    /// The place in a list of the table with this symbol or name, or of this number.
    fn place(&self, key: &str, step: &str) -> Result<usize, String> {
        let list = key::get(&self.table, key).and_then(Value::as_array);
        let list = list.map_or(&[][..], Vec::as_slice);
        let name = |one: &Value| {
            let name = one.get("symbol").or(one.get("name"));
            name.and_then(Value::as_str).map(str::to_owned)
        };
        let named = list.iter().position(|one| name(one).as_deref() == Some(step));
        let place = named.or_else(|| step.parse().ok().filter(|at| *at < list.len()));
        place.ok_or_else(|| {
            let names: Vec<String> = list.iter().take(20).filter_map(name).collect();
            let names = names.join(", ");
            format!(
                "no table [[{key}]] is named {step:?}; there are {} of them: {names}",
                list.len()
            )
        })
    }

    /// Sets a key above what is there.
    fn put(&mut self, key: &str, value: Value, origin: &Origin) {
        // A form of a password replaces the other forms of the layers below.
        for other in forms(key).into_iter().flatten().filter(|other| other != key) {
            let layer = |origin: &Origin| std::mem::discriminant(origin);
            if self.origins.get(&other).is_some_and(|below| layer(below) != layer(origin)) {
                key::remove(&mut self.table, &other);
                self.origins.remove(&other);
            }
        }
        let below =
            |one: &str| one.starts_with(&format!("{key}.")) || one.starts_with(&format!("{key}["));
        self.origins.retain(|one, _| !below(one));
        key::each(key, &value, &mut |key, _| {
            self.origins.insert(key.into(), origin.clone());
        });
        key::set(&mut self.table, key, value);
    }

    /// Where a key comes from; for one that is not there, what is around it.
    pub(super) fn origin(&self, key: &str) -> Origin {
        let mut key = key;
        loop {
            if let Some(origin) = self.origins.get(key) {
                return origin.clone();
            }
            if key.is_empty() {
                return Origin::File(1);
            }
            key = key::parent(key);
        }
    }

    /// An error in the value of `key`.
    pub(super) fn wrong(&self, key: &str, problem: impl Into<String>) -> ConfigError {
        let shown = key::get(&self.table, key).filter(|value| !value.is_table() && !is_secret(key));
        let shown = shown.filter(|value| !value.is_array());
        let error = self.error(self.origin(key), key, problem.into());
        ConfigError { value: shown.map(Value::to_string).unwrap_or_default(), ..error }
    }

    fn error(&self, origin: Origin, key: &str, problem: String) -> ConfigError {
        ConfigError {
            file: self.file.clone(),
            origin,
            key: key.into(),
            value: String::new(),
            problem,
        }
    }
}

/// Whether a name of the schema is meant.
fn same(name: &str, written: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    plain(name) == plain(written)
}

/// The names of a flag's key: `instrument[BRK.B].order_qty` are three.
fn flag_steps(key: &str) -> Vec<String> {
    let mut steps = vec![String::new()];
    let mut inside = false;
    for letter in key.chars() {
        match letter {
            '.' if !inside => steps.push(String::new()),
            '[' if !inside => {
                inside = true;
                steps.push(String::new());
            }
            ']' if inside => inside = false,
            other => steps.last_mut().into_iter().for_each(|step| step.push(other)),
        }
    }
    steps
}

/// A text as a value of a key: texts as they are, all else as TOML.
fn typed(node: &serde_json::Value, text: &str) -> Value {
    let as_text = || Value::String(text.into());
    let is_text = node["type"] == "string" || node.get("oneOf").is_some();
    if is_text {
        return as_text();
    }
    let table = toml::from_str::<Table>(&format!("value = {text}"));
    let value =
        table.ok().filter(|table| table.len() == 1).and_then(|mut table| table.remove("value"));
    value.unwrap_or_else(as_text)
}

/// Every key of a text with the byte that it begins at.
fn places(table: &DeTable<'_>, key: &str, call: &mut impl FnMut(String, usize)) {
    for (name, value) in table {
        let key = join(key, name.get_ref());
        call(key.clone(), name.span().start);
        places_below(value, &key, call);
    }
}

fn places_below(value: &Spanned<DeValue<'_>>, key: &str, call: &mut impl FnMut(String, usize)) {
    match value.get_ref() {
        DeValue::Table(table) => places(table, key, call),
        DeValue::Array(list) => {
            for (at, one) in list.iter().enumerate().filter(|(_, one)| one.get_ref().is_table()) {
                let key = format!("{key}[{at}]");
                call(key.clone(), one.span().start);
                places_below(one, &key, call);
            }
        }
        _ => {}
    }
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Lines {
        Lines(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// The line of a byte, from 1.
    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|newline| *newline < offset) + 1
    }
}
