//! `tercel-train export`.

use anyhow::Result;
use clap::Args;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use tch::Device;
use tercel_policy::artifact::Provenance;
use tercel_train::export;
use tercel_train::training::Run;

/// Writes a trained policy as the host loads it: weights and a manifest.
///
/// The manifest carries the features' hash, the shapes, the normalisation, the training's whole
/// configuration, its seed, the code's version and the scores. Before anything is written the bytes
/// are read back by the host's own reader and its outputs compared with libtorch's.
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
    /// Version of the code [default: what git says of the working directory].
    #[arg(long)]
    commit: Option<String>,
    /// A word on what it was trained for.
    #[arg(long, default_value = "")]
    note: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut run = Run::open(&arguments.run, Device::Cpu)?;
    let mut scores = vec![("steps".to_owned(), run.state().steps as f64)];
    if let Some(score) = run.score()? {
        scores.push(("value".to_owned(), score.value));
        scores.push(("g".to_owned(), score.g));
    }
    let provenance = Provenance {
        trained: true,
        seed: run.seed(),
        commit: arguments.commit.clone().unwrap_or_else(commit),
        configuration: run.config().text.clone(),
        scores,
        note: arguments.note.clone(),
    };
    let apart = export::write(&run, provenance, &arguments.out, &arguments.name)?;
    println!(
        "{}: written; largest difference from libtorch {apart:.1e} of the largest output",
        arguments.out.join(&arguments.name).with_extension("json").display()
    );
    Ok(ExitCode::SUCCESS)
}

fn commit() -> String {
    let output = Command::new("git").args(["rev-parse", "HEAD"]).output();
    let text = output.ok().filter(|output| output.status.success());
    text.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
