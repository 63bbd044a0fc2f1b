//! The tools that `cargo x` needs, and how to get them.

use crate::dpdk;
use crate::process::{is_there, succeeds};
use anyhow::Result;
use std::process::Command;

/// Where a tool comes from.
#[derive(Clone, Copy)]
enum From {
    Rustup(&'static str),
    Apt(&'static str),
}

/// A program, how to ask whether it is there, and what it is needed for.
struct Tool {
    program: &'static str,
    ask: &'static [&'static str],
    need: &'static str,
    from: From,
}

const TOOLS: &[Tool] = &[
    Tool { program: "cc", ask: &["--version"], need: "linking", from: From::Apt("gcc libc6-dev") },
    Tool {
        program: "rustfmt",
        ask: &["--version"],
        need: "formatting",
        from: From::Rustup("rustfmt"),
    },
    Tool {
        program: "cargo",
        ask: &["clippy", "--version"],
        need: "clippy",
        from: From::Rustup("clippy"),
    },
    Tool {
        program: "ip",
        ask: &["-V"],
        need: "network namespaces of the tests",
        from: From::Apt("iproute2"),
    },
    Tool {
        program: "nsenter",
        ask: &["--version"],
        need: "likewise",
        from: From::Apt("util-linux"),
    },
    Tool {
        program: "valgrind",
        ask: &["--version"],
        need: "counting instructions",
        from: From::Apt("valgrind"),
    },
    Tool {
        program: "promtool",
        ask: &["--version"],
        need: "scraping a host in a test",
        from: From::Apt("prometheus"),
    },
    Tool {
        program: "chromium",
        ask: &["--version"],
        need: "the dashboard in a browser",
        from: From::Apt("chromium"),
    },
    Tool {
        program: "chromedriver",
        ask: &["--version"],
        need: "likewise",
        from: From::Apt("chromium-driver"),
    },
    Tool {
        program: "pkg-config",
        ask: dpdk::ASK,
        need: "DPDK, for its driver",
        from: From::Apt(dpdk::PACKAGES),
    },
];

/// Says what is here and, if asked to, installs what is not. Whether all is here now.
pub(crate) fn run(install: bool) -> Result<bool> {
    let mut ready = true;
    for tool in TOOLS {
        let mut there = is_there(tool.program, tool.ask);
        if !there && install {
            there = get(tool.from)? && is_there(tool.program, tool.ask);
        }
        match (there, tool.from) {
            (true, _) => println!("found    {} ({})", tool.program, tool.need),
            (false, from) => println!(
                "missing  {} ({}); install it with: {}",
                tool.program,
                tool.need,
                words(&command(from, true)).join(" ")
            ),
        }
        ready &= there;
    }
    Ok(ready)
}

/// `apt-get` without questions; `false` where this user may not, or where it fails.
pub(crate) fn apt(args: &[&str]) -> Result<bool> {
    let root = is_root();
    if !root && !is_there("sudo", &["-n", "true"]) {
        return Ok(false);
    }
    let mut command = Command::new(if root { "apt-get" } else { "sudo" });
    if !root {
        command.args(["-n", "apt-get"]);
    }
    command.args(args).args(["--yes", "--no-install-recommends"]);
    Ok(is_there("apt-get", &["--version"]) && succeeds(&mut command)?)
}

/// Installs without asking; `false` where this user may not.
fn get(from: From) -> Result<bool> {
    let root = is_root();
    if matches!(from, From::Apt(_)) && !root && !is_there("sudo", &["-n", "true"]) {
        return Ok(false);
    }
    let mut command = command(from, root);
    println!("running  {}", words(&command).join(" "));
    let there = is_there(command.get_program().to_str().unwrap_or_default(), &["--version"]);
    if !there || succeeds(&mut command)? {
        return Ok(there);
    }
    // The lists of a machine that has never updated them may name files that are gone.
    Ok(matches!(from, From::Apt(_)) && apt(&["update"])? && succeeds(&mut command)?)
}

fn command(from: From, root: bool) -> Command {
    match from {
        From::Rustup(component) => {
            let mut command = Command::new("rustup");
            command.args(["component", "add", component]);
            command
        }
        From::Apt(packages) => {
            let mut command = Command::new(if root { "apt-get" } else { "sudo" });
            if !root {
                command.args(["-n", "apt-get"]);
            }
            command.args(["install", "--yes", "--no-install-recommends"]);
            command.args(packages.split(' '));
            command
        }
    }
}

fn words(command: &Command) -> Vec<String> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect()
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_fit_the_user() {
        let apt = |root| words(&command(From::Apt("gcc libc6-dev"), root)).join(" ");
        assert_eq!(apt(true), "apt-get install --yes --no-install-recommends gcc libc6-dev");
        assert!(apt(false).starts_with("sudo -n apt-get install"));
        let rustup = words(&command(From::Rustup("clippy"), false)).join(" ");
        assert_eq!(rustup, "rustup component add clippy");
    }
}
