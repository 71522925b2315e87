//! Settings: everything a process is told, once, before any port is bound.

use std::path::PathBuf;
use std::time::Duration;

use super::error::Complaint;
use super::sections::{KEEP_EVENTS, STORE_TIMEOUT};
use crate::quota::{Layer, OnOutage};
use crate::store::StorageSpec;
use crate::{api, matrix, notify, proxy, telemetry};

/// Everything that `metergate serve` is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The proxy; none without an upstream: then the quota API runs alone.
    pub proxy: Option<proxy::Settings>,
    /// How users are found out.
    pub auth: matrix::Settings,
    /// The admin API.
    pub admin: api::Settings,
    /// Which store. Default `sqlite:metergate.db`.
    pub storage: StorageSpec,
    /// How long the store may take to answer. Default 5 s.
    pub store_timeout: Duration,
    /// How long events are kept in the ledger. Default 400 days.
    pub keep_events: Duration,
    /// What becomes of uploads while the store is out, unless their capability says. Default
    /// closed.
    pub on_outage: OnOutage,
    /// Where what cannot be charged now is written until it can. Default beside the books; none
    /// where these are in memory.
    pub journal: Option<PathBuf>,
    /// What this instance is called, unique on its store; none means a new name at each start.
    pub instance: Option<String>,
    /// The log.
    pub log: telemetry::log::Settings,
    /// The file layer of the policy: what file, environment and flags declare. Default nothing.
    pub policy: Layer,
    /// Who is told of warnings and overages. Default nobody.
    pub notify: Vec<notify::Target>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            proxy: None,
            auth: matrix::Settings::default(),
            admin: api::Settings::default(),
            storage: StorageSpec::default(),
            store_timeout: STORE_TIMEOUT,
            keep_events: KEEP_EVENTS,
            on_outage: OnOutage::default(),
            journal: Some(PathBuf::from("metergate.db.journal")),
            instance: None,
            log: telemetry::log::Settings::default(),
            policy: Layer::default(),
            notify: Vec::new(),
        }
    }
}

/// Settings, and what looks like a slip in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// What is allowed, but probably not meant.
    pub warnings: Vec<Complaint>,
}
