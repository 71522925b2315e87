//! The memory: keeps events, counters, holds and policy; decides nothing but the one rule.
//!
//! Every store keeps the contract S1 … S20 on [`Store`]; the conformance suite in
//! `src/conformance` holds each of them to it, clause by clause.

// The contract.
mod answer;
mod doctor;
mod error;
mod spec;
mod url;
// The stores.
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
// Around any of them.
pub mod guarded;
mod timed;

use std::fmt;

use async_trait::async_trait;

pub use answer::{
    Admission, Balance, Charged, Drift, Import, Known, Ledger, Lines, Opened, Page, Pruned,
    Recorded, Settled, Usage,
};
pub use doctor::{Finding, Severity};
pub use error::StoreError;
pub use spec::{StorageSpec, open};
pub use timed::{TimeLimit, Timed};
pub use url::StoreUrl;

use crate::clock::Timestamp;
use crate::quota::event::Line;
use crate::quota::held::{Held, HoldId, Instance, Life};
use crate::quota::idempotency::Key;
use crate::quota::notice::Notice;
use crate::quota::plan::{Plan, Readings};
use crate::quota::{
    Aggregate, Amount, Bucket, Grants, Layer, Policy, PolicyVersion, Resource, Subject,
};

/// How long an instance that gives no sign of life is believed to live, in seconds.
pub const INSTANCE_LEASE: std::time::Duration = std::time::Duration::from_secs(10);

/// Which layer of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerKind {
    /// From the configuration file.
    File,
    /// From command line and API.
    Store,
}

