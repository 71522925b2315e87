//! Groups: limits that many subjects share.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Desk;
use super::asked::{Body, Named, Query};
use super::lists::{List, Paged};
use super::respond::Problem;
use super::statuses::{Changes, Finds, Reads};
use crate::engine::{EngineError, Preview, Tree};
use crate::quota::{Amount, Group, Limit, Policy, Resource, Zone};

/// One group.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ToldGroup {
    #[schema(example = "free")]
    name: String,
    limits: Terms,
    /// It is the group of everyone who is in no other.
    default: bool,
    /// What declares it: `file` or `store`.
    #[schema(example = "store")]
    from: &'static str,
}

/// Every resource with its limit, and the settings of the group beside them.
#[derive(Debug, Serialize, ToSchema)]
struct Terms {
    #[serde(flatten)]
    by_resource: BTreeMap<Resource, Limit>,
    /// The most bytes one upload may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_upload_bytes: Option<Amount>,
    /// The group whose limits hold where this one names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    extends: Option<String>,
    /// The zone in which its days begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<Zone>,
}

impl ToldGroup {
    fn of(policy: &Policy, name: &str, group: &Group) -> Self {
        let Group { extends, limits, max_upload_bytes, timezone } = group.clone();
        Self {
            name: name.to_owned(),
            limits: Terms { by_resource: limits, max_upload_bytes, extends, timezone },
            default: policy.default_group() == Some(name),
            from: from(policy.file.groups.contains_key(name)),
        }
    }
}

/// Returns the word for the layer that declares something.
pub(super) const fn from(in_file: bool) -> &'static str {
    if in_file { "file" } else { "store" }
}

/// Returns all groups by name.
pub(super) fn all(policy: &Policy) -> Vec<ToldGroup> {
    let groups = policy.groups();
    groups.iter().map(|(name, group)| ToldGroup::of(policy, name, group)).collect()
}

/// What a group is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PutGroup)]
pub(super) struct Put {
    /// Each resource with its limit or several; `max_upload_bytes`, `extends` and `timezone`, too.
    limits: Tree,
    /// Whether it is the group of everyone who is in no other; as it was unless told.
    default: Option<bool>,
}

/// A group by its name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PostGroup)]
pub(super) struct Post {
    /// 1 to 64 letters, digits, `_`, `-` and `.`.
    name: String,
    /// As in `PUT`; what is not named stays as it is, and null takes `extends` and `timezone` away.
    limits: Option<Tree>,
    /// Whether it becomes the group of everyone who is in no other.
    #[serde(default)]
    default: bool,
}

/// What a group could be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TriedGroup)]
pub(super) struct Tried {
    /// As in `PUT`, whole.
    limits: Tree,
}

impl Desk {
    async fn told_group(&self, name: &str) -> Result<ToldGroup, Problem> {
        let policy = self.engine.policy().await?;
        let group = self.engine.group(name).await?;
        Ok(ToldGroup::of(&policy, name, &group))
    }

    async fn has_group(&self, name: &str) -> Result<bool, EngineError> {
        Ok(self.engine.policy().await?.group(name).is_some())
    }
}

/// Returns the status of something that was there, or is new.
pub(super) const fn made(there: bool) -> StatusCode {
    if there { StatusCode::OK } else { StatusCode::CREATED }
}

/// List the groups
#[utoipa::path(get, path = "/v1/groups", operation_id = "list_groups", tag = "declaring",
    params(Paged),
    responses((status = 200, description = "Groups by name", body = List<ToldGroup>), Reads)
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Query(paged): Query<Paged>,
) -> Result<Json<List<ToldGroup>>, Problem> {
    let all = all(&desk.engine.policy().await?);
    Ok(Json(List::part("groups", all, &paged, |group| &group.name)?))
}

/// Make or change a group
///
/// What is not named stays as it is.
#[utoipa::path(post, path = "/v1/groups", operation_id = "change_group", tag = "declaring",
    request_body(content = Post, example = json!({
        "name": "supporter", "limits": {"media_bytes": ["50GB/month", "2GB/day soft"]}
    })),
    responses(
        (status = 200, description = "It was there", body = ToldGroup),
        (status = 201, description = "It is new", body = ToldGroup),
        Changes
    )
)]
pub(super) async fn post(
    State(desk): State<Arc<Desk>>,
    Body(Post { name, limits, default }): Body<Post>,
) -> Result<(StatusCode, Json<ToldGroup>), Problem> {
    let limits = limits.unwrap_or(Tree::Table(Vec::new()));
    let mut change = desk.engine.read_group_change(&limits).await?;
    change.default = default;
    let there = desk.has_group(&name).await?;
    desk.engine.set_group(&name, &change).await?;
    Ok((made(there), Json(desk.told_group(&name).await?)))
}

/// One group
#[utoipa::path(get, path = "/v1/groups/{name}", operation_id = "get_group", tag = "declaring",
    params(("name" = String, Path, description = "The group", example = "free")),
    responses((status = 200, description = "The group", body = ToldGroup), Finds)
)]
pub(super) async fn get(
    State(desk): State<Arc<Desk>>,
    Named(name): Named<String>,
) -> Result<Json<ToldGroup>, Problem> {
    Ok(Json(desk.told_group(&name).await?))
}

/// Make or replace a group
///
/// What is not named is gone; usage is not.
#[utoipa::path(put, path = "/v1/groups/{name}", operation_id = "put_group", tag = "declaring",
    params(("name" = String, Path, description = "The group", example = "free")),
    request_body(content = Put, example = json!({
        "limits": {"media_bytes": "500MB/month", "max_upload_bytes": "20MB"}, "default": true
    })),
    responses(
        (status = 200, description = "It was there", body = ToldGroup),
        (status = 201, description = "It is new", body = ToldGroup),
        Changes
    )
)]
pub(super) async fn put(
    State(desk): State<Arc<Desk>>,
    Named(name): Named<String>,
    Body(Put { limits, default }): Body<Put>,
) -> Result<(StatusCode, Json<ToldGroup>), Problem> {
    let group = desk.engine.read_group(&limits).await?;
    let there = desk.has_group(&name).await?;
    desk.engine.put_group(&name, &group, default).await?;
    Ok((made(there), Json(desk.told_group(&name).await?)))
}

/// Remove a group
///
/// One that the default, a rule, another group or a subject needs stays.
#[utoipa::path(delete, path = "/v1/groups/{name}", operation_id = "delete_group",
    tag = "declaring",
    params(("name" = String, Path, description = "The group", example = "patron")),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub(super) async fn delete(
    State(desk): State<Arc<Desk>>,
    Named(name): Named<String>,
) -> Result<StatusCode, Problem> {
    desk.engine.remove_group(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who of a group would be over?
///
/// If it had these limits instead of its own. Nothing is written.
#[utoipa::path(post, path = "/v1/groups/{name}/preview", operation_id = "preview_group",
    tag = "declaring",
    params(("name" = String, Path, description = "The group", example = "free")),
    request_body(content = Tried, example = json!({"limits": {"media_bytes": "1MB/month"}})),
    responses((status = 200, description = "Who would be over", body = Preview), Changes)
)]
pub(super) async fn preview(
    State(desk): State<Arc<Desk>>,
    Named(name): Named<String>,
    Body(Tried { limits }): Body<Tried>,
) -> Result<Json<Preview>, Problem> {
    let group = desk.engine.read_group(&limits).await?;
    let engine = desk.engine.clone();
    let told = desk.aside(async move { engine.preview(&name, &group).await }).await?;
    Ok(Json(told?))
}
