//! Reservations: room set aside for what is under way; and what is charged in one step.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Desk;
use super::asked::{Body, Named, Query};
use super::lasting::Lasting;
use super::lists::{self, List};
use super::respond::Problem;
use super::statuses::{Changes, Finds, Reads, Writes};
use crate::clock::Timestamp;
use crate::engine::{Answered, Ask, Decision, Once, Reservation, Worded};
use crate::quota::held::HoldId;
use crate::quota::{Measure, Resource, Said, Subject};

/// How long a reservation lives unless told.
const USUAL: Duration = Duration::from_mins(10);

/// What is wanted, and by whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Action {
    subject: Subject,
    /// What they want to do; or
    #[schema(example = "upload_media")]
    capability: Option<String>,
    /// what they want of; or
    resource: Option<String>,
    /// several resources, all of them or nothing.
    items: Option<Vec<Item>>,
    /// How much: of a capability in bytes; without it one unit of each resource.
    amount: Option<Said>,
    /// Which one, of a resource that counts different ones.
    value: Option<String>,
    /// A limit in place of the subject's own, such as `10000/month`.
    limit: Option<String>,
    /// A name for this call, of 1 to 255 bytes: asked again, it happens once.
    key: Option<String>,
    /// How long the room is held: 10 minutes unless told. Only of a reservation.
    ttl: Option<Lasting>,
}

/// How much of one resource.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Item {
    resource: Resource,
    amount: Said,
}

/// A decision, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Admitted {
    /// The reservation; null after a no.
    id: Option<HoldId>,
    /// It had been granted before, under the same key; nothing was changed.
    replayed: bool,
    #[serde(flatten)]
    answered: Answered,
}

impl Admitted {
    fn of(once: Once, subject: Subject, worded: Worded) -> Self {
        let Once { decision, id, replayed } = once;
        Self { id, replayed, answered: worded.answered(subject, decision) }
    }
}

impl From<Action> for Worded {
    fn from(action: Action) -> Self {
        let Action { capability, resource, items, amount, value, limit, .. } = action;
        let item = |Item { resource, amount }: Item| (resource.to_string(), amount);
        let items = items.map(|items| items.into_iter().map(item).collect());
        Self { capability, resource, items, amount, member: value, limit }
    }
}

impl Desk {
    async fn action(&self, action: Action) -> Result<(Worded, Ask), Problem> {
        let worded = action.into();
        let ask = self.engine.understand(&worded).await?;
        Ok((worded, ask))
    }
}

/// Set room aside
///
/// Answers 200 whether it is yes or no. The room is held until it is settled or released, or its
/// time is over.
#[utoipa::path(post, path = "/v1/reserve", tag = "deciding",
    request_body(content = Action, example = json!({
        "subject": "@alice:example.org", "capability": "upload_media", "amount": "10MB",
        "ttl": "60s", "key": "file-17"
    })),
    responses((status = 200, description = "Yes with an id, or no", body = Admitted), Writes)
)]
pub(super) async fn reserve(
    State(desk): State<Arc<Desk>>,
    Body(mut action): Body<Action>,
) -> Result<Json<Admitted>, Problem> {
    let (subject, key) = (action.subject.clone(), action.key.take());
    let Lasting(span) = action.ttl.take().unwrap_or(Lasting(USUAL));
    let (worded, ask) = desk.action(action).await?;
    let once = desk.engine.reserve_once(&subject, &ask, span, key.as_deref()).await?;
    Ok(Json(Admitted::of(once, subject, worded)))
}

