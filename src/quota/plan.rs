//! Plan: one question, worked out into resources, windows, buckets and limits.

use std::sync::Arc;

use super::event::{EVERYONE, Event, Kind};
use super::policy::Source;
use super::{Aggregate, Amount, Bucket, Per, Period, PolicyVersion, Resource, Strictness, Subject};
use crate::clock::Timestamp;

/// What an action asks, of which windows, under which limits. All or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The policy it was made from; the store refuses an older one than its own.
    pub version: PolicyVersion,
    /// Who asks.
    pub subject: Subject,
    /// The group it is in, whose pools it draws on.
    pub group: Option<Arc<str>>,
    /// The moment that says which buckets.
    pub at: Timestamp,
    /// What is asked is added to something that was admitted before.
    pub growing: bool,
    /// What is asked of each resource.
    pub items: Vec<Item>,
}

/// What is asked of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The resource.
    pub resource: Resource,
    /// How it adds up.
    pub aggregate: Aggregate,
    /// How much; of a highest or a last one: what it would be.
    pub amount: Amount,
    /// Which one, where different ones are counted; none is one that nobody knows yet.
    pub member: Option<Arc<str>>,
    /// The action is charged by what it turned out to be; otherwise by what was asked.
    pub metered: bool,
    /// Where the subject's own limit comes from.
    pub source: Source,
    /// All windows it counts in.
    pub bounds: Vec<Bound>,
}

/// One window at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Per which period.
    pub period: Period,
    /// The stretch of time.
    pub bucket: Bucket,
    /// Shared by whom.
    pub per: Per,
    /// The most that may be used in it, boosts included; none means it is only counted.
    pub limit: Option<Amount>,
    /// What happens at the limit; the ceiling with boosts.
    pub strictness: Strictness,
}

impl Plan {
    /// Returns whose count a window shared `per` is; none if the subject is in no group.
    #[must_use]
    pub fn account(&self, per: Per) -> Option<&str> {
        match per {
            Per::Subject => Some(self.subject.as_str()),
            Per::Group => self.group.as_deref(),
            Per::Server => Some(EVERYONE),
        }
    }

    /// Returns the line of the ledger that charges what `item` asks.
    #[must_use]
    pub fn event(&self, item: &Item, kind: Kind) -> Event {
        Event {
            subject: self.subject.clone(),
            group: self.group.clone(),
            resource: item.resource.clone(),
            kind,
            amount: if kind.charges() { item.amount } else { Amount::ZERO },
            member: item.member.clone(),
            at: self.at,
            hold: None,
            bucket: None,
        }
    }
}

impl Bound {
    /// Returns the window that only counts what one subject uses.
    #[must_use]
    pub fn counting(period: Period, bucket: Bucket) -> Self {
        let strictness = Strictness::default();
        Self { period, bucket, per: Per::Subject, limit: None, strictness }
    }

    /// Returns the stretch of time that `reading` is of.
    #[must_use]
    pub fn stretch(&self, reading: &Reading) -> Bucket {
        reading.since.map_or_else(|| self.bucket.clone(), |since| self.bucket.begun(since))
    }

    /// Returns true if `used` is more than its limit.
    #[must_use]
    pub fn is_past(&self, used: Amount) -> bool {
        self.limit.is_some_and(|limit| used > limit)
    }

    /// Returns whether room set aside at a moment is held of the window that `reading` is of.
    ///
    /// Where that opens by its first use and is not open, what is set aside may open it: so all
    /// counts that could be charged in one stretch with what is asked.
    pub fn holds(&self, reading: &Reading) -> impl Fn(Timestamp) -> bool + use<> {
        let (stretch, is_open) = (self.stretch(reading), reading.since.is_some());
        move |moment| stretch.contains(moment) || (!is_open && stretch.may_begin_at(moment))
    }
}

/// What a store found in the windows of a plan: for each item, for each bound.
pub type Readings = Vec<Vec<Reading>>;

/// What a store found in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Charged in this bucket.
    pub used: Amount,
    /// Set aside by open reservations.
    pub held: Amount,
    /// Of a bucket that opens by its first use: the first moment of its present stretch.
    pub since: Option<Timestamp>,
    /// Of a limit with a grace: since when more than it is used, where that is so now: when the
    /// charge was made that left it so and found it otherwise.
    pub over_since: Option<Timestamp>,
    /// The member that is asked for is counted already.
    pub known: bool,
    /// Of a rolling window: the moment of the oldest charge in it.
    pub oldest: Option<Timestamp>,
}
