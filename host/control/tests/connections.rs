//! Many connections, slow ones, silent ones, and streams.

mod support;

use http_body_util::BodyExt;
use serde_json::json;
use std::net::TcpStream;
use std::time::{Duration, Instant};
use support::{Client, Setup, Stand};
use tercel_control::api::BODY_BYTES_MAX;

const PLACES: usize = 4 + 64;

#[tokio::test]
async fn ten_thousand_connections_that_say_nothing_keep_nobody_out() {
    let stand = Stand::new(Setup::default());
    let operator = stand.with(&stand.operator);
    let address = stand.server.local_addr();
    let mut held = std::collections::VecDeque::new();
    for number in 0..10_000 {
        // So few at a time, because the test's own ends take descriptors too.
        if held.len() == 400 {
            held.pop_front();
        }
        held.push_back(TcpStream::connect(address).unwrap());
        if number % 1_000 == 0 {
            assert!(stand.server.load().open <= PLACES);
            assert_eq!(operator.get("/api/v1/status").await.status, 200);
        }
    }
    let got = operator.change("POST", "/api/v1/kill", json!({ "reason": "flood" })).await;
    assert_eq!(got.status, 200);
    let load = stand.server.load();
    assert!(load.open <= PLACES && load.displaced > 0, "{load:?}");
}

#[tokio::test]
async fn streams_are_so_many_and_a_reader_that_never_reads_holds_nobody_up() {
    let stand = Stand::new(Setup::default());
    let viewer = stand.with(&stand.viewer);
    let open = async |client: &Client| {
        let stream = tokio::net::TcpStream::connect(client.address).await.unwrap();
        client.ask(stream, "GET", "/api/v1/stream", &[], "".into()).await.unwrap()
    };
    let mut reader = open(&viewer).await;
    let deaf = [open(&viewer).await, open(&viewer).await, open(&viewer).await];
    viewer.get("/api/v1/stream").await.problem(503, "too-many-streams");
    let big = "x".repeat(1 << 20);
    let mut seen = 0;
    for number in 0..40 {
        stand.world.publish(&format!("{{\"n\":{number},\"x\":\"{big}\"}}"));
        let wanted = format!("\"n\":{number},");
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            let frame = reader.frame().await.unwrap().unwrap().into_data().unwrap();
            if String::from_utf8_lossy(&frame[..frame.len().min(64)]).contains(&wanted) {
                seen += 1;
                break;
            }
        }
    }
    assert_eq!(seen, 40);
    assert_eq!(stand.world.listeners(), 4);
    drop(deaf);
    stand.server.stop();
}

#[tokio::test]
async fn a_head_that_never_ends_or_never_fits_is_cut_off() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let stand = Stand::new(Setup::default());
    let address = stand.server.local_addr();
    let mut slow = tokio::net::TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\nX: ").await.unwrap();
    let mut long = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!("GET /live HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(BODY_BYTES_MAX));
    let _ = long.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = long.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), slow.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "the slow head is still waited for");
}
