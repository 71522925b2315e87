//! Door two: `/v1`, for operators and other services.
//!
//! Each noun has a file: what it takes, what it answers, and a short handler between, described
//! where it stands. The router below and `/openapi.json` are both made of these descriptions.
//!
//! `/v1` and `/metrics` need the token, if there is one. Errors are `{"error":{"code","message"}}`.

#![allow(unused_qualifications, reason = "the macro of the descriptions writes names in full")]

// One call and its answer.
mod exchange;
// Who may call.
mod origin;
mod session;
mod sessions;
mod settings;
mod token;
// What a call says.
mod asked;
mod fields;
mod lasting;
// What they ask.
mod check;
mod events;
mod ranking;
mod reservations;
mod usage;
mod uses;
// What they declare.
mod boosts;
mod capabilities;
mod groups;
mod overrides;
mod places;
mod policy;
mod resources;
mod rules;
mod subjects;
// What keeps the books, and the process.
mod books;
mod health;
mod metrics;
mod refusals;
mod reload;
mod watching;
// What they are told.
mod aside;
mod lists;
mod openapi;
mod respond;
mod statuses;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use http::header::CONTENT_TYPE;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use health::Upstream;
pub use reload::{NotReloaded, Reload, Reloaded, Reloads, Told};
pub use settings::Settings;
pub use watching::{Target, Targets};

use self::respond::Problem;
use self::sessions::Sessions;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::quota::{Amount, Invalid, Resource, Said};
use crate::telemetry::{Metrics, Secret};

/// The largest request body, in bytes.
const LARGEST_BODY: usize = 64 * 1024;
/// The largest policy to be tried, in bytes.
const LARGEST_POLICY: usize = 1024 * 1024;
/// The largest document to be brought in, in bytes: some hundred thousand subjects, or events.
const LARGEST_BOOKS: usize = 64 * 1024 * 1024;

/// What every call has at hand.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Decides, counts, tells.
    pub engine: Engine,
    /// The homeserver; none where the quota API runs alone.
    pub upstream: Option<Upstream>,
    /// What a caller has to show; without one it is open.
    pub token: Option<Secret>,
    /// Whoever reads the configuration again.
    pub reload: Reload,
    /// Who is told of warnings and overages.
    pub targets: Targets,
    /// The name of this process among those on the store.
    pub instance: Option<String>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether each exchange is one line in the log.
    pub access_log: bool,
    /// The browsers that have shown the token.
    sessions: Arc<Sessions>,
    /// When this process started.
    since: Timestamp,
    /// Room for long work; of clones, the same.
    rooms: aside::Rooms,
}

impl Desk {
    /// Returns the desk of those who ask `engine`, which counts in `metrics`.
    #[must_use]
    pub fn new(engine: Engine, metrics: Arc<Metrics>) -> Self {
        Self {
            since: engine.now(),
            engine,
            upstream: None,
            token: None,
            reload: Reload::default(),
            targets: Targets::default(),
            instance: None,
            metrics,
            access_log: false,
            sessions: Arc::default(),
            rooms: aside::Rooms::default(),
        }
    }

    /// Returns how much of `resource` is meant.
    fn amount(&self, resource: &Resource, said: &Said) -> Result<Amount, Invalid> {
        said.read(&self.engine.measure(resource))
    }
}

/// The admin API. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Api {
    router: Router,
    desk: Arc<Desk>,
}

impl Api {
    /// Returns the API that answers from `desk`.
    #[must_use]
    pub fn new(desk: Desk) -> Self {
        let desk = Arc::new(desk);
        let (open, mut description) = open().split_for_parts();
        let (guarded, told) = guarded().split_for_parts();
        description.merge(told);
        openapi::without_null(&mut description);
        // It stays as it is for as long as this process lives.
        let description: Arc<str> = description.to_json().unwrap_or_default().into();
        let described =
            async move || ([(CONTENT_TYPE, "application/json")], description.to_string());
        let router = open
            .route("/openapi.json", get(described))
            .merge(session::routes())
            .merge(guarded.route_layer(from_fn_with_state(desk.clone(), token::demand)))
            .fallback(async || Problem::NotFound("there is no such path".to_owned()))
            .method_not_allowed_fallback(async || Problem::Method)
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .layer(from_fn(asked::well_encoded))
            .with_state(desk.clone());
        Self { router, desk }
    }

    /// Returns it with these pages beside it, which need no token.
    #[must_use]
    pub fn beside(self, pages: Router) -> Self {
        Self { router: self.router.merge(pages), desk: self.desk }
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
        .routes(routes!(uses::set))
        .routes(routes!(uses::reset))
        .routes(routes!(ranking::over))
        .routes(routes!(ranking::top))
        .routes(routes!(events::events))
        .routes(routes!(events::history))
        .merge(reserving())
        .merge(declaring())
        .merge(keeping())
}

/// What declares, and tells what is declared.
fn declaring() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new()
        .routes(routes!(policy::policy))
        .routes(routes!(groups::list, groups::post))
        .routes(routes!(groups::get, groups::put, groups::delete))
        .routes(routes!(groups::preview))
        .routes(routes!(capabilities::list))
        .routes(routes!(capabilities::get, capabilities::put, capabilities::delete))
        .routes(routes!(resources::list))
        .routes(routes!(resources::get, resources::put, resources::delete))
        .routes(routes!(rules::list, rules::post))
        .routes(routes!(rules::get, rules::put, rules::delete))
        .routes(routes!(subjects::list, subjects::post))
        .routes(routes!(subjects::get, subjects::put, subjects::delete))
        .routes(routes!(subjects::grants))
        .routes(routes!(subjects::forget))
        .routes(routes!(overrides::list, overrides::post))
        .routes(routes!(overrides::get, overrides::put, overrides::delete))
        .routes(routes!(boosts::list, boosts::post))
        .routes(routes!(boosts::get, boosts::put, boosts::delete))
}

/// What sets room aside, and charges.
fn reserving() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new()
        .routes(routes!(reservations::reserve))
        .routes(routes!(reservations::consume))
        .routes(routes!(reservations::list))
        .routes(routes!(reservations::get))
        .routes(routes!(reservations::grow))
        .routes(routes!(reservations::extend))
        .routes(routes!(reservations::settle))
        .routes(routes!(reservations::release))
        .routes(routes!(reservations::refund))
}

/// What keeps the books, and watches the process.
fn keeping() -> OpenApiRouter<Arc<Desk>> {
    let import = OpenApiRouter::new().routes(routes!(books::import));
    let simulate = OpenApiRouter::new().routes(routes!(books::simulate));
    OpenApiRouter::new()
        .routes(routes!(books::rebuild))
        .routes(routes!(books::export))
        .merge(import.layer(DefaultBodyLimit::max(LARGEST_BOOKS)))
        .merge(simulate.layer(DefaultBodyLimit::max(LARGEST_POLICY)))
        .routes(routes!(reload::reload))
        .routes(routes!(watching::status))
        .routes(routes!(refusals::refusals))
        .route("/metrics", get(metrics::metrics))
        .routes(routes!(watching::doctor))
        .routes(routes!(watching::deliveries))
}
