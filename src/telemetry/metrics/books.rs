//! Books: how long the store takes, how it fails, whether it is out, and what waits for it.

use std::sync::OnceLock;
use std::time::Duration;

use prometheus::{Gauge, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge};

use super::family::{Made, Maker};
use crate::telemetry::labels::{Fault, Label};
use crate::telemetry::names;

/// In seconds.
const BUCKETS: [f64; 12] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0];

/// What a store is asked for, in the order of the alphabet.
const VERBS: [&str; 38] = [
    "all_grants",
    "balances",
    "beat",
    "close",
    "consume",
    "examine",
    "extend",
    "forget",
    "grants",
    "grow",
    "held",
    "history",
    "import",
    "join",
    "leave",
    "lines",
    "notices",
    "open",
    "opened",
    "policy",
    "prune",
    "read",
    "record",
    "recount",
    "refund",
    "release",
    "reserve",
    "reset",
    "set",
    "settle",
    "subjects",
    "tell",
    "time",
    "told",
    "top",
    "users",
    "write_grants",
    "write_layer",
];
/// Any other.
const OTHER: &str = "other";

/// The calls of a store.
#[derive(Debug)]
pub struct StoreCalls {
    times: HistogramVec,
    errors: IntCounterVec,
    /// Made when a verb is first used: most never are.
    handles: [OnceLock<Histogram>; VERBS.len()],
}

impl StoreCalls {
    pub(super) fn made(maker: &Maker<'_>) -> Made<Self> {
        let calls = Self {
            times: maker.times_of_many(names::STORE_TIME, &BUCKETS)?,
            errors: maker.counters(names::STORE_ERRORS)?,
            handles: std::array::from_fn(|_| OnceLock::new()),
        };
        // Told from the start, so that a first failure is seen as a rise.
        for verb in ["reserve", "settle"] {
            for fault in Fault::ALL {
                calls.errors.get_metric_with_label_values(&[verb, fault.word()])?;
            }
        }
        Ok(calls)
    }

    /// Counts a call that took so long, and why it failed if it did.
    pub fn made_call(&self, verb: &'static str, took: Duration, fault: Option<Fault>) {
        let took = took.as_secs_f64();
        let verb = if let Ok(index) = VERBS.binary_search(&verb) {
            let handle = &self.handles[index];
            handle.get_or_init(|| self.times.with_label_values(&[verb])).observe(took);
            verb
        } else {
            self.times.with_label_values(&[OTHER]).observe(took);
            OTHER
        };
        if let Some(fault) = fault {
            self.errors.with_label_values(&[verb, fault.word()]).inc();
        }
    }
}

/// How the books stand; looked up when it is told.
#[derive(Clone, Debug)]
pub struct Books {
    up: IntGauge,
    out_since: Gauge,
    entries: IntGauge,
    age: Gauge,
    written: IntCounter,
    replayed: IntCounter,
    /// Absent while it is not known.
    open: prometheus::IntGaugeVec,
    version: IntGauge,
}

/// What is told of the books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Since when the store is out, counted from 1970.
    pub out_since: Option<Duration>,
    /// Entries of the journal that wait.
    pub waiting: usize,
    /// How long the oldest has waited.
    pub age: Duration,
    /// Entries written into the journal so far.
    pub written: u64,
    /// Entries brought into the books so far.
    pub replayed: u64,
    /// Open reservations in the store, if that is known.
    pub open: Option<usize>,
    /// The version of the policy.
    pub version: i64,
}

impl Books {
    pub(super) fn made(maker: &Maker<'_>) -> Made<Self> {
        Ok(Self {
            up: maker.gauge(names::STORE_UP)?,
            out_since: maker.fine_gauge(names::STORE_OUT_SINCE)?,
            entries: maker.gauge(names::JOURNAL_ENTRIES)?,
            age: maker.fine_gauge(names::JOURNAL_AGE)?,
            written: maker.counter(names::JOURNAL_WRITTEN)?,
            replayed: maker.counter(names::JOURNAL_REPLAYED)?,
            open: maker.gauges(names::STORE_RESERVATIONS)?,
            version: maker.gauge(names::POLICY_VERSION)?,
        })
    }

    /// Takes down how they stand.
    pub fn stand(&self, standing: &Standing) {
        let Standing { out_since, waiting, age, written, replayed, open, version } = *standing;
        let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.up.set(i64::from(out_since.is_none()));
        self.out_since.set(out_since.unwrap_or_default().as_secs_f64());
        self.entries.set(whole(waiting));
        self.age.set(age.as_secs_f64());
        // Two who look at once may tell one count twice, and never less.
        self.written.inc_by(written.saturating_sub(self.written.get()));
        self.replayed.inc_by(replayed.saturating_sub(self.replayed.get()));
        self.version.set(version);
        match open {
            Some(open) => self.open.with_label_values::<&str>(&[]).set(whole(open)),
            None => self.open.reset(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_a_store_has_its_verb() {
        let guarded = include_str!("../../store/guarded.rs");
        let passes =
            guarded.split(".pass(").skip(1).filter_map(|call| call.trim_start().strip_prefix('"'));
        let mut verbs: Vec<_> = passes.filter_map(|call| call.split('"').next()).collect();
        verbs.sort_unstable();
        assert_eq!(verbs, VERBS);
    }
}
