//! Refusals: how many uploads this process refused, hour by hour or day by day.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Desk;
use super::asked::Query;
use super::respond::Problem;
use super::statuses::Reads;
use crate::clock::{Timestamp, exact};
use crate::quota::Period;

/// As long as refusals are remembered.
const REMEMBERED: Duration = Duration::from_hours(90 * 24);

/// What is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Question {
    /// `hour`, the default, or `day`.
    step: Option<Period>,
    /// Default as far back as is remembered.
    start: Option<Timestamp>,
    /// Default now.
    end: Option<Timestamp>,
}

/// Refused uploads over time.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Refusals {
    /// When this process began to count; nothing is known of what was before.
    #[serde(with = "exact")]
    since: Timestamp,
    /// Each step of the time asked for, from the one in which the count began.
    items: Vec<Step>,
}

/// One step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RefusedStep)]
struct Step {
    /// Its first moment.
    start: Timestamp,
    /// How many uploads were refused.
    refused: u64,
    /// How many bytes they announced, or had sent by then.
    bytes: u64,
}

/// How many uploads were refused?
///
/// Counted in the memory of this process, for 90 days; days begin where the policy's do.
#[utoipa::path(get, path = "/v1/refusals", tag = "watching", params(Question),
    responses((status = 200, description = "Refused uploads over time", body = Refusals), Reads)
)]
pub(super) async fn refusals(
    State(desk): State<Arc<Desk>>,
    Query(question): Query<Question>,
) -> Result<Json<Refusals>, Problem> {
    let Question { step, start, end } = question;
    let step = step.unwrap_or(Period::Hour);
    if !matches!(step, Period::Hour | Period::Day) {
        return Err(Problem::BadRequest("step is hour or day".to_owned()));
    }
    let now = desk.engine.now();
    let (asked_from, end) = (start.unwrap_or(Timestamp::MIN), end.unwrap_or(now.after(SECOND)));
    if end <= asked_from {
        let text = format!("the range ends at {end}, before it starts");
        return Err(Problem::BadRequest(text));
    }
    let start = asked_from.max(desk.since).max(now.before(REMEMBERED));
    let end = end.min(now.after(SECOND));
    let steps = if start < end { desk.engine.calendar(step, start, end)? } else { Vec::new() };
    let items = steps.into_iter().map(|(start, length)| {
        let seconds = |moment: Timestamp| moment.millis().div_euclid(1000);
        let end = start.after(length);
        let refusals = desk.metrics.refusals.between(seconds(start), seconds(end));
        Step { start, refused: refusals.uploads, bytes: refusals.bytes }
    });
    Ok(Json(Refusals { since: desk.since, items: items.collect() }))
}

/// So that the present moment is within.
const SECOND: Duration = Duration::from_secs(1);
