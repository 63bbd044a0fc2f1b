//! What a host and a venue do when the other, or what joins them, goes away.

mod harness;

use harness::{Place, Process, count, holdings_of_host, holdings_of_venue, user_refs};
use serde_json::Value;
use std::time::{Duration, Instant};

const SYMBOLS: [&str; 4] = ["SIM000", "SIM001", "SIM002", "SIM003"];

fn fills(report: &Value) -> u64 {
    count(report, "fills_bought") + count(report, "fills_sold")
}

fn is_trading(report: &Value) -> bool {
    report["phase"] == "trading" && report["session"] == "ready" && report["stale"] == false
}

/// A venue and a host that has had some fills and has orders open.
fn trading(place: &Place) -> (Process, Process, String) {
    let (venue, addresses) = place.venue(&["--rate=4000", "--symbols=4"]);
    let config = place.config(&addresses, &SYMBOLS, &[("stop_timeout_s", "55")]);
    let mut host = place.host(&config, "orders.bin");
    host.until("fills and open orders", |report| {
        fills(report) >= 3 && !report["open_orders"].as_array().expect("a list").is_empty()
    });
    (venue, host, config)
}

/// Both at rest: the host stopped in good order, the venue's report beside it.
fn agree_at_the_end(host: Process, mut venue: Process) -> Value {
    let report = host.stop_ok();
    assert_eq!(report["open_orders"].as_array().map(Vec::len), Some(0), "{report}");
    let venue = venue.ask("report");
    assert_eq!(holdings_of_host(&report), holdings_of_venue(&venue));
    report
}

#[test]
fn a_killed_host_finds_its_orders_and_its_position_again() {
    let place = Place::new();
    let (mut venue, host, config) = trading(&place);
    let before = host.last.clone();
    host.kill();
    let left = holdings_of_venue(&venue.ask("report"));
    assert!(!left["open"].as_array().expect("a list").is_empty(), "nothing was left open");

    let mut host = place.host(&config, "orders2.bin");
    let ready = host.until("a recovered session", |report| report["session"] == "ready");
    // What it holds now comes from the replay, plus what has traded since.
    assert!(count(&ready, "adopted_orders") > 0, "{ready}");
    assert!(fills(&ready) >= fills(&before), "{ready}");
    host.until("more orders", |report| {
        is_trading(report) && count(report, "sent") > 10 && fills(report) > fills(&ready)
    });
    agree_at_the_end(host, venue);

    let [first, second] = ["orders.bin", "orders2.bin"].map(|name| user_refs(&place.file(name)));
    assert!(!first.is_empty() && !second.is_empty());
    for run in [&first, &second] {
        assert!(run.is_sorted_by(|a, b| a < b), "a run used a number again");
    }
    // What the venue has not read when the connection breaks it drops: those numbers are free.
    let open = left["open"].as_array().expect("a list");
    let last = open.iter().filter_map(|order| order["user_ref"].as_u64()).max();
    assert!(second.first().copied() > last, "the number of an order at the venue was used again");
}

#[test]
fn a_host_that_starts_without_trading_takes_over_exactly_what_the_venue_has() {
    let place = Place::new();
    let (mut venue, host, config) = trading(&place);
    host.kill();
    // Nothing trades while all are halted, so that the two reports are of the same state.
    for symbol in SYMBOLS {
        venue.tell(&format!("halt {symbol}"));
    }
    let left = holdings_of_venue(&venue.ask("report"));
    let mut host = place.host(&config, "orders2.bin");
    let ready = host.until("a recovered session", |report| report["session"] == "ready");
    assert_eq!(holdings_of_host(&ready)["positions"], left["positions"]);
    assert_eq!(holdings_of_host(&ready)["cash"], left["cash"]);
    // It takes out what it found open, and enters nothing.
    host.until("nothing open", |report| {
        report["open_orders"].as_array().expect("a list").is_empty()
    });
    let entered = user_refs(&place.file("orders2.bin"));
    assert!(entered.is_empty(), "entered {entered:?} while halted");
    let report = agree_at_the_end(host, venue);
    assert_eq!(count(&report, "venue_rejected"), 0);
}

#[test]
fn gaps_wait_for_a_retransmission_server_that_is_down() {
    let place = Place::new();
    let (mut venue, mut host, _) = trading(&place);
    venue.tell("retransmission stop");
    venue.tell("faults 0.3 0 0");
    let gap = |report: &Value| {
        count(report, "gaps_opened") > count(report, "gaps_closed") && report["stale"] == true
    };
    host.until("a gap that stays open", gap);
    let requests = count(&host.last, "requests");
    host.until("a request in vain", |report| count(report, "requests") > requests || !gap(report));
    venue.tell("retransmission start");
    venue.tell("faults 0 0 0");
    host.until("closed gaps", |report| {
        count(report, "gaps_opened") == count(report, "gaps_closed") && is_trading(report)
    });
    let sent = count(&host.last, "sent");
    host.until("orders again", |report| count(report, "sent") > sent);
    agree_at_the_end(host, venue);
}

