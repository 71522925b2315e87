//! May this subject do this?

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::Desk;
use super::respond::Problem;
use crate::engine::{Ask, Decision};
use crate::quota::{Measure, Subject};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    subject: Subject,
    capability: String,
    /// In bytes; without it one unit of each resource is asked for.
    amount: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    subject: Subject,
    capability: String,
    #[serde(flatten)]
    decision: Decision,
}

/// Answers 200 whether it is yes or no.
pub(super) async fn check(
    State(desk): State<Arc<Desk>>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Json<Answer>, Problem> {
    let Query(Question { subject, capability, amount }) = question?;
    let amount = amount.map(|text| Measure::BYTES.parse(&text)).transpose()?;
    let ask = Ask::Capability { name: capability.clone(), amount };
    let decision = desk.engine.check(&subject, &ask).await?;
    Ok(Json(Answer { subject, capability, decision }))
}
