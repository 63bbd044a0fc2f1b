//! The operator of a running host: commands to champion and challengers, one a line on standard
//! input, and what came of them, one a line on standard error.
//!
//! It lives on threads of its own. Artifacts are read and checked here and handed over whole;
//! policies that have left come back here to be dropped. The control plane asks through the same
//! thread (`policies.rs`).

mod policies;

pub(crate) use policies::{PolicyDesk, Seat, Seats};

use crate::config::{ChallengerSource, Config};
use crate::signals::Signals;
use anyhow::{Context, Result};
use std::fmt::Display;
use std::io::BufRead;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use policies::Asked;
use tercel_engine::{Command, Controls};
use tercel_policy::promotion::{ContestRules, Name, Notice};

/// The commands.
pub(crate) const HELP: &str = "\
challenger load MANIFEST [NAME]   stand a policy in shadow: an artifact, or a kind of [strategy]
challenger drop NAME              let it go
promote NAME [force]              let it trade, once it has passed its test, or all the same
rollback                          let the former champion trade again; the other is barred
champion                          who trades, and who stands in shadow
help                              these lines";

/// Begins every line of the operator's.
pub(crate) const SAYS: &str = "promotion: ";

fn say(what: &dyn Display) {
    eprintln!("{SAYS}{what}");
}

/// How often the mailboxes are looked at.
const LOOK: Duration = Duration::from_millis(10);
/// Looks for which a command waits until there is room for it.
const PATIENCE: u32 = 200;

/// What a line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Request {
    Load { source: ChallengerSource, name: Option<String> },
    Drop(String),
    Promote { name: String, force: bool },
    RollBack,
    Champion,
    Help,
    Wrong(String),
}

/// Reads a line.
pub(crate) fn parse(line: &str) -> Request {
    let words: Vec<&str> = line.split_whitespace().collect();
    let load = |path: &str, name: Option<&str>| Request::Load {
        source: ChallengerSource::parse(path),
        name: name.map(str::to_owned),
    };
    match words[..] {
        ["challenger", "load", path] => load(path, None),
        ["challenger", "load", path, name] => load(path, Some(name)),
        ["challenger", "drop", name] => Request::Drop(name.into()),
        ["promote", name] => Request::Promote { name: name.into(), force: false },
        ["promote", name, "force"] => Request::Promote { name: name.into(), force: true },
        ["rollback"] => Request::RollBack,
        ["champion"] => Request::Champion,
        ["help"] => Request::Help,
        _ => Request::Wrong(line.trim().into()),
    }
}

/// Lines of standard input as they come; its end raises a signal if it is to stop the host.
pub(crate) fn read_lines(signals: Signals, stop_on_eof: bool) -> Result<Receiver<String>> {
    let (send, lines) = channel();
    std::thread::Builder::new()
        .name("stdin".into())
        .spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if !line.trim().is_empty() {
                    // Nobody takes them where there is no contest; the end is waited for all the
                    // same.
                    let _ = send.send(line);
                }
            }
            if stop_on_eof {
                signals.raise();
            }
        })
        .context("cannot start the thread that reads commands")?;
    Ok(lines)
}

/// The operator's thread.
pub(crate) struct Operator {
    config: Arc<Config>,
    rules: ContestRules,
    controls: Controls,
    seats: Seats,
}

/// Ends the thread when it is dropped, after everything that is there has been said.
pub(crate) struct Running {
    end: Option<Sender<()>>,
    asks: Sender<Asked>,
    thread: Option<JoinHandle<()>>,
}

impl Operator {
    /// For the contest of a configuration, of which is known who sits where.
    pub(crate) fn new(
        config: Arc<Config>,
        rules: ContestRules,
        controls: Controls,
        seats: Seats,
    ) -> Operator {
        Operator { config, rules, controls, seats }
    }

