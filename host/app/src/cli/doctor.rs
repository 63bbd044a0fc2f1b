//! Arguments of `doctor`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tercel_doctor::{CoreSet, Port};

#[derive(Args)]
#[command(after_long_help = "Examples:
  tercel doctor                                  this machine, its cards and its quietest core
  tercel doctor --config host.toml               the core and the interface of a configuration
  tercel doctor --core 2-3 --interface eth1 --port xdp
  tercel doctor --only isolated,irq-affinity --explain
  tercel doctor --skip-measurements --json | jq '.findings[] | select(.verdict == \"wrong\")'
  tercel doctor --fix > tune.sh                  what can be changed without a reboot, to read
  tercel doctor --fix --apply                    changes it, as root, and looks again
  tercel doctor --root /tmp/server1              a copy of another machine's /proc and /sys

Verdicts:
  good              as it should be
  could be better   costs something; a host trades all the same
  wrong             costs what a low-latency host cannot afford, or keeps it from running
  not applicable    means nothing here, or for this port
  cannot tell       could not be read, with the reason; never a guess

What takes the frames (--port) decides what matters: DPDK needs huge pages, sockets do not; sockets
wait for interrupts, DPDK does not. Without it every way is looked at. Run it as the user that runs
the host: limits and capabilities are those of the process.

--fix --apply only writes documented settings below /proc/sys, /proc/irq and /sys whose old value it
has read, one at a time, and prints the command that takes each back. They hold until the next boot.
What belongs on the kernel's command line is printed as one line and never written.

Exit status: 0 nothing is wrong, 1 something is, 2 it could not run.")]
pub(crate) struct DoctorArgs {
    /// Take hot core, interfaces and port from this configuration, where they are not named here.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Cores that trade, as 2 or 2-3,6; without it the isolated ones, else the last one.
    #[arg(long, value_name = "CORES", value_parser = cores)]
    pub(crate) core: Vec<CoreSet>,
    /// Interfaces that trade; without it every network card's.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) interface: Vec<String>,
    /// What takes the frames.
    #[arg(long, value_enum)]
    pub(crate) port: Option<PortName>,
    /// Only these checks, by their names.
    #[arg(long, value_name = "CHECKS", value_delimiter = ',', value_parser = check)]
    pub(crate) only: Vec<String>,
    /// Say what every check looks at, and why, and end.
    #[arg(long)]
    pub(crate) list: bool,
    /// Read only, measure nothing; implied by --fix, --only and --root.
    #[arg(long)]
    pub(crate) skip_measurements: bool,
    /// Seconds to watch each hot core for interruptions.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = seconds)]
    pub(crate) duration: f64,
    /// Say of what is good, too, why it matters.
    #[arg(long)]
    pub(crate) explain: bool,
    /// Treat what could be better as wrong.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Print what would put right what can be put right at run time, as a script.
    #[arg(long, conflicts_with_all = ["json", "list"])]
    pub(crate) fix: bool,
    /// Change it, one setting at a time, and look again. Takes root.
    #[arg(long, requires = "fix")]
    pub(crate) apply: bool,
    /// Read /proc and /sys below this folder.
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    pub(crate) root: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What takes the frames.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum PortName {
    /// The kernel's sockets.
    Kernel,
    /// A packet socket's ring.
    Packet,
    /// AF_XDP.
    Xdp,
    /// DPDK.
    Dpdk,
    /// A feed card.
    Fpga,
}

impl From<PortName> for Port {
    fn from(name: PortName) -> Port {
        match name {
            PortName::Kernel => Port::Kernel,
            PortName::Packet => Port::Packet,
            PortName::Xdp => Port::Xdp,
            PortName::Dpdk => Port::Dpdk,
            PortName::Fpga => Port::Fpga,
        }
    }
}

fn cores(text: &str) -> Result<CoreSet, String> {
    let cores = CoreSet::from_list(text).filter(|cores| !cores.is_empty());
    cores.ok_or_else(|| "cores as 2 or 2-3,6 are wanted".into())
}

fn check(text: &str) -> Result<String, String> {
    let known = tercel_doctor::CHECKS.iter().any(|check| check.name == text);
    known.then(|| text.to_string()).ok_or_else(|| "no such check; --list names all".into())
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.01..=3600.0).contains(seconds));
    seconds.ok_or_else(|| "0.01 to 3600 is wanted".into())
}
