//! `tercel config`, and what comes above the file.

mod harness;

use harness::{Place, TERCEL, tercel, tercel_err, tercel_ok};
use serde_json::Value;
use std::process::{Command, Output};

/// The default configuration, with a text at its end, as a file.
fn file(place: &Place, name: &str, more: &str) -> String {
    let path = place.file(name);
    let text = tercel_ok(&["run", "--print-config"]) + more;
    std::fs::write(&path, text).expect("written");
    path
}

fn with_variables(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(TERCEL);
    command.args(arguments).envs(variables.iter().copied());
    command.output().expect("the binary starts")
}

/// The entry of a key in a list of JSON.
fn entry(list: &str, key: &str) -> Value {
    let list: Vec<Value> = serde_json::from_str(list).expect("JSON");
    list.into_iter().find(|one| one["key"] == key).unwrap_or_default()
}

#[test]
fn check_tells_all_problems_and_fails() {
    let place = Place::new();
    let right = file(&place, "right.toml", "");
    assert!(tercel_ok(&["config", "check", &right]).contains("nothing is wrong"));
    let wrong = file(&place, "wrong.toml", "[journal]\ntape_kib = 3\n[controll]\n");
    let output = tercel(&["config", "check", &wrong, "--set", "quote.order_qty=0"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    let parts = ["journal.folder", "journal.tape_kib", "`control`", "--set quote.order_qty", "4 "];
    for part in parts {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn show_says_where_each_value_comes_from() {
    let place = Place::new();
    let path = file(&place, "host.toml", "");
    let variables = [
        ("TERCEL__RISK__ACCOUNT__GROSS_MAX", "1000000"),
        ("TERCEL__INSTRUMENT__SIM001__RISK__POSITION_MAX", "200"),
        ("TERCEL__QUOTE__ORDER_QTY", "50"),
    ];
    let arguments = ["config", "show", &path, "--effective", "--set", "quote.order_qty=60"];
    let json: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let output = with_variables(&json, &variables);
    let shown = String::from_utf8(output.stdout).expect("UTF-8");
    let gross = entry(&shown, "risk.account.gross_max");
    assert_eq!(gross["value"], 1_000_000);
    assert_eq!(gross["from"]["variable"], "TERCEL__RISK__ACCOUNT__GROSS_MAX");
    assert_eq!(entry(&shown, "instrument[1].risk.position_max")["value"], 200);
    let own = entry(&shown, "instrument[0].risk.position_max");
    assert_eq!(
        (&own["value"], &own["from"]["as"]),
        (&5_000.into(), &"risk.instrument.position_max".into())
    );
    let qty = entry(&shown, "quote.order_qty");
    assert_eq!((&qty["value"], &qty["from"]["layer"]), (&60.into(), &"flag".into()));
    let qty = entry(&shown, "instrument[0].order_qty");
    assert_eq!((&qty["value"], &qty["from"]["as"]), (&60.into(), &"quote.order_qty".into()));
    assert_eq!(entry(&shown, "orders.password")["value"], "<hidden>");
    assert_eq!(entry(&shown, "host.sync_timeout_s")["from"]["layer"], "default");
    let text = String::from_utf8(with_variables(&arguments, &variables).stdout).expect("UTF-8");
    let line = text.lines().find(|line| line.starts_with("orders.firm")).expect("there");
    assert!(line.contains("\"TERC\"") && line.contains("host.toml:"), "{line}");
    assert!(!text.contains("\"demo\""), "{text}");
    let set_only = tercel_ok(&["config", "show", &path]);
    assert!(!set_only.contains("sync_timeout_s") && set_only.contains("quote.order_qty"));
}

#[test]
fn run_and_feed_take_overrides() {
    let place = Place::new();
    let path = file(&place, "host.toml", "");
    for command in [&["run", "--config"][..], &["feed", "--ring", "/nope/ring", "--config"]] {
        let flagged: Vec<&str> =
            command.iter().copied().chain([&path[..], "--set", "feed.lien_a=1"]).collect();
        let said = tercel_err(&flagged);
        assert!(said.contains("--set feed.lien_a") && said.contains("`feed.line_a`"), "{said}");
        let plain: Vec<&str> = command.iter().copied().chain([&path[..]]).collect();
        let output = with_variables(&plain, &[("TERCEL__FEED__START", "soon")]);
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(!output.status.success() && said.contains("TERCEL__FEED__START"), "{said}");
    }
}

#[test]
fn diff_says_what_a_running_host_takes() {
    let place = Place::new();
    let old = file(&place, "old.toml", "");
    let new = place.file("new.toml");
    let text = std::fs::read_to_string(&old).expect("read");
    let text = text
        .replacen("net_max = 5000000", "net_max = 1", 1)
        .replacen("\npassword = \"demo\"", "\npassword = \"hunter2\"", 1)
        .replacen("[quote]\norder_qty = 100 ", "[quote]\norder_qty = 99 ", 1);
    std::fs::write(&new, text).expect("written");
    let shown = tercel_ok(&["config", "diff", &old, &new]);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 3, "{shown}");
    assert!(lines.contains(&"risk.account.net_max: 5000000 -> 1, at once"), "{shown}");
    assert!(lines.contains(&"quote.order_qty: 100 -> 99, at the next start"), "{shown}");
    assert!(shown.contains("orders.password: \"<hidden>\" -> \"<hidden>\""), "{shown}");
    let json = tercel_ok(&["config", "diff", &old, &new, "--json"]);
    assert_eq!(entry(&json, "risk.account.net_max")["takes"], "now");
    assert!(tercel_ok(&["config", "diff", &old, &old]).contains("nothing changes"));
}

#[test]
fn schema_prints_json_and_help_teaches() {
    let schema: Value = serde_json::from_str(&tercel_ok(&["config", "schema"])).expect("JSON");
    assert_eq!(schema["properties"]["quote"]["properties"]["order_qty"]["minimum"], 1);
    let help = tercel_ok(&["config", "--help"]);
    assert!(help.contains("Examples:") && help.contains("TERCEL__RISK__ACCOUNT__GROSS_MAX"));
    assert!(tercel_ok(&["config", "diff", "--help"]).contains("[risk.account]"));
}