/// Charge at once
///
/// Decides and, if it is yes, charges in one step; answers once that is on disk. 200 whether it is
/// yes or no.
#[utoipa::path(post, path = "/v1/consume", tag = "deciding",
    request_body(content = Action, example = json!({
        "subject": "@alice:example.org", "items": [{"resource": "media_bytes", "amount": 1_000_000}]
    })),
    responses((status = 200, description = "Yes and charged, or no", body = Admitted), Writes)
)]
pub(super) async fn consume(
    State(desk): State<Arc<Desk>>,
    Body(mut action): Body<Action>,
) -> Result<Json<Admitted>, Problem> {
    if action.ttl.is_some() {
        let text = "`ttl`: what is charged at once is not held: leave it out, or reserve";
        return Err(Problem::BadRequest(text.to_owned()));
    }
    let (subject, key) = (action.subject.clone(), action.key.take());
    let (worded, ask) = desk.action(action).await?;
    let once = desk.engine.consume_once(&subject, &ask, key.as_deref()).await?;
    Ok(Json(Admitted::of(once, subject, worded)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only theirs.
    #[param(example = "@alice:example.org")]
    subject: Option<Subject>,
    /// How many at most: 1 to 1000, 100 unless told.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
    /// Where the page before ended, as it said.
    cursor: Option<String>,
}

/// List what is under way
///
/// Open reservations of the API, of proxies and of others, oldest first.
#[utoipa::path(get, path = "/v1/reservations", operation_id = "list_reservations",
    tag = "deciding", params(Wanted), responses(
        (status = 200, description = "Open reservations", body = List<Reservation>), Reads
    )
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    Query(Wanted { subject, limit, cursor }): Query<Wanted>,
) -> Result<Json<List<Reservation>>, Problem> {
    const LIST: &str = "reservations";
    let most = lists::size(limit)?;
    let behind: Option<(i64, String)> = lists::place(LIST, cursor.as_deref())?;
    let behind = behind.map(|(at, id)| {
        let id: Result<HoldId, _> = id.parse();
        id.map(|id| (Timestamp::from_millis(at), id))
    });
    let open = desk.engine.open_reservations(subject.as_ref(), behind.transpose()?, most + 1);
    let place = |it: &Reservation| (it.at.millis(), it.id.to_string());
    Ok(Json(List::cut(LIST, open.await?, most, place)))
}

/// Reads an id in a path: what is none is nobody's.
fn id(text: &str) -> Result<HoldId, Problem> {
    text.parse().map_err(|_| Problem::NotFound("there is no such reservation".to_owned()))
}

/// One reservation
#[utoipa::path(get, path = "/v1/reservations/{id}", operation_id = "get_reservation",
    tag = "deciding",
    params(("id" = HoldId, Path, description = "Its id", example = "a-reservation")),
    responses((status = 200, description = "It, open or not", body = Reservation), Finds)
)]
pub(super) async fn get(
    State(desk): State<Arc<Desk>>,
    Named(name): Named<String>,
) -> Result<Json<Reservation>, Problem> {
    Ok(Json(desk.engine.reservation(id(&name)?).await?))
}

/// How much more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct More {
    /// What is to be added.
    amount: Said,
}

/// How much in all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Total {
    /// What was really used, even past a limit.
    amount: Said,
}

/// How long from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Longer {
    /// 10 minutes unless told.
    ttl: Option<Lasting>,
}

/// Nothing is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

impl Desk {
    /// Reads an amount of what a reservation holds.
    async fn held(&self, id: HoldId, said: &Said) -> Result<crate::quota::Amount, Problem> {
        let held = self.engine.reservation(id).await?;
        let measures = held.items.iter().map(|item| self.engine.measure(&item.resource));
        let mut measures: Vec<Measure> = measures.collect();
        measures.sort_by_key(|measure| !measure.in_bytes());
        Ok(said.read(&measures.into_iter().next().unwrap_or_default())?)
    }
}

