//! Passwords: from the configuration, a file or the environment, and never shown.

use super::{Built, Config};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::path::Path;

/// What is shown of a secret.
pub(crate) const HIDDEN: &str = "<hidden>";

/// Longest file with a password that is read, in bytes.
const FILE_MAX: u64 = 4_096;

/// The three forms of a password, by what follows its name.
pub(super) const FORMS: [&str; 3] = ["", "_file", "_env"];

/// A text that is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// The text itself, for whoever sends it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{HIDDEN}\"")
    }
}

impl<'de> Deserialize<'de> for Secret {
    /// By way of any value: the reader's own error would show it.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        match toml::Value::deserialize(from)? {
            toml::Value::String(text) => Ok(Secret(text)),
            _ => Err(serde::de::Error::custom("must be a text in quotes")),
        }
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "writeOnly": true })
    }
}

/// Whether the value of a key is never shown. A misspelt password is one as well.
pub(super) fn is_secret(key: &str) -> bool {
    let leaf = key.rsplit('.').next().unwrap_or(key);
    leaf.contains("password") && !leaf.ends_with("_file") && !leaf.ends_with("_env")
}

/// The three forms of the password that a key is one of.
pub(super) fn forms(key: &str) -> Option<[String; 3]> {
    let stem = key.strip_suffix("_file").or(key.strip_suffix("_env")).unwrap_or(key);
    is_secret(stem).then(|| FORMS.map(|form| format!("{stem}{form}")))
}

/// The passwords of a configuration, or what is wrong with them.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    pub(super) orders: Outcome,
    pub(super) glimpse: Outcome,
}

/// A password that was looked up; an error is the key and the problem.
#[derive(Clone)]
pub(super) struct Outcome {
    /// The key that it came from; empty where none is set.
    key: String,
    secret: Result<Secret, String>,
    warning: Option<String>,
}

impl Default for Outcome {
    fn default() -> Outcome {
        Outcome { key: String::new(), secret: Ok(Secret::default()), warning: None }
    }
}

impl Outcome {
    /// The key that the password came from.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Whether another one is from the same key and has the same password.
    pub(super) fn is_same(&self, other: &Outcome) -> bool {
        self.key == other.key && self.secret == other.secret
    }

    fn of(
        config: &Config,
        stem: &str,
        plain: Option<&Secret>,
        file: Option<&Path>,
        variable: Option<&str>,
    ) -> Outcome {
        let set = [plain.is_some(), file.is_some(), variable.is_some()];
        let found = FORMS.iter().zip(set).find(|(_, set)| *set);
        let key = found.map_or(String::new(), |(form, _)| format!("{stem}{form}"));
        let outcome = Outcome { key, ..Outcome::default() };
        if set.iter().filter(|set| **set).count() > 1 {
            let problem = format!("set only one of {stem}, {stem}_file and {stem}_env");
            return Outcome { secret: Err(problem), ..outcome };
        }
        match (plain, file, variable) {
            (Some(plain), ..) => Outcome { secret: Ok(plain.clone()), ..outcome },
            (_, Some(file), _) => {
                let file = config.beside(file);
                let warning = open_to_all(&file).then(|| {
                    let file = file.display();
                    format!("{file} can be read by every user; `chmod 600 {file}` keeps it secret")
                });
                Outcome { secret: read(&file), warning, ..outcome }
            }
            (_, _, Some(name)) => {
                let secret = std::env::var(name).map(Secret);
                let secret = secret.map_err(|_| {
                    format!("the environment variable {name:?} is not set, or is no UTF-8")
                });
                Outcome { secret, ..outcome }
            }
            _ => outcome,
        }
    }
}

impl Secrets {
    /// Looks the passwords of a configuration up.
    pub(super) fn of(config: &Config) -> Secrets {
        let (feed, orders) = (&config.values.feed, &config.values.orders);
        Secrets {
            glimpse: Outcome::of(
                config,
                "feed.glimpse_password",
                feed.glimpse_password.as_ref(),
                feed.glimpse_password_file.as_deref(),
                feed.glimpse_password_env.as_deref(),
            ),
            orders: Outcome::of(
                config,
                "orders.password",
                orders.password.as_ref(),
                orders.password_file.as_deref(),
                orders.password_env.as_deref(),
            ),
        }
    }
}

impl Config {
    /// The password of the order session, padded for the wire.
    pub(crate) fn orders_password(&self) -> Built<[u8; 10]> {
        let outcome = &self.secrets.orders;
        if outcome.key.is_empty() {
            let problem = "set one of orders.password, orders.password_file and \
                           orders.password_env";
            return Err(self.wrong("orders.password", problem));
        }
        self.secret(outcome)
    }

    /// The password of the Glimpse session, padded for the wire; spaces where none is set.
    pub(crate) fn glimpse_password(&self) -> Built<[u8; 10]> {
        self.secret(&self.secrets.glimpse)
    }

    fn secret(&self, outcome: &Outcome) -> Built<[u8; 10]> {
        match &outcome.secret {
            Ok(secret) => self.padded(&outcome.key, secret.reveal()),
            Err(problem) => Err(self.wrong(&outcome.key, problem)),
        }
    }

    /// What should be different but keeps nothing from working.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let both = [&self.secrets.glimpse, &self.secrets.orders];
        let told = both.into_iter().filter_map(|outcome| {
            let warning = outcome.warning.as_ref()?;
            Some(self.wrong(&outcome.key, warning).to_string())
        });
        told.collect()
    }
}

/// The first line of a file.
fn read(file: &Path) -> Result<Secret, String> {
    use std::io::Read as _;
    let name = file.display();
    let opened = std::fs::File::open(file).map_err(|error| format!("{name}: {error}"))?;
    let mut text = String::new();
    let read = opened.take(FILE_MAX).read_to_string(&mut text);
    read.map_err(|error| format!("{name}: {error}"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(format!("{name} is empty: it should hold the password and nothing else"));
    }
    Ok(Secret(text.into()))
}

fn open_to_all(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file).map(|data| data.permissions().mode());
    mode.is_ok_and(|mode| mode & 0o004 != 0)
}
