//! The guest and the card's other side: what they are started with, and what the guest says.

use super::archive::Archive;
use super::tools::{QEMU, Tools};
use anyhow::{Context, Result, bail, ensure};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Until the guest's first program runs. Emulated it takes 4 to 15 s, beside a busy build longer.
const BOOT: Duration = Duration::from_secs(90);
/// Until the guest has ended, counted from the start.
const WHOLE: Duration = Duration::from_secs(240);
/// Until the card's other side is ready.
const READY: Duration = Duration::from_secs(20);
/// Memory of the guest in MiB, and how many pages of 2 MiB of it are kept for DMA.
const MEMORY: u32 = 512;
const HUGE_PAGES: u32 = 32;
/// The last lines of the guest's log that are shown when something failed.
const TAIL: usize = 60;

/// Printed by the guest's first program.
const UP: &str = "guest is up";
/// Begins the line of a test, which ends with `ok`, or with why it failed.
const TEST: &str = "test ";
const GOOD: &str = " ... ok";
/// Begins the guest's last line.
const DONE: &str = "guest is done";

/// What the guest said.
#[derive(Default, PartialEq, Debug)]
pub(super) struct Outcome {
    /// The lines of tests that passed.
    pub(super) passed: Vec<String>,
    /// The lines of those that failed.
    pub(super) failed: Vec<String>,
    up: bool,
    done: bool,
}

impl Outcome {
    /// Takes one line of the guest, and says whether it is for the reader.
    fn line(&mut self, line: &str) -> bool {
        self.up |= line == UP;
        self.done |= line == DONE;
        let test = line.starts_with(TEST) && line.contains(" ... ");
        if test && line.contains(GOOD) {
            self.passed.push(line.to_string());
        } else if test {
            self.failed.push(line.to_string());
        }
        test || line.starts_with("note: ")
    }
}

/// A program that is ended when its owner is gone.
pub(super) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which is what both calls then say.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Boots a guest with the test program in it, and with the card's memory, which the same program
/// serves on this side. Prints the tests as they end.
pub(super) fn run(tools: &Tools, program: &Path, folder: &Path) -> Result<Outcome> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let start = folder.join("initramfs");
    fs::write(&start, initramfs(tools, program)?).with_context(|| start.display().to_string())?;
    let memory = folder.join("card.memory");
    let (_card, size) = card(program, &memory)?;
    let mut command = machine(tools, &start, &memory, size);
    to_the_end(&mut command, &folder.join("guest.log"))
}

/// Runs the guest, and shows the end of its log if anything went wrong.
pub(super) fn to_the_end(command: &mut Command, log: &Path) -> Result<Outcome> {
    let outcome = follow(command, log);
    if outcome.as_ref().is_ok_and(|outcome| outcome.failed.is_empty() && outcome.done) {
        return outcome;
    }
    println!("--- the end of {}", log.display());
    print!("{}", tail(&fs::read_to_string(log).unwrap_or_default(), TAIL));
    println!("---");
    let outcome = outcome?;
    ensure!(outcome.up, "the guest ended before its first program ran");
    ensure!(outcome.done, "the guest ended in the middle of its tests");
    Ok(outcome)
}

/// Busybox, the modules, the program, and the script that runs them.
fn initramfs(tools: &Tools, program: &Path) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    let program = fs::read(program).with_context(|| program.display().to_string())?;
    archive.file("card-bus", &program);
    system(&mut archive, tools, "/card-bus guest")?;
    Ok(archive.finish())
}

/// What every guest starts with: its last line is behind what `command` prints.
pub(super) fn system(archive: &mut Archive, tools: &Tools, command: &str) -> Result<()> {
    for folder in ["bin", "proc", "sys", "dev", "modules"] {
        archive.folder(folder);
    }
    let mut load = String::new();
    for (name, contents) in &tools.modules {
        archive.file(&format!("modules/{name}"), contents);
        writeln!(load, "insmod /modules/{name}")?;
    }
    archive.file("bin/busybox", &tools.busybox);
    let script = format!(
        "#!/bin/busybox sh\n\
         /bin/busybox --install -s /bin\n\
         export PATH=/bin RUST_BACKTRACE=0\n\
         mount -t proc proc /proc\n\
         mount -t sysfs sysfs /sys\n\
         mount -t devtmpfs devtmpfs /dev\n\
         {load}\
         echo\n\
         echo {UP}\n\
         {command} 2>&1\n\
         echo {DONE}\n\
         poweroff -f\n"
    );
    archive.file("init", script.as_bytes());
    Ok(())
}

/// Starts the card's other side and waits until the memory is there. Returns the memory's size.
fn card(program: &Path, memory: &Path) -> Result<(Running, u64)> {
    let mut command = Command::new(program);
    command.arg("host").arg(memory);
    let (card, _) = other_side(command)?;
    let size = fs::metadata(memory).with_context(|| memory.display().to_string())?.len();
    ensure!(size.is_power_of_two(), "the card's memory has {size} bytes, not a power of two");
    Ok((card, size))
}

