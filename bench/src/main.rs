//! The benchmark as a program; `tercel bench` is the same.
#![forbid(unsafe_code)]

use clap::Parser;
use std::process::ExitCode;

/// Measures each stage and the whole way from frame to order, and compares runs.
#[derive(Parser)]
#[command(name = "tercel-bench", version)]
struct Program {
    #[command(flatten)]
    arguments: tercel_bench::Arguments,
}

fn main() -> ExitCode {
    match tercel_bench::run(Program::parse().arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tercel-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
