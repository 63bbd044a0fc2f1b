//! The binary `tercel`: configuration, topology, commands.
//!
//! Everything here is cold but the loop in `host`; what runs where is in `topology`.
#![forbid(unsafe_code)]

#[macro_use]
mod output;

mod bypass;
mod card_lines;
#[cfg(feature = "lab")]
mod child;
mod cli;
mod cold;
mod command;
mod config;
#[cfg(feature = "lab")]
mod console;
mod host;
mod json;
mod lines;
mod live_feed;
mod operator;
mod order_line;
mod pace;
mod paper;
mod recorded_feed;
mod recording;
mod replay;
mod report;
mod ring_feed;
mod signals;
mod source;
mod summary;
mod topology;
#[cfg(feature = "lab")]
mod venue_report;
mod watch;

use clap::Parser;
use cli::{Cli, Command};
use signals::Signals;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(_) if output::failed() => ExitCode::FAILURE,
        Ok(code) => code,
        Err(error) => {
            eprintln!("tercel: {}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, without those that the text before them already ends with.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.ends_with(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let signals = || -> anyhow::Result<Signals> {
        let signals = Signals::install()?;
        if cli.stop_on_eof && !takes_commands(&cli.command) {
            signals.also_end_of_input()?;
        }
        Ok(signals)
    };
    match &cli.command {
        #[cfg(feature = "lab")]
        Command::Demo(args) => command::demo::run(args, &Signals::install()?),
        Command::Run(args) => command::run::run(args, signals()?, cli.stop_on_eof),
        Command::Feed(args) => command::feed::run(args, &signals()?),
        #[cfg(feature = "lab")]
        Command::Exchange(args) => command::exchange::run(args, &signals()?, cli.stop_on_eof),
        #[cfg(feature = "lab")]
        Command::Replay(args) => command::replay::run(args, &signals()?),
        #[cfg(feature = "lab")]
        Command::Emulate(args) => command::emulate::run(args, &signals()?),
        Command::Fpga(args) => command::fpga::run(args, signals),
        // Its exit status says what it has found.
        Command::Doctor(args) => return Ok(command::doctor::run(args)),
        Command::Control(args) => command::control::run(args),
        // Its exit status says whether anything is wrong.
        Command::Config(args) => return command::config::run(args),
        // Its exit status says whether the journal is whole and reconciled.
        Command::Journal(args) => return command::journal::run(args, signals),
        // Likewise.
        Command::Report(args) => return command::report_day::run(args),
        Command::Book(args) => command::book::run(args),
        Command::Stats(args) => command::stats::run(args),
        Command::Top(args) => command::top::run(args, &signals()?),
        Command::Decode(args) => command::decode::run(args),
        Command::Capture(args) => command::capture::run(args, signals),
        Command::Query(args) => command::query::run(args, signals),
        #[cfg(feature = "lab")]
        Command::Convert(args) => command::convert::run(args),
        #[cfg(feature = "lab")]
        Command::Generate(args) => command::generate::run(args),
        #[cfg(feature = "lab")]
        // Its exit status says whether every recording could be read.
        Command::Backtest(args) => return command::backtest::run(args),
        #[cfg(feature = "lab")]
        Command::Facts(args) => command::facts::run(args),
        #[cfg(feature = "lab")]
        // Its exit status says what a comparison came to.
        Command::Bench(args) => return tercel_bench::run(args.clone()),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// The command reads standard input itself.
fn takes_commands(command: &Command) -> bool {
    match command {
        #[cfg(feature = "lab")]
        Command::Exchange(args) => args.console,
        Command::Run(args) => args.console,
        _ => false,
    }
}
