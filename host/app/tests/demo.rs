//! The demo, as a user runs it: host and venue agree to the share and the cent.

mod harness;

use harness::http::get;
use harness::{TERCEL, count, eventually, tercel_ok};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

fn demo(arguments: &[&str]) -> Value {
    let mut all = vec!["demo", "--json", "--rate=4000", "--quoted=8"];
    all.extend(arguments);
    let output = tercel_ok(&all);
    let summary: Value = serde_json::from_str(output.trim()).expect("one JSON object");
    assert_eq!(summary["agree"], true, "{}", summary["differences"]);
    let host = &summary["host"];
    assert!(count(host, "accepted") > 50, "{host}");
    assert!(count(host, "fills_bought") > 0 && count(host, "fills_sold") > 0, "{host}");
    assert_eq!(host["open_orders"].as_array().map(Vec::len), Some(0));
    assert_eq!(host["stale"], false);
    assert_eq!(host["tripped"], "");
    assert_eq!(count(host, "gaps_opened"), count(host, "gaps_closed"));
    summary
}

// One test, so that the three do not take the cores from each other.
#[test]
fn host_and_venue_agree() {
    demo(&["--duration=10"]);

    let bad = ["--duration=10", "--loss=0.01", "--duplicate=0.01", "--reorder=0.01"];
    let summary = demo(&bad);
    assert!(count(&summary["host"], "gaps_opened") > 1, "{}", summary["host"]);
    assert!(count(&summary["host"], "recovered") > 0);
    assert!(count(&summary["venue"], "line_a_lost") > 0);

    let summary = demo(&["--duration=8", "--placement=ring", "--strategy=avellaneda-stoikov"]);
    assert!(count(&summary["host"], "ring_records") > 0);
    assert_eq!(count(&summary["host"], "ring_overruns"), 0);
}

/// A terminal sends the signal to all processes in the foreground.
#[test]
fn an_interrupt_ends_it_in_good_order() {
    let child = Command::new(TERCEL)
        .args(["demo", "--json", "--dashboard", "--quoted=4"])
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let group = format!("-{}", child.id());
    let mut child = child;
    let said = BufReader::new(child.stderr.take().expect("a pipe"));
    let address = said.lines().map_while(Result::ok).find(|line| line.starts_with("dashboard "));
    let address = address.expect("it serves");
    let address = address.trim_start_matches("dashboard http://").trim_end_matches('/');
    let control = address.parse().expect("an address");
    eventually("open orders", || get(control, "/api/v1/account")["open_orders"] != 0);
    let status = Command::new("kill").args(["-INT", "--", &group]).status();
    assert!(status.expect("kill(1)").success());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", output.status);
    let summary: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(summary["agree"], true, "{}", summary["differences"]);
    assert_eq!(summary["host"]["open_orders"], serde_json::json!([]));
}
