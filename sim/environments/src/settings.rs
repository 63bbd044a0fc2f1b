//! What can be set of an environment: numbers by key, each within its bounds.

use std::collections::BTreeMap;

/// Numbers by key. Which keys there are, and within which bounds, [`crate::settings_of`] says.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Settings {
    values: BTreeMap<String, f64>,
}

/// One thing that can be set.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Setting {
    /// Its key.
    pub key: &'static str,
    /// Its value where nothing is said.
    pub default: f64,
    /// Smallest value.
    pub least: f64,
    /// Largest value.
    pub most: f64,
    /// Whether only whole numbers are allowed.
    pub whole: bool,
    /// What it is, with its unit.
    pub about: &'static str,
}

/// Why there is no such environment.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum EnvError {
    /// No environment has that name.
    #[error("no environment `{name}`, only {}", known.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// The environment has nothing of that name to set.
    #[error("{environment}: no setting `{key}` (is {value}), only {}", allowed.join(", "))]
    Key {
        /// The environment.
        environment: &'static str,
        /// The key.
        key: String,
        /// What it was set to.
        value: f64,
        /// The keys that there are.
        allowed: Vec<&'static str>,
    },
    /// A number out of its bounds, or not whole where it has to be.
    #[error("{environment}: `{key}` is {value}, must be {kind} from {least} to {most}")]
    Range {
        /// The environment.
        environment: &'static str,
        /// The key.
        key: &'static str,
        /// What it was set to.
        value: f64,
        /// "a number" or "a whole number".
        kind: &'static str,
        /// Smallest value.
        least: f64,
        /// Largest value.
        most: f64,
    },
    /// Lanes or threads out of bounds.
    #[error("{what}: {value}, must be from 1 to {most}")]
    Count {
        /// Lanes or threads.
        what: &'static str,
        /// What was asked for.
        value: usize,
        /// The most there may be.
        most: usize,
    },
    /// Settings that do not go together.
    #[error("{environment}: {what}")]
    Together {
        /// The environment.
        environment: &'static str,
        /// What does not go together.
        what: &'static str,
    },
}

impl Settings {
    /// Nothing set: every default.
    pub fn new() -> Settings {
        Settings::default()
    }

    /// As this, with one value set.
    #[must_use]
    pub fn with(mut self, key: &str, value: f64) -> Settings {
        self.set(key, value);
        self
    }

    /// Sets a value. Whether it is allowed shows when an environment is made.
    pub fn set(&mut self, key: &str, value: f64) {
        self.values.insert(key.to_owned(), value);
    }

    /// What was set, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.values.iter().map(|(key, value)| (key.as_str(), *value))
    }

    /// Checks everything that is set against what the environment allows.
    pub(crate) fn check(
        &self,
        environment: &'static str,
        allowed: &'static [Setting],
    ) -> Result<Checked<'_>, EnvError> {
        for (key, value) in self.iter() {
            let Some(setting) = allowed.iter().find(|setting| setting.key == key) else {
                let allowed = allowed.iter().map(|setting| setting.key).collect();
                return Err(EnvError::Key { environment, key: key.to_owned(), value, allowed });
            };
            let Setting { key, least, most, whole, .. } = *setting;
            let inside = (least..=most).contains(&value) && (!whole || value.fract() == 0.0);
            if !inside {
                let kind = if whole { "a whole number" } else { "a number" };
                return Err(EnvError::Range { environment, key, value, kind, least, most });
            }
        }
        Ok(Checked { settings: self, allowed })
    }
}

/// Settings that an environment allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked<'a> {
    settings: &'a Settings,
    allowed: &'static [Setting],
}

impl Checked<'_> {
    /// What was set, else the default.
    ///
    /// # Panics
    /// If the environment does not have the key.
    pub(crate) fn get(&self, key: &str) -> f64 {
        let found = self.allowed.iter().find(|setting| setting.key == key);
        let default = found.unwrap_or_else(|| panic!("no setting {key}")).default;
        self.settings.values.get(key).copied().unwrap_or(default)
    }

    /// A whole number that is not negative.
    pub(crate) fn count(&self, key: &str) -> u32 {
        self.get(key) as u32
    }

    /// Whether a switch is on: 0 or 1.
    pub(crate) fn on(&self, key: &str) -> bool {
        self.get(key) != 0.0
    }
}

/// A number with bounds.
pub(crate) const fn number(
    key: &'static str,
    default: f64,
    [least, most]: [f64; 2],
    about: &'static str,
) -> Setting {
    Setting { key, default, least, most, whole: false, about }
}

/// A whole number with bounds.
pub(crate) const fn whole(
    key: &'static str,
    default: f64,
    [least, most]: [f64; 2],
    about: &'static str,
) -> Setting {
    Setting { key, default, least, most, whole: true, about }
}
