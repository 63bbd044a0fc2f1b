//! Errors of a configuration that say where: file, line, key, value and what is allowed.

use std::fmt;
use std::path::{Path, PathBuf};

/// What is wrong with a configuration file, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    file: PathBuf,
    line: usize,
    key: String,
    value: String,
    problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file.display(), self.line)?;
        match (self.key.as_str(), self.value.as_str()) {
            ("", _) => {}
            (key, "") => write!(f, "`{key}`: ")?,
            (key, value) => write!(f, "`{key}` is {value}: ")?,
        }
        f.write_str(&self.problem)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// An error that the TOML reader found.
    pub(super) fn parse(file: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let line = text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let place = places(text).find(|place| place.line == line);
        let (key, value) = place.map_or_else(Default::default, |place| (place.key, place.value));
        let problem = error.message().replace('\n', " ");
        ConfigError { file: file.into(), line, key, value, problem }
    }

    /// An error that a later check found in the value of `key`, a path such as `ppo.nets.clip`.
    /// Where the text leaves it to its default, or has it within braces, the line is that of the
    /// nearest table around it.
    pub(super) fn check(file: &Path, text: &str, key: &str, problem: String) -> ConfigError {
        let (mut around, mut found) = (key, None);
        while found.is_none() {
            found = places(text).find(|place| place.key == around);
            match around.rsplit_once('.') {
                Some((table, _)) => around = table,
                None => break,
            }
        }
        let (line, value) = match found {
            Some(place) if place.key == key => (place.line, place.value),
            Some(place) => (place.line, String::new()),
            None => (1, String::new()),
        };
        ConfigError { file: file.into(), line, key: key.into(), value, problem }
    }
}

/// A line of a TOML text with the key and the value on it.
struct Place {
    line: usize,
    key: String,
    value: String,
}

fn places(text: &str) -> impl Iterator<Item = Place> {
    let mut table = String::new();
    text.lines().enumerate().map(move |(index, line)| {
        let (line, mut key, mut value) = (line.trim(), String::new(), "");
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            table = name.trim().into();
            key.clone_from(&table);
        } else if let Some((name, rest)) = line.split_once('=')
            && !line.starts_with('#')
        {
            key = if table.is_empty() { String::new() } else { format!("{table}.") };
            key.push_str(name.trim());
            value = without_comment(rest);
        }
        Place { line: index + 1, key, value: value.into() }
    })
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
