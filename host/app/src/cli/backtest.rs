//! The arguments of `tercel backtest`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "Examples:
  tercel generate day.itch --messages 1M --instruments 20
  tercel backtest --data day.itch --strategy glft --html report.html
  tercel backtest --data monday.itch tuesday.itch --symbol AAPL --strategy fixed-spread
  tercel backtest --data usdm-btcusdt.gz --strategy fixed-spread:half_spread_ticks=5 \\
    --size 0.01 --position 0.1 --fees maker=0.2bps,taker=4bps --latency-order 2ms
  tercel backtest --data AAPL_2012-06-21_message_50.csv.gz --strategy glft \\
    --sweep gamma=0.05,0.1,0.2 --sweep k=50,100 --parquet fills.parquet --html report.html
  tercel backtest --data day.itch --config host.toml --artifact policy/
  tercel backtest --data day.itch --artifact models/artifacts/demo.safetensors --sensitivity

A strategy is the host's own, unchanged: its configuration comes from --config (a host's file, which
may have a section [backtest]) or, without one, from `tercel run --print-config` with risk's limits
of money opened wide, since those are for shares in dollars. Several --strategy, --artifact and
--sweep run over every file; the deflated Sharpe ratio and the probability of backtest overfitting
count all of them as trials.

Latencies: recorded, 0, 250us, 2ms, exponential:LEAST,TAIL, lognormal:MEDIAN,SIGMA, table:FILE
(lines of exchange time,latency in ns). Fees: maker=A,taker=B, each an amount for a share or coin
(-0.002) or a part of the money traded (1.5bps); tiers by lots traded:
maker=1bps,taker=3bps;from=1000000,maker=... Queue, for data without single orders: risk-averse,
power:N, logarithm. A sweep of values with commas in them has | between them.

An artifact quotes within the distances that it was trained with, as its manifest says, unless the
configuration has a range. --sensitivity is --sensitivity=1,2,5: quotes and positions that many
times as large, then all latencies as long, then fees and rebates as high, one at a time and over
all files together; risk's limits stay. These runs are no trials.

Spread captured compares each fill with the mid of all others right before it. Quotes that the mid
has passed before they are hit, and those put beyond it at once, count against it; the line below
says how much of the resting volume that was.

Exit status: 0 all was run; 1 nothing could be, or an output could not be written; 2 wrong
arguments; 3 a file of several could not be read, and the others were run.")]
pub(crate) struct BacktestArgs {
    /// Recordings: ITCH 5.0 files, LOBSTER messages, Binance's lines, Databento DBN by order; plain
    /// or compressed as they come. Each is a run of its own: a day, or an instrument's day.
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub(crate) data: Vec<PathBuf>,
    /// What they are; auto goes by their names.
    #[arg(long, value_enum, default_value_t = FormatName::Auto)]
    pub(crate) format: FormatName,
    /// Trade these instruments of an ITCH file only, repeated; all of it otherwise. A file that has
    /// none of them is an error.
    #[arg(long, value_name = "SYMBOL")]
    pub(crate) symbol: Vec<String>,
    /// Host's configuration: strategies, quotes, risk, and a section [backtest].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A strategy of the configuration with parameters of its own, repeated: NAME or
    /// NAME:KEY=VALUE,... The configuration's own where there is neither this nor --artifact.
    #[arg(long, value_name = "NAME[:KEY=VALUE,...]")]
    pub(crate) strategy: Vec<String>,
    /// A trained policy, repeated: its weights (.safetensors) with the manifest (.json) of the same
    /// name beside them, or a folder with one of each.
    #[arg(long, value_name = "PATH")]
    pub(crate) artifact: Vec<PathBuf>,
    /// Try each of these values of a key of the configuration, repeated for all combinations. A key
    /// without a dot is one of the strategy's own.
    #[arg(long, value_name = "KEY=A,B,...")]
    pub(crate) sweep: Vec<String>,
    /// Run every strategy again with size, latencies and fees each so many times as large.
    #[arg(
        long,
        value_name = "FACTORS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1,2,5",
        value_delimiter = ',',
        value_parser = factor
    )]
    pub(crate) sensitivity: Vec<f64>,
    /// Size of a quote in shares, coins or futures; the configuration's, or a hundred shares or a
    /// hundredth of a coin.
    #[arg(long, value_name = "UNITS", value_parser = positive)]
    pub(crate) size: Option<f64>,
    /// Most to be long or short, likewise; ten quotes.
    #[arg(long, value_name = "UNITS", value_parser = positive)]
    pub(crate) position: Option<f64>,
    /// Where in line an order stands, where the data does not know.
    #[arg(long, value_name = "MODEL")]
    pub(crate) queue: Option<String>,
    /// From an event at the venue to the host.
    #[arg(long, value_name = "LATENCY")]
    pub(crate) latency_feed: Option<String>,
    /// From a decision to the venue.
    #[arg(long, value_name = "LATENCY")]
    pub(crate) latency_order: Option<String>,
    /// From the venue's answer to the host.
    #[arg(long, value_name = "LATENCY")]
    pub(crate) latency_response: Option<String>,
    /// Fees and rebates.
    #[arg(long, value_name = "FEES", allow_hyphen_values = true)]
    pub(crate) fees: Option<String>,
    /// Interval of the equity curve.
    #[arg(long, value_name = "TIME")]
    pub(crate) sample: Option<String>,
    /// How long after a fill a move counts as adverse selection.
    #[arg(long, value_name = "TIME")]
    pub(crate) horizon: Option<String>,
    /// How often one more instrument is looked at between events; 0 for never.
    #[arg(long, value_name = "TIME")]
    pub(crate) timer: Option<String>,
    /// Seed of random latencies.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Threads; the number of cores otherwise. The result does not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Write a page with plots, which loads nothing from elsewhere.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write every fill as Parquet.
    #[arg(long, value_name = "FILE")]
    pub(crate) parquet: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum FormatName {
    /// By name.
    Auto,
    /// ITCH 5.0.
    Itch,
    /// LOBSTER messages.
    Lobster,
    /// Binance's messages, a line each behind its receive time.
    Binance,
    /// Databento DBN.
    Dbn,
}

fn factor(text: &str) -> Result<f64, String> {
    let value = text.trim().parse().ok().filter(|value: &f64| (0.001..=1_000.0).contains(value));
    value.ok_or_else(|| "numbers from 0.001 to 1000 with commas between are wanted".into())
}

fn positive(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0);
    value.ok_or_else(|| "a number above zero is wanted".into())
}
