//! What the rounds of a row came to, and what they say together.

use super::tally::Tally;
use super::{Path, Row};
use crate::report::Metric;
use crate::{Report, Samples, clock};

/// Of each round so many first frames are not in the percentiles, at most a tenth: caches and
/// branches are cold, and a core may just have left an idle state.
const WARM_UP: u64 = 200;

/// A row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// What it is about.
    pub(crate) row: Row,
    /// Every value of every round.
    pub(crate) samples: Samples,
    /// The median of each round, nanoseconds.
    pub(crate) medians: Vec<f64>,
    /// Frames sent, warm-up too.
    pub(crate) sent: u64,
    /// Frames, or packets that led to an order at once.
    pub(crate) arrived: u64,
    /// The others.
    pub(crate) lost: u64,
    /// Frames behind one with a higher number.
    pub(crate) reordered: u64,
    /// Frames that came once more.
    pub(crate) superfluous: u64,
    /// What the port counted in the first round that lost frames.
    pub(crate) account: Option<String>,
    /// Why it did not run, or not to the end.
    pub(crate) trouble: Option<String>,
}

impl Outcome {
    /// Nothing yet.
    pub(crate) fn new(row: Row) -> Outcome {
        Outcome {
            row,
            samples: Samples::new(),
            medians: Vec::new(),
            sent: 0,
            arrived: 0,
            lost: 0,
            reordered: 0,
            superfluous: 0,
            account: None,
            trouble: None,
        }
    }

    /// A round more.
    pub(crate) fn add(&mut self, tally: &Tally) {
        self.sent += tally.wanted();
        self.arrived += tally.arrived();
        self.lost += tally.lost();
        self.reordered += tally.reordered();
        self.superfluous += tally.superfluous();
        if self.account.is_none() {
            self.account = tally.account().map(str::to_string);
        }
        let warm_up = WARM_UP.min(tally.wanted() / 10);
        let mut values: Vec<f64> = tally.ticks(warm_up).map(clock::ns).collect();
        values.iter().for_each(|ns| self.samples.record(*ns));
        let middle = values.len() / 2;
        if !values.is_empty() {
            let (_, median, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
            self.medians.push(*median);
        }
    }

    /// Something was measured.
    pub(crate) fn has_values(&self) -> bool {
        !self.samples.is_empty()
    }

    /// The path and what goes with it, in words.
    pub(crate) fn label(&self) -> String {
        match self.row {
            Row::OneWay(path) => path.name().to_string(),
            Row::WireToWire(path, orders) => format!("{} + {}", path.name(), orders.name()),
        }
    }
}

/// Puts everything into a report.
pub(crate) fn report(outcomes: &[Outcome], report: &mut Report) {
    for outcome in outcomes {
        let name = outcome.row.name();
        if outcome.has_values() {
            report.latency(&name, &outcome.samples);
            for (what, count) in [
                ("sent", outcome.sent),
                ("arrived", outcome.arrived),
                ("lost", outcome.lost),
                ("reordered", outcome.reordered),
                ("superfluous", outcome.superfluous),
            ] {
                report.value(&format!("{name}/{what}"), "", count as f64);
            }
        }
        if let Some(account) = &outcome.account {
            report.note(format!("{name} lost frames, of which the port says: {account}"));
        }
        if let Some(trouble) = &outcome.trouble {
            let when = if outcome.has_values() { "ended early" } else { "did not run" };
            report.note(format!("{name} {when}: {trouble}"));
        }
    }
    expectations(outcomes, report);
}

/// A path that is expected to take less than the kernel's UDP, and whether it did.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Verdict {
    /// The path.
    pub(crate) path: Path,
    /// Its p50 over that of the kernel's UDP.
    pub(crate) ratio: f64,
    /// Rounds in which its median was below.
    pub(crate) rounds_below: usize,
    /// Rounds that both ran.
    pub(crate) rounds: usize,
}

impl Verdict {
    /// Its p50 is below.
    pub(crate) fn held(&self) -> bool {
        self.ratio < 1.0
    }
}

