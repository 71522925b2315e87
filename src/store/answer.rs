//! What a store answers.

use crate::quota::plan::Readings;
use crate::quota::{Amount, Resource, Subject};

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
