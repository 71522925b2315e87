//! The Redis store: Redis 6.2 or newer, Valkey; one server, one watched by Sentinels, a Cluster.
//!
//! Each verb that writes is one script, which the server runs as a whole: it reads, decides and
//! writes. What takes a calendar or a look at many lines is worked out here, before or between:
//! a script that lacks something says so and has written nothing, and is run again with it.
//!
//! How durable it is, is up to the server: with `appendfsync always` what is acknowledged is on
//! its disk; otherwise up to a second of it may be lost with its power. `examine` tells.

// The way in.
mod address;
mod connection;
mod entry;
mod fault;
mod link;
mod script;
mod silence;
// What is kept.
mod codec;
mod counts;
mod keys;
mod place;
mod series;
mod view;
mod walk;
// What it comes to.
mod asking;
mod fold;
mod opening;
mod plan;
// What is asked.
mod admission;
mod disk;
mod erase;
mod examine;
mod facts;
mod forget;
mod grants;
mod import;
mod instances;
mod ledger;
mod listing;
mod opened;
mod outbox;
mod past_parts;
mod policy;
mod prune;
mod recount;
mod reparts;
mod settle;

use async_trait::async_trait;
use tokio::sync::Mutex;

use self::address::Address;
use self::connection::Connection;
use self::instances::Own;
use self::keys::Keys;
use self::series::Series;
use super::{
    Admission, Balance, Charged, Drift, Finding, Import, Known, LayerKind, Lines, Opened, Page,
    Pruned, Recorded, Settled, Store, StoreError, StoreUrl, Usage,
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

/// Books in Redis, or Valkey.
#[derive(Debug)]
pub struct Redis {
    /// As it was named, without password.
    name: String,
    connection: Connection,
    series: Series,
    /// Whose turn it is to fold.
    folding: Mutex<()>,
    own: Own,
}

impl Redis {
    /// Reads `url` as [`open`](Self::open) does, and no more.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn check(url: &StoreUrl) -> Result<(), StoreError> {
        Address::read(url).map(drop)
    }

    /// Returns the books at `url`. The server is asked at the first call; until it answers, every
    /// call is unavailable.
    ///
    /// # Errors
    /// Misconfigured if the address cannot be read.
    pub fn open(url: &StoreUrl) -> Result<Self, StoreError> {
        let connection = Connection::to(Address::read(url)?);
        Ok(Self {
            name: url.to_string(),
            connection,
            series: Series::default(),
            folding: Mutex::default(),
            own: Own::default(),
        })
    }

    /// Takes away all that is kept under the prefix: for tests, which have one each.
    ///
    /// # Errors
    /// Unavailable if the server does not answer.
    pub async fn erase(&self) -> Result<(), StoreError> {
        erase::erase(self).await
    }

    fn keys(&self) -> &Keys {
        &self.connection.address.keys
    }
}

#[async_trait]
impl Store for Redis {
    async fn policy(&self) -> Result<Policy, StoreError> {
        policy::load(self).await
    }

    async fn write_layer(
        &self,
        kind: LayerKind,
        layer: Layer,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        policy::write_layer(self, kind, &layer, seen).await
    }

    async fn grants(&self, subject: &Subject) -> Result<(PolicyVersion, Grants), StoreError> {
        policy::grants(self, subject).await
    }

    async fn write_grants(
        &self,
        subject: &Subject,
        grants: Grants,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        policy::write_grants(self, subject, &grants, seen).await
    }

    async fn all_grants(&self, page: Page) -> Result<Vec<(Subject, Grants)>, StoreError> {
        grants::all(self, &page).await
    }

    async fn read(&self, plan: &Plan, now: Timestamp) -> Result<Option<Readings>, StoreError> {
        admission::read(self, plan, now).await
    }

    async fn reserve(
        &self,
        plan: &Plan,
        id: HoldId,
        life: Life,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        admission::reserve(self, plan, id, &life, now).await
    }

    async fn grow(&self, id: HoldId, plan: &Plan, now: Timestamp) -> Result<Admission, StoreError> {
        admission::grow(self, id, plan, now).await
    }

    async fn extend(&self, id: HoldId, end: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        admission::extend(self, id, end, now).await
    }

