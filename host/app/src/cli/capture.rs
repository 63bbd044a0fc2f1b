//! The arguments of `capture`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "Examples:
  tercel capture record --config host.toml --out recordings
  tercel capture check recordings
  tercel capture convert recordings --out events
  tercel query \"SELECT symbol, count(*) AS n FROM events GROUP BY symbol\" --data events")]
pub(crate) struct CaptureArgs {
    #[command(subcommand)]
    pub(crate) command: CaptureCommand,
}

#[derive(Subcommand)]
pub(crate) enum CaptureCommand {
    /// Write every frame of both lines to rotating pcap-ng files.
    Record(RecordArgs),
    /// Decode recordings into events as Parquet, a folder a day and instrument.
    Convert(ConvertCaptureArgs),
    /// Say what is odd in recordings, file by file.
    Check(CheckCaptureArgs),
    /// Print the columns of the Parquet files and what each kind of event says.
    Schema,
}

#[derive(Args)]
#[command(after_help = "\
Files are named feed-YYYYMMDDTHHMMSS.nnnnnnnnnZ.pcapng by the time at which they were begun, and end
in .part until they are whole. Frames wait for the disk in a ring; where it is full they are dropped
and counted: on the status line, in the summary, and in the interface statistics of each file
(isb_ifdrop; isb_osdrop is what the system dropped before). A full disk ends the recording.

Examples:
  tercel capture record --config host.toml --out recordings
  tercel capture record --config host.toml --out recordings --rotate-s 600 --duration 600 --json")]
pub(crate) struct RecordArgs {
    /// Configuration file; its [feed], [path] and [host] parts are used.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Folder for the files; made if it is not there.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// Size at which a file ends, MiB.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    pub(crate) rotate_mib: u64,
    /// Age at which a file ends, seconds.
    #[arg(long, default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=604_800))]
    pub(crate) rotate_s: u64,
    /// Room for frames that wait for the disk, MiB.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=65_536))]
    pub(crate) ring_mib: u64,
    /// End after this many seconds instead of at a signal.
    #[arg(long, value_name = "S")]
    pub(crate) duration: Option<u64>,
    /// Print the summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(after_help = "\
Events lie in date=YYYY-MM-DD/symbol=XXXX/part-0.parquet; the date is that of the arrival, in UTC.
Events of the whole market and of the feed itself are under symbol=_MARKET, those of a number that
the recording's directory does not name under symbol=_LOCATE_n. Messages that no line has brought
within a second are lost: GAP_OPEN names them, and SNAPSHOT_BEGIN and SNAPSHOT_END without a message
between them say that the books begin anew. `tercel capture schema` prints the columns.")]
pub(crate) struct ConvertCaptureArgs {
    /// Captures, or folders of captures, of one recording in order.
    #[arg(required = true)]
    pub(crate) captures: Vec<PathBuf>,
    /// Folder for the events; made if it is not there.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// Print the summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(after_help = rules())]
pub(crate) struct CheckCaptureArgs {
    /// Captures, or folders of captures, of one recording in order.
    #[arg(required = true)]
    pub(crate) captures: Vec<PathBuf>,
    /// Print one JSON object a file.
    #[arg(long)]
    pub(crate) json: bool,
}

fn rules() -> String {
    format!("Rules:\n{}", tercel_capture::check::definitions())
}
