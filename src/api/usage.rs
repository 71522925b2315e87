//! One subject: what it used.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;

use super::Desk;
use super::respond::Problem;
use crate::clock::Timestamp;
use crate::engine::{Span, UsageReport};
use crate::quota::{Period, Subject};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    subject: Subject,
    resource: String,
    period: Option<Period>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

/// Answers zeros for who has used nothing.
pub(super) async fn usage(
    State(desk): State<Arc<Desk>>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Json<UsageReport>, Problem> {
    let Query(Question { subject, resource, period, start, end }) = question?;
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
