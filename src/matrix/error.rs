//! Matrix errors: status, errcode and words, as an answer.

use std::borrow::Cow;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::cors;
use crate::net::Body;

/// The error codes we give ourselves.
///
/// <https://spec.matrix.org/v1.18/client-server-api/#standard-error-response>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrCode {
    /// `M_FORBIDDEN`: not allowed.
    Forbidden,
    /// `M_LIMIT_EXCEEDED`: too much for now; may be tried again later.
    LimitExceeded,
    /// `M_USER_LIMIT_EXCEEDED`: too much for this user; see `info_uri`.
    UserLimitExceeded,
    /// `M_TOO_LARGE`: this one thing is too large.
    TooLarge,
    /// `M_UNAUTHORIZED`: it is not clear who asks.
    Unauthorized,
    /// `M_UNRECOGNIZED`: no such endpoint.
    Unrecognized,
    /// `M_BAD_JSON`: the request's content is not as it should be.
    BadJson,
    /// `M_INVALID_PARAM`: a parameter has a value that makes no sense.
    InvalidParam,
    /// `M_NOT_FOUND`: the endpoint is there, what it was asked for is not.
    NotFound,
    /// `M_UNKNOWN`: something else went wrong.
    Unknown,
}

impl ErrCode {
    /// Returns the code as it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "M_FORBIDDEN",
            Self::LimitExceeded => "M_LIMIT_EXCEEDED",
            Self::UserLimitExceeded => "M_USER_LIMIT_EXCEEDED",
            Self::TooLarge => "M_TOO_LARGE",
            Self::Unauthorized => "M_UNAUTHORIZED",
            Self::Unrecognized => "M_UNRECOGNIZED",
            Self::BadJson => "M_BAD_JSON",
            Self::InvalidParam => "M_INVALID_PARAM",
            Self::NotFound => "M_NOT_FOUND",
            Self::Unknown => "M_UNKNOWN",
        }
    }
}

/// An answer that says no, in the words of the specification.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixError {
    status: StatusCode,
    code: ErrCode,
    text: Cow<'static, str>,
    fields: Vec<(&'static str, Value)>,
    headers: HeaderMap,
}

impl MatrixError {
    /// Returns an error; `text` is read by people.
    #[must_use]
    pub fn new(status: StatusCode, code: ErrCode, text: impl Into<Cow<'static, str>>) -> Self {
        let (fields, headers) = (Vec::new(), HeaderMap::new());
        Self { status, code, text: text.into(), fields, headers }
    }

    /// Adds a field to the JSON body, after those before it.
    #[must_use]
    pub fn with(mut self, field: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((field, value.into()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.insert(name, value.into());
        self
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the code.
    #[must_use]
    pub fn code(&self) -> ErrCode {
        self.code
    }

    /// Returns the answer, complete with what a web client needs to read it.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        // Strings and values that are JSON already cannot fail to become JSON.
        let json = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(json.len()));
        cors::allow_any_origin(headers);
        response.map(|()| Body::full(json))
    }
}

impl Serialize for MatrixError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("errcode", self.code.as_str())?;
        map.serialize_entry("error", &self.text)?;
        for (field, value) in &self.fields {
            map.serialize_entry(field, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use http::header::RETRY_AFTER;

    use super::*;
    use crate::net::small;

    #[tokio::test]
    async fn an_error_is_json_that_any_client_may_read() {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let response = MatrixError::new(status, ErrCode::LimitExceeded, "Upload limit reached.")
            .with("retry_after_ms", 60_000)
            .with_header(RETRY_AFTER, 60)
            .into_response();
        assert_eq!(response.status(), status);
        let (parts, body) = response.into_parts();
        assert_eq!(parts.headers[CONTENT_TYPE], "application/json");
        assert_eq!(parts.headers[RETRY_AFTER], "60");
        assert_eq!(parts.headers["access-control-allow-origin"], "*");
        let body = small(body, 1000).await.unwrap();
        assert_eq!(parts.headers[CONTENT_LENGTH], body.len().to_string());
        let expected = r#"{"errcode":"M_LIMIT_EXCEEDED","error":"Upload limit reached.","retry_after_ms":60000}"#;
        assert_eq!(body, expected);
    }
}
