//! The RTL against the emulator: Verilated, and in Icarus Verilog.

use super::tools::Tools;
use crate::process::{cargo, lines};
use crate::report::{Counts, Report, Suite};
use crate::tally::Tally;
use anyhow::Result;
use std::path::Path;

/// Frames that are compared, in a test run and in full.
const FRAMES: u64 = 200_000;
const FRAMES_FULL: u64 = 2_000_000;

/// What the lines of the suites begin with that the summary repeats.
const SUMMARY: &[&str] = &["compared: ", "cycles: "];

/// What the suites said in numbers.
#[derive(Default)]
struct Said {
    frames: u64,
    records: u64,
    notes: Vec<String>,
}

impl Said {
    fn line(&mut self, line: &str) {
        if !SUMMARY.iter().any(|begin| line.starts_with(begin)) {
            return;
        }
        if line.starts_with("compared: ") {
            let mut numbers = line.split(|c: char| !c.is_ascii_digit()).filter_map(to_number);
            self.frames += numbers.next().unwrap_or(0);
            self.records += numbers.next().unwrap_or(0);
        }
        self.notes.push(line.to_string());
    }
}

fn to_number(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// Runs the suites and adds what they found.
pub(super) fn run(root: &Path, tools: &Tools, full: bool, report: &mut Report) -> Result<()> {
    let name = "the RTL against the emulator";
    report.begin(name);
    let mut command = cargo(root);
    command.env("TERCEL_VERILATOR", &tools.verilator);
    if std::env::var_os("TERCEL_CARD_FRAMES").is_none() {
        let frames = if full { FRAMES_FULL } else { FRAMES };
        command.env("TERCEL_CARD_FRAMES", frames.to_string());
    }
    command.args(["test", "--package", "tercel-tests", "--features", "cosim"]);
    command.args(["--test", "feed_card_rtl", "--test", "feed_card_icarus"]);
    command.args(["--no-fail-fast", "--message-format", "json-render-diagnostics"]);
    command.args(["--", "--show-output"]);
    let (mut tally, mut said) = (Tally::default(), Said::default());
    let status = lines(&mut command, |line| {
        said.line(line);
        tally.line(line)
    })?;
    let suites = tally.finish();
    let failed = suites.iter().any(|suite| suite.counts.failed > 0);
    suites.into_iter().for_each(|suite| report.add(suite));
    let good = status.success() || failed;
    let counts = Counts { passed: good.into(), failed: (!good).into(), skipped: 0 };
    said.notes.push(format!("in all {} frames, {} records", said.frames, said.records));
    if !good {
        said.notes.push(format!("cargo ended with {status}"));
    }
    said.notes.iter().for_each(|note| println!("{note}"));
    report.add(Suite { name: name.to_string(), counts, notes: said.notes });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_suites_say_is_summed_up() {
        let mut said = Said::default();
        said.line("compared: 40 frames, 120 records, profile `x`");
        said.line("compared: 2 frames, 3 records, Icarus Verilog");
        said.line("cycles: last byte to record 3..3");
        said.line("other 9");
        assert_eq!((said.frames, said.records, said.notes.len()), (42, 123, 3));
    }
}
