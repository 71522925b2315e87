//! Upstream: how soon the homeserver answers, and why it does not.

use std::time::Duration;

use prometheus::{Histogram, IntCounter};

use super::family::{By, Made, Maker};
use crate::telemetry::labels::{Sent, Silence};
use crate::telemetry::names;

/// In seconds.
const CONNECT: [f64; 9] = [0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 1.0, 5.0];
/// In seconds; the longest are long polls, and uploads.
const HEAD: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 60.0];

/// What is sent to the homeserver in one way.
#[derive(Clone, Debug)]
pub struct Upstream {
    connect: Histogram,
    head: Histogram,
    errors: By<Silence, IntCounter>,
}

/// All ways.
pub(super) struct Ways {
    connect: Histogram,
    heads: By<Sent, Histogram>,
    errors: By<Silence, IntCounter>,
}

impl Ways {
    pub(super) fn made(maker: &Maker<'_>) -> Made<Self> {
        Ok(Self {
            connect: maker.times(names::UPSTREAM_CONNECT, &CONNECT)?,
            heads: maker.times_by(names::UPSTREAM_HEAD, &HEAD)?,
            errors: maker.counters_by(names::UPSTREAM_ERRORS)?,
        })
    }

    pub(super) fn of(&self, sent: Sent) -> Upstream {
        let (connect, errors) = (self.connect.clone(), self.errors.clone());
        Upstream { connect, head: self.heads.of(sent).clone(), errors }
    }
}

impl Upstream {
    /// Counts a connection that was made.
    pub fn connected(&self, took: Duration) {
        self.connect.observe(took.as_secs_f64());
    }

    /// Counts an answer, so long after its request was sent.
    pub fn answered(&self, after: Duration) {
        self.head.observe(after.as_secs_f64());
    }

    /// Counts a request without an answer.
    pub fn failed(&self, why: Silence) {
        self.errors.of(why).inc();
    }
}
