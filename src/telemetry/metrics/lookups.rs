//! Lookups: how it was found out who asks.

use std::time::Duration;

use prometheus::{Histogram, IntCounter};

use super::family::{By, Made, Maker};
use crate::telemetry::labels::Lookup;
use crate::telemetry::names;

/// In seconds.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 10.0];

/// Who asks.
#[derive(Clone, Debug)]
pub struct Lookups {
    counts: By<Lookup, IntCounter>,
    times: Histogram,
}

impl Lookups {
    pub(super) fn made(maker: &Maker<'_>) -> Made<Self> {
        Ok(Self {
            counts: maker.counters_by(names::LOOKUPS)?,
            times: maker.times(names::LOOKUP_TIME, &BUCKETS)?,
        })
    }

    /// Counts one that needed no question of its own.
    pub fn learnt(&self, how: Lookup) {
        self.counts.of(how).inc();
    }

    /// Counts a question to the homeserver.
    pub fn asked(&self, how: Lookup, took: Duration) {
        self.counts.of(how).inc();
        self.times.observe(took.as_secs_f64());
    }

    /// Returns how many there were.
    #[must_use]
    pub fn count(&self, how: Lookup) -> u64 {
        self.counts.of(how).get()
    }
}
