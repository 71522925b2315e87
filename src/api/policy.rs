//! The policy as a whole.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Desk;
use super::capabilities::{self, ToldCapability};
use super::groups::{self, ToldGroup};
use super::respond::Problem;
use super::rules::{self, ToldRule};
use super::statuses::Reads;
use crate::engine::DeclaredResource;
use crate::quota::{Period, PolicyVersion, Zone};

/// All that binds many, each entry with the layer that declares it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ToldPolicy {
    version: PolicyVersion,
    /// Where days begin unless a limit or a group says otherwise.
    timezone: Zone,
    /// The period of limits that name none.
    period: Period,
    /// The group of everyone who is in no other.
    #[schema(example = "free")]
    default_group: Option<String>,
    /// The configuration file that was applied last, if it declares anything.
    origin: Option<String>,
    groups: Vec<ToldGroup>,
    capabilities: Vec<ToldCapability>,
    /// In the order in which they are tried.
    rules: Vec<ToldRule>,
    resources: Vec<DeclaredResource>,
}

/// All that binds many
///
/// Both layers as they hold together.
#[utoipa::path(get, path = "/v1/policy", tag = "declaring",
    responses((status = 200, description = "The policy", body = ToldPolicy), Reads)
)]
pub(super) async fn policy(State(desk): State<Arc<Desk>>) -> Result<Json<ToldPolicy>, Problem> {
    let resources = desk.engine.resources_declared().await?;
    let policy = desk.engine.policy().await?;
    Ok(Json(ToldPolicy {
        version: policy.version,
        timezone: policy.zone(),
        period: policy.period(),
        default_group: policy.default_group().map(str::to_owned),
        origin: policy.file.origin.clone(),
        groups: groups::all(&policy),
        capabilities: capabilities::all(&policy),
        rules: rules::all(&policy),
        resources,
    }))
}
