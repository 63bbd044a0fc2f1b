//! How the processes end when they are told to.

mod harness;

use harness::{Place, Process, TERCEL, eventually, holdings_of_host, holdings_of_venue};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tercel_abi::EventSource;
use tercel_engine::ring::{RingReader, Start};

const SYMBOLS: [&str; 2] = ["SIM000", "SIM001"];

fn has_open_orders(report: &Value) -> bool {
    report["open_orders"].as_array().is_some_and(|open| !open.is_empty())
}

fn trading(place: &Place, keys: &[(&str, &str)]) -> (Process, Process) {
    let (venue, addresses) = place.venue(&["--rate=2000", "--symbols=2"]);
    let config = place.config(&addresses, &SYMBOLS, keys);
    let mut host = place.host(&config, "orders.bin");
    host.until("open orders", |report| report["session"] == "ready" && has_open_orders(report));
    (venue, host)
}

/// Ends it and returns its last report, how it ended and the last line of what it said.
fn end(mut host: Process) -> (Value, bool, String) {
    let status = host.wait();
    let said = host.said().lines().last().unwrap_or_default().to_string();
    let (last, _) = host.stop();
    (last, status.success(), said)
}

#[test]
fn a_second_signal_ends_at_once_and_says_what_may_be_open() {
    let place = Place::new();
    let (venue, mut host) = trading(&place, &[("stop_timeout_s", "600")]);
    // A venue that does not answer any more.
    venue.signal("-STOP");
    host.signal("-TERM");
    host.until("the stop", |report| report["phase"] == "stopping");
    host.signal("-TERM");
    let (last, success, said) = end(host);
    venue.signal("-CONT");
    assert!(!success);
    let open = last["open_orders"].as_array().map_or(0, Vec::len);
    assert!(open > 0, "{last}");
    assert!(said.contains("second signal") && said.contains(&format!("{open} orders")), "{said}");
}

#[test]
fn a_venue_that_does_not_confirm_is_not_waited_for_without_end() {
    let place = Place::new();
    let (mut venue, host) = trading(&place, &[("stop_timeout_s", "1")]);
    venue.signal("-STOP");
    host.signal("-TERM");
    let (last, success, said) = end(host);
    assert!(!success && has_open_orders(&last), "{last}");
    assert!(said.contains("did not confirm") && said.contains("may be open"), "{said}");
    // The cancels were on their way all the same.
    venue.signal("-CONT");
    let end = std::time::Instant::now() + harness::PATIENCE;
    loop {
        let left = holdings_of_venue(&venue.ask("report"));
        if left["open"].as_array().is_some_and(Vec::is_empty) {
            break;
        }
        assert!(std::time::Instant::now() < end, "still open: {left}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_host_that_has_not_begun_ends_in_order() {
    let place = Place::new();
    // Nobody sends on these lines.
    let addresses = serde_json::json!({ "line_a": place.line_a, "line_b": place.line_b });
    let config = place.config(&addresses, &SYMBOLS, &[]);
    let mut host = place.host(&config, "orders.bin");
    host.line();
    host.signal("-TERM");
    let (last, success, said) = end(host);
    assert!(success, "{said}");
    assert_eq!(last["closing"], true);
    assert!(!has_open_orders(&last));
}

#[test]
fn every_process_prints_its_summary_when_it_is_told_to_stop() {
    let place = Place::new();
    let (mut venue, addresses) = place.venue(&["--rate=2000", "--symbols=2"]);
    let config = place.config(&addresses, &SYMBOLS, &[]);
    let ring = place.file("ring");
    let arguments = ["feed", "--config", &config, "--ring", &ring, "--json"];
    let feed = Process::start(&arguments, &place.folder.path().join("feed.log"));
    // The host's summary here is the one for people.
    let mut host = Command::new(TERCEL)
        .args(["run", "--config", &config])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let end = std::time::Instant::now() + harness::PATIENCE;
    while !has_open_orders(&our_account(&venue.ask("report"))) {
        assert!(std::time::Instant::now() < end, "no order came");
        assert!(host.try_wait().expect("it can be waited for").is_none(), "it has ended");
        std::thread::sleep(Duration::from_millis(50));
    }
    let id = host.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill(1)").success());
    let output = host.wait_with_output().expect("it ends");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{said}");
    assert!(said.contains("cash ") && said.contains("accepted"), "{said}");

    // A busy machine may not have let it read anything yet.
    let has_records = || {
        let reader = RingReader::open(Path::new(&ring), Start::Oldest);
        reader.is_ok_and(|mut reader| reader.poll(1, |_| {}) > 0)
    };
    eventually("a record in the ring", has_records);
    feed.signal("-TERM");
    let counters = feed.stop_ok();
    assert!(counters["ring_records"].as_u64() > Some(0), "{counters}");

    venue.signal("-INT");
    let report = venue.stop_ok();
    assert!(!has_open_orders(&our_account(&report)), "{report}");
}

fn our_account(report: &Value) -> Value {
    let accounts = report["accounts"].as_array().expect("accounts");
    accounts.iter().find(|one| one["username"] == "TERCEL").expect("ours").clone()
}

#[test]
fn a_lone_host_stops_when_its_parent_is_gone() {
    let place = Place::new();
    let (mut venue, host) = trading(&place, &[]);
    let report = host.stop_ok();
    assert_eq!(holdings_of_host(&report), holdings_of_venue(&venue.ask("report")));
    assert!(!has_open_orders(&report));
}
