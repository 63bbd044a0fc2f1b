//! All that can be found wrong with a configuration at once.
//!
//! What is wrong is told, then replaced by its value in the default configuration or taken out, and
//! the search goes on: one mistake does not hide another.

use super::error::ConfigError;
use super::key;
use super::layers::{Layers, Overrides};
use super::secret::{Secrets, forms};
use super::values::Values;
use super::{Built, Config, DEFAULT, schema};
use std::path::Path;
use toml::{Table, Value};

/// More problems than this are not looked for.
const PROBLEMS_MAX: usize = 100;

/// What stands in for keys that a table must have and the default configuration leaves out.
const STAND_INS: &str = "
journal.folder = \"journal\"
[strategy.mlp]
weights = \"policy.safetensors\"
manifest = \"policy.json\"
offset_min_ticks = 0.0
offset_max_ticks = 20.0
";

/// What reads one part of a configuration.
type Check = fn(&Config) -> Built<()>;

/// Every part of a configuration that a command may ask for.
const CHECKS: &[Check] = &[
    |config| config.feed().map(drop),
    |config| config.card().map(drop),
    |config| config.filtered().map(drop),
    |config| config.gateway().map(drop),
    |config| {
        config.padded::<6>("feed.glimpse_username", &config.values.feed.glimpse_username)?;
        config.glimpse_password().map(drop)
    },
    |config| config.policy().map(drop),
    |config| config.risk().map(drop),
    |config| config.instruments().map(drop),
    |config| config.feed_ports().map(drop),
    |config| config.order_path().map(drop),
    |config| {
        let Some((rules, _)) = config.contest()? else { return Ok(()) };
        config.champion(&rules)?;
        config.challengers(&rules).map(drop)
    },
    #[cfg(feature = "lab")]
    |config| config.backtest().map(drop),
    |config| config.journal().map(drop),
    |config| config.control().map(drop),
];

impl Config {
    /// Everything that is wrong, and what could be read at all.
    pub(crate) fn check(
        file: &Path,
        text: &str,
        overrides: &Overrides,
    ) -> (Option<Config>, Vec<ConfigError>) {
        let (mut config, mut problems) = match Config::draft(file, text, overrides) {
            Ok((Some(config), problems)) => (config, problems),
            Ok((None, problems)) => return (None, problems),
            Err(problem) => return (None, vec![problem]),
        };
        for check in CHECKS {
            while let Err(problem) = check(&config) {
                // A password is missing once the form that is wrong has been taken out.
                let told =
                    forms(problem.key()).map_or_else(|| vec![problem.key().into()], Vec::from);
                let known = problems.iter().any(|other| told.iter().any(|key| key == other.key()));
                let mended = config.mended(problem.key());
                if !known {
                    problems.push(problem);
                }
                match mended {
                    Some(mended) if !known && problems.len() < PROBLEMS_MAX => config = mended,
                    _ => break,
                }
            }
        }
        (Some(config), problems)
    }

    /// Reads what can be read: the configuration without what is wrong, and the problems.
    pub(super) fn draft(
        file: &Path,
        text: &str,
        overrides: &Overrides,
    ) -> Result<(Option<Config>, Vec<ConfigError>), ConfigError> {
        let mut layers = Layers::of_file(file, text)?;
        let mut problems = layers.apply(overrides);
        let whole = layers.clone();
        let keys = schema::check(schema::schema(), &mut layers.table, "");
        for (key, problem) in keys.into_iter().take(PROBLEMS_MAX) {
            mend(&mut layers.table, &key);
            let error = whole.wrong(&key, problem);
            // What nobody knows may be a secret in the wrong place.
            problems.push(ConfigError { value: String::new(), ..error });
        }
        loop {
            let table = Value::Table(layers.table.clone());
            let error = match serde_path_to_error::deserialize::<_, Values>(table) {
                Ok(values) => {
                    let secrets = Secrets::default();
                    let mut config = Config { layers, secrets, values };
                    config.secrets = Secrets::of(&config);
                    return Ok((Some(config), problems));
                }
                Err(error) => error,
            };
            let key = error.path().to_string();
            let known = problems.iter().any(|other| other.key() == key);
            let problem = error.into_inner().message().replace('\n', " ");
            if known || problems.len() >= PROBLEMS_MAX {
                return Ok((None, problems));
            }
            problems.push(layers.wrong(&key, problem));
            mend(&mut layers.table, &key);
        }
    }

    /// The configuration with a key as in the default, or without it; `None` where that cannot be.
    fn mended(&self, key: &str) -> Option<Config> {
        let mut config = self.clone();
        mend(&mut config.layers.table, key);
        config.values = Value::Table(config.layers.table.clone()).try_into().ok()?;
        config.secrets = Secrets::of(&config);
        Some(config)
    }
}

/// Puts the value of the default configuration in the place of a wrong one.
fn mend(table: &mut Table, key: &str) {
    let read = |text| toml::from_str::<Table>(text).unwrap_or_default();
    let (default, more) = (read(DEFAULT), read(STAND_INS));
    let place = key.strip_prefix("instrument[").and_then(|rest| rest.strip_suffix("].symbol"));
    // Symbols differ.
    let value = match place {
        Some(at) => Some(Value::String(format!("_{at}"))),
        None => key::get(&default, key).or_else(|| key::get(&more, key)).cloned(),
    };
    match value {
        Some(value) => key::set(table, key, value),
        None => drop(key::remove(table, key)),
    }
}
