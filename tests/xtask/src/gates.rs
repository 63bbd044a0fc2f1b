//! Instructions of each stage against what `bench/gates.toml` says of it.
//!
//! A stage that takes more than the tolerance beyond what is written fails, and is named. One that
//! takes less is named too: until it is blessed, a later loss of what was gained would pass.

use crate::process::{cargo, is_there, succeeds};
use crate::report::{Counts, Report, Suite};
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of the runner, which has to be that of the library in `bench/Cargo.toml`.
const RUNNER: &str = "0.16.1";
/// Change of a count, in percent, up to which nothing is said.
const TOLERANCE: f64 = 3.0;
/// What the checked-in file is called.
const FILE: &str = "bench/gates.toml";

/// The checked-in file.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Expected {
    /// The compiler that made the code that was counted.
    rustc: String,
    /// Instructions of each stage.
    instructions: BTreeMap<String, u64>,
}

/// Counts and compares.
pub(crate) fn run(root: &Path) -> Result<Report> {
    let mut report = Report::default();
    suite(root, &mut report)?;
    Ok(report)
}

/// Counts, and writes what was counted.
pub(crate) fn bless(root: &Path) -> Result<()> {
    setup(root)?;
    let expected = Expected { rustc: rustc()?, instructions: count(root)? };
    let text = toml::to_string(&expected).context("writing the counts")?;
    let head = "# Instructions of each stage of bench/benches/gates.rs; `cargo x gates --bless` \
                writes them.\n";
    fs::write(root.join(FILE), format!("{head}{text}")).context(FILE)?;
    println!("wrote {FILE}");
    Ok(())
}

/// The gates as a suite of the test run, each stage a test.
pub(crate) fn suite(root: &Path, report: &mut Report) -> Result<()> {
    let name = "instructions of each stage";
    report.begin(name);
    if !is_there("valgrind", &["--version"]) {
        report.cannot_run(name, "valgrind is missing");
        return Ok(());
    }
    if let Err(error) = setup(root) {
        report.cannot_run(name, &format!("{error:#}"));
        return Ok(());
    }
    let text = fs::read_to_string(root.join(FILE)).with_context(|| FILE)?;
    let expected: Expected = toml::from_str(&text).with_context(|| FILE)?;
    let here = rustc()?;
    let mut notes = Vec::new();
    if here != expected.rustc {
        notes.push(format!("counted with {}, and this is {here}", expected.rustc));
    }
    let (counts, lines) = compare(&expected.instructions, &count(root)?);
    lines.iter().for_each(|line| println!("{}", line.text));
    notes.extend(lines.into_iter().filter(|line| line.odd).map(|line| line.text));
    report.add(Suite { name: name.to_string(), counts, notes });
    Ok(())
}

/// One line of the table.
struct Line {
    text: String,
    odd: bool,
}

/// Compares; a stage on one side only has failed.
fn compare(
    expected: &BTreeMap<String, u64>,
    counted: &BTreeMap<String, u64>,
) -> (Counts, Vec<Line>) {
    let mut counts = Counts::default();
    let head = format!("{:<24}{:>14}{:>14}{:>10}", "stage", "expected", "counted", "change");
    let mut lines = vec![Line { text: head, odd: false }];
    let names = expected.keys().chain(counted.keys().filter(|name| !expected.contains_key(*name)));
    for name in names {
        let (text, good, odd) = match (expected.get(name), counted.get(name)) {
            (Some(&before), Some(&now)) => {
                let change = (now as f64 - before as f64) * 100.0 / before as f64;
                let verdict = if change > TOLERANCE {
                    "  slower: this stage has failed"
                } else if change < -TOLERANCE {
                    "  faster: cargo x gates --bless keeps it"
                } else {
                    ""
                };
                let text = format!("{name:<24}{before:>14}{now:>14}{change:>+9.2} %{verdict}");
                (text, change <= TOLERANCE, !verdict.is_empty())
            }
            (Some(_), None) => (format!("{name:<24} was not counted"), false, true),
            _ => (format!("{name:<24} is new: cargo x gates --bless"), false, true),
        };
        counts.passed += u64::from(good);
        counts.failed += u64::from(!good);
        lines.push(Line { text, odd });
    }
    (counts, lines)
}

