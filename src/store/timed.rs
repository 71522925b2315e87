//! Timed: a store that is given up after a while, so that nobody waits for it without end.
//!
//! A call that is given up may still happen (S14); callers treat it like one that got lost.

use std::sync::Arc;
use std::time::Duration;

use super::guarded::{Guard, Guarded};
use super::{Store, StoreError};

/// A store whose every call but the long ones of an operator ends within a limit, if only by
/// giving up.
pub type Timed = Guarded<TimeLimit>;

/// How long a call may take.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit(Duration);

/// What may take as long as there is to do: an operator waits for it, and sees it go on.
const LONG: [&str; 4] = ["forget", "history", "import", "recount"];

/// Why a call was given up.
#[derive(Debug, thiserror::Error)]
#[error("it took longer than storage.timeout, which is {0:?}")]
struct TooLong(Duration);

impl Timed {
    /// Returns `inner`, given up by each call after `limit`.
    ///
    /// Its calls need a runtime that keeps time.
    #[must_use]
    pub const fn new(inner: Arc<dyn Store>, limit: Duration) -> Self {
        Self::by(TimeLimit(limit), inner)
    }
}

impl Guard for TimeLimit {
    async fn pass<T: Send>(
        &self,
        verb: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        if LONG.contains(&verb) {
            return call.await;
        }
        let answer = tokio::time::timeout(self.0, call).await;
        answer.unwrap_or_else(|_| {
            Err(StoreError::unavailable("it did not answer in time", TooLong(self.0)))
        })
    }
}
