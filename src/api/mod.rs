//! Door two: `/v1`, for operators and other services.
//!
//! Each noun has a file: what it takes, what it answers, and a short handler between, described
//! where it stands. The router below and `/openapi.json` are both made of these descriptions.
//!
//! `/v1` needs the token, if there is one. Errors are `{"error":{"code","message"}}`.

#![allow(unused_qualifications, reason = "the macro of the descriptions writes names in full")]

// Who may call.
mod settings;
mod token;
// What a call says.
mod asked;
mod fields;
mod lasting;
// What they ask.
mod check;
mod health;
mod usage;
mod uses;
// What they are told.
mod openapi;
mod respond;
mod statuses;
mod words;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use http::Request;
use http::header::CONTENT_TYPE;
use hyper::body::Incoming;
use tower::ServiceExt;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use health::Upstream;
pub use settings::Settings;

use self::respond::Problem;
use crate::engine::Engine;
use crate::net::Connection;
use crate::quota::{Amount, Invalid, Resource, Said};
use crate::telemetry::Secret;

/// The largest request body, in bytes.
const LARGEST_BODY: usize = 64 * 1024;
/// How long a request may take, body included.
const TIME: Duration = Duration::from_secs(30);

/// What every call has at hand.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Decides, counts, tells.
    pub engine: Engine,
    /// The homeserver; none where the quota API runs alone.
    pub upstream: Option<Upstream>,
    /// What a caller has to show; without one it is open.
    pub token: Option<Secret>,
}

impl Desk {
    /// Returns how much of `resource` is meant.
    fn amount(&self, resource: &Resource, said: &Said) -> Result<Amount, Invalid> {
        match said {
            Said::Units(units) => Ok(*units),
            Said::Text(text) => self.engine.measure(resource).parse(text),
        }
    }
}

/// The admin API. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Api(Router);

impl Api {
    /// Returns the API that answers from `desk`.
    #[must_use]
    pub fn new(desk: Desk) -> Self {
        let desk = Arc::new(desk);
        let (open, mut description) = open().split_for_parts();
        let (guarded, told) = guarded().split_for_parts();
        description.merge(told);
        // It stays as it is for as long as this process lives.
        let description: Arc<str> = description.to_json().unwrap_or_default().into();
        let described =
            async move || ([(CONTENT_TYPE, "application/json")], description.to_string());
        let router = open
            .route("/openapi.json", get(described))
            .merge(guarded.route_layer(from_fn_with_state(desk.clone(), token::demand)))
            .fallback(async || Problem::NotFound("there is no such path".to_owned()))
            .method_not_allowed_fallback(async || Problem::Method)
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .layer(from_fn(asked::well_encoded))
            .with_state(desk);
        Self(router)
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

/// What anyone may call.
fn open() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::with_openapi(openapi::Description::openapi())
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
}

/// What only those may call who show the token.
fn guarded() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new()
        .routes(routes!(check::check))
        .routes(routes!(check::explain))
        .routes(routes!(uses::record))
        .routes(routes!(usage::usage))
        .routes(routes!(usage::summary))
}
