//! Who is let through: by token and role, and never because a foreign page in somebody's browser
//! asks.

use super::{App, Problem};
use crate::access::{Caller, Role};
use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::Response;
use std::net::{IpAddr, SocketAddr};

/// The other end of the connection; the server puts it into each request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer(pub SocketAddr);

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Lets through who has the role, and tells the handler who it is.
pub(crate) async fn admit(
    State((app, role)): State<(App, Role)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let peer = request.extensions().get::<Peer>().copied();
    let caller = identify(&app, request.headers(), peer)?;
    if caller.role < role {
        let (name, has, needs) = (&caller.name, caller.role.name(), role.name());
        let detail = format!("{name} has the role {has}; this needs {needs}");
        return Err(Problem::forbidden("role-too-low", detail));
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

fn identify(app: &App, headers: &HeaderMap, peer: Option<Peer>) -> Result<Caller, Problem> {
    let admission = &app.admission;
    let Some(value) = headers.get(AUTHORIZATION) else {
        let here = peer.is_some_and(|Peer(address)| address.ip().to_canonical().is_loopback());
        return match admission.without_token.filter(|_| here) {
            Some(role) => Ok(Caller { name: "local".into(), role }),
            None => Err(Problem::unknown_caller("send `Authorization: Bearer TOKEN`")),
        };
    };
    // RFC 6750 section 2.1; the scheme's case does not count (RFC 9110 section 11.1).
    value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, token)| admission.tokens.caller(token.trim()))
        .cloned()
        .ok_or_else(|| {
            Problem::unknown_caller(
                "this token is not known: it must be one of the file control.tokens names",
            )
        })
}

/// Refuses what a foreign page asks for: names that are not this machine's (a page whose name was
/// turned to this address), and changes from another origin.
pub(crate) async fn same_site(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let headers = request.headers();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("");
    if app.admission.loopback && !is_this_machine(host) {
        let detail = format!("Host is {host:?}: ask for localhost or the loopback address");
        return Err(Problem::forbidden("foreign-host", detail));
    }
    let looks_only = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !looks_only && !from_here(headers, host) {
        let detail = "changes are not taken from pages of another origin";
        return Err(Problem::forbidden("foreign-origin", detail));
    }
    Ok(next.run(request).await)
}

fn is_this_machine(host: &str) -> bool {
    let bare = |text: &str| text.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => bare(name),
        _ => bare(host),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Browsers say where a request comes from (Fetch section 3.2); other clients say nothing.
fn from_here(headers: &HeaderMap, host: &str) -> bool {
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    let same_site = matches!(site, None | Some(b"same-origin" | b"none"));
    let same_origin = match headers.get(ORIGIN).map(HeaderValue::to_str) {
        None => true,
        Some(Ok(origin)) => ["http://", "https://"].iter().any(|scheme| {
            origin.strip_prefix(scheme).is_some_and(|it| it.eq_ignore_ascii_case(host))
        }),
        Some(Err(_)) => false,
    };
    same_site && same_origin
}

/// What every answer says to browsers.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_few_names() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1:9", "[::1]:80", "127.9.9.9", "[::1]"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["", "evil.example", "localhost.evil.example:80", "10.0.0.1", "127.0.0.1.x"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
