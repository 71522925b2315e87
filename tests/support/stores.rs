//! A store that fails and waits when it is told to; otherwise it is the one in memory.

use std::collections::BTreeSet;

use async_trait::async_trait;
use metergate::clock::Timestamp;
use metergate::quota::event::Line;
use metergate::quota::held::{Held, HoldId, Instance, Life};
use metergate::quota::idempotency::Key;
use metergate::quota::notice::Notice;
use metergate::quota::plan::{Plan, Readings};
use metergate::quota::{
    Aggregate, Amount, Bucket, Grants, Layer, Policy, PolicyVersion, Resource, Subject,
};
use metergate::store::memory::Memory;
use metergate::store::{
    Admission, Balance, Charged, Drift, Import, Known, LayerKind, Lines, Opened, Page, Pruned,
    Recorded, Settled, Store, StoreError, Usage,
};
use tokio::sync::watch;

use super::eventually;

/// A store under orders. Verbs are the names of its calls.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    inner: Memory,
    orders: watch::Sender<Orders>,
    waiting: watch::Sender<Vec<&'static str>>,
}

#[derive(Clone, Debug, Default)]
struct Orders {
    /// Answers nothing but errors.
    out: bool,
    failing: BTreeSet<&'static str>,
    shut: BTreeSet<&'static str>,
}

impl Scripted {
    /// From now on every call fails, or none.
    pub(crate) fn be_out(&self, out: bool) {
        self.orders.send_modify(|orders| orders.out = out);
    }

    /// From now on this call fails, or does not.
    pub(crate) fn fail(&self, verb: &'static str, fails: bool) {
        self.orders.send_modify(|orders| {
            if fails {
                orders.failing.insert(verb)
            } else {
                orders.failing.remove(verb)
            };
        });
    }

    /// From now on this call waits until it is [let go](Self::let_go).
    pub(crate) fn stop_at(&self, verb: &'static str) {
        self.orders.send_modify(|orders| _ = orders.shut.insert(verb));
    }

    /// Lets those who wait go on, and those who come.
    pub(crate) fn let_go(&self, verb: &'static str) {
        self.orders.send_modify(|orders| _ = orders.shut.remove(verb));
    }

    /// Waits until somebody waits at this call.
    pub(crate) fn is_stopped_at(&self, verb: &'static str) {
        eventually(&format!("a call of {verb}"), || self.waiting.borrow().contains(&verb));
    }

