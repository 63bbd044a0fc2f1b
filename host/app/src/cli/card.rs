//! Arguments of the commands that deal with feed cards.

use clap::{Args, Subcommand};
use tercel_fpga::CardAddress;

#[cfg(feature = "lab")]
#[derive(Args)]
#[command(after_help = "Examples:
  tercel emulate --card /dev/shm/card
  tercel run --config host.toml --source fpga:/dev/shm/card    (in another terminal)
  tercel emulate --card /dev/shm/card --file capture.pcap

The emulator joins the multicast groups that a host has written into the card's registers, decodes
what comes, and writes records into the ring as the card does. With --file the frames come from a
capture, as fast as the host takes the records, once a host has started the card.")]
pub(crate) struct EmulateArgs {
    /// The card: a file that emulator and host share, best below /dev/shm.
    #[arg(long, value_name = "FILE")]
    pub(crate) card: std::path::PathBuf,
    /// Take the frames of this pcap instead of the network's.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<std::path::PathBuf>,
    /// Address of the interface that joins the groups.
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) interface: std::net::Ipv4Addr,
    /// MiB of memory for the ring; the host's ring must fit.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=64))]
    pub(crate) memory_mib: u64,
    /// Simulate the card's RTL instead of emulating it; much slower.
    #[cfg(feature = "cosim")]
    #[arg(long)]
    pub(crate) rtl: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(after_help = "Examples:
  tercel fpga probe 0000:03:00.0
  tercel fpga status /dev/shm/card --json
  tercel fpga watch /dev/shm/card")]
pub(crate) struct FpgaArgs {
    #[command(subcommand)]
    pub(crate) what: FpgaCommand,
}

#[derive(Subcommand)]
pub(crate) enum FpgaCommand {
    /// Say whether a card answers, and whether it has the layout of this build.
    Probe(CardArgs),
    /// Show how a card is set up, what it counts, and where its ring stands.
    Status(CardArgs),
    /// Show what moves, every second, until a signal.
    Watch(CardArgs),
}

#[derive(Args)]
pub(crate) struct CardArgs {
    /// PCI address (0000:03:00.0), or the file of `tercel emulate`.
    pub(crate) card: CardAddress,
    /// Print JSON, one object a line.
    #[arg(long)]
    pub(crate) json: bool,
}
