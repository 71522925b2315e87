//! Books: events, counters, holds and policy as plain values, each verb one method.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound as End;

use crate::clock::Timestamp;
use crate::quota::event::{Event, Kind};
use crate::quota::held::{Held, HeldItem, HoldId, Instance, Life, State};
use crate::quota::idempotency::Key;
use crate::quota::plan::{Plan, Reading, Readings};
use crate::quota::rule::{Verdict, judge_all};
use crate::quota::{Amount, Bucket, Grants, Layer, Policy, PolicyVersion, Resource, Subject};
use crate::store::{
    Admission, Charged, INSTANCE_LEASE, LayerKind, Page, Recorded, Settled, StoreError, Usage,
};

/// All that is remembered.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) policy: Policy,
    pub(super) grants: BTreeMap<Subject, Grants>,
    pub(super) holds: HashMap<HoldId, Held>,
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
pub(super) fn behind(last: Option<Subject>) -> End<Subject> {
    last.map_or(End::Unbounded, End::Excluded)
}

fn conflict<T>(text: &str) -> Result<T, StoreError> {
    Err(StoreError::Conflict(text.to_owned()))
}

// Policy.
impl Books {
    pub(super) fn write_layer(
        &mut self,
        kind: LayerKind,
        layer: Layer,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        let current = match kind {
            LayerKind::File => &self.policy.file,
            LayerKind::Store => &self.policy.store,
        };
        if *current == layer {
            return Ok(self.policy.version);
        }
        let version = self.next_version(seen)?;
        match kind {
            LayerKind::File => self.policy.file = layer,
            LayerKind::Store => self.policy.store = layer,
        }
        self.policy.version = version;
        Ok(version)
    }

    pub(super) fn write_grants(
        &mut self,
        subject: &Subject,
        grants: Grants,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        if self.grants.get(subject).cloned().unwrap_or_default() == grants {
            return Ok(self.policy.version);
        }
        self.policy.version = self.next_version(seen)?;
        if grants.is_empty() {
            self.grants.remove(subject);
        } else {
            self.grants.insert(subject.clone(), grants);
        }
        Ok(self.policy.version)
    }

    fn next_version(&self, seen: PolicyVersion) -> Result<PolicyVersion, StoreError> {
        if seen != self.policy.version {
            return conflict("the policy was changed by someone else: try again");
        }
        Ok(PolicyVersion(seen.0 + 1))
    }
}

// Reading and counting.
impl Books {
    pub(super) fn read(&self, plan: &Plan, now: Timestamp) -> Readings {
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
        match self.opened.get(&(resource.clone(), bucket.key.clone())) {
            Some(counters) => counters.used.get(subject).copied().unwrap_or_default(),
            None => {
                let own = |event: &&Event| event.subject == *subject && event.resource == *resource;
                let events = self.events.iter().filter(own);
                events.fold(Amount::ZERO, |used, event| event.fold(used, bucket))
            }
        }
    }

