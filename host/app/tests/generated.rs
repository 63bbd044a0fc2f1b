//! A day that a venue makes up, as a file: repeatable orders, captures of two bad lines, and what
//! the commands over files say of it.

mod harness;

use harness::{Place, count, tercel_ok};
use serde_json::Value;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::{Command, Stdio};
use tercel_book::{Books, Effect, Limits};
use tercel_exchange::flow::{FlowConfig, SymbolFlow};
use tercel_exchange::venue::SymbolConfig;
use tercel_exchange::{Venue, VenueConfig};
use tercel_net::pcap::PcapWriter;
use tercel_proto::{binary_file, frame, itch, itch_record, mold};
use tercel_types::{Frame, InstrumentId, Nanos, Price, SeqNo, Side, Symbol, VenueId};

const NAMES: [&str; 4] = ["SIM000", "SIM001", "SIM002", "SIM003"];
/// Half past nine on the day that the venue makes up.
const OPEN: u64 = 34_200_000_000_000;

/// A few seconds of background flow as ITCH messages.
fn day(seconds: u64) -> Vec<Vec<u8>> {
    let symbol =
        |name: &str| SymbolConfig::new(Symbol::new(name).expect("a symbol"), Price(500_000));
    let mut config = VenueConfig::new(NAMES.map(symbol).to_vec());
    let flows = (0..NAMES.len())
        .map(|at| SymbolFlow::new(VenueConfig::instrument(at), Price(500_000)))
        .collect();
    config.flow = Some(FlowConfig { rate: 4_000.0, ..FlowConfig::new(11, flows) });
    config.publisher.retransmission = None;
    config.publisher.glimpse = None;
    let mut venue = Venue::bind(config).expect("a venue");
    for step in 0..seconds * 100 {
        venue.step(Nanos(OPEN + step * 10_000_000));
    }
    let last = venue.publisher().next_seq().0;
    let message = |seq| venue.publisher().message(SeqNo(seq)).expect("published").to_vec();
    (1..last).map(message).collect()
}

fn write_itch(path: &str, messages: &[Vec<u8>]) {
    let mut bytes = Vec::new();
    for message in messages {
        assert!(binary_file::write(&mut bytes, message));
    }
    std::fs::write(path, bytes).expect("written");
}

/// Packets by which line B is behind line A.
const LAG: usize = 2;

/// A capture of two lines of which each lacks and repeats packets, and puts some in the wrong
/// order, but never the same ones.
fn write_capture(path: &str, place: &Place, messages: &[Vec<u8>]) {
    let file = std::fs::File::create(path).expect("a file");
    let mut capture = PcapWriter::new(std::io::BufWriter::new(file)).expect("a capture");
    let lines: [SocketAddrV4; 2] =
        [&place.line_a, &place.line_b].map(|line| line.parse().expect("an address"));
    let packets: Vec<&[Vec<u8>]> = messages.chunks(5).collect();
    let mut late = [const { None }; 2];
    for number in 0..packets.len() + LAG {
        for (at, line) in lines.iter().enumerate() {
            let Some(number) = number.checked_sub(LAG * at) else { continue };
            let Some(chunk) = packets.get(number) else { continue };
            let received = itch::parse(&chunk[0]).expect("a message").header().time();
            let bytes = packet(*line, SeqNo(1 + 5 * number as u64), chunk);
            let mut send =
                |bytes: &[u8]| capture.write(Frame { bytes, received }).expect("written");
            match (number + 7 * at) % 20 {
                0 if number > 0 => {}
                3 => (0..2).for_each(|_| send(&bytes)),
                9 => late[at] = Some(bytes),
                _ => {
                    send(&bytes);
                    if let Some(late) = late[at].take() {
                        send(&late);
                    }
                }
            }
        }
    }
    capture.flush().expect("written");
}

