//! Whatever is wrong is said in one line that names it, and ends with a failure.

mod harness;

use harness::{Place, TERCEL, tercel, tercel_err, tercel_ok};
use std::net::TcpListener;
use std::process::{Command, Stdio};

/// The default configuration with one text replaced, as a file.
fn config(place: &Place, from: &str, to: &str) -> String {
    let default = tercel_ok(&["run", "--print-config"]);
    assert!(default.contains(from), "{from:?} is not in the default configuration");
    let path = place.file("wrong.toml");
    std::fs::write(&path, default.replacen(from, to, 1)).expect("written");
    path
}

/// What `run` says of a configuration.
fn complaint(from: &str, to: &str) -> String {
    let place = Place::new();
    tercel_err(&["run", "--config", &config(&place, from, to)])
}

#[test]
fn a_wrong_configuration_names_file_line_key_value_and_what_is_allowed() {
    let cases: [(&str, &str, &[&str]); 16] = [
        ("[orders]", "[orders", &["wrong.toml:"]),
        ("order_qty = 100 ", "order_qyt = 100 ", &["`quote.order_qyt`", "order_qyt", "order_qty"]),
        ("order_qty = 100 ", "order_qty = \"x\" ", &["`quote.order_qty` is \"x\"", "u32"]),
        ("order_qty = 100 ", "order_qty = 0 ", &["`quote.order_qty` is 0", "1 to 1000000"]),
        ("gamma = 0.1 ", "gamma = -1.0 ", &["gamma` is", "0.000001 to 1000000"]),
        ("\"glft\" ", "\"magic\" ", &["`strategy.kind`", "magic", "fixed-spread"]),
        ("\"glft\" ", "\"mlp\" ", &["`strategy.kind`", "[strategy.mlp]"]),
        ("interface = \"127.0.0.1\"", "interface = \"lo\"", &["`feed.interface` is \"lo\""]),
        ("\"239.192.77.1:31001\"", "\"10.0.0.1:1\"", &["`feed.line_a`", "multicast"]),
        ("\"239.192.77.2:31002\"", "\"239.192.77.1:31001\"", &["`feed.line_b`", "line_a"]),
        ("collar_bps = 300", "collar_bps = 20000", &["collar_bps` is 20000", "1 to 10,000"]),
        ("drawdown_max = 75000", "drawdown_max = 0", &["drawdown_max` is 0", "above zero"]),
        ("username = \"TERCEL\"  ", "username = \"TOOLONG\" ", &["`orders.username`", "at most 6"]),
        ("\"SIM000\"", "\"SIM 0\"", &["symbol` is \"SIM 0\"", "1 to 8"]),
        ("\"SIM001\"", "\"SIM000\"", &["SIM000", "twice"]),
        ("rate_burst = 1000 ", "rate_burst = 0 ", &["`risk.venue.rate_burst` is 0", "above zero"]),
    ];
    for (from, to, wanted) in cases {
        let line = complaint(from, to);
        assert!(line.contains("wrong.toml:"), "{to}: {line}");
        for part in wanted {
            assert!(line.contains(part), "{to}: no {part:?} in {line}");
        }
    }
}

#[test]
fn the_line_of_a_wrong_value_is_named() {
    let place = Place::new();
    let path = config(&place, "order_qty = 100 ", "order_qty = 0 ");
    let text = std::fs::read_to_string(&path).expect("read");
    let line = text.lines().position(|line| line.starts_with("order_qty = 0")).expect("there") + 1;
    let said = tercel_err(&["run", "--config", &path]);
    assert!(said.contains(&format!("wrong.toml:{line}:")), "{said}");
}

#[test]
fn files_that_are_missing_or_something_else() {
    let place = Place::new();
    let (missing, garbage) = (place.file("missing"), place.file("garbage"));
    std::fs::write(&garbage, [0xa5; 4096]).expect("written");
    let config = config(&place, "[feed]", "[feed]");
    for file in [&missing, &garbage] {
        for command in [
            vec!["run", "--config", file],
            vec!["run", "--config", &config, "--replay", file],
            vec!["run", "--config", &config, "--paper", "--ring", file],
            vec!["feed", "--config", &config, "--ring", "/dev/null/ring"],
            vec!["stats", file],
            vec!["decode", file],
            vec!["book", file, "--symbol", "A"],
            vec!["book", "--ring", file, "--symbol", "A"],
            vec!["replay", file],
            vec!["exchange", "--replay", file],
            vec!["convert", file, "/dev/null", "--symbol", "A"],
        ] {
            let said = tercel_err(&command);
            let named = ["missing", "garbage", "ring"].iter().any(|name| said.contains(name));
            assert!(named, "{command:?}: {said}");
        }
    }
}

