//! `wire`: what a frame takes through the kernel's paths and around them, and what a whole host
//! takes on each, all in one run.
//!
//! A sender and a host are at two ends of a cable ([`cables`]), each on its core and in its network
//! namespace. Every path is measured in short rounds, one path after the other, and every round
//! begins with another path, so that what else the machine does meets all of them alike: what is
//! claimed is how they compare.

mod arguments;
mod cables;
mod dpdk;
mod host;
mod line;
mod market;
mod one_way;
mod outcome;
mod path;
mod port;
mod probe;
mod sender;
mod tally;
mod text;
mod together;
mod venue_end;
mod wire_to_wire;

pub use arguments::Arguments;
pub use path::Path;

use crate::machine::Machine;
use crate::run::{print, remark, words, write};
use crate::{Progress, Report, hdr, html};
use anyhow::{Context as _, Result, bail, ensure};
use cables::Cables;
use dpdk::Dpdk;
use line::Orders;
use one_way::Round;
use outcome::Outcome;
use std::process::ExitCode;
use tally::Tally;
use tercel_net::pin;

/// Measures, prints, and writes what was asked for.
///
/// # Errors
/// When nothing can be measured here, or a file cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (report, text) = measure(arguments, Progress::new())?;
    print(&text)?;
    if let Some(file) = &arguments.json {
        write(file, &report.to_json())?;
    }
    if let Some(folder) = &arguments.folder {
        hdr::write(&report, folder)?;
        write(&folder.join("wire.txt"), &text)?;
        write(&folder.join("wire.json"), &report.to_json())?;
        let runs = [html::Run { label: "wire", report: &report }];
        write(&folder.join("wire.html"), &html::page(&runs, None))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures; the report, and the same as text.
///
/// # Errors
/// When nothing can be measured here.
pub fn measure(arguments: &Arguments, progress: Progress) -> Result<(Report, String)> {
    if let Err(reason) = tercel_netns::available() {
        bail!(
            "{reason}; run it as root (or with CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_SYS_ADMIN)"
        );
    }
    let cores = cores(arguments)?;
    if let Some(folder) = &arguments.folder {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot write into {}", folder.display()))?;
    }
    let cables = Some(Cables::lay(arguments)?);
    progress.start("watching the cores", 0);
    let mut report = Report::new("wire", Machine::measure(&cores));
    progress.done();
    report.arguments = words(std::env::args().skip(1).collect());
    remark(&mut report, false);
    let dpdk = Dpdk::start(&arguments.paths());
    let mut run = Run { arguments, cables, dpdk, cores, progress: &progress, round: 0 };
    let mut outcomes = run.part(1, &run.one_way_rows());
    if !arguments.one_way {
        outcomes.extend(run.part(2, &run.wire_to_wire_rows()));
    }
    progress.done();
    ensure!(outcomes.iter().any(Outcome::has_values), "no path could run: {}", why(&outcomes));
    outcome::report(&outcomes, &mut report);
    let [host, sender] = cores;
    let over = cables::about(arguments);
    report.note(format!("over {over}; host pinned to core {host}, sender to core {sender}"));
    if report.machine.cores.is_some_and(|cores| cores <= 2) {
        report
            .note("two cores, one for each end: whatever else runs here takes its time from them");
    }
    report.finish();
    let text = text::of(&report, &outcomes);
    Ok((report, text))
}

fn why(outcomes: &[Outcome]) -> String {
    let reasons = outcomes.iter().filter_map(|outcome| outcome.trouble.as_deref());
    reasons.collect::<Vec<_>>().join("; ")
}

/// The host's core and the sender's.
fn cores(arguments: &Arguments) -> Result<[usize; 2]> {
    let own = pin::cores().context("cannot list the cores")?;
    if let Some(cores) = arguments.cores {
        for core in cores.0 {
            ensure!(own.contains(&core), "core {core} is not among {own:?}");
        }
        return Ok(cores.0);
    }
    match own[..] {
        [.., a, b] => Ok([b, a]),
        _ => bail!("two cores are needed, one for each end, and this process has {own:?}"),
    }
}

/// What a row of the table is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Row {
    /// The sender's stamp to the bytes in user space.
    OneWay(Path),
    /// The sender's stamp to the order's bytes at the sender's end.
    WireToWire(Path, Orders),
}