    async fn held(&self, id: HoldId) -> Result<Option<Held>, StoreError> {
        admission::held(self, id).await
    }

    async fn consume(
        &self,
        plan: &Plan,
        id: HoldId,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        admission::consume(self, plan, id, now).await
    }

    async fn settle(
        &self,
        id: HoldId,
        total: Amount,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<Settled>, StoreError> {
        settle::settle(self, id, total, watched, now).await
    }

    async fn release(&self, id: HoldId, now: Timestamp) -> Result<Option<()>, StoreError> {
        settle::release(self, id, now).await
    }

    async fn refund(
        &self,
        id: HoldId,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        settle::refund(self, id, watched, now).await
    }

    async fn open(&self, now: Timestamp, most: usize) -> Result<Vec<Held>, StoreError> {
        admission::open(self, now, most).await
    }

    async fn record(
        &self,
        plan: &Plan,
        key: Option<Key>,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        facts::record(self, plan, key.as_ref(), now).await
    }

    async fn set(
        &self,
        plan: &Plan,
        basis: usize,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        facts::set(self, plan, basis, now).await
    }

    async fn reset(
        &self,
        plan: &Plan,
        bucket: Option<&Bucket>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError> {
        facts::reset(self, plan, bucket, now).await
    }

    async fn users(
        &self,
        resource: &Resource,
        at: Timestamp,
        page: Page,
    ) -> Result<Vec<Usage>, StoreError> {
        listing::users(self, resource, at, &page).await
    }

    async fn top(
        &self,
        resource: &Resource,
        aggregate: Aggregate,
        bucket: &Bucket,
        behind: Option<&Charged>,
        most: usize,
    ) -> Result<Vec<Charged>, StoreError> {
        listing::top(self, resource, aggregate, bucket, behind, most).await
    }

    async fn subjects(&self, prefix: &str, page: Page) -> Result<Vec<Known>, StoreError> {
        listing::subjects(self, prefix, &page).await
    }

    async fn lines(&self, which: &Lines) -> Result<Vec<Line>, StoreError> {
        ledger::lines(self, which).await
    }

    async fn history(
        &self,
        subject: Option<&Subject>,
        resource: &Resource,
        aggregate: Aggregate,
        cuts: &[Timestamp],
    ) -> Result<Vec<Amount>, StoreError> {
        ledger::history(self, subject, resource, aggregate, cuts).await
    }

    async fn opened(&self) -> Result<Vec<Opened>, StoreError> {
        opened::opened(self).await
    }

    async fn recount(
        &self,
        opened: &Opened,
        subject: Option<&Subject>,
        dry_run: bool,
    ) -> Result<Vec<Drift>, StoreError> {
        recount::recount(self, opened, subject, dry_run).await
    }

    async fn prune(&self, before: Timestamp, now: Timestamp) -> Result<Pruned, StoreError> {
        prune::prune(self, before, now).await
    }

    async fn forget(
        &self,
        subject: &Subject,
        pseudonym: &Subject,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        forget::forget(self, subject, pseudonym, now).await
    }

    async fn import(
        &self,
        import: Import,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        import::import(self, import, seen).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, StoreError> {
        ledger::balances(self).await
    }

    async fn notices(&self, behind: u64, most: usize) -> Result<Vec<Notice>, StoreError> {
        outbox::notices(self, behind, most).await
    }

    async fn told(&self, target: &str) -> Result<u64, StoreError> {
        outbox::told(self, target).await
    }

    async fn tell(&self, target: &str, notice: u64) -> Result<(), StoreError> {
        outbox::tell(self, target, notice).await
    }

    async fn join(&self, instance: &Instance, now: Timestamp) -> Result<usize, StoreError> {
        instances::join(self, instance, now).await
    }

    async fn beat(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        instances::beat(self, instance, now).await
    }

    async fn leave(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError> {
        instances::leave(self, instance, now).await
    }

    async fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        examine::time(self).await
    }

    async fn examine(&self, now: Timestamp) -> Result<Vec<Finding>, StoreError> {
        examine::examine(self, now).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.connection.catch_up().await
    }

    fn describe(&self) -> String {
        self.name.clone()
    }
}