/// Ask for more room
///
/// Decides for the addition. Once the reservation is no longer open: 409 `lapsed`.
#[utoipa::path(post, path = "/v1/reservations/{id}/grow", tag = "deciding",
    params(("id" = HoldId, Path, description = "The reservation", example = "a-reservation")),
    request_body(content = More, example = json!({"amount": "5MB"})),
    responses((status = 200, description = "Yes or no", body = Decision), Changes)
)]
pub(super) async fn grow(
    State(desk): State<Arc<Desk>>,
    Named(name): Named<String>,
    Body(More { amount }): Body<More>,
) -> Result<Json<Decision>, Problem> {
    let id = id(&name)?;
    let more = desk.held(id, &amount).await?;
    let grown = desk.engine.grow_reservation(id, more).await?;
    Ok(Json(grown.ok_or(Problem::Lapsed)?))
}

/// Hold it for longer
///
/// From now on. Once the reservation is no longer open: 409 `lapsed`.
#[utoipa::path(post, path = "/v1/reservations/{id}/extend", tag = "deciding",
    params(("id" = HoldId, Path, description = "The reservation", example = "a-reservation")),
    request_body(content = Option<Longer>, example = json!({"ttl": "10m"})),
    responses((status = 200, description = "It is held", body = Reservation), Changes)
)]
pub(super) async fn extend(
    State(desk): State<Arc<Desk>>,
    Named(name): Named<String>,
    Body(Longer { ttl }): Body<Longer>,
) -> Result<Json<Reservation>, Problem> {
    let (id, Lasting(span)) = (id(&name)?, ttl.unwrap_or(Lasting(USUAL)));
    if !desk.engine.extend_reservation(id, span).await? {
        return Err(Problem::Lapsed);
    }
    Ok(Json(desk.engine.reservation(id).await?))
}

/// Charge what was really used
///
/// In the buckets of the moment it was reserved, even past a limit or after it lapsed; on disk when
/// it is answered. The same amount again changes nothing; another one is a conflict.
#[utoipa::path(post, path = "/v1/reservations/{id}/settle", tag = "deciding",
    params(("id" = HoldId, Path, description = "The reservation", example = "a-reservation")),
    request_body(content = Total, example = json!({"amount": 9_500_000})),
    responses((status = 200, description = "It is charged", body = Reservation), Changes)
)]
pub(super) async fn settle(
    State(desk): State<Arc<Desk>>,
    Named(name): Named<String>,
    Body(Total { amount }): Body<Total>,
) -> Result<Json<Reservation>, Problem> {
    let id = id(&name)?;
    let total = desk.held(id, &amount).await?;
    if total.is_negative() {
        let text = "`amount`: what was used is not below zero: write 0, or refund".to_owned();
        return Err(Problem::BadRequest(text));
    }
    desk.engine.settle(id, total).await?;
    Ok(Json(desk.engine.reservation(id).await?))
}

/// Give the room back
///
/// Again, or after it lapsed, it changes nothing.
#[utoipa::path(post, path = "/v1/reservations/{id}/release", tag = "deciding",
    params(("id" = HoldId, Path, description = "The reservation", example = "a-reservation")),
    request_body(content = Option<Nothing>),
    responses((status = 200, description = "It is given back", body = Reservation), Changes)
)]
pub(super) async fn release(
    State(desk): State<Arc<Desk>>,
    Named(name): Named<String>,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<Reservation>, Problem> {
    let id = id(&name)?;
    desk.engine.release(id).await?;
    Ok(Json(desk.engine.reservation(id).await?))
}

/// Take a charge back
///
/// Of what was settled or consumed, in the same buckets, once; again it changes nothing.
#[utoipa::path(post, path = "/v1/reservations/{id}/refund", tag = "deciding",
    params(("id" = HoldId, Path, description = "The reservation", example = "a-charge")),
    request_body(content = Option<Nothing>),
    responses((status = 200, description = "It is taken back", body = Reservation), Changes)
)]
pub(super) async fn refund(
    State(desk): State<Arc<Desk>>,
    Named(name): Named<String>,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<Reservation>, Problem> {
    let id = id(&name)?;
    desk.engine.refund(id).await?;
    Ok(Json(desk.engine.reservation(id).await?))
}
