//! News: what the log is told of once a minute, however often it happens.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The log is told of a limit that is reached once in this long.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// When the log was told last. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct News(Arc<Mutex<Option<Instant>>>);

impl News {
    /// Returns whether the log was not told for a while; it is now.
    pub(super) fn is_due(&self) -> bool {
        let (now, mut told) =
            (Instant::now(), self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let due = told.is_none_or(|told| now.duration_since(told) >= TOLD_EVERY);
        if due {
            *told = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_happens_again_and_again_is_told_once_a_minute() {
        let news = News::default();
        let other = news.clone();
        assert!(news.is_due());
        advance(Duration::from_secs(59)).await;
        assert!(!other.is_due());
        advance(Duration::from_secs(1)).await;
        assert!(other.is_due());
        advance(Duration::from_secs(1)).await;
        assert!(!news.is_due());
    }
}
