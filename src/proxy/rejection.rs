//! Rejection: every reason to answer ourselves, and that answer.

use std::sync::Arc;

use http::header::{ALLOW, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde_json::json;

use super::settings::{Errcode, Refusal as Style, Settings};
use crate::clock::whole_seconds;
use crate::engine::{Decision, EngineError, Figures, Reason};
use crate::matrix::{ErrCode, MatrixError, Refusal, WhoamiError};
use crate::net::{Body, ClientError, Full};
use crate::quota::capability::UPLOAD;
use crate::quota::{Amount, Measure, Per, Period, Unit, Zone};
use crate::telemetry::cause;
use crate::telemetry::labels::{Crowd, Label};

/// When a client may try again after something of ours was out, in seconds.
const SOON: u64 = 5;

/// Why we answer ourselves.
#[derive(Debug)]
pub(super) enum Rejection {
    /// The quota is spent, or the file is too large.
    Denied(Box<Decision>),
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
    StoreOut,
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

    /// Returns the rejection for books that did not answer.
    pub(super) fn from_engine(error: &EngineError) -> Self {
        match error {
            EngineError::BadInput(_) | EngineError::NotFound(_) => {
                tracing::warn!(%error, "upload cannot be counted");
                Self::BadRequest("the size of the upload cannot be counted")
            }
            EngineError::Conflict(_) => {
                tracing::error!(error = cause(error), "books cannot be kept");
                Self::StoreOut
            }
            // That the store is out is said once, by whoever watches over it.
            EngineError::Unavailable(_) => {
                tracing::debug!(error = cause(error), "books cannot be kept");
                Self::StoreOut
            }
        }
    }

    /// Returns the answer.
    pub(super) fn into_response(self, settings: &Settings) -> Response<Body> {
        let unknown = |status, text| MatrixError::new(status, ErrCode::Unknown, text);
        let later = |error: MatrixError| error.with_header(RETRY_AFTER, SOON);
        let error = match self {
            Self::Denied(decision) => denied(&decision, &settings.refusal),
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
            Self::StoreOut => later(unknown(
                StatusCode::SERVICE_UNAVAILABLE,
                "Uploads cannot be counted right now. Try again later. Text messages still work.",
            )),
            Self::Upstream => unknown(StatusCode::BAD_GATEWAY, "The homeserver cannot be reached."),
            Self::UpstreamIdle => unknown(
                StatusCode::GATEWAY_TIMEOUT,
                "The homeserver stopped taking the upload (body_idle_timeout).",
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

fn busy(by: Crowd, most: usize) -> MatrixError {
    let limit = by.word();
    let text = format!("Too many uploads at the same time: at most {most} ({limit}).");
    MatrixError::new(StatusCode::TOO_MANY_REQUESTS, ErrCode::LimitExceeded, text)
        .with("retry_after_ms", SOON * 1000)
        .with_header(RETRY_AFTER, SOON)
}

/// The answer to a user whose quota is spent, with all figures.
pub(super) fn denied(decision: &Decision, style: &Style) -> MatrixError {
    match (decision.reason, &decision.binding, decision.max_size) {
        (Reason::TooLarge, _, Some(max)) => too_large(max),
        (_, Some(figures), _) => over_limit(figures, decision.retry_after, style),
        (_, None, _) => {
            MatrixError::new(StatusCode::FORBIDDEN, ErrCode::Forbidden, "Uploads are not allowed.")
        }
    }
}

fn too_large(max: Amount) -> MatrixError {
    let text = format!("File too large: at most {} each.", Measure::BYTES.human(max));
    MatrixError::new(StatusCode::PAYLOAD_TOO_LARGE, ErrCode::TooLarge, text)
}

fn over_limit(figures: &Figures, retry_after: Option<u64>, style: &Style) -> MatrixError {
    let longest = whole_seconds(style.retry_after_max);
    let wait = retry_after.unwrap_or(longest).min(longest);
    let (status, code) = match style.errcode {
        Errcode::LimitExceeded => (StatusCode::TOO_MANY_REQUESTS, ErrCode::LimitExceeded),
        Errcode::UserLimitExceeded => (StatusCode::FORBIDDEN, ErrCode::UserLimitExceeded),
        Errcode::Forbidden => (StatusCode::FORBIDDEN, ErrCode::Forbidden),
    };
    let mut error = MatrixError::new(status, code, sentence(figures));
    if status == StatusCode::TOO_MANY_REQUESTS {
        let wait_ms = wait.saturating_mul(1000);
        error = error.with("retry_after_ms", wait_ms).with_header(RETRY_AFTER, wait);
    }
    if let Some(uri) = &style.info_uri {
        error = error.with("info_uri", uri.clone());
    }
    let window = &figures.window;
    let quota = json!({
        "capability": UPLOAD,
        "resource": figures.resource,
        "limit": window.limit,
        "used": window.used,
        "reserved": window.reserved,
        "requested": figures.requested,
        "remaining": window.remaining,
        "period": window.period,
        "resets_at": window.resets_at,
    });
    error.with("org.metergate.quota", quota)
}

/// Tells a person what is spent, by whom, what is asked for, and when there is room again.
fn sentence(figures: &Figures) -> String {
    let (window, resource) = (&figures.window, &figures.resource);
    let measure = &figures.measure;
    let human = |amount| measure.human(amount);
    let limit = window.limit.map_or_else(|| "unlimited".to_owned(), human);
    let used = human(window.used);
    let when = window.period.when();
    let (needs, what) = match measure.unit {
        // Nobody has named a size.
        Unit::Bytes if figures.requested <= Amount::ONE => (String::new(), String::new()),
        Unit::Bytes => (format!(", this file needs {}", human(figures.requested)), String::new()),
        Unit::Count => (String::new(), format!(" {resource}")),
        // It is said with every number.
        Unit::Label(_) => (String::new(), String::new()),
    };
    let whose = match window.per {
        Per::Subject => "Upload limit",
        Per::Group => "Upload limit shared with others",
        Per::Server => "Upload limit of the whole server",
    };
    let resets = window.resets_at.map(|moment| match window.period {
        // It does not start anew: what was used falls out of it bit by bit.
        Period::Rolling(_) => format!(" The first of it is free again {}.", Zone::UTC.tell(moment)),
        _ => format!(" Resets {}.", Zone::UTC.tell(moment)),
    });
    format!(
        "{whose} reached: {used} of {limit}{what} used {when}{needs}.{} Text messages still work.",
        resets.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::WindowDecision;
    use crate::quota::strictness::Mode;

    fn figures(period: &str, per: Per, resets_at: &str) -> Figures {
        let window = WindowDecision {
            period: period.parse().unwrap(),
            bucket: String::new(),
            per,
            mode: Mode::Hard,
            limit: Some(Amount::new(500)),
            used: Amount::new(498),
            reserved: Amount::ZERO,
            remaining: Some(Amount::new(2)),
            resets_at: resets_at.parse().ok(),
            over: false,
            would_deny: true,
            ceiling: None,
            grace_ends: None,
        };
        let resource = "media_bytes".parse().unwrap();
        Figures { resource, requested: Amount::new(12), measure: Measure::BYTES, window }
    }

    #[test]
    fn a_person_is_told_whose_limit_it_is_and_when_there_is_room() {
        for (period, per, resets_at, expected) in [
            (
                "month",
                Per::Subject,
                "2026-12-01",
                "Upload limit reached: 498 B of 500 B used this month, this file needs 12 B. Resets 1 December 2026 00:00 UTC. Text messages still work.",
            ),
            (
                "rolling 30d",
                Per::Group,
                "2026-12-01",
                "Upload limit shared with others reached: 498 B of 500 B used in the last 30 days, this file needs 12 B. The first of it is free again 1 December 2026 00:00 UTC. Text messages still work.",
            ),
            (
                "rolling 30d",
                Per::Server,
                "",
                "Upload limit of the whole server reached: 498 B of 500 B used in the last 30 days, this file needs 12 B. Text messages still work.",
            ),
        ] {
            assert_eq!(sentence(&figures(period, per, resets_at)), expected);
        }
    }

    #[test]
    fn a_label_is_said_with_every_number() {
        let mut told = figures("never", Per::Subject, "");
        told.measure = Measure { unit: "points".parse().unwrap(), decimals: 1, ..Measure::COUNT };
        let expected =
            "Upload limit reached: 49.8 points of 50 points used in all. Text messages still work.";
        assert_eq!(sentence(&told), expected);
    }
}
