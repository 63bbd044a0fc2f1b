//! A real Prometheus scrapes a host, and its tools accept what they are given.

mod harness;

use harness::http::{control_of, get, request};
use harness::{Place, eventually};
use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const SYMBOLS: [&str; 4] = ["SIM000", "SIM001", "SIM002", "SIM003"];

/// Who has no answer while all is well.
const QUIET: [&str; 11] = [
    "TercelDown",
    "TercelTripped",
    "TercelSilent",
    "TercelBooksStale",
    "TercelSessionNotReady",
    "TercelHeldUp",
    "TercelJournalTrouble",
    "TercelEntriesLost",
    "TercelLimitNearlyUsed",
    "TercelVenueRejects",
    "Venues: refusals a second, by code",
];
/// Who has one where the machine is slow, so that books become stale, or knows its clock's error.
const EITHER: [&str; 4] =
    ["TercelSlow", "Refused by risk, a second", "TercelClock", "Clock, largest error"];

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn deployed(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../control/deploy").join(name);
    std::fs::read_to_string(file).expect("readable")
}

fn promtool(arguments: &[&str], input: &str) -> String {
    use std::io::Write;
    let mut child = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
    said
}

/// The values of a query, if there are any.
fn query(prometheus: SocketAddr, query: &str) -> Vec<Value> {
    let escaped: String = query
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    let answer = get(prometheus, &format!("/api/v1/query?query={escaped}"));
    answer["data"]["result"].as_array().cloned().unwrap_or_default()
}

/// An expression of the rules or of the dashboard.
struct Asked {
    /// The alert, or the panel.
    by: String,
    expression: String,
    /// How the panel names a series, with labels in braces.
    legend: String,
}

/// Every expression that rules and dashboard ask Prometheus for.
fn asked(prometheus: SocketAddr) -> Vec<Asked> {
    let text = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_string();
    let rules = get(prometheus, "/api/v1/rules");
    let dashboard: Value = serde_json::from_str(&deployed("grafana.json")).expect("JSON");
    let mut all = Vec::new();
    let groups = rules["data"]["groups"].as_array().expect("groups");
    for rule in groups.iter().flat_map(|group| group["rules"].as_array().expect("rules")) {
        let expression = text(rule, "query");
        all.push(Asked { by: text(rule, "name"), expression, legend: String::new() });
    }
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().expect("targets") {
            // As Grafana fills them in: every host, and at least four scrapes.
            let expression = text(target, "expr").replace("$host", ".*");
            let expression = expression.replace("$__rate_interval", "4s");
            let legend = text(target, "legendFormat");
            all.push(Asked { by: text(panel, "title"), expression, legend });
        }
    }
    all
}

/// None of them is an error, and those have no answer that should have none.
fn answers_what_rules_and_dashboard_ask(prometheus: SocketAddr) {
    let all = asked(prometheus);
    for name in QUIET.iter().chain(&EITHER) {
        assert!(all.iter().any(|one| one.by == *name), "nobody is named {name}");
    }
    for Asked { by, expression, legend } in &all {
        assert!(!expression.is_empty() && !expression.contains('$'), "{by}: {expression}");
        if EITHER.contains(&by.as_str()) {
            query(prometheus, expression);
        } else {
            let quiet = QUIET.contains(&by.as_str());
            eventually(
                &format!("{by}: {} answer to {expression}", if quiet { "no" } else { "an" }),
                || query(prometheus, expression).is_empty() == quiet,
            );
        }
        for series in query(prometheus, expression) {
            for label in legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
                assert!(series["metric"][label].is_string(), "{by}: no {label} in {series}");
            }
        }
    }
}

#[test]
fn prometheus_scrapes_a_host_and_answers_all_that_rules_and_dashboard_ask() {
    let there = Command::new("promtool").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !there {
        println!("skipped: no prometheus and promtool");
        return;
    }
    let place = Place::new();
    let (_venue, addresses) = place.venue(&["--rate=4000", "--symbols=4"]);
    let config = place.config(&addresses, &SYMBOLS, &[]);
    let text = std::fs::read_to_string(&config).expect("readable");
    let more = "\n[journal]\nfolder = \"journal\"\n\n[control]\nwithout_token = \"viewer\"\n";
    std::fs::write(&config, text + more).expect("writable");
    let mut host = place.host(&config, "orders.bin");
    host.until("fills", |report| harness::count(report, "fills_bought") > 0);
    let control = control_of(&host.said()).expect("it says where");

    let (status, metrics) = request(control, "GET", "/metrics", None);
    assert_eq!(status, 200);
    let said = promtool(&["check", "metrics"], &metrics);
    assert_eq!(said.trim(), "", "promtool has something to say of the metrics");

    std::fs::write(place.file("alerts.yml"), deployed("alerts.yml")).expect("written");
    promtool(&["check", "rules", &place.file("alerts.yml")], "");
    let scraping = deployed("prometheus.yml").replace("127.0.0.1:9600", &control.to_string());
    std::fs::write(place.file("prometheus.yml"), scraping).expect("written");
    promtool(&["check", "config", &place.file("prometheus.yml")], "");

    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let log = std::fs::File::create(place.file("prometheus.log")).expect("a log");
    let server = Command::new("prometheus")
        .arg(format!("--config.file={}", place.file("prometheus.yml")))
        .arg(format!("--storage.tsdb.path={}", place.file("series")))
        .arg(format!("--web.listen-address={free}"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("prometheus starts");
    let server = Server(server);
    let is_up = || {
        std::net::TcpStream::connect(free).is_ok()
            && request(free, "GET", "/-/ready", None).0 == 200
    };
    eventually("Prometheus", is_up);
    eventually("a scrape", || !query(free, "up{job=\"tercel\"} == 1").is_empty());
    for (wanted, series) in [
        ("tercel_build_info", 1),
        ("tercel_phase{phase=\"trading\"} == 1", 1),
        ("tercel_events_total > 0", 1),
        ("tercel_intents_total{fate=\"sent\"} > 0", 1),
        ("tercel_executions_total > 0", 1),
        ("tercel_position_shares", SYMBOLS.len()),
        ("tercel_limit_use_ratio", 4),
        ("tercel_journal_records_total > 0", 1),
        ("histogram_quantile(0.5, rate(tercel_stage_latency_seconds_bucket[30s])) > 0", 4),
        ("rate(tercel_events_total[30s]) > 0", 1),
        ("process_resident_memory_bytes > 0", 1),
    ] {
        eventually(wanted, || query(free, wanted).len() >= series);
    }
    answers_what_rules_and_dashboard_ask(free);
    // None of the alerts that page rings while all is well.
    assert!(query(free, "ALERTS{alertstate=\"firing\", severity=\"page\"}").is_empty());
    drop(server);
    host.stop_ok();
}

#[test]
fn every_metric_of_the_rules_and_dashboards_is_documented() {
    let known = Path::new(env!("CARGO_MANIFEST_DIR")).join("../control/METRICS.md");
    let known = std::fs::read_to_string(known).expect("readable");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../control/deploy");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).expect("a folder") {
        let path = file.expect("an entry").path();
        let wanted = path.extension().is_some_and(|end| end == "yml" || end == "json");
        if !wanted {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("readable");
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if !word.starts_with("tercel_") {
                continue;
            }
            let name = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| word.strip_suffix(end))
                .unwrap_or(word);
            seen += 1;
            assert!(known.contains(&format!("`{name}`")), "{}: {word}", path.display());
        }
    }
    assert!(seen > 10, "{seen}");
}
