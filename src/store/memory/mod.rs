//! The memory store: in this process, gone with it.
//!
//! A real store, held to the same contract as the others, durability aside.

mod books;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use self::books::Books;
use super::{
    Admission, Balance, Charged, Drift, Finding, Import, Known, LayerKind, Lines, Opened, Page,
    Pruned, Recorded, Settled, Store, StoreError, Usage,
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

/// Books kept in memory, behind one lock: each call is one step.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Books>);

impl Memory {
    /// A call never leaves the books half written, so a panic elsewhere does not spoil them.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for Memory {
    async fn policy(&self) -> Result<Policy, StoreError> {
        Ok(self.books().policy.clone())
    }

    async fn write_layer(
        &self,
        kind: LayerKind,
        layer: Layer,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.books().write_layer(kind, layer, seen)
    }

    async fn grants(&self, subject: &Subject) -> Result<(PolicyVersion, Grants), StoreError> {
        let books = self.books();
        Ok((books.policy.version, books.grants.get(subject).cloned().unwrap_or_default()))
    }

    async fn write_grants(
        &self,
        subject: &Subject,
        grants: Grants,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.books().write_grants(subject, grants, seen)
    }

    async fn all_grants(&self, page: Page) -> Result<Vec<(Subject, Grants)>, StoreError> {
        let books = self.books();
        let behind = books.grants.range((books::behind(page.after), std::ops::Bound::Unbounded));
        Ok(behind
            .take(page.most)
            .map(|(subject, grants)| (subject.clone(), grants.clone()))
            .collect())
    }

    async fn read(&self, plan: &Plan, now: Timestamp) -> Result<Option<Readings>, StoreError> {
        let books = self.books();
        Ok((plan.version == books.policy.version).then(|| books.read(plan, now)))
    }

    async fn reserve(
        &self,
        plan: &Plan,
        id: HoldId,
        life: Life,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        self.books().reserve(plan, id, life, now)
    }

    async fn grow(&self, id: HoldId, plan: &Plan, now: Timestamp) -> Result<Admission, StoreError> {
        self.books().grow(id, plan, now)
    }

    async fn extend(&self, id: HoldId, end: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.books().extend(id, end, now))
    }

    async fn held(&self, id: HoldId) -> Result<Option<Held>, StoreError> {
        Ok(self.books().holds.get(&id).cloned())
    }

    async fn consume(
        &self,
        plan: &Plan,
        id: HoldId,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        self.books().consume(plan, id, now)
    }

    async fn settle(
        &self,
        id: HoldId,
        total: Amount,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<Settled>, StoreError> {
        self.books().settle(id, total, watched, now)
    }

    async fn release(&self, id: HoldId, now: Timestamp) -> Result<Option<()>, StoreError> {
        self.books().release(id, now)
    }

    async fn refund(
        &self,
        id: HoldId,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        self.books().refund(id, watched, now)
    }

    async fn open(&self, now: Timestamp, most: usize) -> Result<Vec<Held>, StoreError> {
        Ok(self.books().open_at(now, most))
    }

    async fn record(
        &self,
        plan: &Plan,
        key: Option<Key>,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        self.books().record(plan, key, now)
    }

    async fn set(
        &self,
        plan: &Plan,
        basis: usize,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        self.books().set(plan, basis, now)
    }

    async fn reset(
        &self,
        plan: &Plan,
        bucket: Option<&Bucket>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        Ok(self.books().reset(plan, bucket, now))
    }

    async fn users(
        &self,
        resource: &Resource,
        at: Timestamp,
        page: Page,
    ) -> Result<Vec<Usage>, StoreError> {
        Ok(self.books().users(resource, at, &page))
    }

    async fn top(
        &self,
        resource: &Resource,
        aggregate: Aggregate,
        bucket: &Bucket,
        behind: Option<&Charged>,
        most: usize,
    ) -> Result<Vec<Charged>, StoreError> {
        Ok(self.books().top(resource, aggregate, bucket, behind, most))
    }

    async fn subjects(&self, prefix: &str, page: Page) -> Result<Vec<Known>, StoreError> {
        Ok(self.books().subjects(prefix, page))
    }

    async fn lines(&self, which: &Lines) -> Result<Vec<Line>, StoreError> {
        Ok(self.books().lines(which))
    }

    async fn history(
        &self,
        subject: Option<&Subject>,
        resource: &Resource,
        aggregate: Aggregate,
        cuts: &[Timestamp],
    ) -> Result<Vec<Amount>, StoreError> {
        Ok(self.books().history(subject, resource, aggregate, cuts))
    }

    async fn opened(&self) -> Result<Vec<Opened>, StoreError> {
        Ok(self.books().all_opened())
    }

    async fn recount(
        &self,
        opened: &Opened,
        subject: Option<&Subject>,
        dry_run: bool,
    ) -> Result<Vec<Drift>, StoreError> {
        Ok(self.books().recount(opened, subject, dry_run))
    }

    async fn prune(&self, before: Timestamp, now: Timestamp) -> Result<Pruned, StoreError> {
        Ok(self.books().prune(before, now))
    }

    async fn forget(
        &self,
        subject: &Subject,
        pseudonym: &Subject,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.books().forget(subject, pseudonym, now)
    }

    async fn import(
        &self,
        import: Import,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.books().import(import, seen)
    }

    async fn balances(&self) -> Result<Vec<Balance>, StoreError> {
        Ok(self.books().balances())
    }

    async fn notices(&self, behind: u64, most: usize) -> Result<Vec<Notice>, StoreError> {
        Ok(self.books().outbox.behind(behind, most))
    }

    async fn told(&self, target: &str) -> Result<u64, StoreError> {
        Ok(self.books().outbox.told(target))
    }

    async fn tell(&self, target: &str, notice: u64) -> Result<(), StoreError> {
        self.books().outbox.tell(target, notice);
        Ok(())
    }

    async fn join(&self, instance: &Instance, now: Timestamp) -> Result<usize, StoreError> {
        // Another instance on this store is another part of this process: never proven dead.
        self.books().beat(instance, now);
        Ok(0)
    }

    async fn beat(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        self.books().beat(instance, now);
        Ok(())
    }

    async fn leave(&self, instance: &Instance, _now: Timestamp) -> Result<(), StoreError> {
        self.books().leave(instance);
        Ok(())
    }

    async fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    async fn examine(&self, _now: Timestamp) -> Result<Vec<Finding>, StoreError> {
        let text = "nothing is kept when the process ends: name a store that lasts";
        Ok(vec![Finding::fault("durability", text)])
    }

    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn describe(&self) -> String {
        "memory: (nothing is kept when the process ends)".to_owned()
    }
}

#[cfg(test)]
mod tests;