/// An ITCH file with one message: the start of messages.
fn small_file(place: &Place) -> String {
    let path = place.file("small.itch");
    let mut bytes = vec![0, 12, b'S', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.push(b'O');
    std::fs::write(&path, bytes).expect("written");
    path
}

#[test]
fn arguments_that_cannot_be_meant() {
    let place = Place::new();
    let file = small_file(&place);
    let config = config(&place, "[feed]", "[feed]");
    let ring = place.file("ring");
    let said = tercel_err(&["book", &file, "--symbol", "A", "--at", "25:00"]);
    assert!(said.contains("--at") && said.contains("25:00"), "{said}");
    let said = tercel_err(&["book", &file, "--symbol", "A"]);
    assert!(said.contains("directory"), "{said}");
    let feed = ["feed", "--config", &config, "--ring", &ring, "--file", &file, "--slots", "3"];
    assert!(tercel_err(&feed).contains('3'));
    let said = tercel_err(&["exchange", "--account", "nopassword"]);
    assert!(said.contains("nopassword") && said.contains("NAME:PASSWORD"), "{said}");
}

#[test]
fn a_ring_of_another_layout_is_refused() {
    let place = Place::new();
    let (file, ring) = (small_file(&place), place.file("ring"));
    let config = config(&place, "[feed]", "[feed]");
    tercel_ok(&["feed", "--config", &config, "--ring", &ring, "--file", &file, "--slots", "16"]);
    let mut bytes = std::fs::read(&ring).expect("a ring");
    bytes[0x10] ^= 1;
    std::fs::write(&ring, bytes).expect("written");
    let said = tercel_err(&["run", "--config", &config, "--ring", &ring, "--paper"]);
    assert!(said.contains("layout"), "{said}");
}

#[test]
fn addresses_in_use_and_venues_that_are_not_there() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let (a, b) = (format!("--line-a={}", place.line_a), format!("--line-b={}", place.line_b));
    let ouch = format!("--ouch={address}");
    let said =
        tercel_err(&["exchange", &a, &b, &ouch, "--recovery=127.0.0.1:0", "--glimpse=127.0.0.1:0"]);
    assert!(said.contains(&address), "{said}");
    // Nobody sends on these lines.
    let addresses = serde_json::json!({ "line_a": place.line_a, "line_b": place.line_b });
    let config = place.config(&addresses, &["SIM000"], &[("sync_timeout_s", "1")]);
    let said = tercel_err(&["run", "--config", &config]);
    assert!(said.contains("no market data") && said.contains("127.0.0.1:9"), "{said}");
}

#[test]
fn what_a_venue_refuses() {
    let place = Place::new();
    let (_venue, addresses) = place.venue(&["--symbols=2"]);
    let wrong = place.config(&addresses, &["SIM000"], &[("password", "\"wrong\"")]);
    let said = tercel_err(&["run", "--config", &wrong]);
    assert!(said.contains("TERCEL") && said.contains("refuse"), "{said}");
    let config = place.config(&addresses, &["SIM000", "NOSUCH"], &[("sync_timeout_s", "2")]);
    let said = tercel_err(&["run", "--config", &config]);
    assert!(said.contains("NOSUCH") && said.contains("directory"), "{said}");
    // One page of counters has one writer.
    let page = place.file("counters");
    let quoted = format!("\"{page}\"");
    let config = place.config(&addresses, &["SIM000"], &[("counters", &quoted)]);
    let mut host = place.host(&config, "orders.bin");
    host.until("a session", |report| report["session"] == "ready");
    let shown = tercel_ok(&["stats", &page, "--json"]);
    assert!(shown.contains("\"events\"") && shown.contains("tick_to_trade"), "{shown}");
    let said = tercel_err(&["run", "--config", &config]);
    assert!(said.contains("counters"), "{said}");
    host.stop_ok();
}

#[test]
fn a_cause_is_told_once() {
    let place = Place::new();
    let (file, garbage) = (small_file(&place), place.file("garbage"));
    std::fs::write(&garbage, [0xa5; 4096]).expect("written");
    let config = config(&place, "[feed]", "[feed]");
    let cases: [(&[&str], &str); 5] = [
        (&["feed", "--config", &config, "--ring", "/nope/r", "--file", &file], "No such file"),
        (&["run", "--config", &config, "--ring", &garbage, "--paper"], "garbage"),
        (&["run", "--config", &config, "--replay", &file, "--orders", "/nope/o"], "/nope/o"),
        (&["exchange", "--interface=192.0.2.1", "--ouch=127.0.0.1:0"], "cannot open"),
        (&["convert", &file, "/nope/o", "--symbol", "A"], "not six fields"),
    ];
    for (command, once) in cases {
        let said = tercel(command);
        let said = String::from_utf8(said.stderr).expect("UTF-8");
        assert_eq!(said.lines().count(), 1, "{command:?}: {said}");
        assert_eq!(said.matches(once).count(), 1, "{command:?}: {said}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error_and_a_full_disk_is() {
    let place = Place::new();
    let file = small_file(&place);
    let run = |command: &[&str], out: Stdio| {
        let mut process = Command::new(TERCEL);
        process.args(command).stdout(out).stderr(Stdio::piped());
        process.output().expect("the binary starts")
    };
    for command in [&["run", "--print-config"][..], &["stats", &file], &["decode", &file]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = run(command, writer.into());
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(output.status.success() && said.is_empty(), "{command:?}: {said}");
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let output = run(command, full.into());
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(!output.status.success(), "{command:?}");
        assert_eq!(said.lines().count(), 1, "{command:?}: {said}");
        assert!(said.contains("standard output"), "{command:?}: {said}");
    }
}

#[test]
fn help_teaches() {
    for command in
        ["demo", "run", "feed", "exchange", "replay", "book", "stats", "decode", "convert"]
    {
        let help = tercel_ok(&[command, "--help"]);
        assert!(
            help.contains("Examples:") && help.contains(&format!("tercel {command}")),
            "{help}"
        );
    }
}
