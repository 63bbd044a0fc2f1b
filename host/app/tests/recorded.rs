//! Recorded data through the real binary: counts, and the LOBSTER hour over lossy multicast.

mod harness;

use flate2::read::GzDecoder;
use harness::{Place, Process, count, recorded, tercel_ok};
use serde_json::Value;
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use tercel_abi::{EventRecord, EventSource, Kind, flag};
use tercel_book::{Books, Limits};
use tercel_engine::ring::{RingReader, Start};
use tercel_exchange::lobster::{Converter, ConverterConfig, open, read_messages};
use tercel_proto::{binary_file, itch, itch_record};
use tercel_types::{InstrumentId, Level, Nanos, Symbol, VenueId};

fn stats(files: &[&str]) -> Value {
    let output = tercel_ok(&[&["stats", "--json"], files].concat());
    serde_json::from_str(&output).expect("JSON")
}

#[test]
fn the_first_thousand_messages_of_a_day() {
    let Some(file) = recorded("nasdaq-itch50/20191230-first-1000-messages.itch50") else { return };
    let stats = stats(&[&file]);
    assert_eq!(stats["itch"], serde_json::json!({ "S": 1, "R": 993, "H": 3, "Y": 3 }));
    assert_eq!(stats["errors"], serde_json::json!({}));
    let lines = tercel_ok(&["decode", &file]);
    assert_eq!(lines.lines().count(), 1000);
    let second: Value = serde_json::from_str(lines.lines().nth(1).expect("there")).expect("JSON");
    assert_eq!((&second["type"], &second["locate"]), (&"R".into(), &1.into()));
}

#[test]
fn every_capture_decodes() {
    let Some(folder) = recorded("nasdaq-pcaps") else { return };
    let mut files = Vec::new();
    for protocol in std::fs::read_dir(folder).expect("a folder") {
        for file in std::fs::read_dir(protocol.expect("an entry").path()).expect("a folder") {
            files.push(file.expect("an entry").path().display().to_string());
        }
    }
    assert_eq!(files.len(), 55);
    let stats = stats(&files.iter().map(String::as_str).collect::<Vec<_>>());
    let wanted = serde_json::json!({
        "A": 53, "C": 15, "D": 18, "E": 16, "F": 17, "H": 16, "I": 6, "J": 5, "L": 6, "N": 5,
        "P": 15, "Q": 5, "S": 3, "U": 17, "X": 15, "Y": 15
    });
    assert_eq!(stats["itch"], wanted);
    let of = |name: &str| -> u64 {
        stats[name].as_object().expect("counts").values().filter_map(Value::as_u64).sum()
    };
    assert_eq!((of("ouch_in"), of("ouch_out"), of("session")), (2, 2, 2));
    assert_eq!((of("errors"), of("other")), (0, 0), "{stats}");
}

const MESSAGES: &str = "lobster/AAPL_2012-06-21_message_50.csv.gz";
const TOUCH: &str = "lobster/AAPL_2012-06-21_orderbook_50.csv.gz";

fn books() -> Books {
    let limits = Limits {
        instruments_max: 16,
        orders_max: 1 << 17,
        levels_max: 1 << 16,
        ..Limits::default()
    };
    Books::new(&limits).expect("books")
}

/// What a record says of the market, without where and when it came.
fn said(record: &EventRecord) -> EventRecord {
    let flags = record.flags & !(flag::RECOVERED | flag::SNAPSHOT);
    EventRecord { seq: 0, receive_time: 0, venue: 0, flags, ..*record }
}

/// The records of a ring file, from the oldest.
fn records(ring: &Path) -> Vec<EventRecord> {
    let mut reader = RingReader::open(ring, Start::Oldest).expect("a ring");
    let mut list = Vec::new();
    while reader.poll(1024, |record| list.push(*record)) > 0 {}
    list
}

/// Converted to ITCH, played over two lines that lose 1 % each, decoded into a ring by another
/// process, and read from there: nothing is lost, and the book is the one that the file describes.
#[test]
fn the_lobster_hour_over_lossy_multicast() {
    let (Some(csv), Some(touch)) = (recorded(MESSAGES), recorded(TOUCH)) else { return };
    let place = Place::new();
    let (file, ring) = (place.file("AAPL.itch"), place.file("ring"));
    tercel_ok(&["convert", &csv, &file, "--symbol", "AAPL"]);
    let (fed, played) = play(&place, &file, &ring);
    assert_eq!(count_of(&fed, "gaps_opened"), count_of(&fed, "gaps_closed"));
    assert!(count_of(&fed, "gaps_opened") > 0 && count_of(&fed, "recovered") > 0, "{fed}");
    assert!(count_of(&played, "line_a_lost") > 100 && count_of(&played, "line_b_lost") > 100);

    let bytes = std::fs::read(&file).expect("the file");
    let messages: Vec<&[u8]> =
        binary_file::Messages::new(&bytes).collect::<Result<_, _>>().expect("messages");
    let records = records(Path::new(&ring));
    let of_feed = |kind: Kind| records.iter().filter(|r| r.kind == kind as u8).count();
    assert_eq!(of_feed(Kind::GapOpen), of_feed(Kind::GapClosed));
    assert_eq!(of_feed(Kind::Overrun), 0);
    let received: Vec<EventRecord> = records.into_iter().filter(|r| r.kind >= 0x20).collect();
    assert_eq!(received.len(), messages.len(), "messages were lost or came twice");
    for (record, message) in received.iter().zip(&messages) {
        let message = itch::parse(message).expect("a message");
        assert_eq!(said(record), said(&itch_record::to_record(&message, VenueId(0), Nanos(0))));
    }
    let share = follow(&csv, &touch, &received);
    println!("the touch equals the oracle's on {:.3} % of the rows after a minute", share * 100.0);
    assert!(share >= 0.99, "{share}");
}

