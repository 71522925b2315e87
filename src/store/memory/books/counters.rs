//! Counters: the counts of one bucket, kept up to date line by line.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::{Bound as End, RangeBounds};
use std::sync::Arc;

use super::account::Account;
use super::ledger::Ledger;
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::{Count, Counted, can_be_kept, fold};
use crate::quota::event::{Event, Kind};
use crate::quota::{Aggregate, Bucket, Per, Resource};

/// Which bucket. Those that have ended come first, so that a charge passes them over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) resource: Resource,
    pub(super) per: Per,
    /// The first moment after it; the last there is if it moves, or does not end.
    end: Timestamp,
    key: String,
}

impl Place {
    pub(super) fn of(resource: &Resource, per: Per, bucket: &Bucket) -> Self {
        let end = bucket.end.filter(|_| bucket.shape == Shape::Stretch);
        let (end, key) = (end.unwrap_or(Timestamp::MAX), bucket.key.clone());
        Self { resource: resource.clone(), per, end, key }
    }

    /// Returns the range of those for `account` that end after `moment`.
    pub(super) fn open_at(account: &Account, moment: Timestamp) -> impl RangeBounds<Self> + use<> {
        let Account { resource, per, .. } = account;
        let place = |end| Self { resource: resource.clone(), per: *per, end, key: String::new() };
        // No key is as high as this one.
        let last = Self { key: char::MAX.to_string(), ..place(Timestamp::MAX) };
        let after = moment.millis().saturating_add(1);
        (End::Included(place(Timestamp::from_millis(after))), End::Included(last))
    }
}

/// The counts of one bucket; an account without one has used nothing.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) bucket: Bucket,
    pub(super) aggregate: Aggregate,
    counts: BTreeMap<Arc<str>, Count>,
    /// Who is counted already, where different members are.
    members: HashMap<Arc<str>, HashSet<Arc<str>>>,
}

impl Counters {
    pub(super) fn open(
        ledger: &Ledger,
        resource: &Resource,
        per: Per,
        bucket: &Bucket,
        aggregate: Aggregate,
    ) -> Self {
        let mut counters = Self {
            bucket: bucket.clone(),
            aggregate,
            counts: BTreeMap::new(),
            members: HashMap::new(),
        };
        for account in ledger.accounts_of(resource, per) {
            counters.fold_anew(ledger, account);
        }
        counters
    }

    /// Returns true if the counts are kept; otherwise they are folded when they are asked for.
    pub(super) fn are_kept(&self) -> bool {
        can_be_kept(&self.bucket, self.aggregate)
    }

    pub(super) fn count(&self, name: &str) -> Count {
        self.counts.get(name).copied().unwrap_or_default()
    }

    pub(super) fn knows(&self, name: &str, member: &str) -> bool {
        self.members.get(name).is_some_and(|members| members.contains(member))
    }

    /// Returns the names of those who have a count.
    pub(super) fn names(&self) -> BTreeSet<Arc<str>> {
        self.counts.keys().cloned().collect()
    }

    /// Counts what happened to `account` and is in the ledger now.
    pub(super) fn happened(&mut self, ledger: &Ledger, account: &Account, event: &Event) {
        if !self.are_kept() {
            return;
        }
        let known = event.member.as_ref().is_some_and(|it| self.knows(&account.name, it));
        let mut count = self.count(&account.name);
        match count.add(event, &self.bucket, self.aggregate, known) {
            Counted::Same => {}
            Counted::Changed => {
                self.counts.insert(account.name.clone(), count);
                self.remember(&account.name, event);
            }
            Counted::Unknown => self.fold_anew(ledger, account),
        }
    }

    /// Makes the count of `account` what the ledger says.
    pub(super) fn fold_anew(&mut self, ledger: &Ledger, account: &Account) {
        if !self.are_kept() {
            return;
        }
        let name = &account.name;
        let events = ledger.events(account, &self.bucket);
        let count = self.folded(ledger, account, &events);
        self.members.remove(name);
        if count == Count::default() {
            self.counts.remove(name);
        } else {
            self.counts.insert(name.clone(), count);
        }
        if self.aggregate == Aggregate::Unique {
            let refunded: HashSet<_> =
                events.iter().filter(|it| it.kind == Kind::Refund).map(|it| it.hold).collect();
            for event in events {
                let taken_back = event.hold.is_some() && refunded.contains(&event.hold);
                if !taken_back && self.bucket.contains(event.at) {
                    self.remember(name, event);
                }
            }
        }
    }

    /// Returns the count of `account` as the ledger has it.
    pub(super) fn truth(&self, ledger: &Ledger, account: &Account) -> Count {
        self.folded(ledger, account, &ledger.events(account, &self.bucket))
    }

    fn folded(&self, ledger: &Ledger, account: &Account, events: &[&Event]) -> Count {
        let counted = self.counts.get(&account.name).copied();
        let start = ledger.start(account, &self.bucket, counted);
        fold(events.iter().copied(), &self.bucket, self.aggregate, start)
    }

    /// Remembers the member that `event` counts, or forgets all if it is a reset.
    fn remember(&mut self, name: &Arc<str>, event: &Event) {
        let about_it = event.bucket.as_ref().is_none_or(|key| *key == self.bucket.key);
        match (event.kind, &event.member) {
            (Kind::Reset, _) if about_it => _ = self.members.remove(name),
            (kind, Some(member)) if kind.charges() && self.aggregate == Aggregate::Unique => {
                self.members.entry(name.clone()).or_default().insert(member.clone());
            }
            _ => {}
        }
    }

    /// Returns true if the ledger has all lines of the stretch that is counted of `name`.
    pub(super) fn is_whole(&self, ledger: &Ledger, resource: &Resource, name: &str) -> bool {
        let start = match self.bucket.shape {
            Shape::Stretch => Some(self.bucket.start).filter(|start| *start > Timestamp::MIN),
            Shape::FirstUse { .. } | Shape::Rolling { .. } => self.count(name).since,
        };
        start.is_none_or(|start| ledger.pruned(resource).is_none_or(|pruned| pruned < start))
    }

    /// Gives the count of `old` to `new`, who may have one, too.
    pub(super) fn rename(&mut self, ledger: &Ledger, old: &str, new: &Account, is_shared: bool) {
        if let Some(count) = self.counts.remove(old) {
            self.counts.insert(new.name.clone(), count);
        }
        if let Some(members) = self.members.remove(old) {
            self.members.entry(new.name.clone()).or_default().extend(members);
        }
        if is_shared {
            self.fold_anew(ledger, new);
        }
    }
}