/// Keeps what must not be forgotten. The contract:
///
/// - **S1 one unit.** Each call is one serialisable step: all of it happens, or nothing does, and
///   no reader sees a part.
/// - **S2 exact admission.** Under any concurrency N parallel reservations of A admit exactly
///   ⌊(limit − used) / A⌋; a denied one changes no counter and no reservation.
/// - **S3 all windows.** A plan fits only if each of its windows fits by
///   [`judge_all`](crate::quota::rule::judge_all); then it counts in all of them.
/// - **S4 stale plans.** A plan made from another version of the policy than the present one is
///   answered [`Admission::Stale`] and changes nothing. Every change of policy or grants raises
///   the version; one written from an outdated version is a conflict.
/// - **S5 holds count.** Room held by an open reservation counts as reserved in every bucket that
///   contains its moment, until it is settled or released, or its life ends.
/// - **S6 settle.** Ends a reservation with the actual amount, charged in the buckets of its
///   moment, even past a limit and after it lapsed. The same amount again gives the same answer;
///   another amount, or a released reservation, is a conflict.
/// - **S7 release.** Gives an open reservation back; again, or after it lapsed, changes nothing;
///   after it was settled it is a conflict.
/// - **S8 refund.** Takes a settled reservation back in the same buckets, once; again changes
///   nothing. A counter never goes below zero.
/// - **S9 grow and extend** work on open reservations only. Growing decides for the addition
///   alone; on a lapsed one it answers [`Admission::Lapsed`].
/// - **S10 record** is unconditional. A key seen before with the same fingerprint changes nothing
///   and says so; with another one it is a conflict.
/// - **S11 ledger.** Counters equal the events folded in order; a bucket that is first asked for
///   later counts what the ledger already holds. Every lapse is an event.
/// - **S12 instances.** A reservation with [`Life::While`] lives while its instance was
///   seen within [`INSTANCE_LEASE`], and as long as the store can tell that it runs; reserving, and growing what is still open, are signs of life
///   too. A new instance ends at once only those of instances proven dead.
/// - **S13 durable.** Settle, refund, record, reset and policy changes are on disk before they
///   are acknowledged (power loss); reserve and grow survive the end of the process. The memory
///   store keeps neither, and says so.
/// - **S14 errors.** A store that cannot answer says [`StoreError::Unavailable`]; what was not
///   acknowledged may or may not have happened, and every call but record without a key can be
///   repeated safely. A call that was dropped happens, if it does, before those made after it by
///   the same caller: so what gives a reservation back also gives back one of a lost answer.
/// - **S15 pools.** A window per group or per server counts, and holds, what all subjects of the
///   group, or all there are, use together; in the same step and by the same rule as the others.
///   The group is the one the plan names; an event keeps it. A reset is about one subject's own
///   counts and leaves pools alone.
/// - **S16 aggregates.** A count is what [`fold`](crate::quota::count::fold) makes of the lines of
///   the account. Changing how a resource adds up changes its counts at once, from the ledger.
/// - **S17 moving windows.** A rolling window holds what the ledger has in it at the moment of
///   asking, exactly; one that opens by its first use begins anew with the first charge after its
///   end. Neither makes a call dearer as the ledger grows.
/// - **S18 notices.** What a charge makes of the windows of its plan
///   ([`crossings`](crate::quota::notice::crossings)) is in the outbox with the charge or not at
///   all; each mark once per window (of a rolling window: once in its length), none for a bucket
///   that has ended.
/// - **S19 keeping.** Pruning takes old lines out of the ledger and changes no count that is asked
///   for at a moment since then. It takes old notices too: who was told less is told the next
///   that is left, and no id is given twice. Of a bucket that ended before, of a moment before in
///   a window that moves, and by [history](Store::history), is told what the lines come to that
///   are left, no more. Recounting makes counters equal the ledger and says where they did not;
///   forgetting gives all that one subject did to a name that says nothing.
/// - **S20 import** replaces what it names in one step, or nothing.
///
/// Every call may be dropped half way: the step then happens whole or not at all. Times come
/// from the caller, in milliseconds; a store that shares a clock of its own may use that instead.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Returns the present policy and its version.
    async fn policy(&self) -> Result<Policy, StoreError>;

    /// Replaces a layer of the policy; returns the new version. An equal layer changes nothing.
    async fn write_layer(
        &self,
        kind: LayerKind,
        layer: Layer,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError>;

    /// Returns what `subject` has of its own, and the version at which that was so.
    async fn grants(&self, subject: &Subject) -> Result<(PolicyVersion, Grants), StoreError>;

    /// Replaces what `subject` has of its own; returns the new version.
    async fn write_grants(
        &self,
        subject: &Subject,
        grants: Grants,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError>;

    /// Returns those who have something of their own, by name.
    async fn all_grants(&self, page: Page) -> Result<Vec<(Subject, Grants)>, StoreError>;

    /// Reads the windows of a plan; writes nothing. None if the plan is stale.
    async fn read(&self, plan: &Plan, now: Timestamp) -> Result<Option<Readings>, StoreError>;

    /// Decides a plan and, if it fits, sets the room aside as `id`. The same call again gives the
    /// same answer while it is open, and [`Admission::Lapsed`] after.
    async fn reserve(
        &self,
        plan: &Plan,
        id: HoldId,
        life: Life,
        now: Timestamp,
    ) -> Result<Admission, StoreError>;

    /// Decides the addition `plan` to the reservation `id` and, if it fits, adds it.
    async fn grow(&self, id: HoldId, plan: &Plan, now: Timestamp) -> Result<Admission, StoreError>;

    /// Makes an open reservation live until `end`; false if it is not open.
    async fn extend(&self, id: HoldId, end: Timestamp, now: Timestamp) -> Result<bool, StoreError>;

    /// Returns a reservation, if it is known, as it was last written down: one whose life has ended
    /// may still be called open. One that has ended may be forgotten 35 days later.
    async fn held(&self, id: HoldId) -> Result<Option<Held>, StoreError>;

    /// Decides a plan and, if it fits, charges it at once, as if reserved as `id` and settled. The
    /// same call again gives the same answer and charges nothing, and [`Admission::Lapsed`] once
    /// that was taken back. An open reservation of that id is a conflict.
    async fn consume(
        &self,
        plan: &Plan,
        id: HoldId,
        now: Timestamp,
    ) -> Result<Admission, StoreError>;

    /// Ends a reservation with what was really used; none if it is not known. The windows of
    /// `watched` are looked at for notices, whatever its version.
    async fn settle(
        &self,
        id: HoldId,
        total: Amount,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<Settled>, StoreError>;

    /// Gives an open reservation back; none if it is not known.
    async fn release(&self, id: HoldId, now: Timestamp) -> Result<Option<()>, StoreError>;

    /// Takes a settled reservation back; none if it is not known. `watched` as in
    /// [`Store::settle`].
    async fn refund(
        &self,
        id: HoldId,
        watched: Option<&Plan>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError>;

    /// Returns reservations that count at `now`, oldest first.
    async fn open(&self, now: Timestamp, most: usize) -> Result<Vec<Held>, StoreError>;

    /// Records what a plan asks as a fact; returns what its windows then read, or none if the
    /// plan is stale. The limits of the plan are not looked at.
    async fn record(
        &self,
        plan: &Plan,
        key: Option<Key>,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError>;

    /// Brings the count of the window `basis` of the one item of `plan` to the amount of that item,
    /// by a line of what that changes (of a highest one: by a reset and a use); none if the plan
    /// is stale. Where different ones are counted that is a conflict.
    async fn set(
        &self,
        plan: &Plan,
        basis: usize,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError>;

    /// Brings the subject's own count of every bucket that `at` is in to zero, or only of `bucket`; none if the plan is stale.
    async fn reset(
        &self,
        plan: &Plan,
        bucket: Option<&Bucket>,
        now: Timestamp,
    ) -> Result<Option<()>, StoreError>;

    /// Returns to whom `resource` was ever charged, by name, with their counters at `at`.
    async fn users(
        &self,
        resource: &Resource,
        at: Timestamp,
        page: Page,
    ) -> Result<Vec<Usage>, StoreError>;

    /// Returns who used most of `resource`, which adds up as `aggregate`, in `bucket`: largest
    /// first, ties by name; only those behind `behind`.
    async fn top(
        &self,
        resource: &Resource,
        aggregate: Aggregate,
        bucket: &Bucket,
        behind: Option<&Charged>,
        most: usize,
    ) -> Result<Vec<Charged>, StoreError>;

    /// Returns everyone the books know whose name begins with `prefix`, by name.
    async fn subjects(&self, prefix: &str, page: Page) -> Result<Vec<Known>, StoreError>;

    /// Returns lines of the ledger.
    async fn lines(&self, which: &Lines) -> Result<Vec<Line>, StoreError>;

    /// Returns what `subject`, or everyone, used of `resource`, which adds up as `aggregate`,
    /// between each two neighbours of `cuts`, which rise.
    async fn history(
        &self,
        subject: Option<&Subject>,
        resource: &Resource,
        aggregate: Aggregate,
        cuts: &[Timestamp],
    ) -> Result<Vec<Amount>, StoreError>;

    /// Returns the buckets whose counters are kept.
    async fn opened(&self) -> Result<Vec<Opened>, StoreError>;

    /// Makes the counters of `opened` equal the ledger, of all accounts or only those of
    /// `subject`; returns those that did not. A `dry_run` changes nothing.
    async fn recount(
        &self,
        opened: &Opened,
        subject: Option<&Subject>,
        dry_run: bool,
    ) -> Result<Vec<Drift>, StoreError>;

    /// Takes some of the oldest lines recorded before `before` out of the ledger, up to the first
    /// that is needed for what can still be asked; some of the notices of before `before`, told
    /// or not, other than the newest; and what is kept of buckets that ended before it. Called
    /// again while there is more.
    async fn prune(&self, before: Timestamp, now: Timestamp) -> Result<Pruned, StoreError>;

    /// Gives all that `subject` did to `pseudonym`, and takes away what it has of its own; false if
    /// it is not known. Its open reservations are a conflict.
    async fn forget(
        &self,
        subject: &Subject,
        pseudonym: &Subject,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Brings `import` into the books; returns the new version.
    async fn import(
        &self,
        import: Import,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError>;

    /// Returns what accounts had used before the first line of the ledger.
    async fn balances(&self) -> Result<Vec<Balance>, StoreError>;

    /// Returns the notices behind the one with this id, oldest first.
    async fn notices(&self, behind: u64, most: usize) -> Result<Vec<Notice>, StoreError>;

    /// Returns up to which notice `target` was told. One that is asked about for the first time is
    /// written down as told all up to the newest there is, and so begins behind it.
    async fn told(&self, target: &str) -> Result<u64, StoreError>;

    /// Remembers that `target` was told all up to `notice`; never goes back.
    async fn tell(&self, target: &str, notice: u64) -> Result<(), StoreError>;

    /// Makes `instance` known as alive; ends the reservations of instances proven dead, and
    /// returns how many.
    async fn join(&self, instance: &Instance, now: Timestamp) -> Result<usize, StoreError>;

    /// Renews the sign of life of `instance`.
    async fn beat(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError>;

    /// Says that `instance` is gone for good; its open reservations end.
    async fn leave(&self, instance: &Instance, now: Timestamp) -> Result<(), StoreError>;

    /// Returns the present moment by the clock that all instances on this store share; none if
    /// they run on one machine, whose clock they share anyway.
    async fn time(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Looks for what could make the books lie or be lost; says what it found, good or bad. `now`
    /// is the present moment by this machine's clock.
    async fn examine(&self, now: Timestamp) -> Result<Vec<Finding>, StoreError>;

    /// Returns once every earlier call that writes is as durable as the store makes it.
    async fn close(&self) -> Result<(), StoreError>;

    /// Returns what it is, for people: `sqlite:metergate.db`. Never a password.
    fn describe(&self) -> String;
}
