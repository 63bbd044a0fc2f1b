//! The suites that run code.

use crate::process::{cargo, lines};
use crate::report::{Counts, Report, Suite};
use crate::tally::Tally;
use crate::{dpdk, torch};
use anyhow::Result;
use std::path::Path;
use std::process::Command;

/// Every test of the workspace, documentation among them; those of DPDK and of libtorch are suites
/// of their own.
pub(crate) fn workspace(root: &Path, report: &mut Report) -> Result<()> {
    let mut command = cargo(root);
    command.args(["test", "--workspace"]).args(dpdk::EXCLUDED).args(torch::EXCLUDED);
    run(report, "tests of the workspace", &mut command)
}

/// The tests of the repository's own rules.
pub(crate) fn rules(root: &Path, report: &mut Report) -> Result<()> {
    let args = ["test", "--package", "tercel-tests", "--test", "tidy", "--test", "layering"];
    run(report, "rules of the repository", cargo(root).args(args))
}

/// The ring under every interleaving. Loom replaces the atomics of everything that is built, so the
/// suite has a folder of its own; it is built for speed, since it runs millions of interleavings.
pub(crate) fn loom(root: &Path, report: &mut Report) -> Result<()> {
    let name = "interleavings of the ring";
    if !root.join("host/engine/tests/loom_ring.rs").exists() {
        report.cannot_run(name, "host/engine/tests/loom_ring.rs is not there");
        return Ok(());
    }
    let args = ["test", "--package", "tercel-engine", "--test", "loom_ring", "--release"];
    let mut command = cargo(root);
    command.args(args).args(["--target-dir", "target/loom"]).env("RUSTFLAGS", "--cfg loom");
    run(report, name, &mut command)
}

/// Runs tests to their end, whatever fails, and adds what they said to the report.
pub(crate) fn run(report: &mut Report, name: &str, command: &mut Command) -> Result<()> {
    report.begin(name);
    command.args(["--no-fail-fast", "--message-format", "json-render-diagnostics"]);
    command.args(["--", "--show-output"]);
    let mut tally = Tally::default();
    let status = lines(command, |line| tally.line(line))?;
    let suites = tally.finish();
    let failed = suites.iter().any(|suite| suite.counts.failed > 0);
    suites.into_iter().for_each(|suite| report.add(suite));
    if !status.success() && !failed {
        let counts = Counts { failed: 1, ..Counts::default() };
        let notes = vec![format!("cargo ended with {status}")];
        report.add(Suite { name: name.to_string(), counts, notes });
    }
    Ok(())
}
