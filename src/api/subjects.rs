//! Subjects: everyone the books know, and the place of each.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Desk;
use super::asked::{Body, Named, Query};
use super::groups::made;
use super::lists::{self, List, Paged};
use super::places::Place;
use super::respond::Problem;
use super::statuses::{Changes, Reads};
use crate::clock::Timestamp;
use crate::engine::{Among, Latest, Page, PlaceChange, Someone};
use crate::quota::{Grants, Subject};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only those whose name begins so.
    #[param(example = "@a")]
    prefix: Option<String>,
    /// Only those who are in this group now.
    group: Option<String>,
    /// By name unless told; `last_activity` is the latest first.
    #[param(inline)]
    sort: Option<Sort>,
    /// How many at most: 1 to 1000, 100 unless told.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
    /// Where the page before ended, as it said.
    cursor: Option<String>,
}

/// In which order.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Sort {
    Name,
    LastActivity,
}

/// Someone's place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PutSubject)]
pub(super) struct Put {
    /// Its group; without one, rules and the default group hold.
    group: Option<String>,
    /// Whether every limit of it is lifted.
    exempt: Option<bool>,
    /// The first moment that what is given here no longer holds.
    until: Option<Timestamp>,
}

/// Someone's place, and whose it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PostSubject)]
pub(super) struct Post {
    subject: Subject,
    /// Its group; as it is unless told.
    group: Option<String>,
    /// Whether every limit of it is lifted; as it is unless told.
    exempt: Option<bool>,
    /// The first moment that what is given here no longer holds.
    until: Option<Timestamp>,
}

/// Whom to forget.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Forget {
    subject: Subject,
}

/// Someone who is no longer known.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Forgotten {
    subject: Subject,
    /// The name under which what they did stands now.
    pseudonym: Subject,
}

impl Desk {
    /// Returns the place of `subject`, whether the books know it or not.
    async fn told_place(&self, subject: &Subject) -> Result<Place, Problem> {
        let grants = self.engine.subject(subject).await?.grants;
        let policy = self.engine.policy().await?;
        Ok(Place::of(&policy, subject, &grants, self.engine.now()))
    }

    async fn placed(
        &self,
        subject: &Subject,
        change: &PlaceChange,
    ) -> Result<(StatusCode, Json<Place>), Problem> {
        self.engine.refuse_past(change.until)?;
        let there = !self.engine.subject(subject).await?.grants.is_empty();
        self.engine.place(subject, change).await?;
        Ok((made(there), Json(self.told_place(subject).await?)))
    }
}

/// List everyone the books know
#[utoipa::path(get, path = "/v1/subjects", operation_id = "list_subjects", tag = "telling",
    params(Wanted),
    responses((status = 200, description = "Subjects", body = List<Someone>), Reads)
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<List<Someone>>, Problem> {
    let Wanted { prefix, group, sort, limit, cursor } = wanted;
    let among = Among { prefix: prefix.unwrap_or_default(), group };
    let most = lists::size(limit)?;
    if let Some(Sort::LastActivity) = sort {
        const LIST: &str = "latest";
        // Moments are told by the second, and lie closer together.
        let behind: Option<(Option<i64>, Subject)> = lists::place(LIST, cursor.as_deref())?;
        let behind: Option<Latest> =
            behind.map(|(last, subject)| (last.map(Timestamp::from_millis), subject));
        let engine = desk.engine.clone();
        // It looks at everyone, to find the latest.
        let looked =
            desk.over_all(async move { engine.latest(&among, behind.as_ref(), most + 1).await });
        let place = |it: &Someone| (it.last_activity.map(Timestamp::millis), it.subject.clone());
        return Ok(Json(List::cut(LIST, looked.await??, most, place)));
    }
    let after = lists::place("subjects", cursor.as_deref())?;
    let (items, behind) = desk.engine.people(&among, Page { after, most }).await?;
    let next_cursor = behind.and_then(|behind| lists::cursor("subjects", &behind));
    Ok(Json(List { items, next_cursor }))
}

/// Change someone's place
///
/// What is not named stays as it is.
#[utoipa::path(post, path = "/v1/subjects", operation_id = "change_subject", tag = "declaring",
    request_body(content = Post, example = json!({
        "subject": "@alice:example.org", "group": "patron", "until": "2099-01-01"
    })),
    responses(
        (status = 200, description = "It had something of its own", body = Place),
        (status = 201, description = "It had nothing of its own", body = Place),
        Changes
    )
)]
pub(super) async fn post(
    State(desk): State<Arc<Desk>>,
    Body(Post { subject, group, exempt, until }): Body<Post>,
) -> Result<(StatusCode, Json<Place>), Problem> {
    if group.is_none() && exempt.is_none() {
        let text = "nothing is changed: write a group, or \"exempt\": true".to_owned();
        return Err(Problem::BadRequest(text));
    }
    desk.placed(&subject, &PlaceChange { group: group.map(Some), exempt, until }).await
}

