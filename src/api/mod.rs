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
//! | `GET /v1/refusals` | how many uploads were refused, over time |
//! | `GET /metrics` | every figure, for Prometheus |
//!
//! `/v1` and `/metrics` need the token, if there is one. Errors are `{"error":{"code","message"}}`.

// Who may call.
mod settings;
mod token;
// What they ask.
mod check;
mod health;
mod metrics;
mod refusals;
mod usage;
mod uses;
// What they are told.
mod respond;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tower::ServiceExt;

pub use health::Upstream;
pub use settings::Settings;

use self::respond::Problem;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::net::{Connection, Peer, Watched};
use crate::telemetry::labels::Kind;
use crate::telemetry::{Access, Asked, End, Metrics, RequestId, Secret, X_REQUEST_ID};

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
    metrics: Arc<Metrics>,
    /// When it was opened.
    since: Timestamp,
    access_log: bool,
}

/// The admin API. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Api {
    router: Router,
    desk: Arc<Desk>,
}

impl Api {
    /// Returns the API on `engine`, open to who shows the token, or to all without one. It does
    /// not listen: that is up to the caller.
    #[must_use]
    pub fn new(
        engine: Engine,
        upstream: Option<Upstream>,
        settings: Settings,
        metrics: Arc<Metrics>,
    ) -> Self {
        let Settings { token, access_log, .. } = settings;
        let since = engine.now();
        let desk = Arc::new(Desk { engine, upstream, token, metrics, since, access_log });
        let guarded = Router::new()
            .route("/v1/check", get(check::check))
            .route("/v1/explain", get(check::explain))
            .route("/v1/use", post(uses::record))
            .route("/v1/usage", get(usage::usage))
            .route("/v1/refusals", get(refusals::refusals))
            .route("/metrics", get(metrics::metrics))
            .route_layer(from_fn_with_state(desk.clone(), token::demand));
        let router = Router::new()
            .route("/healthz", get(health::alive))
            .route("/readyz", get(health::ready))
            .merge(guarded)
            .fallback(async || Problem::NotFound("there is no such path".to_owned()))
            .method_not_allowed_fallback(async || Problem::Method)
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .with_state(desk.clone());
        Self { router, desk }
    }

    /// Answers one call. May be dropped at any time: a call then happens whole or not at all.
    pub async fn serve(
        self,
        connection: Arc<Connection>,
        request: Request<Incoming>,
    ) -> Response<Watched<Body>> {
        let id = RequestId::fresh();
        let access = self.desk.access_log.then(|| watch(&connection, &request, &id));
        let is_head = request.method() == Method::HEAD;
        let request = request.map(|body| told(body, access.clone()));
        let answer = tokio::time::timeout(TIME, self.router.oneshot(request)).await;
        let mut response = match answer {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => axum::response::IntoResponse::into_response(Problem::Slow),
        };
        response.headers_mut().insert(X_REQUEST_ID, id.value());
        let status = response.status().as_u16();
        self.desk.metrics.requests.answered_admin(status);
        if let Some(access) = &access {
            access.answered(status);
            if is_head {
                // Nobody looks at its body.
                access.ended(End::Complete);
            }
        }
        response.map(|body| Watched::new(body, access))
    }
}

fn watch(connection: &Connection, request: &Request<Incoming>, id: &RequestId) -> Arc<Access> {
    let client = match connection.peer {
        Peer::Ip(address) => Some(address),
        Peer::Unix => None,
    };
    let (method, path) = (request.method(), request.uri().path());
    let access = Access::begin(Asked::by(id.to_string(), method, path, request.version(), client));
    access.is_about(Kind::Admin);
    access
}

/// Returns the body of a request, of which the access log is told as it comes.
fn told(body: Incoming, access: Option<Arc<Access>>) -> Body {
    let Some(access) = access else { return Body::new(body) };
    Body::new(body.map_frame(move |frame| {
        access.received(frame.data_ref().map_or(0, bytes::Bytes::len));
        frame
    }))
}
