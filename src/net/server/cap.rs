//! Cap: how many connections there may be at a time, and a word in the log once there are.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::news::News;
use crate::telemetry::labels::Hindrance;
use crate::telemetry::metrics::Connections;

/// The most connections at a time, over all listeners that share it; new ones wait.
#[derive(Clone, Debug)]
pub struct Cap {
    /// What the log calls it.
    limit: &'static str,
    room: Arc<Semaphore>,
    news: News,
    pub(super) counts: Connections,
}

impl Cap {
    /// Returns a cap of `most` connections, which the log calls `limit`, and `counts` count.
    #[must_use]
    pub fn new(limit: &'static str, most: usize, counts: Connections) -> Self {
        let room = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self { limit, room, news: News::default(), counts }
    }

    /// Waits for room for one more connection, and tells the log when there is none at once.
    ///
    /// Dropped half way, no room is taken. None never comes: the cap is not closed.
    pub(super) async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(room) = Arc::clone(&self.room).try_acquire_owned() {
            return Some(room);
        }
        self.counts.limited(Hindrance::Connections);
        if self.news.is_due() {
            let limit = self.limit;
            tracing::warn!(limit, "as many connections as there may be: new ones wait");
        }
        Arc::clone(&self.room).acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cap() -> Cap {
        Cap::new("connections", 1, crate::telemetry::Metrics::new().unwrap().public)
    }

    #[tokio::test]
    async fn only_a_cap_that_is_reached_is_told() {
        let quiet = cap();
        drop(quiet.enter().await.unwrap());
        assert!(quiet.news.is_due());
        let cap = cap();
        let first = cap.enter().await.unwrap();
        let second = tokio::spawn({
            let cap = cap.clone();
            async move { cap.enter().await.is_some() }
        });
        tokio::task::yield_now().await;
        assert!(!cap.news.is_due(), "it was told");
        drop(first);
        assert!(second.await.unwrap());
    }
}
