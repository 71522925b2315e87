//! May this subject do this, and why?

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::Desk;
use super::respond::Problem;
use crate::engine::{Decision, Explanation, Worded};
use crate::quota::Subject;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    subject: Subject,
    /// What they want to do, or
    capability: Option<String>,
    /// what they want of.
    resource: Option<String>,
    /// Of a capability in bytes; without it one unit of each resource is asked for.
    amount: Option<String>,
    /// Which one, of a resource that counts different ones.
    member: Option<String>,
    /// A limit in place of the subject's own.
    limit: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    subject: Subject,
    #[serde(skip_serializing_if = "Option::is_none")]
    capability: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    #[serde(flatten)]
    decision: Decision,
}

/// Answers 200 whether it is yes or no.
pub(super) async fn check(
    State(desk): State<Arc<Desk>>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Json<Answer>, Problem> {
    let Query(Question { subject, capability, resource, amount, member, limit }) = question?;
    let worded = Worded { capability, resource, amount, member, limit };
    let ask = desk.engine.understand(&worded).await?;
    let decision = desk.engine.check(&subject, &ask).await?;
    let Worded { capability, resource, .. } = worded;
    Ok(Json(Answer { subject, capability, resource, decision }))
}

/// Answers 200 whether it is yes or no.
pub(super) async fn explain(
    State(desk): State<Arc<Desk>>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Json<Explanation>, Problem> {
    let Query(Question { subject, capability, resource, amount, member, limit }) = question?;
    let worded = Worded { capability, resource, amount, member, limit };
    let ask = desk.engine.understand(&worded).await?;
    Ok(Json(desk.engine.explain(&subject, &ask).await?))
}
