//! Resources: what is counted, and how.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Desk;
use super::asked::{Body, Named, Query};
use super::groups::made;
use super::lists::{List, Paged};
use super::respond::Problem;
use super::statuses::{Changes, Finds, Reads};
use crate::engine::DeclaredResource;
use crate::quota::{Aggregate, Measure, Resource, Unit};

/// How a resource is to be counted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PutResource)]
pub(super) struct Put {
    /// How single amounts become one count: `sum` unless told.
    aggregate: Option<Aggregate>,
    /// In what it is measured: as its name says unless told.
    unit: Option<Unit>,
    /// How many decimals an amount may have, up to 6.
    #[schema(maximum = 6)]
    decimals: Option<u8>,
}

impl Desk {
    async fn told_resource(&self, name: &str) -> Result<Option<DeclaredResource>, Problem> {
        let all = self.engine.resources_declared().await?;
        Ok(all.into_iter().find(|it| it.resource.as_str() == name))
    }
}

/// List the resources
///
/// Every declared one, whether a group, a capability or a measure of its own declares it.
#[utoipa::path(get, path = "/v1/resources", operation_id = "list_resources", tag = "declaring",
    params(Paged), responses(
        (status = 200, description = "Resources by name", body = List<DeclaredResource>), Reads
    )
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Query(paged): Query<Paged>,
) -> Result<Json<List<DeclaredResource>>, Problem> {
    let all = desk.engine.resources_declared().await?;
    Ok(Json(List::part("resources", all, &paged, |it| it.resource.as_str())?))
}

/// One resource
#[utoipa::path(get, path = "/v1/resources/{name}", operation_id = "get_resource",
    tag = "declaring",
    params(("name" = Resource, Path, description = "The resource", example = "media_bytes")),
    responses((status = 200, description = "The resource", body = DeclaredResource), Finds)
)]
pub(super) async fn get(
    State(desk): State<Arc<Desk>>,
    Named(name): Named<String>,
) -> Result<Json<DeclaredResource>, Problem> {
    if let Some(found) = desk.told_resource(&name).await? {
        return Ok(Json(found));
    }
    let policy = desk.engine.policy().await?;
    let unknown = policy.resource(&name).err().map(|it| it.to_string());
    Err(Problem::NotFound(unknown.unwrap_or_else(|| format!("there is no resource {name}"))))
}

/// Say how a resource is counted
///
/// What the ledger holds of it is counted anew.
#[utoipa::path(put, path = "/v1/resources/{name}", operation_id = "put_resource",
    tag = "declaring",
    params(("name" = Resource, Path, description = "The resource", example = "seats")),
    request_body(content = Option<Put>, example = json!({"aggregate": "max", "unit": "seats"})),
    responses(
        (status = 200, description = "It was there", body = DeclaredResource),
        (status = 201, description = "It is new", body = DeclaredResource),
        Changes
    )
)]
pub(super) async fn put(
    State(desk): State<Arc<Desk>>,
    Named(resource): Named<Resource>,
    Body(Put { aggregate, unit, decimals }): Body<Put>,
) -> Result<(StatusCode, Json<DeclaredResource>), Problem> {
    let usual = resource.usual_measure();
    let measure = Measure {
        aggregate: aggregate.unwrap_or(usual.aggregate),
        unit: unit.unwrap_or(usual.unit),
        decimals: decimals.unwrap_or(usual.decimals),
    };
    let there = desk.told_resource(resource.as_str()).await?.is_some();
    desk.engine.set_resource(&resource, &measure).await?;
    let told = desk.told_resource(resource.as_str()).await?;
    let gone = || Problem::Conflict(format!("{resource} was removed meanwhile"));
    Ok((made(there), Json(told.ok_or_else(gone)?)))
}

/// Count a resource as its name says again
///
/// The ledger keeps what was used.
#[utoipa::path(delete, path = "/v1/resources/{name}", operation_id = "delete_resource",
    tag = "declaring",
    params(("name" = Resource, Path, description = "The resource", example = "seats")),
    responses((status = 204, description = "It is a sum again, or gone"), Changes)
)]
pub(super) async fn delete(
    State(desk): State<Arc<Desk>>,
    Named(resource): Named<Resource>,
) -> Result<StatusCode, Problem> {
    desk.engine.remove_resource(&resource).await?;
    Ok(StatusCode::NO_CONTENT)
}
