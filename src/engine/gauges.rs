//! Gauges: how the engine stands, for those who watch over it.

use std::time::Duration;

use super::{Engine, EngineError};
use crate::clock::Timestamp;
use crate::quota::{Bucket, Period, PolicyVersion};

/// Entries of the journal so far, by this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalCounts {
    /// Written.
    pub written: usize,
    /// Brought into the books.
    pub replayed: usize,
}

impl Engine {
    /// Returns the version of the policy as last seen; asks nobody. None before a store was seen.
    #[must_use]
    pub fn policy_version_seen(&self) -> Option<PolicyVersion> {
        let version = self.snapshot().policy.version;
        (version.0 >= 0).then_some(version)
    }

    /// Returns what went through the journal; asks nobody.
    #[must_use]
    pub fn journal_counts(&self) -> JournalCounts {
        let shelf = &self.0.outage.shelf;
        JournalCounts { written: shelf.written(), replayed: shelf.replayed() }
    }

    /// Returns the stretches of the calendar that `[start, end)` touches, by the policy's time
    /// zone: the first moment of each, and how long it lasts. Asks nobody.
    ///
    /// # Errors
    /// Bad input for a `step` that does not lie still in the calendar, a range that ends before it
    /// starts, and one of too many steps.
    pub fn calendar(
        &self,
        step: Period,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<Vec<(Timestamp, Duration)>, EngineError> {
        let snapshot = self.snapshot();
        let zone = snapshot.policy.zone();
        let buckets = super::ledger::steps(start, end, |moment| Bucket::of(step, &zone, moment))?;
        let stretch = |bucket: Bucket| {
            let end = bucket.end.unwrap_or(Timestamp::MAX);
            (bucket.start, bucket.start.until(end))
        };
        Ok(buckets.into_iter().map(stretch).collect())
    }
}
