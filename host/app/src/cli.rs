//! The command line.

#[cfg(feature = "lab")]
mod backtest;
mod capture;
mod card;
mod config;
mod control;
#[cfg(feature = "lab")]
mod demo;
mod doctor;
#[cfg(feature = "lab")]
mod facts;
#[cfg(feature = "lab")]
mod generate;
mod journal;
mod query;
mod top;

#[cfg(feature = "lab")]
pub(crate) use backtest::{BacktestArgs, FormatName};
pub(crate) use capture::{
    CaptureArgs, CaptureCommand, CheckCaptureArgs, ConvertCaptureArgs, RecordArgs,
};
#[cfg(feature = "lab")]
pub(crate) use card::EmulateArgs;
pub(crate) use card::{CardArgs, FpgaArgs, FpgaCommand};
pub(crate) use config::{CheckArgs, ConfigArgs, ConfigCommand, DiffArgs, SetArgs, ShowArgs};
pub(crate) use control::{ControlArgs, ControlCommand, RoleName};
#[cfg(feature = "lab")]
pub(crate) use demo::{DemoArgs, DemoPath, DemoSource, PlacementName, StrategyName};
pub(crate) use doctor::DoctorArgs;
#[cfg(feature = "lab")]
pub(crate) use facts::{FactsArgs, MarketName};
#[cfg(feature = "lab")]
pub(crate) use generate::GenerateArgs;
pub(crate) use journal::{
    DayArgs, ExportArgs, JournalArgs, JournalCommand, JournalShowArgs, ReportArgs, ReportCommand,
    VerifyArgs,
};
pub(crate) use query::QueryArgs;
pub(crate) use top::TopArgs;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use tercel_fpga::CardAddress;

/// Exchange packets in, risk-checked orders out.
#[derive(Parser)]
#[command(name = "tercel", version, propagate_version = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Treat the end of standard input as SIGTERM; for a parent process.
    #[arg(long, global = true, hide = true)]
    pub(crate) stop_on_eof: bool,
}

const EXAMPLES: &str = "Examples:
  tercel demo                                   a venue and a host trade with each other for 30 s
  tercel demo --loss 0.01 --duplicate 0.01      the same over lines that lose and repeat packets
  tercel run --print-config > host.toml         a configuration with every key explained
  tercel run --config host.toml                 trade
  tercel stats 12302019.NASDAQ_ITCH50           what is in a file
  tercel book day.itch --symbol AAPL --at 10:00:00 --depth 5";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start a venue and a host on this machine and watch them trade over multicast and TCP.
    #[cfg(feature = "lab")]
    Demo(DemoArgs),
    /// Trade: feed in, book, policy, risk, orders out.
    Run(RunArgs),
    /// Decode a feed into a shared-memory ring for one or more `run` processes.
    Feed(FeedArgs),
    /// Run a simulated venue that matches orders.
    #[cfg(feature = "lab")]
    Exchange(ExchangeArgs),
    /// Play an ITCH file as a venue's feed: two multicast lines, retransmission and Glimpse.
    #[cfg(feature = "lab")]
    Replay(ReplayArgs),
    /// Be a feed card: registers and ring in shared memory, frames from the network or a capture.
    #[cfg(feature = "lab")]
    Emulate(EmulateArgs),
    /// Look at a feed card, or at its emulator.
    Fpga(FpgaArgs),
    /// Say what is wrong with this machine for trading, and what to do.
    Doctor(DoctorArgs),
    /// Make tokens for the control plane, and print its document.
    Control(ControlArgs),
    /// Check, show and compare configurations, and print their schema.
    Config(ConfigArgs),
    /// Verify, show and export the journal of a host.
    Journal(JournalArgs),
    /// Report what a host did, from its journal.
    Report(ReportArgs),
    /// Show the book of an instrument from a recorded file or a ring.
    Book(BookArgs),
    /// Count what is in captures or ITCH files, or show the counters page of a host.
    Stats(StatsArgs),
    /// Watch a running host in this terminal, by its API or its counters page.
    Top(TopArgs),
    /// Print every message of a capture or an ITCH file as one JSON object a line.
    Decode(DecodeArgs),
    /// Record a feed, turn recordings into Parquet, and say what is odd in them.
    Capture(CaptureArgs),
    /// Ask a journal and converted recordings in SQL.
    Query(QueryArgs),
    /// Turn a LOBSTER message file into an ITCH file.
    #[cfg(feature = "lab")]
    Convert(ConvertArgs),
    /// Make up a day of a whole venue and write it as an ITCH file.
    #[cfg(feature = "lab")]
    Generate(GenerateArgs),
    /// Run strategies over recorded markets, measure and compare them.
    #[cfg(feature = "lab")]
    Backtest(BacktestArgs),
    /// How simulated and recorded markets behave, side by side: the stylised facts.
    #[cfg(feature = "lab")]
    Facts(FactsArgs),
    /// Measure each stage and the whole way from frame to order, or compare two measurements.
    #[cfg(feature = "lab")]
    Bench(tercel_bench::Arguments),
}

