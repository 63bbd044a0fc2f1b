//! Errors of a configuration that say where: file, line, key, value and what is allowed.

use std::fmt;
use std::path::{Path, PathBuf};

/// What is wrong with a configuration file, and where.
#[derive(Debug)]
pub(crate) struct ConfigError {
    file: PathBuf,
    line: usize,
    key: String,
    value: String,
    problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file.display(), self.line)?;
        if !self.key.is_empty() {
            write!(f, "`{}`", self.key)?;
            if !self.value.is_empty() {
                write!(f, " is {}", self.value)?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.problem)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// What is wrong, without where.
    pub(crate) fn problem(&self) -> &str {
        &self.problem
    }

    /// An error that the TOML reader found.
    pub(crate) fn parse(file: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
        let at = error.span().map_or(0, |span| span.start);
        let place = Place::of_offset(text, at);
        ConfigError {
            file: file.into(),
            line: place.line,
            key: place.key,
            value: place.value,
            problem: error.message().replace('\n', " "),
        }
    }

    /// An error that a later check found in the value of `key`, a path such as
    /// `risk.account.credit`.
    pub(crate) fn check(file: &Path, text: &str, key: &str, problem: String) -> ConfigError {
        let place = Place::of_key(text, key);
        ConfigError {
            file: file.into(),
            line: place.line,
            key: key.into(),
            value: place.value,
            problem,
        }
    }
}

/// A line of a TOML text with the key and the value on it.
#[derive(Default)]
struct Place {
    line: usize,
    key: String,
    value: String,
}

impl Place {
    /// The place of a byte of the text.
    fn of_offset(text: &str, offset: usize) -> Place {
        let mut seen = 0;
        Place::all(text)
            .find(|(_, length)| {
                seen += length;
                offset < seen
            })
            .map(|(place, _)| place)
            .unwrap_or_else(|| Place { line: text.lines().count().max(1), ..Place::default() })
    }

    /// The place of a key; where the text leaves it to its default, the first line.
    fn of_key(text: &str, key: &str) -> Place {
        Place::all(text)
            .map(|(place, _)| place)
            .find(|place| place.key == key)
            .unwrap_or_else(|| Place { line: 1, key: key.into(), value: String::new() })
    }

    /// Every line's place, with the line's length in bytes.
    fn all(text: &str) -> impl Iterator<Item = (Place, usize)> {
        let mut table = String::new();
        let mut counts = std::collections::HashMap::<String, usize>::new();
        text.split_inclusive('\n').enumerate().map(move |(index, whole)| {
            let line = whole.trim();
            let mut place = Place { line: index + 1, ..Place::default() };
            if let Some(name) = line.strip_prefix("[[").and_then(|rest| rest.split("]]").next()) {
                let count = counts.entry(name.trim().into()).or_default();
                table = format!("{}[{count}]", name.trim());
                *count += 1;
                place.key.clone_from(&table);
            } else if let Some(name) =
                line.strip_prefix('[').and_then(|rest| rest.split(']').next())
            {
                table = name.trim().into();
                place.key.clone_from(&table);
            } else if let Some((key, value)) = line.split_once('=')
                && !line.starts_with('#')
            {
                let key = key.trim();
                place.key = if table.is_empty() { key.into() } else { format!("{table}.{key}") };
                place.value = without_comment(value).into();
            }
            (place, whole.len())
        })
    }
}

/// The value without a comment behind it; a `#` inside quotes is not one.
fn without_comment(value: &str) -> &str {
    let mut quoted = false;
    for (at, letter) in value.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '#' if !quoted => return value[..at].trim(),
            _ => {}
        }
    }
    value.trim()
}
