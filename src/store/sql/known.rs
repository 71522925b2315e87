//! Known: what the writer has read or written before, so that it need not ask twice.
//!
//! All of it mirrors the database as the present transaction sees it. It is forgotten when another
//! connection has written, and when something was not committed after all; what is not here is
//! read.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::buckets::Place;
use super::open::Open;
use crate::clock::Timestamp;
use crate::quota::count::Count;
use crate::quota::held::{HoldId, Instance};
use crate::quota::{Per, PolicyVersion, Resource, Subject};

/// How many of each are remembered; past it, one starts to learn them anew.
const REMEMBERED: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) version: Option<PolicyVersion>,
    /// The id of the newest line there ever was.
    pub(super) last_line: Option<i64>,
    /// Opened buckets: `bucket.id` by resource and key.
    buckets: HashMap<Resource, HashMap<String, Vec<(Per, i64)>>>,
    /// Opened buckets that end after a moment, by resource.
    places: HashMap<Resource, (Timestamp, Arc<[Place]>)>,
    /// The counts of accounts in opened buckets, and how many there are in all.
    counts: HashMap<i64, HashMap<Box<str>, Count>>,
    counted: usize,
    /// Since when parts of a size are kept.
    parts: HashMap<Resource, Vec<(Per, i64, i64)>>,
    /// All open reservations of a subject, those that no longer count too.
    open: HashMap<Subject, Vec<Open>>,
    /// Who is not among `open` has none.
    is_all_open: bool,
    /// Whose a reservation is, or was, among `open`.
    whose: HashMap<HoldId, Subject>,
    /// The latest sign of life of an instance.
    seen: HashMap<Instance, Timestamp>,
    /// When ended reservations were last thrown away.
    pub(super) tidied: Option<Timestamp>,
}

impl Known {
    /// Forgets everything: some of it was not committed after all, or another has written.
    pub(super) fn forget(&mut self) {
        *self = Self { tidied: self.tidied, ..Self::default() };
    }

    /// Forgets lines, counts, reservations and signs of life: another has written of these alone.
    pub(super) fn forget_counts(&mut self) {
        let known = std::mem::take(self);
        *self = Self {
            version: known.version,
            buckets: known.buckets,
            places: known.places,
            parts: known.parts,
            tidied: known.tidied,
            ..Self::default()
        };
    }

    pub(super) fn bucket(&self, resource: &Resource, per: Per, key: &str) -> Option<i64> {
        let places = self.buckets.get(resource)?.get(key)?;
        places.iter().find(|(shared, _)| *shared == per).map(|(_, id)| *id)
    }

    pub(super) fn remember_bucket(&mut self, resource: &Resource, per: Per, key: &str, id: i64) {
        let keys = self.buckets.entry(resource.clone()).or_default();
        match keys.get_mut(key) {
            Some(places) => places.push((per, id)),
            None => remember(keys, key.to_owned(), vec![(per, id)]),
        }
    }

    /// Returns the opened buckets of `resource` that end after `moment`, and maybe others.
    pub(super) fn places(&self, resource: &Resource, moment: Timestamp) -> Option<Arc<[Place]>> {
        let (after, places) = self.places.get(resource)?;
        (*after <= moment).then(|| places.clone())
    }

    pub(super) fn remember_places(
        &mut self,
        resource: &Resource,
        after: Timestamp,
        places: Arc<[Place]>,
    ) {
        remember(&mut self.places, resource.clone(), (after, places));
    }

    pub(super) fn forget_places(&mut self, resource: &Resource) {
        self.places.remove(resource);
    }

    pub(super) fn count(&self, bucket: i64, account: &str) -> Option<Count> {
        self.counts.get(&bucket)?.get(account).copied()
    }

    pub(super) fn remember_count(&mut self, bucket: i64, account: &str, count: Count) {
        if let Some(known) = self.counts.get_mut(&bucket).and_then(|all| all.get_mut(account)) {
            *known = count;
            return;
        }
        if self.counted >= REMEMBERED {
            self.counts.clear();
            self.counted = 0;
        }
        self.counts.entry(bucket).or_default().insert(account.into(), count);
        self.counted += 1;
    }

    pub(super) fn parts_from(&self, resource: &Resource, per: Per, size: i64) -> Option<i64> {
        let all = self.parts.get(resource)?;
        all.iter().find(|(shared, sized, _)| (*shared, *sized) == (per, size)).map(|it| it.2)
    }

    pub(super) fn remember_parts(&mut self, resource: &Resource, per: Per, size: i64, from: i64) {
        let all = self.parts.entry(resource.clone()).or_default();
        all.retain(|(shared, sized, _)| (*shared, *sized) != (per, size));
        all.push((per, size, from));
    }

    /// Gives out what is known of the open reservations of `subject`.
    pub(super) fn take_open(&mut self, subject: &Subject) -> Option<Vec<Open>> {
        let known = self.open.remove(subject);
        if known.is_none() && self.is_all_open { Some(Vec::new()) } else { known }
    }

    pub(super) fn remember_open(&mut self, subject: &Subject, open: Vec<Open>) {
        if !self.is_all_open {
            remember(&mut self.open, subject.clone(), open);
        } else if !open.is_empty() {
            self.open.insert(subject.clone(), open);
        }
    }

    /// Returns the open reservation of this id, if it is among those that are known.
    pub(super) fn open(&self, id: HoldId) -> Option<&Open> {
        let all = self.open.get(self.whose.get(&id)?)?;
        all.iter().find(|hold| hold.id == id)
    }

    pub(super) fn remember_whose(&mut self, id: HoldId, subject: &Subject) {
        remember(&mut self.whose, id, subject.clone());
    }

    pub(super) fn forget_whose(&mut self, id: HoldId) {
        self.whose.remove(&id);
    }

    /// Forgets the open reservations of `subject`, so that they are read anew.
    pub(super) fn forget_open(&mut self, subject: &Subject) {
        self.open.remove(subject);
        self.is_all_open = false;
    }

    /// Returns all open reservations but those given out, if they are all known.
    pub(super) fn all_open(&self) -> Option<impl Iterator<Item = &Open>> {
        self.is_all_open.then(|| self.open.values().flatten())
    }

    pub(super) fn remember_all_open(&mut self, all: Vec<Open>) {
        self.open.clear();
        for open in all {
            self.open.entry(open.subject.clone()).or_default().push(open);
        }
        self.is_all_open = true;
    }

    pub(super) fn seen(&self, instance: &Instance) -> Option<Timestamp> {
        self.seen.get(instance).copied()
    }

    pub(super) fn remember_seen(&mut self, instance: &Instance, seen: Timestamp) {
        remember(&mut self.seen, instance.clone(), seen);
    }

    pub(super) fn forget_seen(&mut self, instance: &Instance) {
        self.seen.remove(instance);
    }
}

fn remember<K: Eq + Hash, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= REMEMBERED {
        map.clear();
    }
    map.insert(key, value);
}
