//! A run from its arguments to its files.

use crate::cli::{Arguments, Command, Measure};
use crate::machine::Machine;
use crate::suites::{SUITES, Suite};
use crate::{Context, Progress, Report, compare, hdr, html, table, wire};
use anyhow::Context as _;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;
use tercel_net::pin;

/// In notes on runs whose figures mean little.
pub(crate) const NOT_TO_QUOTE: &str = "not figures to quote";

/// In notes on runs that others have disturbed.
pub(crate) const DISTURBED: &str = "the tail is theirs";

/// Does what the arguments say. The exit code is that of the program: 1 when `compare` finds a
/// metric worse.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Some(Command::List) => print(&list()).map(|()| ExitCode::SUCCESS),
        Some(Command::Compare(arguments)) => compare::run(&arguments),
        Some(Command::Wire(arguments)) => wire::run(&arguments),
        None => measure(&arguments.measure),
    }
}

fn measure(arguments: &Measure) -> anyhow::Result<ExitCode> {
    let suites = chosen(&arguments.suites);
    for file in [&arguments.json, &arguments.html].into_iter().flatten() {
        // Now rather than after ten minutes; what is in it stays until there is something better.
        OpenOptions::new()
            .append(true)
            .create(true)
            .open(file)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    let progress = Progress::new();
    let context = Context {
        quick: arguments.quick,
        seed: arguments.seed,
        day: arguments.source(),
        rate: arguments.rate,
        cores: arguments.cores.map(|cores| cores.0),
        progress,
    };
    let mut report = Report::new(&arguments.suites.join(","), machine(&context)?);
    report.arguments = words(std::env::args().skip(1).collect());
    remark(&mut report, arguments.quick);
    let mut code = ExitCode::SUCCESS;
    for (at, suite) in suites.iter().enumerate() {
        context.progress.suite(at + 1, suites.len(), suite.name);
        if let Err(error) = (suite.run)(&context, &mut report) {
            // The other suites' minutes are not lost with this one.
            context.progress.line(&format!("{} failed: {error:#}", suite.name));
            report.note(format!("{} failed: {error:#}", suite.name));
            code = ExitCode::FAILURE;
        }
    }
    context.progress.done();
    report.finish();
    print(&table::of(&report))?;
    if let Some(file) = &arguments.json {
        write(file, &report.to_json())?;
    }
    if let Some(folder) = &arguments.hdr {
        hdr::write(&report, folder)?;
    }
    if let Some(file) = &arguments.html {
        let label = arguments.json.as_deref().unwrap_or(file).display().to_string();
        write(file, &html::page(&[html::Run { label: &label, report: &report }], None))?;
    }
    Ok(code)
}

/// The suites by name, each once, in the order of the table.
fn chosen(names: &[String]) -> Vec<&'static Suite> {
    let all = names.iter().any(|name| name == "all");
    SUITES.iter().filter(|suite| all || names.iter().any(|name| name == suite.name)).collect()
}

/// The machine with the jitter of the cores that will be used.
fn machine(context: &Context) -> anyhow::Result<Machine> {
    let own = pin::cores().context("cannot list the cores")?;
    if let Some(cores) = context.cores {
        for core in cores {
            anyhow::ensure!(own.contains(&core), "core {core} is not among {own:?}");
        }
    }
    let last_two = || own.iter().rev().take(2).copied().collect();
    let cores = context.cores.map_or_else(last_two, |cores| cores.to_vec());
    context.progress.start("watching the cores", 0);
    let machine = Machine::measure(&cores);
    context.progress.done();
    Ok(machine)
}

/// Without the word `bench` of the app.
pub(crate) fn words(mut words: Vec<String>) -> Vec<String> {
    if words.first().is_some_and(|word| word == "bench") {
        words.remove(0);
    }
    words
}

/// What makes the figures of this run worth less.
pub(crate) fn remark(report: &mut Report, quick: bool) {
    if quick {
        report.note(format!("--quick: small and few; {NOT_TO_QUOTE}"));
    }
    if cfg!(debug_assertions) {
        report.note(format!("built without optimisation (dev profile): {NOT_TO_QUOTE}"));
    }
    let tsc = &report.machine.tsc;
    if tsc.constant == Some(false) || tsc.nonstop == Some(false) {
        report.note("the time stamp counter does not run evenly: latencies may be wrong");
    }
    let lost: Vec<String> = report
        .machine
        .jitter
        .iter()
        .filter(|jitter| jitter.lost > 0.01)
        .map(|jitter| format!("core {} lost {:.1} % of its time", jitter.core, jitter.lost * 1e2))
        .collect();
    for text in lost {
        report.note(format!("{text} to others before the run: {DISTURBED}"));
    }
}

fn list() -> String {
    let width = SUITES.iter().map(|suite| suite.name.len()).max().unwrap_or(0);
    SUITES.iter().map(|suite| format!("{:width$}  {}\n", suite.name, suite.about)).collect()
}

/// Writes a file whole.
pub(crate) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// On standard output; a reader that has gone away (`| head`) is no error.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_suite_is_chosen_once_in_the_order_of_the_table() {
        let names = |chosen: Vec<&'static Suite>| -> Vec<&str> {
            chosen.iter().map(|suite| suite.name).collect()
        };
        let every: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
        assert_eq!(names(chosen(&["all".to_string()])), every);
        for suite in SUITES {
            let twice = [suite.name.to_string(), suite.name.to_string()];
            assert_eq!(names(chosen(&twice)), [suite.name]);
        }
        assert_eq!(list().lines().count(), SUITES.len());
    }

    #[test]
    fn figures_that_are_worth_less_say_so() {
        let mut machine = Machine::default();
        machine.tsc.nonstop = Some(false);
        machine.jitter = vec![crate::machine::Jitter { lost: 0.25, ..Default::default() }];
        let mut report = Report::new("x", machine);
        remark(&mut report, true);
        let text = report.notes.join("\n");
        for part in ["--quick", "does not run evenly", "core 0 lost 25.0 % of its time"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
