//! Connections: of clients, on either listener.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use super::family::{By, Made, Maker};
use crate::telemetry::labels::{Door, Hindrance, Label};
use crate::telemetry::names;

/// The connections of one listener.
#[derive(Clone, Debug)]
pub struct Connections {
    open: IntGauge,
    accepted: IntCounter,
    limited: By<Hindrance, IntCounter>,
}

/// Those of both.
pub(super) struct Doors {
    open: IntGaugeVec,
    accepted: IntCounterVec,
    limited: IntCounterVec,
}

impl Doors {
    pub(super) fn made(maker: &Maker<'_>) -> Made<Self> {
        Ok(Self {
            open: maker.gauges(names::CONNECTIONS)?,
            accepted: maker.counters(names::ACCEPTED)?,
            limited: maker.counters(names::LIMITED)?,
        })
    }

    pub(super) fn of(&self, door: Door) -> Made<Connections> {
        let labels = [door.word()];
        let limited = By::each(|limit: Hindrance| {
            self.limited.get_metric_with_label_values(&[door.word(), limit.word()])
        });
        Ok(Connections {
            open: self.open.get_metric_with_label_values(&labels)?,
            accepted: self.accepted.get_metric_with_label_values(&labels)?,
            limited: limited?,
        })
    }
}

impl Connections {
    /// Counts one that is open while the answer lives.
    #[must_use]
    pub fn opened(&self) -> Open {
        self.accepted.inc();
        self.open.inc();
        Open(self.open.clone())
    }

    /// Counts one that a limit held up or ended.
    pub fn limited(&self, by: Hindrance) {
        self.limited.of(by).inc();
    }
}

/// A connection that is counted as open.
#[derive(Debug)]
pub struct Open(IntGauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
