//! Books: a store on any engine: each call is handed to the writer or to a reader.

use std::sync::Arc;

use async_trait::async_trait;

use super::engine::{Engine, Survives};
use super::readers::Readers;
use super::step::{Step, View};
use super::writer::Writer;
use super::{
    admission, buckets, facts, forget, holds, import, instances, lines, listing, open, outbox,
    policy, prune, readings, recount, settle,
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
use crate::store::{
    Admission, Balance, Charged, Drift, Finding, Import, Known, LayerKind, Lines, Opened, Page,
    Pruned, Recorded, Settled, Store, StoreError, Usage,
};

/// Books in a database. Dropped, it finishes the calls that wait.
#[derive(Debug)]
pub struct Books<E: Engine> {
    pub(in crate::store) engine: Arc<E>,
    pub(in crate::store) readers: Readers<E>,
    pub(in crate::store) writer: Writer,
}

impl<E: Engine> Books<E> {
    /// Returns the books that `pen` writes.
    pub(in crate::store) fn start(
        thread: &str,
        engine: Arc<E>,
        pen: E::Pen,
    ) -> Result<Self, StoreError> {
        let writer = Writer::start(thread, pen, engine.clone())?;
        Ok(Self { readers: Readers::of(engine.clone()), engine, writer })
    }

    /// Does what may block.
    pub(in crate::store) async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| StoreError::unavailable("the database is closed", error))?
    }
}

#[async_trait]
impl<E: Engine> Store for Books<E> {
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
        self.readers.ask(move |view| readings::read(view, &plan, now)).await
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

    async fn consume(
        &self,
        plan: &Plan,
        id: HoldId,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let plan = plan.clone();
        self.writer
            .call(Survives::PowerLoss, move |step| admission::consume(step, &plan, id, now))
            .await
    }

