//! A real Prometheus scrapes a host, and its tools accept what they are given.

mod harness;

use harness::http::{control_of, get, request};
use harness::{Place, eventually};
use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const SYMBOLS: [&str; 4] = ["SIM000", "SIM001", "SIM002", "SIM003"];

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

#[test]
fn prometheus_scrapes_a_host_and_its_tools_accept_metrics_and_rules() {
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
    // The alerts are loaded, and none of those that page rings while all is well.
    let rules = get(free, "/api/v1/rules").to_string();
    assert!(rules.contains("TercelTripped"), "{rules}");
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
