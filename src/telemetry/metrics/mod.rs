//! Metrics: what is counted, as handles made beforehand, and how it is told.
//!
//! Each application has its own. Counting is an atomic addition; what is known elsewhere (the
//! journal, the store's standing) is looked up when it is told.

mod books;
mod connections;
mod family;
mod lookups;
mod notices;
mod process;
mod requests;
mod uploads;
mod upstream;

use std::fmt;

use prometheus::{Registry, TextEncoder};

pub use books::{Books, Standing, StoreCalls};
pub use connections::{Connections, Open};
pub use lookups::Lookups;
pub use notices::Notices;
pub use process::Process;
pub use requests::Requests;
pub use uploads::Uploads;
pub use upstream::Upstream;

use self::family::Maker;
use super::labels::{Door, Sent};
use super::tally::Tally;

/// The figures could not be made.
#[derive(Debug, thiserror::Error)]
#[error("two figures have one name")]
pub struct MetricsError(#[from] prometheus::Error);

/// Everything that one application counts.
pub struct Metrics {
    registry: Registry,
    /// What clients ask for.
    pub requests: Requests,
    /// What is metered.
    pub uploads: Uploads,
    /// What was refused, hour by hour.
    pub refusals: Tally,
    /// Who asks.
    pub lookups: Lookups,
    /// The calls of the store.
    pub store: StoreCalls,
    /// How the books stand.
    pub books: Books,
    /// What goes to the homeserver: what passes, and questions of ours.
    pub passing: Upstream,
    /// What goes to the homeserver: metered bodies.
    pub metered: Upstream,
    /// The connections of the public listener.
    pub public: Connections,
    /// The connections of the admin listener.
    pub admin: Connections,
    /// Who is told of warnings and overages.
    pub notices: Notices,
    /// The process itself.
    pub process: Process,
}

impl Metrics {
    /// Returns metrics in which nothing is counted yet.
    ///
    /// # Errors
    /// If two figures have one name.
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let maker = Maker(&registry);
        let connections = connections::Doors::made(&maker)?;
        let upstream = upstream::Ways::made(&maker)?;
        Ok(Self {
            requests: Requests::made(&maker)?,
            uploads: Uploads::made(&maker)?,
            refusals: Tally::default(),
            lookups: Lookups::made(&maker)?,
            store: StoreCalls::made(&maker)?,
            books: Books::made(&maker)?,
            passing: upstream.of(Sent::Other),
            metered: upstream.of(Sent::Upload),
            public: connections.of(Door::Proxy)?,
            admin: connections.of(Door::Admin)?,
            notices: Notices::made(&maker)?,
            process: Process::made(&maker)?,
            registry,
        })
    }

    /// The type of what [`text`](Self::text) returns.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Returns all figures in the text format of Prometheus, version 0.0.4.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Err(error) = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "figures cannot be told");
        }
        text
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
