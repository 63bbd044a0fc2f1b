//! Findings as commands, and the carrying out of those that are safe.
//!
//! Only [`Remedy::Write`]s are carried out: writes of one value to one documented file of the
//! kernel below `/proc/sys`, `/proc/irq` or a few folders of `/sys`, whose old value is known and
//! can be written back. What installs, mounts, unloads or reboots is printed for somebody to read.

use crate::finding::{Finding, Remedy};
use crate::tree::Tree;
use serde::Serialize;

/// Where writes may go: a path begins and ends so.
const ALLOWED: &[(&str, &str)] = &[
    ("/proc/sys/kernel/", ""),
    ("/proc/sys/vm/", ""),
    ("/proc/sys/net/core/", ""),
    ("/proc/irq/", "/smp_affinity_list"),
    ("/sys/class/net/", "/rps_cpus"),
    ("/sys/devices/system/cpu/", "/scaling_governor"),
    ("/sys/devices/system/cpu/", "/disable"),
    ("/sys/devices/system/cpu/", "/online"),
    ("/sys/devices/system/cpu/", "/no_turbo"),
    ("/sys/devices/system/cpu/", "/boost"),
    ("/sys/devices/system/clocksource/", "/current_clocksource"),
    ("/sys/devices/virtual/workqueue/", "cpumask"),
    ("/sys/kernel/mm/hugepages/", "/nr_hugepages"),
    ("/sys/kernel/mm/transparent_hugepage/", ""),
];

/// One write and how to take it back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Write {
    /// The check that asked for it.
    pub check: &'static str,
    /// What it does.
    pub what: String,
    /// The file.
    pub path: String,
    /// What to write.
    pub value: String,
    /// What it said when it was read.
    pub old: String,
}

/// How a write went.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "result", content = "reason")]
pub enum Applied {
    /// The file says the new value.
    Done,
    /// Nothing was written.
    Skipped(String),
    /// The kernel refused, or the file says something else than was written.
    Failed(String),
}

/// The writes that findings ask for, each file once: the first one wins.
pub fn writes(findings: &[Finding]) -> Vec<Write> {
    let mut writes: Vec<Write> = Vec::new();
    for finding in findings {
        for remedy in &finding.remedies {
            if let Remedy::Write { what, path, value, old } = remedy
                && !writes.iter().any(|write| write.path == *path)
            {
                let [what, path, value, old] = [what, path, value, old].map(Clone::clone);
                writes.push(Write { check: finding.check, what, path, value, old });
            }
        }
    }
    writes
}

impl Write {
    /// The command that does it.
    pub fn command(&self) -> String {
        shell(&self.path, &self.value)
    }

    /// The command that takes it back.
    pub fn revert(&self) -> String {
        shell(&self.path, &self.old)
    }

    /// Writes, if the file still says what the finding was made from, and reads back.
    pub fn apply(&self, tree: &Tree) -> Applied {
        if !allowed(&self.path) || !plain(&self.value) || !plain(&self.old) {
            return Applied::Skipped("not a file or a value that is written from here".into());
        }
        match tree.text(&self.path) {
            Ok(now) if says(&now, &self.value) => {
                return Applied::Skipped("it says so already".into());
            }
            Ok(now) if !says(&now, &self.old) => {
                return Applied::Skipped(format!("somebody has changed it to {now} meanwhile"));
            }
            Ok(_) => {}
            Err(unread) => return Applied::Skipped(unread.to_string()),
        }
        if let Err(error) = tree.write(&self.path, &self.value) {
            return Applied::Failed(match error.raw_os_error() {
                Some(libc::EIO | libc::EPERM) if self.path.starts_with("/proc/irq/") => {
                    format!("the kernel manages this interrupt itself ({error})")
                }
                _ => error.to_string(),
            });
        }
        match tree.text(&self.path) {
            Ok(now) if says(&now, &self.value) => Applied::Done,
            Ok(now) => Applied::Failed(format!("it says {now} afterwards")),
            Err(unread) => Applied::Failed(format!("cannot be read back: {unread}")),
        }
    }
}

/// Whether a file's text is a value: as text, as the choice in brackets, or as another spelling of
/// the same mask (`3` for `00000003`).
fn says(text: &str, value: &str) -> bool {
    let zeros = |text: &str| text.trim_start_matches(['0', ',']).to_string();
    text == value
        || text.split(' ').any(|word| word == format!("[{value}]"))
        || (value.len() >= 8 && zeros(text) == zeros(value))
}

fn allowed(path: &str) -> bool {
    let inside = path.split('/').all(|part| part != ".." && part != ".");
    inside && ALLOWED.iter().any(|(start, end)| path.starts_with(start) && path.ends_with(end))
}

/// Nothing in it that a shell or a second line would make more of.
fn plain(value: &str) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || "-_,.+".contains(c);
    !value.is_empty() && value.chars().all(ok)
}

fn shell(path: &str, value: &str) -> String {
    match path.strip_prefix("/proc/sys/") {
        Some(name) => format!("sysctl -w {}={value}", name.replace('/', ".")),
        None => format!("echo {value} > {path}"),
    }
}

/// All that can be done at run time, as a script with comments; what takes it back is at its end.
pub fn script(findings: &[Finding]) -> String {
    let mut lines = vec!["#!/bin/sh".to_string()];
    let mut reverts: Vec<String> = Vec::new();
    lines.push(
        "# Changes hold until the next boot. Commands to take them back are at the end.".into(),
    );
    for write in writes(findings).iter().filter(|write| allowed(&write.path) && plain(&write.value))
    {
        lines.push(String::new());
        lines.push(format!("# {}: {}; was {}", write.check, write.what, write.old));
        lines.push(write.command());
        reverts.push(write.revert());
    }
    let mut seen: Vec<&str> = Vec::new();
    for finding in findings {
        for remedy in &finding.remedies {
            let Remedy::Command { what, command, revert } = remedy else { continue };
            if seen.contains(&command.as_str()) {
                continue;
            }
            seen.push(command);
            lines.push(String::new());
            lines.push(format!("# {}: {what}; --apply leaves it to you", finding.check));
            lines.push(command.clone());
            reverts.extend(revert.clone());
        }
    }
    if lines.len() == 2 {
        lines.push("# Nothing to do at run time.".into());
    }
    if !reverts.is_empty() {
        lines.push(String::new());
        lines.push("# To take it all back:".into());
        lines.extend(reverts.iter().rev().map(|revert| format!("#   {revert}")));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests;
