//! Count: how the events of one account add up in one bucket.
//!
//! [`fold`] is the definition: all lines of the account, in the order of the ledger. A store keeps
//! counts up to date by [`Count::add`] where that says the same, and folds where it does not.

use std::collections::HashSet;

use super::bucket::Shape;
use super::event::{Event, Kind};
use super::held::HoldId;
use super::{Aggregate, Amount, Bucket};
use crate::clock::Timestamp;

/// What is counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How much; never below zero.
    pub used: Amount,
    /// Of a [`Aggregate::Last`] count: the moment its value is of.
    pub newest: Option<Timestamp>,
    /// Of a bucket that opens by its first use: the first moment of the stretch that is counted.
    pub since: Option<Timestamp>,
}

/// What a line of the ledger did to a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Nothing.
    Same,
    /// It is now another.
    Changed,
    /// It cannot be told from the count alone: it has to be folded.
    Unknown,
}

/// Returns true if a count can be kept up to date by [`Count::add`]: that of a rolling window
/// shrinks by itself, and members that count anew have to be looked up in the ledger.
#[must_use]
pub fn can_be_kept(bucket: &Bucket, aggregate: Aggregate) -> bool {
    match bucket.shape {
        Shape::Stretch => true,
        Shape::FirstUse { .. } => aggregate != Aggregate::Unique,
        Shape::Rolling { .. } => false,
    }
}

impl Count {
    /// Adds one line; `known` says whether its member is counted in this bucket already.
    ///
    /// A count never goes below zero. Sums past 64 bits stay at the most there is. Of a bucket
    /// that [cannot be kept](can_be_kept) it says nothing.
    pub fn add(
        &mut self,
        event: &Event,
        bucket: &Bucket,
        aggregate: Aggregate,
        known: bool,
    ) -> Counted {
        let before = *self;
        let opens = matches!(bucket.shape, Shape::FirstUse { .. });
        if opens && event.kind == Kind::Refund && aggregate != Aggregate::Sum {
            // What it takes back may have opened a stretch, however long ago.
            return Counted::Unknown;
        }
        if !self.comes_to(event, bucket) {
            return Counted::Same;
        }
        match event.kind {
            Kind::Lapse => {}
            Kind::Reset => {
                if event.bucket.as_ref().is_none_or(|key| *key == bucket.key) {
                    *self = Self { since: self.since, ..Self::default() };
                }
            }
            Kind::Refund if aggregate != Aggregate::Sum => return Counted::Unknown,
            Kind::Use | Kind::Set | Kind::Settle | Kind::Refund => {
                self.charge(event, aggregate, known);
            }
        }
        if *self == before { Counted::Same } else { Counted::Changed }
    }

    /// Returns true if `event` counts in this bucket; one that opens by its first use is opened.
    fn comes_to(&mut self, event: &Event, bucket: &Bucket) -> bool {
        if !matches!(bucket.shape, Shape::FirstUse { .. }) {
            return bucket.contains(event.at);
        }
        match self.since.map(|since| bucket.begun(since)) {
            Some(stretch) if stretch.contains(event.at) => true,
            // It belongs to a stretch that has passed.
            Some(stretch) if event.at < stretch.start => false,
            _ if event.kind.charges() => {
                *self = Self { since: Some(bucket.begun(event.at).start), ..Self::default() };
                true
            }
            _ => false,
        }
    }

    fn charge(&mut self, event: &Event, aggregate: Aggregate, known: bool) {
        match aggregate {
            Aggregate::Sum => {
                let sum = self.used.plus(event.amount);
                self.used = sum.unwrap_or(Amount::MAX).at_least_zero();
            }
            Aggregate::Max => self.used = self.used.max(event.amount),
            Aggregate::Last => {
                if self.newest.is_none_or(|newest| newest <= event.at) {
                    self.used = event.amount.at_least_zero();
                    self.newest = Some(event.at);
                }
            }
            Aggregate::Unique if known || event.member.is_none() => {}
            Aggregate::Unique => {
                self.used = self.used.plus(Amount::ONE).unwrap_or(Amount::MAX);
            }
        }
    }
}

/// Folds `events`, all those of one account in the order of the ledger, into the count of
/// `bucket`, which was `start` before the first of them.
///
/// A rolling window holds the sum of what it contains since it was last reset, and zero where
/// that is negative: what fell out of it has never been.
pub fn fold<'a>(
    events: impl Iterator<Item = &'a Event> + Clone,
    bucket: &Bucket,
    aggregate: Aggregate,
    start: Count,
) -> Count {
    let refunded: HashSet<HoldId> = match aggregate {
        Aggregate::Sum => HashSet::new(),
        _ => events.clone().filter(|it| it.kind == Kind::Refund).filter_map(|it| it.hold).collect(),
    };
    let taken_back = |event: &Event| {
        aggregate != Aggregate::Sum && event.hold.is_some_and(|hold| refunded.contains(&hold))
    };
    let (mut count, mut members) = (start, HashSet::new());
    let mut below = Amount::ZERO;
    for event in events.filter(|event| !taken_back(event)) {
        let since = count.since;
        let mut next = count;
        let known = |members: &HashSet<&str>| {
            event.member.as_deref().is_some_and(|member| members.contains(member))
        };
        next.comes_to(event, bucket);
        if next.since != since || resets(event, &bucket_of(&next, bucket)) {
            members.clear();
            below = Amount::ZERO;
        }
        let known = known(&members);
        if matches!(bucket.shape, Shape::Rolling { .. }) && aggregate == Aggregate::Sum {
            if bucket.contains(event.at) && event.kind.charges() {
                // Past 64 bits it stays at that end of the range: so little is not a lot.
                below = Amount::new(below.get().saturating_add(event.amount.get()));
            }
            count.used = below.at_least_zero();
            continue;
        }
        count.add(event, bucket, aggregate, known);
        if event.kind.charges() && bucket_of(&count, bucket).contains(event.at) {
            members.extend(event.member.as_deref());
        }
    }
    count
}

fn resets(event: &Event, bucket: &Bucket) -> bool {
    event.kind == Kind::Reset
        && bucket.contains(event.at)
        && event.bucket.as_ref().is_none_or(|key| *key == bucket.key)
}

/// Returns the stretch that `count` is of.
fn bucket_of(count: &Count, bucket: &Bucket) -> Bucket {
    count.since.map_or_else(|| bucket.clone(), |since| bucket.begun(since))
}

#[cfg(test)]
mod tests;