fn packet(line: SocketAddrV4, seq: SeqNo, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut buf = vec![0; 1500];
    let mut builder = mold::PacketBuilder::new(&mut buf[frame::UDP_HEADERS..], *b"TERCEL0001", seq);
    for message in messages {
        assert!(builder.push(message));
    }
    let len = builder.finish();
    let from = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 4000);
    let len = frame::emit_udp(&mut buf, from, line, len).expect("it fits");
    buf.truncate(len);
    buf
}

#[test]
fn the_same_input_gives_the_same_orders() {
    let place = Place::new();
    let (file, capture, ring) =
        (place.file("day.itch"), place.file("day.pcap"), place.file("ring"));
    let messages = day(4);
    write_itch(&file, &messages);
    write_capture(&capture, &place, &messages);
    let addresses = serde_json::json!({ "line_a": place.line_a, "line_b": place.line_b });
    let config = place.config(&addresses, &NAMES, &[]);
    let run = |input: &[&str], name: &str| {
        let orders = place.file(name);
        let all = [&["run", "--config", &config, "--json", "--orders", &orders], input].concat();
        let report: Value = serde_json::from_str(&tercel_ok(&all)).expect("JSON");
        assert!(count(&report, "accepted") > 20, "{report}");
        assert_eq!(report["open_orders"].as_array().map(Vec::len), Some(0));
        (std::fs::read(&orders).expect("orders"), report)
    };
    let (first, report) = run(&["--replay", &file], "1.bin");
    assert_eq!(count(&report, "events"), messages.len() as u64);
    assert!(run(&["--replay", &file], "2.bin").0 == first, "two replays differ");
    let feed = ["feed", "--config", &config, "--ring", &ring, "--slots=65536", "--file", &file];
    tercel_ok(&feed);
    assert!(run(&["--ring", &ring, "--paper"], "3.bin").0 == first, "inline and ring differ");

    // Through the decoder, with gaps: the same twice, and through the ring.
    let (gaps, report) = run(&["--replay", &capture], "4.bin");
    assert!(count(&report, "gaps_opened") > 10, "{report}");
    assert_eq!(count(&report, "gaps_opened"), count(&report, "gaps_closed"));
    assert_eq!(count(&report, "messages"), messages.len() as u64);
    assert!(run(&["--replay", &capture], "5.bin").0 == gaps, "two replays of a capture differ");
    let feed = ["feed", "--config", &config, "--ring", &ring, "--slots=65536", "--file", &capture];
    tercel_ok(&feed);
    assert!(run(&["--ring", &ring, "--paper"], "6.bin").0 == gaps, "inline and ring differ");
}

/// A network decides like any strategy, if its manifest says that it was trained.
#[test]
fn a_network_is_loaded_and_an_untrained_one_is_refused() {
    let place = Place::new();
    let file = place.file("day.itch");
    write_itch(&file, &day(2));
    let addresses = serde_json::json!({ "line_a": place.line_a, "line_b": place.line_b });
    let (weights, manifest) = (place.file("policy.safetensors"), place.file("policy.json"));
    let encoded = tercel_policy::Artifact::untrained(&[16, 16], 3).expect("a network").encode();
    std::fs::write(&weights, &encoded.weights).expect("written");
    let config = place.config(&addresses, &NAMES, &[("kind", "\"mlp\"")]);
    let text = std::fs::read_to_string(&config).expect("read");
    let table = format!(
        "[strategy.mlp]\nweights = \"{weights}\"\nmanifest = \"{manifest}\"\n\
         offset_min_ticks = 0.0\noffset_max_ticks = 20.0\n\n[quote]"
    );
    std::fs::write(&config, text.replace("[quote]", &table)).expect("written");
    let run = ["run", "--config", &config, "--replay", &file, "--json"];

    std::fs::write(&manifest, &encoded.manifest).expect("written");
    let said = harness::tercel_err(&run);
    assert!(said.contains("strategy.mlp.weights") && said.contains("trained"), "{said}");

    let manifest_text = String::from_utf8(encoded.manifest.into()).expect("JSON");
    let trained = manifest_text.replace("\"trained\": false", "\"trained\": true");
    std::fs::write(&manifest, trained).expect("written");
    let report: Value = serde_json::from_str(&tercel_ok(&run)).expect("JSON");
    assert!(count(&report, "accepted") > 10, "{report}");
}

