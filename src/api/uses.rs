//! Facts: what happened, what there is, and counts that start anew.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Desk;
use super::asked::Body;
use super::respond::Problem;
use super::statuses::Writes;
use crate::clock::Timestamp;
use crate::engine::{Fact, Recorded};
use crate::quota::{Amount, Said, Subject};

/// Something that happened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Use {
    subject: Subject,
    /// Of what.
    #[schema(example = "media_bytes")]
    resource: String,
    /// How much; below zero it takes back. Needed unless there is a value.
    amount: Option<Said>,
    /// Which one, of a resource that counts different ones.
    value: Option<String>,
    /// A name for this call, of 1 to 255 bytes: told again, it is recorded once.
    key: Option<String>,
    /// When, at most 35 days back; now unless told.
    at: Option<Timestamp>,
}

/// Record what was used
///
/// Whatever the limit: what happened, happened. Answers once it is on disk.
#[utoipa::path(post, path = "/v1/use", tag = "recording",
    request_body(content = Use, example = json!({
        "subject": "@alice:example.org", "resource": "media_bytes", "amount": "300MB", "key": "file-17"
    })),
    responses((status = 200, description = "What the count is now", body = Recorded), Writes)
)]
pub(super) async fn record(
    State(desk): State<Arc<Desk>>,
    Body(told): Body<Use>,
) -> Result<Json<Recorded>, Problem> {
    let Use { subject, resource, amount, value, key, at } = told;
    let resource = desk.engine.resource(&resource).await?;
    let amount = match amount {
        Some(said) => desk.amount(&resource, &said)?,
        None if value.is_some() => Amount::ONE,
        None => {
            return Err(Problem::BadRequest("missing field `amount`: write how much".to_owned()));
        }
    };
    let fact = Fact { subject, resource, amount, member: value, key, at };
    Ok(Json(desk.engine.record(&fact).await?))
}
