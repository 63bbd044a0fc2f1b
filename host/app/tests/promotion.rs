//! A policy comes into a host that trades, stands in shadow, is promoted by its test, trades, and
//! the one after it is taken back by what it does.

#[path = "harness/contest.rs"]
mod contest;
mod harness;

use contest::{SYMBOLS, champion, command, fills};
use harness::http::{control_of, get, request};
use harness::{Place, count, holdings_of_host, holdings_of_venue};
use serde_json::{Value, json};
use tercel_policy::artifact::{Heads, Normalisation, Provenance};
use tercel_policy::mlp::Dense;
use tercel_policy::{Artifact, FEATURE_COUNT, FEATURE_HASH, FEATURE_NAMES};

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

/// A copy of the artifact `steady` that something is wrong with.
fn spoil(place: &Place, name: &str, change: impl FnOnce(&mut Vec<u8>, String) -> String) {
    let mut weights = std::fs::read(place.file("steady.safetensors")).expect("weights");
    let manifest = std::fs::read_to_string(place.file("steady.json")).expect("a manifest");
    let before = (weights.clone(), manifest.clone());
    let manifest = change(&mut weights, manifest);
    assert!((&weights, &manifest) != (&before.0, &before.1), "{name} is as it was");
    std::fs::write(place.file(&format!("{name}.json")), manifest).expect("written");
    std::fs::write(place.file(&format!("{name}.safetensors")), weights).expect("written");
}

/// FNV-1a, 64 bits, written apart from the host's.
fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
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
    let limits = [("rollback_drawdown_max", "1000000"), ("actions_per_second_max", "100")];
    let (mut venue, _, mut host) = contest::start(&place, &limits);
    assert_eq!(champion(&host.last), "fixed-spread");

    // Of other features, of other shapes, with other weights than its manifest says, with a weight
    // that is no number.
    let hash = format!("{FEATURE_HASH:#018x}");
    spoil(&place, "stranger", |_, manifest| manifest.replace(&hash, "0x0000000000000001"));
    spoil(&place, "wider", |_, manifest| manifest.replace("[40, 2]", "[40, 3]"));
    let damage = |weights: &mut Vec<u8>, number: f32| {
        let at = weights.len() - 4;
        weights[at..].copy_from_slice(&number.to_le_bytes());
    };
    spoil(&place, "swapped", |weights, manifest| {
        damage(weights, 0.25);
        manifest
    });
    spoil(&place, "astray", |weights, manifest| {
        let before = format!("{:#018x}", fnv1a(weights));
        damage(weights, f32::NAN);
        manifest.replace(&before, &format!("{:#018x}", fnv1a(weights)))
    });

    let load = |name: &str| format!("challenger load {}", place.file(&format!("{name}.json")));
    command(&mut host, &load("stranger"), "stranger.json: features of hash");
    command(&mut host, &load("wider"), "wider.json: ");
    command(&mut host, &load("swapped"), "swapped.json: the weights hash to");
    command(&mut host, &load("astray"), "astray.json: layer 0: a weight is not finite");
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
    contest::hear(&mut host, "steady is champion by the test");
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
fn a_contest_is_listed_loaded_promoted_and_rolled_back_over_http() {
    let place = Place::new();
    write_artifact(&place, "steady", 0.5, ("spread", 0.0), true);
    std::fs::write(place.file("broken.json"), "{").expect("written");
    std::fs::write(place.file("broken.safetensors"), "").expect("written");
    let (mut venue, _, mut host) = contest::start(&place, &[("mode", "\"manual\"")]);
    let control = control_of(&host.said()).expect("it says where");
    let roles = || -> Vec<(String, String)> {
        let listed = get(control, "/api/v1/policies");
        let listed = listed.as_array().expect("a list").iter();
        let text = |value: &Value| value.as_str().expect("a text").to_string();
        listed.map(|one| (text(&one["name"]), text(&one["role"]))).collect()
    };
    let pairs = |all: &[(&str, &str)]| -> Vec<(String, String)> {
        all.iter().map(|(name, role)| (name.to_string(), role.to_string())).collect()
    };
    assert_eq!(roles(), pairs(&[("fixed-spread", "champion")]));

    let ask = |method: &str, path: &str, body: Value| {
        let (status, answer) = request(control, method, &format!("/api/v1/{path}"), Some(&body));
        (status, serde_json::from_str::<Value>(&answer).expect("JSON"))
    };
    let manifest = |name: &str| json!({ "manifest": place.file(name), "reason": "a test" });
    for (method, path, body, status, said) in [
        ("POST", "policies", manifest("missing.json"), 409, "cannot be read"),
        ("POST", "policies", manifest("broken.json"), 409, "is not JSON"),
        ("POST", "policies/nobody/promote", json!({ "reason": "a test" }), 404, "nobody"),
        ("POST", "policies/rollback", json!({ "reason": "a test" }), 409, "no former champion"),
    ] {
        let (found, problem) = ask(method, path, body);
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(found == status && detail.contains(said), "{path}: {found} {problem}");
    }

    let (status, loaded) = ask("POST", "policies", manifest("steady.json"));
    assert_eq!((status, &loaded["about"]), (200, &json!("steady")), "{loaded}");
    assert_eq!(roles(), pairs(&[("fixed-spread", "champion"), ("steady", "challenger")]));
    let (status, problem) = ask("POST", "policies/steady/promote", json!({ "reason": "early" }));
    assert!(status == 409 && problem["detail"].to_string().contains("passed"), "{problem}");
    let force = json!({ "reason": "a test", "force": true });
    let (status, promoted) = ask("POST", "policies/steady/promote", force);
    assert_eq!(status, 200, "{promoted}");
    assert_eq!(roles(), pairs(&[("fixed-spread", "former"), ("steady", "champion")]));
    host.until("it trades", |report| champion(report) == "steady" && fills(report) > 0);
    let (status, back) = ask("POST", "policies/rollback", json!({ "reason": "a test" }));
    assert_eq!((status, &back["about"]), (200, &json!("fixed-spread")), "{back}");
    assert_eq!(roles(), pairs(&[("fixed-spread", "champion"), ("steady", "barred")]));
    host.until("the former trades", |report| champion(report) == "fixed-spread");

    let deeds = get(control, "/api/v1/audit");
    let deeds = deeds["items"].as_array().expect("a list");
    let done = |what: &str| {
        deeds.iter().filter(|deed| deed["what"] == what && deed["outcome"]["status"] == 200).count()
    };
    let counts = ["policy_load", "policy_promote", "policy_rollback"].map(done);
    assert_eq!(counts, [1, 1, 1], "{deeds:?}");
    let report = host.stop_ok();
    assert_eq!(holdings_of_host(&report), holdings_of_venue(&venue.ask("report")));
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
