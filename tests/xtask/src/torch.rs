//! The trainer: everything that links libtorch, apart from the rest, which needs none of it.

mod install;

use crate::process::{cargo, lines, succeeds};
use crate::report::{Counts, Report, Suite};
use crate::suites;
use anyhow::{Result, ensure};
use std::path::Path;
use std::process::Command;

/// What commands over the whole workspace leave out, beside the DPDK driver.
pub(crate) const EXCLUDED: [&str; 2] = ["--exclude", "tercel-train"];

/// Seeds of every row of the check in the test run, and its limit in seconds: a row of which no
/// seed has ended by then counts as skipped. CONTRIBUTING.md documents both.
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

/// Lints, tests, the way from training to a rollback in a host, and the short check as suites of
/// the test run.
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
    let clippy = "clippy of other runtimes in the bench";
    report.begin(clippy);
    let mut command = cargo(root);
    command.args(["clippy", "--package", "tercel-bench", "--features", "torch,peers-policy"]);
    command.args(["--", "-D", "warnings"]).env("LIBTORCH", &folder);
    report.check(clippy, succeeds(&mut command)?);
    suites::run(report, "tests of the trainer", &mut trainer(root, &folder, "test"))?;
    // The host's test that takes the trainer, which the tests above have built beside the host.
    let clippy = "clippy of the whole way";
    report.begin(clippy);
    let mut command = whole_way(root, "clippy");
    report.check(clippy, succeeds(command.args(["--", "-D", "warnings"]))?);
    suites::run(report, "from training to a rollback", &mut whole_way(root, "test"))?;
    learn(report, &mut check_command(root, &folder))
}

/// The short check, a row a test.
fn learn(report: &mut Report, command: &mut Command) -> Result<()> {
    let name = "policies learn";
    report.begin(name);
    command.args(["--seeds", SEEDS, "--time-limit", SECONDS]);
    let mut suite = Suite { name: name.to_string(), ..Suite::default() };
    let status = lines(command, |line| {
        let counts = &mut suite.counts;
        match line.trim_end() {
            line if line.ends_with(" passed") => counts.passed += 1,
            line if line.ends_with(" FAILED") => counts.failed += 1,
            line if line.ends_with(" not judged") => {
                counts.skipped += 1;
                let row = line.split_whitespace().next().unwrap_or_default();
                suite.notes.push(format!("{row}: no seed within {SECONDS} s"));
            }
            _ => {}
        }
        true
    })?;
    if !status.success() && suite.counts.failed == 0 {
        suite.counts = Counts { failed: 1, ..suite.counts };
        suite.notes.push(format!("it ended with {status}"));
    }
    report.add(suite);
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

/// The test is left out of the workspace's: there is no trainer then.
fn whole_way(root: &Path, what: &str) -> Command {
    let mut command = cargo(root);
    command.args([what, "--package", "tercel-app", "--test", "whole_way"]);
    command
}

fn trainer(root: &Path, folder: &Path, what: &str) -> Command {
    let mut command = cargo(root);
    command.args([what, "--package", "tercel-train"]).env("LIBTORCH", folder);
    command
}