    /// Works from now on, on a thread of its own, on what the control plane asks and on the lines
    /// of a console if there is one.
    pub(crate) fn start(mut self, lines: Option<Receiver<String>>) -> Result<Running> {
        let (end, ended) = channel::<()>();
        let (asks, asked) = channel::<Asked>();
        let work = move || {
            while matches!(ended.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout)) {
                self.look();
                while let Some(line) = lines.as_ref().and_then(|lines| lines.try_recv().ok()) {
                    self.obey(&line);
                }
                while let Ok(asked) = asked.try_recv() {
                    self.answer(asked);
                }
            }
            self.look();
        };
        let thread = std::thread::Builder::new().name("operator".into()).spawn(work);
        let thread = thread.context("cannot start the operator's thread")?;
        Ok(Running { end: Some(end), asks, thread: Some(thread) })
    }

    /// Says what has happened, drops who has left, and returns what has happened.
    fn look(&mut self) -> Vec<Notice> {
        let mut heard = Vec::new();
        while let Some(notice) = self.controls.notices.receive() {
            self.seats.note(&notice);
            say(&notice);
            heard.push(notice);
        }
        while self.controls.leaving.receive().is_some() {}
        heard
    }

    fn obey(&mut self, line: &str) {
        match parse(line) {
            Request::Champion => say(&self.seats),
            Request::Help => HELP.lines().for_each(|line| say(&line)),
            Request::Wrong(line) => {
                say(&format_args!("{line}: no such command; `help` lists them"));
            }
            request => {
                let sent = self.command(request).and_then(|command| self.send(command));
                if let Err(problem) = sent {
                    say(&format_args!("{line}: {problem}"));
                }
            }
        }
    }

    /// The command that a request comes to, or what is wrong with it.
    fn command(&mut self, request: Request) -> Result<Command, String> {
        let named = |name: String| Name::new(&name).ok_or("no such name".to_owned());
        Ok(match request {
            Request::Load { source, name } => {
                let key = "challenger load";
                let candidate = self
                    .config
                    .challenger(&source, name.as_deref(), &self.rules, key)
                    .map_err(|error| error.problem().to_string())?;
                self.seats.expect(Seat::of(&candidate));
                Command::Load(candidate)
            }
            Request::Drop(name) => Command::Drop(named(name)?),
            Request::Promote { name, force } => Command::Promote { name: named(name)?, force },
            Request::RollBack => Command::RollBack,
            Request::Champion | Request::Help | Request::Wrong(_) => {
                return Err("not a command to the host".into());
            }
        })
    }

    /// The hot thread takes commands in housekeeping; a full mailbox is looked at again.
    fn send(&mut self, command: Command) -> Result<(), String> {
        let mut held = command;
        for _ in 0..PATIENCE {
            match self.controls.commands.send(held) {
                Ok(()) => return Ok(()),
                Err(back) => held = back,
            }
            self.look();
            std::thread::sleep(LOOK);
        }
        Err("the host does not take commands".into())
    }
}

impl Running {
    /// The contest for the control plane.
    pub(crate) fn policies(&self) -> PolicyDesk {
        PolicyDesk::new(self.asks.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn commands() {
        let load =
            |source, name: Option<&str>| Request::Load { source, name: name.map(Into::into) };
        let file = ChallengerSource::Manifest(PathBuf::from("a/b.json"));
        assert_eq!(parse(" challenger  load a/b.json"), load(file.clone(), None));
        assert_eq!(parse("challenger load a/b.json x"), load(file, Some("x")));
        assert!(matches!(
            parse("challenger load glft"),
            Request::Load { source: ChallengerSource::Table(_), .. }
        ));
        assert_eq!(parse("promote x"), Request::Promote { name: "x".into(), force: false });
        assert_eq!(parse("promote x force"), Request::Promote { name: "x".into(), force: true });
        assert_eq!(parse("rollback"), Request::RollBack);
        for wrong in ["promote", "challenger", "challenger load", "rollback x", "sing"] {
            assert_eq!(parse(wrong), Request::Wrong(wrong.into()));
        }
    }
}
