//! The demo, as a user runs it: host and venue agree to the share and the cent.

mod harness;

use harness::{count, tercel_ok};
use serde_json::Value;

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
