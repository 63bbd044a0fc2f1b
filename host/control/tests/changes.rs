//! Changes over a real socket: roles, keys, reasons, the journal, and what a page of another
//! origin may not.

mod support;

use serde_json::json;
use std::sync::atomic::Ordering::Relaxed;
use support::{LIMITS, Setup, Stand};
use tercel_engine::{Ask, Scope};
use tercel_types::InstrumentId;

fn account() -> serde_json::Value {
    json!({ "gross_max_e4": 7, "net_max_e4": 1, "credit_max_e4": 1, "realised_loss_max_e4": 1,
        "unrealised_loss_max_e4": 1, "drawdown_max_e4": 1 })
}

#[tokio::test]
async fn every_command_is_carried_out_and_written_down_before_and_after() {
    let stand = Stand::new(Setup::default());
    let risk = stand.with(&stand.risk);
    let limits: serde_json::Value = serde_json::from_str(LIMITS).unwrap();
    let id = InstrumentId(1);
    let about = json!({ "symbol": "AAPL", "reason": "news" });
    for (method, path, body) in [
        ("POST", "pause", about.clone()),
        ("POST", "resume", about.clone()),
        ("POST", "cancel-all", about),
        ("PUT", "limits/account", json!({ "limits": account(), "reason": "less" })),
        ("PUT", "limits/instruments/AAPL", json!({ "limits": limits, "reason": "less" })),
        ("POST", "kill", json!({ "reason": "enough" })),
        ("POST", "reset", json!({ "reason": "again" })),
    ] {
        let got = risk.change(method, &format!("/api/v1/{path}"), body).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text);
        let done = got.json();
        assert_eq!((&done["outcome"], &done["recorded"]), (&json!("done"), &json!(true)));
    }
    let asked = stand.world.asked();
    assert_eq!(asked.len(), 7);
    assert_eq!(asked[0], Ask::Pause(Scope::Instrument(id)));
    assert_eq!(asked[5], Ask::Kill);
    let deeds = stand.journal.deeds();
    assert_eq!(deeds.len(), 14);
    for pair in deeds.chunks(2) {
        assert_eq!(pair[0]["number"], pair[1]["number"]);
        assert!(pair[0]["outcome"].is_null() && pair[1]["outcome"]["status"] == 200);
        assert_eq!((&pair[0]["who"], &pair[0]["role"]), (&json!("risk"), &json!("risk")));
    }
    assert_eq!(deeds[8]["before"], json!(null));
    let shown = risk.get("/api/v1/audit?after=5&limit=1").await.json();
    assert_eq!((&shown["items"][0]["what"], &shown["next"]), (&json!("kill"), &json!(6)));
}

#[tokio::test]
async fn each_role_may_do_what_is_its_own_and_no_more() {
    let stand = Stand::new(Setup::default());
    let because = json!({ "reason": "test" });
    let viewer = stand.with(&stand.viewer);
    let operator = stand.with(&stand.operator);
    for path in ["kill", "pause", "resume", "cancel-all", "policies/rollback"] {
        let got = viewer.change("POST", &format!("/api/v1/{path}"), because.clone()).await;
        got.problem(403, "role-too-low");
    }
    viewer.get("/api/v1/audit").await.problem(403, "role-too-low");
    operator.change("POST", "/api/v1/reset", because.clone()).await.problem(403, "role-too-low");
    let body = json!({ "limits": account(), "reason": "more" });
    let got = operator.change("PUT", "/api/v1/limits/account", body).await;
    got.problem(403, "role-too-low");
    let forced = json!({ "force": true, "reason": "now" });
    let got = operator.change("POST", "/api/v1/policies/second/promote", forced.clone()).await;
    got.problem(403, "role-too-low");
    let risk = stand.with(&stand.risk);
    assert_eq!(risk.change("POST", "/api/v1/policies/second/promote", forced).await.status, 200);
    stand
        .stranger()
        .change("POST", "/api/v1/kill", because.clone())
        .await
        .problem(401, "token-required");
    let wrong = stand.with("tercel_00").change("POST", "/api/v1/kill", because).await;
    wrong.problem(401, "token-required");
    assert_eq!(wrong.headers["www-authenticate"], "Bearer");
    assert_eq!(stand.world.asked(), []);
}

