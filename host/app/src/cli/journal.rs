//! Arguments of `tercel journal` and `tercel report`.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use tercel_journal::Chain;
use tercel_report::{calendar, item};

#[derive(Args)]
#[command(after_help = "Examples:
  tercel journal verify /var/lib/tercel/journal --head 3f…
  tercel journal show /var/lib/tercel/journal --kind intended,answered --symbol AAPL
  tercel journal show /var/lib/tercel/journal --follow --json
  tercel journal export /var/lib/tercel/journal --out tables
  tercel journal export /var/lib/tercel/journal --out day.jsonl --kind answered
  tercel journal schema")]
pub(crate) struct JournalArgs {
    #[command(subcommand)]
    pub(crate) command: JournalCommand,
}

#[derive(Subcommand)]
pub(crate) enum JournalCommand {
    /// Say whether a journal is whole, and whether what was sent is what the venue knows; fails
    /// if not.
    Verify(VerifyArgs),
    /// Print records, for people or as JSON lines.
    Show(JournalShowArgs),
    /// Write records as JSON lines or as Parquet.
    Export(ExportArgs),
    /// Print what each kind of record and each order event holds.
    Schema,
}

#[derive(Args)]
pub(crate) struct VerifyArgs {
    /// Folder of the journal.
    pub(crate) folder: PathBuf,
    /// Chain value that the journal had once, 64 hexadecimal digits: fails if it has it no more.
    #[arg(long, value_name = "HEX")]
    pub(crate) head: Option<Chain>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct JournalShowArgs {
    /// Folder of the journal.
    pub(crate) folder: PathBuf,
    /// From this record on.
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    pub(crate) from: u64,
    /// Only these kinds, by name or number, with commas.
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    pub(crate) kind: Vec<u16>,
    /// Only records about this symbol.
    #[arg(long, value_name = "SYMBOL")]
    pub(crate) symbol: Option<String>,
    /// Only records about this order, by our number of it.
    #[arg(long, value_name = "USER_REF")]
    pub(crate) order: Option<u32>,
    /// Wait for more at the end, until stopped.
    #[arg(long)]
    pub(crate) follow: bool,
    /// Print a JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Folder of the journal.
    pub(crate) folder: PathBuf,
    /// A file that ends in `.jsonl`; any other name is a folder for Parquet files, one a kind.
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,
    /// Only these kinds, by name or number, with commas.
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    pub(crate) kind: Vec<u16>,
}

#[derive(Args)]
pub(crate) struct ReportArgs {
    #[command(subcommand)]
    pub(crate) command: ReportCommand,
}

#[derive(Subcommand)]
pub(crate) enum ReportCommand {
    /// Report a day: orders, best execution, refusals, limits, deeds, clock, reconciliation.
    Day(DayArgs),
}

#[derive(Args)]
#[command(after_help = "Examples:
  tercel report day /var/lib/tercel/journal --out report.html
  tercel report day /var/lib/tercel/journal --date 2026-01-30 --json > day.json
  tercel report day /var/lib/tercel/journal --events events.jsonl")]
pub(crate) struct DayArgs {
    /// Folder of the journal.
    pub(crate) folder: PathBuf,
    /// The day, UTC, as YYYY-MM-DD; the default is that of the last record.
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(crate) date: Option<calendar::Day>,
    /// Write a page for a browser to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Write what happened to each order to this file, as JSON lines (`tercel journal schema`).
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
    /// Print everything as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

fn kind(text: &str) -> Result<u16, String> {
    let number = || match text.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    item::kind_named(text).map(|kind| kind.number).or_else(number).ok_or_else(|| {
        let names: Vec<&str> = item::kinds().map(|kind| kind.name).collect();
        format!("no such kind; there are {}, and numbers", names.join(", "))
    })
}

fn day(text: &str) -> Result<calendar::Day, String> {
    calendar::Day::parse(text).ok_or_else(|| "a date as 2026-01-30 is wanted".into())
}
