//! Nothing is doubtful in the RTL, as far as two programs see it.

use super::tools::{Tools, sources};
use crate::process::{cargo, succeeds};
use crate::report::Report;
use anyhow::Result;
use std::path::Path;
use std::process::Command;

/// The rules of Verible that are not those of this project: line length is that of the others, and
/// the package that `cargo x gen` writes is as it is.
const RULES: &str = "--rules=line-length=length:100";

/// Verilator, Verible and, on what only they lead to, clippy.
pub(super) fn run(root: &Path, tools: &Tools, report: &mut Report) -> Result<()> {
    let sources = sources(root)?;
    let name = "verilator --lint-only -Wall";
    report.begin(name);
    let mut command = tools.verilator();
    command.args(["--lint-only", "-Wall", "--no-timing", "--top-module", "feed_top"]);
    command.arg(root.join("hw/tb/lint.vlt"));
    let good = succeeds(command.args(&sources))?;
    report.check(name, good);

    let name = "verible-verilog-lint";
    report.begin(name);
    let mut command = Command::new(tools.bin.join(name));
    let good = succeeds(command.arg(RULES).args(&sources))?;
    report.check(name, good);

    let name = "clippy of the simulation";
    report.begin(name);
    let mut command = cargo(root);
    command.env("TERCEL_VERILATOR", &tools.verilator);
    command.args(["clippy", "--package", "tercel-tests", "--package", "tercel-cosim"]);
    command.args(["--features", "cosim", "--all-targets", "--", "-D", "warnings"]);
    let good = succeeds(&mut command)?;
    report.check(name, good);
    Ok(())
}
