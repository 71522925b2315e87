//! Uploads, and what else is metered: what became of them, and what stood in their way.

use prometheus::{IntCounter, IntCounterVec, IntGauge};

use super::family::{By, Made, Maker};
use crate::telemetry::labels::{Crowd, Label, Outcome, Span, Strictness};
use crate::telemetry::names;

/// The capability whose figures are there from the start; others come with the first of them.
const CAPABILITY: &str = "upload_media";

/// What is metered. A capability is a name of the configuration.
#[derive(Clone, Debug)]
pub struct Uploads {
    counts: By<Outcome, IntCounter>,
    bytes: By<Outcome, IntCounter>,
    denials: By<Span, By<Strictness, IntCounter>>,
    all_denials: IntCounterVec,
    metered: IntCounterVec,
    metered_bytes: IntCounterVec,
    busy: By<Crowd, IntCounter>,
    open: IntGauge,
    reserved: IntGauge,
}

impl Uploads {
    pub(super) fn made(maker: &Maker<'_>) -> Made<Self> {
        let family = maker.counters(names::DENIALS)?;
        let denials = By::each(|span: Span| {
            By::each(|mode: Strictness| {
                let labels = [CAPABILITY, span.word(), mode.word()];
                family.get_metric_with_label_values(&labels)
            })
        });
        Ok(Self {
            counts: maker.counters_by(names::UPLOADS)?,
            bytes: maker.counters_by(names::UPLOAD_BYTES)?,
            denials: denials?,
            all_denials: family,
            metered: maker.counters(names::METERED)?,
            metered_bytes: maker.counters(names::METERED_BYTES)?,
            busy: maker.counters_by(names::BUSY)?,
            open: maker.gauge(names::RESERVATIONS)?,
            reserved: maker.gauge(names::RESERVED_BYTES)?,
        })
    }

    /// Counts an upload of so many bytes that has come to its end.
    pub fn ended(&self, outcome: Outcome, bytes: u64) {
        self.counts.of(outcome).inc();
        self.bytes.of(outcome).inc_by(bytes);
    }

    /// Counts a request that a meter of the configuration counts, and so many bytes of it.
    pub fn ended_as(&self, capability: &str, outcome: Outcome, bytes: u64) {
        let labels = [capability, outcome.word()];
        self.metered.with_label_values(&labels).inc();
        self.metered_bytes.with_label_values(&labels).inc_by(bytes);
    }

    /// Counts a window that had no room for what `capability` names.
    pub fn denied(&self, capability: &str, span: Span, mode: Strictness) {
        if capability == CAPABILITY {
            self.denials.of(span).of(mode).inc();
        } else {
            let labels = [capability, span.word(), mode.word()];
            self.all_denials.with_label_values(&labels).inc();
        }
    }

    /// Counts an upload that was one too many at the same time.
    pub fn busy(&self, by: Crowd) {
        self.busy.of(by).inc();
    }

    /// Counts a reservation of so many bytes.
    pub fn reserved(&self, bytes: i64) {
        self.open.inc();
        self.reserved.add(bytes);
    }

    /// Counts what is reserved beyond that.
    pub fn grown(&self, bytes: i64) {
        self.reserved.add(bytes);
    }

    /// Counts the end of a reservation.
    pub fn unreserved(&self, bytes: i64) {
        self.open.dec();
        self.reserved.sub(bytes);
    }
}
