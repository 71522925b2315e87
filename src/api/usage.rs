//! One subject: what it used.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Desk;
use super::asked::Query;
use super::respond::Problem;
use super::statuses::Reads;
use crate::clock::Timestamp;
use crate::engine::{Span, Summary, UsageReport};
use crate::quota::{Period, Subject};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Question {
    /// Who.
    #[param(example = "@alice:example.org")]
    subject: Subject,
    /// Of what.
    #[param(example = "media_bytes")]
    resource: String,
    /// Of the current stretch of this period; otherwise of the windows of the limit.
    period: Option<Period>,
    /// From this moment on, together with an end.
    start: Option<Timestamp>,
    /// Up to, not including, this moment.
    end: Option<Timestamp>,
}

/// What one subject used of one resource
///
/// Answers zeros for who has used nothing.
#[utoipa::path(get, path = "/v1/usage", tag = "telling", params(Question), responses(
    (status = 200, description = "What was used, and what is left", body = UsageReport), Reads
))]
pub(super) async fn usage(
    State(desk): State<Arc<Desk>>,
    Query(question): Query<Question>,
) -> Result<Json<UsageReport>, Problem> {
    let Question { subject, resource, period, start, end } = question;
    let span = match (period, start, end) {
        (None, None, None) => Span::Limits,
        (Some(period), None, None) => Span::Period(period),
        (None, Some(start), Some(end)) => Span::Range(start, end),
        _ => {
            let text = "name either a period, or both start and end, or nothing".to_owned();
            return Err(Problem::BadRequest(text));
        }
    };
    let resource = desk.engine.resource(&resource).await?;
    Ok(Json(desk.engine.usage(&subject, &resource, span).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Whose {
    /// Who.
    #[param(example = "@alice:example.org")]
    subject: Subject,
}

/// What one subject used of everything
///
/// Every declared resource, all at one moment.
#[utoipa::path(get, path = "/v1/summary", tag = "telling", params(Whose), responses(
    (status = 200, description = "Group, and usage of each resource", body = Summary), Reads
))]
pub(super) async fn summary(
    State(desk): State<Arc<Desk>>,
    Query(Whose { subject }): Query<Whose>,
) -> Result<Json<Summary>, Problem> {
    Ok(Json(desk.engine.summary(&subject).await?))
}
