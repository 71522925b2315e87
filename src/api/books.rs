//! The books as a whole: compared with the ledger, carried out, brought in, tried under another
//! policy.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Desk;
use super::asked::{self, Body, Query, Raw};
use super::respond::Problem;
use super::statuses::{Reads, Writes};
use crate::clock::Timestamp;
use crate::engine::{Draft, Drift, How, Imported, Rebuilt, Simulation, Stretch, Wanted};
use crate::quota::Subject;

/// Which counts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rebuild {
    /// Only those of this one.
    subject: Option<Subject>,
    /// Only tell; change nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What was compared.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Compared {
    dry_run: bool,
    /// How many buckets were looked at.
    buckets: usize,
    /// The counts that were not what the ledger says.
    drift: Vec<Drift>,
}

/// Compare every count with the ledger, and correct it
#[utoipa::path(post, path = "/v1/rebuild", tag = "keeping",
    request_body(content = Option<Rebuild>, example = json!({"dry_run": true})),
    responses((status = 200, description = "What was found", body = Compared), Writes)
)]
pub(super) async fn rebuild(
    State(desk): State<Arc<Desk>>,
    Body(Rebuild { subject, dry_run }): Body<Rebuild>,
) -> Result<Json<Compared>, Problem> {
    let engine = desk.engine.clone();
    let rebuilt = desk
        .aside(async move { engine.rebuild(subject.as_ref(), dry_run, |_done, _all| {}).await });
    let Rebuilt { buckets, drift } = rebuilt.await??;
    Ok(Json(Compared { dry_run, buckets, drift }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Exported {
    /// Every event of the ledger, too.
    #[param(inline, example = true)]
    usage: Option<bool>,
    /// What the configuration file declares, too, as both hold together.
    #[param(inline)]
    all: Option<bool>,
}

/// The books as one document
///
/// In order, with amounts in base units; `POST /v1/import` takes it.
#[utoipa::path(get, path = "/v1/export", tag = "keeping", params(Exported), responses(
    (status = 200, description = "The document", body = super::words::Books), Reads
))]
pub(super) async fn export(
    State(desk): State<Arc<Desk>>,
    Query(Exported { usage, all }): Query<Exported>,
) -> Result<Response, Problem> {
    let (both_layers, ledger) = (all.unwrap_or_default(), usage.unwrap_or_default());
    let engine = desk.engine.clone();
    let written = desk.aside(async move {
        let wanted = Wanted { both_layers, ledger };
        let document = engine.export(wanted, &|_done, _all| {}).await?;
        Ok::<_, Problem>(serde_json::to_vec_pretty(&document))
    });
    match written.await?? {
        Ok(document) => Ok(([(CONTENT_TYPE, "application/json")], document).into_response()),
        Err(error) => Err(Problem::Conflict(format!("the books cannot be written: {error}"))),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Import {
    /// `merge` sets what the document names and lets the rest stay, as it is done unless told;
    /// `replace` puts the document in place of all that is there.
    #[param(inline)]
    mode: Option<Mode>,
    /// Only tell what would change.
    #[param(inline, example = true)]
    dry_run: Option<bool>,
}

/// What becomes of what is there.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportMode)]
enum Mode {
    #[default]
    Merge,
    Replace,
}

/// What an import did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BroughtIn {
    dry_run: bool,
    #[serde(flatten)]
    imported: Imported,
}

/// Bring a document in
///
/// All of it or nothing. It is one that an export wrote, or one written by hand, with amounts like
/// `500MB`; of at most 64 MiB.
#[utoipa::path(post, path = "/v1/import", tag = "keeping", params(Import),
    request_body(content = super::words::Books, example = json!({
        "groups": {"free": {"media_bytes": "500MB/month"}}, "default_group": "free"
    })),
    responses((status = 200, description = "What changed", body = BroughtIn), Writes)
)]
pub(super) async fn import(
    State(desk): State<Arc<Desk>>,
    Query(Import { mode, dry_run }): Query<Import>,
    Raw(bytes): Raw,
) -> Result<Json<BroughtIn>, Problem> {
    let dry_run = dry_run.unwrap_or_default();
    let how = match mode.unwrap_or_default() {
        Mode::Merge => How::Merge,
        Mode::Replace => How::Replace,
    };
    let engine = desk.engine.clone();
    let imported = desk.aside(async move {
        let draft = draft(&bytes)?;
        Ok::<_, Problem>(engine.import(&draft, how, dry_run).await?)
    });
    Ok(Json(BroughtIn { dry_run, imported: imported.await?? }))
}

fn draft(bytes: &[u8]) -> Result<Draft, Problem> {
    let wrong = |error| Problem::BadRequest(format!("the document cannot be read: {error}"));
    serde_json::from_slice(bytes).map_err(wrong)
}

/// A policy to be tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TriedPolicy)]
pub(super) struct Tried {
    /// As in an import, without subjects and events; nothing else that is declared holds.
    #[schema(value_type = super::words::Books)]
    policy: serde_json::Value,
    /// What happened before this is counted, but not judged.
    start: Option<Timestamp>,
    /// What happened from then on is left out.
    end: Option<Timestamp>,
}

/// Whom would another policy have refused?
///
/// Tells the ledger again under it. What subjects have of their own stays; what would have been
/// refused is not counted. Nothing is written.
#[utoipa::path(post, path = "/v1/simulate", tag = "keeping",
    request_body(content = Tried, example = json!({"policy": {
        "groups": {"free": {"media_bytes": "1MB/month"}}, "default_group": "free"
    }})),
    responses((status = 200, description = "Who would have been refused", body = Simulation), Writes)
)]
pub(super) async fn simulate(
    State(desk): State<Arc<Desk>>,
    Raw(bytes): Raw,
) -> Result<Json<Simulation>, Problem> {
    let engine = desk.engine.clone();
    let simulated = desk.aside(async move {
        let Tried { policy, start, end } = asked::read(&bytes)?;
        if let (Some(start), Some(end)) = (start, end)
            && start >= end
        {
            let text = format!("`end`: {end} does not come after {start}: write a later one");
            return Err(Problem::BadRequest(text));
        }
        let policy = draft(policy.to_string().as_bytes())?.policy()?;
        let stretch = Stretch { start, end };
        Ok(engine.simulate(&policy, stretch, &|_done, _all| {}).await?)
    });
    Ok(Json(simulated.await??))
}
