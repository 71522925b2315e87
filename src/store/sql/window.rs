//! Window: whose count of which bucket: what a bound of a plan is about, and a line is counted in.

use crate::quota::bucket::Shape;
use crate::quota::count::can_be_kept;
use crate::quota::plan::{Bound, Item, Plan};
use crate::quota::{Aggregate, Bucket, Per, Resource};

/// The count of one account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window<'a> {
    pub(super) resource: &'a Resource,
    pub(super) aggregate: Aggregate,
    pub(super) per: Per,
    pub(super) bucket: &'a Bucket,
    /// Whose.
    pub(super) account: &'a str,
}

impl<'a> Window<'a> {
    /// Returns the window of `bound`; none if it is one of a group, and the subject is in none.
    pub(super) fn of(plan: &'a Plan, item: &'a Item, bound: &'a Bound) -> Option<Self> {
        Some(Self { account: plan.account(bound.per)?, ..Self::of_nobody(item, bound) })
    }

    /// Returns the window of `bound`, whosever it is.
    pub(super) fn of_nobody(item: &'a Item, bound: &'a Bound) -> Self {
        Self {
            resource: &item.resource,
            aggregate: item.aggregate,
            per: bound.per,
            bucket: &bound.bucket,
            account: "",
        }
    }

    /// Returns true if it moves on all the time.
    pub(super) const fn is_rolling(&self) -> bool {
        matches!(self.bucket.shape, Shape::Rolling { .. })
    }

    /// Returns true if it is counted by the sums of parts of time.
    pub(super) fn is_in_parts(&self) -> bool {
        self.is_rolling() && self.aggregate == Aggregate::Sum
    }

    /// Returns true if a counter can be kept of it.
    pub(super) fn is_counted(&self) -> bool {
        can_be_kept(self.bucket, self.aggregate)
    }
}
