//! The same messages give the same orders, byte for byte, by whichever way they come: a file, a
//! ring that is complete or still being written, a capture of two bad lines.

#[path = "harness/day.rs"]
mod day;
mod harness;

use day::{NAMES, PACKET, write_capture, write_itch, zipped};
use harness::{Place, Process, count, tercel_err, tercel_ok};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use tercel_engine::ring::RingWriter;
use tercel_proto::{itch, itch_record};
use tercel_types::VenueId;

/// A day of some 30,000 messages, where it lies, and a host for it.
struct Setting {
    place: Place,
    messages: Vec<Vec<u8>>,
    file: String,
    config: String,
}

impl Setting {
    fn new(seed: u64) -> Setting {
        let place = Place::new();
        let messages = day::day(seed, 500.0, 60);
        assert!(messages.len() > 20_000, "{}", messages.len());
        let file = place.file("day.itch");
        write_itch(&file, &messages);
        let config = config(&place, &[]);
        Setting { place, messages, file, config }
    }

    /// Orders and report of a host over this input.
    fn run(&self, input: &[&str]) -> (Vec<u8>, Value) {
        run(&self.place, &self.config, input)
    }

    fn capture(&self, first: usize, copies: impl Fn(usize, usize) -> usize) -> String {
        let path = self.place.file("day.pcap");
        let lines = [self.place.line_a.as_str(), self.place.line_b.as_str()];
        write_capture(&path, lines, 1 + first as u64, &self.messages[first..], copies);
        path
    }
}

fn config(place: &Place, keys: &[(&str, &str)]) -> String {
    let lines = serde_json::json!({ "line_a": place.line_a, "line_b": place.line_b });
    place.config(&lines, &NAMES, keys)
}

fn run(place: &Place, config: &str, input: &[&str]) -> (Vec<u8>, Value) {
    let orders = place.file("orders.bin");
    let all = [&["run", "--config", config, "--json", "--orders", &orders], input].concat();
    let report = tercel_ok(&all);
    (std::fs::read(&orders).expect("orders"), json(&report))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text.trim()).expect("JSON")
}

/// Two runs' orders are equal; the difference is not worth printing.
fn same(one: &[u8], other: &[u8], what: &str) {
    assert!(one == other, "{what}: {} and {} bytes differ", one.len(), other.len());
}

#[test]
fn whichever_way_the_messages_come() {
    let setting = Setting::new(21);
    let Setting { place, messages, file, config } = &setting;
    let (first, report) = setting.run(&["--replay", file]);
    let sent = count(&report, "sent");
    assert!(sent > 300, "{report}");
    same(&setting.run(&["--replay", file]).0, &first, "two replays");
    let gz = place.file("day.itch.gz");
    std::fs::write(&gz, zipped(&std::fs::read(file).expect("read"))).expect("written");
    same(&setting.run(&["--replay", &gz]).0, &first, "plain and zipped");

    let ring = place.file("ring");
    let feed = ["feed", "--config", config, "--ring", &ring, "--slots=65536", "--file", file];
    tercel_ok(&feed);
    let (orders, through) = setting.run(&["--ring", &ring, "--paper"]);
    same(&orders, &first, "file and ring");
    assert_eq!(count(&through, "ring_records"), messages.len() as u64);
    // A ring stays as it is: any number of readers, one after the other.
    same(&setting.run(&["--ring", &ring, "--paper"]).0, &first, "two readers");

    // Neither loss on one line, nor repetition, nor the lack of a line is seen in the orders.
    type Copies = fn(usize, usize) -> usize;
    let captures: [(&str, Copies); 4] = [
        ("both lines", |_, _| 1),
        ("each line lacks some", |number, line| usize::from(number % 7 != 3 * line)),
        ("each line repeats some", |number, line| 1 + usize::from(number % 5 == line)),
        ("one line", |_, line| usize::from(line == 0)),
    ];
    for (what, copies) in captures {
        let capture = setting.capture(0, copies);
        let (orders, report) = setting.run(&["--replay", &capture]);
        same(&orders, &first, what);
        // One gap and one snapshot: the capture's start.
        assert_eq!(count(&report, "messages"), messages.len() as u64, "{what}");
        let marks = ["gaps_opened", "gaps_closed", "snapshots"].map(|name| count(&report, name));
        assert_eq!(marks, [1, 1, 1], "{what}: {report}");
    }
}

