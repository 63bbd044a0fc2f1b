//! The policy that comes with Tercel, trained for the demo's market by `models/configs/demo.toml`.

use anyhow::{Context, Result};
use std::path::Path;

/// Its weights and its manifest, in the binary: a demo needs no file from anywhere.
const WEIGHTS: &[u8] = include_bytes!("../../../../../models/artifacts/demo.safetensors");
const MANIFEST: &[u8] = include_bytes!("../../../../../models/artifacts/demo.json");

/// Distances from the mid that it was trained with, ticks: `offset_least` and `offset_most` of its
/// configuration.
const OFFSETS: [f64; 2] = [-1.0, 2.5];

/// Writes it into a folder; the table of a host's configuration that loads it from there.
pub(super) fn unpack(folder: &Path) -> Result<String> {
    let [weights, manifest] = ["demo.safetensors", "demo.json"].map(|name| folder.join(name));
    for (path, bytes) in [(&weights, WEIGHTS), (&manifest, MANIFEST)] {
        std::fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))?;
    }
    let text = |path: &Path| toml::Value::String(path.display().to_string());
    let [least, most] = OFFSETS;
    Ok(format!(
        "\n[strategy.mlp]\nweights = {}\nmanifest = {}\noffset_min_ticks = {least:?}\n\
         offset_max_ticks = {most:?}\n",
        text(&weights),
        text(&manifest),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tercel_policy::{Allow, Artifact};

    #[test]
    fn the_policy_is_one_that_this_build_takes() {
        let artifact = Artifact::parse(WEIGHTS, MANIFEST, Allow::Trained).expect("it parses");
        let manifest = artifact.manifest();
        assert!(manifest.provenance.trained);
        // The range it is served with is the range it was trained with.
        let values: toml::Table = manifest.provenance.configuration.parse().expect("TOML");
        let settings = &values["environment"]["settings"];
        let range = ["offset_least", "offset_most"].map(|key| settings[key].as_float());
        assert_eq!(range, OFFSETS.map(Some));
    }
}
