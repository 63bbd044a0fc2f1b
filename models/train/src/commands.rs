//! The commands, one file each.

pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod teach;
pub(crate) mod train;

use anyhow::{Result, bail, ensure};
use std::process::Command;
use tch::{Cuda, Device};

/// Seed of the episodes that policies are scored on; training's seeds are made by mixing and do not
/// meet it.
pub(crate) const TEST_SEED: u64 = 1_000_000_007;

/// Where tensors live.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum DeviceName {
    /// The processor.
    Cpu,
    /// The first graphics card, where libtorch was built for it.
    Cuda,
}

impl DeviceName {
    /// The device, if this libtorch has it.
    pub(crate) fn open(self) -> Result<Device> {
        match self {
            DeviceName::Cpu => Ok(Device::Cpu),
            DeviceName::Cuda => {
                if !Cuda::is_available() {
                    bail!("this libtorch has no CUDA, or there is no card; use --device cpu");
                }
                Ok(Device::Cuda(0))
            }
        }
    }
}

/// Threads for runs side by side: as asked, else as many as the machine has.
pub(crate) fn threads(asked: Option<usize>) -> Result<usize> {
    ensure!(asked != Some(0), "--jobs must be at least 1");
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    Ok(asked.unwrap_or(cores))
}

/// Version of this code: the commit of its source, with `-dirty` where the source is not quite
/// that; the release where there is no git.
pub(crate) fn code_version() -> String {
    let mut git = Command::new("git");
    git.args(["-C", env!("CARGO_MANIFEST_DIR")]);
    git.args(["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]);
    let output = git.output().ok().filter(|output| output.status.success());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.filter(|text| !text.is_empty())
        .unwrap_or_else(|| concat!("release ", env!("CARGO_PKG_VERSION")).to_owned())
}
