//! Records what happened.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use bytes::Bytes;
use serde::Deserialize;

use super::Desk;
use super::respond::Problem;
use crate::clock::Timestamp;
use crate::engine::{Fact, Recorded};
use crate::quota::{Amount, Said, Subject};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    subject: Subject,
    resource: String,
    amount: Option<Said>,
    /// Which one, of a resource that counts different ones.
    value: Option<String>,
    key: Option<String>,
    at: Option<Timestamp>,
}

/// Answers once it is on disk.
pub(super) async fn record(
    State(desk): State<Arc<Desk>>,
    told: Result<Bytes, BytesRejection>,
) -> Result<Json<Recorded>, Problem> {
    // Whatever the Content-Type says: `curl -d` says that it is a form.
    let Told { subject, resource, amount, value, key, at } = serde_json::from_slice(&told?)?;
    let resource = desk.engine.resource(&resource).await?;
    let amount = match amount {
        Some(Said::Units(units)) => units,
        Some(Said::Text(text)) => desk.engine.measure(&resource).parse(&text)?,
        None if value.is_some() => Amount::ONE,
        None => {
            return Err(Problem::BadRequest("missing field `amount`: write how much".to_owned()));
        }
    };
    let fact = Fact { subject, resource, amount, member: value, key, at };
    Ok(Json(desk.engine.record(&fact).await?))
}
