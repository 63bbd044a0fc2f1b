//! Reading over a real socket: every path, wrong questions, and arbitrary bodies.

mod support;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::sync::atomic::Ordering::Relaxed;
use support::{Setup, Stand};
use tercel_control::access::Role;

#[tokio::test]
async fn every_path_of_the_document_that_reads_answers() {
    let stand = Stand::new(Setup::default());
    let operator = stand.with(&stand.operator);
    let document = stand.stranger().get("/openapi.json").await.json();
    for (path, item) in document["paths"].as_object().unwrap() {
        if item.get("get").is_none() || path.ends_with("/stream") {
            continue;
        }
        let path = path.replace("{symbol}", "MSFT").replace("{user_ref}", "3");
        let got = operator.get(&path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text);
        assert_eq!(got.headers["x-content-type-options"], "nosniff");
        let open = ["/live", "/ready", "/openapi.json"].contains(&path.as_str());
        if !open {
            stand.stranger().get(&path).await.problem(401, "token-required");
        }
    }
}

#[tokio::test]
async fn lists_come_in_parts_and_by_what_is_asked() {
    let stand = Stand::new(Setup::default());
    let viewer = stand.with(&stand.viewer);
    let first = viewer.get("/api/v1/orders?limit=4").await.json();
    assert_eq!((first["items"].as_array().unwrap().len(), &first["next"]), (4, &json!(4)));
    let rest = viewer.get("/api/v1/orders?after=4").await.json();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (6, &json!(null)));
    let open = viewer.get("/api/v1/orders?open=true&symbol=MSFT").await.json();
    assert_eq!(open["items"].as_array().unwrap().len(), 2);
    let held = viewer.get("/api/v1/positions").await.json();
    assert_eq!(held[0]["symbol"], "MSFT");
}

#[tokio::test]
async fn every_wrong_question_is_a_problem() {
    let stand = Stand::new(Setup::default());
    let risk = stand.with(&stand.risk);
    for (path, status, name) in [
        ("/nothing", 404, "not-found"),
        ("/assets/nothing", 404, "not-found"),
        ("/api/v1/instruments/NONE", 404, "not-found"),
        ("/api/v1/instruments/%FF/book", 400, "malformed-request"),
        ("/api/v1/orders/99", 404, "not-found"),
        ("/api/v1/orders/-1", 400, "malformed-request"),
        ("/api/v1/orders?limit=0", 400, "invalid-query"),
        ("/api/v1/orders?limit=1001", 400, "invalid-query"),
        ("/api/v1/orders?open=perhaps", 400, "invalid-query"),
        ("/api/v1/orders?state=lost", 400, "invalid-query"),
        ("/api/v1/orders?colour=red", 400, "invalid-query"),
        ("/api/v1/fills?after=-1", 400, "invalid-query"),
        ("/api/v1/stream?watch=NONE", 404, "not-found"),
        ("/api/v1/kill", 405, "method-not-allowed"),
    ] {
        risk.get(path).await.problem(status, name);
    }
    let kill = async |media: &str, body: String| {
        let headers = [("idempotency-key", "k"), ("content-type", media)];
        risk.send("POST", "/api/v1/kill", &headers, body).await
    };
    let json = "application/json";
    kill("text/plain", "{}".into()).await.problem(415, "unsupported-media-type");
    kill(json, "{".into()).await.problem(400, "malformed-request");
    kill(json, "{} {}".into()).await.problem(422, "invalid-content");
    kill(json, "[".repeat(1000)).await;
    kill(json, " ".repeat(70_000)).await.problem(413, "content-too-large");
    for body in [
        json!({}),
        json!({ "reason": "" }),
        json!({ "reason": " " }),
        json!({ "reason": "a\nb" }),
        json!({ "reason": "x".repeat(201) }),
        json!({ "reason": 1 }),
        json!({ "reason": "good", "more": 1 }),
    ] {
        let problem = kill(json, body.to_string()).await.problem(422, "invalid-content");
        assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{problem}");
    }
    assert!(!stand.world.killed());
    assert_eq!(stand.journal.deeds(), [] as [Value; 0]);
}

#[tokio::test]
async fn readiness_says_why_not() {
    let stand = Stand::new(Setup::default());
    let nobody = stand.stranger();
    assert_eq!(nobody.get("/ready").await.status, 200);
    stand.world.session_down.store(true, Relaxed);
    let problem = nobody.get("/ready").await.problem(503, "not-ready");
    assert_eq!(problem["errors"][0]["at"], "session");
    assert_eq!(nobody.get("/live").await.status, 200);
}

#[tokio::test]
async fn without_a_token_this_machine_has_the_role_that_is_set() {
    let stand = Stand::new(Setup { without_token: Some(Role::Viewer), ..Setup::default() });
    assert_eq!(stand.stranger().get("/api/v1/status").await.status, 200);
    let got = stand.stranger().change("POST", "/api/v1/kill", json!({ "reason": "x" })).await;
    got.problem(403, "role-too-low");
    stand.with("wrong").get("/api/v1/status").await.problem(401, "token-required");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let name = prop_oneof![
        Just("reason".to_owned()),
        Just("symbol".to_owned()),
        Just("limits".to_owned()),
        Just("gross_max_e4".to_owned()),
        "[a-z]{1,6}",
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

#[test]
fn no_body_whatever_breaks_anything_or_changes_limits() {
    let stand = Stand::new(Setup::default());
    let risk = stand.with(&stand.risk);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let paths = prop::sample::select(vec![
        "/api/v1/limits/account",
        "/api/v1/limits/instruments/AAPL",
        "/api/v1/log-level",
    ]);
    let bodies = prop_oneof![
        any_json().prop_map(|json| json.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..64),
    ];
    let mut runner = TestRunner::new(Config { cases: 300, ..Config::default() });
    runner
        .run(&(paths, bodies), |(path, body)| {
            let headers = [("idempotency-key", "k"), ("content-type", "application/json")];
            let got = runtime.block_on(risk.send("PUT", path, &headers, body));
            prop_assert!((400..500).contains(&got.status), "{}: {}", got.status, got.text);
            prop_assert_eq!(&got.headers["content-type"], "application/problem+json");
            Ok(())
        })
        .unwrap();
    assert_eq!(stand.world.asked(), []);
    assert_eq!(stand.journal.deeds(), [] as [Value; 0]);
}
