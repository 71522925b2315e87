//! Readings: what the windows of a plan hold.

use super::Books;
use super::account::Account;
use super::counters::{Counters, Place};
use super::outbox::WindowOf;
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::Count;
use crate::quota::event::Kind;
use crate::quota::held::HoldId;
use crate::quota::plan::{Bound, Item, Plan, Reading, Readings};
use crate::quota::{Aggregate, Amount, Bucket, Per, Resource};

impl Books {
    pub(in crate::store::memory) fn read(&self, plan: &Plan, now: Timestamp) -> Readings {
        self.read_without(None, plan, now)
    }

    /// Reads the windows of `plan` as if the reservation `without` had not been.
    pub(super) fn read_without(
        &self,
        without: Option<HoldId>,
        plan: &Plan,
        now: Timestamp,
    ) -> Readings {
        let windows = plan.items.iter().map(|item| {
            let read = |bound| self.reading(without, plan, item, bound, now);
            item.bounds.iter().map(read).collect()
        });
        windows.collect()
    }

    fn reading(
        &self,
        without: Option<HoldId>,
        plan: &Plan,
        item: &Item,
        bound: &Bound,
        now: Timestamp,
    ) -> Reading {
        let Some(name) = plan.account(bound.per) else {
            return Reading::default();
        };
        let account = Account::new(&item.resource, bound.per, name);
        let count = self.count(&account, &bound.bucket, item.aggregate, without);
        let count = standing(count, &bound.bucket);
        let mut reading = Reading { used: count.used, since: count.since, ..Reading::default() };
        reading.held = self.reserved(&account, bound.holds(&reading), without, now);
        let closed =
            matches!(bound.bucket.shape, Shape::FirstUse { .. }) && reading.since.is_none();
        reading.known = !closed && self.knows(without, plan, item, &account, &bound.bucket);
        if bound.strictness.grace.is_some() && bound.is_past(reading.used) {
            let window = WindowOf::new(account.clone(), bound, &reading);
            reading.over_since = self.over.get(&window).copied();
        }
        if matches!(bound.bucket.shape, Shape::Rolling { .. }) {
            reading.oldest = self.ledger.oldest(&account, &bound.bucket, without);
        }
        reading
    }

    /// Returns the count of `account` in `bucket`: as it is kept, or else folded from its lines.
    pub(super) fn count(
        &self,
        account: &Account,
        bucket: &Bucket,
        aggregate: Aggregate,
        without: Option<HoldId>,
    ) -> Count {
        let kept = self.kept(&account.resource, account.per, bucket, aggregate);
        match kept.map(|counters| counters.count(&account.name)) {
            Some(count) if without.is_none() => count,
            // What is kept may have begun with the one that is left out.
            counted => {
                let counted = counted.filter(|_| without.is_none());
                self.ledger.count(account, bucket, aggregate, counted, without)
            }
        }
    }

    /// Returns the counters of a bucket, if they are kept.
    pub(super) fn kept(
        &self,
        resource: &Resource,
        per: Per,
        bucket: &Bucket,
        aggregate: Aggregate,
    ) -> Option<&Counters> {
        let counters = self.opened.get(&Place::of(resource, per, bucket));
        counters.filter(|it| it.aggregate == aggregate && it.are_kept())
    }

    fn knows(
        &self,
        without: Option<HoldId>,
        plan: &Plan,
        item: &Item,
        account: &Account,
        bucket: &Bucket,
    ) -> bool {
        let Some(member) = item.member.as_ref().filter(|_| item.aggregate == Aggregate::Unique)
        else {
            return false;
        };
        match self.kept(&account.resource, account.per, bucket, item.aggregate) {
            Some(counters) if without.is_none() => counters.knows(&account.name, member),
            _ => {
                let mut asked = plan.event(item, Kind::Use);
                if bucket.shape == Shape::Stretch {
                    // Whether it is counted there does not hang on the moment of the plan.
                    asked.at = bucket.start;
                }
                self.ledger.is_known(account, bucket, &asked, without)
            }
        }
    }

    fn reserved(
        &self,
        account: &Account,
        holds: impl Fn(Timestamp) -> bool,
        without: Option<HoldId>,
        now: Timestamp,
    ) -> Amount {
        let open = self.open_of(account.per, &account.name);
        let open = open.filter(|held| holds(held.at) && self.counts(held, now));
        let items = open.filter(|held| Some(held.id) != without).flat_map(|held| &held.items);
        let items = items.filter(|item| item.resource == account.resource);
        items.fold(Amount::ZERO, |sum, item| sum.plus(item.amount).unwrap_or(Amount::MAX))
    }
}

/// Returns what of `count` holds at the moment `bucket` is of: of one that opens by its first use
/// nothing, if the stretch that is counted is another.
pub(super) fn standing(count: Count, bucket: &Bucket) -> Count {
    match bucket.shape {
        Shape::FirstUse { .. } => {
            let stands = |since| bucket.begun(since).contains(bucket.start);
            if count.since.is_some_and(stands) { count } else { Count::default() }
        }
        Shape::Stretch | Shape::Rolling { .. } => count,
    }
}
