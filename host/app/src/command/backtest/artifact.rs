//! A trained policy by its path.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Distances where neither configuration nor manifest says any, ticks.
const OFFSETS: [f64; 2] = [0.0, 20.0];
const OFFSET_KEYS: [&str; 2] = ["strategy.mlp.offset_min_ticks", "strategy.mlp.offset_max_ticks"];

/// The files of an artifact.
pub(super) struct Found {
    /// The file's or the folder's name.
    pub(super) name: String,
    weights: PathBuf,
    manifest: PathBuf,
    offsets: [f64; 2],
}

/// The key is one of the range of distances.
pub(super) fn is_offset(key: &str) -> bool {
    OFFSET_KEYS.contains(&key)
}

impl Found {
    /// Weights with their manifest beside them, or a folder with one file of weights and a manifest
    /// of the same name or the only one there.
    pub(super) fn at(path: &Path) -> Result<Found> {
        let name = path.display();
        let short = |path: &Path| path.to_string_lossy().into_owned();
        if path.is_file() {
            let (weights, manifest) = (path.to_path_buf(), path.with_extension("json"));
            if !manifest.is_file() {
                bail!("--artifact {name}: no manifest {}", manifest.display());
            }
            let name = path.file_stem().map_or_else(|| short(path), |it| short(Path::new(it)));
            let offsets = offsets(&manifest);
            return Ok(Found { name, weights, manifest, offsets });
        }
        let entries = std::fs::read_dir(path).with_context(|| format!("--artifact {name}"))?;
        let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.sort();
        let with = |end: &str| {
            let of = |path: &&PathBuf| path.extension().is_some_and(|it| it == end);
            files.iter().filter(of).collect::<Vec<_>>()
        };
        let [weights] = with("safetensors")[..] else {
            bail!(
                "--artifact {name}: one .safetensors file is wanted, here are {}",
                with("safetensors").len()
            );
        };
        let manifests = with("json");
        let same = manifests.iter().find(|path| path.file_stem() == weights.file_stem());
        let manifest = match (same, &manifests[..]) {
            (Some(same), _) => same,
            (None, [only]) => only,
            _ => {
                bail!("--artifact {name}: no manifest {}", weights.with_extension("json").display())
            }
        };
        let name = path.file_name().map_or_else(|| short(path), |it| short(Path::new(it)));
        let offsets = offsets(manifest);
        Ok(Found { name, weights: weights.clone(), manifest: (*manifest).clone(), offsets })
    }

    /// The keys of a configuration that name it.
    pub(super) fn keys(&self) -> Vec<(String, Value)> {
        let text = |path: &Path| Value::String(path.display().to_string());
        let mut keys = vec![
            ("strategy.kind".into(), Value::String("mlp".into())),
            ("strategy.mlp.weights".into(), text(&self.weights)),
            ("strategy.mlp.manifest".into(), text(&self.manifest)),
        ];
        for (key, offset) in OFFSET_KEYS.into_iter().zip(self.offsets) {
            keys.push((key.into(), Value::Float(offset)));
        }
        keys
    }
}

/// The range of distances that it was trained with: `offset_least` and `offset_most` of the
/// training configuration in its manifest. Whether the manifest is sound is for whoever loads it to
/// say.
fn offsets(manifest: &Path) -> [f64; 2] {
    let trained = || {
        let text = std::fs::read_to_string(manifest).ok()?;
        let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
        let training: Table = manifest["provenance"]["configuration"].as_str()?.parse().ok()?;
        let settings = training.get("environment")?.get("settings")?;
        let of = |key| settings.get(key).and_then(Value::as_float);
        Some([of("offset_least")?, of("offset_most")?])
    };
    trained().unwrap_or(OFFSETS)
}
