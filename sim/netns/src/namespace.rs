//! A network namespace that goes with its last holder.

use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An unnamed network namespace with its loopback interface up.
#[derive(Debug)]
pub struct Namespace {
    descriptor: File,
    path: PathBuf,
}

/// Why no namespaces can be made here, in words.
pub fn available() -> Result<(), String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("network namespaces need root".into());
    }
    for tool in ["ip", "nsenter"] {
        let mut asked = Command::new(tool);
        asked.arg("-V").stdout(Stdio::null()).stderr(Stdio::null());
        if !asked.status().is_ok_and(|status| status.success()) {
            return Err(format!("`{tool}` is not installed (packages iproute2, util-linux)"));
        }
    }
    Namespace::new().map(drop).map_err(|error| format!("no network namespace: {error}"))
}

impl Namespace {
    /// Makes one.
    pub fn new() -> io::Result<Namespace> {
        // On a thread of its own: unshare moves the thread that calls it.
        let descriptor = on_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net")
        })?;
        let path = format!("/proc/{}/fd/{}", std::process::id(), descriptor.as_raw_fd()).into();
        let namespace = Namespace { descriptor, path };
        namespace.ip(&["link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    /// A path that stands for it as long as this value lives, as `nsenter --net=` takes it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the calling thread, and what it starts from now on, into the namespace for good.
    pub fn enter(&self) -> io::Result<()> {
        Ok(setns(&self.descriptor, CloneFlags::CLONE_NEWNET)?)
    }

    /// Runs `work` on a thread of its own inside. Sockets opened there stay in the namespace and
    /// can be used from anywhere.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        on_thread(|| {
            self.enter()?;
            Ok(work())
        })
    }

    /// A command that runs inside.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path.display())).arg("--").arg(program);
        command
    }

    /// Runs `ip` inside; the error has what it printed.
    pub fn ip(&self, arguments: &[&str]) -> io::Result<()> {
        let output = self.command("ip").args(arguments).stdin(Stdio::null()).output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(format!("ip {}: {}", arguments.join(" "), said.trim())))
    }
}

/// Runs `work` on a thread that ends with it; a panic there is a panic here.
fn on_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
