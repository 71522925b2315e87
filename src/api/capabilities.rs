//! Capabilities: actions, and the resources they draw on.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Desk;
use super::asked::{Body, Named, Query};
use super::groups::{from, made};
use super::lists::{List, Paged};
use super::respond::Problem;
use super::statuses::{Changes, Finds, Reads};
use crate::quota::{Capability, OnOutage, Policy, Resource};

/// One capability.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ToldCapability {
    #[schema(example = "upload_media")]
    name: String,
    /// What it draws on.
    resources: Vec<Resource>,
    /// While the store is out: `open` lets it pass, `closed` refuses it; null is as configured.
    on_outage: Option<OnOutage>,
    /// What declares it: `file`, `store`, or `built_in`.
    #[schema(example = "built_in")]
    from: &'static str,
}

impl ToldCapability {
    fn of(policy: &Policy, name: &str, capability: &Capability) -> Self {
        let in_file = policy.file.capabilities.contains_key(name);
        let declared = in_file || policy.store.capabilities.contains_key(name);
        Self {
            name: name.to_owned(),
            resources: capability.resources().to_vec(),
            on_outage: capability.on_outage(),
            from: if declared { from(in_file) } else { "built_in" },
        }
    }
}

/// Returns all capabilities by name.
pub(super) fn all(policy: &Policy) -> Vec<ToldCapability> {
    let all = policy.capabilities();
    all.iter().map(|(name, capability)| ToldCapability::of(policy, name, capability)).collect()
}

/// What a capability is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PutCapability)]
pub(super) struct Put {
    /// What it draws on, at least one. Naming a resource declares it.
    resources: Vec<Resource>,
    /// While the store is out: `open` lets it pass, `closed` refuses it; as configured unless told.
    on_outage: Option<OnOutage>,
}

/// List the capabilities
#[utoipa::path(get, path = "/v1/capabilities", operation_id = "list_capabilities",
    tag = "declaring", params(Paged), responses(
        (status = 200, description = "Capabilities by name", body = List<ToldCapability>), Reads
    )
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Query(paged): Query<Paged>,
) -> Result<Json<List<ToldCapability>>, Problem> {
    let all = all(&desk.engine.policy().await?);
    Ok(Json(List::part("capabilities", all, &paged, |it| &it.name)?))
}

/// One capability
#[utoipa::path(get, path = "/v1/capabilities/{name}", operation_id = "get_capability",
    tag = "declaring",
    params(("name" = String, Path, description = "The capability", example = "upload_media")),
    responses((status = 200, description = "The capability", body = ToldCapability), Finds)
)]
pub(super) async fn get(
    State(desk): State<Arc<Desk>>,
    Named(name): Named<String>,
) -> Result<Json<ToldCapability>, Problem> {
    let policy = desk.engine.policy().await?;
    match policy.capability(&name) {
        Ok(capability) => Ok(Json(ToldCapability::of(&policy, &name, capability))),
        Err(unknown) => Err(Problem::NotFound(unknown.to_string())),
    }
}

/// Make or replace a capability
#[utoipa::path(put, path = "/v1/capabilities/{name}", operation_id = "put_capability",
    tag = "declaring",
    params(("name" = String, Path, description = "The capability", example = "upload_media")),
    request_body(content = Put, example = json!({"resources": ["media_bytes", "uploads"]})),
    responses(
        (status = 200, description = "It was there", body = ToldCapability),
        (status = 201, description = "It is new", body = ToldCapability),
        Changes
    )
)]
pub(super) async fn put(
    State(desk): State<Arc<Desk>>,
    Named(name): Named<String>,
    Body(Put { resources, on_outage }): Body<Put>,
) -> Result<(StatusCode, Json<ToldCapability>), Problem> {
    let wrong = |error| Problem::BadRequest(format!("capability {name} {error}"));
    let capability = Capability::new(resources).map_err(wrong)?.when_out(on_outage);
    let there = desk.engine.policy().await?.capability(&name).is_ok();
    desk.engine.set_capability(&name, capability.clone()).await?;
    let policy = desk.engine.policy().await?;
    Ok((made(there), Json(ToldCapability::of(&policy, &name, &capability))))
}

/// Remove a capability
///
/// The built-in one becomes what it was built as.
#[utoipa::path(delete, path = "/v1/capabilities/{name}", operation_id = "delete_capability",
    tag = "declaring",
    params(("name" = String, Path, description = "The capability", example = "post")),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub(super) async fn delete(
    State(desk): State<Arc<Desk>>,
    Named(name): Named<String>,
) -> Result<StatusCode, Problem> {
    desk.engine.remove_capability(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
