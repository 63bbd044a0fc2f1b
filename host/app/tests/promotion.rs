//! A policy comes into a host that trades, stands in shadow, is promoted by its test, trades, and
//! the one after it is taken back by what it does.

mod harness;

use harness::{Place, Process, count, holdings_of_host, holdings_of_venue};
use serde_json::Value;
use tercel_policy::artifact::{Heads, Normalisation, Provenance};
use tercel_policy::mlp::Dense;
use tercel_policy::{Artifact, FEATURE_COUNT, FEATURE_NAMES};

const SYMBOLS: [&str; 4] = ["SIM000", "SIM001", "SIM002", "SIM003"];

/// One layer by hand: both distances are `distance` ticks plus `swing` times a feature.
fn write_artifact(place: &Place, name: &str, distance: f32, swing: (&str, f32), trained: bool) {
    let at = FEATURE_NAMES.iter().position(|feature| *feature == swing.0).expect("a feature");
    let row: Vec<f32> = (0..FEATURE_COUNT).map(|n| if n == at { swing.1 } else { 0.0 }).collect();
    let layer = Dense {
        inputs: FEATURE_COUNT,
        weights: [row.clone(), row].concat(),
        bias: vec![distance; 2],
    };
    let provenance = Provenance {
        trained,
        seed: 0,
        commit: String::new(),
        configuration: String::new(),
        scores: Vec::new(),
        note: "weights by hand".into(),
    };
    let artifact =
        Artifact::mlp(vec![layer], Normalisation::identity(), Heads::distances(), provenance);
    let encoded = artifact.expect("an artifact").encode();
    std::fs::write(place.file(&format!("{name}.json")), encoded.manifest).expect("written");
    std::fs::write(place.file(&format!("{name}.safetensors")), encoded.weights).expect("written");
}

/// A host whose champion quotes far from the market, and whose shadow orders earn a dollar a share:
/// whoever trades more earns more.
fn start(place: &Place) -> (Process, Process) {
    let (venue, addresses) = place.venue(&["--rate=4000", "--symbols=4"]);
    let keys = [
        ("half_spread_ticks", "40.0"),
        ("requote_ticks", "4"),
        ("mode", "\"automatic\""),
        ("interval_ms", "50"),
        ("intervals_min", "100"),
        ("alpha", "0.2"),
        ("fee_per_share_e6", "-1000000"),
        ("rollback_drawdown_max", "1000000"),
        ("decision_p99_us", "1000000"),
        ("actions_per_second_max", "100"),
    ];
    let config = place.config(&addresses, &SYMBOLS, &keys);
    let text = std::fs::read_to_string(&config).expect("read");
    let line = |line: &str| {
        let kind = line.starts_with("kind = ");
        format!("{}\n", if kind { "kind = \"fixed-spread\"" } else { line })
    };
    std::fs::write(&config, text.lines().map(line).collect::<String>()).expect("written");
    let orders = place.file("orders.bin");
    let mut arguments = vec!["run", "--config", &config, "--orders", &orders, "--console"];
    arguments.extend(["--status-ms", "100", "--json"]);
    let mut host = Process::start(&arguments, &place.folder.path().join("host.log"));
    host.until("trading", |report| report["phase"] == "trading" && count(report, "sent") > 4);
    (venue, host)
}

/// Writes a command and waits for what it leads to on standard error.
fn command(host: &mut Process, line: &str, said: &str) {
    host.write(line);
    let end = std::time::Instant::now() + harness::PATIENCE;
    while !host.said().contains(said) {
        assert!(std::time::Instant::now() < end, "{line}: no \"{said}\" in {}", host.said());
        host.line();
    }
}

fn champion(report: &Value) -> &str {
    report["promotion"]["champion"]["name"].as_str().unwrap_or_default()
}

fn fills(report: &Value) -> u64 {
    count(report, "fills_bought") + count(report, "fills_sold")
}

