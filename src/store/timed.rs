//! Timed: a store that is given up after a while, so that nobody waits for it without end.
//!
//! A call that is given up may still happen (S14); callers treat it like one that got lost.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{
    Admission, Balance, Charged, Drift, Import, Known, LayerKind, Lines, Opened, Page, Recorded,
    Settled, Store, StoreError, Usage,
};
use crate::clock::Timestamp;
use crate::quota::event::Line;
use crate::quota::held::{Held, HoldId, Instance, Life};
use crate::quota::idempotency::Key;
use crate::quota::notice::Notice;
use crate::quota::plan::{Plan, Readings};
use crate::quota::{
    Aggregate, Amount, Bucket, Grants, Layer, Policy, PolicyVersion, Resource, Subject,
};

/// A store whose every call ends within a limit, if only by giving up.
#[derive(Debug)]
pub struct Timed {
    inner: Arc<dyn Store>,
    limit: Duration,
}

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
        Self { inner, limit }
    }

    async fn within<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let answer = tokio::time::timeout(self.limit, call).await;
        answer.unwrap_or_else(|_| {
            Err(StoreError::unavailable("it did not answer in time", TooLong(self.limit)))
        })
    }
}

#[async_trait]
impl Store for Timed {
    async fn policy(&self) -> Result<Policy, StoreError> {
        self.within(self.inner.policy()).await
    }

    async fn write_layer(
        &self,
        kind: LayerKind,
        layer: Layer,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.within(self.inner.write_layer(kind, layer, seen)).await
    }

    async fn grants(&self, subject: &Subject) -> Result<(PolicyVersion, Grants), StoreError> {
        self.within(self.inner.grants(subject)).await
    }

    async fn write_grants(
        &self,
        subject: &Subject,
        grants: Grants,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.within(self.inner.write_grants(subject, grants, seen)).await
    }

    async fn all_grants(&self, page: Page) -> Result<Vec<(Subject, Grants)>, StoreError> {
        self.within(self.inner.all_grants(page)).await
    }

    async fn read(&self, plan: &Plan, now: Timestamp) -> Result<Option<Readings>, StoreError> {
        self.within(self.inner.read(plan, now)).await
    }

    async fn reserve(
        &self,
        plan: &Plan,
        id: HoldId,
        life: Life,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        self.within(self.inner.reserve(plan, id, life, now)).await
    }

    async fn grow(&self, id: HoldId, plan: &Plan, now: Timestamp) -> Result<Admission, StoreError> {
        self.within(self.inner.grow(id, plan, now)).await
    }

    async fn extend(&self, id: HoldId, end: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        self.within(self.inner.extend(id, end, now)).await
    }

    async fn held(&self, id: HoldId) -> Result<Option<Held>, StoreError> {
        self.within(self.inner.held(id)).await
    }

    async fn consume(
        &self,
        plan: &Plan,
        id: HoldId,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        self.within(self.inner.consume(plan, id, now)).await
    }

    async fn settle(
        &self,
        id: HoldId,
        total: Amount,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<Settled>, StoreError> {
        self.within(self.inner.settle(id, total, watched, now)).await
    }

    async fn release(&self, id: HoldId, now: Timestamp) -> Result<Option<()>, StoreError> {
        self.within(self.inner.release(id, now)).await
    }

    async fn refund(
        &self,
        id: HoldId,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        self.within(self.inner.refund(id, watched, now)).await
    }

    async fn open(&self, now: Timestamp, most: usize) -> Result<Vec<Held>, StoreError> {
        self.within(self.inner.open(now, most)).await
    }

    async fn record(
        &self,
        plan: &Plan,
        key: Option<Key>,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        self.within(self.inner.record(plan, key, now)).await
    }

    async fn set(
        &self,
        plan: &Plan,
        basis: usize,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        self.within(self.inner.set(plan, basis, now)).await
    }

    async fn reset(
        &self,
        plan: &Plan,
        bucket: Option<&Bucket>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        self.within(self.inner.reset(plan, bucket, now)).await
    }

    async fn users(
        &self,
        resource: &Resource,
        at: Timestamp,
        page: Page,
    ) -> Result<Vec<Usage>, StoreError> {
        self.within(self.inner.users(resource, at, page)).await
    }

    async fn top(
        &self,
        resource: &Resource,
        aggregate: Aggregate,
        bucket: &Bucket,
        behind: Option<&Charged>,
        most: usize,
    ) -> Result<Vec<Charged>, StoreError> {
        self.within(self.inner.top(resource, aggregate, bucket, behind, most)).await
    }

    async fn subjects(&self, prefix: &str, page: Page) -> Result<Vec<Known>, StoreError> {
        self.within(self.inner.subjects(prefix, page)).await
    }

    async fn lines(&self, which: &Lines) -> Result<Vec<Line>, StoreError> {
        self.within(self.inner.lines(which)).await
    }

    async fn history(
        &self,
        subject: Option<&Subject>,
        resource: &Resource,
        aggregate: Aggregate,
        cuts: &[Timestamp],
    ) -> Result<Vec<Amount>, StoreError> {
        self.within(self.inner.history(subject, resource, aggregate, cuts)).await
    }

    async fn opened(&self) -> Result<Vec<Opened>, StoreError> {
        self.within(self.inner.opened()).await
    }

    async fn recount(
        &self,
        opened: &Opened,
        subject: Option<&Subject>,
        dry_run: bool,
    ) -> Result<Vec<Drift>, StoreError> {
        self.within(self.inner.recount(opened, subject, dry_run)).await
    }

    async fn prune(&self, before: Timestamp, now: Timestamp) -> Result<usize, StoreError> {
        self.within(self.inner.prune(before, now)).await
    }

    async fn forget(
        &self,
        subject: &Subject,
        pseudonym: &Subject,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.within(self.inner.forget(subject, pseudonym, now)).await
    }

    async fn import(
        &self,
        import: Import,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.within(self.inner.import(import, seen)).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, StoreError> {
        self.within(self.inner.balances()).await
    }

    async fn notices(&self, behind: u64, most: usize) -> Result<Vec<Notice>, StoreError> {
        self.within(self.inner.notices(behind, most)).await
    }

    async fn told(&self, target: &str) -> Result<u64, StoreError> {
        self.within(self.inner.told(target)).await
    }

    async fn tell(&self, target: &str, notice: u64) -> Result<(), StoreError> {
        self.within(self.inner.tell(target, notice)).await
    }

    async fn join(&self, instance: &Instance, now: Timestamp) -> Result<usize, StoreError> {
        self.within(self.inner.join(instance, now)).await
    }

    async fn beat(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        self.within(self.inner.beat(instance, now)).await
    }

    async fn leave(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        self.within(self.inner.leave(instance, now)).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.within(self.inner.close()).await
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}
