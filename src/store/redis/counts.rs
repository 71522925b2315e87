//! Counts: all that are kept of an opened bucket, as the newest line of one moment left them,
//! though they are read in pieces while lines come.

use std::collections::{BTreeMap, BTreeSet};

use super::Redis;
use super::codec::read_count;
use super::script::script;
use super::view::{Parts, View};
use crate::quota::count::Count;
use crate::quota::{Per, Resource};
use crate::store::StoreError;

script!(COUNTS, WORDS, "verbs/counts.lua");
script!(CHANGED, WORDS, "verbs/changed.lua");

/// Which opened bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept<'a> {
    pub(super) place: &'a str,
    pub(super) per: Per,
    pub(super) resource: &'a Resource,
}

impl Kept<'_> {
    /// Returns the counts of all, and moves `view` on to the line they are of; none if the books
    /// were changed meanwhile.
    pub(super) async fn all(
        &self,
        store: &Redis,
        view: &mut View,
    ) -> Result<Option<BTreeMap<String, Count>>, StoreError> {
        let (mut counts, mut cursor) = (BTreeMap::new(), "0".to_owned());
        loop {
            let arguments = [view.epoch.as_str(), self.place, &cursor];
            let answer: Option<Vec<String>> = store.connection.run(&COUNTS, &arguments).await?;
            let Some(answer) = answer else { return Ok(None) };
            let mut parts = Parts::of(answer);
            cursor = parts.text()?;
            while !parts.is_empty() {
                let account = parts.text()?;
                counts.insert(account, read_count(&parts.text()?)?);
            }
            if cursor == "0" {
                break;
            }
        }
        let newer = self.newest(store, view, BTreeSet::new()).await?;
        Ok(newer.map(|newer| put(counts, newer)))
    }

    /// Returns the counts of `accounts` and of all with lines behind `view`, none for one that has
    /// no count; and moves `view` on to the line they are of. None if the books were changed
    /// meanwhile.
    pub(super) async fn newest(
        &self,
        store: &Redis,
        view: &mut View,
        mut accounts: BTreeSet<String>,
    ) -> Result<Option<BTreeMap<String, Option<Count>>>, StoreError> {
        loop {
            let (per, resource) = (self.per.name(), self.resource.as_str());
            let mut arguments =
                vec![view.epoch.as_str(), self.place, per, resource, view.last.as_str()];
            arguments.extend(accounts.iter().map(String::as_str));
            let answer: Option<Vec<String>> = store.connection.run(&CHANGED, &arguments).await?;
            let Some(answer) = answer else { return Ok(None) };
            let mut parts = Parts::of(answer);
            view.last = parts.text()?;
            let is_newest = parts.text()? == "1";
            let mut counts = BTreeMap::new();
            while !parts.is_empty() {
                let (account, count) = (parts.text()?, parts.text()?);
                let count = Some(count).filter(|count| !count.is_empty());
                counts.insert(account, count.map(|count| read_count(&count)).transpose()?);
            }
            if is_newest {
                return Ok(Some(counts));
            }
            accounts.extend(counts.into_keys());
        }
    }
}

/// Brings `counts` up to date.
pub(super) fn put(
    mut counts: BTreeMap<String, Count>,
    newer: BTreeMap<String, Option<Count>>,
) -> BTreeMap<String, Count> {
    for (account, count) in newer {
        match count {
            Some(count) => _ = counts.insert(account, count),
            None => _ = counts.remove(&account),
        }
    }
    counts
}