impl Row {
    /// Its metric.
    pub(crate) fn name(self) -> String {
        match self {
            Row::OneWay(path) => format!("wire/one-way/{}", path.name()),
            Row::WireToWire(path, orders) => {
                format!("wire/wire-to-wire/{}/{}", path.name(), orders.name())
            }
        }
    }
}

struct Run<'a> {
    arguments: &'a Arguments,
    /// None until the next round lays new ones.
    cables: Option<Cables>,
    dpdk: Dpdk,
    cores: [usize; 2],
    progress: &'a Progress,
    round: u64,
}

impl Run<'_> {
    fn one_way_rows(&self) -> Vec<Row> {
        self.arguments.paths().into_iter().map(Row::OneWay).collect()
    }

    fn wire_to_wire_rows(&self) -> Vec<Row> {
        let both = |path: Path| {
            let beside = path.is_bypass().then_some(Orders::Path);
            [Some(Orders::Kernel), beside]
                .into_iter()
                .flatten()
                .map(move |o| Row::WireToWire(path, o))
        };
        self.arguments.paths().into_iter().flat_map(both).collect()
    }

    /// All rounds of some rows.
    fn part(&mut self, number: usize, rows: &[Row]) -> Vec<Outcome> {
        let parts = if self.arguments.one_way { 1 } else { 2 };
        let name = ["one-way", "wire-to-wire"][number - 1];
        let mut outcomes: Vec<Outcome> = rows.iter().map(|row| Outcome::new(*row)).collect();
        self.progress.suite(number, parts, name);
        for round in 0..self.arguments.rounds {
            for at in 0..rows.len() {
                let outcome = &mut outcomes[(at + round as usize) % rows.len()];
                if outcome.trouble.is_none() {
                    self.once(outcome, round);
                }
            }
        }
        outcomes
    }

    /// One round of one row.
    fn once(&mut self, outcome: &mut Outcome, round: u32) {
        let one_way = matches!(outcome.row, Row::OneWay(_));
        let arguments = self.arguments;
        self.round += 1;
        let plan = Round {
            number: self.round,
            count: if one_way { arguments.frames() } else { arguments.ticks() },
            rate: if one_way { arguments.rate } else { arguments.order_rate },
            size: usize::from(arguments.size),
            cores: self.cores,
        };
        let label = format!("round {} of {}, {}", round + 1, arguments.rounds, outcome.label());
        self.progress.start(&label, plan.count);
        match self.measure(outcome.row, &plan) {
            Ok(tally) => outcome.add(&tally),
            Err(error) => {
                self.progress.line(&format!("{}: {error:#}", outcome.label()));
                outcome.trouble = Some(format!("{error:#}"));
            }
        }
        self.progress.done();
    }

    /// One round.
    fn measure(&mut self, row: Row, plan: &Round) -> Result<Tally> {
        let cables = match self.cables.take() {
            Some(cables) => cables,
            None => Cables::lay(self.arguments)?,
        };
        let over = (&cables, &self.dpdk);
        let (path, tally) = match row {
            Row::OneWay(path) => (path, one_way::run(path, over, plan, self.progress)),
            Row::WireToWire(path, orders) => {
                (path, wire_to_wire::run((path, orders), over, plan, self.progress))
            }
        };
        // What failed may have left something behind, and net_af_xdp leaves the queue taken for a
        // while: the next round gets a veth pair of its own.
        let is_clean = tally.is_ok() && path != Path::DpdkXdp;
        if is_clean || self.arguments.host_interface.is_some() {
            self.cables = Some(cables);
        }
        tally
    }
}
