//! The driver on a PCIe bus without a card: QEMU, an emulated IOMMU, VFIO.
//!
//! One static program, `card-bus` of `tests/qemu`, has both sides. In the guest it opens the
//! devices `edu` and `ivshmem` through the driver's VFIO backend. On this side it serves the memory
//! behind ivshmem's BAR as the emulated card. Nothing but QEMU itself is installed into the system.
//!
//! A second guest receives a feed through DPDK over network cards that QEMU emulates.

mod archive;
mod dpdk;
mod machine;
mod tools;

use crate::process::{cargo, succeeds};
use crate::report::{Counts, Report, Suite};
use anyhow::{Result, ensure};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const TARGET: &str = "x86_64-unknown-linux-gnu";
const PROGRAM: &str = "card-bus";

/// Boots the guest and runs its tests.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut report = Report::default();
    suite(root, &mut report)?;
    ensure!(report.finish() == ExitCode::SUCCESS, "the driver has failed on an emulated bus");
    Ok(())
}

/// The guest's tests as a suite of the test run.
pub(crate) fn suite(root: &Path, report: &mut Report) -> Result<()> {
    let name = "the card's driver on an emulated bus";
    report.begin(name);
    let tools = match tools::get(root) {
        Ok(tools) => tools,
        Err(error) => {
            println!("skipped: {error:#}");
            report.cannot_run(name, &format!("{error:#}"));
            return Ok(());
        }
    };
    println!("{}", tools.versions);
    let folder = machine::folder(root);
    let program = build(root, &folder)?;
    let (counts, notes) = match machine::run(&tools, &program, &folder) {
        Ok(outcome) => {
            let failed = outcome.failed.len() as u64;
            (Counts { passed: outcome.passed.len() as u64, failed, skipped: 0 }, outcome.failed)
        }
        Err(error) => (Counts { failed: 1, ..Counts::default() }, vec![format!("{error:#}")]),
    };
    report.add(Suite { name: name.to_string(), counts, notes });
    dpdk::suite(root, &tools, report)
}

/// Builds the program of both sides without any shared library: the guest has none.
fn build(root: &Path, folder: &Path) -> Result<PathBuf> {
    let mut command = cargo(root);
    command.args(["build", "--package", "tercel-tests", "--bin", PROGRAM, "--target", TARGET]);
    // Tables of lines would make up most of what the guest unpacks.
    command.args(["--config", "profile.dev.debug=false", "--target-dir"]).arg(folder);
    command.env("RUSTFLAGS", "-C target-feature=+crt-static");
    ensure!(succeeds(&mut command)?, "{PROGRAM} could not be built");
    Ok(folder.join(TARGET).join("debug").join(PROGRAM))
}
