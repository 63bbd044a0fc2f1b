//! The arguments of `tercel facts`.

use super::FormatName;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "Examples:
  tercel facts                                                the demo's market alone
  tercel facts --data AAPL_2012-06-21_message_50.csv.gz       beside a recorded hour
  tercel facts --market demo --market agents --data spot-btcusdt.gz usdm-btcusdt.gz --json

A tick is an instant at which the best prices or their sizes changed, or somebody traded; what is
measured on ticks is spread, depth and the time between them. Returns are of the mid over
--interval: volatility, kurtosis (3 where returns are normal), the exponent of their tail (about 3
for shares, too few returns give none), the autocorrelation of returns (near zero in all markets)
and of their size (above zero and slow to fall: volatility comes in clusters). Signs are those of
trades, whose autocorrelation is above zero in all markets since large orders come in parts; impact
is how far the mid has gone in the direction of a trade so many trades later, in 1/100 %.

The distances are 0 where two markets are alike and about 1 where they have little in common;
`tercel-validation` says how each is computed. Depth and gaps depend on the instrument, so that
coins and shares are far apart in them.")]
pub(crate) struct FactsArgs {
    /// Simulated markets, repeated; the demo's where there is none.
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) market: Vec<MarketName>,
    /// Recordings, as `tercel backtest` reads them.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) data: Vec<PathBuf>,
    /// What the recordings are; auto goes by their names.
    #[arg(long, value_enum, default_value_t = FormatName::Auto)]
    pub(crate) format: FormatName,
    /// Instrument of a recording with several; the busiest otherwise.
    #[arg(long, value_name = "SYMBOL")]
    pub(crate) symbol: Option<String>,
    /// Seconds of a simulated market.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(30..=86_400))]
    pub(crate) seconds: u32,
    /// Seed of the simulated markets.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Seconds at the start of each market that do not count: books fill.
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    pub(crate) skip: u32,
    /// Interval of returns, milliseconds.
    #[arg(long, default_value_t = 1_000, value_name = "MS",
          value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pub(crate) interval: u64,
    /// Lags of autocorrelations, in intervals or trades.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..=1_000))]
    pub(crate) lags: u16,
    /// Print everything measured as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A simulated market.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum MarketName {
    /// The venue's own flow, one symbol of `tercel demo`.
    Demo,
    /// Zero intelligence, Hawkes, fundamental, momentum and a market maker together.
    Agents,
    /// Zero intelligence alone.
    ZeroIntelligence,
}
