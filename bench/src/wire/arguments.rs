//! The command line of `wire`.

use super::path::Path;
use crate::cli::{Cores, cores};
use clap::Args;
use std::path::PathBuf;

/// What the help ends with.
const HELP: &str = "\
What is measured, path by path in short rounds whose order rotates:

  one-way        from the sender's stamp, in the payload, taken immediately before the call that
                 sends, to the receiver's stamp when the frame's bytes are in user space
  wire-to-wire   from the same stamp of a packet with one ITCH message, through feed decoder, book,
                 policy, risk and gateway, to the arrival of the order's bytes in user space at the
                 sender's end of a TCP connection; once with the order session over the kernel's TCP
                 and once over TCP without the kernel, through a port of the same path

Paths:
  udp-block     a kernel UDP socket, waiting in recv
  udp           a kernel UDP socket, polled without a pause (what `--source net` does by default)
  packet        TPACKET_V2, a ring that the kernel copies frames into
  xdp-generic   AF_XDP where the driver knows nothing of it
  xdp-copy      AF_XDP in the driver, copied
  xdp-zero      AF_XDP in the driver, not copied; the card has to know how
  dpdk-packet   DPDK over net_af_packet (only in builds with --features dpdk)
  dpdk-xdp      DPDK over net_af_xdp (likewise)

Both ends are on this machine and read one time stamp counter. Without interfaces named, a veth pair
joins two network namespaces that vanish with the process; nothing of the machine's own network is
touched. A veth pair has no card, no bus and no wire: the receiver's half of the kernel runs on the
sender's core, inside the call that sends. What counts there is how the paths compare, not what they
take. With two ports and a cable between them:

  tercel bench wire --sender-interface eth1 --host-interface eth2

The ports are moved into namespaces of their own for the run and moved back after it; a port that
has an IPv4 address is in use and is refused.

Needs root (or CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF and CAP_SYS_ADMIN), `ip` and `nsenter`.

Examples:
  tercel bench wire                                    every path on a veth pair, some three minutes
  tercel bench wire --paths udp,packet,xdp-copy --seconds 20 --cores 2,3
  tercel bench wire --folder wire                      with JSON, HTML and HdrHistogram logs
  tercel bench wire --count 2000 --rounds 1            to see that it works

Exit status: 0, whether the expectation held or not; 1 if nothing could be measured; 2 for wrong
arguments. Expected is that the p50 of TPACKET_V2 and of AF_XDP is below that of `udp`.";

/// How long a frame takes through the kernel's paths and around them, and a whole host on each.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// The paths, with commas; all, if not given.
    #[arg(long, value_name = "PATH,PATH", value_delimiter = ',', value_enum)]
    pub paths: Vec<Path>,
    /// Frames a second of the one-way part.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
    /// Market data packets a second of the wire-to-wire part; the next waits for the last one's
    /// orders.
    #[arg(long, value_name = "N", default_value_t = 4_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub order_rate: u32,
    /// Frames, and packets that lead to orders, of each path in all rounds; instead of --seconds.
    #[arg(long, value_name = "N", conflicts_with = "seconds")]
    #[arg(value_parser = clap::value_parser!(u64).range(10..=100_000_000))]
    pub count: Option<u64>,
    /// Seconds of each path in each part, in all rounds.
    #[arg(long, value_name = "S", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,
    /// Rounds that each path's frames are divided over.
    #[arg(long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rounds: u32,
    /// Bytes of a one-way frame, without its check sequence.
    #[arg(long, value_name = "BYTES", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u16).range(74..=1_514))]
    pub size: u16,
    /// One-way only.
    #[arg(long)]
    pub one_way: bool,
    /// Cores to pin to: the host's, then the sender's. The last two, if not given.
    #[arg(long, value_name = "HOST,SENDER", value_parser = cores)]
    pub cores: Option<Cores>,
    /// A port that the sender takes, instead of a veth pair.
    #[arg(long, value_name = "NAME", requires = "host_interface")]
    pub sender_interface: Option<String>,
    /// The port that the host takes, joined to the sender's by a cable.
    #[arg(long, value_name = "NAME", requires = "sender_interface")]
    pub host_interface: Option<String>,
    /// Two more ports, joined by a cable, for the order session; without them it shares the others,
    /// and only the kernel's TCP is measured.
    #[arg(long, value_name = "SENDER,HOST", requires = "host_interface", value_parser = pair)]
    pub order_interfaces: Option<(String, String)>,
    /// Write the results as JSON; what `compare` reads.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write `wire.txt`, `wire.json`, `wire.html` and an HdrHistogram log and the percentiles of
    /// each row into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once(',') {
        Some((a, b)) if !a.is_empty() && !b.is_empty() && a != b => Ok((a.into(), b.into())),
        _ => Err("two interfaces with a comma are wanted, as eth3,eth4".to_string()),
    }
}

impl Arguments {
    /// The paths of the run, each once, in the order of the table.
    pub(crate) fn paths(&self) -> Vec<Path> {
        let wanted = |path: &Path| self.paths.is_empty() || self.paths.contains(path);
        Path::ALL.into_iter().filter(wanted).collect()
    }

    /// One-way frames of a path in a round.
    pub(crate) fn frames(&self) -> u64 {
        self.in_a_round(self.rate)
    }

    /// Packets that lead to orders, of a path in a round.
    pub(crate) fn ticks(&self) -> u64 {
        self.in_a_round(self.order_rate)
    }

    fn in_a_round(&self, rate: u32) -> u64 {
        let all = self.count.unwrap_or(u64::from(rate) * u64::from(self.seconds));
        all.div_ceil(u64::from(self.rounds)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[derive(Parser, Debug)]
    struct Program {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        let words = std::iter::once("wire").chain(line.split_whitespace());
        Program::try_parse_from(words).map(|program| program.arguments)
    }

    #[test]
    fn the_definition_is_sound() {
        Program::command().debug_assert();
    }

    #[test]
    fn paths_come_in_the_order_of_the_table() {
        assert_eq!(parse("").unwrap().paths(), Path::ALL);
        let two = parse("--paths xdp-copy,udp,xdp-copy").unwrap();
        assert_eq!(two.paths(), [Path::Udp, Path::XdpCopy]);
    }

    #[test]
    fn counts_are_divided_over_rounds() {
        let arguments = parse("--rounds 4").unwrap();
        assert_eq!((arguments.frames(), arguments.ticks()), (25_000, 5_000));
        let arguments = parse("--count 10 --rounds 4").unwrap();
        assert_eq!((arguments.frames(), arguments.ticks()), (3, 3));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "--paths pigeon",
            "--size 73",
            "--size 1515",
            "--rate 0",
            "--count 5",
            "--count 100 --seconds 3",
            "--cores 1",
            "--host-interface eth1",
            "--order-interfaces a,b",
            "--sender-interface a --host-interface b --order-interfaces c",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