/// Someone's place
///
/// Group, exemption, overrides and boosts; of whoever is not known, what holds for everyone.
#[utoipa::path(get, path = "/v1/subjects/{name}", operation_id = "get_subject", tag = "telling",
    params(("name" = Subject, Path, description = "Who", example = "@alice:example.org")),
    responses((status = 200, description = "The place", body = Place), Reads)
)]
pub(super) async fn get(
    State(desk): State<Arc<Desk>>,
    Named(subject): Named<Subject>,
) -> Result<Json<Place>, Problem> {
    Ok(Json(desk.told_place(&subject).await?))
}

/// Give someone a place
///
/// A group or exemption that is not named is gone; overrides and boosts stay.
#[utoipa::path(put, path = "/v1/subjects/{name}", operation_id = "put_subject",
    tag = "declaring",
    params(("name" = Subject, Path, description = "Who", example = "@alice:example.org")),
    request_body(content = Option<Put>, example = json!({"group": "patron", "until": "2099-01-01"})),
    responses(
        (status = 200, description = "It had something of its own", body = Place),
        (status = 201, description = "It had nothing of its own", body = Place),
        Changes
    )
)]
pub(super) async fn put(
    State(desk): State<Arc<Desk>>,
    Named(subject): Named<Subject>,
    Body(Put { group, exempt, until }): Body<Put>,
) -> Result<(StatusCode, Json<Place>), Problem> {
    let exempt = Some(exempt.unwrap_or_default());
    desk.placed(&subject, &PlaceChange { group: Some(group), exempt, until }).await
}

/// Take group and exemption from someone
///
/// Overrides, boosts and usage stay.
#[utoipa::path(delete, path = "/v1/subjects/{name}", operation_id = "delete_subject",
    tag = "declaring",
    params(("name" = Subject, Path, description = "Who", example = "@alice:example.org")),
    responses((status = 204, description = "They are gone"), Changes)
)]
pub(super) async fn delete(
    State(desk): State<Arc<Desk>>,
    Named(subject): Named<Subject>,
) -> Result<StatusCode, Problem> {
    desk.engine.unassign(&subject).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List those who have something of their own
#[utoipa::path(get, path = "/v1/grants", operation_id = "list_grants", tag = "telling",
    params(Paged),
    responses((status = 200, description = "Places by name", body = List<Place>), Reads)
)]
pub(super) async fn grants(
    State(desk): State<Arc<Desk>>,
    Query(paged): Query<Paged>,
) -> Result<Json<List<Place>>, Problem> {
    let (policy, now) = (desk.engine.policy().await?, desk.engine.now());
    let of = |subject: &Subject, grants: &Grants| Place::of(&policy, subject, grants, now);
    Ok(Json(desk.granted("grants", &paged, |grants| !grants.is_empty(), of).await?))
}

impl Desk {
    /// Returns the page of the list called `list` of those who have what is `wanted`.
    pub(super) async fn granted<T: ToSchema>(
        &self,
        list: &str,
        paged: &Paged,
        wanted: impl Fn(&Grants) -> bool,
        of: impl Fn(&Subject, &Grants) -> T,
    ) -> Result<List<T>, Problem> {
        let after = lists::place(list, paged.cursor.as_deref())?;
        let page = Page { after, most: lists::size(paged.limit)? };
        let (found, behind) = self.engine.granted(page, wanted).await?;
        let items = found.iter().map(|(subject, grants)| of(subject, grants)).collect();
        Ok(List { items, next_cursor: behind.and_then(|behind| lists::cursor(list, &behind)) })
    }
}

/// Forget someone
///
/// What they did stays, under a name that says nothing, so that sums stay right; what they have of
/// their own goes. It cannot be undone.
#[utoipa::path(post, path = "/v1/forget", tag = "keeping",
    request_body(content = Forget, example = json!({"subject": "@alice:example.org"})),
    responses((status = 200, description = "They are forgotten", body = Forgotten), Changes)
)]
pub(super) async fn forget(
    State(desk): State<Arc<Desk>>,
    Body(Forget { subject }): Body<Forget>,
) -> Result<Json<Forgotten>, Problem> {
    let pseudonym = desk.engine.forget(&subject).await?;
    Ok(Json(Forgotten { subject, pseudonym }))
}