/// Starts what the guest talks to, and waits for its line, which begins with `ready`. Returns what
/// follows.
pub(super) fn other_side(mut command: Command) -> Result<(Running, String)> {
    let program = command.get_program().to_string_lossy().into_owned();
    // The program ends when its input does, so that none is left behind by an interrupt.
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let child = command.spawn().with_context(|| format!("starting {program}"))?;
    let mut side = Running(child);
    let out = side.0.stdout.take().context("the other side's output")?;
    let (send, lines) = channel();
    thread::spawn(move || {
        let mut line = String::new();
        // Whoever waits sees a closed channel if there is nothing to read.
        if BufReader::new(out).read_line(&mut line).is_ok() {
            let _ = send.send(line);
        }
    });
    let line = lines.recv_timeout(READY).context("waiting for the guest's other side")?;
    let rest = line.trim().strip_prefix("ready").context("the guest's other side has failed")?;
    Ok((side, rest.trim().to_string()))
}

/// A machine with an IOMMU, the device `edu`, and one whose BAR is the card's memory.
fn machine(tools: &Tools, start: &Path, memory: &Path, size: u64) -> Command {
    let mut command = with_iommu(tools, start, MEMORY, HUGE_PAGES);
    command.args(["-device", "edu"]);
    let mut object = std::ffi::OsString::from("memory-backend-file,id=card,share=on,mem-path=");
    object.push(memory);
    object.push(format!(",size={size}"));
    command.arg("-object").arg(object);
    command.args(["-device", "ivshmem-plain,memdev=card"]);
    command
}

/// A machine with an IOMMU, so much memory in MiB and so many pages of 2 MiB of it kept for DMA.
pub(super) fn with_iommu(tools: &Tools, start: &Path, memory: u32, huge_pages: u32) -> Command {
    let mut command = Command::new(QEMU);
    // Emulated, so that it is the same everywhere; KVM is not there in most containers. The timer
    // check takes an emulated timer that comes late for a broken one.
    command.args(["-accel", "tcg", "-cpu", "max", "-machine", "q35", "-smp", "1"]);
    command.args(["-m", &memory.to_string()]);
    command.args(["-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio"]);
    command.arg("-kernel").arg(&tools.kernel).arg("-initrd").arg(start);
    let line = "console=ttyS0 quiet panic=-1 no_timer_check intel_iommu=on";
    command.arg("-append").arg(format!("{line} hugepages={huge_pages}"));
    command.args(["-device", "intel-iommu,intremap=on,caching-mode=on"]);
    command
}

/// Runs the guest to its end, within bounds. Each line goes into the log.
fn follow(command: &mut Command, log: &Path) -> Result<Outcome> {
    let mut file = File::create(log).with_context(|| log.display().to_string())?;
    let (reader, writer) = std::io::pipe().context("a pipe")?;
    command.stdin(Stdio::null());
    command.stdout(writer.try_clone().context("a pipe")?).stderr(writer);
    let begin = Instant::now();
    let mut guest = Running(command.spawn().with_context(|| format!("starting {QEMU}"))?);
    // The command holds the writing ends; while it does, the reader would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (send, lines) = channel();
    thread::spawn(move || each_line(reader, |line| send.send(line).is_ok()));
    let mut outcome = Outcome::default();
    loop {
        let limit = if outcome.up { WHOLE } else { BOOT };
        let left = limit.saturating_sub(begin.elapsed());
        match lines.recv_timeout(left) {
            Ok(line) => {
                writeln!(file, "{line}").with_context(|| log.display().to_string())?;
                let up = outcome.up;
                if outcome.line(&line) {
                    println!("{line}");
                }
                if outcome.up && !up {
                    println!("the guest is up after {:.1} s", begin.elapsed().as_secs_f64());
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                drop(guest);
                let what = if outcome.up { "run its tests to the end" } else { "boot" };
                bail!(
                    "the guest did not {what} within {} s; see {}",
                    limit.as_secs(),
                    log.display()
                );
            }
        }
    }
    let status = guest.0.wait().context("waiting for the guest")?;
    ensure!(status.success() || outcome.up, "{QEMU} ended with {status}; see {}", log.display());
    Ok(outcome)
}

/// Hands out the lines of a console, which end with CR and LF, until `each` wants no more.
fn each_line(reader: impl Read, mut each: impl FnMut(String) -> bool) {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        if !each(String::from_utf8_lossy(&line).trim_end().to_string()) {
            break;
        }
        line.clear();
    }
}

/// The last `count` lines.
fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(count)..];
    last.iter().map(|line| format!("  {line}\n")).collect()
}

/// Where the program and the log lie.
pub(super) fn folder(root: &Path) -> PathBuf {
    root.join("target/qemu")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guest_is_understood() {
        let mut outcome = Outcome::default();
        assert!(!outcome.line("[    0.5] test of something"));
        assert!(!outcome.line(UP));
        assert!(outcome.line("test edu: registers ... ok (12 ms)"));
        assert!(outcome.line("test edu: DMA ... FAILED: byte 7 is 0"));
        assert!(outcome.line("note: no huge pages"));
        assert!(outcome.up && !outcome.done);
        assert!(!outcome.line(DONE));
        assert!(outcome.done);
        assert_eq!((outcome.passed.len(), outcome.failed.len()), (1, 1));
    }

    #[test]
    fn lines_of_a_console_are_taken_apart() {
        let mut lines = Vec::new();
        each_line(&b"one\r\ntwo\r\n\xff"[..], |line| {
            lines.push(line);
            true
        });
        assert_eq!(lines, ["one", "two", "\u{fffd}"]);
        assert_eq!(tail("a\nb\nc\n", 2), "  b\n  c\n");
    }
}
