//! A host whose champion is challenged: it is told over its console or its control plane, and
//! watched through its report.
#![allow(dead_code, unreachable_pub)] // each test binary uses its part of it

use crate::harness::{PATIENCE, Place, Process, count};
use serde_json::Value;
use std::time::Instant;

/// Instruments of the venue, all of which the host quotes.
pub const SYMBOLS: [&str; 4] = ["SIM000", "SIM001", "SIM002", "SIM003"];

/// Venue, its addresses and a trading host whose champion quotes far from the market and whose
/// shadow orders earn a dollar a share: whoever trades more earns more, so that the test is decided
/// within seconds. `keys` are set besides.
pub fn start(place: &Place, keys: &[(&str, &str)]) -> (Process, Value, Process) {
    let (venue, addresses) = place.venue(&["--rate=4000", "--symbols=4"]);
    let mut all = vec![
        ("kind", "\"fixed-spread\""),
        ("half_spread_ticks", "40.0"),
        ("requote_ticks", "4"),
        ("mode", "\"automatic\""),
        ("interval_ms", "50"),
        ("intervals_min", "100"),
        ("alpha", "0.2"),
        ("fee_per_share_e6", "-1000000"),
        ("decision_p99_us", "1000000"),
    ];
    all.extend(keys);
    let config = place.config(&addresses, &SYMBOLS, &all);
    let orders = place.file("orders.bin");
    let mut arguments = vec!["run", "--config", &config, "--orders", &orders, "--console"];
    arguments.extend(["--status-ms", "100", "--json", "--set", "control.without_token=risk"]);
    let mut host = Process::start(&arguments, &place.folder.path().join("host.log"));
    host.until("trading", |report| report["phase"] == "trading" && count(report, "sent") > 4);
    (venue, addresses, host)
}

/// Writes a command and waits for what it leads to on standard error.
pub fn command(host: &mut Process, line: &str, said: &str) {
    host.write(line);
    hear(host, said);
}

/// Waits for a line on standard error, and returns it: what happened is in the report before the
/// operator's thread has said it.
pub fn hear(host: &mut Process, said: &str) -> String {
    let end = Instant::now() + PATIENCE;
    loop {
        let all = host.said();
        if let Some(line) = all.lines().find(|line| line.contains(said)) {
            return line.to_owned();
        }
        assert!(Instant::now() < end, "never said: \"{said}\"; said: {all}");
        host.line();
    }
}

/// Who trades.
pub fn champion(report: &Value) -> &str {
    report["promotion"]["champion"]["name"].as_str().unwrap_or_default()
}

/// Executions of the host's orders so far.
pub fn fills(report: &Value) -> u64 {
    count(report, "fills_bought") + count(report, "fills_sold")
}
