//! `tercel config`: what a configuration says, what is wrong with it, what changes.

use crate::cli::{CheckArgs, ConfigArgs, ConfigCommand, DiffArgs, ShowArgs};
use crate::config::{Change, Config, Overrides, Reload, schema};
use anyhow::Result;
use serde_json::Value;
use std::process::ExitCode;

/// Runs it.
pub(crate) fn run(args: &ConfigArgs) -> Result<ExitCode> {
    match &args.command {
        ConfigCommand::Check(args) => return check(args),
        ConfigCommand::Show(args) => show(args)?,
        ConfigCommand::Schema => println!("{}", serde_json::to_string_pretty(schema())?),
        ConfigCommand::Diff(args) => diff(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn check(args: &CheckArgs) -> Result<ExitCode> {
    let text = Config::read(&args.file)?;
    let overrides = Overrides::of_process(&args.above.set);
    let (config, problems) = Config::check(&args.file, &text, &overrides);
    for warning in config.iter().flat_map(Config::warnings) {
        eprintln!("warning: {warning}");
    }
    for problem in &problems {
        eprintln!("{problem}");
    }
    if problems.is_empty() {
        println!("{}: nothing is wrong", args.file.display());
        return Ok(ExitCode::SUCCESS);
    }
    let count = problems.len();
    eprintln!("{}: {count} problem{}", args.file.display(), if count == 1 { "" } else { "s" });
    Ok(ExitCode::FAILURE)
}

fn show(args: &ShowArgs) -> Result<()> {
    let config = Config::load_with(&args.file, &args.above.set)?;
    let mut entries = config.effective();
    if !args.effective {
        entries.retain(|entry| entry.is_set());
    }
    if args.json {
        let list: Vec<Value> = entries.iter().map(|entry| entry.json(config.file())).collect();
        println!("{}", serde_json::to_string_pretty(&list)?);
        return Ok(());
    }
    let lines: Vec<String> =
        entries.iter().map(|entry| format!("{} = {}", entry.key, entry.text())).collect();
    let width = lines.iter().map(|line| line.len()).max().unwrap_or_default().min(60);
    for (line, entry) in lines.iter().zip(&entries) {
        let from = entry.from(config.file());
        let from = if from.is_empty() { from } else { format!("  # {from}") };
        println!("{}", format!("{line:<width$}{from}").trim_end());
    }
    Ok(())
}

fn diff(args: &DiffArgs) -> Result<()> {
    let load = |file| Config::load_with(file, &args.above.set);
    let changes = Config::difference(&load(&args.old)?, &load(&args.new)?);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&changes)?);
        return Ok(());
    }
    let text = |value: &Option<Value>| value.as_ref().map_or("(not set)".into(), Value::to_string);
    for Change { key, old, new, takes } in &changes {
        let when = match takes {
            Reload::Now => "at once",
            Reload::Restart => "at the next start",
        };
        println!("{key}: {} -> {}, {when}", text(old), text(new));
    }
    if changes.is_empty() {
        println!("nothing changes");
    }
    Ok(())
}
