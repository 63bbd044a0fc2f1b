//! `tercel-train`: trains, evaluates, exports and compares policies.
#![forbid(unsafe_code)]

mod commands;
mod progress;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Trains the host's policies by deep reinforcement learning and says what they are worth.
///
/// A run is described by a TOML file, of which models/configs has one for each environment and
/// algorithm:
///
///   tercel-train train models/configs/mm2-ppo.toml --out runs/mm2
///   tercel-train eval runs/mm2/seed-1
///   tensorboard --logdir runs/mm2
#[derive(Parser)]
#[command(version, disable_help_subcommand = true, max_term_width = 100, verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Train(commands::train::Arguments),
    Teach(commands::teach::Arguments),
    Eval(commands::eval::Arguments),
    Export(commands::export::Arguments),
    Compare(commands::compare::Arguments),
    Check(commands::check::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Train(arguments) => commands::train::run(&arguments),
        Command::Teach(arguments) => commands::teach::run(&arguments),
        Command::Eval(arguments) => commands::eval::run(&arguments),
        Command::Export(arguments) => commands::export::run(&arguments),
        Command::Compare(arguments) => commands::compare::run(&arguments),
        Command::Check(arguments) => commands::check::run(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
