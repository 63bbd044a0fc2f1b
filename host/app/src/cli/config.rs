//! Arguments of `tercel config`, and `--set` of every command that reads a configuration.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What comes above the configuration file.
#[derive(Args, Clone, Default)]
pub(crate) struct SetArgs {
    /// Set a key above file and environment, as `quote.order_qty=50` or
    /// `instrument[SIM000].risk.position_max=200`; repeated, the last one counts.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Args)]
#[command(
    after_help = "A value is that of a flag, else of a variable, else of the file, else the \
default.\n\nA variable is TERCEL__ and the names of a key with __ between them; large and small \
letters are\nthe same in names of keys, and so are - and _. An [[instrument]] is named by its \
symbol, a\n[[challenger]] by its name, each also by its place from 0. Texts are taken as they are, \
all else is\nwritten as in TOML.\n\nExamples:
  tercel config check host.toml
  tercel config show host.toml --effective
  TERCEL__RISK__ACCOUNT__GROSS_MAX=1000000 tercel config show host.toml
  TERCEL__INSTRUMENT__SIM000__RISK__POSITION_MAX=200 tercel config check host.toml
  tercel config show host.toml --set instrument[SIM000].order_qty=50 --json
  tercel config diff host.toml new.toml
  tercel config schema > config.schema.json"
)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say all that is wrong with a configuration; fails if there is anything.
    Check(CheckArgs),
    /// Print the keys that are set, each with its value and where it comes from.
    Show(ShowArgs),
    /// Print the JSON schema of the file, with what each key means and when a change takes effect.
    Schema,
    /// Print what changes from one file to another, and what a running host takes.
    Diff(DiffArgs),
}

#[derive(Args)]
pub(crate) struct CheckArgs {
    /// Configuration file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) above: SetArgs,
}

#[derive(Args)]
pub(crate) struct ShowArgs {
    /// Configuration file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Print keys that nobody has set as well, with their defaults.
    #[arg(long)]
    pub(crate) effective: bool,
    /// Print JSON: a list of keys, each with its value and its layer.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) above: SetArgs,
}

#[derive(Args)]
#[command(
    after_help = "A running host takes changes of [risk.account], [risk.instrument] and the \
limits of an\n[[instrument]]; everything else, [promotion] and [risk.venue] included, takes a \
restart.\n`tercel config schema` says it of each key, as x-reload."
)]
pub(crate) struct DiffArgs {
    /// Configuration file of before.
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// Configuration file of after.
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// Print JSON: a list of changes.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) above: SetArgs,
}
