//! Door two: `/v1`, for operators and other services.
//!
//! | route | answers |
//! |---|---|
//! | `GET /healthz` | this process is alive |
//! | `GET /readyz` | uploads are served; whether store and homeserver answer, and what waits |
//! | `GET /v1/check` | may this subject do this? |
//! | `GET /v1/explain` | why, and what would have to change |
//! | `POST /v1/use` | records what happened |
//! | `GET /v1/usage` | what this subject used |
//! | `POST`, `GET`, `DELETE /session` | sign-in of the dashboard |
//!
//! `/v1` needs the token, if there is one. Errors are `{"error":{"code","message"}}`.

// Who may call.
mod origin;
mod session;
mod sessions;
mod settings;
mod token;
// What they ask.
mod check;
mod health;
mod usage;
mod uses;
// What they are told.
mod respond;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use http::Request;
use hyper::body::Incoming;
use tower::ServiceExt;

pub use health::Upstream;
pub use settings::Settings;

use self::respond::Problem;
use self::sessions::Sessions;
use crate::engine::Engine;
use crate::net::Connection;
use crate::telemetry::Secret;

/// The largest request body, in bytes.
const LARGEST_BODY: usize = 64 * 1024;
/// How long a request may take, body included.
const TIME: Duration = Duration::from_secs(30);

/// What every call has at hand.
#[derive(Clone, Debug)]
struct Desk {
    engine: Engine,
    /// The homeserver; none where the quota API runs alone.
    upstream: Option<Upstream>,
    token: Option<Secret>,
    /// The browsers that have shown it.
    sessions: Arc<Sessions>,
}

/// The admin API. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Api(Router);

impl Api {
    /// Returns the API on `engine`, open to who shows `token`, or to all without one.
    #[must_use]
    pub fn new(engine: Engine, upstream: Option<Upstream>, token: Option<Secret>) -> Self {
        let desk = Arc::new(Desk { engine, upstream, token, sessions: Arc::default() });
        let guarded = Router::new()
            .route("/v1/check", get(check::check))
            .route("/v1/explain", get(check::explain))
            .route("/v1/use", post(uses::record))
            .route("/v1/usage", get(usage::usage))
            .route_layer(from_fn_with_state(desk.clone(), token::demand));
        let router = Router::new()
            .route("/healthz", get(health::alive))
            .route("/readyz", get(health::ready))
            .merge(session::routes())
            .merge(guarded)
            .fallback(async || Problem::NotFound("there is no such path".to_owned()))
            .method_not_allowed_fallback(async || Problem::Method)
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .with_state(desk);
        Self(router)
    }

    /// Returns it with these pages beside it, which need no token.
    #[must_use]
    pub fn beside(self, pages: Router) -> Self {
        Self(self.0.merge(pages))
    }

    /// Answers one call. May be dropped at any time: a call then happens whole or not at all.
    pub async fn serve(
        self,
        _connection: Arc<Connection>,
        request: Request<Incoming>,
    ) -> axum::response::Response {
        let answer = tokio::time::timeout(TIME, self.0.oneshot(request)).await;
        match answer {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => axum::response::IntoResponse::into_response(Problem::Slow),
        }
    }
}
