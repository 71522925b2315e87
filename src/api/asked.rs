//! What a call says, in its path, its query and its body.

use std::time::Duration;

use axum::RequestPartsExt;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::fields::{self, Text};
use super::respond::Problem;
use crate::engine::Tree;

/// How long a body may take to come in.
const TIME: Duration = Duration::from_mins(5);

/// A query, read as `T`.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

/// A JSON body, read as `T`; an empty one is `{}`. Whatever the Content-Type says: `curl -d` says
/// that it is a form.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

/// A body as it came.
#[derive(Debug)]
pub(super) struct Raw(pub(super) Bytes);

/// The name at the end of a path, read as `T`.
#[derive(Debug)]
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut read: Vec<(String, Text)> = Vec::new();
        for pair in parts.uri.query().unwrap_or_default().split('&').filter(|it| !it.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if read.iter().any(|(other, _)| *other == name) {
                let text = format!("the query names {name} twice: keep one");
                return Err(Problem::BadRequest(text));
            }
            read.push((name, Text(value)));
        }
        Ok(Self(fields::read(read)?))
    }
}

/// Decodes a part of a query, in which a plus is a space.
fn decoded(text: &str) -> Result<String, Problem> {
    let text = text.replace('+', " ");
    let read = percent_decode_str(&text).decode_utf8();
    read.map(std::borrow::Cow::into_owned).map_err(|_| not_utf8("query"))
}

fn not_utf8(what: &str) -> Problem {
    Problem::BadRequest(format!("the {what} is not UTF-8 when it is percent-decoded"))
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Raw(bytes) = Raw::from_request(request, state).await?;
        read(&bytes).map(Self)
    }
}

/// Reads a JSON object as `T`; nothing at all is an empty one.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let bytes = if bytes.trim_ascii().is_empty() { b"{}" } else { bytes };
    let not_json = |error| Problem::BadRequest(format!("the body is not JSON: {error}"));
    // Of a name that stands twice the values below would only keep one.
    serde_json::from_slice::<Tree>(bytes).map_err(not_json)?;
    if let Value::Object(values) = serde_json::from_slice(bytes).map_err(not_json)? {
        return Ok(fields::read(values.into_iter().collect())?);
    }
    Err(Problem::BadRequest("the body is no object: write {\"name\": value, …}".to_owned()))
}

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = timeout(TIME, Bytes::from_request(request, state)).await;
        let bytes = bytes.map_err(|_| Problem::Slow)?;
        bytes.map(Self).map_err(|rejection: BytesRejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge,
            _ => Problem::BadRequest("the body does not come in whole: send it again".to_owned()),
        })
    }
}

impl<T: DeserializeOwned + Send + 'static, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let name: Result<Path<T>, PathRejection> = parts.extract().await;
        name.map(|Path(name)| Self(name))
            .map_err(|rejection| Problem::BadRequest(rejection.body_text()))
    }
}

/// Refuses addresses that are encoded wrongly, which others would each read otherwise.
pub(super) async fn well_encoded(request: Request, next: Next) -> Response {
    let uri = request.uri();
    for (what, text) in [("path", uri.path()), ("query", uri.query().unwrap_or_default())] {
        let mut parts = text.split('%');
        parts.next();
        let is_encoded = |part: &str| {
            part.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
        };
        if !parts.all(is_encoded) {
            let text = format!("the {what} has a % that encodes nothing: write %25 for a %");
            return Problem::BadRequest(text).into_response();
        }
        if percent_decode_str(text).decode_utf8().is_err() {
            return not_utf8(what).into_response();
        }
    }
    next.run(request).await
}
