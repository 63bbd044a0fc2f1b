//! Other programs, and what they print.

use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Write, pipe};
use std::path::Path;
use std::process::{Command, ExitStatus};

/// `cargo` in the workspace.
pub(crate) fn cargo(root: &Path) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root);
    command
}

/// Runs it with its output on ours.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command.status().with_context(|| format!("starting {}", named(command)))?;
    Ok(status.success())
}

/// Whether it can be started and ends well; its output is dropped.
pub(crate) fn is_there(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

/// Runs it and hands every line it prints to `each`, which says whether the line is for the reader
/// too. Both of its streams come through one pipe, so that their lines stay in order: cargo names a
/// suite on one and the suite answers on the other.
pub(crate) fn lines(
    command: &mut Command,
    mut each: impl FnMut(&str) -> bool,
) -> Result<ExitStatus> {
    let name = named(command);
    let (reader, writer) = pipe().context("a pipe")?;
    command.stdout(writer.try_clone().context("a pipe")?).stderr(writer);
    let mut child = command.spawn().with_context(|| format!("starting {name}"))?;
    // The command holds the writing ends; while it does, the reader would never end.
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    let mut out = std::io::stdout().lock();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        if each(text.trim_end_matches(['\n', '\r'])) {
            out.write_all(text.as_bytes())?;
            out.flush()?;
        }
        line.clear();
    }
    child.wait().with_context(|| format!("waiting for {name}"))
}

fn named(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_come_in_order() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo one; echo two >&2; echo three; printf four; exit 3"]);
        let mut seen = Vec::new();
        let status = lines(&mut shell, |line| {
            seen.push(line.to_string());
            false
        });
        assert_eq!(status.unwrap().code(), Some(3));
        assert_eq!(seen, ["one", "two", "three", "four"]);
        assert!(lines(&mut Command::new("/no/such/program"), |_| false).is_err());
    }
}
