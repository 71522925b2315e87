//! Keeping: old lines taken out of the ledger, counters compared with it.

use std::collections::HashSet;

use super::Books;
use super::account::{Account, changed_by};
use super::counters::{Counters, Place};
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::event::{Event, Kind, Line};
use crate::quota::held::{HoldId, State};
use crate::quota::{Aggregate, Bucket, Per, Subject};
use crate::store::{Drift, Opened, Pruned};

/// How many lines, or notices, are taken out at once.
const AT_ONCE: usize = 1000;

impl Books {
    /// Returns the buckets whose counters are kept. The sums of rolling windows are folded here
    /// each time, and are as good as kept.
    pub(in crate::store::memory) fn all_opened(&self) -> Vec<Opened> {
        let kept = self.opened.iter().filter(|(_, counters)| {
            let moves = matches!(counters.bucket.shape, Shape::Rolling { .. });
            counters.are_kept() || (moves && counters.aggregate == Aggregate::Sum)
        });
        let opened = |(place, counters): (&Place, &Counters)| Opened {
            resource: place.resource.clone(),
            aggregate: counters.aggregate,
            per: place.per,
            bucket: counters.bucket.clone(),
        };
        kept.map(opened).collect()
    }

    pub(in crate::store::memory) fn recount(
        &mut self,
        opened: &Opened,
        subject: Option<&Subject>,
        dry_run: bool,
    ) -> Vec<Drift> {
        let Opened { resource, per, bucket, .. } = opened;
        let Some(counters) = self.opened.get_mut(&Place::of(resource, *per, bucket)) else {
            return Vec::new();
        };
        if !counters.are_kept() {
            return Vec::new();
        }
        let written = self.ledger.accounts_of(resource, *per).into_iter().cloned();
        let mut accounts: Vec<_> = written.collect();
        accounts.extend(counters.names().iter().map(|name| Account::new(resource, *per, name)));
        accounts.retain(|account| {
            subject.is_none_or(|it| *per == Per::Subject && *it.as_str() == *account.name)
        });
        accounts.sort();
        accounts.dedup();
        let mut drifts = Vec::new();
        for account in accounts {
            if !counters.is_whole(&self.ledger, resource, &account.name) {
                continue;
            }
            let counted = counters.count(&account.name);
            let truth = counters.truth(&self.ledger, &account);
            if !dry_run {
                counters.fold_anew(&self.ledger, &account);
            }
            if counted.used != truth.used {
                drifts.push(Drift {
                    resource: resource.clone(),
                    per: *per,
                    account: account.name.to_string(),
                    bucket: bucket.key.clone(),
                    counted: counted.used,
                    ledger: truth.used,
                });
            }
        }
        drifts
    }

    pub(in crate::store::memory) fn prune(&mut self, before: Timestamp, now: Timestamp) -> Pruned {
        let lines = self.prune_ledger(before, now);
        let notices = self.outbox.trim(before, AT_ONCE);
        self.outbox.forget_ended(before);
        self.over.retain(|window, _| window.end.is_none_or(|end| end > before));
        self.opened.retain(|_, Counters { bucket, .. }| {
            bucket.shape != Shape::Stretch || bucket.end.is_none_or(|end| end > before)
        });
        Pruned { lines, more: lines == AT_ONCE || notices == AT_ONCE }
    }

    fn prune_ledger(&mut self, before: Timestamp, now: Timestamp) -> usize {
        let old = self.ledger.lines.values().take(AT_ONCE);
        let count = old.take_while(|line| self.can_go(line, before, now)).count();
        let refunds = self.ledger.lines.values().filter(|it| it.event.kind == Kind::Refund);
        let refunded: HashSet<_> = refunds.filter_map(|line| line.event.hold).collect();
        for _ in 0..count {
            if let Some(line) = self.ledger.take_first() {
                self.left(&line.event, &refunded);
            }
        }
        count
    }

    /// Returns true if nothing needs `line` that can still be asked for.
    fn can_go(&self, line: &Line, before: Timestamp, now: Timestamp) -> bool {
        let event = &line.event;
        let held = event.hold.and_then(|id| self.holds.get(&id));
        line.recorded < before
            && event.at < before
            && self.policy.measure(&event.resource).aggregate != Aggregate::Unique
            && held.is_none_or(|held| held.state != State::Open)
            && !changed_by(event).iter().any(|account| self.is_needed(account, event.at, now))
    }

    /// Returns true if a line of `account` at `at` lies in a bucket that has not ended.
    fn is_needed(&self, account: &Account, at: Timestamp, now: Timestamp) -> bool {
        let opened = self.opened.range(Place::open_at(account, at));
        opened.map(|(_, counters)| counters).any(|counters| {
            let Counters { bucket, .. } = counters;
            let lasts =
                |bucket: &Bucket| bucket.contains(at) && bucket.end.is_none_or(|end| end > now);
            match bucket.shape {
                Shape::Stretch => bucket.start > Timestamp::MIN && lasts(bucket),
                Shape::FirstUse { .. } => {
                    let since = counters.count(&account.name).since;
                    since.is_some_and(|since| lasts(&bucket.begun(since)))
                }
                Shape::Rolling { .. } => bucket.leaves(at).is_none_or(|end| end > now),
            }
        })
    }

    /// Adds what is about to be forgotten to what was used before the first line.
    fn left(&mut self, event: &Event, refunded: &HashSet<HoldId>) {
        let aggregate = self.policy.measure(&event.resource).aggregate;
        let taken_back = event.hold.is_some_and(|hold| refunded.contains(&hold));
        if aggregate != Aggregate::Sum && taken_back {
            return;
        }
        for account in changed_by(event) {
            let known = self.ledger.balances.contains_key(&account);
            if known || event.kind.charges() {
                let balance = self.ledger.balances.entry(account).or_default();
                balance.add(event, &Bucket::all(), aggregate, false);
            }
        }
    }
}
