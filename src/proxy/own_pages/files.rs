//! Files: what the page is made of, and the headers that keep strangers out of it.

use std::fmt::Write;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{Response, StatusCode};
use sha2::{Digest, Sha256};

use crate::matrix::allow_any_origin;
use crate::net::Body;

/// Nothing but our own files; forms are sent by the script alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'";
const SAFETY: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    // The address may hold the token of a sign-in until the script has taken it out.
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Where each file is, its type, and what is in it.
const FILES: [(&str, &str, &str); 6] = [
    ("/_metergate/quota/page.css", "text/css; charset=utf-8", include_str!("page.css")),
    ("/_metergate/quota/page.js", SCRIPT, include_str!("page.js")),
    ("/_metergate/quota/session.js", SCRIPT, include_str!("session.js")),
    ("/_metergate/quota/view.js", SCRIPT, include_str!("view.js")),
    ("/_metergate/quota/words.js", SCRIPT, include_str!("words.js")),
    ("/_metergate/quota/icon.svg", "image/svg+xml", include_str!("icon.svg")),
];
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Something a browser may keep, and ask about by its mark.
#[derive(Clone, Debug)]
pub(super) struct File {
    kind: &'static str,
    content: Bytes,
    mark: HeaderValue,
}

impl File {
    /// Returns a file of this type.
    pub(super) fn new(kind: &'static str, content: impl Into<Bytes>) -> Self {
        let content = content.into();
        let mark = mark(&content);
        Self { kind, content, mark }
    }

    /// Returns all files but the page itself, each with its path.
    pub(super) fn all() -> impl Iterator<Item = (&'static str, Self)> {
        FILES.into_iter().map(|(path, kind, content)| (path, Self::new(kind, content)))
    }

    /// Answers a request for it.
    pub(super) fn answer(&self, request: &Parts) -> Response<Body> {
        let mut response = if self.is_known(request) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            let mut response = Response::new(Body::full(self.content.clone()));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
            headers.insert(CONTENT_LENGTH, HeaderValue::from(self.content.len()));
            response
        };
        // A query may be the token of a sign-in: no cache is to remember that address.
        let caching = if request.uri.query().is_some() { "no-store" } else { "no-cache" };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
        headers.insert(ETAG, self.mark.clone());
        for (name, value) in SAFETY {
            headers.insert(name, HeaderValue::from_static(value));
        }
        allow_any_origin(headers);
        response
    }

    /// Returns true if the browser has it as it is (RFC 9110 §13.1.2).
    fn is_known(&self, request: &Parts) -> bool {
        let known = request.headers.get_all(IF_NONE_MATCH).iter();
        known.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|it| {
            let it = it.trim();
            it == "*" || it.trim_start_matches("W/").as_bytes() == self.mark.as_bytes()
        })
    }
}

/// Returns a mark that no other content has.
fn mark(content: &[u8]) -> HeaderValue {
    let mut mark = String::from("\"");
    for byte in Sha256::digest(content).iter().take(12) {
        // A String takes all that is written.
        let _ = write!(mark, "{byte:02x}");
    }
    mark.push('"');
    HeaderValue::try_from(mark).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_content_has_another_mark() {
        let marks: std::collections::BTreeSet<_> =
            File::all().map(|(_, file)| file.mark.to_str().unwrap().to_owned()).collect();
        assert_eq!(marks.len(), FILES.len());
        assert!(marks.iter().all(|mark| mark.len() == 26 && mark.starts_with('"')));
    }
}
