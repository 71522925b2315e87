//! Who has reached a limit, and who used most.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Desk;
use super::asked::Query;
use super::lists::{self, List};
use super::respond::Problem;
use super::statuses::Reads;
use crate::engine::{Charged, Page, Used};
use crate::quota::{Amount, Period, Subject};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OfWhat {
    /// Of what.
    #[param(example = "media_bytes")]
    resource: String,
    /// How many at most: 1 to 1000, 100 unless told.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
    /// Where the page before ended, as it said.
    cursor: Option<String>,
}

/// Who has reached a limit?
///
/// By name, each with the window they reached: of several the last to reset.
#[utoipa::path(get, path = "/v1/over", tag = "telling", params(OfWhat), responses(
    (status = 200, description = "Those who have reached a limit", body = List<Used>), Reads
))]
pub(super) async fn over(
    State(desk): State<Arc<Desk>>,
    Query(OfWhat { resource, limit, cursor }): Query<OfWhat>,
) -> Result<Json<List<Used>>, Problem> {
    const LIST: &str = "over";
    let most = lists::size(limit)?;
    let after = lists::place(LIST, cursor.as_deref())?;
    let resource = desk.engine.resource(&resource).await?;
    let engine = desk.engine.clone();
    let page = Page { after, most: most + 1 };
    // Nobody may be over, which is known once everyone was looked at.
    let over = desk.over_all(async move { engine.over(&resource, page).await });
    Ok(Json(List::cut(LIST, over.await??, most, |it: &Used| it.subject.clone())))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Most {
    /// Of what.
    #[param(example = "media_bytes")]
    resource: String,
    /// How many at most: 1 to 1000; without it as `limit` says.
    #[param(minimum = 1, maximum = 1000, example = 10)]
    n: Option<u16>,
    /// In the current one of these; of the default period unless told.
    period: Option<Period>,
    /// How many at most: 1 to 1000, 100 unless told.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
    /// Where the page before ended, as it said.
    cursor: Option<String>,
}

/// Who used most?
///
/// Largest first, ties by name.
#[utoipa::path(get, path = "/v1/top", tag = "telling", params(Most), responses(
    (status = 200, description = "Those who used most", body = List<Used>), Reads
))]
pub(super) async fn top(
    State(desk): State<Arc<Desk>>,
    Query(Most { resource, n, period, limit, cursor }): Query<Most>,
) -> Result<Json<List<Used>>, Problem> {
    const LIST: &str = "top";
    let most = lists::size(n.or(limit))?.min(lists::size(limit.or(n))?);
    let behind: Option<(Amount, Subject)> = lists::place(LIST, cursor.as_deref())?;
    let behind = behind.map(|(used, subject)| Charged { subject, used });
    let resource = desk.engine.resource(&resource).await?;
    let top = desk.engine.top(&resource, period, behind.as_ref(), most + 1).await?;
    Ok(Json(List::cut(LIST, top, most, |it: &Used| (it.used, it.subject.clone()))))
}
