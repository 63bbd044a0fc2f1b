//! The command line.

use crate::suites::SUITES;
use crate::{DaySource, compare, wire};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What to do: measure suites, or one of the commands. `tercel-bench` and `tercel bench` take the
/// same arguments.
#[derive(Args, Clone, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = EXAMPLES
)]
pub struct Arguments {
    /// A command instead of a measurement.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to measure.
    #[command(flatten)]
    pub measure: Measure,
}

const EXAMPLES: &str =
    "Examples (P is `cargo run --release -p tercel-bench --`, or `tercel bench`):
  P list                                       what there is to measure
  P all --json out.json --html report.html     everything, less than 10 minutes on 2 cores
  P all --quick                                everything on a small day: to see that it works
  P tick-to-trade --rate 3500000 --cores 2,3   open loop at 3.5 M messages a second
  P book --day 12302019.NASDAQ_ITCH50          with a recorded day
  P ring --hdr hdr                             histograms that the HdrHistogram plotters open
  P compare before.json after.json             is it slower? exit status 1 if so
  P wire                                       kernel UDP, AF_PACKET, AF_XDP side by side (root)

A figure depends on the machine: read the machine's part of a report first. METHOD.md in bench/
says what each interval contains and how to make a machine quiet.

Exit status: 0; 1 if `compare` finds a metric worse, or something failed; 2 for wrong arguments.
A target that is missed does not change it.";

/// Commands that measure nothing.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// List the suites.
    List,
    /// Compare two or more runs, each with the first: is a metric slower by more than a threshold?
    Compare(compare::Arguments),
    /// Measure from wire to wire: the kernel's paths and those around it, side by side.
    Wire(Box<wire::Arguments>),
}

/// What to measure, how, and where to write it.
#[derive(Args, Clone, Debug)]
pub struct Measure {
    /// One or more suites, or all.
    #[arg(value_name = "SUITE", required = true, value_parser = suite_names())]
    pub suites: Vec<String>,
    /// Write the results as JSON; what `compare` reads.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a report for a browser: one file that loads nothing else.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write an HdrHistogram log and percentiles of each latency into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub hdr: Option<PathBuf>,
    /// The day to measure with: `generated`, or an ITCH file, messages behind two-byte lengths.
    #[arg(long, value_name = "generated|FILE", default_value = "generated")]
    pub day: PathBuf,
    /// Instruments of the generated day.
    #[arg(long, value_name = "N", default_value_t = 8_000)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=8_192))]
    pub instruments: u16,
    /// Messages of the generated day.
    #[arg(long, value_name = "N", default_value_t = 20_000_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=2_000_000_000))]
    pub messages: u64,
    /// Most orders resting at once on the generated day.
    #[arg(long, value_name = "N", default_value_t = 1_500_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=50_000_000))]
    pub resting: u32,
    /// Messages a second of open-loop runs; each suite has a rate of its own.
    #[arg(long, value_name = "MSGS_PER_S", value_parser = rate)]
    pub rate: Option<f64>,
    /// Fewer messages and repetitions: to see that it works, not to quote.
    #[arg(long)]
    pub quick: bool,
    /// Seed of the generated day and of everything else that is drawn.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Cores to pin to: the one under test, then the other end's. The last two, if not given.
    #[arg(long, value_name = "A,B", value_parser = cores)]
    pub cores: Option<Cores>,
}

/// Two cores, the one under test first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cores(pub [usize; 2]);

impl Measure {
    /// Where the messages come from.
    pub fn source(&self) -> DaySource {
        if self.day.as_os_str() == "generated" {
            let (instruments, messages) = (self.instruments, self.messages);
            return DaySource::Generated { instruments, messages, resting: self.resting };
        }
        DaySource::File(self.day.clone())
    }
}

fn suite_names() -> PossibleValuesParser {
    PossibleValuesParser::new(SUITES.iter().map(|suite| suite.name).chain(["all"]))
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate >= 1.0);
    number.ok_or_else(|| "a number of messages a second from 1 is wanted".to_string())
}

pub(crate) fn cores(text: &str) -> Result<Cores, String> {
    let pair = || {
        let (a, b) = text.split_once(',')?;
        Some([a.trim().parse().ok()?, b.trim().parse().ok()?])
    };
    match pair() {
        None => Err("two numbers with a comma are wanted, as 2,3".to_string()),
        Some([a, b]) if a == b => Err(format!("two different cores are wanted, not {a} twice")),
        Some(cores) => Ok(Cores(cores)),
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
        let words = std::iter::once("bench").chain(line.split_whitespace());
        Program::try_parse_from(words).map(|program| program.arguments)
    }

    #[test]
    fn the_definition_is_sound() {
        Program::command().debug_assert();
    }

    #[test]
    fn suites_and_options() {
        let measure = parse("all").unwrap().measure;
        assert_eq!(measure.suites, ["all"]);
        let day =
            DaySource::Generated { instruments: 8_000, messages: 20_000_000, resting: 1_500_000 };
        assert_eq!(measure.source(), day);
        let line = "all --day day.itch --rate 3.5e6 --cores 2,3 --seed 9 --quick --json a.json";
        let measure = parse(line).unwrap().measure;
        assert_eq!(measure.source(), DaySource::File("day.itch".into()));
        assert_eq!((measure.rate, measure.cores), (Some(3.5e6), Some(Cores([2, 3]))));
        assert_eq!((measure.seed, measure.quick), (9, true));
    }

    #[test]
    fn commands() {
        assert!(matches!(parse("list").unwrap().command, Some(Command::List)));
        let compared = parse("compare a.json b.json --threshold 5").unwrap().command;
        let Some(Command::Compare(arguments)) = compared else { panic!("{compared:?}") };
        assert_eq!((arguments.files.len(), arguments.threshold), (2, 5.0));
        let wire = parse("wire --paths udp,packet --rounds 2").unwrap().command;
        assert!(matches!(wire, Some(Command::Wire(_))), "{wire:?}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "",
            "no-such-suite",
            "compare a.json",
            "compare a.json b.json --threshold -1",
            "all --cores 1",
            "all --cores 1,1",
            "all --rate 0",
            "all --rate nan",
            "all --instruments 0",
            "all list",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