/// The host reads while the ring is written, in pieces that come whenever they come.
#[test]
fn a_ring_that_is_still_being_written() {
    let setting = Setting::new(22);
    let Setting { place, messages, file, config } = &setting;
    let (first, _) = setting.run(&["--replay", file]);

    let (ring, orders) = (place.file("growing"), place.file("beside.bin"));
    let mut writer = RingWriter::create(Path::new(&ring), 65_536, 1_000_000_000).expect("a ring");
    let beside =
        ["run", "--config", config, "--json", "--orders", &orders, "--ring", &ring, "--paper"];
    let mut host = Process::start(&beside, &place.folder.path().join("host.log"));
    let mut size = 1;
    let mut left = &messages[..];
    while !left.is_empty() {
        let (now, later) = left.split_at(size.min(left.len()));
        for message in now {
            let message = itch::parse(message).expect("a message");
            let time = message.header().time();
            writer.publish(&itch_record::to_record(&message, VenueId(0), time));
        }
        left = later;
        size = size * 7 % 1_009;
        std::thread::sleep(Duration::from_millis(1));
    }
    writer.close();
    let report = host.line();
    assert!(host.wait().success(), "{}", host.said());
    assert_eq!(count(&report, "messages"), messages.len() as u64);
    same(&std::fs::read(&orders).expect("orders"), &first, "file and growing ring");

    // Two processes side by side, as they are started in a script.
    let ring = place.file("beside");
    let feed =
        ["feed", "--config", config, "--ring", &ring, "--slots=65536", "--file", file, "--json"];
    let feed = Process::start(&feed, &place.folder.path().join("feed.log"));
    while !Path::new(&ring).exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    same(&setting.run(&["--ring", &ring, "--paper"]).0, &first, "file and feed process");
    feed.stop_ok();
}

/// What is on no line is named, and ends the run with a failure.
#[test]
fn a_message_on_no_line_is_named() {
    let setting = Setting::new(24);
    let lost = 100;
    let capture = setting.capture(0, |number, _| usize::from(number != lost));
    let said = tercel_err(&["run", "--config", &setting.config, "--replay", &capture, "--json"]);
    let number = 1 + lost * PACKET;
    assert!(said.contains("capture lacks") && said.contains(&number.to_string()), "{said}");
}

/// A capture that begins after the directory cannot be traded, and a run over it says so.
#[test]
fn a_capture_from_the_middle() {
    let setting = Setting::new(25);
    let capture = setting.capture(2_000, |_, _| 1);
    let said = tercel_err(&["run", "--config", &setting.config, "--replay", &capture]);
    assert!(said.contains("directory does not list SIM000, SIM001"), "{said}");
    let said = tercel_err(&["book", &capture, "--symbol=SIM000"]);
    assert!(said.contains("SIM000 is not in the directory"), "{said}");
    assert_eq!(tercel_ok(&["decode", &capture, "--limit=7"]).lines().count(), 7);
}

/// Strategies differ from each other, never from themselves; configuration decides, not the way.
#[test]
fn every_strategy_repeats_itself() {
    let setting = Setting::new(26);
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for kind in ["\"fixed-spread\"", "\"avellaneda-stoikov\"", "\"glft\""] {
        let config = config(&setting.place, &[("kind", kind)]);
        let orders = || run(&setting.place, &config, &["--replay", &setting.file]).0;
        let first = orders();
        assert!(first.len() > 1_000, "{kind}");
        same(&orders(), &first, kind);
        assert!(!seen.contains(&first), "{kind} trades like another");
        seen.push(first);
    }
}

/// The summary adds up, and agrees with the file of orders.
#[test]
fn the_summary_adds_up() {
    let setting = Setting::new(27);
    let (_, report) = setting.run(&["--replay", &setting.file]);
    let number = |name: &str| count(&report, name) as i64;
    assert_eq!(report["closing"], true);
    assert_eq!((&report["stale"], &report["tripped"]), (&false.into(), &"".into()));
    assert_eq!(number("events"), setting.messages.len() as i64);
    assert_eq!(report["open_orders"], serde_json::json!([]));
    let instruments = report["instruments"].as_array().expect("instruments");
    let names: Vec<_> = instruments.iter().filter_map(|one| one["symbol"].as_str()).collect();
    assert_eq!(names, NAMES);
    let positions: i64 = instruments.iter().filter_map(|one| one["position"].as_i64()).sum();
    assert_eq!(positions, number("shares_bought") - number("shares_sold"));
    assert!(number("fills_bought") > 0 && number("fills_sold") > 0);
    // Profit and loss are cash and what is held at the mid; in halves, to stay whole.
    let mut twice = 2 * report["cash_e4"].as_i64().expect("a number");
    for one in instruments {
        let field = |name: &str| one[name].as_i64().expect("a number");
        assert!(0 < field("bid_e4") && field("bid_e4") < field("ask_e4"), "{one}");
        assert!(field("position").abs() <= 1_000, "{one}");
        twice += field("position") * (field("bid_e4") + field("ask_e4"));
    }
    assert_eq!(2 * report["pnl_e4"].as_i64().expect("a number"), twice, "{report}");
    // Of what was sent, the file says the same; it also has the account query of the login.
    let orders = setting.place.file("orders.bin");
    let stats = json(&tercel_ok(&["stats", "--json", &orders]));
    let of = |letter: &str| stats["ouch_in"][letter].as_i64().unwrap_or(0);
    assert_eq!(of("O") + of("U") + of("X"), number("sent"));
    assert_eq!((of("Q"), &stats["errors"]), (1, &serde_json::json!({})));
    assert_eq!(of("O") + of("U"), number("accepted"));
    // The day lasts a minute.
    let elapsed = report["elapsed_s"].as_f64().expect("a number");
    assert!((59.0..61.0).contains(&elapsed), "{elapsed}");
}
