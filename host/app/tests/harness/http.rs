//! As much of HTTP as the tests ask for.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Keys of idempotency so far.
static KEYS: AtomicU64 = AtomicU64::new(0);

/// Where the control plane of a host is, from what the host has said.
pub fn control_of(said: &str) -> Option<SocketAddr> {
    let line = said.lines().find_map(|line| line.strip_prefix("control: http://"))?;
    line.trim_end_matches('/').parse().ok()
}

/// One request on a connection of its own; returns status and body, or zero and nothing where the
/// connection was reset before an answer had come.
pub fn request(to: SocketAddr, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
    let text = body.map(Value::to_string).unwrap_or_default();
    // Relaxed: only that each is another matters.
    let key = KEYS.fetch_add(1, Ordering::Relaxed);
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nContent-Type: \
         application/json\r\nContent-Length: {}\r\nIdempotency-Key: test-{}-{key}\r\n\r\n",
        text.len(),
        std::process::id()
    );
    let mut stream = TcpStream::connect(to).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(text.as_bytes()))
        .expect("sent");
    let mut bytes = Vec::new();
    let mut chunk = [0; 1 << 16];
    while !is_whole(&bytes) {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
            // Who does not want the whole of a request may answer and reset the connection.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }
    if bytes.is_empty() {
        return (0, String::new());
    }
    let answer = String::from_utf8(bytes).expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    (status, if chunked { unchunked(body) } else { body.into() })
}

/// The length that the head gives has come; who gives none closes the connection at the end.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse::<usize>().ok());
    length.is_some_and(|length| bytes.len() >= end + 4 + length)
}

fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).expect("a length");
        if length == 0 {
            break;
        }
        body.push_str(&after[..length]);
        rest = &after[length + 2..];
    }
    body
}

/// What a path shows.
pub fn get(to: SocketAddr, path: &str) -> Value {
    let (status, body) = request(to, "GET", path, None);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).expect("JSON")
}

/// A change that must be carried out.
pub fn change(to: SocketAddr, method: &str, path: &str, body: &Value) -> Value {
    let (status, answer) = request(to, method, path, Some(body));
    assert_eq!(status, 200, "{path}: {answer}");
    serde_json::from_str(&answer).expect("JSON")
}
