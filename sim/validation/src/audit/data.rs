//! Features, labels and the universe: what of them changes with the future.

use super::{Audit, Event, Findings, Label, Leak, Pipeline, Row, Samples};
use crate::draw::Draw;
use crate::sample::correlation;

/// A feature this near to the label is the label.
const TARGET: f64 = 0.98;

/// Fewest samples on which a correlation says so.
const TARGET_SAMPLES: usize = 30;

/// Whether rows and labels are finite, in order, and the same again. Without that nothing else can
/// be asked.
pub(super) fn whole(
    pipeline: &dyn Pipeline,
    events: &[Event],
    rows: &[Row],
    labels: &[Option<Label>],
    findings: &mut Findings,
) -> bool {
    for (at, row) in rows.iter().enumerate() {
        if row.features.iter().any(|x| !x.is_finite()) {
            findings.add(Leak::NotFinite, || format!("features of row {at}"));
            return false;
        }
        if at > 0 && rows[at - 1].time > row.time {
            findings.add(Leak::Unsorted, || format!("row {at} is before row {}", at - 1));
            return false;
        }
    }
    if let Some(at) = labels.iter().position(|label| label.is_some_and(|l| !l.value.is_finite())) {
        findings.add(Leak::NotFinite, || format!("label of row {at}"));
        return false;
    }
    if pipeline.rows(events) != rows || pipeline.labels(events, rows) != labels {
        findings.add(Leak::Nondeterministic, || "rows or labels differ the second time".into());
        return false;
    }
    true
}

/// Times at which the future is cut off: the first few, where what is missing may have been filled
/// in from behind, and others spread over all.
fn times(audit: &Audit, mut all: Vec<u64>) -> Vec<u64> {
    all.sort_unstable();
    all.dedup();
    let cuts = audit.cuts.clamp(1, 1_000).min(all.len());
    let mut times: Vec<u64> = all.iter().copied().take(cuts.min(4)).collect();
    times.extend((1..=cuts).filter_map(|at| all.get(all.len() * at / (cuts + 1))));
    times
}

/// Times of rows while something of their instrument had happened and had not been received.
fn in_flight(audit: &Audit, events: &[Event], rows: &[Row]) -> Vec<u64> {
    let waits = |row: &&Row| {
        let after = events.partition_point(|event| event.received <= row.time);
        // Nothing is on its way for longer than that many events.
        let next = events[after..].iter().take(64);
        next.into_iter().any(|e| e.exchange <= row.time && e.instrument == row.instrument)
    };
    times(audit, rows.iter().filter(waits).map(|row| row.time).collect())
}

/// The events that a condition lets through, those that it does not scrambled: prices of their own,
/// all higher or all lower, sizes doubled and more, trades turned.
fn scrambled(events: &[Event], seed: u64, up: bool, known: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut draw = Draw::new(seed);
    let changed = |event: &Event| {
        if known(event) {
            return *event;
        }
        let factor = 1.0 + draw.below(1_000) as f64 / 5_000.0;
        let factor = if up { factor } else { 1.0 / factor };
        Event {
            bid: event.bid * factor,
            ask: event.ask * factor,
            bid_size: 2.0 * event.bid_size,
            ask_size: 3.0 * event.ask_size,
            traded: -2.0 * event.traded,
            ..*event
        }
    };
    events.iter().map(changed).collect()
}

/// Cuts the future off and scrambles it: the rows until then must be what they were.
pub(super) fn future(
    audit: &Audit,
    pipeline: &dyn Pipeline,
    events: &[Event],
    rows: &[Row],
    findings: &mut Findings,
) {
    let until = |rows: &[Row], time: u64| -> Vec<Row> {
        rows.iter().filter(|row| row.time <= time).cloned().collect()
    };
    let mut all = times(audit, rows.iter().map(|row| row.time).collect());
    all.extend(in_flight(audit, events, rows));
    for time in all {
        let before = until(rows, time);
        let cut: Vec<Event> = events.iter().filter(|e| e.received <= time).copied().collect();
        let scrambled = scrambled(events, audit.seed ^ time, true, |event| event.received <= time);
        for (how, changed) in [("cut off", cut), ("scrambled", scrambled)] {
            let again = until(&pipeline.rows(&changed), time);
            if again == before {
                continue;
            }
            // With what had happened by then put back the difference may be gone.
            let happened: Vec<Event> = events
                .iter()
                .filter(|e| e.received <= time || e.exchange <= time)
                .copied()
                .collect();
            if until(&pipeline.rows(&happened), time) == before {
                findings.add(Leak::Unreceived, || {
                    format!("rows until {time} change with events that had not been received")
                });
            } else {
                differs(&before, &again, time, how, findings);
            }
        }
    }
}

