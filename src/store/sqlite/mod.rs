//! The SQLite store: one file, write-ahead log, one writer thread, readers beside it.
//!
//! Several processes may share the file: a running server and the command line. Each call that
//! writes is an immediate transaction, so what it reads is still so when it writes.

// The way in.
mod fault;
mod file;
mod known;
mod migrate;
mod readers;
mod step;
mod writer;
// What is kept.
mod admission;
mod columns;
mod counters;
mod holds;
mod instances;
mod ledger;
mod listing;
mod open;
mod policy;
mod settle;

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use self::instances::Own;
use self::readers::Readers;
use self::step::{Step, View};
use self::writer::{Survives, Writer};
use super::{Admission, Charged, LayerKind, Page, Recorded, Settled, Store, StoreError, Usage};
use crate::clock::Timestamp;
use crate::quota::held::{Held, HoldId, Instance, Life};
use crate::quota::idempotency::Key;
use crate::quota::plan::{Plan, Readings};
use crate::quota::{Amount, Bucket, Grants, Layer, Policy, PolicyVersion, Resource, Subject};

/// Books in one file. Dropped, it finishes the calls that wait.
#[derive(Debug)]
pub struct Sqlite {
    /// As it was named.
    name: PathBuf,
    readers: Readers,
    writer: Writer,
    own: Own,
}

impl Sqlite {
    /// Opens the database in `file`, making it if it is not there. Blocks while it does.
    ///
    /// # Errors
    /// Unavailable if the file cannot be made, read or written; corrupt if it is no database, or
    /// one of another application or of a newer metergate.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        let whole = file::whole(file)?;
        let db = file::for_writing(&whole)?;
        let own = Own::of(&whole);
        let writer = Writer::start(db, own.clone())?;
        let readers = Readers::of(whole, own.clone());
        Ok(Self { name: file.to_owned(), readers, writer, own })
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn policy(&self) -> Result<Policy, StoreError> {
        self.readers.ask(policy::load).await
    }

    async fn write_layer(
        &self,
        kind: LayerKind,
        layer: Layer,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.writer
            .call(Survives::PowerLoss, move |step| policy::write_layer(step, kind, &layer, seen))
            .await
    }

    async fn grants(&self, subject: &Subject) -> Result<(PolicyVersion, Grants), StoreError> {
        let subject = subject.clone();
        self.readers.ask(move |view| policy::grants(view, &subject)).await
    }

    async fn write_grants(
        &self,
        subject: &Subject,
        grants: Grants,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        let subject = subject.clone();
        self.writer
            .call(Survives::PowerLoss, move |step| {
                policy::write_grants(step, &subject, &grants, seen)
            })
            .await
    }

    async fn all_grants(&self, page: Page) -> Result<Vec<(Subject, Grants)>, StoreError> {
        self.readers.ask(move |view| policy::all_grants(view, &page)).await
    }

    async fn read(&self, plan: &Plan, now: Timestamp) -> Result<Option<Readings>, StoreError> {
        let plan = plan.clone();
        self.readers.ask(move |view| admission::read(view, &plan, now)).await
    }

    async fn reserve(
        &self,
        plan: &Plan,
        id: HoldId,
        life: Life,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let plan = plan.clone();
        self.writer
            .call(Survives::Crash, move |step| admission::reserve(step, &plan, id, &life, now))
            .await
    }

    async fn grow(&self, id: HoldId, plan: &Plan, now: Timestamp) -> Result<Admission, StoreError> {
        let plan = plan.clone();
        self.writer.call(Survives::Crash, move |step| admission::grow(step, id, &plan, now)).await
    }

    async fn extend(&self, id: HoldId, end: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        self.writer.call(Survives::Crash, move |step| settle::extend(step, id, end, now)).await
    }

    async fn held(&self, id: HoldId) -> Result<Option<Held>, StoreError> {
        let load = move |view: View<'_>| holds::load(view.db, id);
        Ok(self.readers.ask(load).await?.map(|entry| entry.held))
    }

    async fn settle(
        &self,
        id: HoldId,
        total: Amount,
        now: Timestamp,
    ) -> Result<Option<Settled>, StoreError> {
        self.writer
            .call(Survives::PowerLoss, move |step| settle::settle(step, id, total, now))
            .await
    }

    async fn release(&self, id: HoldId, now: Timestamp) -> Result<Option<()>, StoreError> {
        self.writer.call(Survives::Crash, move |step| settle::release(step, id, now)).await
    }

    async fn refund(&self, id: HoldId, now: Timestamp) -> Result<Option<()>, StoreError> {
        self.writer.call(Survives::PowerLoss, move |step| settle::refund(step, id, now)).await
    }

    async fn record(
        &self,
        plan: &Plan,
        key: Option<Key>,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        let plan = plan.clone();
        self.writer
            .call(Survives::PowerLoss, move |step| ledger::record(step, &plan, key.as_ref(), now))
            .await
    }

    async fn reset(
        &self,
        plan: &Plan,
        bucket: Option<&Bucket>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        let (plan, bucket) = (plan.clone(), bucket.cloned());
        self.writer
            .call(Survives::PowerLoss, move |step| ledger::reset(step, &plan, bucket.as_ref(), now))
            .await
    }

    async fn users(
        &self,
        resource: &Resource,
        at: Timestamp,
        page: Page,
    ) -> Result<Vec<Usage>, StoreError> {
        let resource = resource.clone();
        self.readers.ask(move |view| listing::users(view, &resource, at, &page)).await
    }

    async fn top(
        &self,
        resource: &Resource,
        bucket: &Bucket,
        most: usize,
    ) -> Result<Vec<Charged>, StoreError> {
        let (resource, bucket) = (resource.clone(), bucket.clone());
        self.readers.ask(move |view| listing::top(view, &resource, &bucket, most)).await
    }

    async fn join(&self, instance: &Instance, now: Timestamp) -> Result<usize, StoreError> {
        let joining = instance.clone();
        let work = move |step: &mut Step<'_>| instances::join(step, &joining, now);
        let (ended, lock) = self.writer.call(Survives::Crash, work).await?;
        if let Some(lock) = lock {
            self.own.keep(instance.clone(), lock);
        }
        Ok(ended)
    }

    async fn beat(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        let instance = instance.clone();
        self.writer.call(Survives::Crash, move |step| instances::beat(step, &instance, now)).await
    }

    async fn leave(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        let leaving = instance.clone();
        self.writer
            .call(Survives::Crash, move |step| instances::leave(step, &leaving, now))
            .await?;
        self.own.forget(instance);
        Ok(())
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.writer.checkpoint().await
    }

    fn describe(&self) -> String {
        format!("sqlite:{}", self.name.display())
    }
}

#[cfg(test)]
mod tests;
