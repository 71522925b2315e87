//! JSON: an answer of ours that says yes.

use http::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use serde::Serialize;

use super::cors;
use crate::net::Body;

/// Returns `content` as an answer, complete with what a web client needs to read it.
#[must_use]
pub fn json(content: &impl Serialize) -> Response<Body> {
    // What we tell has texts for keys, and nothing that fails to be written.
    let json = serde_json::to_vec(content).unwrap_or_default();
    let mut response = Response::new(());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(json.len()));
    cors::allow_any_origin(headers);
    response.map(|()| Body::full(json))
}
