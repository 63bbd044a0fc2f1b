//! A venue's feed, recorded from the wire: the same book as the live one, and as Parquet what other
//! programs read.

mod harness;

use harness::python;
use harness::{Place, Process, eventually, tercel, tercel_err, tercel_ok};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const SYMBOLS: [&str; 4] = ["SIM000", "SIM001", "SIM002", "SIM003"];

/// A venue, heard by a recorder from its first message and by the feed's decoder.
struct Recording {
    place: Place,
    summary: Value,
}

impl Recording {
    fn folder(&self) -> String {
        self.place.file("recordings")
    }

    /// The book of a symbol, from a file or with `--ring`.
    fn book(&self, from: &[&str], symbol: &str) -> String {
        let symbol = format!("--symbol={symbol}");
        tercel_ok(&[&["book", &symbol, "--format=csv", "--depth=50"], from].concat())
    }
}

/// Records `seconds` of a venue whose lines repeat and reorder packets.
fn record(seconds: u64, rate: u32) -> Recording {
    let place = Place::new();
    let folder = place.folder.path();
    let lines = json!({ "line_a": place.line_a, "line_b": place.line_b });
    let config = place.config(&lines, &SYMBOLS, &[]);
    let recorder = ["capture", "record", "--config", &config, "--out", &place.file("recordings")];
    let recorder = [&recorder[..], &["--rotate-s=1", "--json"]].concat();
    let recorder = Process::start(&recorder, &folder.join("recorder.log"));
    eventually("the recorder listens", || recorder.said().contains("recording to"));
    let rate = format!("--rate={rate}");
    let venue = ["--symbols=4", &rate, "--duplicate=0.05", "--reorder=0.05"];
    let (mut venue, addresses) = place.venue(&venue);
    let config = place.config(&addresses, &SYMBOLS, &[("start", "\"first\"")]);
    let ring = place.file("ring");
    // Room for every record of ten minutes: the live book is read from the ring in the end.
    let feed = ["feed", "--config", &config, "--ring", &ring, "--slots=2097152", "--until-end"];
    let mut feed = Process::start(&[&feed[..], &["--json"]].concat(), &folder.join("feed.log"));
    std::thread::sleep(Duration::from_secs(seconds));
    venue.tell("end");
    assert!(feed.wait().success());
    venue.stop_ok();
    let summary = recorder.stop_ok();
    Recording { place, summary }
}

fn as_the_live_one(recording: &Recording) {
    let (folder, ring) = (recording.folder(), recording.place.file("ring"));
    let mut orders = 0;
    for symbol in SYMBOLS {
        let live = recording.book(&["--ring", &ring], symbol);
        orders += live.lines().nth(1).expect("a row").matches(',').count();
        assert_eq!(recording.book(&[&folder], symbol), live, "{symbol}");
    }
    assert!(orders > 0);
}

#[test]
fn a_recording_gives_the_book_of_the_live_feed_and_parquet_that_others_read() {
    let recording = record(4, 2_000);
    let (summary, folder) = (&recording.summary, recording.folder());
    assert_eq!(summary["dropped"], json!([0, 0]), "{summary}");
    let files = std::fs::read_dir(&folder).expect("a folder").count() as u64;
    assert!(files >= 2 && summary["files"] == files, "{files}: {summary}");
    as_the_live_one(&recording);

    // Both lines carry every message; what they repeat is found.
    let stats: Value =
        serde_json::from_str(&tercel_ok(&["stats", "--json", &folder])).expect("JSON");
    assert_eq!((&stats["errors"], &stats["other"]), (&json!({}), &json!({})));
    let of = |rule: &str| -> u64 {
        let checked = tercel_ok(&["capture", "check", "--json", &folder]);
        let reports = checked.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        let findings = reports
            .flat_map(|report: Value| report["findings"].as_array().expect("findings").clone());
        let ours = findings.filter(|finding| finding["rule"] == rule);
        ours.map(|finding| finding["count"].as_u64().expect("a count")).sum()
    };
    assert!(of("line_duplicate") > 0 && of("line_late") > 0);
    assert_eq!((of("lost"), of("message_malformed"), of("book_crossed")), (0, 0, 0));

    let events = recording.place.file("events");
    let convert = ["capture", "convert", &folder, "--out", &events, "--json"];
    let converted: Value = serde_json::from_str(&tercel_ok(&convert)).expect("JSON");
    assert!(converted["messages"].as_u64() > Some(1_000) && converted["lost"] == 0, "{converted}");
    let again = tercel_err(&["capture", "convert", &folder, "--out", &events]);
    assert!(again.contains("is there already"), "{again}");
    read_by_others(&events, &converted);
    if !cfg!(feature = "query") {
        let said = tercel_err(&["query", "SELECT 1", "--data", &events]);
        assert!(said.contains("--features query"), "{said}");
    }
}

/// PyArrow and DuckDB see the documented columns and every event.
fn read_by_others(events: &str, converted: &Value) {
    let python = match python::python() {
        Ok(python) => python,
        Err(why) => {
            println!("skipped: {why}");
            return;
        }
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harness/read_events.py");
    let output = Command::new(python).arg(script).arg(events).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let seen: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(seen["events"], converted["events"]);
    assert_eq!(seen["messages"], converted["messages"]);
    let schema = tercel_ok(&["capture", "schema"]);
    for (name, unit) in seen["units"].as_object().expect("units") {
        let line = schema.lines().find(|line| line.split_whitespace().next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("{name} is not documented"));
        assert!(line.ends_with(unit.as_str().expect("text")), "{line}: {unit}");
    }
}

/// `cargo test -p tercel-app --test capture -- --ignored`: ten minutes, at the demo's rate.
#[test]
#[ignore = "takes ten minutes"]
fn ten_minutes_of_the_demo_s_feed_replay_to_the_same_book() {
    as_the_live_one(&record(600, 2_000));
}

#[test]
fn what_is_no_recording_is_refused_in_one_line() {
    let place = Place::new();
    let (empty, text) = (place.file("empty"), place.file("text"));
    std::fs::create_dir(&empty).expect("a folder");
    std::fs::write(&text, "neither a pcap nor a pcap-ng, but long enough").expect("written");
    for command in ["check", "convert"] {
        let out = format!("--out={}", place.file("events"));
        let run = |path: &str| match command {
            "check" => tercel_err(&["capture", "check", path]),
            _ => tercel_err(&["capture", "convert", path, &out]),
        };
        assert!(run(&empty).contains("has no capture"));
        assert!(run(&text).contains("magic"));
        assert!(run("/no/such/file").contains("cannot read"));
    }
    let help = String::from_utf8(tercel(&["capture", "check", "--help"]).stdout).expect("text");
    assert!(help.contains("book_crossed") && help.contains("best bid above"), "{help}");
}
