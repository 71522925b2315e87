//! What a client is told about the size of uploads: the homeserver's word, lowered to what can
//! ever fit. Never to what is left: clients keep this answer for days.

use std::sync::Arc;

use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use serde_json::{Map, Value};

use super::Proxy;
use super::rejection::Rejection;
use crate::engine::UploadTerms;
use crate::net::{Body, Connection, small};
use crate::telemetry::cause;

/// The key of the one standard setting.
const UPLOAD_SIZE: &str = "m.upload.size";
/// MSC4034: <https://github.com/matrix-org/matrix-spec-proposals/pull/4034>
const STORAGE_SIZE: &str = "org.matrix.msc4034.storage.size";
const MAX_FILES: &str = "org.matrix.msc4034.storage.max_files";
/// The largest answer that is looked into, in bytes.
const LARGEST: u64 = 64 * 1024;

/// Answers a request for the settings of uploads.
pub(super) async fn answer(
    proxy: &Proxy,
    connection: &Arc<Connection>,
    request: Request<Incoming>,
) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let subject = proxy.who(connection, &parts).await.ok();
    if subject.is_some() {
        // The answer is to be read here.
        parts.headers.remove(ACCEPT_ENCODING);
    }
    let response = proxy.pass(connection.clone(), Request::from_parts(parts, body)).await;
    let Some(subject) = subject.filter(|_| may_be_lowered(&response)) else {
        return response;
    };
    // A store that is out leaves the homeserver's word as it is.
    let Ok(terms) = proxy.engine().upload_terms(&subject).await else {
        return response;
    };
    lower(response, terms)
        .await
        .unwrap_or_else(|rejection| rejection.into_response(proxy.settings()))
}

fn may_be_lowered(response: &Response<Body>) -> bool {
    let json = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let json = json.is_some_and(|value| value.trim_start().starts_with("application/json"));
    let small = response.body().size_hint().upper().is_none_or(|upper| upper <= LARGEST);
    response.status() == StatusCode::OK && json && small
}

async fn lower(response: Response<Body>, terms: UploadTerms) -> Result<Response<Body>, Rejection> {
    let (mut parts, body) = response.into_parts();
    let limit = usize::try_from(LARGEST).unwrap_or(usize::MAX);
    let read = small(body, limit).await.map_err(|error| {
        tracing::warn!(error = cause(&error), "media config could not be read");
        Rejection::Upstream
    })?;
    let Some(lowered) = lowered(&read, terms) else {
        return Ok(Response::from_parts(parts, Body::full(read)));
    };
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(lowered.len()));
    parts.headers.remove(ETAG);
    Ok(Response::from_parts(parts, Body::full(lowered)))
}

/// Returns the lowered document; none if it is not what it should be.
fn lowered(document: &[u8], terms: UploadTerms) -> Option<Vec<u8>> {
    let mut settings: Map<String, Value> = serde_json::from_slice(document).ok()?;
    let size = settings.get(UPLOAD_SIZE)?.as_u64()?;
    if let Some(largest) = terms.largest.and_then(|largest| u64::try_from(largest.get()).ok()) {
        settings.insert(UPLOAD_SIZE.to_owned(), size.min(largest).into());
    }
    if let Some(window) = terms.window {
        settings.insert(STORAGE_SIZE.to_owned(), window.get().into());
    }
    if let Some(files) = terms.files {
        settings.insert(MAX_FILES.to_owned(), files.get().into());
    }
    serde_json::to_vec(&settings).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::Amount;

    fn told(document: &str, largest: Option<i64>, window: Option<i64>) -> Option<Value> {
        let terms = UploadTerms {
            largest: largest.map(Amount::new),
            window: window.map(Amount::new),
            files: None,
        };
        lowered(document.as_bytes(), terms).map(|json| serde_json::from_slice(&json).unwrap())
    }

    #[test]
    fn the_smaller_of_both_sizes_is_told_and_other_keys_stay() {
        let document = r#"{"m.upload.size":100,"x":1}"#;
        let lower = told(document, Some(50), Some(70)).unwrap();
        assert_eq!(lower[UPLOAD_SIZE], 50);
        assert_eq!(lower["x"], 1);
        assert_eq!(lower[STORAGE_SIZE], 70);
        assert_eq!(told(document, Some(500), None).unwrap()[UPLOAD_SIZE], 100);
    }

    #[test]
    fn a_document_without_the_size_is_left_alone() {
        for document in ["{}", "[]", "no", r#"{"m.upload.size":null}"#, r#"{"m.upload.size":"1"}"#]
        {
            assert_eq!(told(document, Some(1), Some(1)), None, "{document}");
        }
    }
}
