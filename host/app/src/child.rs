//! A process of this binary that talks JSON lines on its standard output and stops when its
//! standard input closes.

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::{Duration, Instant};
use tercel_netns::Namespace;

/// A running process; dropping it closes its standard input, which asks it to stop.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    log: std::path::PathBuf,
    /// How much of the log has been handed out.
    heard: u64,
}

impl Process {
    /// Starts `tercel <arguments> --stop-on-eof`, in a network namespace if one is given; what it
    /// says on standard error goes to a file in `folder`. A terminal's Ctrl-C does not reach it:
    /// whoever started it says in which order things stop.
    pub(crate) fn start(
        name: &'static str,
        arguments: &[String],
        folder: &Path,
        namespace: Option<&Namespace>,
    ) -> Result<Process> {
        let log = folder.join(format!("{name}.log"));
        let errors = File::create(&log).with_context(|| format!("creating {}", log.display()))?;
        let binary = std::env::current_exe().context("finding the binary that is running")?;
        let mut command =
            namespace.map_or_else(|| Command::new(&binary), |inside| inside.command(&binary));
        let mut child = command
            .args(arguments)
            .arg("--stop-on-eof")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .with_context(|| format!("starting the {name}"))?;
        let stdin = child.stdin.take();
        let output = child.stdout.take().context("the child's output is not a pipe")?;
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Process { name, child, stdin, lines, log, heard: 0 })
    }

    /// Writes a line to its standard input.
    pub(crate) fn say(&mut self, line: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("its input is closed")?;
        writeln!(stdin, "{line}").and_then(|()| stdin.flush())?;
        Ok(())
    }

    /// The next line as `T`, or an error that quotes what the process said instead.
    pub(crate) fn expect<T: DeserializeOwned>(&mut self, wait: Duration) -> Result<T> {
        match self.lines.recv_timeout(wait) {
            Ok(line) => self.parse(&line),
            Err(RecvTimeoutError::Timeout) => bail!("the {} said nothing for {wait:?}", self.name),
            Err(RecvTimeoutError::Disconnected) => bail!(self.obituary()),
        }
    }

    /// Every line that is there, or an error if the process has ended.
    pub(crate) fn drain<T: DeserializeOwned>(&mut self) -> Result<Vec<T>> {
        let mut found = Vec::new();
        loop {
            match self.lines.try_recv() {
                Ok(line) => found.push(self.parse(&line)?),
                Err(TryRecvError::Empty) => return Ok(found),
                Err(TryRecvError::Disconnected) if found.is_empty() => bail!(self.obituary()),
                Err(TryRecvError::Disconnected) => return Ok(found),
            }
        }
    }

    /// The whole lines that it has said on standard error since the last call.
    pub(crate) fn heard(&mut self) -> Result<Vec<String>> {
        let mut text = String::new();
        let mut log = File::open(&self.log)?;
        log.seek(SeekFrom::Start(self.heard))?;
        log.read_to_string(&mut text)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        self.heard += whole as u64;
        Ok(text[..whole].lines().map(str::to_owned).collect())
    }

    /// Asks it to stop, and returns its last line once it has ended with success.
    pub(crate) fn stop<T: DeserializeOwned>(&mut self, wait: Duration) -> Result<T> {
        self.stdin = None;
        let end = Instant::now() + wait;
        let mut last = None;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => last = Some(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.child.kill();
                    bail!("the {} did not stop within {wait:?} and was killed", self.name);
                }
            }
        }
        let status = self.child.wait().with_context(|| format!("waiting for the {}", self.name))?;
        if !status.success() {
            bail!("the {} ended with {status}: {}", self.name, self.last_words());
        }
        let last = last.with_context(|| format!("the {} ended without a report", self.name))?;
        self.parse(&last)
    }

    fn parse<T: DeserializeOwned>(&self, line: &str) -> Result<T> {
        serde_json::from_str(line).with_context(|| format!("the {} said: {line}", self.name))
    }

    fn obituary(&mut self) -> String {
        let status = self.child.wait().map_or_else(|e| e.to_string(), |status| status.to_string());
        format!("the {} ended early ({status}): {}", self.name, self.last_words())
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = text.lines().rev().take(5).collect();
        tail.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stdin = None;
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
