//! Door three: the dashboard. Serves the files of `page/` out of the binary; what they show they
//! ask of `/v1`.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use rust_embed::{EmbeddedFile, RustEmbed};

/// Nothing but the page's own files; no frame around it, no form that leaves it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; \
     base-uri 'none'";
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

#[derive(RustEmbed)]
#[folder = "src/dashboard/page"]
struct Page;

/// Returns `/` and the files below it. They hold nothing that is secret, and need no token.
pub fn pages() -> Router {
    Router::new()
        .route("/", get(|headers: HeaderMap| async move { answer("index.html", &headers) }))
        .route("/style/{file}", get(style))
        .route("/script/{file}", get(script))
}

async fn style(Path(file): Path<String>, headers: HeaderMap) -> Response {
    answer(&format!("style/{file}"), &headers)
}

async fn script(Path(file): Path<String>, headers: HeaderMap) -> Response {
    answer(&format!("script/{file}"), &headers)
}

/// Answers a file, or only that it is still the one that the browser has.
fn answer(path: &str, asked: &HeaderMap) -> Response {
    let (Some(file), Some(kind)) = (Page::get(path), kind(path)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = tag(&file);
    let known = asked.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut known = known.flat_map(|line| line.split(',')).map(str::trim);
    let fresh = known.any(|it| it == "*" || it.strip_prefix("W/").unwrap_or(it) == tag);
    let mut response = if fresh {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, kind)], file.data).into_response()
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    for (name, value) in [
        // Asked for each time, so that a new binary is seen at once.
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (OPENER, "same-origin"),
        (RESOURCE, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn kind(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    match ending {
        "html" => Some("text/html; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

fn tag(file: &EmbeddedFile) -> String {
    let digest = file.metadata.sha256_hash();
    let digits =
        digest.iter().take(16).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    format!("\"{digits}\"")
}
