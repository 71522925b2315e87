//! Telling: usage of one subject.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::plan::Planned;
use super::{Engine, EngineError, WindowDecision};
use crate::clock::Timestamp;
use crate::quota::plan::{Bound, Plan, Readings};
use crate::quota::rule;
use crate::quota::strictness::Mode;
use crate::quota::{Aggregate, Amount, Bucket, Measure, Per, Period, Resource, Subject};

/// Of which stretch of time usage is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Span {
    /// Of the windows of the limit, now.
    #[default]
    Limits,
    /// Of the current stretch of a period.
    Period(Period),
    /// Of `[start, end)`, from the ledger.
    Range(Timestamp, Timestamp),
}

/// What one subject used of one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct UsageReport {
    /// Who.
    pub subject: Subject,
    /// Of what.
    pub resource: Resource,
    /// In what it is measured.
    pub unit: String,
    /// How it is counted; not written.
    #[serde(skip)]
    pub measure: Measure,
    /// Charged.
    pub used: Amount,
    /// Set aside by reservations.
    pub reserved: Amount,
    /// The most that may be used; none if unlimited.
    pub limit: Option<Amount>,
    /// What is left; none if unlimited.
    pub remaining: Option<Amount>,
    /// What was used past a limit: of several that are passed, the most. What is only observed
    /// counts where nothing else is.
    pub overage: Amount,
    /// Per which period; none for a range.
    pub period: Option<Period>,
    /// When the count starts anew; none if never.
    pub resets_at: Option<Timestamp>,
    /// Where the limit comes from.
    pub source: String,
    /// Every window.
    pub windows: Vec<WindowDecision>,
}

/// Someone in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Used {
    /// Who.
    pub subject: Subject,
    /// Of what.
    pub resource: Resource,
    /// How it is counted; not written.
    #[serde(skip)]
    pub measure: Measure,
    /// Charged.
    pub used: Amount,
    /// The most that may be used; none if unlimited.
    pub limit: Option<Amount>,
    /// Per which period.
    pub period: Period,
    /// When the count starts anew; none if never.
    pub resets_at: Option<Timestamp>,
}

impl Engine {
    /// Returns what `subject` used of `resource`; the figures at the top are those of its own
    /// window with the least room.
    ///
    /// # Errors
    /// Bad input for a range that ends before it starts; unavailable if the store is.
    pub async fn usage(
        &self,
        subject: &Subject,
        resource: &Resource,
        span: Span,
    ) -> Result<UsageReport, EngineError> {
        if let Span::Range(start, end) = span
            && end <= start
        {
            return Err(EngineError::BadInput(format!(
                "the range ends at {end}, before it starts"
            )));
        }
        let now = self.now();
        let mut planning = self.planning(subject, std::slice::from_ref(resource), Some(now));
        let (readings, plan, measure) = loop {
            let planned = planning.next().await?;
            let (plan, measure) = (planned.within(span), planned.measure(resource));
            if let Some(readings) = self.0.store.read(&plan, now).await? {
                break (readings, plan, measure);
            }
        };
        let windows = windows(&plan, &readings, now);
        let source = plan.items.first().map(|item| item.source.to_string()).unwrap_or_default();
        Ok(UsageReport::of(subject, resource, measure, source, span, windows))
    }

    /// Returns the declared resources.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn resources(&self) -> Result<Vec<Resource>, EngineError> {
        Ok(self.refresh().await?.policy.resources().into_iter().cloned().collect())
    }

    /// Returns the declared resource called `name`.
    ///
    /// # Errors
    /// Bad input if it is not declared; unavailable if the store is.
    pub async fn resource(&self, name: &str) -> Result<Resource, EngineError> {
        // A new name may have been declared since the policy was last seen.
        match self.snapshot().policy.resource(name) {
            Ok(resource) => Ok(resource.clone()),
            Err(_) => Ok(self.refresh().await?.policy.resource(name)?.clone()),
        }
    }

    /// Returns how `resource` is counted, by the policy as last seen.
    #[must_use]
    pub fn measure(&self, resource: &Resource) -> Measure {
        self.snapshot().policy.measure(resource)
    }
}