#[test]
fn a_cut_order_session_comes_back() {
    let place = Place::new();
    let (mut venue, mut host, _) = trading(&place);
    venue.tell("disconnect");
    host.until("a lost session", |report| report["session"] != "ready");
    host.until("a session again", |report| report["session"] == "ready");
    let sent = count(&host.last, "sent");
    host.until("orders again", |report| count(report, "sent") > sent);
    agree_at_the_end(host, venue);
}

#[test]
fn a_broken_trade_goes_back_on_both_sides() {
    let place = Place::new();
    let (mut venue, mut host, _) = trading(&place);
    // Match numbers count up from 1; some of the first hundreds are ours.
    for number in 1..400 {
        venue.ask(&format!("bust {number}"));
    }
    let sent = count(&host.last, "sent");
    host.until("orders again", |report| count(report, "sent") > sent);
    agree_at_the_end(host, venue);
}

/// A feed process with a small ring that has been written over more than once.
fn feed_process(place: &Place, config: &str, ring: &str) -> Process {
    let arguments = ["feed", "--config", config, "--ring", ring, "--slots=2048", "--json"];
    let feed = Process::start(&arguments, &place.folder.path().join("feed.log"));
    let end = Instant::now() + harness::PATIENCE;
    while !std::path::Path::new(ring).exists() {
        assert!(Instant::now() < end, "no ring: {}", feed.said());
        std::thread::sleep(Duration::from_millis(20));
    }
    feed
}

#[test]
fn a_host_joins_a_ring_late_and_leaves_the_market_when_its_writer_dies() {
    let place = Place::new();
    let (mut venue, addresses) = place.venue(&["--rate=4000", "--symbols=4"]);
    let config = place.config(&addresses, &SYMBOLS, &[]);
    let ring = place.file("ring");
    let feed = feed_process(&place, &config, &ring);
    let reader =
        tercel_engine::ring::RingReader::open(ring.as_ref(), tercel_engine::ring::Start::Newest)
            .expect("a ring");
    let end = Instant::now() + harness::PATIENCE;
    while reader.behind() < 5_000 {
        assert!(Instant::now() < end, "the ring is not written: {}", feed.said());
        std::thread::sleep(Duration::from_millis(50));
    }
    let arguments = ["run", "--config", &config, "--ring", &ring, "--status-ms", "100", "--json"];
    let mut host = Process::start(&arguments, &place.folder.path().join("host.log"));
    host.until("orders", |report| {
        is_trading(report) && !report["open_orders"].as_array().expect("a list").is_empty()
    });
    assert!(count(&host.last, "ring_lost") > 0 && count(&host.last, "snapshots") > 0);
    feed.kill();
    let (last, status) = {
        host.wait();
        host.stop()
    };
    assert!(!status.success());
    assert_eq!(last["open_orders"].as_array().map(Vec::len), Some(0), "{last}");
    assert_eq!(holdings_of_host(&last), holdings_of_venue(&venue.ask("report")));
}

#[test]
fn a_signal_takes_every_order_out_and_a_second_one_ends_at_once() {
    let place = Place::new();
    let (mut venue, mut host, config) = trading(&place);
    host.signal("-TERM");
    assert!(host.wait().success());
    let report = host.stop_ok();
    assert_eq!(report["closing"], true);
    // The logout ended it, not the longest wait.
    assert_eq!(report["session"], "down");
    let left = holdings_of_venue(&venue.ask("report"));
    assert_eq!(holdings_of_host(&report), left);
    assert_eq!(left["open"].as_array().map(Vec::len), Some(0));

    let mut host = place.host(&config, "orders2.bin");
    host.until("open orders", |report| {
        is_trading(report) && report["open_orders"].as_array().is_some_and(|open| !open.is_empty())
    });
    // A venue that does not answer any more.
    venue.signal("-STOP");
    let start = Instant::now();
    host.signal("-INT");
    host.until("the stop", |report| report["phase"] == "stopping");
    host.signal("-INT");
    let (last, status) = host.stop();
    venue.signal("-CONT");
    assert!(!status.success());
    assert!(start.elapsed() < Duration::from_secs(30));
    assert_eq!(last["closing"], true);
    assert!(!last["open_orders"].as_array().expect("a list").is_empty(), "{last}");
}
