//! Plan: one question, worked out into resources, windows, buckets and limits.

use super::policy::Source;
use super::{Amount, Bucket, Period, PolicyVersion, Resource, Subject};
use crate::clock::Timestamp;

/// What an action asks, of which windows, under which limits. All or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The policy it was made from; the store refuses an older one than its own.
    pub version: PolicyVersion,
    /// Who asks.
    pub subject: Subject,
    /// The moment that says which buckets.
    pub at: Timestamp,
    /// What is asked of each resource.
    pub items: Vec<Item>,
}

/// What is asked of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The resource.
    pub resource: Resource,
    /// How much.
    pub amount: Amount,
    /// Where its limits come from.
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
    /// The most that may be used in it; none means it is only counted.
    pub limit: Option<Amount>,
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
}
