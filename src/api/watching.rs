//! How the process is, and what it stands on.

use std::sync::{Arc, PoisonError, RwLock};

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Desk;
use super::asked::Query;
use super::health::{self, Journal};
use super::lists::{List, Paged};
use super::respond::Problem;
use super::statuses::Reads;
use crate::clock::{Timestamp, exact};
use crate::engine::{Finding, Severity};
use crate::quota::PolicyVersion;

/// How many open reservations, and how many waiting notices, are counted.
const COUNTED: usize = 1000;

/// How the process is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// Its name among those on the store, if it has one.
    instance: Option<String>,
    /// When it started.
    #[serde(with = "exact")]
    since: Timestamp,
    store: StoreStatus,
    /// The homeserver: `ok` or `out`; null where there is none.
    upstream: Option<&'static str>,
    /// The present policy, if the store answers.
    policy_version: Option<PolicyVersion>,
    /// What passed while the store was out, and is not charged yet.
    journal: Journal,
    /// How many reservations are open; null if the store does not answer. Counted up to 1000.
    reservations_open: Option<usize>,
}

/// How the store is.
#[derive(Debug, Serialize, ToSchema)]
struct StoreStatus {
    /// What it is, without a password.
    #[schema(example = "sqlite:/var/lib/metergate/metergate.db")]
    name: String,
    /// `ok`, or `out`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Since when it is out.
    out_since: Option<Timestamp>,
    /// Whether uploads pass while it is out.
    uploads_pass: bool,
}

/// How is this process?
#[utoipa::path(get, path = "/v1/status", tag = "watching",
    responses((status = 200, description = "Itself, and what it stands on", body = Status), Reads)
)]
pub(super) async fn status(State(desk): State<Arc<Desk>>) -> Json<Status> {
    let (policy_version, upstream) = health::look(&desk).await;
    let standing = desk.engine.store_standing();
    let open = desk.engine.reservations(COUNTED).await;
    Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        instance: desk.instance.clone(),
        since: desk.since,
        store: StoreStatus {
            name: desk.engine.describe_store(),
            status: health::word(policy_version.is_some()),
            out_since: standing.out_since,
            uploads_pass: standing.uploads_pass,
        },
        upstream: upstream.map(health::word),
        policy_version,
        journal: Journal { waiting: standing.waiting, oldest: standing.oldest },
        reservations_open: open.ok().map(|open| open.len()),
    })
}

/// What could make the books lie, or be lost.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Examined {
    /// What the store is, without a password.
    storage: String,
    /// Nothing is a fault.
    healthy: bool,
    /// The worst first.
    findings: Vec<Finding>,
}

/// What could make the books lie, or be lost?
#[utoipa::path(get, path = "/v1/doctor", tag = "watching",
    responses((status = 200, description = "What was found, good or bad", body = Examined), Reads)
)]
pub(super) async fn doctor(State(desk): State<Arc<Desk>>) -> Result<Json<Examined>, Problem> {
    let engine = desk.engine.clone();
    let findings = desk.over_all(async move { engine.examine().await }).await??;
    let healthy = findings.iter().all(|finding| finding.severity < Severity::Fault);
    Ok(Json(Examined { storage: desk.engine.describe_store(), healthy, findings }))
}

/// Those who are told of warnings and overages, as far as they may be named. Cheap to clone; all
/// clones are one list.
#[derive(Clone, Debug, Default)]
pub struct Targets(Arc<RwLock<Vec<Target>>>);

/// One who is told.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its host: the rest of its address is nobody else's business.
    pub host: String,
    /// Under which the store remembers how far it was told.
    pub name: String,
}

impl Targets {
    /// Says that it is these from now on.
    pub fn are(&self, targets: Vec<Target>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = targets;
    }

    fn all(&self) -> Vec<Target> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How far one was told.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Delivery {
    /// Its place in the configuration, from 1.
    number: usize,
    #[schema(example = "example.org")]
    host: String,
    /// The last notice that is done with; 0 before the first.
    told: u64,
    /// How many notices wait behind it, those it is not told of included; counted up to 1000.
    waiting: usize,
    /// Since when the oldest of them waits.
    oldest: Option<Timestamp>,
}

/// List those who are notified
///
/// By host alone, in the order of the configuration.
#[utoipa::path(get, path = "/v1/deliveries", operation_id = "list_deliveries", tag = "watching",
    params(Paged),
    responses((status = 200, description = "How far each was told", body = List<Delivery>), Reads)
)]
pub(super) async fn deliveries(
    State(desk): State<Arc<Desk>>,
    Query(paged): Query<Paged>,
) -> Result<Json<List<Delivery>>, Problem> {
    let numbered: Vec<_> = (1..).zip(desk.targets.all()).collect();
    let names: Vec<_> = numbered.iter().map(|(number, _)| number.to_string()).collect();
    let List { items: names, next_cursor } = List::part("deliveries", names, &paged, |name| name)?;
    let mut items = Vec::new();
    for (number, Target { host, name }) in numbered {
        if !names.contains(&number.to_string()) {
            continue;
        }
        let told = desk.engine.told(&name).await?;
        let waiting = desk.engine.notices(told, COUNTED).await?;
        let oldest = waiting.first().map(|notice| notice.at);
        items.push(Delivery { number, host, told, waiting: waiting.len(), oldest });
    }
    Ok(Json(List { items, next_cursor }))
}
