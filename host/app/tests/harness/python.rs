//! Programs of others, written in Python, that say what they think of what is written here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Of the Python Package Index; the file in which an installation says what it has holds this list.
const PACKAGES: [&str; 4] =
    ["pyarrow==23.0.0", "duckdb==1.4.4", "openapi-spec-validator==0.9.0", "schemathesis==4.32.5"];

/// The Python of an environment that has the packages; made at the first time.
pub fn python() -> Result<PathBuf, String> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    MADE.get_or_init(made).clone()
}

fn made() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/python");
    let (python, installed) = (folder.join("venv/bin/python"), folder.join("installed"));
    let wanted = PACKAGES.join("\n");
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    let run = |command: &mut Command| -> Result<(), String> {
        let output = command.output().map_err(|error| format!("python3: {error}"))?;
        let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ");
        if output.status.success() { Ok(()) } else { Err(said) }
    };
    let _ = std::fs::remove_dir_all(folder.join("venv"));
    run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")))?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(&python).args(install).args(PACKAGES))?;
    std::fs::write(&installed, &wanted).map_err(|error| error.to_string())?;
    Ok(python)
}

/// A program that one of the packages brings.
pub fn program(name: &str) -> Result<PathBuf, String> {
    Ok(python()?.with_file_name(name))
}
