//! May this subject do this, and why?

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Desk;
use super::asked::Query;
use super::respond::Problem;
use super::statuses::Reads;
use crate::engine::{Answered, Explanation, Worded};
use crate::quota::{Said, Subject};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Question {
    /// Who.
    #[param(example = "@alice:example.org")]
    subject: Subject,
    /// What they want to do, or
    #[param(example = "upload_media")]
    capability: Option<String>,
    /// what they want of.
    resource: Option<String>,
    /// Of a capability in bytes; without it one unit of each resource is asked for.
    #[param(example = "10MB")]
    amount: Option<String>,
    /// Which one, of a resource that counts different ones.
    member: Option<String>,
    /// A limit in place of the subject's own.
    limit: Option<String>,
}

impl From<Question> for (Subject, Worded) {
    fn from(question: Question) -> Self {
        let Question { subject, capability, resource, amount, member, limit } = question;
        let amount = amount.map(Said::Text);
        (subject, Worded { capability, resource, items: None, amount, member, limit })
    }
}

/// May they?
///
/// Answers 200 whether it is yes or no. Nothing is set aside: a second question right after may be
/// answered otherwise.
#[utoipa::path(get, path = "/v1/check", tag = "deciding", params(Question), responses(
    (status = 200, description = "Yes or no, with all figures", body = Answered), Reads
))]
pub(super) async fn check(
    State(desk): State<Arc<Desk>>,
    Query(question): Query<Question>,
) -> Result<Json<Answered>, Problem> {
    let (subject, worded) = question.into();
    let ask = desk.engine.understand(&worded).await?;
    let decision = desk.engine.check(&subject, &ask).await?;
    Ok(Json(worded.answered(subject, decision)))
}

/// Why is it yes or no?
///
/// All that the answer of a check depends on, and what would have to change for a yes.
#[utoipa::path(get, path = "/v1/explain", tag = "deciding", params(Question), responses(
    (status = 200, description = "The decision, and how it comes about", body = Explanation), Reads
))]
pub(super) async fn explain(
    State(desk): State<Arc<Desk>>,
    Query(question): Query<Question>,
) -> Result<Json<Explanation>, Problem> {
    let (subject, worded) = question.into();
    let ask = desk.engine.understand(&worded).await?;
    Ok(Json(desk.engine.explain(&subject, &ask).await?))
}
