//! Keeping the books: counters made anew, old lines taken out, one who wants to be forgotten.

use std::time::Duration;

use super::{Engine, EngineError};
use crate::quota::Subject;
use crate::quota::held::Held;
use crate::store::{Drift, Finding, Pruned};
use crate::telemetry::cause;

/// The least time that lines are kept: a fact may be told 35 days late, and has a day to spare.
pub const LEAST_KEPT: Duration = Duration::from_hours(36 * 24);

/// How long after its start a process first looks for lines that are old.
const FIRST: Duration = Duration::from_mins(1);
/// How often it looks again.
const OFTEN: Duration = Duration::from_hours(1);

/// What a rebuild found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// How many buckets it looked at, each with the counters of all whom it is kept for.
    pub buckets: usize,
    /// The counters that were not what the ledger says.
    pub drift: Vec<Drift>,
}

impl Engine {
    /// Makes every counter equal the ledger, or only those of `subject`, and tells those that did
    /// not; a `dry_run` only tells. `progress` hears how many buckets of how many are done.
    ///
    /// # Errors
    /// Unavailable if the store is; the buckets done by then stay done, as they do if it is
    /// dropped half way.
    pub async fn rebuild(
        &self,
        subject: Option<&Subject>,
        dry_run: bool,
        mut progress: impl FnMut(usize, usize) + Send,
    ) -> Result<Rebuilt, EngineError> {
        let opened = self.0.store.opened().await?;
        let mut drift = Vec::new();
        for (done, bucket) in opened.iter().enumerate() {
            progress(done, opened.len());
            drift.extend(self.0.store.recount(bucket, subject, dry_run).await?);
        }
        progress(opened.len(), opened.len());
        Ok(Rebuilt { buckets: opened.len(), drift })
    }

    /// Gives all that `subject` did to a name that says nothing, which is returned, and takes away
    /// what it has of its own. What others are told they used stays.
    ///
    /// Dropped half way, it may have happened, under a name that nobody is told.
    ///
    /// # Errors
    /// Not found if nothing is known of it; conflict while it has reservations under way;
    /// unavailable if the store is.
    pub async fn forget(&self, subject: &Subject) -> Result<Subject, EngineError> {
        let pseudonym = Subject::pseudonym();
        if self.0.store.forget(subject, &pseudonym, self.now()).await? {
            return Ok(pseudonym);
        }
        Err(EngineError::NotFound(format!("nothing is known of {subject}")))
    }

    /// Takes lines out of the ledger that are older than `keep` and that no count needs which can
    /// still be asked for, and what else is as old and no longer needed; returns how many lines.
    /// Dropped half way, some of them stay for the next time.
    ///
    /// # Errors
    /// Bad input for less than [`LEAST_KEPT`]; unavailable if the store is.
    pub async fn prune(&self, keep: Duration) -> Result<usize, EngineError> {
        if keep < LEAST_KEPT {
            return Err(EngineError::BadInput(
                "events are kept for at least 36d: what happened may be told 35 days late"
                    .to_owned(),
            ));
        }
        let mut pruned: usize = 0;
        loop {
            let now = self.now();
            let Pruned { lines, more } = self.0.store.prune(now.before(keep), now).await?;
            pruned = pruned.saturating_add(lines);
            if !more {
                return Ok(pruned);
            }
        }
    }

    /// [Prunes](Engine::prune) from time to time, for as long as it is polled: first a minute from
    /// now, then every hour. What fails is told, and tried again the next time.
    pub async fn keep_events(&self, keep: Duration) {
        tokio::time::sleep(FIRST).await;
        loop {
            match self.prune(keep).await {
                Ok(0) => {}
                Ok(lines) => tracing::info!(lines, "old events were taken out of the ledger"),
                Err(error) => tracing::warn!(error = cause(&error), "old events stay for now"),
            }
            tokio::time::sleep(OFTEN).await;
        }
    }

    /// Looks for what could make the books lie or be lost; the worst first.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn examine(&self) -> Result<Vec<Finding>, EngineError> {
        let mut findings = self.0.store.examine(self.now()).await?;
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Ok(findings)
    }

    /// Returns reservations that count now, oldest first, `most` of them.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn reservations(&self, most: usize) -> Result<Vec<Held>, EngineError> {
        Ok(self.0.store.open(self.now(), most).await?)
    }
}
