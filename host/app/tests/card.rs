//! A feed card decodes: the demo, the same orders as with the host's own decoder, and a card that
//! is taken away from a host that trades.

mod harness;

#[path = "harness/day.rs"]
mod day;

use harness::{
    Place, Process, count, eventually, holdings_of_host, holdings_of_venue, tercel, tercel_ok,
};
use serde_json::Value;

const SYMBOLS: [&str; 3] = ["SIM000", "SIM001", "SIM002"];

/// A file for the card that goes with the test.
struct Card(String);

impl Card {
    fn new(name: &str) -> Card {
        let folder = if std::path::Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" };
        Card(format!("{folder}/tercel-test-{name}-{}", std::process::id()))
    }

    fn emulate(&self, place: &Place, more: &[&str]) -> Process {
        let card = format!("--card={}", self.0);
        let all = [&["emulate", "--json", &card], more].concat();
        let mut process = Process::start(&all, &place.folder.path().join("card.log"));
        process.line();
        process
    }

    fn source(&self) -> String {
        format!("--source=fpga:{}", self.0)
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn demo(arguments: &[&str]) -> Value {
    let all =
        [&["demo", "--json", "--source=fpga", "--rate=4000", "--quoted=8"], arguments].concat();
    let summary: Value = serde_json::from_str(tercel_ok(&all).trim()).expect("one JSON object");
    assert_eq!(summary["agree"], true, "{}", summary["differences"]);
    let host = &summary["host"];
    assert!(count(host, "accepted") > 50, "{host}");
    assert!(count(host, "card_records") > 0, "{host}");
    assert_eq!(count(host, "gaps_opened"), count(host, "gaps_closed"), "{host}");
    summary
}

#[test]
fn host_and_venue_agree_with_a_card() {
    demo(&["--duration=8"]);
    let summary = demo(&["--duration=10", "--loss=0.01", "--duplicate=0.01", "--reorder=0.01"]);
    assert!(count(&summary["host"], "gaps_opened") > 1, "{}", summary["host"]);
    assert!(count(&summary["host"], "card_line_a_packets") > 0, "{}", summary["host"]);
}

/// A capture through the host's own decoder, and through the card.
#[test]
fn the_same_capture_gives_the_same_orders() {
    let place = Place::new();
    let card = Card::new("orders");
    let addresses = serde_json::json!({ "line_a": place.line_a, "line_b": place.line_b });
    let keys = [("start", "\"first\""), ("ring_log2", "12")];
    let config = place.config(&addresses, &day::NAMES, &keys);
    let messages = day::day(5, 4_000.0, 4);
    for bad in [false, true] {
        let capture = place.file("day.pcap");
        // Line A lacks packets that line B brings right behind the next, and the reverse.
        let copies = |number: usize, line: usize| match (number + 7 * line) % 20 {
            4 if bad => 0,
            9 if bad => 2,
            _ => 1,
        };
        day::write_capture(&capture, [&place.line_a, &place.line_b], 1, &messages, copies);
        let run = |input: &[&str], name: &str| {
            let orders = place.file(name);
            let all =
                [&["run", "--config", &config, "--json", "--orders", &orders], input].concat();
            let report: Value = serde_json::from_str(&tercel_ok(&all)).expect("JSON");
            assert!(count(&report, "accepted") > 20, "{report}");
            assert_eq!(count(&report, "messages"), messages.len() as u64, "{report}");
            (std::fs::read(&orders).expect("orders"), report)
        };
        let (software, _) = run(&["--replay", &capture], "software.bin");
        let emulator = card.emulate(&place, &["--file", &capture]);
        let (through_card, report) = run(&["--paper", &card.source()], "card.bin");
        assert!(through_card == software, "the orders differ; bad lines: {bad}: {report}");
        emulator.stop_ok();
    }
}

fn open_orders(report: &Value) -> usize {
    report["open_orders"].as_array().map_or(0, Vec::len)
}

fn is_trading(report: &Value) -> bool {
    report["phase"] == "trading" && report["session"] == "ready" && report["stale"] == false
}

#[test]
fn a_card_that_dies_takes_the_orders_out_and_trading_goes_on_when_it_is_back() {
    let place = Place::new();
    let card = Card::new("outage");
    let (mut venue, addresses) = place.venue(&["--rate=4000", "--symbols=3"]);
    // A machine that is busy with other tests is no dead card.
    let config = place.config(&addresses, &SYMBOLS, &[("patience_ms", "1000")]);
    let mut emulator = card.emulate(&place, &[]);
    let (orders, source) = (place.file("orders.bin"), card.source());
    let arguments =
        ["run", "--config", &config, "--orders", &orders, "--status-ms", "100", "--json", &source];
    let json = |what: &str| -> Value {
        serde_json::from_str(&tercel_ok(&["fpga", what, &card.0, "--json"])).expect("JSON")
    };
    assert_eq!(json("probe")["running"], false);
    let mut host = Process::start(&arguments, &place.folder.path().join("host.log"));
    for lost in 1..=2 {
        let sent = count(&host.last, "accepted");
        host.until("orders", |report| {
            is_trading(report) && open_orders(report) > 0 && count(report, "accepted") > sent
        });
        let status = json("status");
        assert_eq!(status["running"], true, "{status}");
        assert_eq!(status["lines"][0], place.line_a.as_str(), "{status}");
        // A snapshot is enough to trade on; the card's first record may come after it.
        eventually("a record of the card", || json("status")["head"].as_u64() > Some(0));
        // The first time the card's clock stands still; the second time it is back at once, with
        // its registers cleared.
        emulator.kill();
        if lost == 2 {
            emulator = card.emulate(&place, &[]);
            host.until("a card lost", |report| count(report, "card_losses") >= lost);
        } else {
            host.until("a card lost", |report| count(report, "card_losses") >= lost);
            host.until("no order", |report| report["stale"] == true && open_orders(report) == 0);
            assert!(host.said().contains("the card at"), "{}", host.said());
            emulator = card.emulate(&place, &[]);
        }
    }
    let sent = count(&host.last, "accepted");
    host.until("orders again", |report| {
        is_trading(report) && open_orders(report) > 0 && count(report, "accepted") > sent
    });
    let report = host.stop_ok();
    assert_eq!(open_orders(&report), 0, "{report}");
    assert_eq!(holdings_of_host(&report), holdings_of_venue(&venue.ask("report")));
    drop(emulator);
}

#[test]
fn what_is_no_card_is_refused() {
    let place = Place::new();
    let addresses = serde_json::json!({ "line_a": place.line_a, "line_b": place.line_b });
    let config = place.config(&addresses, &SYMBOLS, &[]);
    let file = place.file("zeros");
    std::fs::write(&file, vec![0; 1 << 20]).expect("written");
    for (source, wanted) in [
        (format!("fpga:{}", place.file("missing")), "missing"),
        (format!("fpga:{file}"), "zeros"),
        ("fpga".to_string(), "fpga:<PCI address>"),
    ] {
        let output = tercel(&["run", "--config", &config, "--source", &source]);
        let said = String::from_utf8_lossy(&output.stderr).to_string();
        assert!(!output.status.success() && said.contains(wanted), "{source}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}
