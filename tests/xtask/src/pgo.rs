//! Builds with a profile of what the benchmark does (profile-guided optimisation), and says what it
//! is worth on this machine.
//!
//! Three builds, each in a folder of its own below `target/pgo`: instrumented, plain, and with the
//! profile. The instrumented benchmark writes the profile; the other two run the same suite one
//! after the other, and `compare` prints the difference. The binary with the profile is
//! `target/pgo/guided/release/tercel`.

use crate::process::{cargo, is_there, succeeds};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is profiled and what is compared.
const SUITE: &str = "tick-to-trade";

/// Builds, profiles, builds again and compares.
pub(crate) fn run(root: &Path) -> Result<()> {
    let folder = root.join("target/pgo");
    let raw = folder.join("raw");
    if raw.exists() {
        fs::remove_dir_all(&raw).with_context(|| format!("emptying {}", raw.display()))?;
    }
    let merge = profdata()?;
    let profile = folder.join("merged.profdata");

    println!("building with counters");
    let generate = format!("-Cprofile-generate={}", raw.display());
    let instrumented = build(root, &folder.join("instrumented"), Some(&generate), false)?;
    println!("running {SUITE} for the profile");
    bench(&instrumented, &["--quick", "--json", &text(&folder.join("profile.json"))?])?;
    ensure!(raw.exists(), "the instrumented run has left no profile in {}", raw.display());
    let mut command = Command::new(&merge);
    command.arg("merge").arg("-o").arg(&profile).arg(&raw);
    ensure!(succeeds(&mut command)?, "merging the profile failed");

    println!("building without a profile");
    let plain = build(root, &folder.join("plain"), None, true)?;
    println!("building with the profile");
    let used = format!("-Cprofile-use={}", profile.display());
    let guided = build(root, &folder.join("guided"), Some(&used), true)?;
    let [before, after] = [folder.join("plain.json"), folder.join("guided.json")];
    bench(&plain, &["--json", &text(&before)?])?;
    bench(&guided, &["--json", &text(&after)?])?;
    let mut command = Command::new(&guided);
    command.arg("compare").arg(&before).arg(&after);
    // It exits with 1 where something is slower, which is an answer and not a failure.
    succeeds(&mut command)?;
    println!("{} is built with the profile", folder.join("guided/release/tercel").display());
    Ok(())
}

/// Builds the benchmark, and the product beside it where that is of use; returns the benchmark.
fn build(root: &Path, target: &Path, flags: Option<&str>, product: bool) -> Result<PathBuf> {
    let mut command = cargo(root);
    command.args(["build", "--release", "--package", "tercel-bench"]);
    if product {
        command.args(["--package", "tercel-app"]);
    }
    command.arg("--target-dir").arg(target);
    if let Some(flags) = flags {
        command.env("RUSTFLAGS", flags);
    }
    ensure!(succeeds(&mut command)?, "the build into {} failed", target.display());
    Ok(target.join("release/tercel-bench"))
}

fn bench(program: &Path, args: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    command.arg(SUITE).args(args);
    ensure!(succeeds(&mut command)?, "{} {SUITE} failed", program.display());
    Ok(())
}

/// The merger of profiles that belongs to the compiler; another one's cannot read them.
fn profdata() -> Result<PathBuf> {
    let rustc = |args: &[&str]| -> Result<String> {
        let output = Command::new("rustc").args(args).output().context("starting rustc")?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let version = rustc(&["--version", "--verbose"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not say for which machine it is")?;
    let folder = Path::new(&rustc(&["--print", "sysroot"])?).join("lib/rustlib").join(host);
    let program = folder.join("bin/llvm-profdata");
    if !program.exists() && is_there("rustup", &["--version"]) {
        succeeds(Command::new("rustup").args(["component", "add", "llvm-tools"]))?;
    }
    if !program.exists() {
        bail!("{} is missing; install it with: rustup component add llvm-tools", program.display());
    }
    Ok(program)
}

fn text(path: &Path) -> Result<String> {
    Ok(path.to_str().context("the path of the checkout is not UTF-8")?.to_string())
}
