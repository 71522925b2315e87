//! Rejection: every reason to answer ourselves, and that answer.

use std::sync::Arc;

use http::header::{ALLOW, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

use super::action::{Action, Kind};
use super::denied::denied;
use super::settings::Settings;
use crate::engine::{Decision, EngineError};
use crate::matrix::{ErrCode, MatrixError, Refusal, WhoamiError};
use crate::net::{Body, ClientError, Full};
use crate::telemetry::cause;
use crate::telemetry::labels::{Crowd, Label};

/// When a client may try again after something of ours was out, in seconds.
const SOON: u64 = 5;

/// Why we answer ourselves.
#[derive(Debug)]
pub(super) enum Rejection {
    /// The quota is spent, or the file is too large.
    Denied(Action, Box<Decision>),
    /// As many uploads of a user, or of a client, are under way as may be.
    Busy(Crowd, Full),
    /// There is more than one token, so nobody may be believed.
    AmbiguousToken,
    /// The homeserver knows nobody by this token: its own words.
    Relayed(Arc<Refusal>),
    /// The homeserver did not say who asks.
    IdentityUnknown(WhoamiError),
    /// There is no such thing, or it is disguised.
    Unrecognized,
    /// There is such a thing, but not by this method; by these it is.
    Method(&'static str),
    /// A parameter makes no sense.
    BadParameter(String),
    /// The head can be read in two ways.
    BadRequest(&'static str),
    /// There are more headers than `header_count`.
    TooManyHeaders,
    /// The client sent nothing for too long.
    BodyIdle,
    /// The client left in the middle of its request; it may still listen.
    ClientGone,
    /// The books cannot be kept now.
    StoreOut(Kind),
    /// The homeserver cannot be reached, or broke off.
    Upstream,
    /// The homeserver took nothing of the body for too long.
    UpstreamIdle,
    /// The homeserver's answer did not begin in time.
    UpstreamLate,
    /// This process ends.
    ShuttingDown,
}

/// Marks an answer that hardly anybody will read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Departed;

impl Rejection {
    /// Returns the rejection for a request that got no answer from the homeserver.
    pub(super) fn from_client(error: &ClientError) -> Self {
        match error {
            ClientError::Body(_) if error.is_parting() => Self::ClientGone,
            ClientError::Body(_) => Self::BodyIdle,
            ClientError::Connect(_) | ClientError::ConnectTimeout | ClientError::Broken(_) => {
                tracing::warn!(error = cause(error), "homeserver did not answer");
                Self::Upstream
            }
        }
    }

    /// Returns the rejection for books that did not answer, when something of this `kind` was asked.
    pub(super) fn from_engine(error: &EngineError, kind: Kind) -> Self {
        match error {
            EngineError::BadInput(_) | EngineError::NotFound(_) => {
                tracing::warn!(%error, "what is metered cannot be counted");
                match kind {
                    Kind::Upload => Self::BadRequest("the size of the upload cannot be counted"),
                    // Its capability is not declared at this moment, or not what it was.
                    Kind::Download | Kind::Other => Self::StoreOut(kind),
                }
            }
            EngineError::Conflict(_) => {
                tracing::error!(error = cause(error), "books cannot be kept");
                Self::StoreOut(kind)
            }
            // That the store is out is said once, by whoever watches over it.
            EngineError::Unavailable(_) => {
                tracing::debug!(error = cause(error), "books cannot be kept");
                Self::StoreOut(kind)
            }
        }
    }

    /// Returns the answer.
    pub(super) fn into_response(self, settings: &Settings) -> Response<Body> {
        let unknown = |status, text| MatrixError::new(status, ErrCode::Unknown, text);
        let later = |error: MatrixError| error.with_header(RETRY_AFTER, SOON);
        let error = match self {
            Self::Denied(action, decision) => denied(&action, &decision, &settings.refusal),
            Self::Busy(by, Full(most)) => busy(by, most),
            Self::Relayed(refusal) => return refusal.response(),
            Self::AmbiguousToken => MatrixError::new(
                StatusCode::UNAUTHORIZED,
                ErrCode::Unauthorized,
                "More than one access token: send one, in the Authorization header.",
            ),
            Self::IdentityUnknown(WhoamiError::Timeout) => later(unknown(
                StatusCode::SERVICE_UNAVAILABLE,
                "The homeserver did not say in time who is asking. Try again later.",
            )),
            Self::IdentityUnknown(WhoamiError::Unreachable(_) | WhoamiError::Odd(_)) => {
                later(unknown(
                    StatusCode::BAD_GATEWAY,
                    "The homeserver did not say who is asking. Try again later.",
                ))
            }
            Self::Unrecognized => MatrixError::new(
                StatusCode::NOT_FOUND,
                ErrCode::Unrecognized,
                "There is no such endpoint.",
            ),
            Self::Method(allowed) => MatrixError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                ErrCode::Unrecognized,
                format!("This endpoint knows the methods {allowed}."),
            )
            .with_header(ALLOW, HeaderValue::from_static(allowed)),
            Self::BadParameter(text) => {
                MatrixError::new(StatusCode::BAD_REQUEST, ErrCode::InvalidParam, text)
            }
            Self::BadRequest(text) => unknown(StatusCode::BAD_REQUEST, text),
            Self::TooManyHeaders => unknown(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "The request has too many headers (header_count).",
            ),
            Self::BodyIdle => unknown(
                StatusCode::REQUEST_TIMEOUT,
                "The request body stopped coming (body_idle_timeout).",
            ),
            Self::ClientGone => {
                let text = "The request body broke off.";
                let mut response = unknown(StatusCode::BAD_REQUEST, text).into_response();
                response.extensions_mut().insert(Departed);
                return response;
            }
            Self::StoreOut(kind) => {
                later(unknown(StatusCode::SERVICE_UNAVAILABLE, cannot_be_counted(kind)))
            }
            Self::Upstream => unknown(StatusCode::BAD_GATEWAY, "The homeserver cannot be reached."),
            Self::UpstreamIdle => unknown(
                StatusCode::GATEWAY_TIMEOUT,
                "The homeserver stopped taking the request body (body_idle_timeout).",
            ),
            Self::UpstreamLate => unknown(
                StatusCode::GATEWAY_TIMEOUT,
                "The homeserver did not answer in time (response_head_timeout).",
            ),
            Self::ShuttingDown => later(unknown(
                StatusCode::SERVICE_UNAVAILABLE,
                "The server is restarting. Try again.",
            )),
        };
        error.into_response()
    }
}

const fn cannot_be_counted(kind: Kind) -> &'static str {
    match kind {
        Kind::Upload => "Uploads cannot be counted right now. Try again later.",
        Kind::Download => "Downloads cannot be counted right now. Try again later.",
        Kind::Other => "This cannot be counted right now. Try again later.",
    }
}

fn busy(by: Crowd, most: usize) -> MatrixError {
    let limit = by.word();
    let text = format!("Too many uploads at the same time: at most {most} ({limit}).");
    MatrixError::new(StatusCode::TOO_MANY_REQUESTS, ErrCode::LimitExceeded, text)
        .with("retry_after_ms", SOON * 1000)
        .with_header(RETRY_AFTER, SOON)
}
