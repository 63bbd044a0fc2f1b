//! A comparison as text.

use super::{Change, Comparison, Verdict};
use crate::table::{columns, quantity};

/// A table for each pair, and what it comes to.
pub(super) fn of(comparison: &Comparison) -> String {
    let mut text = String::new();
    for pair in &comparison.pairs {
        text.push_str(&format!("{} against {}\n", pair.run, comparison.base));
        for difference in &pair.machine {
            text.push_str(&format!("WARNING another machine: {difference}\n"));
        }
        for warning in &pair.warnings {
            text.push_str(&format!("warning: {warning}\n"));
        }
        let head = ["metric", "", "first", "this", "change", "95 % interval", ""];
        let mut rows = vec![head.map(String::from).to_vec()];
        rows.extend(pair.changes.iter().map(row));
        text.push_str(&format!("\n{}\n", columns(&rows)));
        let count =
            |verdict| pair.changes.iter().filter(|change| change.verdict == verdict).count();
        text.push_str(&format!(
            "{} worse, {} better, {} unsure, {} the same within {} %\n\n",
            count(Verdict::Worse),
            count(Verdict::Better),
            count(Verdict::Unsure),
            count(Verdict::Same),
            comparison.threshold
        ));
    }
    text
}

fn row(change: &Change) -> Vec<String> {
    let signed = |percent: f64| format!("{percent:+.1} %");
    let interval = |[low, high]: [f64; 2]| format!("{low:+.1} to {high:+.1} %");
    let none = || "-".to_string();
    vec![
        change.name.clone(),
        change.of.to_string(),
        quantity(change.base, &change.unit),
        quantity(change.this, &change.unit),
        change.percent.map_or_else(none, signed),
        change.interval.map_or_else(none, interval),
        match change.verdict {
            Verdict::Worse => "WORSE".to_string(),
            Verdict::Better => "better".to_string(),
            Verdict::Unsure => "unsure".to_string(),
            Verdict::Same | Verdict::Shown => String::new(),
        },
    ]
}
