//! Arguments of `tercel demo`.

use super::{FaultArgs, share};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
#[command(after_help = "Examples:
  tercel demo --duration 10
  tercel demo --dashboard                         watch and operate it in a browser
  tercel demo --loss 0.01 --duplicate 0.01 --reorder 0.01
  tercel demo --loss 0.05,0 --delay-us 0,300      line A loses, line B is late
  tercel demo --placement ring --symbols 50 --json
  tercel demo --source fpga                       a feed card decodes
  tercel demo --path af_xdp --loss 0.01 --orders-loss 0.01
                                                  beside the kernel's stack (as root)

With --path other than kernel, venue and host live in two network namespaces joined by four cables
(veth pairs): line A, line B, orders, and one for retransmission and snapshots. They are gone when
the demo is.")]
pub(crate) struct DemoArgs {
    /// Seconds to trade: 30, or an hour with --dashboard. Ctrl-C ends it in good order before.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) duration: Option<u64>,
    /// Serve the dashboard on a free port of this machine and print its address. Whoever reaches it
    /// may do everything: for a demo.
    #[arg(long)]
    pub(crate) dashboard: bool,
    /// Instruments that the venue lists; the host quotes the first of them.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=5000))]
    pub(crate) symbols: u16,
    /// Instruments that the host quotes.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) quoted: u16,
    /// Background messages a second.
    #[arg(long, default_value_t = 2000)]
    pub(crate) rate: u32,
    /// Seed of the venue's background flow and of the lines' faults.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How the host decides.
    #[arg(long, value_enum, default_value_t = StrategyName::Mlp)]
    pub(crate) strategy: StrategyName,
    /// One process for decoder and engine, or two with a shared-memory ring between them.
    #[arg(long, value_enum, default_value_t = PlacementName::Inline)]
    pub(crate) placement: PlacementName,
    /// What decodes the feed: the host's own decoder, or a feed card, emulated in a process of its
    /// own.
    #[arg(long, value_enum, default_value_t = DemoSource::Net)]
    pub(crate) source: DemoSource,
    /// How frames reach the host and leave it: the kernel's sockets on loopback, or beside the
    /// kernel's stack through two network namespaces.
    #[arg(long, value_enum, default_value_t = DemoPath::Kernel)]
    pub(crate) path: DemoPath,
    /// Share of the order session's frames that are lost, both ways; with a --path beside the
    /// kernel's stack, whose TCP then repeats them.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    pub(crate) orders_loss: f64,
    #[command(flatten)]
    pub(crate) faults: FaultArgs,
    /// Print the summary as JSON and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
    /// Keep configurations, logs and the orders' journal in this folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<PathBuf>,
}

impl DemoArgs {
    /// How long it trades.
    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs(self.duration.unwrap_or(if self.dashboard { 3_600 } else { 30 }))
    }
}

/// Strategies that come with Tercel.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum StrategyName {
    /// Fixed spread around the mid, skewed by inventory.
    FixedSpread,
    /// Avellaneda and Stoikov (2008).
    AvellanedaStoikov,
    /// Guéant, Lehalle and Fernandez-Tapia (2013), closed form.
    Glft,
    /// The network that comes with Tercel, trained for this market.
    Mlp,
}

/// What decodes the demo's feed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoSource {
    /// The host.
    Net,
    /// A feed card: its emulator, or its simulated RTL in a build with the feature `cosim`.
    Fpga,
}

/// Where decoder and engine run.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlacementName {
    /// On one thread.
    Inline,
    /// In two processes.
    Ring,
}

/// How the demo's frames travel.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum DemoPath {
    /// Kernel sockets.
    Kernel,
    /// Packet sockets (TPACKET_V2).
    Packet,
    /// AF_XDP.
    AfXdp,
    /// DPDK, in a build with the feature `dpdk`.
    Dpdk,
}
