//! Requests: what clients ask for, and how soon they are answered.

use std::time::Duration;

use prometheus::{Histogram, IntCounter};

use super::family::{By, Made, Maker};
use crate::telemetry::labels::{Class, Kind, Label};
use crate::telemetry::names;

/// In seconds; the longest are long polls.
const BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 60.0];

/// The requests of clients, and those to the admin API.
#[derive(Clone, Debug)]
pub struct Requests {
    counts: By<Kind, By<Class, IntCounter>>,
    heads: By<Kind, Histogram>,
    admin: By<Class, IntCounter>,
}

impl Requests {
    pub(super) fn made(maker: &Maker<'_>) -> Made<Self> {
        let family = maker.counters(names::REQUESTS)?;
        let counts = By::each(|kind: Kind| {
            By::each(|class: Class| {
                family.get_metric_with_label_values(&[kind.word(), class.word()])
            })
        });
        Ok(Self {
            counts: counts?,
            heads: maker.times_by(names::REQUEST_HEAD, &BUCKETS)?,
            admin: maker.counters_by(names::ADMIN_REQUESTS)?,
        })
    }

    /// Counts an answer whose head is sent so long after the request's.
    pub fn answered(&self, kind: Kind, status: u16, after: Duration) {
        self.counts.of(kind).of(Class::of(status)).inc();
        self.heads.of(kind).observe(after.as_secs_f64());
    }

    /// Counts a client that left before its answer.
    pub fn left(&self, kind: Kind) {
        self.counts.of(kind).of(Class::Left).inc();
    }

    /// Counts an answer of the admin API.
    pub fn answered_admin(&self, status: u16) {
        self.admin.of(Class::of(status)).inc();
    }
}
