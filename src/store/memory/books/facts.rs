//! What happened, whatever the limits.

use super::{Books, conflict};
use crate::clock::Timestamp;
use crate::quota::event::{Event, Kind};
use crate::quota::idempotency::Key;
use crate::quota::plan::{Item, Plan};
use crate::quota::rule::judge_all;
use crate::quota::{Aggregate, Amount, Bucket};
use crate::store::{Recorded, StoreError};

impl Books {
    pub(in crate::store::memory) fn record(
        &mut self,
        plan: &Plan,
        mut key: Option<Key>,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        if plan.version != self.policy.version {
            return Ok(None);
        }
        if let Some(key) = &key {
            match self.ledger.asked_under(&plan.subject, &key.name) {
                Some(asked) if *asked == key.fingerprint => {
                    self.retire(&plan.subject, now);
                    self.open(plan);
                    return Ok(Some(Recorded { readings: self.read(plan, now), replayed: true }));
                }
                Some(_) => return conflict("the key was used before for something else"),
                None => {}
            }
        }
        self.fits_in_64_bits(plan, now)?;
        self.retire(&plan.subject, now);
        self.open(plan);
        self.watched(Some(plan), now, |books| {
            for item in &plan.items {
                books.happened(plan.event(item, Kind::Use), key.take(), now);
            }
        });
        Ok(Some(Recorded { readings: self.read(plan, now), replayed: false }))
    }

    pub(in crate::store::memory) fn set(
        &mut self,
        plan: &Plan,
        basis: usize,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        if plan.version != self.policy.version {
            return Ok(None);
        }
        let [item] = plan.items.as_slice() else {
            return conflict("one resource is set at a time");
        };
        let Some(bound) = item.bounds.get(basis) else {
            return conflict("there is no such window to set");
        };
        let readings = self.read(plan, now);
        let used = readings.first().and_then(|found| found.get(basis)).map(|found| found.used);
        let used = used.unwrap_or_default();
        let mut lines = Vec::new();
        match item.aggregate {
            Aggregate::Unique => return conflict("members cannot be set"),
            Aggregate::Sum => {
                let mut change = plan.clone();
                for item in &mut change.items {
                    item.amount = item.amount.minus(used)?;
                    if item.amount != Amount::ZERO {
                        lines.push(change_of(plan, item, Kind::Set, None));
                    }
                }
                self.fits_in_64_bits(&change, now)?;
            }
            Aggregate::Last => lines.push(change_of(plan, item, Kind::Use, None)),
            Aggregate::Max => {
                lines.push(change_of(plan, item, Kind::Reset, Some(&bound.bucket)));
                lines.push(change_of(plan, item, Kind::Use, None));
            }
        }
        self.retire(&plan.subject, now);
        self.open(plan);
        let watched = Some(plan).filter(|_| !lines.is_empty());
        self.watched(watched, now, |books| {
            for line in lines {
                books.happened(line, None, now);
            }
        });
        Ok(Some(Recorded { readings: self.read(plan, now), replayed: false }))
    }

    pub(in crate::store::memory) fn reset(
        &mut self,
        plan: &Plan,
        bucket: Option<&Bucket>,
        now: Timestamp,
    ) -> Option<()> {
        if plan.version != self.policy.version {
            return None;
        }
        self.open(plan);
        self.watched(Some(plan), now, |books| {
            for item in &plan.items {
                books.happened(change_of(plan, item, Kind::Reset, bucket), None, now);
            }
        });
        Some(())
    }

    /// Returns an error if a count would not fit in 64 bits.
    pub(super) fn fits_in_64_bits(&self, plan: &Plan, now: Timestamp) -> Result<(), StoreError> {
        judge_all(plan, &self.read(plan, now), now)?;
        Ok(())
    }
}

fn change_of(plan: &Plan, item: &Item, kind: Kind, bucket: Option<&Bucket>) -> Event {
    let bucket = bucket.map(|bucket| bucket.key.clone());
    Event { bucket, ..plan.event(item, kind) }
}
