//! The dashboard's files. They hold no data, so that no token is needed for them.

use super::{App, Problem};
use crate::access::hex;
use crate::dashboard::FILES;
use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

/// Nothing from anywhere else, no script in the page, in no frame (CSP Level 3).
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page and what it asks for.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(|headers: HeaderMap| async move { serve("index.html", &headers, FILES) }))
        .route(
            "/assets/{file}",
            get(|Path(file): Path<String>, headers: HeaderMap| async move {
                serve(&file, &headers, FILES)
            }),
        )
}

fn serve(
    path: &str,
    headers: &HeaderMap,
    files: &[(&str, &'static str, &'static [u8])],
) -> Result<Response, Problem> {
    let Some((_, media, bytes)) = files.iter().find(|(name, ..)| *name == path) else {
        return Err(Problem::unknown("the dashboard has no such file; /api/v1/state has its data"));
    };
    let tag = format!("\"{}\"", &hex(&Sha256::digest(bytes))[..32]);
    let known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|one| one.trim().trim_start_matches("W/") == tag);
    let kept = [
        (ETAG, tag.as_str()),
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_FRAME_OPTIONS, "DENY"),
    ];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    Ok((kept, [(CONTENT_TYPE, *media)], *bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &[(&str, &str, &[u8])] = &[("index.html", "text/html; charset=utf-8", b"<p>")];

    #[test]
    fn a_file_is_sent_once_and_then_known_by_its_tag() {
        let first = serve("index.html", &HeaderMap::new(), PAGE).unwrap();
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(first.headers()[CACHE_CONTROL], "no-cache");
        assert!(!POLICY.contains("unsafe"));
        assert_eq!(first.headers()[CONTENT_SECURITY_POLICY], POLICY);
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, first.headers()[ETAG].clone());
        let again = serve("index.html", &headers, PAGE).unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(serve("other", &headers, PAGE).unwrap_err().status, 404);
    }
}
