//! The control plane of a running host: what an operator asks is done at the venue, and what was
//! done is in the journal, also when the host is killed.

mod harness;

use harness::http::{change, control_of, get, request};
use harness::{Place, Process, eventually, holdings_of_venue};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tercel_control::recorder::reconcile::{Reconciliation, Reference, reconcile};
use tercel_journal::{Reader, Record, verify};
use tercel_proto::ouch::Outbound;
use tercel_proto::soup::{self, ClientPacket, LoginRequest, ServerPacket};

const SYMBOLS: [&str; 4] = ["SIM000", "SIM001", "SIM002", "SIM003"];

/// A configuration with a journal, and with a control plane that asks nobody for a token.
fn config(place: &Place, addresses: &Value) -> String {
    let path = place.config(addresses, &SYMBOLS, &[]);
    let mut text = std::fs::read_to_string(&path).expect("readable");
    write!(text, "\n[journal]\nfolder = \"journal\"\n").expect("text");
    write!(text, "\n[control]\nwithout_token = \"risk\"\n").expect("text");
    std::fs::write(&path, text).expect("writable");
    path
}

/// A venue, and a host that trades and can be asked.
fn operated(place: &Place) -> (Process, Process, SocketAddr) {
    let (venue, addresses) = place.venue(&["--rate=4000", "--symbols=4"]);
    let mut host = place.host(&config(place, &addresses), "orders.bin");
    host.until("fills and open orders", |report| {
        harness::count(report, "fills_bought") + harness::count(report, "fills_sold") >= 3
            && !report["open_orders"].as_array().expect("a list").is_empty()
    });
    let control = control_of(&host.said()).expect("it says where");
    (venue, host, control)
}

/// What a running host answers fits the document's schemas.
fn answers_are_as_documented(control: SocketAddr) {
    let document = get(control, "/openapi.json");
    for (path, schema) in [
        ("state", "State"),
        ("status", "Status"),
        ("account", "Account"),
        ("limits", "Limits"),
        ("feed", "Feed"),
        ("audit", "Page_Deed"),
        ("log-level", "LogLevel"),
        ("instruments/SIM000", "Instrument"),
        ("instruments/SIM001/book", "Book"),
    ] {
        let schema = json!({
            "$ref": format!("#/components/schemas/{schema}"),
            "components": document["components"],
        });
        let schema = jsonschema::validator_for(&schema).expect("a schema");
        let answer = get(control, &format!("/api/v1/{path}"));
        if let Err(error) = schema.validate(&answer) {
            panic!("{path}: {error}: {answer}");
        }
    }
}

#[test]
fn the_document_of_the_api_is_valid() {
    let python = match harness::python::python() {
        Ok(python) => python,
        Err(problem) => {
            println!("skipped: no openapi-spec-validator: {problem}");
            return;
        }
    };
    let place = Place::new();
    let file = place.file("openapi.json");
    std::fs::write(&file, harness::tercel_ok(&["control", "openapi"])).expect("writable");
    let validator = ["-m", "openapi_spec_validator", "--schema", "3.1", &file];
    let output = Command::new(python).args(validator).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
}

/// Schemathesis makes requests out of the document, right ones and wrong ones, in the role that may
/// do everything, and holds the answers against it: statuses, media types, schemas, headers.
#[test]
fn requests_made_out_of_the_document_are_answered_as_it_says() {
    let program = match harness::python::program("schemathesis") {
        Ok(program) => program,
        Err(problem) => {
            println!("skipped: no schemathesis: {problem}");
            return;
        }
    };
    let place = Place::new();
    let (_venue, host, control) = operated(&place);
    // 503 is how a host says that it is not ready, or cannot do a thing now.
    let expected = "checks.not_a_server_error.expected-statuses = [\"2xx\", \"4xx\", 503]\n";
    std::fs::write(place.file("schemathesis.toml"), expected).expect("writable");
    let output = Command::new(program)
        .args(["run", &format!("http://{control}/openapi.json"), "--seed=1", "--no-color"])
        // A stream has no end to wait for.
        .args(["--exclude-path=/api/v1/stream", "--max-examples=10", "--no-shrink"])
        // It uses a key of idempotency twice, and does not know that a name must be one that is
        // there.
        .arg("--exclude-checks=positive_data_acceptance")
        .current_dir(place.folder.path())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    println!("{}", said.lines().find(|line| line.contains("passed")).unwrap_or_default().trim());
    assert_eq!(request(control, "GET", "/live", None).0, 200);
    host.stop_ok();
    let verified = verify(&place.folder.path().join("journal"), None, |_, _| {}).expect("whole");
    assert!(verified.torn.is_none() && verified.records > 100, "{verified:?}");
}