fn count_of(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or(0)
}

/// Feed process, replay process; the closing reports of both.
fn play(place: &Place, file: &str, ring: &str) -> (Value, Value) {
    let (a, b) = (format!("--line-a={}", place.line_a), format!("--line-b={}", place.line_b));
    let replay = [
        "replay",
        file,
        &a,
        &b,
        "--recovery=127.0.0.1:0",
        "--glimpse=127.0.0.1:0",
        "--speed=0",
        "--rate=30000",
        "--loss=0.01",
        "--seed=7",
        "--wait=2",
        "--json",
    ];
    let mut replay = Process::start(&replay, &place.folder.path().join("replay.log"));
    let addresses = replay.line();
    let config = place.config(&addresses, &["AAPL"], &[("start", "\"first\"")]);
    let feed =
        ["feed", "--config", &config, "--ring", ring, "--slots=262144", "--until-end", "--json"];
    let mut feed = Process::start(&feed, &place.folder.path().join("feed.log"));
    let fed = feed.line();
    assert!(feed.wait().success());
    let played = replay.line();
    assert!(replay.wait().success());
    (fed, played)
}

/// Every execution and cancel finds its order; the share of rows whose touch is the oracle's.
fn follow(csv: &str, touch: &str, records: &[EventRecord]) -> f64 {
    let rows = read_messages(open(Path::new(csv)).expect("the file"));
    let rows: Vec<_> = rows.collect::<Result<_, _>>().expect("rows");
    let mut ends = vec![0; rows.len()];
    let mut total = 0;
    let symbol = Symbol::new("AAPL").expect("a symbol");
    let config = ConverterConfig { symbol, instrument: InstrumentId(1), round_lot: 100 };
    Converter::convert(config, &rows, &mut |row, _| {
        total += 1;
        if let Some(row) = row {
            ends[row] = total;
        }
    });
    assert_eq!(total, records.len());
    let mut text = String::new();
    let oracle = std::fs::File::open(touch).expect("the oracle");
    GzDecoder::new(oracle).read_to_string(&mut text).expect("text");
    let oracle: Vec<&str> = text.lines().collect();
    let header = oracle.len() - rows.len();

    let (mut books, mut orders) = (books(), HashMap::new());
    let (mut applied, mut equal, mut compared) = (0, 0, 0);
    for (at, row) in rows.iter().enumerate() {
        while applied < ends[at] {
            track(&mut orders, &records[applied]);
            books.apply(&records[applied]);
            applied += 1;
        }
        if row.time.0 < rows[0].time.0 + 60_000_000_000 {
            continue;
        }
        let top = books.top(InstrumentId(1));
        let numbers = |level: Level| format!("{},{}", level.price.0, level.qty);
        compared += 1;
        equal += u32::from(oracle[header + at].starts_with(&format!(
            "{},{}",
            numbers(top.ask),
            numbers(top.bid)
        )));
    }
    for record in &records[applied..] {
        books.apply(record);
    }
    let anomalies: Vec<_> = books.counters().each().filter(|(_, n)| *n > 0).collect();
    println!("{} rows compared; book counters {anomalies:?}", compared);
    f64::from(equal) / f64::from(compared)
}

/// The orders by a plain map: nothing is taken off that is not there.
fn track(orders: &mut HashMap<u64, u64>, record: &EventRecord) {
    match Kind::from_code(record.kind) {
        Some(Kind::Add) => assert!(orders.insert(record.order_ref, record.quantity).is_none()),
        Some(Kind::Deleted) => assert!(orders.remove(&record.order_ref).is_some()),
        Some(Kind::Executed | Kind::Canceled) => {
            let open = orders.get_mut(&record.order_ref).expect("the order is there");
            *open = open.checked_sub(record.quantity).expect("and has enough shares");
            if *open == 0 {
                orders.remove(&record.order_ref);
            }
        }
        _ => {}
    }
}

/// One hour of real orders, twice from the file and once through the ring: the same orders.
#[test]
fn a_replay_gives_the_same_orders_byte_for_byte() {
    let Some(csv) = recorded(MESSAGES) else { return };
    let place = Place::new();
    let (file, ring) = (place.file("AAPL.itch"), place.file("ring"));
    tercel_ok(&["convert", &csv, &file, "--symbol", "AAPL"]);
    let addresses = serde_json::json!({ "line_a": place.line_a, "line_b": place.line_b });
    let config = place.config(&addresses, &["AAPL"], &[]);
    let run = |input: &[&str], orders: &str| {
        let orders = place.file(orders);
        let all = [&["run", "--config", &config, "--json", "--orders", &orders], input].concat();
        let report: Value = serde_json::from_str(&tercel_ok(&all)).expect("JSON");
        assert!(count(&report, "accepted") > 1000, "{report}");
        assert_eq!(count(&report, "events"), 92_085);
        std::fs::read(orders).expect("orders")
    };
    let first = run(&["--replay", &file], "1.bin");
    assert!(run(&["--replay", &file], "2.bin") == first, "two replays differ");
    let feed = ["feed", "--config", &config, "--ring", &ring, "--file", &file, "--slots=131072"];
    tercel_ok(&feed);
    assert!(run(&["--ring", &ring, "--paper"], "3.bin") == first, "inline and ring differ");
}
