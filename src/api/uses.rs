//! Facts: what happened, what there is, and counts that start anew.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Desk;
use super::asked::{Body, Query};
use super::respond::Problem;
use super::statuses::Writes;
use crate::clock::Timestamp;
use crate::engine::{Fact, Recorded, WindowDecision};
use crate::quota::{Amount, Period, Resource, Said, Subject};

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

/// What else is told.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Telling {
    /// Whether the window with the least room is told, too.
    window: Option<bool>,
}

/// What the count is now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ToldCount {
    #[serde(flatten)]
    recorded: Recorded,
    /// The subject's own window with the least room; without a limit that of the default period.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<WindowDecision>,
}

impl ToldCount {
    fn of(recorded: Recorded, telling: &Telling) -> Json<Self> {
        let window = telling.window.unwrap_or_default().then(|| recorded.window.clone());
        Json(Self { recorded, window })
    }
}

/// Record what was used
///
/// Whatever the limit: what happened, happened. Answers once it is on disk.
#[utoipa::path(post, path = "/v1/use", tag = "recording", params(Telling),
    request_body(content = Use, example = json!({
        "subject": "@alice:example.org", "resource": "media_bytes", "amount": "300MB", "key": "file-17"
    })),
    responses((status = 200, description = "What the count is now", body = ToldCount), Writes)
)]
pub(super) async fn record(
    State(desk): State<Arc<Desk>>,
    Query(telling): Query<Telling>,
    Body(told): Body<Use>,
) -> Result<Json<ToldCount>, Problem> {
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
    Ok(ToldCount::of(desk.engine.record(&fact).await?, &telling))
}

/// What there is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Set {
    subject: Subject,
    /// Of what.
    #[schema(example = "storage_bytes")]
    resource: String,
    /// How much there is now, not below zero.
    #[serde(alias = "amount")]
    value: Said,
}

/// What starts anew.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reset {
    subject: Subject,
    /// Of what; of everything unless told.
    resource: Option<String>,
    /// Only the count of this period.
    period: Option<Period>,
}

/// What has started anew.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WasReset {
    subject: Subject,
    resources: Vec<Resource>,
    period: Option<Period>,
}

/// Bring a count to a value
///
/// For stocks, such as what somebody's files take up now. The difference is one line of the
/// ledger, whatever the limit.
#[utoipa::path(post, path = "/v1/set", tag = "recording", params(Telling),
    request_body(content = Set, example = json!({
        "subject": "@alice:example.org", "resource": "media_bytes", "value": "120MB"
    })),
    responses((status = 200, description = "What the count is now", body = ToldCount), Writes)
)]
pub(super) async fn set(
    State(desk): State<Arc<Desk>>,
    Query(telling): Query<Telling>,
    Body(Set { subject, resource, value }): Body<Set>,
) -> Result<Json<ToldCount>, Problem> {
    let resource = desk.engine.resource(&resource).await?;
    let value = desk.amount(&resource, &value)?;
    Ok(ToldCount::of(desk.engine.set(&subject, &resource, value).await?, &telling))
}

/// Bring a count to zero
///
/// The current one, in every period or in one. What was used stays in the ledger.
#[utoipa::path(post, path = "/v1/reset", tag = "recording",
    request_body(content = Reset, example = json!({
        "subject": "@alice:example.org", "resource": "media_bytes"
    })),
    responses((status = 200, description = "What starts anew", body = WasReset), Writes)
)]
pub(super) async fn reset(
    State(desk): State<Arc<Desk>>,
    Body(Reset { subject, resource, period }): Body<Reset>,
) -> Result<Json<WasReset>, Problem> {
    let resources = match resource {
        Some(name) => vec![desk.engine.resource(&name).await?],
        None => desk.engine.resources().await?,
    };
    desk.engine.reset(&subject, &resources, period).await?;
    Ok(Json(WasReset { subject, resources, period }))
}
