//! Notices: how those who are told of warnings and overages take it.

use prometheus::{IntCounterVec, IntGaugeVec};

use super::family::{Made, Maker};
use crate::telemetry::labels::{Delivery, Label};
use crate::telemetry::names;

/// Deliveries, by the number of the webhook in the configuration.
#[derive(Clone, Debug)]
pub struct Notices {
    deliveries: IntCounterVec,
    waiting: IntGaugeVec,
}

impl Notices {
    pub(super) fn made(maker: &Maker<'_>) -> Made<Self> {
        Ok(Self {
            deliveries: maker.counters(names::NOTICES)?,
            waiting: maker.gauges(names::NOTICES_WAITING)?,
        })
    }

    /// Counts a delivery to the so-many-th webhook.
    pub fn told(&self, webhook: usize, how: Delivery) {
        let webhook = webhook.to_string();
        self.deliveries.with_label_values(&[webhook.as_str(), how.word()]).inc();
    }

    /// Takes down how many notices the so-many-th webhook is still to be told.
    pub fn waiting(&self, webhook: usize, notices: usize) {
        let waiting = self.waiting.with_label_values(&[webhook.to_string()]);
        waiting.set(i64::try_from(notices).unwrap_or(i64::MAX));
    }

    /// Tells of the first so many webhooks and of no others.
    pub fn serve(&self, webhooks: usize) {
        self.waiting.reset();
        for webhook in 1..=webhooks {
            self.waiting(webhook, 0);
            for how in Delivery::ALL {
                drop(self.deliveries.with_label_values(&[&webhook.to_string(), how.word()]));
            }
        }
    }
}
