//! The metrics' text, and the document made from the same list.

mod entries;

use parking_lot::RwLock;
use std::path::Path;
use std::sync::Arc;
use entries::{answered, intended, named};
use tercel_control::desk::Desk;
use tercel_control::metrics::{FAMILIES, Metrics, PROCESS, document};
use tercel_engine::counters::CountersPage;
use tercel_engine::tape::{Action, AnswerKind, Entry};
use tercel_types::Nanos;

fn text() -> String {
    let mut desk = Desk::new("1.2", Nanos(1_000_000_000));
    desk.apply(Nanos(1), &named(1, b"A\"\\\nB   "));
    desk.apply(Nanos(2), &Entry::Intended(intended(Action::Enter, 1, 0, 10)));
    desk.apply(Nanos(3), &Entry::Answered(answered(AnswerKind::Executed, 1, 0, 10)));
    let mut page = CountersPage::anonymous(&["gaps"], &["book", "empty"]).unwrap();
    page.add(0, 4);
    for nanos in [1, 64, 65, 1_000_000, 1 << 39, u64::MAX >> 1] {
        page.record(0, nanos);
    }
    let counters = Some(Arc::new(page.reader()));
    Metrics::new(Arc::new(RwLock::new(desk)), counters).text(Nanos(3_000_000_000))
}

#[test]
fn values_stand_under_their_names() {
    let text = text();
    for line in [
        "tercel_build_info{version=\"1.2\"} 1",
        "tercel_uptime_seconds 2",
        "tercel_intents_total{action=\"enter\",fate=\"sent\"} 1",
        "tercel_traded_dollars{side=\"buy\"} 100.1",
        "tercel_host_events_total{name=\"gaps\"} 4",
        "tercel_stage_latency_seconds_bucket{stage=\"book\",le=\"0.000000064\"} 1",
        "tercel_stage_latency_seconds_bucket{stage=\"book\",le=\"0.000000128\"} 3",
        "tercel_stage_latency_seconds_bucket{stage=\"book\",le=\"+Inf\"} 6",
        "tercel_stage_latency_seconds_count{stage=\"empty\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.contains("process_resident_memory_bytes"));
    // What the directory calls an instrument cannot break out of its label.
    assert!(text.contains(r#"symbol="A\"\\\nB""#), "{text}");
}

#[test]
fn what_is_told_is_documented() {
    let known: Vec<&str> = FAMILIES.iter().chain(PROCESS).map(|family| family.name).collect();
    for line in text().lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        assert!(known.contains(&name), "{name} is in no document");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
    }
    for family in FAMILIES {
        assert!(family.help.ends_with('.') && !family.help.contains('|'), "{}", family.name);
    }
}

#[test]
fn the_document_is_the_one_that_is_checked_in() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("METRICS.md");
    if std::env::var_os("TERCEL_BLESS").is_some() {
        std::fs::write(&path, document()).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == document(),
        "METRICS.md is not what the code says: run \
         `TERCEL_BLESS=1 cargo test -p tercel-control --test metrics` and look at the difference"
    );
}

#[test]
fn promtool_accepts_the_text() {
    let spawned = std::process::Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        println!("skipped: promtool is not installed");
        return;
    };
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
