//! Event: what happened, once and for good: one line of the ledger.

use super::held::HoldId;
use super::{Amount, Bucket, Resource, Subject};
use crate::clock::Timestamp;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Recorded as a fact, whatever the limit.
    Use,
    /// A reservation was replaced by what was really used.
    Settle,
    /// A settled reservation was taken back.
    Refund,
    /// A reservation ended because its owner was gone; nothing was charged.
    Lapse,
    /// The count of a bucket was brought to zero.
    Reset,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Use, Self::Settle, Self::Refund, Self::Lapse, Self::Reset];

    /// Returns the word for it, as the ledger writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Use => "use",
            Self::Settle => "settle",
            Self::Refund => "refund",
            Self::Lapse => "lapse",
            Self::Reset => "reset",
        }
    }

    /// Returns the kind whose word is `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose usage.
    pub subject: Subject,
    /// Of what.
    pub resource: Resource,
    /// What happened.
    pub kind: Kind,
    /// How much it adds to the count; zero for a lapse and a reset.
    pub amount: Amount,
    /// The moment that says in which buckets it counts.
    pub at: Timestamp,
    /// The reservation it belongs to.
    pub hold: Option<HoldId>,
    /// The one bucket that a reset is about; none means every bucket `at` is in.
    pub bucket: Option<String>,
}

impl Event {
    /// Returns the count of `bucket` after this event, if it was `used` before.
    ///
    /// A count never goes below zero. Sums past 64 bits stay at the most there is.
    #[must_use]
    pub fn fold(&self, used: Amount, bucket: &Bucket) -> Amount {
        if !bucket.contains(self.at) {
            return used;
        }
        match self.kind {
            Kind::Reset if self.bucket.as_ref().is_none_or(|key| *key == bucket.key) => {
                Amount::ZERO
            }
            Kind::Reset | Kind::Lapse => used,
            Kind::Use | Kind::Settle | Kind::Refund => {
                used.plus(self.amount).unwrap_or(Amount::MAX).at_least_zero()
            }
        }
    }
}