#[tokio::test]
async fn the_same_key_is_done_once_even_at_the_same_time() {
    let stand = Stand::new(Setup::default());
    let operator = stand.with(&stand.operator);
    let ask = || operator.keyed("POST", "/api/v1/kill", "one", json!({ "reason": "enough" }));
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    assert!(a.text == b.text && b.text == c.text && a.status == 200, "{a:?}");
    let answers = [&a, &b, &c];
    let again = answers.iter().filter(|it| it.headers.contains_key("idempotency-replayed"));
    assert_eq!(again.count(), 2);
    assert_eq!(stand.world.asked(), [Ask::Kill]);
    let other = json!({ "reason": "something else" });
    let got = operator.keyed("POST", "/api/v1/kill", "one", other.clone()).await;
    got.problem(422, "idempotency-key-reused");
    let got = operator.keyed("POST", "/api/v1/kill", "two", other).await;
    assert_eq!(got.json()["outcome"], "unchanged");
    let long = "x".repeat(129);
    for key in ["", "with space", &long] {
        let got = operator.keyed("POST", "/api/v1/kill", key, json!({ "reason": "enough" })).await;
        got.problem(400, "idempotency-key-required");
    }
}

#[tokio::test]
async fn a_full_journal_stops_changes_but_never_what_reduces_risk() {
    let stand = Stand::new(Setup::default());
    let risk = stand.with(&stand.risk);
    let because = json!({ "reason": "test" });
    for mark in [&stand.journal.full, &stand.journal.stuck] {
        mark.store(true, Relaxed);
        let before = stand.world.asked().len();
        let got = risk.keyed("POST", "/api/v1/reset", "again", because.clone()).await;
        got.problem(503, "not-recorded");
        let body = json!({ "limits": account(), "reason": "more" });
        let got = risk.change("PUT", "/api/v1/limits/account", body).await;
        got.problem(503, "not-recorded");
        assert_eq!(stand.world.asked().len(), before);
        for path in ["pause", "cancel-all", "kill"] {
            let got = risk.change("POST", &format!("/api/v1/{path}"), because.clone()).await;
            assert_eq!((got.status, &got.json()["recorded"]), (200, &json!(false)));
        }
        assert_eq!(stand.world.asked().len(), before + 3);
        mark.store(false, Relaxed);
    }
    let got = risk.keyed("POST", "/api/v1/reset", "again", because).await;
    assert_eq!((got.status, &got.json()["recorded"]), (200, &json!(true)));
}

#[tokio::test]
async fn an_engine_that_takes_nothing_or_says_nothing_is_told() {
    let stand = Stand::new(Setup::default());
    let operator = stand.with(&stand.operator);
    stand.world.mute.store(true, Relaxed);
    let got = operator.change("POST", "/api/v1/kill", json!({ "reason": "enough" })).await;
    got.problem(504, "no-answer-yet");
    assert!(stand.world.killed());
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let stand = Stand::new(Setup::default());
    let operator = stand.with(&stand.operator);
    let here = format!("http://{}", stand.server.local_addr());
    let body = r#"{"reason":"enough"}"#;
    let ask = async |name: &str, value: &str| {
        let headers =
            [("idempotency-key", "k"), ("content-type", "application/json"), (name, value)];
        operator.send("POST", "/api/v1/kill", &headers, body).await
    };
    for (name, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        ask(name, value).await.problem(403, "foreign-origin");
    }
    ask("host", "evil.example").await.problem(403, "foreign-host");
    assert!(!stand.world.killed());
    assert_eq!(ask("origin", &here).await.status, 200);
}

#[tokio::test]
async fn policies_and_the_log_are_worked_on() {
    let stand = Stand::new(Setup::default());
    let operator = stand.with(&stand.operator);
    let load = json!({ "kind": "ladder", "name": "third", "reason": "try" });
    assert_eq!(operator.change("POST", "/api/v1/policies", load).await.json()["about"], "third");
    let because = json!({ "reason": "test" });
    let got = operator.change("DELETE", "/api/v1/policies/third", because.clone()).await;
    assert_eq!(got.status, 200);
    let got = operator.change("DELETE", "/api/v1/policies/third", because.clone()).await;
    got.problem(404, "not-found");
    let got = operator.change("POST", "/api/v1/policies/second/promote", because.clone()).await;
    got.problem(409, "refused");
    operator
        .change("POST", "/api/v1/policies", because.clone())
        .await
        .problem(422, "invalid-content");
    let level = json!({ "level": "debug", "reason": "look" });
    assert_eq!(operator.change("PUT", "/api/v1/log-level", level).await.status, 200);
    assert_eq!(operator.get("/api/v1/log-level").await.json(), json!({ "level": "debug" }));
    let none = Stand::new(Setup { contest: false, ..Setup::default() });
    none.with(&none.viewer).get("/api/v1/policies").await.problem(409, "no-contest");
}