/// What goes wrong on the lines of a feed: one value for both, or line A's and line B's with a
/// comma.
#[cfg(feature = "lab")]
#[derive(Args, Clone)]
pub(crate) struct FaultArgs {
    /// Share of packets that a line loses, 0 to 1; A,B for different lines.
    #[arg(long, default_value = "0", value_name = "SHARE", value_parser = shares)]
    pub(crate) loss: PerLine<f64>,
    /// Share of packets that a line sends twice; likewise.
    #[arg(long, default_value = "0", value_name = "SHARE", value_parser = shares)]
    pub(crate) duplicate: PerLine<f64>,
    /// Share of packets that a line sends after later ones; likewise.
    #[arg(long, default_value = "0", value_name = "SHARE", value_parser = shares)]
    pub(crate) reorder: PerLine<f64>,
    /// Microseconds by which every packet of a line is late; likewise.
    #[arg(long, default_value = "0", value_name = "US", value_parser = micros)]
    pub(crate) delay_us: PerLine<u64>,
    /// Microseconds by which packets are later still, evenly spread from zero; likewise.
    #[arg(long, default_value = "0", value_name = "US", value_parser = micros)]
    pub(crate) jitter_us: PerLine<u64>,
}

/// Values of line A and line B.
#[cfg(feature = "lab")]
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct PerLine<T>(pub(crate) [T; 2]);

#[cfg(feature = "lab")]
impl<T: std::fmt::Display> std::fmt::Display for PerLine<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{},{}", self.0[0], self.0[1])
    }
}

/// Where the lines of a feed come from.
#[derive(Clone, Debug)]
pub(crate) enum SourceName {
    /// The network, by the path that the configuration names.
    Net,
    /// A feed card, or its emulator.
    Fpga(CardAddress),
}

/// Reads `net` or `fpga:<address>`.
fn source(text: &str) -> Result<SourceName, String> {
    match text.split_once(':') {
        None if text == "net" => Ok(SourceName::Net),
        Some(("fpga", address)) => {
            address.parse().map(SourceName::Fpga).map_err(|error| format!("{error}"))
        }
        _ => Err("must be `net`, `fpga:<PCI address>` or `fpga:<path>`".into()),
    }
}

#[derive(Args)]
#[command(after_help = "Examples:
  tercel run --print-config > host.toml
  tercel run --config host.toml
  tercel run --config host.toml --replay day.itch --orders orders.bin   (no venue: paper fills)
  tercel run --config host.toml --ring /dev/shm/feed --orders orders.bin --paper")]
