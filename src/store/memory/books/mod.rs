//! Books: events, counters, holds and policy as plain values, each verb one method.

mod facts;
mod holds;
mod instances;
mod lists;
mod policy;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound as End;

use crate::clock::Timestamp;
use crate::quota::event::{Event, Kind};
use crate::quota::held::{Held, HoldId, Instance, Life, State};
use crate::quota::plan::{Plan, Reading, Readings};
use crate::quota::{Amount, Bucket, Grants, Policy, Resource, Subject};
use crate::store::{INSTANCE_LEASE, StoreError};

/// All that is remembered.
#[derive(Debug, Default)]
pub(in crate::store::memory) struct Books {
    pub(in crate::store::memory) policy: Policy,
    pub(in crate::store::memory) grants: BTreeMap<Subject, Grants>,
    pub(in crate::store::memory) holds: HashMap<HoldId, Held>,
    /// Whose holds are open; some may have ended since their subject was last looked at.
    open: HashMap<Subject, Vec<HoldId>>,
    /// Those that had lapsed when they were settled.
    late: HashSet<HoldId>,
    events: Vec<Event>,
    keys: HashMap<(Subject, String), Vec<u8>>,
    /// Complete for every subject: opening one folds the ledger, every charge keeps it.
    opened: BTreeMap<(Resource, String), Counters>,
    seen: HashMap<Instance, Timestamp>,
}

/// The counts of one bucket; who never charged anything has none.
#[derive(Debug)]
struct Counters {
    bucket: Bucket,
    used: BTreeMap<Subject, Amount>,
}

/// Returns the bound of a range that starts behind `last`.
pub(in crate::store::memory) fn behind(last: Option<Subject>) -> End<Subject> {
    last.map_or(End::Unbounded, End::Excluded)
}

fn conflict<T>(text: &str) -> Result<T, StoreError> {
    Err(StoreError::Conflict(text.to_owned()))
}

impl Books {
    pub(in crate::store::memory) fn read(&self, plan: &Plan, now: Timestamp) -> Readings {
        let windows = plan.items.iter().map(|item| {
            let read = |bucket: &Bucket| Reading {
                used: self.used(&plan.subject, &item.resource, bucket),
                held: self.reserved(&plan.subject, &item.resource, bucket, now),
            };
            item.bounds.iter().map(|bound| read(&bound.bucket)).collect()
        });
        windows.collect()
    }

    fn used(&self, subject: &Subject, resource: &Resource, bucket: &Bucket) -> Amount {
        if let Some(counters) = self.opened.get(&(resource.clone(), bucket.key.clone())) {
            return counters.used.get(subject).copied().unwrap_or_default();
        }
        let own = |event: &&Event| event.subject == *subject && event.resource == *resource;
        let events = self.events.iter().filter(own);
        events.fold(Amount::ZERO, |used, event| event.fold(used, bucket))
    }

    fn reserved(
        &self,
        subject: &Subject,
        resource: &Resource,
        bucket: &Bucket,
        now: Timestamp,
    ) -> Amount {
        let open = self.open_of(subject);
        let open = open.filter(|held| bucket.contains(held.at) && self.counts(held, now));
        let items = open.flat_map(|held| &held.items).filter(|item| item.resource == *resource);
        items.fold(Amount::ZERO, |sum, item| sum.plus(item.amount).unwrap_or(Amount::MAX))
    }

    /// Returns true if `held` is open and its life has not ended.
    fn counts(&self, held: &Held, now: Timestamp) -> bool {
        held.state == State::Open
            && match &held.life {
                Life::Until(end) => now < *end,
                Life::While(instance) => {
                    self.seen.get(instance).is_some_and(|seen| now < seen.after(INSTANCE_LEASE))
                }
            }
    }

    /// Makes the counters of every bucket in `plan` complete.
    fn open(&mut self, plan: &Plan) {
        for item in &plan.items {
            for bound in &item.bounds {
                let key = (item.resource.clone(), bound.bucket.key.clone());
                let (events, bucket) = (&self.events, &bound.bucket);
                self.opened.entry(key).or_insert_with(|| folded(events, &item.resource, bucket));
            }
        }
    }

    /// Writes a line of the ledger, and counts it in every opened bucket it falls in.
    fn happened(&mut self, event: Event) {
        for counters in self.opened_for(&event.resource) {
            counters.count(&event);
        }
        self.events.push(event);
    }

    fn opened_for(&mut self, resource: &Resource) -> impl Iterator<Item = &mut Counters> {
        let all = self.opened.iter_mut();
        all.filter(move |((name, _), _)| name == resource).map(|(_, counters)| counters)
    }

    /// Ends the reservations of `subject` whose life has ended.
    fn retire(&mut self, subject: &Subject, now: Timestamp) {
        let due = self.open_of(subject).filter(|held| !self.counts(held, now));
        let due: Vec<_> = due.map(|held| held.id).collect();
        for id in due {
            self.lapse(id);
        }
        if let Some(open) = self.open.get_mut(subject) {
            open.retain(|id| self.holds.get(id).is_some_and(|held| held.state == State::Open));
            if open.is_empty() {
                self.open.remove(subject);
            }
        }
    }

    fn open_of(&self, subject: &Subject) -> impl Iterator<Item = &Held> {
        let known =
            self.open.get(subject).into_iter().flatten().filter_map(|id| self.holds.get(id));
        known.filter(|held| held.state == State::Open)
    }

    fn lapse(&mut self, id: HoldId) {
        let Some(held) = self.holds.get_mut(&id) else {
            return;
        };
        held.state = State::Lapsed;
        let held = held.clone();
        for item in &held.items {
            self.happened(event_of(&held, item.resource.clone(), Kind::Lapse, Amount::ZERO));
        }
    }
}

impl Counters {
    fn count(&mut self, event: &Event) {
        if !self.bucket.contains(event.at) {
            return;
        }
        if let Some(used) = self.used.get_mut(&event.subject) {
            *used = event.fold(*used, &self.bucket);
        } else if matches!(event.kind, Kind::Use | Kind::Settle | Kind::Refund) {
            self.used.insert(event.subject.clone(), event.fold(Amount::ZERO, &self.bucket));
        }
    }
}

fn folded(events: &[Event], resource: &Resource, bucket: &Bucket) -> Counters {
    let mut counters = Counters { bucket: bucket.clone(), used: BTreeMap::new() };
    for event in events.iter().filter(|event| event.resource == *resource) {
        counters.count(event);
    }
    counters
}

fn event_of(held: &Held, resource: Resource, kind: Kind, amount: Amount) -> Event {
    let (subject, at, hold) = (held.subject.clone(), held.at, Some(held.id));
    Event { subject, resource, kind, amount, at, hold, bucket: None }
}
