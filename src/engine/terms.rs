//! What a user's client should know before it uploads: the size that can ever fit, what is used of
//! it, and what everyone may who is nobody in particular.

use super::{Ask, Engine, EngineError};
use crate::quota::capability::UPLOAD;
use crate::quota::plan::Bound;
use crate::quota::rule::{self, Case};
use crate::quota::strictness::{Admit, Mode};
use crate::quota::{
    Aggregate, Amount, Group, Limit, Measure, Per, Period, Policy, Resource, Subject, Unit,
};

/// More than anybody has room for.
const BOUNDLESS: Amount = Amount::new(1 << 60);

/// The stable bounds of one upload; none depends on what is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UploadTerms {
    /// The largest file that can ever be accepted; none if any size can.
    pub largest: Option<Amount>,
    /// The whole size of the smallest window in bytes; none if unlimited.
    pub window: Option<Amount>,
    /// The whole size of the smallest window in files; none if their number is not limited.
    pub files: Option<Amount>,
}

/// What was uploaded in the windows that [`UploadTerms`] tells of; where there is none, in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uploaded {
    /// Bytes; none if uploads draw on no resource in bytes.
    pub bytes: Option<Amount>,
    /// Files; none if nothing counts them.
    pub files: Option<Amount>,
}

/// What uploads of everyone are bound by who is in no group by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommonTerms {
    /// The largest file; none if any size can be uploaded.
    pub largest: Option<Amount>,
    /// What uploads draw on, each with its limits; observed ones are none.
    pub limits: Vec<CommonLimit>,
}

/// One limit of everyone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonLimit {
    /// On what.
    pub resource: Resource,
    /// How it is counted.
    pub measure: Measure,
    /// How much.
    pub amount: Amount,
    /// Per which period.
    pub period: Period,
    /// Shared by whom.
    pub per: Per,
    /// It may be passed.
    pub soft: bool,
}

impl Engine {
    /// Returns the bounds of one upload by `subject`.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn upload_terms(&self, subject: &Subject) -> Result<UploadTerms, EngineError> {
        let ask = Ask::upload(Amount::ZERO);
        let (_, planned) = self.read(subject, &ask, self.now()).await?;
        let smallest = |counts: fn(&Measure) -> bool| {
            let items = planned.plan.items.iter().zip(&planned.measures);
            let counted = items.filter(|(_, measure)| counts(measure));
            counted.flat_map(|(item, _)| &item.bounds).filter_map(denies_past).min()
        };
        let (window, files) = (smallest(Measure::in_bytes), smallest(in_files));
        let largest = [planned.max_size, window].into_iter().flatten().min();
        Ok(UploadTerms { largest, window, files })
    }

    /// Returns what `subject` has uploaded of what it may.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn uploaded(&self, subject: &Subject) -> Result<Uploaded, EngineError> {
        let (ask, now) = (Ask::upload(Amount::ZERO), self.now());
        let (readings, planned) = self.read(subject, &ask, now).await?;
        let used = |counts: fn(&Measure) -> bool| {
            let counted = |case: &Case<'_>| counts(&planned.measure(&case.item.resource));
            let cases = || rule::cases(&planned.plan, &readings, now).filter(counted);
            let limited = |case: &Case<'_>| denies_past(case.bound);
            let smallest = cases().filter(|case| limited(case).is_some()).min_by_key(limited);
            let in_all =
                || cases().find(|it| it.bound.limit.is_none() && it.bound.period == Period::Never);
            smallest.or_else(in_all).map(|case| case.reading.used)
        };
        Ok(Uploaded { bytes: used(Measure::in_bytes), files: used(in_files) })
    }

    /// Returns the largest file that `subject` could upload right now, as far as that is bound.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn room_for_upload(&self, subject: &Subject) -> Result<Option<Amount>, EngineError> {
        let (ask, now) = (Ask::upload(BOUNDLESS), self.now());
        let (readings, planned) = self.read(subject, &ask, now).await?;
        let mut room = planned.max_size;
        for case in rule::cases(&planned.plan, &readings, now) {
            let in_bytes = planned.measure(&case.item.resource).in_bytes();
            if in_bytes && case.bound.strictness.admit == Admit::Strict {
                let lacks = case.lacks()?;
                let left = BOUNDLESS.minus(lacks)?.at_least_zero();
                room = room.into_iter().chain((lacks > Amount::ZERO).then_some(left)).min();
            }
        }
        Ok(room)
    }

    /// Returns what binds the uploads of everyone; by the policy as last seen, if the store is out.
    ///
    /// # Errors
    /// Bad input if uploads draw on nothing that is declared.
    pub async fn common_terms(&self) -> Result<CommonTerms, EngineError> {
        let snapshot = self.refresh().await.unwrap_or_else(|_| self.snapshot());
        let policy = &snapshot.policy;
        let line = everyones_group(policy).map(|name| policy.line_of(name)).unwrap_or_default();
        let groups = || line.iter().map(|(_, group)| *group);
        let mut limits = Vec::new();
        for resource in policy.capability(UPLOAD)?.resources() {
            limits.extend(common_limits(policy, groups(), resource));
        }
        Ok(CommonTerms { largest: groups().find_map(|group| group.max_upload_bytes), limits })
    }
}

/// Returns the group that everyone is in unless told: that of the first rule for all, or else the
/// default one.
fn everyones_group(policy: &Policy) -> Option<&str> {
    let mut for_all = policy.rules().filter(|rule| matches!(rule.pattern.as_str(), "*" | "@*"));
    for_all.next().map(|rule| rule.group.as_str()).or_else(|| policy.default_group())
}

fn common_limits<'a>(
    policy: &'a Policy,
    mut line: impl Iterator<Item = &'a Group>,
    resource: &'a Resource,
) -> impl Iterator<Item = CommonLimit> {
    let named = line.find_map(|group| group.limits.get(resource));
    let own = named.into_iter().flat_map(Limit::windows);
    let own = own.filter(|window| window.per != Per::Server);
    let all = own.chain(policy.server_windows(resource));
    let told = all.filter(|window| window.strictness.mode != Mode::Observe);
    told.map(|window| CommonLimit {
        resource: resource.clone(),
        measure: policy.measure(resource),
        amount: window.amount,
        period: window.period.unwrap_or(policy.period()),
        per: window.per,
        soft: window.strictness.mode == Mode::Soft,
    })
}

/// Returns true for what has one more with every file.
fn in_files(measure: &Measure) -> bool {
    measure.unit == Unit::Count && measure.decimals == 0 && measure.aggregate == Aggregate::Sum
}

/// Returns the amount past which a window denies for certain; none if it never does.
fn denies_past(bound: &Bound) -> Option<Amount> {
    match (bound.strictness.mode, bound.strictness.admit) {
        (Mode::Hard, Admit::Strict) => bound.limit,
        (Mode::Soft, Admit::Strict) => bound.limit.and(bound.strictness.ceiling),
        (_, Admit::Trailing) | (Mode::Observe, _) => None,
    }
}
