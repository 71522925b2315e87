//! Guarded: a store with something around each of its calls, written once for all of them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

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

/// What goes on around the calls of a store.
pub trait Guard: Send + Sync + fmt::Debug {
    /// Makes `call`, or does not; `verb` is its name on [`Store`].
    fn pass<T: Send>(
        &self,
        verb: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// Returns the time that is told where the store told `told`.
    fn time(&self, told: Option<Timestamp>) -> Option<Timestamp> {
        told
    }
}

/// A store whose every call passes a guard.
#[derive(Debug)]
pub struct Guarded<G> {
    inner: Arc<dyn Store>,
    guard: G,
}

impl<G: Guard> Guarded<G> {
    /// Returns `inner` behind `guard`.
    pub const fn by(guard: G, inner: Arc<dyn Store>) -> Self {
        Self { inner, guard }
    }

    /// Returns the guard.
    pub const fn guard(&self) -> &G {
        &self.guard
    }
}

#[async_trait]
impl<G: Guard> Store for Guarded<G> {
    async fn policy(&self) -> Result<Policy, StoreError> {
        self.guard.pass("policy", self.inner.policy()).await
    }

    async fn write_layer(
        &self,
        kind: LayerKind,
        layer: Layer,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.guard.pass("write_layer", self.inner.write_layer(kind, layer, seen)).await
    }

    async fn grants(&self, subject: &Subject) -> Result<(PolicyVersion, Grants), StoreError> {
        self.guard.pass("grants", self.inner.grants(subject)).await
    }

    async fn write_grants(
        &self,
        subject: &Subject,
        grants: Grants,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.guard.pass("write_grants", self.inner.write_grants(subject, grants, seen)).await
    }

    async fn all_grants(&self, page: Page) -> Result<Vec<(Subject, Grants)>, StoreError> {
        self.guard.pass("all_grants", self.inner.all_grants(page)).await
    }

    async fn read(&self, plan: &Plan, now: Timestamp) -> Result<Option<Readings>, StoreError> {
        self.guard.pass("read", self.inner.read(plan, now)).await
    }

    async fn reserve(
        &self,
        plan: &Plan,
        id: HoldId,
        life: Life,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        self.guard.pass("reserve", self.inner.reserve(plan, id, life, now)).await
    }

    async fn grow(&self, id: HoldId, plan: &Plan, now: Timestamp) -> Result<Admission, StoreError> {
        self.guard.pass("grow", self.inner.grow(id, plan, now)).await
    }

    async fn extend(&self, id: HoldId, end: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        self.guard.pass("extend", self.inner.extend(id, end, now)).await
    }

    async fn held(&self, id: HoldId) -> Result<Option<Held>, StoreError> {
        self.guard.pass("held", self.inner.held(id)).await
    }

    async fn consume(
        &self,
        plan: &Plan,
        id: HoldId,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        self.guard.pass("consume", self.inner.consume(plan, id, now)).await
    }

    async fn settle(
        &self,
        id: HoldId,
        total: Amount,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<Settled>, StoreError> {
        self.guard.pass("settle", self.inner.settle(id, total, watched, now)).await
    }

    async fn release(&self, id: HoldId, now: Timestamp) -> Result<Option<()>, StoreError> {
        self.guard.pass("release", self.inner.release(id, now)).await
    }

    async fn refund(
        &self,
        id: HoldId,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        self.guard.pass("refund", self.inner.refund(id, watched, now)).await
    }

    async fn open(&self, now: Timestamp, most: usize) -> Result<Vec<Held>, StoreError> {
        self.guard.pass("open", self.inner.open(now, most)).await
    }

    async fn record(
        &self,
        plan: &Plan,
        key: Option<Key>,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        self.guard.pass("record", self.inner.record(plan, key, now)).await
    }

    async fn set(
        &self,
        plan: &Plan,
        basis: usize,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        self.guard.pass("set", self.inner.set(plan, basis, now)).await
    }

    async fn reset(
        &self,
        plan: &Plan,
        bucket: Option<&Bucket>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        self.guard.pass("reset", self.inner.reset(plan, bucket, now)).await
    }

    async fn users(
        &self,
        resource: &Resource,
        at: Timestamp,
        page: Page,
    ) -> Result<Vec<Usage>, StoreError> {
        self.guard.pass("users", self.inner.users(resource, at, page)).await
    }

    async fn top(
        &self,
        resource: &Resource,
        aggregate: Aggregate,
        bucket: &Bucket,
        behind: Option<&Charged>,
        most: usize,
    ) -> Result<Vec<Charged>, StoreError> {
        self.guard.pass("top", self.inner.top(resource, aggregate, bucket, behind, most)).await
    }

    async fn subjects(&self, prefix: &str, page: Page) -> Result<Vec<Known>, StoreError> {
        self.guard.pass("subjects", self.inner.subjects(prefix, page)).await
    }

    async fn lines(&self, which: &Lines) -> Result<Vec<Line>, StoreError> {
        self.guard.pass("lines", self.inner.lines(which)).await
    }

    async fn history(
        &self,
        subject: Option<&Subject>,
        resource: &Resource,
        aggregate: Aggregate,
        cuts: &[Timestamp],
    ) -> Result<Vec<Amount>, StoreError> {
        self.guard.pass("history", self.inner.history(subject, resource, aggregate, cuts)).await
    }

    async fn opened(&self) -> Result<Vec<Opened>, StoreError> {
        self.guard.pass("opened", self.inner.opened()).await
    }

    async fn recount(
        &self,
        opened: &Opened,
        subject: Option<&Subject>,
        dry_run: bool,
    ) -> Result<Vec<Drift>, StoreError> {
        self.guard.pass("recount", self.inner.recount(opened, subject, dry_run)).await
    }

    async fn prune(&self, before: Timestamp, now: Timestamp) -> Result<Pruned, StoreError> {
        self.guard.pass("prune", self.inner.prune(before, now)).await
    }

    async fn forget(
        &self,
        subject: &Subject,
        pseudonym: &Subject,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.guard.pass("forget", self.inner.forget(subject, pseudonym, now)).await
    }

    async fn import(
        &self,
        import: Import,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.guard.pass("import", self.inner.import(import, seen)).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, StoreError> {
        self.guard.pass("balances", self.inner.balances()).await
    }

    async fn notices(&self, behind: u64, most: usize) -> Result<Vec<Notice>, StoreError> {
        self.guard.pass("notices", self.inner.notices(behind, most)).await
    }

    async fn told(&self, target: &str) -> Result<u64, StoreError> {
        self.guard.pass("told", self.inner.told(target)).await
    }

    async fn tell(&self, target: &str, notice: u64) -> Result<(), StoreError> {
        self.guard.pass("tell", self.inner.tell(target, notice)).await
    }

    async fn join(&self, instance: &Instance, now: Timestamp) -> Result<usize, StoreError> {
        self.guard.pass("join", self.inner.join(instance, now)).await
    }

    async fn beat(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        self.guard.pass("beat", self.inner.beat(instance, now)).await
    }

    async fn leave(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        self.guard.pass("leave", self.inner.leave(instance, now)).await
    }

    async fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        let told = self.guard.pass("time", self.inner.time()).await?;
        Ok(self.guard.time(told))
    }

    async fn examine(&self, now: Timestamp) -> Result<Vec<Finding>, StoreError> {
        self.guard.pass("examine", self.inner.examine(now)).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.guard.pass("close", self.inner.close()).await
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}
