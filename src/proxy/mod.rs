//! Door one: `/_matrix`. The life of an exchange:
//!
//! ```text
//! request ─ exchange ─┬─ anything else ──────────────── forwarding ─ upstream ─ answer
//!                     ├─ odd spelling ── rejection
//!                     ├─ upload ─ who? ─ how much? ─┬─ no ── rejection, drain
//!                     │                             └─ yes ─ metered ─ upstream ─ settled, answer
//!                     └─ download ─ who? ─ any room? ── yes ─ upstream ─ egress ─ settled, end
//! ```
//!
//! An upload is carried by a task of its own: a client that hangs up must not cancel the books.
//! What else is metered, [`Meters`] say: a request's body goes the way of an upload's.

// One request and its response.
mod carrying;
mod egress;
mod exchange;
mod identity;
mod upload;
// What passes.
mod body;
mod forwarding;
mod patience;
mod trust;
mod tunnel;
// What is counted.
mod action;
mod counted;
mod denials;
mod metered;
mod meters;
mod room;
mod underway;
// What we answer ourselves.
mod denied;
mod drain;
mod media_config;
mod media_usage;
mod own_pages;
mod rejection;
// What we are told.
mod settings;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

pub use meters::{Count, Meter, Meters};
pub use settings::{Errcode, Limits, Page, Refusal, Settings};

use self::body::Outgoing;
use self::own_pages::Pages;
use crate::engine::Engine;
use crate::matrix::Whoami;
use crate::net::{Body, Client, ClientSettings, Concurrency, Route, Shutdown};
use crate::quota::Subject;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Upstream;

/// What every runtime shares.
#[derive(Debug)]
pub struct Shared {
    engine: Engine,
    whoami: Whoami,
    settings: Settings,
    route: Route,
    meters: Meters,
    /// The uploads of each user.
    subjects: Concurrency<Subject>,
    /// The uploads from each address.
    clients: Concurrency<IpAddr>,
    pages: Pages,
    shutdown: Shutdown,
    metrics: Arc<Metrics>,
}

impl Shared {
    /// Returns the proxy's common part.
    #[must_use]
    pub fn new(
        engine: Engine,
        whoami: Whoami,
        settings: Settings,
        shutdown: Shutdown,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        let subjects = Concurrency::new(settings.limits.uploads_per_subject);
        let clients = Concurrency::new(settings.limits.uploads_per_client);
        let (route, pages, meters) =
            (settings.route(), Pages::of(&settings.page), Meters::default());
        meters.are(&settings.meters);
        Arc::new(Self {
            engine,
            whoami,
            settings,
            route,
            meters,
            subjects,
            clients,
            pages,
            shutdown,
            metrics,
        })
    }

    /// Returns what is metered beside uploads, to be changed while running.
    #[must_use]
    pub fn meters(&self) -> Meters {
        self.meters.clone()
    }
}

/// The proxy within one runtime. Cheap to clone.
#[derive(Clone)]
pub struct Proxy(Arc<Lane>);

struct Lane {
    shared: Arc<Shared>,
    /// For all that passes: connections are kept and used again.
    kept: Client<Body>,
    /// For metered bodies, which must never meet a connection that may be stale.
    fresh: Client<Outgoing>,
}

impl Proxy {
    /// Returns the proxy for the present runtime.
    #[must_use]
    pub fn new(shared: Arc<Shared>) -> Self {
        let connect_timeout = shared.settings.limits.connect_timeout;
        let counted = |counts: &Upstream| ClientSettings {
            connect_timeout,
            counts: Some(counts.clone()),
            ..ClientSettings::default()
        };
        let Metrics { passing, metered, .. } = &*shared.metrics;
        let kept = Client::pooled(shared.route.clone(), counted(passing));
        let fresh = Client::fresh(shared.route.clone(), counted(metered));
        Self(Arc::new(Lane { shared, kept, fresh }))
    }

    fn engine(&self) -> &Engine {
        &self.0.shared.engine
    }

    fn settings(&self) -> &Settings {
        &self.0.shared.settings
    }

    fn limits(&self) -> &Limits {
        &self.0.shared.settings.limits
    }

    fn metrics(&self) -> &Arc<Metrics> {
        &self.0.shared.metrics
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.0.shared.settings.upstream).finish()
    }
}