#[test]
fn loaded_promoted_by_its_test_seen_trading_and_the_next_one_taken_back() {
    let place = Place::new();
    write_artifact(&place, "steady", 0.5, ("spread", 0.0), true);
    // Its distance follows the imbalance of the touch, which every event moves.
    write_artifact(&place, "wild", 10.0, ("imbalance_1", 40.0), true);
    write_artifact(&place, "nobody", 1.0, ("spread", 0.0), false);
    std::fs::write(place.file("broken.json"), "{").expect("written");
    std::fs::write(place.file("broken.safetensors"), "").expect("written");
    let (mut venue, mut host) = start(&place);
    assert_eq!(champion(&host.last), "fixed-spread");

    let load = |name: &str| format!("challenger load {}", place.file(&format!("{name}.json")));
    command(&mut host, &load("missing"), "cannot be read");
    command(&mut host, &load("broken"), "broken.json: ");
    command(&mut host, &load("nobody"), "nobody.json: ");
    command(&mut host, "promote steady", "there is no such challenger");
    command(&mut host, "rollback", "there is no former champion");
    command(&mut host, "sing", "no such command");

    command(&mut host, &load("steady"), "challenger steady: test 1 begins");
    command(&mut host, "promote steady", "it has not passed its test");
    host.until("shadow fills", |report| {
        let one = &report["promotion"]["challengers"][0];
        one["name"] == "steady" && one["fills"].as_u64() > Some(0)
    });
    assert_eq!(champion(&host.last), "fixed-spread");
    let promoted = host.until("a promotion", |report| champion(report) == "steady");
    assert!(host.said().contains("steady is champion by the test"), "{}", host.said());
    assert_eq!(promoted["promotion"]["former"], "fixed-spread");
    host.until("fills of the new champion", |report| fills(report) > fills(&promoted) + 2);

    command(&mut host, &load("wild"), "challenger wild: test 2 begins");
    command(&mut host, "promote wild force", "wild is champion by command");
    let back = host.until("a rollback", |report| {
        report["promotion"]["rollbacks"]["action_rate"].as_u64() > Some(0)
    });
    assert_eq!(champion(&back), "steady");
    assert_eq!(back["promotion"]["former"], Value::Null);
    command(&mut host, &format!("{} again", load("wild")), "again: refused: it was promoted");
    host.until("orders after the rollback", |report| {
        champion(report) == "steady" && count(report, "sent") > count(&back, "sent")
    });
    let report = host.stop_ok();
    assert_eq!(report["open_orders"].as_array().map(Vec::len), Some(0), "{report}");
    let venue = venue.ask("report");
    assert_eq!(holdings_of_host(&report), holdings_of_venue(&venue));
}

#[test]
fn what_is_wrong_with_a_contest_is_named() {
    let place = Place::new();
    let nowhere = serde_json::json!({ "line_a": place.line_a, "line_b": place.line_b });
    let wrong = [
        ("alpha", "0.9", "`promotion.alpha` is 0.9"),
        ("interval_ms", "0", "`promotion.interval_ms` is 0"),
        ("challengers_max", "9", "`promotion.challengers_max` is 9"),
        ("psi_window", "1", "`promotion.psi_window` is 1"),
        ("queue", "\"lucky\"", "`promotion.queue` is \"lucky\""),
        ("mode", "\"always\"", "`promotion.mode` is \"always\""),
    ];
    for (key, value, expected) in wrong {
        let config = place.config(&nowhere, &SYMBOLS, &[(key, value)]);
        let error = harness::tercel_err(&["run", "--config", &config]);
        assert!(error.contains(expected) && error.contains("host.toml:"), "{error}");
    }
    let config = place.config(&nowhere, &SYMBOLS, &[]);
    let text = std::fs::read_to_string(&config).expect("read");
    let table = "[[challenger]]\nname = \"x\"\nmanifest = \"/nowhere/x.json\"\n";
    std::fs::write(&config, format!("{text}\n{table}")).expect("written");
    let error = harness::tercel_err(&["run", "--config", &config]);
    assert!(error.contains("`challenger[0].manifest`"), "{error}");
}
