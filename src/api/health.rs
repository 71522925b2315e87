//! Alive, ready: what those who watch over us ask.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::{Method, Request, StatusCode};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::Desk;
use crate::clock::Timestamp;
use crate::engine::StoreStanding;
use crate::net::{Body, Client};
use crate::quota::PolicyVersion;

/// How long store and homeserver may each take to be called ready.
const PATIENCE: Duration = Duration::from_secs(5);

/// The homeserver, as far as it is asked whether it answers.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Reaches it.
    pub client: Client<Body>,
    /// A path that any homeserver answers without a token.
    pub path: &'static str,
}

impl Upstream {
    /// Returns true if it answers anything but a server error.
    async fn answers(&self) -> bool {
        let request = Request::builder().method(Method::GET).uri(self.path).body(Body::empty());
        let Ok(request) = request else { return false };
        let answer = timeout(PATIENCE, self.client.request(request)).await;
        matches!(answer, Ok(Ok(response)) if !response.status().is_server_error())
    }
}

/// This process answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Alive {
    #[schema(example = "alive")]
    status: &'static str,
}

/// Whether uploads can be served.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ready {
    /// `ready`, or `not ready`.
    #[schema(example = "ready")]
    status: &'static str,
    /// `ok`, or `out`.
    #[schema(example = "ok")]
    store: &'static str,
    /// The homeserver: `ok` or `out`; null where there is none.
    upstream: Option<&'static str>,
    /// The present policy, if the store answers.
    policy_version: Option<PolicyVersion>,
    /// What waits for the store.
    journal: Journal,
    /// All of it in words.
    #[schema(example = "all is well")]
    says: String,
}

/// What passed while the store was out, and is not charged yet.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Journal {
    /// How many entries.
    pub(super) waiting: usize,
    /// When the oldest of them was written.
    pub(super) oldest: Option<Timestamp>,
}

/// Is this process alive?
///
/// Answers 200 as long as it answers at all.
#[utoipa::path(get, path = "/healthz", tag = "watching", security(()),
    responses((status = 200, description = "It is", body = Alive))
)]
pub(super) async fn alive() -> Json<Alive> {
    Json(Alive { status: "alive" })
}

/// Can uploads be served?
///
/// They can if the homeserver answers, and so does the store, or else uploads pass while it does
/// not. Either way it says what is out, and what waits for the store.
#[utoipa::path(get, path = "/readyz", tag = "watching", security(()), responses(
    (status = 200, description = "They can", body = Ready),
    (status = 503, description = "They cannot now", body = Ready)
))]
pub(super) async fn ready(State(desk): State<Arc<Desk>>) -> (StatusCode, Json<Ready>) {
    let (version, upstream) = look(&desk).await;
    let standing = desk.engine.store_standing();
    let served = version.is_some() || standing.uploads_pass;
    let ready = served && upstream != Some(false);
    let says = says(version.is_some(), upstream, &standing);
    let told = Ready {
        status: if ready { "ready" } else { "not ready" },
        store: word(version.is_some()),
        upstream: upstream.map(word),
        policy_version: version,
        journal: Journal { waiting: standing.waiting, oldest: standing.oldest },
        says,
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(told))
}

/// Asks store and homeserver at once: returns the version of the policy, if the store answers,
/// and whether the homeserver does, if there is one.
pub(super) async fn look(desk: &Desk) -> (Option<PolicyVersion>, Option<bool>) {
    let store = timeout(PATIENCE, desk.engine.policy_version());
    let upstream = async {
        match &desk.upstream {
            Some(upstream) => Some(upstream.answers().await),
            None => None,
        }
    };
    let (store, upstream) = tokio::join!(store, upstream);
    (store.ok().and_then(Result::ok), upstream)
}

/// Returns the word for whether something answers.
pub(super) const fn word(answers: bool) -> &'static str {
    if answers { "ok" } else { "out" }
}

/// Returns in words how things stand.
fn says(store: bool, upstream: Option<bool>, standing: &StoreStanding) -> String {
    let StoreStanding { out_since, uploads_pass, waiting, oldest } = standing;
    let mut said = Vec::new();
    if !store {
        let since = out_since.map(|since| format!(" since {since}")).unwrap_or_default();
        let uploads = if *uploads_pass {
            "uploads pass and are charged once it is back"
        } else {
            "uploads are refused"
        };
        said.push(format!("the store does not answer{since}: {uploads}"));
    }
    if let (1.., Some(oldest)) = (*waiting, oldest) {
        let entries = if *waiting == 1 { "entry waits" } else { "entries wait" };
        said.push(format!("{waiting} {entries} in the journal, the oldest since {oldest}"));
    }
    if upstream == Some(false) {
        said.push("the homeserver does not answer".to_owned());
    }
    if said.is_empty() { "all is well".to_owned() } else { said.join("; ") }
}