pub(crate) struct RunArgs {
    /// Configuration file.
    #[arg(long, value_name = "FILE", required_unless_present = "print_config")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) above: SetArgs,
    /// Print a configuration with every key explained, and exit.
    #[arg(long)]
    pub(crate) print_config: bool,
    /// Read this ITCH file or pcap instead of the network, on recorded time, with paper fills.
    #[arg(long, value_name = "FILE", conflicts_with = "ring")]
    pub(crate) replay: Option<PathBuf>,
    /// Read this ring instead of the network.
    #[arg(long, value_name = "FILE")]
    pub(crate) ring: Option<PathBuf>,
    /// Where the lines of the feed come from: `net` (the way that [path] of the configuration
    /// names), `fpga:<PCI address>` (a feed card), or `fpga:<path>` (the card of `tercel emulate`).
    #[arg(long, default_value = "net", value_parser = source)]
    #[arg(conflicts_with_all = ["ring", "replay"])]
    pub(crate) source: SourceName,
    /// Fill orders on paper, on recorded time, instead of sending them; implied by --replay.
    #[arg(long)]
    pub(crate) paper: bool,
    /// Write every order packet as sent to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) orders: Option<PathBuf>,
    /// Lose this share of the order session's frames, where it runs beside the kernel's stack.
    #[cfg_attr(feature = "lab", arg(long, hide = true, default_value = "0", value_parser = share))]
    #[cfg_attr(not(feature = "lab"), arg(skip))]
    pub(crate) orders_loss: f64,
    /// Print a line of JSON this often while running, and the summary as JSON.
    #[arg(long, value_name = "MS")]
    pub(crate) status_ms: Option<u64>,
    /// Take commands to champion and challengers on standard input; `help` lists them.
    #[arg(long)]
    pub(crate) console: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(after_help = "Examples:
  tercel feed --config host.toml --ring /dev/shm/feed
  tercel feed --config host.toml --ring /dev/shm/feed --file day.itch --slots 1048576")]
pub(crate) struct FeedArgs {
    /// Configuration file; its [feed] and [host] parts are used.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    #[command(flatten)]
    pub(crate) above: SetArgs,
    /// The ring to write; made anew.
    #[arg(long, value_name = "FILE")]
    pub(crate) ring: PathBuf,
    /// Slots of the ring, a power of two; 64 bytes each.
    #[arg(long, default_value_t = 1 << 18)]
    pub(crate) slots: u64,
    /// Decode this ITCH file or pcap instead of the network, and end.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Where the lines come from: `net`, `fpga:<PCI address>` or `fpga:<path>`.
    #[arg(long, default_value = "net", conflicts_with = "file", value_parser = source)]
    pub(crate) source: SourceName,
    /// End when the feed's session ends.
    #[arg(long)]
    pub(crate) until_end: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(feature = "lab")]
#[derive(Args)]
#[command(after_help = "Examples:
  tercel exchange --symbols 100 --rate 5000
  tercel exchange --line-a 239.192.0.1:31001 --line-b 239.192.0.2:31002 --ouch 127.0.0.1:31010
  tercel exchange --replay AAPL_message_50.csv.gz --symbol AAPL --speed 10")]
pub(crate) struct ExchangeArgs {
    /// Instruments, named SIM000 and on.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=5000))]
    pub(crate) symbols: u16,
    /// Background messages a second; 0 for none.
    #[arg(long, default_value_t = 2000)]
    pub(crate) rate: u32,
    /// Seed of the background flow and of the lines' faults.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Participants as NAME:PASSWORD, repeated; names have at most 6 characters.
    #[arg(long, default_values_t = [String::from("TERCEL:demo"), String::from("OTHER:demo")])]
    pub(crate) account: Vec<String>,
    #[command(flatten)]
    pub(crate) net: VenueNetArgs,
    #[command(flatten)]
    pub(crate) faults: FaultArgs,
    /// Play the orders of this ITCH or LOBSTER file into the market.
    #[arg(long, value_name = "FILE")]
    pub(crate) replay: Option<PathBuf>,
    /// Symbol of the LOBSTER file.
    #[arg(long, default_value = "AAPL")]
    pub(crate) symbol: String,
    /// Pace of the replay as a multiple of the recorded one; 0 is as fast as possible.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) speed: f64,
    /// End after this many seconds instead of at a signal.
    #[arg(long)]
    pub(crate) duration: Option<u64>,
    /// Go on for this many seconds after a signal, so that hosts that stop too can cancel and log
    /// out; another signal ends it at once.
    #[arg(long, default_value_t = 0)]
    pub(crate) linger: u64,
    /// Begin with the opening cross, collecting orders for this many seconds.
    #[arg(long, default_value_t = 0)]
    pub(crate) opening: u64,
    /// Take commands on standard input, one a line; `help` lists them.
    #[arg(long)]
    pub(crate) console: bool,
    /// Print addresses and reports as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where a venue is heard and reached.
#[cfg(feature = "lab")]
#[derive(Args)]
pub(crate) struct VenueNetArgs {
    /// Multicast group and port of line A.
    #[arg(long, default_value = "239.192.77.1:31001")]
    pub(crate) line_a: std::net::SocketAddrV4,
    /// Multicast group and port of line B.
    #[arg(long, default_value = "239.192.77.2:31002")]
    pub(crate) line_b: std::net::SocketAddrV4,
    /// Address of the interface that multicast leaves by; A,B for one a line.
    #[arg(long, default_value = "127.0.0.1", value_parser = interfaces)]
    pub(crate) interface: PerLine<std::net::Ipv4Addr>,
    /// Address of the retransmission server; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:31003")]
    pub(crate) recovery: std::net::SocketAddrV4,
    /// Address of the Glimpse server; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:31004")]
    pub(crate) glimpse: std::net::SocketAddrV4,
    /// Address of the OUCH server; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:31005")]
    pub(crate) ouch: std::net::SocketAddrV4,
}

#[cfg(feature = "lab")]
#[derive(Args)]
#[command(after_help = "Examples:
  tercel replay day.itch --speed 10
  tercel replay AAPL.itch --speed 0 --loss 0.01 --wait-for-join 5")]
pub(crate) struct ReplayArgs {
    /// ITCH file: messages, each behind its two-byte length.
    pub(crate) file: PathBuf,
    /// Pace as a multiple of the recorded one; 0 is as fast as --rate lets it.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) speed: f64,
    /// Most messages a second at --speed 0.
    #[arg(long, default_value_t = 200_000)]
    pub(crate) rate: u64,
    /// Seconds of heartbeats before the first message, so that receivers can join.
    #[arg(long, default_value_t = 1)]
    pub(crate) wait: u64,
    /// Seconds to keep serving retransmissions and Glimpse after the last message.
    #[arg(long, default_value_t = 3)]
    pub(crate) linger: u64,
    /// Seed of the lines' faults.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) net: VenueNetArgs,
    #[command(flatten)]
    pub(crate) faults: FaultArgs,
    /// Print the summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(after_help = "Examples:
  tercel book day.itch --symbol AAPL --depth 10
  tercel book day.itch --symbol AAPL --at 09:35:00.5 --format json
  tercel book day.itch --symbol AAPL --every --format csv > touch.csv
  tercel book --ring /dev/shm/feed --symbol AAPL")]
pub(crate) struct BookArgs {
    /// ITCH file or pcap.
    #[arg(required_unless_present = "ring")]
    pub(crate) file: Option<PathBuf>,
    /// Read a ring from its oldest record instead of a file.
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub(crate) ring: Option<PathBuf>,
    /// The instrument.
    #[arg(long)]
    pub(crate) symbol: String,
    /// Levels on each side.
    #[arg(long, default_value_t = 10)]
    pub(crate) depth: usize,
    /// The book as of this time of the venue's day, HH:MM:SS[.fraction]; the default is the end.
    #[arg(long)]
    pub(crate) at: Option<String>,
    /// The book after every event of the instrument.
    #[arg(long, conflicts_with = "at")]
    pub(crate) every: bool,
    /// Format of the output.
    #[arg(long, value_enum, default_value_t = BookFormat::Table)]
    pub(crate) format: BookFormat,
}

/// How `book` prints.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BookFormat {
    /// Bids on the left, asks on the right.
    Table,
    /// One line a book: time, then price, shares and orders of each level.
    Csv,
    /// One JSON object a book.
    Json,
}

#[derive(Args)]
#[command(after_help = "Examples:
  tercel stats day.itch
  tercel stats capture.pcap --json
  tercel stats /dev/shm/tercel        (host.counters of a running host)")]
pub(crate) struct StatsArgs {
    /// ITCH files or pcaps, or one counters page.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(after_help = "Examples:
  tercel decode capture.pcap
  tercel decode day.itch --limit 10
  tercel decode orders.bin          (what run --orders has written)")]
pub(crate) struct DecodeArgs {
    /// ITCH file or pcap.
    pub(crate) file: PathBuf,
    /// Stop after this many messages.
    #[arg(long)]
    pub(crate) limit: Option<u64>,
}

#[cfg(feature = "lab")]
#[derive(Args)]
#[command(after_help = "Examples:
  tercel convert AAPL_2012-06-21_message_50.csv.gz AAPL.itch --symbol AAPL")]
pub(crate) struct ConvertArgs {
    /// LOBSTER message file, plain or gzipped.
    pub(crate) input: PathBuf,
    /// ITCH file to write.
    pub(crate) output: PathBuf,
    /// The instrument's symbol.
    #[arg(long)]
    pub(crate) symbol: String,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// One value, or two with a comma.
#[cfg(feature = "lab")]
fn per_line<T: Copy>(text: &str, one: impl Fn(&str) -> Option<T>) -> Option<PerLine<T>> {
    match text.split_once(',') {
        None => one(text).map(|value| PerLine([value; 2])),
        Some((a, b)) => Some(PerLine([one(a)?, one(b)?])),
    }
}

#[cfg(feature = "lab")]
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a number from 0 to 1 is wanted".into())
}

#[cfg(feature = "lab")]
fn shares(text: &str) -> Result<PerLine<f64>, String> {
    per_line(text, |text| share(text).ok())
        .ok_or_else(|| "a number from 0 to 1 is wanted, or two with a comma".into())
}

#[cfg(feature = "lab")]
fn interfaces(text: &str) -> Result<PerLine<std::net::Ipv4Addr>, String> {
    per_line(text, |text| text.parse().ok())
        .ok_or_else(|| "an IPv4 address is wanted, or two with a comma".into())
}

#[cfg(feature = "lab")]
fn micros(text: &str) -> Result<PerLine<u64>, String> {
    let micros = |text: &str| text.parse().ok().filter(|us| *us <= 60_000_000);
    per_line(text, micros).ok_or_else(|| "0 to 60000000 is wanted, or two with a comma".into())
}

#[cfg(all(test, feature = "lab"))]
mod tests {
    use super::*;

    #[test]
    fn lines_may_differ() {
        assert_eq!(shares("0.01"), Ok(PerLine([0.01, 0.01])));
        assert_eq!(shares("0.01,0.5"), Ok(PerLine([0.01, 0.5])));
        assert_eq!(micros("0,250"), Ok(PerLine([0, 250])));
        for wrong in ["", "2", "0.1,", "0.1,x", "-1", "nan"] {
            assert!(shares(wrong).is_err(), "{wrong}");
        }
    }
}
