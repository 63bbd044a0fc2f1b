//! `tercel-train export`.

use super::{TEST_SEED, code_version};
use anyhow::Result;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use tch::Device;
use tercel_policy::artifact::Provenance;
use tercel_train::export::{self, Written};
use tercel_train::training::Run;

/// Writes a trained policy as the host loads it: weights and a manifest.
///
/// The manifest carries the features' hash, the shapes, the normalisation, the training's whole
/// configuration, its seed, the code's version and the scores: the exact value where the
/// environment has an exam, and the mean reward of whole episodes on a seed that training does not
/// use. Before anything is written the bytes are read back by the host's own reader and its outputs
/// compared with libtorch's.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Folder of a run, or a checkpoint.
    run: PathBuf,
    /// Folder for the two files.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Their name, without an ending.
    #[arg(long, default_value = "policy")]
    name: String,
    /// Seed of the episodes that are scored.
    #[arg(long, default_value_t = TEST_SEED)]
    seed: u64,
    /// Episodes of each of the environment's copies that are scored; 0 scores none.
    #[arg(long, default_value_t = 1)]
    episodes: usize,
    /// Version of the code [default: what git says of the source, else the release].
    #[arg(long)]
    commit: Option<String>,
    /// A word on what it was trained for.
    #[arg(long, default_value = "")]
    note: String,
    /// Prints the result as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut run = Run::open(&arguments.run, Device::Cpu)?;
    let scores = export::scores(&mut run, arguments.seed, arguments.episodes)?;
    let provenance = Provenance {
        trained: true,
        seed: run.seed(),
        commit: arguments.commit.clone().unwrap_or_else(code_version),
        configuration: run.config().text.clone(),
        scores: scores.clone(),
        note: arguments.note.clone(),
    };
    let commit = provenance.commit.clone();
    let Written { manifest, weights_hash, apart } =
        export::write(&run, provenance, &arguments.out, &arguments.name)?;
    if arguments.json {
        let scores: serde_json::Map<_, _> =
            scores.into_iter().map(|(name, score)| (name, json!(score))).collect();
        let value = json!({
            "manifest": manifest,
            "weights_hash": format!("{weights_hash:#018x}"),
            "commit": commit,
            "scores": scores,
            "apart": apart,
        });
        println!("{value}");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{}: written; weights {weights_hash:#018x}; largest difference from libtorch {apart:.1e} \
         of the largest output",
        manifest.display()
    );
    for (name, score) in scores {
        println!("{name:<20} {score}");
    }
    Ok(ExitCode::SUCCESS)
}
