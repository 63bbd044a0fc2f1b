//! Results as text.

use crate::machine::Machine;
use crate::report::{Metric, Report};

/// A number in few columns: four digits that count, more only above 9,999.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    let digits = match size {
        size if size >= 1_000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        _ => 3,
    };
    let plain = format!("{value:.digits$}");
    let (whole, rest) = plain.split_once('.').map_or((plain.as_str(), ""), |(a, b)| (a, b));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { format!("{sign}{text}") } else { format!("{sign}{text}.{rest}") }
}

/// Nanoseconds: below a millisecond the bare number, above with its unit.
pub(crate) fn time(ns: f64) -> String {
    match ns.abs() {
        size if size >= 1e9 => format!("{} s", number(ns / 1e9)),
        size if size >= 1e6 => format!("{} ms", number(ns / 1e6)),
        _ => number(ns),
    }
}

/// A number of this unit, or `-` for none.
pub(crate) fn quantity(value: Option<f64>, unit: &str) -> String {
    match (value, unit) {
        (None, _) => "-".to_string(),
        (Some(ns), "ns") if ns.abs() < 1e6 => format!("{} ns", number(ns)),
        (Some(ns), "ns") => time(ns),
        (Some(bytes), "bytes") if bytes.abs() >= 1e6 => format!("{} MB", number(bytes / 1e6)),
        (Some(value), _) => format!("{} {unit}", number(value)).trim_end().to_string(),
    }
}

/// A number, or `-` for none.
pub(crate) fn maybe(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_string(), number)
}

/// Columns, the first to the left and the others to the right, two spaces apart.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let wide = |cell: &String| cell.chars().count();
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(wide).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(at, (cell, width))| match at {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.iter().map(ToString::to_string).collect()
}

/// The whole report for a terminal.
pub(crate) fn of(report: &Report) -> String {
    let mut parts = vec![machine(&report.machine)];
    let mut latencies = Vec::new();
    let mut values = Vec::new();
    for (name, metric) in report.metrics.iter() {
        match metric {
            Metric::Latency(of) => {
                let mut cells = vec![name.to_string(), number(of.n as f64)];
                let six = [of.p50, of.p90, of.p99, of.p999, of.p9999, of.max];
                cells.extend(six.map(time));
                latencies.push(cells);
            }
            Metric::Value(of) => {
                values.push(vec![name.to_string(), quantity(of.value, &of.unit)]);
            }
        }
    }
    if !latencies.is_empty() {
        let head = ["latency, ns", "n", "p50", "p90", "p99", "p99.9", "p99.99", "max"];
        latencies.insert(0, row(head));
        parts.push(columns(&latencies));
    }
    if !values.is_empty() {
        values.insert(0, row(["value", ""]));
        parts.push(columns(&values));
    }
    if !report.targets.is_empty() {
        let mut rows = vec![row(["target", "at most", "measured", ""])];
        rows.extend(report.targets.iter().map(|of| {
            let what = format!("{}: {}", of.name, of.text);
            let outcome = if of.met { "met" } else { "missed" };
            let unit = report.metrics.get(&of.name).map_or("", |metric| metric.unit());
            let (bound, actual) = (quantity(Some(of.bound), unit), quantity(of.actual, unit));
            vec![what, bound, actual, outcome.to_string()]
        }));
        parts.push(columns(&rows));
    }
    if !report.notes.is_empty() {
        let notes = report.notes.iter().map(|note| format!("note: {note}\n"));
        parts.push(notes.collect());
    }
    let took = report.seconds.map_or_else(String::new, |seconds| format!(", {seconds:.1} s"));
    parts.push(format!("{}, commit {}{took}\n", report.suite, report.commit));
    parts.join("\n")
}

/// The machine in a few lines.
pub(crate) fn machine(machine: &Machine) -> String {
    let or = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_string());
    let cores = machine.cores.map_or_else(|| "unknown".to_string(), |cores| cores.to_string());
    let mut text = format!(
        "{}, {cores} cores, {}, governor {}, hypervisor {}, isolated {}, huge pages {}\n",
        or(&machine.cpu),
        or(&machine.kernel),
        or(&machine.governor),
        or(&machine.hypervisor),
        or(&machine.isolated),
        or(&machine.hugepages.transparent),
    );
    if let Some(stamp) = &machine.clock {
        text.push_str(&format!(
            "clock {} at {:.3} ticks/ns; a pair of stamps costs {:.1} ns (p50), {:.1} ns (p99)\n",
            stamp.source, stamp.ticks_per_ns, stamp.stamp_cost_p50_ns, stamp.stamp_cost_p99_ns
        ));
    }
    for of in &machine.jitter {
        text.push_str(&format!(
            "core {}{}: {} gaps above 1 µs in {:.0} ms, p99 {} ns, longest {} ns, {:.3} % lost\n",
            of.core,
            if of.pinned { "" } else { " (not pinned)" },
            of.gaps,
            of.span_ns / 1e6,
            maybe(of.gap_p99_ns),
            maybe(of.gap_max_ns),
            of.lost * 100.0
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_few_columns() {
        for (value, text) in [
            (0.0, "0"),
            (0.1234, "0.123"),
            (9.5, "9.5"),
            (23.456, "23.46"),
            (300.0, "300"),
            (1_234.5, "1,234"),
            (-1_234_567.0, "-1,234,567"),
            (2e9, "2,000,000,000"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!((maybe(None).as_str(), quantity(None, "ns").as_str()), ("-", "-"));
        assert_eq!((time(999_999.0), time(2.5e6)), ("999,999".into(), "2.5 ms".into()));
        for (value, unit, text) in [
            (20.0, "ns", "20 ns"),
            (3e9, "ns", "3 s"),
            (1.5e9, "bytes", "1,500 MB"),
            (2.0, "", "2"),
        ] {
            assert_eq!(quantity(Some(value), unit), text);
        }
    }

    #[test]
    fn columns_line_up() {
        let rows = [row(["a", "b"]), row(["long", "1"]), row(["µ", "22"])];
        assert_eq!(columns(&rows), "a      b\nlong   1\nµ     22\n");
    }

    #[test]
    fn a_report_shows_what_it_has() {
        let text = of(&crate::report::sample());
        for part in ["p99.99", "risk/check", "5,000", "orders/s", "missed", "note: a note"] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}
