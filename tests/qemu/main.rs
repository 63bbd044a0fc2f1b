//! Both sides of `cargo x qemu` in one program, which is built without shared libraries.
//!
//! `card-bus host FILE` serves an emulated card in the file. `card-bus guest` runs in a virtual
//! machine that shows the file's memory behind a BAR, beside the device `edu` of QEMU
//! (docs/specs/edu.txt): one line a test, then the program that started the machine knows.
#![forbid(unsafe_code)]

mod card;
mod edu;
mod feed;
mod guest;
mod host;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["host", path] => host::run(Path::new(path)),
        ["guest"] => guest::run(),
        _ => Err("usage: card-bus host FILE | card-bus guest".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("card-bus: {error}");
            ExitCode::FAILURE
        }
    }
}
