//! What is taken away from a host that trades: a symbol, an execution, several things at once, the
//! whole venue.

mod harness;

use harness::{Place, Process, count, holdings_of_host, holdings_of_venue, user_refs};
use serde_json::Value;

const SYMBOLS: [&str; 3] = ["SIM000", "SIM001", "SIM002"];

fn open_orders(report: &Value) -> usize {
    report["open_orders"].as_array().map_or(0, Vec::len)
}

fn fills(report: &Value) -> u64 {
    count(report, "fills_bought") + count(report, "fills_sold")
}

fn is_trading(report: &Value) -> bool {
    report["phase"] == "trading" && report["session"] == "ready" && report["stale"] == false
}

/// A venue and a host that has had some fills and has orders open.
fn trading(place: &Place, keys: &[(&str, &str)]) -> (Process, Process, String) {
    let (venue, addresses) = place.venue(&["--rate=4000", "--symbols=3"]);
    let config = place.config(&addresses, &SYMBOLS, keys);
    let mut host = place.host(&config, "orders.bin");
    host.until("fills and open orders", |report| fills(report) >= 3 && open_orders(report) > 0);
    (venue, host, config)
}

fn halt_all(venue: &mut Process, host: &mut Process) {
    for symbol in SYMBOLS {
        venue.tell(&format!("halt {symbol}"));
    }
    host.until("nothing open", |report| open_orders(report) == 0);
}

fn resume_all(venue: &mut Process, host: &mut Process) {
    for symbol in SYMBOLS {
        venue.tell(&format!("resume {symbol}"));
    }
    orders_again(host);
}

fn orders_again(host: &mut Process) {
    let accepted = count(&host.last, "accepted");
    host.until("orders again", |report| is_trading(report) && count(report, "accepted") > accepted);
}

fn agree_at_the_end(host: Process, mut venue: Process) -> Value {
    let report = host.stop_ok();
    assert_eq!(open_orders(&report), 0, "{report}");
    assert_eq!(count(&report, "gaps_opened"), count(&report, "gaps_closed"));
    assert_eq!(holdings_of_host(&report), holdings_of_venue(&venue.ask("report")));
    report
}

#[test]
fn nothing_is_entered_while_a_symbol_is_halted() {
    let place = Place::new();
    let (mut venue, mut host, _) = trading(&place, &[]);
    halt_all(&mut venue, &mut host);
    let (sent, heard) = (count(&host.last, "sent"), count(&host.last, "messages"));
    // Ten reports later nothing has been sent, though the feed has gone on.
    for _ in 0..10 {
        host.line();
    }
    assert_eq!(count(&host.last, "sent"), sent, "{}", host.last);
    assert_eq!(open_orders(&host.last), 0);
    assert!(count(&host.last, "messages") >= heard && is_trading(&host.last));
    resume_all(&mut venue, &mut host);
    let report = agree_at_the_end(host, venue);
    assert_eq!(count(&report, "venue_rejected"), 0, "{report}");
}

#[test]
fn a_broken_execution_of_the_host_goes_back_and_stays_back_after_a_restart() {
    let place = Place::new();
    let (mut venue, mut host, config) = trading(&place, &[]);
    halt_all(&mut venue, &mut host);
    let report = venue.ask("report");
    let before = holdings_of_venue(&report);
    assert_eq!(holdings_of_host(&host.last), before);
    // Match numbers count up from 1; all of one stock's flow lies between the host's own.
    let mut after = before.clone();
    for number in 1..=report["counters"]["executions"].as_u64().expect("a count") {
        venue.ask(&format!("bust {number}"));
        if number % 16 == 0 {
            after = holdings_of_venue(&venue.ask("report"));
        }
        if after["cash"] != before["cash"] {
            break;
        }
    }
    assert_ne!(after["cash"], before["cash"], "no execution was the host's");
    host.until("what the venue has", |report| holdings_of_host(report) == after);
    host.kill();

    let mut host = place.host(&config, "orders2.bin");
    let ready = host.until("a recovered session", |report| report["session"] == "ready");
    assert_eq!(holdings_of_host(&ready), after);
    resume_all(&mut venue, &mut host);
    agree_at_the_end(host, venue);
}

#[test]
fn lost_packets_no_retransmission_and_cut_sessions_at_once() {
    let place = Place::new();
    let (mut venue, mut host, _) = trading(&place, &[]);
    venue.tell("faults 0.2 0.05 0.05");
    venue.tell("retransmission stop");
    for _ in 0..3 {
        venue.tell("disconnect");
        host.until("a lost session", |report| report["session"] != "ready");
        host.until("a session again", |report| report["session"] == "ready");
    }
    assert!(count(&host.last, "gaps_opened") > 0);
    venue.tell("retransmission start");
    venue.tell("faults 0.01 0.01 0.01");
    orders_again(&mut host);
    venue.tell("faults 0 0 0");
    host.until("closed gaps", |report| {
        count(report, "gaps_opened") == count(report, "gaps_closed") && is_trading(report)
    });
    agree_at_the_end(host, venue);
    let sent = user_refs(&place.file("orders.bin"));
    assert!(sent.is_sorted_by(|a, b| a < b), "a user reference number was used again");
}

#[test]
fn a_host_whose_venue_is_gone_says_what_may_be_open() {
    let place = Place::new();
    let keys = [("stop_timeout_s", "1"), ("heartbeat_timeout_ms", "500")];
    let (venue, mut host, _) = trading(&place, &keys);
    venue.kill();
    host.until("silence", |report| report["stale"] == true && report["session"] != "ready");
    // It waits for the venue to come back, and sends nothing meanwhile.
    let sent = count(&host.last, "sent");
    for _ in 0..5 {
        host.line();
    }
    assert_eq!(count(&host.last, "sent"), sent);
    let left = open_orders(&host.last);
    host.signal("-TERM");
    let status = host.wait();
    let said = host.said();
    let (last, _) = host.stop();
    assert_eq!(last["closing"], true);
    if left > 0 {
        assert!(!status.success(), "{last}");
        assert!(said.contains(&format!("{left} orders may be open")), "{said}");
    }
}
