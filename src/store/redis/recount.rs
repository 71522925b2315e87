//! Recount: makes the counts of one opened bucket equal the ledger.
//!
//! What is found wrong is written by one script, which also adds what was written since; only where
//! many accounts have to be written it is several.

use std::collections::{BTreeMap, BTreeSet};

use super::codec::moment;
use super::counts::Kept;
use super::fault::corrupt;
use super::fold::{self, Refolded};
use super::place::Place;
use super::script::script;
use super::view::{Parts, Tries, View};
use super::walk::{Told, Walk};
use super::{Redis, listing, reparts};
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::Count;
use crate::quota::{Aggregate, Amount, Per, Subject};
use crate::store::{Drift, Opened, StoreError};

script!(COUNTS_OF, WORDS, "verbs/counts_of.lua");
script!(CORRECT, BOOKS, "verbs/correct.lua");

/// How many accounts are corrected at once, so that no call waits long for it.
const AT_ONCE: usize = 500;

pub(super) async fn recount(
    store: &Redis,
    opened: &Opened,
    subject: Option<&Subject>,
    dry_run: bool,
) -> Result<Vec<Drift>, StoreError> {
    let Opened { resource, per, bucket, aggregate } = opened;
    if subject.is_some() && *per != Per::Subject {
        // What is shared is not the subject's.
        return Ok(Vec::new());
    }
    let (mut tries, mut drifts) = (Tries::default(), BTreeMap::new());
    loop {
        let view = View::now(store).await?;
        let place = listing::find(store, *per, resource, bucket).await?;
        let Some(place) = place.filter(|place| place.aggregate == *aggregate) else {
            return Ok(Vec::new());
        };
        let this = Recount { store, opened, place, subject, pruned: pruned(store, opened).await? };
        let found = if this.place.is_in_parts() {
            reparts::recount(store, opened, subject, this.pruned, dry_run, &mut drifts).await?
        } else if this.place.is_counted() && this.is_whole() {
            this.counted(view, dry_run, &mut drifts).await?
        } else {
            Some(())
        };
        match found {
            Some(()) => return Ok(drifts.into_values().collect()),
            None => tries.again().await?,
        }
    }
}

/// Returns the latest moment of the lines that were taken out of the ledger.
async fn pruned(store: &Redis, opened: &Opened) -> Result<Option<Timestamp>, StoreError> {
    let answer = store.connection.run(&COUNTS_OF, &["", opened.resource.as_str()]).await?;
    let text = Parts::of(answer).text()?;
    if text.is_empty() { Ok(None) } else { moment(&text).map(Some) }
}

struct Recount<'a> {
    store: &'a Redis,
    opened: &'a Opened,
    place: Place,
    /// None means all.
    subject: Option<&'a Subject>,
    pruned: Option<Timestamp>,
}

impl Recount<'_> {
    /// Returns true if the ledger, or a balance, still has all that counts in the bucket.
    fn is_whole(&self) -> bool {
        let bucket = &self.place.bucket;
        let start = Some(bucket.start).filter(|start| *start > Timestamp::MIN);
        let start = start.filter(|_| bucket.shape == Shape::Stretch);
        start.is_none_or(|start| self.pruned.is_none_or(|pruned| pruned < start))
    }

    /// Returns none if the books were changed meanwhile.
    async fn counted(
        &self,
        mut view: View,
        dry_run: bool,
        drifts: &mut BTreeMap<String, Drift>,
    ) -> Result<Option<()>, StoreError> {
        let Some(counts) = self.counts(&mut view).await? else {
            return Ok(None);
        };
        let Some(ledger) = self.ledger(&view, &counts).await? else {
            return Ok(None);
        };
        let mut wrong = Vec::new();
        let accounts: BTreeSet<&String> = ledger.keys().chain(counts.keys()).collect();
        for account in accounts {
            let counted = counts.get(account).copied().unwrap_or_default();
            // Of a stretch of first use the ledger may no longer have all lines.
            if counted.since.is_some_and(|since| self.pruned >= Some(since)) {
                continue;
            }
            let (told, members) = ledger.get(account).cloned().unwrap_or_default();
            if told.used != counted.used {
                let drift = drift(self.opened, account, counted.used, told.used);
                // What was corrected in a try before has drifted, too.
                drifts.entry(account.clone()).or_insert(drift);
            }
            // A lost member does not show in the count.
            if told != counted || self.place.aggregate == Aggregate::Unique {
                let text = if told == Count::default() {
                    String::new()
                } else {
                    Refolded::of(told, &self.place.bucket, Vec::new()).text()
                };
                let row: Vec<String> = [account.clone(), text].into_iter().chain(members).collect();
                wrong.push(row);
            }
        }
        let done = dry_run || self.correct(&view, &wrong).await?;
        Ok(done.then_some(()))
    }

    async fn counts(&self, view: &mut View) -> Result<Option<BTreeMap<String, Count>>, StoreError> {
        let Opened { resource, per, .. } = self.opened;
        let kept = Kept { place: &self.place.id, per: *per, resource };
        let Some(subject) = self.subject else {
            return kept.all(self.store, view).await;
        };
        let account = BTreeSet::from([subject.to_string()]);
        let newest = kept.newest(self.store, view, account).await?;
        Ok(newest.map(|mut newest| {
            newest.retain(|account, _| *account == subject.as_str());
            newest.into_iter().filter_map(|(account, count)| Some((account, count?))).collect()
        }))
    }

    /// Returns what the ledger makes of each account, and the members that are counted.
    async fn ledger(
        &self,
        view: &View,
        counts: &BTreeMap<String, Count>,
    ) -> Result<Option<BTreeMap<String, (Count, Vec<String>)>>, StoreError> {
        let Opened { resource, per, .. } = self.opened;
        let Place { bucket, aggregate, .. } = &self.place;
        let account = self.subject.map(Subject::as_str);
        let walk = Walk { resource, per: *per, account, bucket };
        let mut all = BTreeMap::new();
        let done = walk.each(self.store, view, |told: Told| {
            let since = counts.get(&told.account).and_then(|count| count.since);
            let count = told.count(bucket, *aggregate, since.filter(|_| self.pruned.is_some()));
            let events: Vec<_> = told.lines.into_iter().map(|line| line.event).collect();
            all.insert(told.account, (count, fold::members(&events, bucket, *aggregate)));
        });
        Ok(done.await?.map(|()| all))
    }

    /// Writes what is right; returns false if the books were changed meanwhile.
    async fn correct(&self, view: &View, wrong: &[Vec<String>]) -> Result<bool, StoreError> {
        let Opened { resource, per, bucket, .. } = self.opened;
        let field = Place::field(*per, resource, &bucket.key);
        let mut left = wrong.chunks(AT_ONCE).count();
        for some in wrong.chunks(AT_ONCE) {
            left -= 1;
            let rows = serde_json::to_string(some).map_err(|error| corrupt(error.to_string()))?;
            let is_last = if left == 0 { "1" } else { "" };
            let arguments = [
                &view.epoch,
                &view.last,
                per.name(),
                resource.as_str(),
                &field,
                &self.place.id,
                &rows,
                is_last,
            ];
            let done: Option<u8> = self.store.connection.run(&CORRECT, &arguments).await?;
            if done.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

pub(super) fn drift(opened: &Opened, account: &str, counted: Amount, ledger: Amount) -> Drift {
    Drift {
        resource: opened.resource.clone(),
        per: opened.per,
        account: account.to_owned(),
        bucket: opened.bucket.key.clone(),
        counted,
        ledger,
    }
}
