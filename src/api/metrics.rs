//! Metrics: all figures, for Prometheus.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;
use tokio::time::timeout;

use super::Desk;
use crate::clock::Timestamp;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Standing;

/// How long the store may take to say what is open; it is left out then.
const PATIENCE: Duration = Duration::from_secs(1);
/// The most reservations that are counted.
const MOST: usize = 1000;

/// Answers in Prometheus' text format 0.0.4, which describes itself.
pub(super) async fn metrics(State(desk): State<Arc<Desk>>) -> impl IntoResponse {
    desk.metrics.books.stand(&desk.standing().await);
    ([(CONTENT_TYPE, Metrics::CONTENT_TYPE)], desk.metrics.text())
}

impl Desk {
    async fn standing(&self) -> Standing {
        let open = match timeout(PATIENCE, self.engine.reservations(MOST)).await {
            Ok(Ok(open)) => Some(open.len()),
            Ok(Err(_)) | Err(_) => None,
        };
        let (standing, journal) = (self.engine.store_standing(), self.engine.journal_counts());
        let (now, count) =
            (self.engine.now(), |entries| u64::try_from(entries).unwrap_or(u64::MAX));
        Standing {
            out_since: standing.out_since.map(|since| Timestamp::from_millis(0).until(since)),
            waiting: standing.waiting,
            age: standing.oldest.map(|oldest| oldest.until(now)).unwrap_or_default(),
            written: count(journal.written),
            replayed: count(journal.replayed),
            open,
            version: self.engine.policy_version_seen().map_or(0, |version| version.0),
        }
    }
}
