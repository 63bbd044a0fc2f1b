//! `tercel facts` with the real binary.

mod harness;

use harness::{recorded, tercel_err, tercel_ok};
use serde_json::Value;

fn report(arguments: &[&str]) -> Value {
    let all = [&["facts", "--json"], arguments].concat();
    serde_json::from_str(&tercel_ok(&all)).expect("JSON")
}

/// Each fact is a number, and within what it can be.
fn sound(market: &Value) {
    let facts = &market["facts"];
    assert!(facts["ticks"].as_u64() > Some(500), "{market}");
    assert!(facts["trades"].as_u64() > Some(20), "{market}");
    for name in ["spread", "depth", "gaps"] {
        let percentiles = facts[name]["percentiles"].as_array().expect("percentiles");
        let numbers = percentiles.iter().map(|one| one.as_f64().expect("a number"));
        assert!(numbers.clone().is_sorted() && numbers.clone().all(|one| one >= 0.0), "{name}");
        assert_eq!(numbers.count(), 101);
    }
    for name in ["memory", "clustering", "signs"] {
        let curve = facts[name].as_array().expect("a curve");
        let one = |value: &Value| value.as_f64().is_some_and(|one| (-1.01..=1.01).contains(&one));
        assert!(curve.len() == 20 && curve.iter().all(one), "{name} of {market}");
    }
    assert!(facts["volatility"].as_f64() > Some(0.0) && facts["kurtosis"].as_f64() >= Some(1.0));
    assert!(facts["impact"].as_array().expect("a curve").iter().all(Value::is_number));
}

#[test]
fn simulated_markets_and_a_file_stand_side_by_side() {
    let folder = tempfile::tempdir().expect("a folder");
    let day = folder.path().join("day.itch").display().to_string();
    let size = ["--messages", "200k", "--instruments", "2", "--resting", "2k"];
    tercel_ok(&[&["generate", &day], &size[..]].concat());
    let markets = ["--market", "demo", "--market", "agents", "--seconds", "60"];
    let arguments = [&markets[..], &["--data", &day]].concat();
    let one = report(&arguments);
    let names: Vec<_> = one["markets"].as_array().expect("markets").iter().collect();
    assert_eq!(names.len(), 3);
    names.iter().for_each(|market| sound(market));
    let pairs = one["pairs"].as_array().expect("pairs");
    assert_eq!(pairs.len(), 2);
    for distance in pairs.iter().flat_map(|pair| pair["distances"].as_array().expect("a list")) {
        assert!(distance["distance"].as_f64() >= Some(0.0), "{distance}");
    }
    // The same seed is the same market, another is another.
    assert_eq!(one, report(&arguments));
    let other = report(&["--seconds", "60", "--seed", "2"]);
    assert_ne!(one["markets"][0]["facts"], other["markets"][0]["facts"]);

    let text = tercel_ok(&[&["facts"], &arguments[..]].concat());
    for part in ["spread", "memory of signs", "impact", "agents", "day.itch", "distance"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let error = tercel_err(&["facts", "--seconds", "60", "--interval", "30000"]);
    assert!(error.contains("--interval"), "{error}");
    assert!(tercel_err(&["facts", "--data", "/none/day.itch"]).contains("/none/day.itch"));
}

/// What every market of shares and coins has: no memory in returns, much in the signs of trades.
#[test]
fn recorded_markets_have_the_facts() {
    let files = ["lobster/AAPL_2012-06-21_message_50.csv.gz", "binance/usdm-btcusdt-20240808.gz"];
    let Some(files) = files.map(recorded).into_iter().collect::<Option<Vec<_>>>() else { return };
    let report = report(&["--seconds", "30", "--data", &files[0], &files[1]]);
    for market in report["markets"].as_array().expect("markets").iter().skip(1) {
        sound(market);
        let first = |name: &str| market["facts"][name][0].as_f64().expect("a number");
        assert!(first("memory").abs() < 0.3, "{market}");
        assert!(first("signs") > 0.1 && first("impact") > 0.0, "{market}");
        assert!(market["facts"]["kurtosis"].as_f64() > Some(3.0), "{market}");
    }
}