fn records(folder: &Path) -> Vec<Record> {
    Reader::open(folder).expect("a journal").map(|record| record.expect("whole")).collect()
}

fn reconciled(folder: &Path) -> Reconciliation {
    let records = records(folder);
    reconcile(records.iter().map(|record| (record.kind, &record.payload[..])))
}

#[test]
fn the_kill_switch_leaves_nothing_open_at_the_venue_and_is_in_the_journal() {
    let place = Place::new();
    let (mut venue, host, control) = operated(&place);
    assert_eq!(request(control, "GET", "/live", None).0, 200);
    assert_eq!(request(control, "GET", "/ready", None).0, 200);
    let state = get(control, "/api/v1/state");
    assert_eq!(state["status"]["phase"], "trading", "{state}");
    assert_eq!(state["instruments"].as_array().map(Vec::len), Some(4), "{state}");
    let killed = change(control, "POST", "/api/v1/kill", &json!({ "reason": "a test" }));
    assert_eq!((&killed["outcome"], &killed["recorded"]), (&json!("done"), &json!(true)));
    eventually("nothing open", || get(control, "/api/v1/account")["open_orders"] == 0);
    let left = holdings_of_venue(&venue.ask("report"));
    assert_eq!(left["open"], json!([]), "open at the venue");
    assert_eq!(get(control, "/api/v1/status")["tripped"], "killed");
    assert_eq!(request(control, "GET", "/ready", None).0, 503);
    let (status, metrics) = request(control, "GET", "/metrics", None);
    assert!(status == 200 && metrics.contains("tercel_"), "{metrics}");
    let deeds = get(control, "/api/v1/audit");
    assert!(deeds["items"].to_string().contains("a test"), "{deeds}");
    answers_are_as_documented(control);
    let report = host.stop_ok();
    assert_eq!(report["tripped"], "killed");

    let folder = place.folder.path().join("journal");
    let verified = verify(&folder, None, |_, _| {}).expect("whole");
    assert!(verified.torn.is_none() && verified.records > 100, "{verified:?}");
    let told = records(&folder)
        .iter()
        .filter(|record| record.kind == tercel_control::recorder::KIND_DEED)
        .any(|record| String::from_utf8_lossy(&record.payload).contains("a test"));
    assert!(told, "the deed is not in the journal");
    let counts = reconciled(&folder).counts();
    assert_eq!((counts.unanswered, counts.not_journaled), (0, 0), "{counts:?}");
}

#[test]
fn limits_change_through_the_api_and_by_a_reload() {
    let place = Place::new();
    let (_venue, host, control) = operated(&place);
    let limits = get(control, "/api/v1/limits");
    let mut one = limits["instruments"]["SIM001"].clone();
    assert_eq!(one["restricted"], false, "{limits}");
    one["position_max"] = json!(0);
    let wrong = json!({ "limits": one, "reason": "a test" });
    let path = "/api/v1/limits/instruments/SIM001";
    let (status, problem) = request(control, "PUT", path, Some(&wrong));
    assert_eq!(status, 422, "{problem}");
    assert!(problem.contains("position_max"), "{problem}");
    one["position_max"] = json!(123);
    change(control, "PUT", path, &json!({ "limits": one, "reason": "a test" }));
    let now = get(control, "/api/v1/limits");
    assert_eq!(now["instruments"]["SIM001"]["position_max"], 123);

    let file = place.file("host.toml");
    let text = std::fs::read_to_string(&file).expect("readable");
    let text = text.replace("gross_max = 10000000", "gross_max = 9999999");
    std::fs::write(&file, text.replace("orders_max = 4096", "orders_max = 4095")).expect("written");
    host.signal("-HUP");
    eventually("the new limit", || {
        get(control, "/api/v1/limits")["account"]["gross_max_e4"] == 99_999_990_000_i64
    });
    eventually("what takes a restart", || host.said().contains("risk.orders_max: takes a restart"));
    assert!(host.said().contains("risk.account.gross_max: taken"), "{}", host.said());
    // A file that is wrong changes nothing.
    std::fs::write(&file, "[risk]\norders_max = 0\n").expect("written");
    host.signal("-HUP");
    eventually("the refusal", || host.said().contains("reload: nothing changed"));
    host.stop_ok();
}

