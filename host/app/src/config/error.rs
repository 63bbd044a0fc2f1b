//! Errors of a configuration that say where: file and line, variable or flag, key, value and what
//! is allowed.

use super::layers::Origin;
use std::fmt;
use std::path::{Path, PathBuf};

/// What is wrong with a configuration, and where.
#[derive(Debug)]
pub(crate) struct ConfigError {
    pub(super) file: PathBuf,
    pub(super) origin: Origin,
    pub(super) key: String,
    /// As it is written; empty for secrets, tables and what is not there.
    pub(super) value: String,
    pub(super) problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File(line) => write!(f, "{}:{line}: ", self.file.display())?,
            Origin::Environment(name) => write!(f, "{name} in the environment: ")?,
            Origin::Flag(flag) => write!(f, "--set {flag}: ")?,
            Origin::Default | Origin::As(_) => write!(f, "{}:1: ", self.file.display())?,
        }
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
    /// Nothing could be read, for no reason that is known.
    pub(super) fn unreadable(file: &Path) -> ConfigError {
        ConfigError {
            file: file.into(),
            origin: Origin::Default,
            key: String::new(),
            value: String::new(),
            problem: "cannot be read; `tercel config check` says more".into(),
        }
    }

    /// What is wrong, without where.
    pub(crate) fn problem(&self) -> &str {
        &self.problem
    }

    /// The key that it is about; empty for none.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}
