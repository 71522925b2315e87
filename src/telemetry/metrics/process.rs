//! Process: what runs, since when, and by which configuration.

use std::time::Duration;

use prometheus::{Gauge, IntCounter};

use super::family::{By, Made, Maker};
use crate::telemetry::labels::Reload;
use crate::telemetry::names;

/// The process itself.
#[derive(Clone, Debug)]
pub struct Process {
    reloads: By<Reload, IntCounter>,
    reloaded: Gauge,
    started: Gauge,
}

impl Process {
    pub(super) fn made(maker: &Maker<'_>) -> Made<Self> {
        let build = maker.gauges(names::BUILD)?;
        build.get_metric_with_label_values(&[env!("CARGO_PKG_VERSION")])?.set(1);
        Ok(Self {
            reloads: maker.counters_by(names::RELOADS)?,
            reloaded: maker.fine_gauge(names::RELOADED)?,
            started: maker.fine_gauge(names::STARTED)?,
        })
    }

    /// Takes down when it started, counted from 1970.
    pub fn started(&self, now: Duration) {
        self.started.set(now.as_secs_f64());
        self.reloaded.set(now.as_secs_f64());
    }

    /// Counts a reload that was taken over; the moment is counted from 1970.
    pub fn reloaded(&self, now: Duration) {
        self.reloads.of(Reload::Good).inc();
        self.reloaded.set(now.as_secs_f64());
    }

    /// Counts a reload that changed nothing.
    pub fn refused_reload(&self) {
        self.reloads.of(Reload::Bad).inc();
    }
}