fn differs(before: &[Row], again: &[Row], time: u64, how: &str, findings: &mut Findings) {
    let same = |a: &Row, b: &Row| a.time == b.time && a.instrument == b.instrument;
    let aligned = before.len() == again.len() && before.iter().zip(again).all(|(a, b)| same(a, b));
    if !aligned {
        findings.add(Leak::RowsOfTheFuture, || {
            let (was, is) = (before.len(), again.len());
            format!("{was} rows until {time}, {is} with what comes after it {how}")
        });
        return;
    }
    let Some((a, b)) = before.iter().zip(again).find(|(a, b)| a != b) else { return };
    let feature = a.features.iter().zip(&b.features).position(|(a, b)| a != b).unwrap_or(0);
    findings.add(Leak::FutureInFeatures, || {
        format!(
            "feature {feature} of the row at {} changes with what comes after {time} {how}",
            a.time
        )
    });
}

/// A label depends on nothing after it is known, and on something after its row.
pub(super) fn label_spans(
    audit: &Audit,
    pipeline: &dyn Pipeline,
    events: &[Event],
    (rows, labels): (&[Row], &[Option<Label>]),
    findings: &mut Findings,
) {
    let ends = labels.iter().flatten().map(|label| label.end).collect();
    for time in times(audit, ends) {
        let cut: Vec<Event> = events.iter().filter(|e| e.received <= time).copied().collect();
        for (at, label) in pipeline.labels(&cut, rows).iter().enumerate() {
            let Some(known) = labels[at].filter(|known| known.end <= time) else { continue };
            if *label != Some(known) {
                findings.add(Leak::LabelSpan, || {
                    format!("the label of row {at} changes with what comes after {}", known.end)
                });
            }
        }
    }
    let mut past = 0;
    let mut asked = 0;
    for time in times(audit, rows.iter().map(|row| row.time).collect()) {
        let Some(at) = rows.iter().position(|row| row.time == time) else { continue };
        let Some(label) = labels.get(at).copied().flatten() else { continue };
        asked += 1;
        let stays = |up: bool| {
            let known = |event: &Event| event.received <= time;
            let changed = scrambled(events, audit.seed ^ time, up, known);
            pipeline.labels(&changed, rows).get(at).copied().flatten() == Some(label)
        };
        past += usize::from(stays(true) && stays(false));
    }
    // Now and then a label stays by chance: a class that is the same either way.
    if asked >= 4 && 2 * past > asked {
        findings.add(Leak::LabelOfThePast, || {
            format!("{past} of {asked} labels do not change with what comes after their rows")
        });
    }
}

/// The universe at a time is the same without what comes later.
pub(super) fn survivorship(
    audit: &Audit,
    pipeline: &dyn Pipeline,
    events: &[Event],
    findings: &mut Findings,
) {
    for time in times(audit, events.iter().map(|event| event.received).collect()) {
        let cut: Vec<Event> = events.iter().filter(|e| e.received <= time).copied().collect();
        let (all, then) = (pipeline.universe(events, time), pipeline.universe(&cut, time));
        if all != then {
            findings.add(Leak::Survivorship, || {
                format!("at {time} the universe is {all:?}, and {then:?} by what was known")
            });
        }
    }
}

/// No feature is the label.
pub(super) fn target(samples: &Samples, findings: &mut Findings) {
    let values = samples.values();
    let width = samples.rows.iter().map(|row| row.features.len()).min().unwrap_or(0);
    if values.len() < TARGET_SAMPLES {
        return;
    }
    for feature in 0..width {
        let column: Vec<f64> = samples.rows.iter().map(|row| row.features[feature]).collect();
        let found = correlation(&column, &values);
        if found.abs() > TARGET {
            findings.add(Leak::TargetInFeatures, || {
                format!("feature {feature} has a correlation of {found:.3} with the label")
            });
        }
    }
}
