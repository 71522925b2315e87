//! Overrides: limits of one subject's own.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Desk;
use super::asked::{Body, Named, Query};
use super::groups::made;
use super::lists::{List, Paged};
use super::places::{Overrides, overrides_any};
use super::respond::Problem;
use super::statuses::{Changes, Finds, Reads, Writes};
use crate::clock::Timestamp;
use crate::engine::{OverrideChange, Tree};
use crate::quota::Subject;

/// What the limits of one subject are to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PutOverrides)]
pub(super) struct Put {
    /// Each resource with its limit or several; and `max_upload_bytes`.
    limits: Tree,
    /// The first moment they no longer hold.
    until: Option<Timestamp>,
    /// Why, for people: one line.
    note: Option<String>,
}

/// The same, and whose they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PostOverrides)]
pub(super) struct Post {
    subject: Subject,
    /// As in `PUT`; limits of other resources stay.
    limits: Tree,
    /// The first moment these no longer hold.
    until: Option<Timestamp>,
    /// Why, for people: one line.
    note: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those of these, with commas between them; all unless told.
    #[param(example = "media_bytes")]
    resources: Option<String>,
}

impl Desk {
    async fn told_overrides(&self, subject: &Subject) -> Result<(bool, Overrides), Problem> {
        let grants = self.engine.subject(subject).await?.grants;
        Ok((overrides_any(&grants), Overrides::of(subject, &grants)))
    }

    async fn read_overrides(&self, put: Put) -> Result<OverrideChange, Problem> {
        let Put { limits, until, note } = put;
        self.engine.refuse_past(until)?;
        let read = self.engine.read_overrides(&limits).await?;
        Ok(OverrideChange { until, note, ..read })
    }
}

/// List those who have limits of their own
#[utoipa::path(get, path = "/v1/overrides", operation_id = "list_overrides", tag = "telling",
    params(Paged),
    responses((status = 200, description = "Overrides by subject", body = List<Overrides>), Reads)
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Query(paged): Query<Paged>,
) -> Result<Json<List<Overrides>>, Problem> {
    Ok(Json(desk.granted("overrides", &paged, overrides_any, Overrides::of).await?))
}

/// Give someone limits of their own
///
/// They stand in place of the group's, resource by resource; those of other resources stay.
#[utoipa::path(post, path = "/v1/overrides", operation_id = "add_overrides", tag = "declaring",
    request_body(content = Post, example = json!({
        "subject": "@alice:example.org", "limits": {"media_bytes": "1GB/month"}, "note": "asked"
    })),
    responses(
        (status = 200, description = "There were some", body = Overrides),
        (status = 201, description = "There were none", body = Overrides),
        Writes
    )
)]
pub(super) async fn post(
    State(desk): State<Arc<Desk>>,
    Body(Post { subject, limits, until, note }): Body<Post>,
) -> Result<(StatusCode, Json<Overrides>), Problem> {
    let change = desk.read_overrides(Put { limits, until, note }).await?;
    let (there, _) = desk.told_overrides(&subject).await?;
    desk.engine.set_overrides(&subject, &change).await?;
    Ok((made(there), Json(desk.told_overrides(&subject).await?.1)))
}

/// The limits that someone has of their own
#[utoipa::path(get, path = "/v1/overrides/{name}", operation_id = "get_overrides",
    tag = "telling",
    params(("name" = Subject, Path, description = "Who", example = "@alice:example.org")),
    responses((status = 200, description = "The limits", body = Overrides), Finds)
)]
pub(super) async fn get(
    State(desk): State<Arc<Desk>>,
    Named(subject): Named<Subject>,
) -> Result<Json<Overrides>, Problem> {
    match desk.told_overrides(&subject).await? {
        (true, told) => Ok(Json(told)),
        (false, _) => Err(Problem::NotFound(format!("{subject} has no override"))),
    }
}

/// Replace the limits that someone has of their own
#[utoipa::path(put, path = "/v1/overrides/{name}", operation_id = "put_overrides",
    tag = "declaring",
    params(("name" = Subject, Path, description = "Who", example = "@alice:example.org")),
    request_body(content = Put, example = json!({
        "limits": {"media_bytes": ["2GB/month", "200MB/day"]}, "until": "2099-01-01"
    })),
    responses(
        (status = 200, description = "There were some", body = Overrides),
        (status = 201, description = "There were none", body = Overrides),
        Writes
    )
)]
pub(super) async fn put(
    State(desk): State<Arc<Desk>>,
    Named(subject): Named<Subject>,
    Body(put): Body<Put>,
) -> Result<(StatusCode, Json<Overrides>), Problem> {
    let change = desk.read_overrides(put).await?;
    let (there, _) = desk.told_overrides(&subject).await?;
    desk.engine.put_overrides(&subject, &change).await?;
    Ok((made(there), Json(desk.told_overrides(&subject).await?.1)))
}

/// Take the limits that someone has of their own
#[utoipa::path(delete, path = "/v1/overrides/{name}", operation_id = "delete_overrides",
    tag = "declaring",
    params(("name" = Subject, Path, description = "Who", example = "@alice:example.org"), Which),
    responses((status = 204, description = "They are gone"), Changes)
)]
pub(super) async fn delete(
    State(desk): State<Arc<Desk>>,
    Named(subject): Named<Subject>,
    Query(Which { resources }): Query<Which>,
) -> Result<StatusCode, Problem> {
    let names = resources.iter().flat_map(|all| all.split(','));
    let names: Vec<_> = names.map(|name| name.trim().to_owned()).collect();
    desk.engine.remove_overrides(&subject, &names).await?;
    Ok(StatusCode::NO_CONTENT)
}
