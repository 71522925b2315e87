//! May this subject do this, and why?

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;

use super::Desk;
use super::respond::Problem;
use crate::engine::{Answered, Explanation, Worded};
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

impl From<Question> for (Subject, Worded) {
    fn from(question: Question) -> Self {
        let Question { subject, capability, resource, amount, member, limit } = question;
        (subject, Worded { capability, resource, amount, member, limit })
    }
}

/// Answers 200 whether it is yes or no.
pub(super) async fn check(
    State(desk): State<Arc<Desk>>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Json<Answered>, Problem> {
    let (subject, worded) = question?.0.into();
    let ask = desk.engine.understand(&worded).await?;
    let decision = desk.engine.check(&subject, &ask).await?;
    Ok(Json(worded.answered(subject, decision)))
}

/// Answers 200 whether it is yes or no.
pub(super) async fn explain(
    State(desk): State<Arc<Desk>>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Json<Explanation>, Problem> {
    let (subject, worded) = question?.0.into();
    let ask = desk.engine.understand(&worded).await?;
    Ok(Json(desk.engine.explain(&subject, &ask).await?))
}
