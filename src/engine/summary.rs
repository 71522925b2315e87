//! summary: all that one subject used, and what it may.

use serde::{Deserialize, Serialize};

use super::known::TRIES;
use super::plan::plan;
use super::report::{UsageReport, windows};
use super::{Engine, EngineError, Span};
use crate::quota::policy::Source;
use crate::quota::{Resource, Subject};

/// All that one subject used, and what it may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Summary {
    /// Who.
    pub subject: Subject,
    /// The group it is in now.
    pub group: Option<String>,
    /// It and why: `group free`, `rule bridges`, `default free`.
    pub because: Option<String>,
    /// No limit of its own holds.
    pub exempt: bool,
    /// Every declared resource, used or not.
    pub resources: Vec<UsageReport>,
}

impl Engine {
    /// Returns what `subject` used of every declared resource and what is left, all at one moment.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn summary(&self, subject: &Subject) -> Result<Summary, EngineError> {
        let now = self.now();
        for _ in 0..TRIES {
            let (snapshot, grants) = self.grants(subject).await?;
            let policy = &snapshot.policy;
            let resources: Vec<Resource> = policy.resources().into_iter().cloned().collect();
            let question = resources.as_slice().into();
            let planned = plan(policy, &grants, subject, question, now, now)?;
            let told = planned.within(Span::Limits);
            let Some(readings) = self.0.store.read(&told, now).await? else {
                self.refresh().await?;
                continue;
            };
            let mut windows = windows(&told, &readings, now).into_iter();
            let reports = told.items.iter().map(|item| {
                let own = windows.by_ref().take(item.bounds.len()).collect();
                let measure = planned.measure(&item.resource);
                let source = item.source.to_string();
                UsageReport::of(subject, &item.resource, measure, source, Span::Limits, own)
            });
            let resources = reports.collect();
            let terms = policy.terms(subject, &grants, now);
            return Ok(Summary {
                subject: subject.clone(),
                group: terms.group().and_then(Source::group).map(ToString::to_string),
                because: terms.group().map(ToString::to_string),
                exempt: grants.exempt.as_ref().is_some_and(|grant| grant.live(now).is_some()),
                resources,
            });
        }
        Err(EngineError::outrun())
    }
}
