//! With what a host began.

use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::path::Path;

/// Bytes of the effective configuration that fit into the record.
const EFFECTIVE_BYTES_MAX: usize = 48 << 10;

/// What the journal says of a start.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Version of the binary.
    pub version: String,
    /// The configuration file as it was read; only its hash is written down.
    pub config_text: String,
    /// What is in force of it, overrides included and secrets left out.
    pub effective: serde_json::Value,
    /// Artifacts that were loaded.
    pub artifacts: Vec<Artifact>,
}

/// An artifact.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Artifact {
    /// What it is: `policy`, `binary`, ...
    pub role: String,
    /// Its name or path.
    pub name: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

impl Artifact {
    /// A file, with the hash of its bytes.
    pub fn of_file(role: &str, path: &Path) -> io::Result<Artifact> {
        let mut hash = Sha256::new();
        io::copy(&mut File::open(path)?, &mut hash)?;
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Artifact { role: role.into(), name: path.display().to_string(), sha256 })
    }
}

#[derive(Serialize)]
struct Record<'a> {
    version: &'a str,
    pid: u32,
    config_sha256: String,
    effective: Option<&'a serde_json::Value>,
    effective_sha256: String,
    artifacts: &'a [Artifact],
    clock: &'a crate::view::Clock,
}

impl Start {
    /// The record. A configuration that is too long for it is represented by its hash alone.
    pub(crate) fn json(&self, clock: &crate::view::Clock) -> String {
        let effective = self.effective.to_string();
        let record = Record {
            version: &self.version,
            pid: std::process::id(),
            config_sha256: sha256(self.config_text.as_bytes()),
            effective: (effective.len() <= EFFECTIVE_BYTES_MAX).then_some(&self.effective),
            effective_sha256: sha256(effective.as_bytes()),
            artifacts: &self.artifacts[..self.artifacts.len().min(32)],
            clock,
        };
        // It has string keys only, so there is nothing that serde_json could refuse.
        serde_json::to_string(&record).unwrap_or_default()
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_says_what_runs_and_keeps_the_text_out() {
        let start = Start {
            version: "1".into(),
            config_text: "abc".into(),
            effective: serde_json::json!({ "a": 1 }),
            artifacts: vec![Artifact::default()],
        };
        let json: serde_json::Value =
            serde_json::from_str(&start.json(&crate::view::Clock::default())).unwrap();
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(json["config_sha256"], hash);
        assert_eq!(json["effective"]["a"], 1);
        let long = Start { effective: "x".repeat(EFFECTIVE_BYTES_MAX).into(), ..start };
        let json = long.json(&crate::view::Clock::default());
        assert!(json.len() < 2_000 && json.contains("\"effective\":null"));
    }
}
