//! Tally: the count of one account while lines are folded one by one, so that none has to be kept.
//!
//! It says the same as [`fold`](crate::quota::count::fold) of every bucket of which a counter can
//! be kept; what was taken back is left out by whoever reads the lines.

use std::collections::HashSet;

use crate::quota::count::Count;
use crate::quota::event::{Event, Kind};
use crate::quota::{Aggregate, Bucket};

/// What is counted so far, and which members.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) count: Count,
    pub(super) members: HashSet<Box<str>>,
}

impl Tally {
    /// Returns a count that was `count` before the first line.
    pub(super) fn from(count: Count) -> Self {
        Self { count, members: HashSet::new() }
    }

    /// Adds the next line.
    pub(super) fn add(&mut self, event: &Event, bucket: &Bucket, aggregate: Aggregate) {
        if aggregate != Aggregate::Unique {
            self.count.add(event, bucket, aggregate, false);
            return;
        }
        if resets(event, bucket) {
            self.members.clear();
        }
        let member = event.member.as_deref();
        let known = member.is_some_and(|member| self.members.contains(member));
        self.count.add(event, bucket, aggregate, known);
        if let Some(member) = member.filter(|_| !known && counts_member(event, bucket)) {
            self.members.insert(member.into());
        }
    }
}

/// Returns true if `event` brings the count of `bucket`, which lies still, to zero.
pub(super) fn resets(event: &Event, bucket: &Bucket) -> bool {
    event.kind == Kind::Reset
        && bucket.contains(event.at)
        && event.bucket.as_ref().is_none_or(|key| *key == bucket.key)
}

/// Returns true if the member of `event` is from then on one that is known in `bucket`.
pub(super) fn counts_member(event: &Event, bucket: &Bucket) -> bool {
    event.kind.charges() && bucket.contains(event.at)
}