/// Compares the one-way rows with that of the kernel's UDP, polled.
pub(crate) fn verdicts(outcomes: &[Outcome]) -> Vec<Verdict> {
    let of = |wanted: Path| {
        let mut rows = outcomes.iter();
        rows.find(|outcome| outcome.row == Row::OneWay(wanted) && outcome.has_values())
    };
    let Some(udp) = of(Path::Udp) else { return Vec::new() };
    let expected = Path::ALL.into_iter().filter(|path| path.is_expected_below_udp());
    let compared = expected.filter_map(|path| Some((path, of(path)?)));
    compared
        .map(|(path, outcome)| {
            let rounds = outcome.medians.iter().zip(&udp.medians);
            Verdict {
                path,
                ratio: outcome.samples.quantile(0.5) / udp.samples.quantile(0.5),
                rounds_below: rounds.clone().filter(|(own, udp)| own < udp).count(),
                rounds: rounds.count(),
            }
        })
        .collect()
}

/// The expectations as targets.
fn expectations(outcomes: &[Outcome], report: &mut Report) {
    let middle = |report: &Report, path: Path| {
        report.metrics.get(&Row::OneWay(path).name()).and_then(Metric::middle)
    };
    for verdict in verdicts(outcomes) {
        let name = Row::OneWay(verdict.path).name();
        let (own, udp) = (middle(report, verdict.path), middle(report, Path::Udp));
        let (own, udp) = (own.unwrap_or(f64::NAN), udp.unwrap_or(f64::NAN));
        report.target(&name, "p50 below that of kernel UDP, spinning", udp, own);
        report.ratio(&format!("{name}/p50_to_udp"), &name, &Row::OneWay(Path::Udp).name());
        let below = verdict.rounds_below as f64;
        report.value(&format!("{name}/rounds_below_udp"), "", below);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;

    fn outcome(path: Path, rounds: &[u64]) -> Outcome {
        let mut outcome = Outcome::new(Row::OneWay(path));
        for ns in rounds {
            let mut tally = Tally::new(40);
            // One is lost, one comes twice.
            (1..40).chain([5]).for_each(|at| tally.arrive(at, clock::ticks((ns + at) as f64)));
            outcome.add(&tally);
        }
        outcome
    }

    #[test]
    fn rounds_add_up_and_warm_up_is_left_out() {
        let outcome = outcome(Path::Udp, &[1_000, 2_000]);
        assert_eq!((outcome.sent, outcome.arrived, outcome.lost), (80, 78, 2));
        assert_eq!((outcome.superfluous, outcome.reordered), (2, 0));
        assert_eq!(outcome.samples.len(), 2 * 36);
        assert!((outcome.medians[1] - 2_022.0).abs() < 3.0, "{:?}", outcome.medians);
    }

    #[test]
    fn a_path_is_compared_with_the_kernels_in_the_same_run() {
        let udp = outcome(Path::Udp, &[1_000, 1_000, 1_000]);
        let packet = outcome(Path::Packet, &[500, 2_000, 500]);
        let xdp = outcome(Path::XdpCopy, &[1_500, 1_500, 500]);
        let none = Outcome::new(Row::OneWay(Path::XdpZero));
        let outcomes = [udp, packet, xdp, none];
        let found = verdicts(&outcomes);
        let held: Vec<(Path, bool)> = found.iter().map(|of| (of.path, of.held())).collect();
        assert_eq!(held, [(Path::Packet, true), (Path::XdpCopy, false)]);
        assert_eq!((found[0].rounds_below, found[0].rounds), (2, 3));
        assert!(verdicts(&outcomes[1..]).is_empty());
        let mut report = Report::new("wire", Machine::default());
        super::report(&outcomes, &mut report);
        let met: Vec<bool> = report.targets.iter().map(|target| target.met).collect();
        assert_eq!(met, [true, false]);
        assert!(report.metrics.get("wire/one-way/packet/lost").is_some());
    }
}
