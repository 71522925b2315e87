//! What a store answers.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::quota::event::Line;
use crate::quota::plan::Readings;
use crate::quota::{Aggregate, Amount, Bucket, Grants, Layer, Per, Resource, Subject};

/// What became of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It fits; this is what its windows read before.
    Granted(Readings),
    /// It does not fit; this is what its windows read. Nothing was changed.
    Denied(Readings),
    /// The reservation is no longer open.
    Lapsed,
    /// The policy has changed since the plan was made: plan again.
    Stale,
}

/// A reservation that was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// It had lapsed before.
    pub late: bool,
    /// It had been settled before, with the same amount.
    pub replayed: bool,
}

/// A fact that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What the windows of the plan read after it.
    pub readings: Readings,
    /// It had been recorded before, under the same key.
    pub replayed: bool,
}

/// Who was charged how much in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charged {
    /// Who.
    pub subject: Subject,
    /// How much.
    pub used: Amount,
}

/// Who has used something, ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Who.
    pub subject: Subject,
    /// What.
    pub resource: Resource,
    /// The counters of all opened buckets that hold the moment asked for, by key. Of a bucket
    /// that is not among them nothing is known: it must be read.
    pub counters: Vec<(String, Amount)>,
}

/// A part of a list that is in order of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Start behind this one.
    pub after: Option<Subject>,
    /// At most so many.
    pub most: usize,
}

impl Page {
    /// Returns the first page of `most` entries.
    #[must_use]
    pub const fn first(most: usize) -> Self {
        Self { after: None, most }
    }

    /// Returns the page of the same size behind `last`.
    #[must_use]
    pub const fn behind(last: Subject, most: usize) -> Self {
        Self { after: Some(last), most }
    }
}

/// Someone the books know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Who.
    pub subject: Subject,
    /// The latest moment of its lines in the ledger; none if it only has something of its own.
    pub last: Option<Timestamp>,
}

/// Which lines of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Only those of this subject.
    pub subject: Option<Subject>,
    /// Only those about this resource.
    pub resource: Option<Resource>,
    /// Only those behind this one: with a higher id, or with a lower one where the newest come
    /// first.
    pub behind: Option<u64>,
    /// The newest first; otherwise the oldest.
    pub newest_first: bool,
    /// At most so many.
    pub most: usize,
}

/// A bucket whose counters a store keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Of what.
    pub resource: Resource,
    /// How it adds up.
    pub aggregate: Aggregate,
    /// By whom it is shared.
    pub per: Per,
    /// The bucket. That of a rolling window stands for all the sums that are kept for it.
    pub bucket: Bucket,
}

/// A counter that was not what the ledger says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Drift {
    /// Of what.
    pub resource: Resource,
    /// Whose: a subject, a group, or everyone.
    pub per: Per,
    /// Its name; empty for everyone.
    pub account: String,
    /// The key of the bucket.
    pub bucket: String,
    /// What the counter said.
    pub counted: Amount,
    /// What the ledger says.
    pub ledger: Amount,
}

/// What was taken out of the books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many lines of the ledger.
    pub lines: usize,
    /// There may be more to take out.
    pub more: bool,
}

/// What an account had used in all when older lines were taken out of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Of what.
    pub resource: Resource,
    /// Whose.
    pub per: Per,
    /// Its name; empty for everyone.
    pub account: String,
    /// How much.
    pub used: Amount,
    /// Of a resource whose last value counts: the moment it is of.
    pub newest: Option<Timestamp>,
}

/// What is brought into the books in one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// The store layer of the policy from now on.
    pub layer: Layer,
    /// What these subjects have of their own from now on.
    pub grants: Vec<(Subject, Grants)>,
    /// All others have nothing of their own from now on.
    pub no_others: bool,
    /// The ledger from now on; none leaves it as it is. Reservations end with it.
    pub ledger: Option<Ledger>,
}

/// A whole ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// What was used before its first line.
    pub balances: Vec<Balance>,
    /// Its lines, in order. Their ids are kept where they rise, and given anew otherwise.
    pub lines: Vec<Line>,
}
