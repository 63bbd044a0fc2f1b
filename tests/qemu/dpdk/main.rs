//! Programs of the DPDK suites that need a process or a machine of their own.
//!
//! `dpdk-lab hold DEVICE...` opens devices, says `ready`, and closes them when its standard input
//! ends: something to kill.
//!
//! `dpdk-lab venue CARDS` serves a day to the network cards of a machine that QEMU emulates, and
//! `dpdk-lab guest` runs in that machine: one line a test.
#![forbid(unsafe_code)]

mod day;
mod guest;
mod hold;
mod venue;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match &words[..] {
        ["hold", devices @ ..] => hold::run(devices),
        ["venue", cards] => cards.parse().map_err(Into::into).and_then(venue::run),
        ["guest"] => guest::run(),
        _ => Err("usage: dpdk-lab hold DEVICE... | venue CARDS | guest".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dpdk-lab: {error}");
            ExitCode::FAILURE
        }
    }
}