fn books() -> Books {
    let limits = Limits { instruments_max: 16, orders_max: 1 << 16, ..Limits::default() };
    Books::new(&limits).expect("books")
}

#[test]
fn the_book_command_shows_what_the_books_hold() {
    let place = Place::new();
    let (file, zipped) = (place.file("day.itch"), place.file("day.itch.gz"));
    let messages = day(2);
    write_itch(&file, &messages);
    let out = std::fs::File::create(&zipped).expect("a file");
    let mut gzip = flate2::write::GzEncoder::new(out, flate2::Compression::fast());
    gzip.write_all(&std::fs::read(&file).expect("read")).expect("written");
    gzip.finish().expect("written");

    let (mut books, id) = (books(), InstrumentId(2));
    let mut touches = Vec::new();
    for message in &messages {
        let message = itch::parse(message).expect("a message");
        let change = books.apply(&itch_record::to_record(&message, VenueId(0), Nanos(0)));
        if change.instrument == id && change.effect != Effect::None {
            let top = books.top(id);
            touches.push((top.bid.price.0, top.bid.qty, top.ask.price.0, top.ask.qty));
        }
    }
    let every = ["book", &file, "--symbol=SIM001", "--every", "--format=json", "--depth=3"];
    let every = tercel_ok(&every);
    let lines: Vec<Value> =
        every.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), touches.len());
    for (line, touch) in lines.iter().zip(&touches) {
        let level = |side: &str| {
            let best = &line[side][0];
            (best["price_e4"].as_i64().unwrap_or(0), best["qty"].as_u64().unwrap_or(0))
        };
        let ((bid, bid_qty), (ask, ask_qty)) = (level("bids"), level("asks"));
        assert_eq!(*touch, (bid, bid_qty, ask, ask_qty));
    }
    // At the end, from the file, from the zipped file, and as a table.
    let end = |input: &str| tercel_ok(&["book", input, "--symbol=SIM001", "--format=csv"]);
    assert_eq!(end(&file), end(&zipped));
    let depth = books.depth(id, Side::Buy).take(10).count();
    let row = end(&file).lines().nth(1).expect("a row").to_string();
    let prices = row.split(',').skip(1).take(30).step_by(3).filter(|price| !price.is_empty());
    assert_eq!(prices.count(), depth);
    let table = tercel_ok(&["book", &file, "--symbol=SIM001", "--at=09:30:01"]);
    assert!(table.starts_with("SIM001  09:30:01.000000000  Trading"), "{table}");
}

#[test]
fn stats_and_decode_agree_and_a_closed_pipe_is_no_error() {
    let place = Place::new();
    let (file, capture) = (place.file("day.itch"), place.file("day.pcap"));
    let messages = day(1);
    write_itch(&file, &messages);
    write_capture(&capture, &place, &messages);
    let stats: Value = serde_json::from_str(&tercel_ok(&["stats", "--json", &file])).expect("JSON");
    let total: u64 =
        stats["itch"].as_object().expect("counts").values().filter_map(Value::as_u64).sum();
    assert_eq!(total, messages.len() as u64);
    let decoded = tercel_ok(&["decode", &file]);
    assert_eq!(decoded.lines().count(), messages.len());
    let first: Value = serde_json::from_str(decoded.lines().next().expect("one")).expect("JSON");
    assert_eq!(first["type"], "S");
    let seen: Value = serde_json::from_str(
        tercel_ok(&["decode", &capture, "--limit=1"]).lines().next().expect("one"),
    )
    .expect("JSON");
    assert_eq!(seen["seq"], 1);

    let mut child = Command::new(harness::TERCEL)
        .args(["decode", &file])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