/// Every order that the venue has had from us, as it says itself: its session from the first
/// message on.
fn orders_at_the_venue(address: &str) -> BTreeSet<Reference> {
    let mut stream = TcpStream::connect(address).expect("the venue listens");
    stream.set_read_timeout(Some(Duration::from_secs(1))).expect("a time-out");
    let login = LoginRequest::new(*b"TERCEL", *b"demo      ", soup::ANY_SESSION, 1);
    let mut packet = [0; 128];
    let len = ClientPacket::LoginRequest(&login).emit(&mut packet).expect("it fits");
    stream.write_all(&packet[..len]).expect("sent");
    let (mut bytes, mut chunk, mut quiet) = (Vec::new(), [0; 1 << 16], 0);
    while quiet < 2 {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
            Err(_) => quiet += 1,
        }
        // Heartbeats come once a second.
        quiet += usize::from(bytes.ends_with(&[0, 1, b'H']));
    }
    let (mut rest, mut orders, mut session) = (&bytes[..], BTreeSet::new(), [b' '; 10]);
    while let Ok(Some((packet, len))) = ServerPacket::parse(rest) {
        rest = &rest[len..];
        if let ServerPacket::LoginAccepted(accepted) = packet {
            session = accepted.session;
        }
        let ServerPacket::Sequenced(message) = packet else { continue };
        let user_ref = match Outbound::parse(message).expect("OUCH") {
            Outbound::OrderAccepted(m, _) => m.user_ref.get(),
            Outbound::OrderReplaced(m, _) => m.user_ref.get(),
            Outbound::OrderRejected(m, _) => m.user_ref.get(),
            _ => continue,
        };
        orders.insert(Reference { session, user_ref });
    }
    orders
}

/// How often the host is killed; `TERCEL_KILLS` says another number.
const KILLS: u32 = 8;

#[test]
fn a_host_that_is_killed_at_any_moment_misses_no_order_in_its_journal() {
    let kills = std::env::var("TERCEL_KILLS").ok().and_then(|text| text.parse().ok());
    let place = Place::new();
    let (venue, addresses) = place.venue(&["--rate=4000", "--symbols=4"]);
    let config = config(&place, &addresses);
    let folder = place.folder.path().join("journal");
    // Moments spread by a low-discrepancy sequence, so that few runs meet many of them.
    for run in 0..kills.unwrap_or(KILLS) {
        let mut host = place.host(&config, "orders.bin");
        host.until("orders", |report| harness::count(report, "sent") > 5);
        let part = (f64::from(run) * 0.618_033_988_749_895).fract();
        std::thread::sleep(Duration::from_micros((part * 400_000.0) as u64));
        host.kill();
        verify(&folder, None, |_, _| {}).expect("whole but for its end");
    }
    // One that ends in good order brings what the last left on its tape.
    let mut host = place.host(&config, "orders.bin");
    host.until("trading", |report| report["phase"] == "trading");
    host.stop_ok();

    let verified = verify(&folder, None, |_, _| {}).expect("whole");
    assert!(verified.torn.is_none());
    let venue_has = orders_at_the_venue(addresses["ouch"].as_str().expect("an address"));
    assert!(venue_has.len() > 20, "{}", venue_has.len());
    let reconciliation = reconciled(&folder);
    let missing: Vec<_> = venue_has.iter().filter(|one| !reconciliation.knows(**one)).collect();
    assert!(missing.is_empty(), "silently missing: {missing:?}");
    println!("{} orders at the venue; {:?}", venue_has.len(), reconciliation.counts());
    drop(venue);
}
