//! The DPDK driver: everything that links libdpdk, apart from the rest, which needs none of it.

use crate::process::{cargo, is_there, succeeds};
use crate::report::Report;
use crate::{setup, suites};
use anyhow::{Result, ensure};
use std::path::Path;

/// What commands over the whole workspace leave out.
pub(crate) const EXCLUDED: [&str; 4] = ["--exclude", "tercel-dpdk-sys", "--exclude", "tercel-dpdk"];

/// Asks `pkg-config` whether DPDK is there, and new enough.
pub(crate) const ASK: &[&str] = &["--atleast-version=21.11", "libdpdk"];

/// Debian's and Ubuntu's packages: headers, libraries and every driver; sets up interfaces for the
/// tests.
pub(crate) const PACKAGES: &str = "libdpdk-dev pkg-config iproute2";

/// Lints and tests.
pub(crate) fn run(root: &Path) -> Result<Report> {
    let mut report = Report::default();
    suite(root, &mut report)?;
    Ok(report)
}

/// The lints and tests as suites of the test run.
pub(crate) fn suite(root: &Path, report: &mut Report) -> Result<()> {
    let name = "DPDK driver";
    if let Err(error) = get() {
        report.begin(name);
        println!("skipped: {error:#}");
        report.cannot_run(name, &format!("{error:#}"));
        return Ok(());
    }
    let crates = ["--package", "tercel-dpdk-sys", "--package", "tercel-dpdk"];
    let suite = ["--package", "tercel-tests", "--features", "tercel-tests/dpdk"];
    let host = ["--package", "tercel-app", "--features", "tercel-app/dpdk"];
    let clippy = "clippy of the DPDK driver";
    report.begin(clippy);
    let mut command = cargo(root);
    command.arg("clippy").args(crates).args(suite).args(host);
    command.args(["--all-targets", "--", "-D", "warnings"]);
    report.check(clippy, succeeds(&mut command)?);
    suites::run(report, "tests of the DPDK driver", cargo(root).arg("test").args(crates))?;
    let mut command = cargo(root);
    command.arg("test").args(suite).args(["--test", "dpdk"]);
    suites::run(report, "DPDK's devices", &mut command)?;
    let mut command = cargo(root);
    command.arg("test").args(host).args(["--test", "paths"]);
    suites::run(report, "the host on every path", &mut command)
}

/// Sees to it that DPDK is there. An error is a reason for which the suite cannot run here.
pub(crate) fn get() -> Result<()> {
    let there = || is_there("pkg-config", ASK);
    if !there() {
        println!("installing {PACKAGES}");
        let install = || {
            let mut words = vec!["install"];
            words.extend(PACKAGES.split(' '));
            Ok::<_, anyhow::Error>(setup::apt(&words)? && there())
        };
        // A fresh machine has no list of packages yet.
        let installed = install()? || setup::apt(&["update"])? && install()?;
        ensure!(installed, "DPDK is missing; install it with: apt-get install {PACKAGES}");
    }
    Ok(())
}
