//! Alive, ready: what those who watch over us ask.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Desk;
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

/// Answers 200 if store and homeserver answer, 503 if either does not.
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
    let ready = version.is_some() && upstream != Some(false);
    let word = |answers: bool| if answers { "ok" } else { "out" };
    let told = json!({
        "status": if ready { "ready" } else { "not ready" },
        "store": word(version.is_some()),
        "upstream": upstream.map(word),
        "policy_version": version,
    });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(told))
}