/// Tells every window of `plan` as it is, whatever was asked.
pub(super) fn windows(plan: &Plan, readings: &Readings, now: Timestamp) -> Vec<WindowDecision> {
    let mut told = plan.clone();
    for item in &mut told.items {
        item.aggregate = Aggregate::Sum;
        item.amount = Amount::ZERO;
    }
    rule::cases(&told, readings, now).map(|case| WindowDecision::of(&case)).collect()
}

impl Planned {
    /// Returns the bucket of `period` at the moment of the plan, in the subject's zone.
    pub(super) fn bucket(&self, period: Period) -> Bucket {
        Bucket::of(period, &self.zone, self.plan.at)
    }

    /// Returns the plan that reads `span` instead of the windows that would decide.
    pub(super) fn within(&self, span: Span) -> Plan {
        let mut plan = self.plan.clone();
        for item in &mut plan.items {
            match span {
                Span::Limits => {
                    let own = |bound: &Bound| bound.per == Per::Subject;
                    let limited = |bound: &Bound| bound.limit.is_some();
                    let mut counted = item.bounds.iter().any(|it| own(it) && limited(it));
                    // Without a limit of its own: what it used per default period.
                    item.bounds.retain(|it| limited(it) || !std::mem::replace(&mut counted, true));
                }
                Span::Period(period) => {
                    let own = item.bounds.iter().find(|bound| {
                        bound.period == period && bound.per == Per::Subject && bound.limit.is_some()
                    });
                    let counting = || Bound::counting(period, self.bucket(period));
                    item.bounds = vec![own.cloned().unwrap_or_else(counting)];
                }
                Span::Range(start, end) => {
                    let bucket = Bucket::range(start, end);
                    item.bounds = vec![Bound::counting(Period::Never, bucket)];
                }
            }
        }
        plan
    }
}

impl UsageReport {
    pub(super) fn of(
        subject: &Subject,
        resource: &Resource,
        measure: Measure,
        source: String,
        span: Span,
        windows: Vec<WindowDecision>,
    ) -> Self {
        let of_its_own = |window: &WindowDecision| window.per == Per::Subject;
        let none_of_its_own = !windows.iter().any(of_its_own);
        let own = || windows.iter().filter(|window| none_of_its_own || of_its_own(window));
        let observed = |window: &WindowDecision| window.mode == Mode::Observe;
        let all_observed = own().all(observed);
        let heeded = || own().filter(|window| all_observed || !observed(window));
        let room = |window: &WindowDecision| window.remaining.unwrap_or(Amount::MAX);
        // Of several without room, the one that is passed by most.
        let tightest = heeded().min_by_key(|window| (room(window), Reverse(overage(window))));
        let in_range = matches!(span, Span::Range(..));
        Self {
            subject: subject.clone(),
            resource: resource.clone(),
            unit: measure.unit.name().to_owned(),
            measure,
            used: tightest.map(|window| window.used).unwrap_or_default(),
            reserved: tightest.map(|window| window.reserved).unwrap_or_default(),
            limit: tightest.and_then(|window| window.limit),
            remaining: tightest.and_then(|window| window.remaining),
            overage: heeded().map(overage).max().unwrap_or_default(),
            period: tightest.map(|window| window.period).filter(|_| !in_range),
            resets_at: tightest.and_then(|window| window.resets_at).filter(|_| !in_range),
            source,
            windows,
        }
    }
}

/// Returns what was used past the limit of a window.
fn overage(window: &WindowDecision) -> Amount {
    let past = window.limit.and_then(|limit| window.used.minus(limit).ok());
    past.unwrap_or_default().at_least_zero()
}
