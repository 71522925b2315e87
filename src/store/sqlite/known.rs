//! Known: what the writer has read or written before, so that it need not ask twice.
//!
//! All of it mirrors the database as the present transaction sees it. It is forgotten when another
//! connection has written, and when something was not committed after all; what is not here is
//! read.

use std::collections::HashMap;
use std::hash::Hash;

use super::open::Open;
use crate::clock::Timestamp;
use crate::quota::held::Instance;
use crate::quota::{Amount, PolicyVersion, Resource, Subject};

/// How many of each are remembered; past it, one starts to learn them anew.
const REMEMBERED: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct Known {
    /// Changes when another connection, of this process or another, has written.
    data_version: Option<i64>,
    pub(super) version: Option<PolicyVersion>,
    /// Opened buckets: `bucket.id` by resource and key.
    buckets: HashMap<Resource, HashMap<String, i64>>,
    /// All that is charged to a subject in an opened bucket.
    used: HashMap<(i64, Subject), Amount>,
    /// All open reservations of a subject, those that no longer count too.
    pub(super) open: HashMap<Subject, Vec<Open>>,
    /// The latest sign of life of an instance.
    seen: HashMap<Instance, Timestamp>,
    /// When ended reservations were last thrown away.
    pub(super) tidied: Option<Timestamp>,
}

impl Known {
    /// Forgets everything if another connection has written since `data_version` was different.
    pub(super) fn written_by_others(&mut self, data_version: i64) {
        if self.data_version != Some(data_version) {
            self.forget();
            self.data_version = Some(data_version);
        }
    }

    /// Forgets everything: some of it was not committed after all.
    pub(super) fn forget(&mut self) {
        *self = Self { data_version: self.data_version, tidied: self.tidied, ..Self::default() };
    }

    pub(super) fn bucket(&self, resource: &Resource, key: &str) -> Option<i64> {
        self.buckets.get(resource)?.get(key).copied()
    }

    pub(super) fn remember_bucket(&mut self, resource: &Resource, key: &str, id: i64) {
        let keys = self.buckets.entry(resource.clone()).or_default();
        remember(keys, key.to_owned(), id);
    }

    pub(super) fn used(&self, bucket: i64, subject: &Subject) -> Option<Amount> {
        self.used.get(&(bucket, subject.clone())).copied()
    }

    pub(super) fn remember_used(&mut self, bucket: i64, subject: &Subject, used: Amount) {
        remember(&mut self.used, (bucket, subject.clone()), used);
    }

    pub(super) fn remember_open(&mut self, subject: &Subject, open: Vec<Open>) {
        remember(&mut self.open, subject.clone(), open);
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