    fn reserved(
        &self,
        subject: &Subject,
        resource: &Resource,
        bucket: &Bucket,
        now: Timestamp,
    ) -> Amount {
        let open = self.holds.values().filter(|held| {
            held.subject == *subject && bucket.contains(held.at) && self.counts(held, now)
        });
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
        let due = |held: &&Held| {
            held.state == State::Open && held.subject == *subject && !self.counts(held, now)
        };
        let due: Vec<_> = self.holds.values().filter(due).map(|held| held.id).collect();
        for id in due {
            self.lapse(id);
        }
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

// Reservations.
impl Books {
    pub(super) fn reserve(
        &mut self,
        plan: &Plan,
        id: HoldId,
        life: Life,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        if plan.version != self.policy.version {
            return Ok(Admission::Stale);
        }
        if let Life::While(instance) = &life {
            self.beat(instance, now);
        }
        self.retire(&plan.subject, now);
        self.open(plan);
        // The same call again: it does not stand in its own way.
        if let Some(known) = self.holds.remove(&id) {
            let readings = self.read(plan, now);
            let open = known.state == State::Open;
            self.holds.insert(id, known);
            return Ok(if open { Admission::Granted(readings) } else { Admission::Lapsed });
        }
        let readings = self.read(plan, now);
        if judge_all(plan, &readings)? != Verdict::Fits {
            return Ok(Admission::Denied(readings));
        }
        let items = plan.items.iter();
        let items =
            items.map(|item| HeldItem { resource: item.resource.clone(), amount: item.amount });
        let held = Held {
            id,
            subject: plan.subject.clone(),
            at: plan.at,
            life,
            state: State::Open,
            items: items.collect(),
        };
        self.holds.insert(id, held);
        Ok(Admission::Granted(readings))
    }

    pub(super) fn grow(
        &mut self,
        id: HoldId,
        plan: &Plan,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        if plan.version != self.policy.version {
            return Ok(Admission::Stale);
        }
        self.sign_of_life(id, now);
        self.retire(&plan.subject, now);
        self.open(plan);
        let readings = self.read(plan, now);
        let verdict = judge_all(plan, &readings)?;
        let open = self.holds.get_mut(&id).filter(|held| held.state == State::Open);
        let Some(held) = open else {
            return Ok(Admission::Lapsed);
        };
        if verdict != Verdict::Fits {
            return Ok(Admission::Denied(readings));
        }
        for asked in &plan.items {
            match held.items.iter_mut().find(|item| item.resource == asked.resource) {
                Some(item) => item.amount = item.amount.plus(asked.amount)?,
                None => held
                    .items
                    .push(HeldItem { resource: asked.resource.clone(), amount: asked.amount }),
            }
        }
        Ok(Admission::Granted(readings))
    }

    pub(super) fn extend(&mut self, id: HoldId, end: Timestamp, now: Timestamp) -> bool {
        let Some(subject) = self.holds.get(&id).map(|held| held.subject.clone()) else {
            return false;
        };
        self.retire(&subject, now);
        match self.holds.get_mut(&id) {
            Some(held) if held.state == State::Open => {
                held.life = Life::Until(end);
                true
            }
            _ => false,
        }
    }

    pub(super) fn settle(
        &mut self,
        id: HoldId,
        total: Amount,
        now: Timestamp,
    ) -> Result<Option<Settled>, StoreError> {
        let Some(held) = self.holds.get(&id).cloned() else {
            return Ok(None);
        };
        self.retire(&held.subject, now);
        let Some(held) = self.holds.get_mut(&id) else {
            return Ok(None);
        };
        let charges = held.charges(total);
        let late = match held.state {
            State::Open => false,
            State::Lapsed => true,
            State::Settled if held.items == charges => {
                return Ok(Some(Settled { late: self.late.contains(&id), replayed: true }));
            }
            State::Settled => return conflict("the reservation was settled with another amount"),
            State::Released => return conflict("the reservation was released"),
            State::Refunded => return conflict("the reservation was refunded"),
        };
        held.state = State::Settled;
        held.items.clone_from(&charges);
        let held = held.clone();
        if late {
            self.late.insert(id);
        }
        for item in charges {
            self.happened(event_of(&held, item.resource, Kind::Settle, item.amount));
        }
        Ok(Some(Settled { late, replayed: false }))
    }

    pub(super) fn release(&mut self, id: HoldId, now: Timestamp) -> Result<Option<()>, StoreError> {
        let Some(held) = self.holds.get(&id) else {
            return Ok(None);
        };
        let subject = held.subject.clone();
        self.retire(&subject, now);
        let Some(held) = self.holds.get_mut(&id) else {
            return Ok(None);
        };
        match held.state {
            State::Open => held.state = State::Released,
            State::Released | State::Lapsed => {}
            State::Settled | State::Refunded => return conflict("the reservation was settled"),
        }
        Ok(Some(()))
    }

    pub(super) fn refund(&mut self, id: HoldId, _now: Timestamp) -> Result<Option<()>, StoreError> {
        let Some(held) = self.holds.get_mut(&id) else {
            return Ok(None);
        };
        match held.state {
            State::Refunded => return Ok(Some(())),
            State::Settled => held.state = State::Refunded,
            State::Open | State::Lapsed | State::Released => {
                return conflict("the reservation was not settled");
            }
        }
        let held = held.clone();
        for item in &held.items {
            let back = Amount::ZERO.minus(item.amount)?;
            self.happened(event_of(&held, item.resource.clone(), Kind::Refund, back));
        }
        Ok(Some(()))
    }
}

// Facts.
impl Books {
    pub(super) fn record(
        &mut self,
        plan: &Plan,
        key: Option<Key>,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        if plan.version != self.policy.version {
            return Ok(None);
        }
        self.retire(&plan.subject, now);
        self.open(plan);
        if let Some(key) = key {
            let name = (plan.subject.clone(), key.name);
            match self.keys.get(&name) {
                Some(known) if *known == key.fingerprint => {
                    return Ok(Some(Recorded { readings: self.read(plan, now), replayed: true }));
                }
                Some(_) => return conflict("the key was used before for something else"),
                None => {}
            }
            self.checked(plan, now)?;
            self.keys.insert(name, key.fingerprint);
        } else {
            self.checked(plan, now)?;
        }
        for item in &plan.items {
            self.happened(Event {
                subject: plan.subject.clone(),
                resource: item.resource.clone(),
                kind: Kind::Use,
                amount: item.amount,
                at: plan.at,
                hold: None,
                bucket: None,
            });
        }
        Ok(Some(Recorded { readings: self.read(plan, now), replayed: false }))
    }

    /// Returns an error if a count would not fit in 64 bits.
    fn checked(&self, plan: &Plan, now: Timestamp) -> Result<(), StoreError> {
        judge_all(plan, &self.read(plan, now))?;
        Ok(())
    }

    pub(super) fn reset(&mut self, plan: &Plan, bucket: Option<&Bucket>) -> Option<()> {
        if plan.version != self.policy.version {
            return None;
        }
        self.open(plan);
        for item in &plan.items {
            self.happened(Event {
                subject: plan.subject.clone(),
                resource: item.resource.clone(),
                kind: Kind::Reset,
                amount: Amount::ZERO,
                at: plan.at,
                hold: None,
                bucket: bucket.map(|bucket| bucket.key.clone()),
            });
        }
        Some(())
    }
}

// Lists.
impl Books {
    pub(super) fn users(&self, resource: &Resource, at: Timestamp, page: Page) -> Vec<Usage> {
        let Some(all) = self.opened.get(&(resource.clone(), Bucket::all().key)) else {
            return Vec::new();
        };
        let current = self
            .opened
            .iter()
            .filter(|((name, _), counters)| name == resource && counters.bucket.contains(at));
        let current: Vec<_> = current.collect();
        let behind = all.used.range((behind(page.after), End::Unbounded)).take(page.most);
        let usage = |subject: &Subject| Usage {
            subject: subject.clone(),
            resource: resource.clone(),
            counters: current
                .iter()
                .map(|((_, key), counters)| {
                    (key.clone(), counters.used.get(subject).copied().unwrap_or_default())
                })
                .collect(),
        };
        behind.map(|(subject, _)| usage(subject)).collect()
    }

    pub(super) fn top(&self, resource: &Resource, bucket: &Bucket, most: usize) -> Vec<Charged> {
        let opened = self.opened.get(&(resource.clone(), bucket.key.clone()));
        let folded = opened.is_none().then(|| folded(&self.events, resource, bucket));
        let Some(counters) = opened.or(folded.as_ref()) else {
            return Vec::new();
        };
        let used = counters.used.iter().filter(|(_, used)| **used > Amount::ZERO);
        let mut all: Vec<_> =
            used.map(|(subject, used)| Charged { subject: subject.clone(), used: *used }).collect();
        all.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.subject.cmp(&b.subject)));
        all.truncate(most);
        all
    }
}

// Instances.
impl Books {
    pub(super) fn beat(&mut self, instance: &Instance, now: Timestamp) {
        self.seen.insert(instance.clone(), now);
    }

    /// Whoever grows an open reservation is its owner, and alive.
    fn sign_of_life(&mut self, id: HoldId, now: Timestamp) {
        let open = self.holds.get(&id).filter(|held| held.state == State::Open);
        if let Some(Life::While(instance)) = open.map(|held| held.life.clone()) {
            self.beat(&instance, now);
        }
    }

    pub(super) fn leave(&mut self, instance: &Instance) {
        self.seen.remove(instance);
        for held in self.holds.values_mut() {
            if held.state == State::Open && held.life == Life::While(instance.clone()) {
                held.state = State::Released;
            }
        }
    }
}