    async fn settle(
        &self,
        id: HoldId,
        total: Amount,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<Settled>, StoreError> {
        let watched = watched.cloned();
        self.writer
            .call(Survives::PowerLoss, move |step| {
                settle::settle(step, id, total, watched.as_ref(), now)
            })
            .await
    }

    async fn release(&self, id: HoldId, now: Timestamp) -> Result<Option<()>, StoreError> {
        self.writer.call(Survives::Crash, move |step| settle::release(step, id, now)).await
    }

    async fn refund(
        &self,
        id: HoldId,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        let watched = watched.cloned();
        self.writer
            .call(Survives::PowerLoss, move |step| settle::refund(step, id, watched.as_ref(), now))
            .await
    }

    async fn open(&self, now: Timestamp, most: usize) -> Result<Vec<Held>, StoreError> {
        self.readers.ask(move |view| open::list(view, now, most)).await
    }

    async fn record(
        &self,
        plan: &Plan,
        key: Option<Key>,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        let plan = plan.clone();
        self.writer
            .call(Survives::PowerLoss, move |step| facts::record(step, &plan, key.as_ref(), now))
            .await
    }

    async fn set(
        &self,
        plan: &Plan,
        basis: usize,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        let plan = plan.clone();
        self.writer.call(Survives::PowerLoss, move |step| facts::set(step, &plan, basis, now)).await
    }

    async fn reset(
        &self,
        plan: &Plan,
        bucket: Option<&Bucket>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        let (plan, bucket) = (plan.clone(), bucket.cloned());
        self.writer
            .call(Survives::PowerLoss, move |step| facts::reset(step, &plan, bucket.as_ref(), now))
            .await
    }

    async fn users(
        &self,
        resource: &Resource,
        at: Timestamp,
        page: Page,
    ) -> Result<Vec<Usage>, StoreError> {
        let resource = resource.clone();
        self.readers.ask_much(move |view| listing::users(view, &resource, at, &page)).await
    }

    async fn top(
        &self,
        resource: &Resource,
        aggregate: Aggregate,
        bucket: &Bucket,
        behind: Option<&Charged>,
        most: usize,
    ) -> Result<Vec<Charged>, StoreError> {
        let (resource, bucket, behind) = (resource.clone(), bucket.clone(), behind.cloned());
        self.readers
            .ask_much(move |view| {
                listing::top(view, &resource, aggregate, &bucket, behind.as_ref(), most)
            })
            .await
    }

    async fn subjects(&self, prefix: &str, page: Page) -> Result<Vec<Known>, StoreError> {
        let prefix = prefix.to_owned();
        self.readers.ask_much(move |view| listing::subjects(view, &prefix, &page)).await
    }

    async fn lines(&self, which: &Lines) -> Result<Vec<Line>, StoreError> {
        let which = which.clone();
        self.readers.ask_much(move |view| lines::lines(view, &which)).await
    }

    async fn history(
        &self,
        subject: Option<&Subject>,
        resource: &Resource,
        aggregate: Aggregate,
        cuts: &[Timestamp],
    ) -> Result<Vec<Amount>, StoreError> {
        let (subject, resource, cuts) = (subject.cloned(), resource.clone(), cuts.to_owned());
        self.readers
            .ask_much(move |view| {
                lines::history(view, subject.as_ref(), &resource, aggregate, &cuts)
            })
            .await
    }

    async fn opened(&self) -> Result<Vec<Opened>, StoreError> {
        self.readers.ask(|view| buckets::opened(view.db)).await
    }

    async fn recount(
        &self,
        opened: &Opened,
        subject: Option<&Subject>,
        dry_run: bool,
    ) -> Result<Vec<Drift>, StoreError> {
        let (opened, subject) = (opened.clone(), subject.cloned());
        self.writer
            .call(Survives::PowerLoss, move |step| {
                recount::recount(step, &opened, subject.as_ref(), dry_run)
            })
            .await
    }

    async fn prune(&self, before: Timestamp, now: Timestamp) -> Result<Pruned, StoreError> {
        self.writer.call(Survives::PowerLoss, move |step| prune::prune(step, before, now)).await
    }

    async fn forget(
        &self,
        subject: &Subject,
        pseudonym: &Subject,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (subject, pseudonym) = (subject.clone(), pseudonym.clone());
        self.writer
            .call(Survives::PowerLoss, move |step| forget::forget(step, &subject, &pseudonym, now))
            .await
    }

    async fn import(
        &self,
        import: Import,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.writer.call(Survives::PowerLoss, move |step| import::import(step, &import, seen)).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, StoreError> {
        self.readers.ask_much(prune::balances).await
    }

    async fn notices(&self, behind: u64, most: usize) -> Result<Vec<Notice>, StoreError> {
        self.readers.ask(move |view| outbox::notices(view, behind, most)).await
    }

    async fn told(&self, target: &str) -> Result<u64, StoreError> {
        let target = target.to_owned();
        let known = target.clone();
        if let Some(told) = self.readers.ask(move |view| outbox::told(view, &known)).await? {
            return Ok(told);
        }
        self.writer.call(Survives::Crash, move |step| outbox::begin(step, &target)).await
    }

    async fn tell(&self, target: &str, notice: u64) -> Result<(), StoreError> {
        let target = target.to_owned();
        self.writer.call(Survives::Crash, move |step| outbox::tell(step, &target, notice)).await
    }

    async fn join(&self, instance: &Instance, now: Timestamp) -> Result<usize, StoreError> {
        let mut first = None;
        if E::CLAIMS_FIRST && !self.engine.has(instance) {
            let (engine, claiming) = (self.engine.clone(), instance.clone());
            let lock = self.aside(move || engine.claim(&claiming)).await?;
            first = Some(lock.map_or_else(|| instances::taken(instance), Ok)?);
        }
        let (joining, claimed) = (instance.clone(), first.is_some());
        let work = move |step: &mut Step<'_>| instances::join(step, &joining, claimed, now);
        let (ended, lock) = self.writer.call(Survives::Crash, work).await?;
        if let Some(lock) = first.or(lock) {
            self.engine.keep(instance.clone(), lock);
        }
        Ok(ended)
    }

    async fn beat(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        let beating = instance.clone();
        self.writer.call(Survives::Crash, move |step| instances::beat(step, &beating, now)).await?;
        let (engine, instance) = (self.engine.clone(), instance.clone());
        self.aside(move || engine.renew(&instance)).await
    }

    async fn leave(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        let leaving = instance.clone();
        self.writer
            .call(Survives::Crash, move |step| instances::leave(step, &leaving, now))
            .await?;
        let (engine, instance) = (self.engine.clone(), instance.clone());
        self.aside(move || {
            engine.forget(&instance);
            Ok(())
        })
        .await
    }

    async fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        if !E::HAS_CLOCK {
            return Ok(None);
        }
        self.readers.with(E::time).await
    }

    async fn examine(&self, now: Timestamp) -> Result<Vec<Finding>, StoreError> {
        self.readers.with_much(move |engine, glass| engine.examine(glass, now)).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.writer.checkpoint().await
    }

    fn describe(&self) -> String {
        self.engine.describe()
    }
}
