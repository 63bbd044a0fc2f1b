//! `cargo x`: everything a developer runs besides `cargo build`.
//!
//! `cargo x test` is what continuous integration runs: it checks, runs every suite, names each one
//! with what it found, and ends with one line of sums. A suite that cannot run is named with its
//! reason; with `CI=true` in the environment that is a failure.
#![forbid(unsafe_code)]

mod check;
mod dpdk;
mod gates;
mod generate;
mod pgo;
mod process;
mod qemu;
mod report;
mod rtl;
mod setup;
mod suites;
mod tally;
mod torch;

use anyhow::Result;
use clap::{Parser, Subcommand};
use report::Report;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Checks, tests and generates. Run it as `cargo x <command>`.
#[derive(Parser)]
#[command(name = "cargo x", bin_name = "cargo x", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Formatting, clippy without warnings, generated files, tidiness and layering.
    ///
    /// Needs no test data and builds no test but its own two.
    Check,
    /// Installs what is missing, then checks and runs every suite of the workspace.
    ///
    /// Each suite is named with what passed, failed and was skipped. A test that prints a line
    /// beginning with `skipped:` counts as skipped. The last line is `N passed, N failed, N
    /// skipped`; the exit status is zero if nothing failed. With CI=true in the environment a
    /// suite that cannot run has failed.
    Test,
    /// Writes hw/abi/src/generated.rs, hw/rtl/generated/tercel_pkg.sv and hw/REGISTERS.md from
    /// hw/abi/abi.toml.
    Gen {
        /// Writes nothing, and fails if a file is not what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Counts the instructions of each stage and compares them with bench/gates.toml.
    ///
    /// A stage that takes 3 % more than written fails and is named. Part of `cargo x test`.
    Gates {
        /// Writes what was counted, after a change that is meant to cost or to gain.
        #[arg(long)]
        bless: bool,
    },
    /// Builds with a profile of the benchmark and says what that gains on this machine.
    ///
    /// The binary is target/pgo/guided/release/tercel. Takes some ten minutes.
    Pgo,
    /// Lints, simulates, proves and synthesises the RTL of the feed card.
    ///
    /// Installs its tools below target/tools. Part of `cargo x test`, in the share that is
    /// documented in hw/README.md.
    Rtl {
        /// Everything, the long proofs and every seed included.
        #[arg(long)]
        full: bool,
    },
    /// Lints and tests the DPDK driver, over DPDK's virtual devices.
    ///
    /// Installs libdpdk-dev with apt. Part of `cargo x test`. Tests over interfaces of the kernel
    /// make network namespaces, which takes root, and are skipped without.
    Dpdk,
    /// Boots QEMU with an emulated IOMMU and tests the driver's VFIO backend on its devices.
    Qemu,
    /// Trains a policy with each algorithm where the best one is known, and fails where one does
    /// not come near enough.
    ///
    /// Installs libtorch as `cargo x setup torch` does. Part of `cargo x test`, with two seeds a
    /// row and six minutes in all.
    TrainCheck {
        /// Ten seeds a row and no limit: the figures that count.
        #[arg(long)]
        full: bool,
        /// Further arguments of `tercel-train check`, after `--`.
        #[arg(last = true)]
        more: Vec<String>,
    },
    /// Says which tools are here and installs the missing ones: with rustup, or with apt as root or
    /// through sudo; otherwise it prints the command.
    Setup {
        /// `torch`: libtorch, which `cargo x test` fetches by itself, below target/tools (540 MB to
        /// load, 440 MB to keep).
        #[arg(value_parser = ["torch"])]
        part: Option<String>,
        /// Installs nothing.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Check => check::run(&root()).map(|report| report.finish()),
        Command::Test => test(&root()).map(|report| report.finish()),
        Command::Gen { check } => generate::run(&root(), check).map(|()| ExitCode::SUCCESS),
        Command::Gates { bless: true } => gates::bless(&root()).map(|()| ExitCode::SUCCESS),
        Command::Gates { bless: false } => gates::run(&root()).map(|report| report.finish()),
        Command::Pgo => pgo::run(&root()).map(|()| ExitCode::SUCCESS),
        Command::Rtl { full } => rtl::run(&root(), full).map(|()| ExitCode::SUCCESS),
        Command::Dpdk => dpdk::run(&root()).map(|report| report.finish()),
        Command::Qemu => qemu::run(&root()).map(|()| ExitCode::SUCCESS),
        Command::TrainCheck { full, more } => {
            torch::check(&root(), full, &more).map(|()| ExitCode::SUCCESS)
        }
        Command::Setup { part: Some(_), .. } => torch::setup(&root()).map(|()| ExitCode::SUCCESS),
        Command::Setup { part: None, check } => setup::run(!check)
            .map(|ready| if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn test(root: &Path) -> Result<Report> {
    setup::run(true)?;
    let mut report = check::static_checks(root)?;
    suites::workspace(root, &mut report)?;
    dpdk::suite(root, &mut report)?;
    torch::suite(root, &mut report)?;
    suites::loom(root, &mut report)?;
    gates::suite(root, &mut report)?;
    rtl::suite(root, &mut report)?;
    qemu::suite(root, &mut report)?;
    Ok(report)
}

/// The root of the workspace: two folders above this package.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_path_buf()
}
