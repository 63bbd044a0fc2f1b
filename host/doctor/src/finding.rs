//! What a check has found, what it comes to, and what to do.

use crate::check::Area;
use serde::Serialize;
use std::fmt;

/// What a finding comes to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Costs something, or may; a host trades all the same.
    CouldBeBetter,
    /// Costs what a low-latency host cannot afford, or keeps it from running.
    Wrong,
    /// Means nothing on this machine or for this use of it.
    NotApplicable,
    /// The fact could not be read.
    CannotTell,
}

impl Verdict {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::CouldBeBetter => "could be better",
            Verdict::Wrong => "wrong",
            Verdict::NotApplicable => "not applicable",
            Verdict::CannotTell => "cannot tell",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

/// Something to do about a finding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Remedy {
    /// A write below `/proc/sys`, `/proc/irq` or `/sys` that takes effect at once and can be taken
    /// back. The only kind that `--fix --apply` carries out.
    Write {
        /// What it does, for a comment.
        what: String,
        /// The file.
        path: String,
        /// What to write.
        value: String,
        /// What it says now.
        old: String,
    },
    /// A command for somebody to run, after reading it.
    Command {
        /// What it does.
        what: String,
        /// The command, for a shell.
        command: String,
        /// The command that takes it back, where there is one.
        revert: Option<String>,
    },
    /// A parameter of the kernel's command line.
    Boot {
        /// What it does.
        what: String,
        /// As `nohz_full=2-3`.
        parameter: String,
    },
    /// Something that no command does.
    Advice {
        /// In words.
        what: String,
    },
    /// What only whoever runs the hypervisor can do.
    Host {
        /// In words.
        what: String,
    },
}

impl Remedy {
    pub(crate) fn write(what: &str, path: &str, value: &str, old: &str) -> Remedy {
        let what = printable(what);
        let [what, path, value, old] = [&what, path, value, old].map(str::to_string);
        Remedy::Write { what, path, value, old }
    }

    pub(crate) fn command(what: &str, command: String, revert: Option<String>) -> Remedy {
        Remedy::Command { what: what.into(), command, revert }
    }

    pub(crate) fn boot(what: &str, parameter: String) -> Remedy {
        Remedy::Boot { what: what.into(), parameter }
    }

    pub(crate) fn advice(what: &str) -> Remedy {
        Remedy::Advice { what: what.into() }
    }

    pub(crate) fn host(what: &str) -> Remedy {
        Remedy::Host { what: what.into() }
    }
}

/// A text as one line that changes no terminal: files may say anything.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What one check says about one thing.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Finding {
    /// The check's name, as `nohz-full`.
    pub check: &'static str,
    /// What part of the machine it belongs to.
    pub area: Area,
    /// The core or the interface it is about, if it is about one.
    pub subject: Option<String>,
    /// What it comes to.
    pub verdict: Verdict,
    /// What there is, or why it cannot be told.
    pub found: String,
    /// Why it matters and what it costs.
    pub why: &'static str,
    /// What to do; empty where nothing is to be done.
    pub remedies: Vec<Remedy>,
}

/// What a check says before its name is put to it.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) subject: Option<String>,
    pub(crate) verdict: Verdict,
    pub(crate) found: String,
    pub(crate) remedies: Vec<Remedy>,
}

impl Outcome {
    fn new(verdict: Verdict, found: impl Into<String>) -> Outcome {
        Outcome { subject: None, verdict, found: printable(&found.into()), remedies: Vec::new() }
    }

    pub(crate) fn good(found: impl Into<String>) -> Outcome {
        Outcome::new(Verdict::Good, found)
    }

    pub(crate) fn better(found: impl Into<String>) -> Outcome {
        Outcome::new(Verdict::CouldBeBetter, found)
    }

    pub(crate) fn wrong(found: impl Into<String>) -> Outcome {
        Outcome::new(Verdict::Wrong, found)
    }

    pub(crate) fn not_applicable(found: impl Into<String>) -> Outcome {
        Outcome::new(Verdict::NotApplicable, found)
    }

    pub(crate) fn cannot_tell(found: impl Into<String>) -> Outcome {
        Outcome::new(Verdict::CannotTell, found)
    }

    /// Wrong if `wrong`, else it could be better.
    pub(crate) fn bad(wrong: bool, found: impl Into<String>) -> Outcome {
        if wrong { Outcome::wrong(found) } else { Outcome::better(found) }
    }

    pub(crate) fn of(mut self, subject: impl fmt::Display) -> Outcome {
        self.subject = Some(printable(&subject.to_string()));
        self
    }

    pub(crate) fn fix(mut self, remedy: Remedy) -> Outcome {
        self.remedies.push(remedy);
        self
    }

    pub(crate) fn fixes(mut self, remedies: impl IntoIterator<Item = Remedy>) -> Outcome {
        self.remedies.extend(remedies);
        self
    }
}
