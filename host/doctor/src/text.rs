//! A report for people.

use crate::check::Area;
use crate::finding::{Finding, Remedy, Verdict};
use crate::measure::Measurements;
use crate::report::{Description, Report};
use crate::subject::Chosen;
use std::fmt::{self, Write};

/// How a report is written.
#[derive(Clone, Copy, Default, Debug)]
pub struct Style {
    /// Verdicts in colour, for terminals.
    pub colour: bool,
    /// Say of good findings too why they matter.
    pub explain: bool,
    /// Columns of a line.
    pub width: usize,
}

/// Writes a report.
pub fn write_report(out: &mut dyn Write, report: &Report, style: Style) -> fmt::Result {
    machine(out, &report.machine)?;
    for area in Area::ALL {
        let mut findings = report.findings.iter().filter(|finding| finding.area == area).peekable();
        if findings.peek().is_none() {
            continue;
        }
        writeln!(out, "\n{}", bold(area.title(), style))?;
        if area == Area::Measured
            && let Some(measurements) = &report.measurements
        {
            measured(out, measurements)?;
        }
        let mut told = "";
        for found in findings {
            finding(out, found, found.check != told, style)?;
            told = found.check;
        }
    }
    boot(out, report, style)?;
    let counts = &report.counts;
    writeln!(
        out,
        "\n{} wrong, {} could be better, {} good, {} not applicable, {} cannot tell",
        counts.wrong,
        counts.could_be_better,
        counts.good,
        counts.not_applicable,
        counts.cannot_tell
    )
}

fn machine(out: &mut dyn Write, machine: &Description) -> fmt::Result {
    let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".into());
    let cores = machine.cores.map_or("an unknown number of".into(), |cores| cores.to_string());
    let kind = if machine.virtual_machine { ", a virtual machine" } else { "" };
    let product = machine.product.as_ref().map(|product| format!(" ({product})"));
    writeln!(
        out,
        "{}, {cores} cores{kind}{}",
        or_unknown(&machine.cpu),
        product.unwrap_or_default()
    )?;
    let load = machine.load.map(|load| format!(", load {load}")).unwrap_or_default();
    writeln!(out, "Linux {}{load}", or_unknown(&machine.kernel))?;
    let from = match machine.hot_cores_from {
        Chosen::Named => "as named",
        Chosen::Isolated => "those that are isolated",
        Chosen::Assumed => "nobody named one, none is isolated: the last this process may use",
        Chosen::Unknown => "not known: name them with --core",
    };
    writeln!(out, "hot cores: {} ({from})", machine.hot_cores)?;
    let port = machine.port.map_or("any", |port| port.name());
    let interfaces = match machine.interfaces.is_empty() {
        true => "none".to_string(),
        false => machine.interfaces.join(", "),
    };
    writeln!(out, "interfaces: {interfaces}; port: {port}")
}

/// The widest verdict and a space.
const VERDICT: usize = 16;

/// Settings of one finding that are shown; a machine may have an interrupt for each queue.
const WRITES: usize = 3;

fn finding(out: &mut dyn Write, finding: &Finding, first: bool, style: Style) -> fmt::Result {
    let subject = finding.subject.as_ref().map(|subject| format!(" {subject}")).unwrap_or_default();
    let head = format!("{}{subject}: {}", finding.check, finding.found);
    let verdict = format!("{:<VERDICT$}", finding.verdict.words());
    let mut lines = wrapped(&head, style.width.saturating_sub(VERDICT + 2)).into_iter();
    let head = lines.next().unwrap_or_default();
    writeln!(out, "  {}{head}", coloured(&verdict, finding.verdict, style))?;
    for line in lines {
        writeln!(out, "  {:VERDICT$}{line}", "")?;
    }
    let bad = matches!(finding.verdict, Verdict::Wrong | Verdict::CouldBeBetter);
    if first && (bad || style.explain) {
        labelled(out, "why", finding.why, style)?;
    }
    if bad || style.explain {
        let mut writes = 0;
        for remedy in &finding.remedies {
            match remedy {
                Remedy::Write { path, value, .. } => {
                    writes += 1;
                    if writes <= WRITES {
                        whole(out, "do", &format!("echo {value} > {path}"))?;
                    }
                }
                Remedy::Command { command, .. } => whole(out, "do", command)?,
                Remedy::Boot { what, parameter } => {
                    labelled(out, "boot", &format!("{parameter}  ({what})"), style)?;
                }
                Remedy::Advice { what } => labelled(out, "do", what, style)?,
                Remedy::Host { what } => labelled(out, "host", what, style)?,
            }
        }
        if writes > WRITES {
            let more = format!("and {} more; `tercel doctor --fix` prints all", writes - WRITES);
            labelled(out, "", &more, style)?;
        }
    }
    Ok(())
}

/// A command is never broken: it is copied.
fn whole(out: &mut dyn Write, label: &str, text: &str) -> fmt::Result {
    writeln!(out, "  {:VERDICT$}{label:<5}{text}", "")
}

fn labelled(out: &mut dyn Write, label: &str, text: &str, style: Style) -> fmt::Result {
    let mut label = label;
    for line in wrapped(text, style.width.saturating_sub(VERDICT + 7)) {
        writeln!(out, "  {:VERDICT$}{label:<5}{line}", "")?;
        label = "";
    }
    Ok(())
}

fn measured(out: &mut dyn Write, measurements: &Measurements) -> fmt::Result {
    let ns = |ns: f64| match ns {
        ns if ns < 10_000.0 => format!("{ns:.0} ns"),
        ns if ns < 10_000_000.0 => format!("{:.1} us", ns / 1e3),
        ns => format!("{:.1} ms", ns / 1e6),
    };
    writeln!(out, "  {:<34} {:>9} {:>9} {:>9} {:>9}", "", "p50", "p99", "p99.9", "max")?;
    for (name, times) in measurements.rows() {
        let [p50, p99, p999, max] =
            [times.p50_ns, times.p99_ns, times.p999_ns, times.max_ns].map(ns);
        writeln!(out, "  {name:<34} {p50:>9} {p99:>9} {p999:>9} {max:>9}")?;
    }
    Ok(())
}

fn boot(out: &mut dyn Write, report: &Report, style: Style) -> fmt::Result {
    let Some(boot) = &report.boot else { return Ok(()) };
    writeln!(out, "\n{}", bold("For the kernel's command line", style))?;
    writeln!(out, "  {}", boot.add)?;
    if !boot.replace.is_empty() {
        writeln!(out, "  in place of: {}", boot.replace.join(" "))?;
    }
    for step in &boot.how {
        for (index, line) in wrapped(step, style.width.saturating_sub(4)).iter().enumerate() {
            writeln!(out, "  {} {line}", if index == 0 { "-" } else { " " })?;
        }
    }
    Ok(())
}

/// Lines of at most `width` columns, broken at spaces; a word that is longer stands alone.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].chars().count() + 1 + word.chars().count() > width
        {
            lines.push(word.to_string());
        } else {
            let gap = if lines[last].is_empty() { "" } else { " " };
            lines[last] = format!("{}{gap}{word}", lines[last]);
        }
    }
    lines
}

fn bold(text: &str, style: Style) -> String {
    if style.colour { format!("\x1b[1m{text}\x1b[0m") } else { text.to_string() }
}

fn coloured(text: &str, verdict: Verdict, style: Style) -> String {
    let code = match verdict {
        Verdict::Good => "32",
        Verdict::CouldBeBetter => "33",
        Verdict::Wrong => "31",
        Verdict::NotApplicable => "2",
        Verdict::CannotTell => "36",
    };
    if style.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
}
