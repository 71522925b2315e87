//! Books: what commands ask and change, wherever the books are.
//!
//! A command does not know whether it has the store before it ([`Here`]) or a server that has.

mod here;
mod there;

use std::fmt::Debug;
use std::io;

use async_trait::async_trait;

pub(super) use here::Here;
pub(super) use there::{Address, Examined, There};

use super::exit::Failure;
use crate::clock::Timestamp;
use crate::engine::{
    BoostChange, Decision, Draft, Explanation, Fact, GroupChange, How, Imported, Lines,
    OverrideChange, Rebuilt, Recorded, Simulation, Someone, Span, Step, Steps, Stretch,
    SubjectView, Summary, UsageReport, Used, Wanted, Worded,
};
use crate::quota::event::Line;
use crate::quota::policy::Rule;
use crate::quota::{Amount, Capability, Grants, Layer, Measure, Period, Policy, Resource, Subject};

/// What was asked for, or why there is no answer.
pub(super) type Told<T> = Result<T, Failure>;

/// Is given a long list part by part; says false once nobody reads on.
pub(super) type Reader<'a, T> = &'a mut (dyn FnMut(&[T]) -> io::Result<bool> + Send);

/// Is given a document piece by piece; says false once nobody reads on.
pub(super) type Writer<'a> = &'a mut (dyn FnMut(&[u8]) -> io::Result<bool> + Send);

/// All that commands need.
#[async_trait]
pub(super) trait Books:
    Declaring + Granting + Counting + Telling + Carrying + Debug
{
    /// Ends the visit.
    async fn close(&self) -> Told<()>;
}

/// What binds many.
#[async_trait]
pub(super) trait Declaring: Send + Sync {
    /// Returns the present moment, by the clock that decides.
    fn now(&self) -> Timestamp;
    /// Returns the present policy.
    async fn policy(&self) -> Told<Policy>;
    /// Makes or changes a group.
    async fn set_group(&self, name: &str, change: &GroupChange) -> Told<()>;
    /// Removes a group.
    async fn remove_group(&self, name: &str) -> Told<()>;
    /// Makes or replaces a capability.
    async fn set_capability(&self, name: &str, capability: Capability) -> Told<()>;
    /// Removes a capability.
    async fn remove_capability(&self, name: &str) -> Told<()>;
    /// Puts a rule behind the others.
    async fn add_rule(&self, rule: &Rule) -> Told<()>;
    /// Removes a rule.
    async fn remove_rule(&self, pattern: &str) -> Told<()>;
    /// Says how a resource is counted.
    async fn set_resource(&self, resource: &Resource, measure: &Measure) -> Told<()>;
    /// Takes back how a resource is counted.
    async fn remove_resource(&self, resource: &Resource) -> Told<()>;
}

/// What single subjects have of their own.
#[async_trait]
pub(super) trait Granting: Send + Sync {
    /// Returns the place of one subject.
    async fn subject(&self, subject: &Subject) -> Told<SubjectView>;
    /// Returns everyone who has something of their own, by name.
    async fn everyone(&self) -> Told<Vec<(Subject, Grants)>>;
    /// Puts a subject into a group.
    async fn assign(&self, subject: &Subject, group: &str, until: Option<Timestamp>) -> Told<()>;
    /// Lifts every limit of a subject.
    async fn exempt(&self, subject: &Subject, until: Option<Timestamp>) -> Told<()>;
    /// Takes group and exemption from a subject.
    async fn unassign(&self, subject: &Subject) -> Told<()>;
    /// Takes the name of a subject off all it did; returns the name that stands there now.
    async fn forget(&self, subject: &Subject) -> Told<Subject>;
    /// Gives a subject limits of its own.
    async fn set_overrides(&self, subject: &Subject, change: &OverrideChange) -> Told<()>;
    /// Takes the overrides called `names`, or all, from a subject.
    async fn remove_overrides(&self, subject: &Subject, names: &[String]) -> Told<()>;
    /// Adds boosts to those that a subject has.
    async fn add_boosts(&self, subject: &Subject, change: &BoostChange) -> Told<()>;
    /// Takes boosts from a subject.
    async fn remove_boosts(
        &self,
        subject: &Subject,
        resource: Option<&str>,
        number: Option<usize>,
    ) -> Told<()>;
}

/// May they, and what did they?
#[async_trait]
pub(super) trait Counting: Send + Sync {
    /// Tells whether a subject may do what is asked.
    async fn check(&self, subject: &Subject, asked: &Worded) -> Told<Decision>;
    /// Tells why.
    async fn explain(&self, subject: &Subject, asked: &Worded) -> Told<Explanation>;
    /// Records what happened.
    async fn record(&self, fact: &Fact) -> Told<Recorded>;
    /// Brings a count to a value.
    async fn set(&self, subject: &Subject, resource: &Resource, value: Amount) -> Told<Recorded>;
    /// Brings counts to zero.
    async fn reset(
        &self,
        subject: &Subject,
        resources: &[Resource],
        period: Option<Period>,
    ) -> Told<()>;
}

/// What was used.
#[async_trait]
pub(super) trait Telling: Send + Sync {
    /// Returns what one subject used of one resource.
    async fn usage(&self, subject: &Subject, resource: &Resource, span: Span) -> Told<UsageReport>;
    /// Returns the same of every resource.
    async fn summary(&self, subject: &Subject) -> Told<Summary>;
    /// Returns what was used step by step.
    async fn history(
        &self,
        subject: Option<&Subject>,
        resource: &Resource,
        step: Period,
        start: Timestamp,
        end: Timestamp,
    ) -> Told<Vec<Step>>;
    /// Returns lines of the ledger.
    async fn events(&self, which: &Lines) -> Told<Vec<Line>>;
    /// Tells `reader` of everyone whose name begins with `prefix`, `most` at a time.
    async fn subjects(&self, prefix: &str, most: usize, reader: Reader<'_, Someone>) -> Told<()>;
    /// Tells `reader` of all who have reached a limit, `most` at a time.
    async fn over(&self, resource: &Resource, most: usize, reader: Reader<'_, Used>) -> Told<()>;
    /// Returns the `most` who used most.
    async fn top(
        &self,
        resource: &Resource,
        period: Option<Period>,
        most: usize,
    ) -> Told<Vec<Used>>;
}

/// Everything at once. What takes long tells its `steps`, as far as they are known.
#[async_trait]
pub(super) trait Carrying: Send + Sync {
    /// Gives the books to `writer`, as one document.
    async fn export(&self, wanted: Wanted, writer: Writer<'_>, steps: Steps<'_>) -> Told<()>;
    /// Brings a document in.
    async fn import(
        &self,
        draft: &Draft,
        how: How,
        dry_run: bool,
        steps: Steps<'_>,
    ) -> Told<Imported>;
    /// Tells the ledger again under another policy.
    async fn simulate(
        &self,
        policy: &Layer,
        stretch: Stretch,
        steps: Steps<'_>,
    ) -> Told<Simulation>;
    /// Makes counters equal the ledger.
    async fn rebuild(
        &self,
        subject: Option<&Subject>,
        dry_run: bool,
        steps: Steps<'_>,
    ) -> Told<Rebuilt>;
}
