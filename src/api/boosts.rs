//! Boosts: additions to one subject's limits.

use std::collections::BTreeMap;
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
use super::places::{Boosts, boosts_any};
use super::respond::Problem;
use super::statuses::{Changes, Finds, Reads, Writes};
use crate::clock::Timestamp;
use crate::engine::BoostChange;
use crate::quota::{Said, Subject};

/// What the boosts of one subject are to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PutBoosts)]
pub(super) struct Put {
    /// How much more of which resource, above zero.
    amounts: BTreeMap<String, Said>,
    /// The first moment they no longer hold.
    until: Option<Timestamp>,
    /// Why, for people: one line.
    note: Option<String>,
}

/// The same, and whose they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PostBoosts)]
pub(super) struct Post {
    subject: Subject,
    /// How much more of which resource, above zero.
    amounts: BTreeMap<String, Said>,
    /// The first moment they no longer hold.
    until: Timestamp,
    /// Why, for people: one line.
    note: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those of this resource; of all unless told.
    #[param(example = "media_bytes")]
    resource: Option<String>,
    /// Only this one of the resource, counted from 1 in the order in which they are told.
    #[param(minimum = 1)]
    number: Option<u64>,
}

impl Desk {
    async fn told_boosts(&self, subject: &Subject) -> Result<(bool, Boosts), Problem> {
        let grants = self.engine.subject(subject).await?.grants;
        Ok((boosts_any(&grants), Boosts::of(subject, &grants)))
    }

    async fn read_boosts(&self, put: Put) -> Result<BoostChange, Problem> {
        let Put { amounts: said, until, note } = put;
        self.engine.refuse_past(until)?;
        if said.is_empty() {
            let text = "amounts names nothing: write {\"media_bytes\": \"200MB\"}".to_owned();
            return Err(Problem::BadRequest(text));
        }
        let policy = self.engine.policy().await?;
        let mut amounts = BTreeMap::new();
        for (name, said) in said {
            let resource = policy.resource(&name)?.clone();
            let amount = said.read(&policy.measure(&resource));
            let wrong = |error| Problem::BadRequest(format!("{name}: {error}"));
            amounts.insert(resource, amount.map_err(wrong)?);
        }
        Ok(BoostChange { amounts, until, note })
    }
}

/// List those who have boosts
#[utoipa::path(get, path = "/v1/boosts", operation_id = "list_boosts", tag = "telling",
    params(Paged),
    responses((status = 200, description = "Boosts by subject", body = List<Boosts>), Reads)
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Query(paged): Query<Paged>,
) -> Result<Json<List<Boosts>>, Problem> {
    Ok(Json(desk.granted("boosts", &paged, boosts_any, Boosts::of).await?))
}

/// Boost someone
///
/// Until a date, beside what there is already: boosts add up.
#[utoipa::path(post, path = "/v1/boosts", operation_id = "add_boosts", tag = "declaring",
    request_body(content = Post, example = json!({
        "subject": "@alice:example.org", "amounts": {"media_bytes": "200MB"},
        "until": "2099-01-01", "note": "the wedding"
    })),
    responses(
        (status = 200, description = "There were some", body = Boosts),
        (status = 201, description = "There were none", body = Boosts),
        Writes
    )
)]
pub(super) async fn post(
    State(desk): State<Arc<Desk>>,
    Body(Post { subject, amounts, until, note }): Body<Post>,
) -> Result<(StatusCode, Json<Boosts>), Problem> {
    let change = desk.read_boosts(Put { amounts, until: Some(until), note }).await?;
    let (there, _) = desk.told_boosts(&subject).await?;
    desk.engine.add_boosts(&subject, &change).await?;
    Ok((made(there), Json(desk.told_boosts(&subject).await?.1)))
}

/// The boosts that someone has
#[utoipa::path(get, path = "/v1/boosts/{name}", operation_id = "get_boosts", tag = "telling",
    params(("name" = Subject, Path, description = "Who", example = "@alice:example.org")),
    responses((status = 200, description = "The boosts", body = Boosts), Finds)
)]
pub(super) async fn get(
    State(desk): State<Arc<Desk>>,
    Named(subject): Named<Subject>,
) -> Result<Json<Boosts>, Problem> {
    match desk.told_boosts(&subject).await? {
        (true, told) => Ok(Json(told)),
        (false, _) => Err(Problem::NotFound(format!("{subject} has no boost"))),
    }
}

/// Replace the boosts that someone has
#[utoipa::path(put, path = "/v1/boosts/{name}", operation_id = "put_boosts", tag = "declaring",
    params(("name" = Subject, Path, description = "Who", example = "@alice:example.org")),
    request_body(content = Put, example = json!({
        "amounts": {"media_bytes": "1GB"}, "until": "2099-01-01"
    })),
    responses(
        (status = 200, description = "There were some", body = Boosts),
        (status = 201, description = "There were none", body = Boosts),
        Writes
    )
)]
pub(super) async fn put(
    State(desk): State<Arc<Desk>>,
    Named(subject): Named<Subject>,
    Body(put): Body<Put>,
) -> Result<(StatusCode, Json<Boosts>), Problem> {
    let change = desk.read_boosts(put).await?;
    let (there, _) = desk.told_boosts(&subject).await?;
    desk.engine.put_boosts(&subject, &change).await?;
    Ok((made(there), Json(desk.told_boosts(&subject).await?.1)))
}

/// Take boosts from someone
#[utoipa::path(delete, path = "/v1/boosts/{name}", operation_id = "delete_boosts",
    tag = "declaring",
    params(("name" = Subject, Path, description = "Who", example = "@alice:example.org"), Which),
    responses((status = 204, description = "They are gone"), Changes)
)]
pub(super) async fn delete(
    State(desk): State<Arc<Desk>>,
    Named(subject): Named<Subject>,
    Query(Which { resource, number }): Query<Which>,
) -> Result<StatusCode, Problem> {
    if number.is_some() && resource.is_none() {
        let text = "a number counts those of one resource: name that, too".to_owned();
        return Err(Problem::BadRequest(text));
    }
    let number = number.map(|number| usize::try_from(number).unwrap_or(usize::MAX));
    desk.engine.remove_boosts(&subject, resource.as_deref(), number).await?;
    Ok(StatusCode::NO_CONTENT)
}
