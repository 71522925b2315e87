//! Alive, ready: what those who watch over us ask.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Desk;
use crate::engine::StoreStanding;
use crate::net::{Body, Client};

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

/// Answers 200 as long as this process answers at all.
pub(super) async fn alive() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// Answers 200 if uploads can be served: the homeserver answers, and so does the store, or else
/// uploads pass while it does not. Answers 503 otherwise; either way it says what is out, and what
/// waits for the store.
pub(super) async fn ready(State(desk): State<Arc<Desk>>) -> (StatusCode, Json<Value>) {
    let store = timeout(PATIENCE, desk.engine.policy_version());
    let upstream = async {
        match &desk.upstream {
            Some(upstream) => Some(upstream.answers().await),
            None => None,
        }
    };
    let (store, upstream) = tokio::join!(store, upstream);
    let version = store.ok().and_then(Result::ok);
    let standing = desk.engine.store_standing();
    let served = version.is_some() || standing.uploads_pass;
    let ready = served && upstream != Some(false);
    let word = |answers: bool| if answers { "ok" } else { "out" };
    let told = json!({
        "status": if ready { "ready" } else { "not ready" },
        "store": word(version.is_some()),
        "upstream": upstream.map(word),
        "policy_version": version,
        "journal": { "waiting": standing.waiting, "oldest": standing.oldest },
        "says": says(version.is_some(), upstream, &standing),
    });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(told))
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