    async fn before(&self, verb: &'static str) -> Result<(), StoreError> {
        let mut orders = self.orders.subscribe();
        if orders.borrow().shut.contains(verb) {
            self.waiting.send_modify(|waiting| waiting.push(verb));
        }
        let orders = orders.wait_for(|orders| !orders.shut.contains(verb)).await.unwrap();
        if orders.out || orders.failing.contains(verb) {
            return Err(StoreError::unavailable("the script says so", "it is out"));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for Scripted {
    async fn policy(&self) -> Result<Policy, StoreError> {
        self.before("policy").await?;
        self.inner.policy().await
    }

    async fn write_layer(
        &self,
        kind: LayerKind,
        layer: Layer,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.before("write_layer").await?;
        self.inner.write_layer(kind, layer, seen).await
    }

    async fn grants(&self, subject: &Subject) -> Result<(PolicyVersion, Grants), StoreError> {
        self.before("grants").await?;
        self.inner.grants(subject).await
    }

    async fn write_grants(
        &self,
        subject: &Subject,
        grants: Grants,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.before("write_grants").await?;
        self.inner.write_grants(subject, grants, seen).await
    }

    async fn all_grants(&self, page: Page) -> Result<Vec<(Subject, Grants)>, StoreError> {
        self.before("all_grants").await?;
        self.inner.all_grants(page).await
    }

    async fn read(&self, plan: &Plan, now: Timestamp) -> Result<Option<Readings>, StoreError> {
        self.before("read").await?;
        self.inner.read(plan, now).await
    }

    async fn reserve(
        &self,
        plan: &Plan,
        id: HoldId,
        life: Life,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        self.before("reserve").await?;
        self.inner.reserve(plan, id, life, now).await
    }

    async fn grow(&self, id: HoldId, plan: &Plan, now: Timestamp) -> Result<Admission, StoreError> {
        self.before("grow").await?;
        self.inner.grow(id, plan, now).await
    }

    async fn extend(&self, id: HoldId, end: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        self.before("extend").await?;
        self.inner.extend(id, end, now).await
    }

    async fn held(&self, id: HoldId) -> Result<Option<Held>, StoreError> {
        self.before("held").await?;
        self.inner.held(id).await
    }

    async fn consume(
        &self,
        plan: &Plan,
        id: HoldId,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        self.before("consume").await?;
        self.inner.consume(plan, id, now).await
    }

    async fn settle(
        &self,
        id: HoldId,
        total: Amount,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<Settled>, StoreError> {
        self.before("settle").await?;
        self.inner.settle(id, total, watched, now).await
    }

    async fn release(&self, id: HoldId, now: Timestamp) -> Result<Option<()>, StoreError> {
        self.before("release").await?;
        self.inner.release(id, now).await
    }

    async fn refund(
        &self,
        id: HoldId,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        self.before("refund").await?;
        self.inner.refund(id, watched, now).await
    }

    async fn open(&self, now: Timestamp, most: usize) -> Result<Vec<Held>, StoreError> {
        self.before("open").await?;
        self.inner.open(now, most).await
    }

    async fn record(
        &self,
        plan: &Plan,
        key: Option<Key>,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        self.before("record").await?;
        self.inner.record(plan, key, now).await
    }

    async fn set(
        &self,
        plan: &Plan,
        basis: usize,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        self.before("set").await?;
        self.inner.set(plan, basis, now).await
    }

    async fn reset(
        &self,
        plan: &Plan,
        bucket: Option<&Bucket>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        self.before("reset").await?;
        self.inner.reset(plan, bucket, now).await
    }

    async fn users(
        &self,
        resource: &Resource,
        at: Timestamp,
        page: Page,
    ) -> Result<Vec<Usage>, StoreError> {
        self.before("users").await?;
        self.inner.users(resource, at, page).await
    }

    async fn top(
        &self,
        resource: &Resource,
        aggregate: Aggregate,
        bucket: &Bucket,
        behind: Option<&Charged>,
        most: usize,
    ) -> Result<Vec<Charged>, StoreError> {
        self.before("top").await?;
        self.inner.top(resource, aggregate, bucket, behind, most).await
    }

    async fn subjects(&self, prefix: &str, page: Page) -> Result<Vec<Known>, StoreError> {
        self.before("subjects").await?;
        self.inner.subjects(prefix, page).await
    }

    async fn lines(&self, which: &Lines) -> Result<Vec<Line>, StoreError> {
        self.before("lines").await?;
        self.inner.lines(which).await
    }

    async fn history(
        &self,
        subject: Option<&Subject>,
        resource: &Resource,
        aggregate: Aggregate,
        cuts: &[Timestamp],
    ) -> Result<Vec<Amount>, StoreError> {
        self.before("history").await?;
        self.inner.history(subject, resource, aggregate, cuts).await
    }

    async fn opened(&self) -> Result<Vec<Opened>, StoreError> {
        self.before("opened").await?;
        self.inner.opened().await
    }

    async fn recount(
        &self,
        opened: &Opened,
        subject: Option<&Subject>,
        dry_run: bool,
    ) -> Result<Vec<Drift>, StoreError> {
        self.before("recount").await?;
        self.inner.recount(opened, subject, dry_run).await
    }

    async fn prune(&self, before: Timestamp, now: Timestamp) -> Result<Pruned, StoreError> {
        self.before("prune").await?;
        self.inner.prune(before, now).await
    }

    async fn forget(
        &self,
        subject: &Subject,
        pseudonym: &Subject,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.before("forget").await?;
        self.inner.forget(subject, pseudonym, now).await
    }

    async fn import(
        &self,
        import: Import,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        self.before("import").await?;
        self.inner.import(import, seen).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, StoreError> {
        self.before("balances").await?;
        self.inner.balances().await
    }

    async fn notices(&self, behind: u64, most: usize) -> Result<Vec<Notice>, StoreError> {
        self.before("notices").await?;
        self.inner.notices(behind, most).await
    }

    async fn told(&self, target: &str) -> Result<u64, StoreError> {
        self.before("told").await?;
        self.inner.told(target).await
    }

    async fn tell(&self, target: &str, notice: u64) -> Result<(), StoreError> {
        self.before("tell").await?;
        self.inner.tell(target, notice).await
    }

    async fn join(&self, instance: &Instance, now: Timestamp) -> Result<usize, StoreError> {
        self.before("join").await?;
        self.inner.join(instance, now).await
    }

    async fn beat(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        self.before("beat").await?;
        self.inner.beat(instance, now).await
    }

    async fn leave(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        self.before("leave").await?;
        self.inner.leave(instance, now).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }

    fn describe(&self) -> String {
        "scripted:".to_owned()
    }
}
