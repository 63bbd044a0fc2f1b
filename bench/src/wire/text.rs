//! The table of a run.

use super::Row;
use super::outcome::{Outcome, verdicts};
use crate::Report;
use crate::table::{columns, machine, number, time};

const ONE_WAY: &str = "\
one-way: from the sender's stamp, in the payload, immediately before the call that sends, to a stamp
in the poll's callback, with the frame's bytes in user space. In it: the send call (a packet
socket past the queueing disciplines, the same for every path), the cable, the receiving half of the
kernel as far as the path has one, what the poll costs. Not in it: any decoding.
";

const WIRE_TO_WIRE: &str = "\
wire-to-wire: from the sender's stamp, immediately before the call that sends a packet with one ITCH
message, to a stamp behind the read that brings the first order of it to the sender's end. In it,
besides the one-way: feed decoder, book, strategy (fixed spread), risk, gateway, the order session's
TCP on the way out, and the venue's kernel TCP, polled. Not in it: the venue's work and its answer;
the next packet leaves when the host has heard both orders' answers.
";

const VETH: &str = "\
Over a veth pair the receiving half of the kernel runs on the sender's core, inside the send call.
";

/// Everything for a terminal.
pub(crate) fn of(report: &Report, outcomes: &[Outcome]) -> String {
    let mut parts = vec![machine(&report.machine)];
    let of = |one_way: bool| {
        outcomes
            .iter()
            .filter(move |outcome| matches!(outcome.row, Row::OneWay(_)) == one_way)
            .collect::<Vec<_>>()
    };
    let (one_way, wire_to_wire) = (of(true), of(false));
    parts.push(part("one-way, ns", &one_way, ["lost", "reordered"], ONE_WAY));
    if !wire_to_wire.is_empty() {
        let counted = ["no order", "reordered"];
        parts.push(part("wire-to-wire, ns", &wire_to_wire, counted, WIRE_TO_WIRE));
    }
    parts.push(VETH.to_string());
    parts.push(expectation(outcomes) + &disturbance(report));
    // Reasons of single rows stand below their tables.
    let notes = report.notes.iter().filter(|note| !note.starts_with("wire/"));
    let notes: String = notes.map(|note| format!("note: {note}\n")).collect();
    if !notes.is_empty() {
        parts.push(notes);
    }
    let took = report.seconds.map_or_else(String::new, |seconds| format!(", {seconds:.1} s"));
    parts.push(format!("wire, commit {}{took}\n", report.commit));
    parts.join("\n")
}

/// One table, and what its interval is.
fn part(title: &str, outcomes: &[&Outcome], counted: [&str; 2], about: &str) -> String {
    let head = [title, "n", "p50", "p90", "p99", "p99.9", "max", counted[0], counted[1]];
    let mut rows = vec![head.map(String::from).to_vec()];
    let mut without = String::new();
    for outcome in outcomes {
        if !outcome.has_values() {
            let why = outcome.trouble.as_deref().unwrap_or("no frame arrived");
            without.push_str(&format!("{}: cannot run here: {why}\n", name(outcome)));
            continue;
        }
        let mut cells = vec![name(outcome), number(outcome.samples.len() as f64)];
        let quantiles = [0.5, 0.9, 0.99, 0.999].map(|q| outcome.samples.quantile(q));
        cells.extend(quantiles.into_iter().chain([outcome.samples.max()]).map(time));
        cells.extend([outcome.lost, outcome.reordered].map(|count| number(count as f64)));
        if let Some(account) = &outcome.account {
            without
                .push_str(&format!("{}: lost frames; the port says: {account}\n", name(outcome)));
        }
        if let Some(why) = &outcome.trouble {
            without.push_str(&format!("{}: ended early: {why}\n", name(outcome)));
        }
        rows.push(cells);
    }
    format!("{}{without}{about}", columns(&rows))
}

fn name(outcome: &Outcome) -> String {
    match outcome.row {
        Row::OneWay(path) => format!("{} ({})", path.name(), path.about()),
        Row::WireToWire(..) => outcome.label(),
    }
}

/// Whether what was expected came, in plain words.
fn expectation(outcomes: &[Outcome]) -> String {
    let found = verdicts(outcomes);
    if found.is_empty() {
        return "Nothing to compare: `udp` and one of `packet` and `xdp-*` are needed.\n".into();
    }
    let mut text = String::from("Expected: p50 one-way below that of kernel UDP, spinning.\n");
    for of in &found {
        text.push_str(&format!(
            "  {:<12} {}: p50 is {:.2} times that of udp, below in {} of {} rounds\n",
            of.path.name(),
            if of.held() { "held" } else { "DID NOT HOLD" },
            of.ratio,
            of.rounds_below,
            of.rounds
        ));
    }
    let held = found.iter().all(super::outcome::Verdict::held);
    text.push_str(if held { "It held.\n" } else { "It did not hold.\n" });
    text
}

/// Of its time, what a core may lose to others before the comparison is in doubt too.
const DISTURBED: f64 = 0.1;

/// A word on a machine that is so busy that medians too are times of waiting for a core.
fn disturbance(report: &Report) -> String {
    let most = report.machine.jitter.iter().map(|jitter| jitter.lost).fold(0.0, f64::max);
    if most <= DISTURBED {
        return String::new();
    }
    format!(
        "Others had {:.0} % of a core before the run: either way it is to be repeated on a quiet \
         machine.\n",
        most * 100.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::machine::Machine;
    use crate::wire::Path;
    use crate::wire::tally::Tally;

    fn outcome(path: Path, ns: f64) -> Outcome {
        let mut tally = Tally::new(20);
        (0..19).for_each(|at| tally.arrive(at, clock::ticks(ns)));
        let mut outcome = Outcome::new(Row::OneWay(path));
        outcome.add(&tally);
        outcome
    }

    #[test]
    fn every_path_has_a_row_or_a_reason() {
        let mut zero = Outcome::new(Row::OneWay(Path::XdpZero));
        zero.trouble = Some("the driver cannot".into());
        let outcomes = [outcome(Path::Udp, 5_000.0), outcome(Path::Packet, 4_000.0), zero];
        let report = Report::new("wire", Machine::default());
        let text = of(&report, &outcomes);
        for part in [
            "xdp-zero (AF_XDP, native, zero-copy): cannot run here: the driver cannot",
            "held: p50 is 0.80 times that of udp, below in 1 of 1 rounds",
            "It held.",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        let text = of(&report, &[outcome(Path::Udp, 5.0), outcome(Path::XdpCopy, 9.0)]);
        assert!(text.contains("It did not hold."), "{text}");
        let text = of(&report, &[outcome(Path::Udp, 5.0)]);
        assert!(text.contains("Nothing to compare"), "{text}");
    }
}
