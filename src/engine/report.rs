//! Telling: usage of one subject, who used most.

use serde::Serialize;

use super::plan::Planned;
use super::{Engine, EngineError, WindowDecision};
use crate::clock::Timestamp;
use crate::quota::plan::{Bound, Plan};
use crate::quota::{Amount, Bucket, Period, Resource, Subject};
use crate::store::Charged;

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsageReport {
    /// Who.
    pub subject: Subject,
    /// Of what.
    pub resource: Resource,
    /// In what it is measured.
    pub unit: &'static str,
    /// Charged.
    pub used: Amount,
    /// Set aside by reservations.
    pub reserved: Amount,
    /// The most that may be used; none if unlimited.
    pub limit: Option<Amount>,
    /// What is left; none if unlimited.
    pub remaining: Option<Amount>,
    /// What was used past the limit.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Used {
    /// Who.
    pub subject: Subject,
    /// Of what.
    pub resource: Resource,
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
    /// Returns what `subject` used of `resource`; the figures at the top are those of the window
    /// with the least room.
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
        let (readings, plan) = loop {
            let plan = planning.next().await?.within(span);
            if let Some(readings) = self.0.store.read(&plan, now).await? {
                break (readings, plan);
            }
        };
        let pairs = plan.items.iter().zip(&readings);
        let windows = pairs.flat_map(|(item, found)| item.bounds.iter().zip(found));
        let windows: Vec<_> = windows
            .map(|(bound, reading)| WindowDecision::of(bound, *reading, Amount::ZERO))
            .collect();
        let source = plan.items.first().map(|item| item.source.to_string()).unwrap_or_default();
        Ok(UsageReport::of(subject, resource, source, span, windows))
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

    /// Returns who used most of `resource` in the current stretch of the default period.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn top(&self, resource: &Resource, most: usize) -> Result<Vec<Used>, EngineError> {
        let policy = &self.refresh().await?.policy;
        let period = policy.period();
        let zone = policy.file.timezone.as_ref().or(policy.store.timezone.as_ref());
        let bucket = Bucket::of(period, &zone.cloned().unwrap_or_default(), self.now());
        let charged = self.0.store.top(resource, &bucket, most).await?;
        let mut top = Vec::with_capacity(charged.len());
        for Charged { subject, used } in charged {
            let report = self.usage(&subject, resource, Span::Period(period)).await?;
            top.push(Used {
                subject,
                resource: resource.clone(),
                used,
                limit: report.limit,
                period,
                resets_at: bucket.end,
            });
        }
        Ok(top)
    }
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
                    let limited = item.bounds.iter().any(|bound| bound.limit.is_some());
                    item.bounds.retain(|bound| bound.limit.is_some() || !limited);
                    if !limited {
                        item.bounds.truncate(1);
                    }
                }
                Span::Period(period) => {
                    let own = item.bounds.iter().find(|bound| bound.period == period);
                    let limit = own.and_then(|bound| bound.limit);
                    item.bounds = vec![Bound { period, bucket: self.bucket(period), limit }];
                }
                Span::Range(start, end) => {
                    let bucket = Bucket::range(start, end);
                    item.bounds = vec![Bound { period: Period::Never, bucket, limit: None }];
                }
            }
        }
        plan
    }
}

impl UsageReport {
    fn of(
        subject: &Subject,
        resource: &Resource,
        source: String,
        span: Span,
        windows: Vec<WindowDecision>,
    ) -> Self {
        let tightest = windows.iter().min_by_key(|window| window.remaining.unwrap_or(Amount::MAX));
        let over = |window: &WindowDecision| {
            window.limit.and_then(|limit| window.used.minus(limit).ok()).unwrap_or_default()
        };
        let in_range = matches!(span, Span::Range(..));
        Self {
            subject: subject.clone(),
            resource: resource.clone(),
            unit: resource.unit().name(),
            used: tightest.map(|window| window.used).unwrap_or_default(),
            reserved: tightest.map(|window| window.reserved).unwrap_or_default(),
            limit: tightest.and_then(|window| window.limit),
            remaining: tightest.and_then(|window| window.remaining),
            overage: tightest.map(over).unwrap_or_default().at_least_zero(),
            period: tightest.map(|window| window.period).filter(|_| !in_range),
            resets_at: tightest.and_then(|window| window.resets_at).filter(|_| !in_range),
            source,
            windows,
        }
    }
}
