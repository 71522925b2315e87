//! Watched: the memory store; its calls are counted, and hang when told to.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::quota::held::{Held, HoldId, Instance, Life};
use crate::quota::idempotency::Key;
use crate::quota::plan::{Plan, Readings};
use crate::quota::{Amount, Bucket, Grants, Layer, Policy, PolicyVersion, Resource, Subject};
use crate::store::memory::Memory;
use crate::store::{
    Admission, Charged, LayerKind, Page, Recorded, Settled, Store, StoreError, Usage,
};

/// When a call that never answers hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hang {
    /// Nothing has happened.
    Before,
    /// It has happened; only the answer is lost.
    After,
}

/// A store under watch. Verbs are the names of its calls.
#[derive(Debug, Default)]
pub(super) struct Watched {
    inner: Memory,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    hanging: BTreeMap<&'static str, Hang>,
    calls: BTreeMap<&'static str, usize>,
}

impl Watched {
    /// From now on `verb` never answers.
    pub(super) fn hang(&self, verb: &'static str, when: Hang) {
        self.log().hanging.insert(verb, when);
    }

    /// From now on every call answers.
    pub(super) fn recover(&self) {
        self.log().hanging.clear();
    }

    /// Returns how often `verb` was called.
    pub(super) fn calls(&self, verb: &'static str) -> usize {
        self.log().calls.get(verb).copied().unwrap_or_default()
    }

    async fn pass<T>(&self, verb: &'static str, call: impl Future<Output = T>) -> T {
        let hanging = {
            let mut log = self.log();
            *log.calls.entry(verb).or_default() += 1;
            log.hanging.get(verb).copied()
        };
        match hanging {
            None => call.await,
            Some(Hang::Before) => std::future::pending().await,
            Some(Hang::After) => {
                call.await;
                std::future::pending().await
            }
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for Watched {
    async fn policy(&self) -> Result<Policy, StoreError> {
        self.pass("policy", self.inner.policy()).await
    }

    async fn write_layer(
        &self,
        kind: LayerKind,
        layer: Layer,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.pass("write_layer", self.inner.write_layer(kind, layer, seen)).await
    }

    async fn grants(&self, subject: &Subject) -> Result<(PolicyVersion, Grants), StoreError> {
        self.pass("grants", self.inner.grants(subject)).await
    }

    async fn write_grants(
        &self,
        subject: &Subject,
        grants: Grants,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.pass("write_grants", self.inner.write_grants(subject, grants, seen)).await
    }

    async fn all_grants(&self, page: Page) -> Result<Vec<(Subject, Grants)>, StoreError> {
        self.pass("all_grants", self.inner.all_grants(page)).await
    }

    async fn read(&self, plan: &Plan, now: Timestamp) -> Result<Option<Readings>, StoreError> {
        self.pass("read", self.inner.read(plan, now)).await
    }

    async fn reserve(
        &self,
        plan: &Plan,
        id: HoldId,
        life: Life,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        self.pass("reserve", self.inner.reserve(plan, id, life, now)).await
    }

    async fn grow(&self, id: HoldId, plan: &Plan, now: Timestamp) -> Result<Admission, StoreError> {
        self.pass("grow", self.inner.grow(id, plan, now)).await
    }

    async fn extend(&self, id: HoldId, end: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        self.pass("extend", self.inner.extend(id, end, now)).await
    }

    async fn held(&self, id: HoldId) -> Result<Option<Held>, StoreError> {
        self.pass("held", self.inner.held(id)).await
    }

    async fn settle(
        &self,
        id: HoldId,
        total: Amount,
        now: Timestamp,
    ) -> Result<Option<Settled>, StoreError> {
        self.pass("settle", self.inner.settle(id, total, now)).await
    }

    async fn release(&self, id: HoldId, now: Timestamp) -> Result<Option<()>, StoreError> {
        self.pass("release", self.inner.release(id, now)).await
    }

    async fn refund(&self, id: HoldId, now: Timestamp) -> Result<Option<()>, StoreError> {
        self.pass("refund", self.inner.refund(id, now)).await
    }

    async fn record(
        &self,
        plan: &Plan,
        key: Option<Key>,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        self.pass("record", self.inner.record(plan, key, now)).await
    }

    async fn reset(
        &self,
        plan: &Plan,
        bucket: Option<&Bucket>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        self.pass("reset", self.inner.reset(plan, bucket, now)).await
    }

    async fn users(
        &self,
        resource: &Resource,
        at: Timestamp,
        page: Page,
    ) -> Result<Vec<Usage>, StoreError> {
        self.pass("users", self.inner.users(resource, at, page)).await
    }

    async fn top(
        &self,
        resource: &Resource,
        bucket: &Bucket,
        most: usize,
    ) -> Result<Vec<Charged>, StoreError> {
        self.pass("top", self.inner.top(resource, bucket, most)).await
    }

    async fn join(&self, instance: &Instance, now: Timestamp) -> Result<usize, StoreError> {
        self.pass("join", self.inner.join(instance, now)).await
    }

    async fn beat(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        self.pass("beat", self.inner.beat(instance, now)).await
    }

    async fn leave(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        self.pass("leave", self.inner.leave(instance, now)).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.pass("close", self.inner.close()).await
    }

    fn describe(&self) -> String {
        "watched:".to_owned()
    }
}
