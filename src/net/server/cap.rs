//! Cap: how many connections there may be at a time, and a word in the log once there are.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::telemetry::labels::Hindrance;
use crate::telemetry::metrics::Connections;

/// The log is told of a cap that is reached once in this long.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// The most connections at a time, over all listeners that share it; new ones wait.
#[derive(Clone, Debug)]
pub struct Cap {
    /// What the log calls it.
    limit: &'static str,
    room: Arc<Semaphore>,
    told: Arc<Mutex<Option<Instant>>>,
    pub(super) counts: Connections,
}

impl Cap {
    /// Returns a cap of `most` connections, which the log calls `limit`, and `counts` count.
    #[must_use]
    pub fn new(limit: &'static str, most: usize, counts: Connections) -> Self {
        let room = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self { limit, room, told: Arc::default(), counts }
    }

    /// Waits for room for one more connection, and tells the log when there is none at once.
    ///
    /// Dropped half way, no room is taken. None never comes: the cap is not closed.
    pub(super) async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(room) = Arc::clone(&self.room).try_acquire_owned() {
            return Some(room);
        }
        self.counts.limited(Hindrance::Connections);
        if self.is_news(Instant::now()) {
            let limit = self.limit;
            tracing::warn!(limit, "as many connections as there may be: new ones wait");
        }
        Arc::clone(&self.room).acquire_owned().await.ok()
    }

    /// Returns whether the log was not told for a while; it is now.
    fn is_news(&self, now: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let news = told.is_none_or(|told| now.duration_since(told) >= TOLD_EVERY);
        if news {
            *told = Some(now);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cap() -> Cap {
        Cap::new("connections", 1, crate::telemetry::Metrics::new().unwrap().public)
    }

    #[tokio::test(start_paused = true)]
    async fn a_cap_that_is_reached_again_and_again_is_told_once_a_minute() {
        let cap = cap();
        let begun = Instant::now();
        let other = cap.clone();
        assert!(cap.is_news(begun));
        assert!(!other.is_news(begun + Duration::from_secs(59)));
        assert!(other.is_news(begun + TOLD_EVERY));
        assert!(!cap.is_news(begun + Duration::from_secs(61)));
    }

    #[tokio::test]
    async fn only_a_cap_that_is_reached_is_told() {
        let cap = cap();
        let first = cap.enter().await.unwrap();
        assert!(cap.told.lock().unwrap().is_none());
        let second = tokio::spawn({
            let cap = cap.clone();
            async move { cap.enter().await.is_some() }
        });
        tokio::task::yield_now().await;
        assert!(cap.told.lock().unwrap().is_some());
        drop(first);
        assert!(second.await.unwrap());
    }
}
