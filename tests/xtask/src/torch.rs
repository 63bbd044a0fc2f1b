//! The trainer: everything that links libtorch, apart from the rest, which needs none of it.

mod install;

use crate::process::{cargo, succeeds};
use crate::report::Report;
use crate::suites;
use anyhow::{Result, ensure};
use std::path::Path;
use std::process::Command;

/// What commands over the whole workspace leave out, beside the DPDK driver.
pub(crate) const EXCLUDED: [&str; 2] = ["--exclude", "tercel-train"];

/// Seeds of every row of the check in the test run, and its limit in seconds on the runner's two
/// cores: rows that have not ended by then have failed. CONTRIBUTING.md documents both.
const SEEDS: &str = "2";
const SECONDS: &str = "360";

/// Seeds of the full run.
const SEEDS_FULL: &str = "10";

/// Installs libtorch below `target/tools`, or takes the one that `LIBTORCH` names.
pub(crate) fn setup(root: &Path) -> Result<()> {
    let folder = install::get(root)?;
    println!("found    libtorch (training policies): LIBTORCH={}", folder.display());
    Ok(())
}

/// Lints, tests and the short check as suites of the test run.
pub(crate) fn suite(root: &Path, report: &mut Report) -> Result<()> {
    let name = "training of policies";
    let folder = match install::get(root) {
        Ok(folder) => folder,
        Err(error) => {
            report.begin(name);
            println!("skipped: {error:#}");
            report.cannot_run(name, &format!("{error:#}"));
            return Ok(());
        }
    };
    let clippy = "clippy of the trainer";
    report.begin(clippy);
    let mut command = trainer(root, &folder, "clippy");
    command.args(["--all-targets", "--", "-D", "warnings"]);
    report.check(clippy, succeeds(&mut command)?);
    suites::run(report, "tests of the trainer", &mut trainer(root, &folder, "test"))?;
    let name = "policies learn";
    report.begin(name);
    let mut command = check_command(root, &folder);
    command.args(["--seeds", SEEDS, "--time-limit", SECONDS]);
    report.check(name, succeeds(&mut command)?);
    Ok(())
}

/// The check alone: the share of the test run, or all seeds without a limit.
pub(crate) fn check(root: &Path, full: bool, more: &[String]) -> Result<()> {
    let folder = install::get(root)?;
    let mut command = check_command(root, &folder);
    if full {
        command.args(["--seeds", SEEDS_FULL]);
    } else {
        command.args(["--seeds", SEEDS, "--time-limit", SECONDS]);
    }
    ensure!(succeeds(command.args(more))?, "policies do not learn what they must");
    Ok(())
}

/// With the profile of the tests, which is built by then: nearly all time passes within libtorch.
fn check_command(root: &Path, folder: &Path) -> Command {
    let mut command = trainer(root, folder, "run");
    command.args(["--bin", "tercel-train", "--", "check"]);
    command
}

fn trainer(root: &Path, folder: &Path, what: &str) -> Command {
    let mut command = cargo(root);
    command.args([what, "--package", "tercel-train"]).env("LIBTORCH", folder);
    command
}
