//! Books: the ledger, counters, holds and policy as plain values, each verb one method.

// What is kept.
mod account;
mod counters;
mod ledger;
// What is found in it.
mod lists;
mod readings;
// The verbs.
mod facts;
mod forget;
mod holds;
mod import;
mod keeping;
mod lives;
mod outbox;
mod policy;
mod settle;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound as End;
use std::sync::Arc;

use self::counters::{Counters, Place};
use self::ledger::Ledger;
use self::outbox::{Outbox, WindowOf};
use crate::clock::Timestamp;
use crate::quota::event::Event;
use crate::quota::held::{Held, HoldId, Instance};
use crate::quota::idempotency::Key;
use crate::quota::plan::Plan;
use crate::quota::{Amount, Grants, Per, Policy, Subject};
use crate::store::StoreError;

/// All that is remembered.
#[derive(Debug, Default)]
pub(in crate::store::memory) struct Books {
    pub(in crate::store::memory) policy: Policy,
    pub(in crate::store::memory) grants: BTreeMap<Subject, Grants>,
    pub(in crate::store::memory) holds: HashMap<HoldId, Held>,
    /// The open ones, by whose room they take; the lives of some may have ended.
    open: BTreeMap<(Per, Arc<str>), BTreeSet<HoldId>>,
    settled: HashMap<HoldId, SettledAs>,
    ledger: Ledger,
    /// Complete for every account: opening one folds the ledger, every line keeps it.
    opened: BTreeMap<Place, Counters>,
    /// Since when more is used of a window than its limit.
    over: HashMap<WindowOf, Timestamp>,
    pub(in crate::store::memory) outbox: Outbox,
    seen: HashMap<Instance, Timestamp>,
}

/// How a reservation was settled.
#[derive(Clone, Copy, Debug)]
struct SettledAs {
    total: Amount,
    /// It had lapsed before.
    late: bool,
}

/// Returns the bound of a range that starts behind `last`.
pub(in crate::store::memory) fn behind<T>(last: Option<T>) -> End<T> {
    last.map_or(End::Unbounded, End::Excluded)
}

fn conflict<T>(text: impl Into<String>) -> Result<T, StoreError> {
    Err(StoreError::Conflict(text.into()))
}

impl Books {
    /// Makes the counters of every bucket in `plan` complete.
    fn open(&mut self, plan: &Plan) {
        for item in &plan.items {
            for bound in &item.bounds {
                let place = Place::of(&item.resource, bound.per, &bound.bucket);
                let (ledger, bucket) = (&self.ledger, &bound.bucket);
                let resource = &item.resource;
                self.opened.entry(place).or_insert_with(|| {
                    Counters::open(ledger, resource, bound.per, bucket, item.aggregate)
                });
            }
        }
    }

    /// Writes a line of the ledger, and counts it in every opened bucket it falls in.
    fn happened(&mut self, event: Event, key: Option<Key>, now: Timestamp) {
        let event = self.ledger.write(event, key, now);
        let accounts = account::changed_by(&event);
        for account in accounts {
            for (_, counters) in self.opened.range_mut(Place::open_at(&account, event.at)) {
                counters.happened(&self.ledger, &account, &event);
            }
        }
    }
}
