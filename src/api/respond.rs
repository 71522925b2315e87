//! What callers are told: `EngineError` and bad input → status and JSON.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::fields::Wrong;
use crate::clock::NotATime;
use crate::engine::EngineError;
use crate::quota::Invalid;
use crate::telemetry::cause;

/// Why a call was not answered.
#[derive(Debug)]
pub(super) enum Problem {
    /// 400: the text says what would be right.
    BadRequest(String),
    /// 401: the token is missing or wrong.
    Unauthorized,
    /// 401: a page of somebody else calls, or may be behind what calls without a token.
    OfAPage,
    /// 401: a page of another site signs in or out.
    OfAnotherSite,
    /// 404.
    NotFound(String),
    /// 405.
    Method,
    /// 409.
    Conflict(String),
    /// 409: the reservation is no longer open.
    Lapsed,
    /// 413.
    TooLarge,
    /// 503: the store does not answer. Why, only the log tells.
    Unavailable,
    /// 503: it took too long.
    Slow,
}

impl Problem {
    fn parts(self) -> (StatusCode, &'static str, String) {
        match self {
            Self::BadRequest(text) => (StatusCode::BAD_REQUEST, "bad_request", text),
            Self::Unauthorized => {
                let text = "show the token: Authorization: Bearer TOKEN".to_owned();
                (StatusCode::UNAUTHORIZED, "unauthorized", text)
            }
            Self::OfAPage => {
                let text = "without a token only programs and pages of this machine may call, by \
                     localhost or 127.0.0.1: set [admin] token";
                (StatusCode::UNAUTHORIZED, "unauthorized", text.to_owned())
            }
            Self::OfAnotherSite => {
                let text = "only the dashboard's own page signs in and out: a proxy before it has to \
                     pass Host on as it is";
                (StatusCode::UNAUTHORIZED, "unauthorized", text.to_owned())
            }
            Self::NotFound(text) => (StatusCode::NOT_FOUND, "not_found", text),
            Self::Method => {
                let text = "this path does not take this method".to_owned();
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", text)
            }
            Self::Conflict(text) => (StatusCode::CONFLICT, "conflict", text),
            Self::Lapsed => {
                let text = "the reservation has lapsed: reserve anew".to_owned();
                (StatusCode::CONFLICT, "lapsed", text)
            }
            Self::TooLarge => {
                let text = "the body is larger than this call takes: send less".to_owned();
                (StatusCode::PAYLOAD_TOO_LARGE, "too_large", text)
            }
            Self::Unavailable => {
                let text = "the store does not answer: try again later".to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", text)
            }
            Self::Slow => {
                let text = "it took too long: try again later".to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", text)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, message) = self.parts();
        let body = Json(json!({ "error": { "code": code, "message": message } }));
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::BadInput(text) => Self::BadRequest(text),
            EngineError::NotFound(text) => Self::NotFound(text),
            EngineError::Conflict(text) => Self::Conflict(text),
            // That the store is out is said once, by whoever watches over it.
            EngineError::Unavailable(_) => {
                tracing::debug!(error = cause(&error), "call not answered");
                Self::Unavailable
            }
        }
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::BadRequest(invalid.to_string())
    }
}

impl From<NotATime> for Problem {
    fn from(error: NotATime) -> Self {
        Self::BadRequest(error.to_string())
    }
}

impl From<Wrong> for Problem {
    fn from(wrong: Wrong) -> Self {
        Self::BadRequest(wrong.to_string())
    }
}
