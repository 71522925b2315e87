//! What happened, whatever the limits.

use super::{Books, conflict};
use crate::clock::Timestamp;
use crate::quota::event::{Event, Kind};
use crate::quota::idempotency::Key;
use crate::quota::plan::Plan;
use crate::quota::rule::judge_all;
use crate::quota::{Amount, Bucket};
use crate::store::{Recorded, StoreError};
impl Books {
    pub(in crate::store::memory) fn record(
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

    pub(in crate::store::memory) fn reset(
        &mut self,
        plan: &Plan,
        bucket: Option<&Bucket>,
    ) -> Option<()> {
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