/// Counts all stages.
fn count(root: &Path) -> Result<BTreeMap<String, u64>> {
    // Results of an earlier run would be compared with, which is done here.
    let _ = fs::remove_dir_all(root.join("target/iai"));
    let mut command = cargo(root);
    // Other people's crates have no gates, and take minutes to build.
    command.args(["bench", "--package", "tercel-bench", "--no-default-features"]);
    command.args(["--bench", "gates", "--"]);
    command.arg("--output-format=json").env("IAI_CALLGRIND_RUNNER", runner(root));
    command.stderr(std::process::Stdio::inherit());
    let output = command.output().context("starting cargo bench")?;
    ensure!(output.status.success(), "cargo bench ended with {}", output.status);
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(counted)
        .collect()
}

/// Name and instructions of one benchmark, from its summary.
fn counted(line: &str) -> Result<(String, u64)> {
    let summary: Value = serde_json::from_str(line).context("a summary of iai-callgrind")?;
    let function = summary["function_name"].as_str().context("a summary without a name")?;
    let name = match summary["id"].as_str() {
        Some(id) => format!("{function}/{id}"),
        None => function.to_string(),
    };
    let total = &summary["profiles"][0]["summaries"]["total"]["summary"]["Callgrind"]["Ir"];
    let count = total["metrics"]["Left"]["Int"].as_u64();
    Ok((name.clone(), count.with_context(|| format!("{name}: no instructions in its summary"))?))
}

/// Installs the runner unless the right version is there. It belongs to this checkout alone.
fn setup(root: &Path) -> Result<()> {
    let runner = runner(root);
    let version = Command::new(&runner).arg("--version").output();
    if version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(RUNNER)) {
        return Ok(());
    }
    let mut command = cargo(root);
    command.args(["install", "--locked", "--version", RUNNER, "--root"]);
    command.arg(root.join("target/tools")).arg("iai-callgrind-runner");
    if !succeeds(&mut command)? {
        bail!("iai-callgrind-runner {RUNNER} could not be installed");
    }
    Ok(())
}

fn runner(root: &Path) -> PathBuf {
    root.join("target/tools/bin/iai-callgrind-runner")
}

fn rustc() -> Result<String> {
    let output = Command::new("rustc").arg("--version").output().context("starting rustc")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(list: &[(&str, u64)]) -> BTreeMap<String, u64> {
        list.iter().map(|(name, count)| (name.to_string(), *count)).collect()
    }

    #[test]
    fn a_stage_that_takes_more_fails_and_is_named() {
        let expected = counts(&[("book", 1_000), ("decode", 1_000), ("risk/enter", 1_000)]);
        let (same, lines) = compare(&expected, &expected);
        assert_eq!((same.passed, same.failed), (3, 0));
        assert!(lines.iter().all(|line| !line.odd));
        let counted = counts(&[("book", 1_031), ("decode", 1_030), ("risk/enter", 900)]);
        let (now, lines) = compare(&expected, &counted);
        assert_eq!((now.passed, now.failed), (2, 1));
        let odd: Vec<_> = lines.iter().filter(|line| line.odd).collect();
        assert!(odd[0].text.starts_with("book") && odd[0].text.contains("slower"));
        assert!(odd[1].text.starts_with("risk/enter") && odd[1].text.contains("faster"));
    }

    #[test]
    fn a_stage_on_one_side_only_fails() {
        let (now, lines) = compare(&counts(&[("book", 1)]), &counts(&[("ring", 1)]));
        assert_eq!((now.passed, now.failed), (0, 2));
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn a_summary_is_read() {
        let line = r#"{"function_name":"risk","id":"enter","profiles":[{"summaries":{"total":
            {"summary":{"Callgrind":{"Ir":{"metrics":{"Left":{"Int":16207}}}}}}}}]}"#;
        assert_eq!(counted(line).unwrap(), ("risk/enter".to_string(), 16_207));
        assert!(counted("{}").is_err());
    }
}
