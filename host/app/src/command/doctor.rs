//! `tercel doctor`: what is wrong with this machine for trading, and what to do.

use crate::cli::DoctorArgs;
use crate::config::{Config, PathName};
use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;
use tercel_doctor::fix::{self, Applied};
use tercel_doctor::measure::{Measurements, Plan, measure};
use tercel_doctor::{
    CHECKS, CoreSet, Finding, Machine, Port, Probes, Report, Style, Subject, Tree, Verdict,
    examine, interface_with, write_report,
};

/// It could not run.
const CANNOT: u8 = 2;

/// Columns of a line that is not for a terminal, and the widest that reads well.
const WIDTH: usize = 100;

/// Runs it. What keeps it from running has an exit status of its own.
pub(crate) fn run(args: &DoctorArgs) -> ExitCode {
    match diagnose(args) {
        Ok(bad) => ExitCode::from(u8::from(bad)),
        Err(error) => {
            eprintln!("tercel: {}", crate::one_line(&error));
            ExitCode::from(CANNOT)
        }
    }
}

/// Whether something is wrong.
fn diagnose(args: &DoctorArgs) -> Result<bool> {
    if args.list {
        list();
        return Ok(false);
    }
    let tree = Tree::new(&args.root);
    if !tree.exists("/proc") || !tree.exists("/sys") {
        bail!("{} has no /proc and /sys", args.root.display());
    }
    let subject = subject(args, &tree)?;
    let probes = probes(&tree, &subject);
    let machine = Machine::new(tree.clone(), &subject, &probes);
    let findings = examine(&machine, &args.only);
    if args.apply {
        return apply(args, &tree, &subject, &findings);
    }
    if args.fix {
        print!("{}", fix::script(&findings));
        return Ok(is_bad(&findings, args.strict));
    }
    let skip = args.skip_measurements || !args.only.is_empty() || !tree.is_live();
    let measurements = (!skip).then(|| measured(&machine, args));
    let report = Report::new(&machine, findings, measurements);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        let mut text = String::new();
        let colour = std::io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        let style = Style { colour, explain: args.explain, width: WIDTH };
        write_report(&mut text, &report, style).context("cannot write the report")?;
        print!("{text}");
    }
    Ok(report.is_bad(args.strict))
}

fn is_bad(findings: &[Finding], strict: bool) -> bool {
    let bad = |finding: &Finding| match finding.verdict {
        Verdict::Wrong => true,
        Verdict::CouldBeBetter => strict,
        _ => false,
    };
    findings.iter().any(bad)
}

/// What the command line names, else what the configuration does.
fn subject(args: &DoctorArgs, tree: &Tree) -> Result<Subject> {
    let none = CoreSet::default();
    let mut subject = Subject {
        cores: args.core.iter().fold(none, |all, more| all.with(more)),
        interfaces: args.interface.clone(),
        port: args.port.map(Into::into),
    };
    let Some(file) = &args.config else { return Ok(subject) };
    let values = Config::load(file)?.values;
    if subject.cores.is_empty() {
        subject.cores = values.host.core.into_iter().collect();
    }
    // A feed card is named on the command line, not in the configuration.
    subject.port = subject.port.or(Some(match values.path.feed {
        PathName::Kernel => Port::Kernel,
        PathName::Packet => Port::Packet,
        PathName::AfXdp => Port::Xdp,
        PathName::Dpdk => Port::Dpdk,
    }));
    if subject.interfaces.is_empty() {
        subject.interfaces = values.path.interfaces();
    }
    if subject.interfaces.is_empty() && tree.is_live() {
        let address = values.feed.interface;
        let name = interface_with(address).context("cannot list the interfaces")?;
        let name = name.with_context(|| {
            format!("feed.interface is {address}, which no interface of this machine has")
        })?;
        subject.interfaces.push(name);
    }
    Ok(subject)
}

/// Answers of the system, if it is this one.
fn probes(tree: &Tree, subject: &Subject) -> Probes {
    if !tree.is_live() {
        return Probes::none("these are the files of another machine, which cannot be asked");
    }
    let nothing = Probes::none("not asked yet");
    let machine = Machine::new(tree.clone(), subject, &nothing);
    Probes::of_system(machine.interface_names())
}

/// Measures, with a bar on standard error where that is a terminal.
fn measured(machine: &Machine<'_>, args: &DoctorArgs) -> Measurements {
    let plan = Plan::of(machine, Duration::from_secs_f64(args.duration));
    if !std::io::stderr().is_terminal() {
        return measure(&plan, &mut |_, _| {});
    }
    let bar = ProgressBar::new(1_000);
    let template = "measuring {msg} {bar:30} {percent:>3} %  {elapsed} (left {eta})";
    // The template is a constant: one that does not parse shows as the default.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
    }
    let measurements = measure(&plan, &mut |what, done| {
        bar.set_message(what.to_string());
        bar.set_position((done * 1e3) as u64);
    });
    bar.finish_and_clear();
    measurements
}

/// Changes what can be changed, says how each went, and looks again.
fn apply(args: &DoctorArgs, tree: &Tree, subject: &Subject, before: &[Finding]) -> Result<bool> {
    if tree.is_live() && !is_root(tree) {
        bail!("--apply takes root: run it with sudo, or print the commands with --fix alone");
    }
    let mut reverts = Vec::new();
    let (mut done, mut failed) = (0, 0);
    for write in fix::writes(before) {
        println!("{}: {}", write.check, write.what);
        println!("  {}", write.command());
        match write.apply(tree) {
            Applied::Done => {
                done += 1;
                println!("  done; to take it back: {}", write.revert());
                reverts.push(write.revert());
            }
            Applied::Skipped(why) => println!("  left: {why}"),
            Applied::Failed(why) => {
                failed += 1;
                println!("  failed: {why}");
            }
        }
    }
    println!("{done} settings changed, {failed} failed");
    if !reverts.is_empty() {
        println!("to take all of it back:");
        reverts.iter().rev().for_each(|revert| println!("  {revert}"));
    }
    let probes = probes(tree, subject);
    // The cores stay those of the first look: isolating changes who is hot.
    let machine = Machine::new(tree.clone(), subject, &probes);
    let after = examine(&machine, &args.only);
    for finding in &after {
        let was =
            before.iter().find(|old| old.check == finding.check && old.subject == finding.subject);
        if let Some(was) = was.filter(|was| was.verdict != finding.verdict) {
            println!("{}: was {}, is {}", finding.check, was.verdict, finding.verdict);
        }
    }
    let left = after.iter().filter(|finding| finding.verdict == Verdict::Wrong);
    for finding in left {
        println!("still wrong: {}: {}", finding.check, finding.found);
    }
    Ok(is_bad(&after, args.strict))
}

/// The process is root, by its effective user.
fn is_root(tree: &Tree) -> bool {
    let status = tree.text("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    line.and_then(|ids| ids.split_whitespace().nth(1)) == Some("0")
}

fn list() {
    for check in CHECKS {
        println!("{} ({})\n  {}", check.name, check.area.title(), check.why);
    }
}
