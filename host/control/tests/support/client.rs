//! One request a connection.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

static KEYS: AtomicU64 = AtomicU64::new(1);

/// Who asks.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub token: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// It is a problem of this status and name, whole.
    pub fn problem(&self, status: u16, name: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:tercel:problem:{name}"), "{problem}");
        assert_eq!(problem["status"], status);
        assert!(problem["instance"].as_str().unwrap().starts_with('/'), "{problem}");
        assert!(problem["detail"].is_string() && problem["errors"].is_array(), "{problem}");
        problem
    }
}

impl Client {
    /// Sends exactly this, and the token.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Got {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let response = self.ask(stream, method, path, headers, body.into()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Got { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    pub async fn get(&self, path: &str) -> Got {
        self.send("GET", path, &[], "").await
    }

    /// A change with a key of its own.
    pub async fn change(&self, method: &str, path: &str, body: Value) -> Got {
        let key = format!("key-{}", KEYS.fetch_add(1, Relaxed));
        self.keyed(method, path, &key, body).await
    }

    pub async fn keyed(&self, method: &str, path: &str, key: &str, body: Value) -> Got {
        let headers = [("idempotency-key", key), ("content-type", "application/json")];
        self.send(method, path, &headers, body.to_string()).await
    }

    /// Over any stream; the body of the answer is left to be read.
    pub async fn ask<S>(
        &self,
        stream: S,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Response<Incoming>, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let said = |error: hyper::Error| error.to_string();
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(said)?;
        tokio::spawn(connection);
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = path.parse().unwrap();
        let host = HeaderValue::from_str(&self.address.to_string()).unwrap();
        request.headers_mut().insert("host", host);
        if let Some(token) = &self.token {
            let bearer = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
            request.headers_mut().insert("authorization", bearer);
        }
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        let response = sender.send_request(request).await.map_err(said);
        // Alive as long as the answer is read.
        std::mem::forget(sender);
        response
    }
}
