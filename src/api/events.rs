//! What happened, line by line, and what that came to step by step.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Desk;
use super::asked::Query;
use super::lists::{self, List};
use super::respond::Problem;
use super::statuses::Reads;
use crate::clock::{Timestamp, exact};
use crate::engine::{Lines, Step};
use crate::quota::event::Line;
use crate::quota::{Amount, Period, Resource, Subject};

/// From how long ago a history is told unless a start is named.
const AGO: Duration = Duration::from_hours(29 * 24);

/// A line of the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Event {
    /// Its place in the ledger; rises.
    id: u64,
    subject: Subject,
    /// The group the subject was in then.
    group: Option<String>,
    resource: Resource,
    /// `use`, `set`, `settle`, `refund`, `lapse` or `reset`.
    #[schema(example = "use")]
    kind: &'static str,
    amount: Amount,
    /// Which one, of a resource that counts different ones.
    member: Option<String>,
    /// The moment that says in which buckets it counts.
    #[serde(with = "exact")]
    at: Timestamp,
    /// When it was written down.
    #[serde(with = "exact")]
    recorded: Timestamp,
    /// The reservation it belongs to.
    reservation: Option<String>,
    /// The caller's name for it.
    key: Option<String>,
    /// The one bucket that a reset is about; null means all.
    bucket: Option<String>,
}

impl From<Line> for Event {
    fn from(line: Line) -> Self {
        let Line { id, event, recorded, key } = line;
        Self {
            id,
            subject: event.subject,
            group: event.group.as_deref().map(str::to_owned),
            resource: event.resource,
            kind: event.kind.name(),
            amount: event.amount,
            member: event.member.as_deref().map(str::to_owned),
            at: event.at,
            recorded,
            reservation: event.hold.map(|id| id.to_string()),
            key: key.map(|key| key.name),
            bucket: event.bucket,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only theirs.
    #[param(example = "@alice:example.org")]
    subject: Option<Subject>,
    /// Only of this.
    resource: Option<String>,
    /// The newest first unless told.
    #[param(inline)]
    order: Option<Order>,
    /// Only those behind the line of this id, in this order: who follows the ledger asks for
    /// `order=oldest` behind the last one seen.
    after: Option<u64>,
    /// How many at most: 1 to 1000, 100 unless told.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
    /// Where the page before ended, as it said.
    cursor: Option<String>,
}

/// Which come first.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = EventOrder)]
enum Order {
    #[default]
    Newest,
    Oldest,
}

/// What happened, line by line
#[utoipa::path(get, path = "/v1/events", tag = "telling", params(Wanted), responses(
    (status = 200, description = "Lines of the ledger", body = List<Event>), Reads
))]
pub(super) async fn events(
    State(desk): State<Arc<Desk>>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<List<Event>>, Problem> {
    let Wanted { subject, resource, order, after, limit, cursor } = wanted;
    let most = lists::size(limit)?;
    let newest_first = order.unwrap_or_default() == Order::Newest;
    let list = if newest_first { "newest" } else { "oldest" };
    let place = lists::place(list, cursor.as_deref())?;
    if place.is_some() && after.is_some() {
        let text = "`after`: a cursor says where it goes on: leave one of them out".to_owned();
        return Err(Problem::BadRequest(text));
    }
    if after.is_some_and(|after| i64::try_from(after).is_err()) {
        return Err(Problem::BadRequest("`after`: no line has so high an id".to_owned()));
    }
    let resource = match resource {
        Some(name) => Some(desk.engine.resource(&name).await?),
        None => None,
    };
    let behind = place.or(after);
    let lines = Lines { subject, resource, behind, newest_first, most: most + 1 };
    let lines = desk.engine.events(&lines).await?;
    let events = lines.into_iter().map(Event::from).collect();
    Ok(Json(List::cut(list, events, most, |event: &Event| event.id)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Stretch {
    /// Who; everyone unless told.
    subject: Option<Subject>,
    /// Of what.
    #[param(example = "media_bytes")]
    resource: String,
    /// By which period of the calendar; `day` unless told.
    #[param(example = "day")]
    step: Option<Period>,
    /// From this moment on; 30 days, today included, unless told.
    start: Option<Timestamp>,
    /// Up to, not including, this moment; now unless told.
    end: Option<Timestamp>,
}

/// What was used, step by step
///
/// The first step and the last are told whole.
#[utoipa::path(get, path = "/v1/history", tag = "telling", params(Stretch), responses(
    (status = 200, description = "Each step, the oldest first", body = Vec<Step>), Reads
))]
pub(super) async fn history(
    State(desk): State<Arc<Desk>>,
    Query(Stretch { subject, resource, step, start, end }): Query<Stretch>,
) -> Result<Json<Vec<Step>>, Problem> {
    let resource = desk.engine.resource(&resource).await?;
    let (now, step) = (desk.engine.now(), step.unwrap_or(Period::Day));
    let end = end.unwrap_or(now.after(Duration::from_millis(1)));
    let start = start.unwrap_or_else(|| now.min(end).before(AGO));
    Ok(Json(desk.engine.history(subject.as_ref(), &resource, step, start, end).await?))
}
